/**
 * Which API a path belongs to.
 *
 * @module
 */

import { DRIVE } from "./drive_api.ts";
import { FIREBASE } from "./firebase.ts";
import { GEMINI } from "./gemini.ts";
import { PHOTOS } from "./photos.ts";
import type { ApiPath, MatchedPath } from "./api_path.ts";
import { SHOWCASE } from "./showcase.ts";
import { YOUTUBE } from "./youtube.ts";

const API_PATHS: readonly ApiPath[] = [
  ...DRIVE,
  ...GEMINI,
  ...YOUTUBE,
  ...PHOTOS,
  ...FIREBASE,
  ...SHOWCASE,
];

/** The place of a path, with the parts that vary. */
export function matchPath(path: string): MatchedPath | null {
  for (const api of API_PATHS) {
    const match = api.path.exec(path);
    if (match) return { api, parts: match.slice(1).map(decoded) };
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
