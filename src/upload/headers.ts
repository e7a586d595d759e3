/** The headers that callers give: which requests they go with, and which none can have. */

import { CREDENTIAL_HEADERS } from "../net/redact.ts";
import { type Checksums, parseHashes } from "../protocol/hashes.ts";
import { checkCrc32c } from "./claimed_checksums.ts";

/** The caller's headers, by where they go. */
export interface CheckedHeaders {
  /** Of the first request. */
  readonly startHeaders: Headers;
  /** Of the requests after it. */
  readonly headers: Headers;
  /** What the caller says that the whole object has. */
  readonly claimed: Checksums;
}

/** Headers that the library or the platform sets; a value of the caller's would break the request. */
const OWN_HEADERS = [
  "connection",
  "content-length",
  "content-range",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-upload-content-length",
  "x-upload-content-type",
];

/** Headers that a request can carry, those of the first request and those of the others. */
export function checkHeaders(
  baseHeaders: HeadersInit | undefined,
  ofStart?: HeadersInit | undefined,
): CheckedHeaders {
  if (baseHeaders === undefined && ofStart === undefined) {
    return { startHeaders: new Headers(), headers: new Headers(), claimed: {} };
  }
  const headers = legalHeaders(baseHeaders);
  const startHeaders = legalHeaders(baseHeaders);
  for (const [name, value] of legalHeaders(ofStart)) startHeaders.set(name, value);
  const own = OWN_HEADERS.find((name) => startHeaders.has(name));
  if (own) {
    const hint = own.endsWith("content-type") ? "; the media type is `contentType`" : "";
    throw new TypeError(`headers: expected none that the request itself needs, got ${own}${hint}`);
  }
  const hash = startHeaders.get("x-goog-hash");
  const claimed = parseHashes(hash);
  if (hash !== null && claimed.crc32c === undefined && claimed.md5 === undefined) {
    throw new TypeError('headers: expected x-goog-hash of the form "crc32c=…,md5=…", got another');
  }
  checkCrc32c(claimed.crc32c, "headers: x-goog-hash");
  startHeaders.delete("x-goog-hash");
  // What speaks for the caller goes to where an upload is started, and nowhere else.
  for (const name of [...CREDENTIAL_HEADERS, "x-goog-hash"]) headers.delete(name);
  return { startHeaders, headers, claimed };
}

/** Headers as the platform takes them; its own error would show their values. */
export function legalHeaders(init: HeadersInit | undefined): Headers {
  try {
    return new Headers(init);
  } catch {
    throw new TypeError("headers: expected names and values that a request can have, got others");
  }
}
