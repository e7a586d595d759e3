/**
 * Which API a path belongs to.
 *
 * @module
 */

import { DRIVE } from "./drive_api.ts";
import { FIREBASE } from "./firebase.ts";
import { GEMINI } from "./gemini.ts";
import { PHOTOS } from "./photos.ts";
import type { FoundPlace, Place } from "./api_path.ts";
import { SHOWCASE } from "./showcase.ts";
import { YOUTUBE } from "./youtube.ts";

const PLACES: readonly Place[] = [
  ...DRIVE,
  ...GEMINI,
  ...YOUTUBE,
  ...PHOTOS,
  ...FIREBASE,
  ...SHOWCASE,
];

/** The place of a path, with the parts that vary. */
export function placeOf(path: string): FoundPlace | null {
  for (const place of PLACES) {
    const match = place.path.exec(path);
    if (match) return { place, parts: match.slice(1).map(decoded) };
  }
  return null;
}

/** Undoes percent-encoding; what is not encoded correctly stays as it is. */
export function decoded(text: string | undefined): string {
  return (text ?? "").replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}
