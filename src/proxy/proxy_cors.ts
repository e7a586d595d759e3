/** Which pages of other origins may use the proxy from a browser. */

import { isAllowedOrigin } from "./page_origins.ts";

/** Headers that a page may send. */
const ALLOWED_HEADERS = [
  "authorization",
  "content-digest",
  "content-disposition",
  "content-range",
  "content-type",
  "repr-digest",
  "tus-resumable",
  "upload-checksum",
  "upload-complete",
  "upload-concat",
  "upload-defer-length",
  "upload-draft-interop-version",
  "upload-incomplete",
  "upload-length",
  "upload-metadata",
  "upload-offset",
  "user-agent",
  "want-repr-digest",
  "x-firebase-appcheck",
  "x-firebase-gmpid",
  "x-firebase-storage-version",
  "x-goog-api-client",
  "x-goog-api-key",
  "x-goog-hash",
  "x-goog-upload-command",
  "x-goog-upload-content-type",
  "x-goog-upload-file-name",
  "x-goog-upload-header-content-length",
  "x-goog-upload-header-content-type",
  "x-goog-upload-offset",
  "x-goog-upload-protocol",
  "x-goog-upload-raw-size",
  "x-goog-user-project",
  "x-guploader-no-308",
  "x-http-method-override",
  "x-request-id",
  "x-requested-with",
  "x-server-timeout",
  "x-upload-content-length",
  "x-upload-content-type",
];

/** Headers that a page may read. */
const EXPOSED_HEADERS = [
  "accept-patch",
  "allow",
  "etag",
  "location",
  "range",
  "retry-after",
  "server-timing",
  "tus-extension",
  "tus-max-size",
  "tus-resumable",
  "tus-version",
  "upload-complete",
  "upload-defer-length",
  "upload-draft-interop-version",
  "upload-expires",
  "upload-incomplete",
  "upload-length",
  "upload-limit",
  "upload-metadata",
  "upload-offset",
  "x-goog-generation",
  "x-goog-hash",
  "x-goog-metageneration",
  "x-goog-running-hash",
  "x-goog-stored-content-length",
  "x-goog-upload-chunk-granularity",
  "x-goog-upload-control-url",
  "x-goog-upload-size-received",
  "x-goog-upload-status",
  "x-goog-upload-url",
  "x-http-status-code-override",
  "x-max-chunk-bytes",
];

/** How long a browser may remember the answer to a preflight, in seconds: a day, of which browsers take what they like. */
const MAX_AGE = 86_400;

/** The answer to a preflight, which also says what protocols there are: a request for that is no different. */
export function preflight(discovery: Readonly<Record<string, string>>): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...discovery,
      "access-control-allow-headers": ALLOWED_HEADERS.join(", "),
      "access-control-allow-methods": "POST, PUT, PATCH, HEAD, DELETE, OPTIONS",
      "access-control-max-age": String(MAX_AGE),
    },
  });
}

/** The most of an origin that is told. */
const MAX_ORIGIN_LENGTH = 200;

/** The origin of a page that may not read the reply, cut where it is very long; a page of the proxy's own may. */
export function refusedOrigin(
  { headers }: Request,
  allowed: readonly string[],
  own: string,
): string | undefined {
  const origin = headers.get("origin");
  if (origin === null || origin === own || isAllowedOrigin(allowed, origin)) return undefined;
  return origin.slice(0, MAX_ORIGIN_LENGTH);
}

/** Lets the page that asked read a reply, if its origin is allowed. */
export function withCors(
  response: Response,
  request: Request,
  allowed: readonly string[],
): Response {
  response.headers.append("vary", "Origin");
  const origin = request.headers.get("origin");
  if (origin !== null && isAllowedOrigin(allowed, origin)) {
    response.headers.set("access-control-allow-origin", origin);
    response.headers.set("access-control-expose-headers", EXPOSED_HEADERS.join(", "));
  }
  return response;
}
