/** The versions of the IETF's resumable uploads that clients in the field speak, and how they differ. */

import { booleanField, integerField, writeBoolean } from "./structured_fields.ts";

/** How a client speaks. */
export interface Dialect {
  /** `Upload-Draft-Interop-Version`: 3 to 8; the newest for clients that name none, or a later one. */
  readonly version: number;
  /** Whether the client may be sent an interim 104: it has named a version that is spoken here. */
  readonly takesInterim: boolean;
  /** Whether the version is one of the first, in which a success that carries another offset than was sent is a failure. */
  readonly isEarly: boolean;
  /** Whether bytes that are appended must have the media type for it. */
  readonly needsType: boolean;
}

/** The versions that are spoken here. 3 is draft -01, 5 is -03, 6 is -04 and -05, 7 is -06 to -08, 8 is -09 and later. */
export const OLDEST = 3;
const NEWEST = 8;

const VERSION = "upload-draft-interop-version";

/** Of the oldest version: the opposite of `Upload-Complete`. */
const INCOMPLETE = "upload-incomplete", COMPLETE = "upload-complete";

/** The media type of bytes that are appended. */
export const PARTIAL = "application/partial-upload";

/** Whether the headers of a request are some that only this protocol has. */
export function hasDialect(headers: Headers): boolean {
  return [VERSION, COMPLETE, INCOMPLETE].some((name) => headers.has(name)) ||
    essenceOf(headers) === PARTIAL;
}

/** How the client of a request speaks. */
export function dialectOf(headers: Headers): Dialect {
  const named = integerField(headers, VERSION);
  const version = Math.min(named ?? (headers.has(INCOMPLETE) ? OLDEST : NEWEST), NEWEST);
  return {
    version,
    takesInterim: named === version,
    isEarly: version <= 6,
    needsType: version >= 6,
  };
}

/** Whether a request says that the upload ends with it; `undefined` where it does not say. */
export function completeOf(headers: Headers, { version }: Dialect): boolean | undefined {
  if (version !== OLDEST) return booleanField(headers, COMPLETE);
  const incomplete = booleanField(headers, INCOMPLETE);
  return incomplete === undefined ? undefined : !incomplete;
}

/** The field by which a client says it. */
export function completeName({ version }: Dialect): string {
  return version === OLDEST ? "Upload-Incomplete" : "Upload-Complete";
}

/** Writes a reply in the client's version. What says nothing else is a word of the protocol, and not the end of an upload. */
export function inDialect(headers: Headers, { version }: Dialect): void {
  headers.set(VERSION, String(version));
  const isComplete = booleanField(headers, COMPLETE) ?? false;
  headers.set(COMPLETE, writeBoolean(isComplete));
  if (version !== OLDEST) return;
  headers.delete(COMPLETE);
  headers.set(INCOMPLETE, writeBoolean(!isComplete));
}

/** The media type without its parameters. */
export function essenceOf(headers: Headers): string | undefined {
  return headers.get("content-type")?.split(";", 1)[0].trim().toLowerCase();
}
