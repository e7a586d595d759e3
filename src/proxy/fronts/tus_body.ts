/** The media type by which tus knows bytes for an upload. */

import { HttpError } from "../http_error.ts";

const BYTES = "application/offset+octet-stream";

/** Whether a body is bytes for an upload, by what its request says. */
export function isBytes(headers: Headers): boolean {
  return headers.get("content-type")?.trim().toLowerCase() === BYTES;
}

/** Refuses a body of another type. */
export function expectBytes(headers: Headers): void {
  if (isBytes(headers)) return;
  throw new HttpError(415, "unsupportedMediaType", `Content-Type: expected ${BYTES}`);
}
