/**
 * The log of requests: what came, as what it was taken, and what became of it.
 *
 * @module
 */

import type { Incoming } from "./incoming.ts";

/**
 * What a request is for.
 *
 * | kind | request |
 * | --- | --- |
 * | `initiate` | starts a resumable session, of either protocol, or a multipart upload of the XML API |
 * | `chunk` | sends bytes that do not end the object |
 * | `final` | sends the bytes that end the object, or the whole object |
 * | `status` | asks where a session stands |
 * | `finalize` | an empty body that ends the object: `bytes *` `/N` where N bytes are stored, or the command alone |
 * | `cancel` | ends a session without an object |
 * | `media`, `multipart` | an upload in one request |
 * | `part`, `complete`, `abort` | a multipart upload of the XML API: sends a part, makes an object of the parts, ends it without one |
 * | `list parts`, `list uploads` | asks for its parts, or for the unfinished ones of a bucket |
 * | `compose` | makes an object of other objects |
 * | `get`, `list`, `patch`, `delete` | requests about finished objects |
 * | `other` | anything else, CORS preflights for instance |
 */
export type RequestKind =
  | "initiate"
  | "chunk"
  | "final"
  | "status"
  | "finalize"
  | "cancel"
  | "media"
  | "multipart"
  | "part"
  | "complete"
  | "abort"
  | "list parts"
  | "list uploads"
  | "compose"
  | "get"
  | "list"
  | "patch"
  | "delete"
  | "other";

/** What an injected fault did to a request. */
export type FaultName =
  | "drop before"
  | "drop after"
  | "cut"
  | "status"
  | "delay"
  | "expire"
  | "corrupt"
  | "shorten"
  | "stall"
  | "early"
  | "hang before"
  | "hang after"
  | "refuse"
  | "rewrite"
  | "move";

/** One request in the log. */
export interface RequestRecord {
  /** Counts from 0. */
  readonly index: number;
  /** Upper-case. */
  readonly method: string;
  /** Without `upload_id` and other secrets. */
  readonly url: string;
  /** What it is for. */
  readonly kind: RequestKind;
  /** Which session it was on, counted from 0 in the order of their start; else `null`. */
  readonly session: number | null;
  /** The `Content-Range` header. */
  readonly contentRange: string | null;
  /** All headers, lower-case; the values of secret ones are `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>;
  /** How many bytes of the body have arrived so far. */
  readonly bodyBytes: number;
  /** The status of the reply; `null` before the reply, and if the request fails without one. */
  readonly status: number | null;
  /** The injected fault that was applied, or `null`. */
  readonly fault: FaultName | null;
}

/** A record while its request is being served. */
export type OpenRecord = { -readonly [K in keyof RequestRecord]: RequestRecord[K] };

/** A record of a request that has just come; it follows the bytes of the body. */
export function openRecord(
  index: number,
  { method, url, headers, body }: Incoming,
  kind: RequestKind,
  session: number | null,
): OpenRecord {
  const record: OpenRecord = {
    index,
    method,
    url: shownUrl(url),
    kind,
    session,
    contentRange: headers.get("content-range"),
    headers: shownHeaders(headers),
    bodyBytes: 0,
    status: null,
    fault: null,
  };
  body.watch((received) => record.bodyBytes = received);
  return record;
}

const SECRET_PARAMETERS =
  /([?&](?:upload_id|x-goog-signature|x-amz-signature|x-amz-security-token|access_token|key)=)[^&]*/gi;
const SECRET_HEADERS: readonly string[] = [
  "authorization",
  "cookie",
  "x-goog-api-key",
  "x-amz-security-token",
  "x-goog-encryption-key",
  "x-goog-copy-source-encryption-key",
];

/** A URL that can be shown. */
function shownUrl(url: URL): string {
  return url.href.replace(SECRET_PARAMETERS, "$1[redacted]");
}

/** Headers that can be shown. */
function shownHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].map((
      [name, value],
    ) => [name, SECRET_HEADERS.includes(name) ? "[redacted]" : value]),
  );
}
