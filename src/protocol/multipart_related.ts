/** `multipart/related` framing of metadata and media, with a length that is known beforehand. */

import type { ObjectMetadata } from "./resources/storage_object.ts";

/** The bytes before and after the media. */
export interface MultipartFrame {
  /** The value of the request's `Content-Type`. */
  readonly contentType: string;
  readonly head: Uint8Array<ArrayBuffer>;
  readonly tail: Uint8Array<ArrayBuffer>;
}

/**
 * Frames metadata and media as Google wants it: exactly two parts, the JSON first (RFC 2387).
 *
 * `boundary` must not occur in the media; a random UUID does not.
 */
export function multipartFrame(
  metadata: ObjectMetadata,
  contentType: string,
  boundary: string,
): MultipartFrame {
  if (/[\r\n]/.test(contentType)) throw new TypeError("contentType: expected one line, got more");
  const encoder = new TextEncoder();
  return {
    contentType: `multipart/related; boundary="${boundary}"`,
    head: encoder.encode(
      `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${
        JSON.stringify(metadata)
      }\r\n` +
        `--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`,
    ),
    tail: encoder.encode(`\r\n--${boundary}--\r\n`),
  };
}
