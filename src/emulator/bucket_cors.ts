/**
 * What browsers may do.
 *
 * @module
 */

import type { CorsOptions } from "./emulator_options.ts";
import type { Session } from "./storage/stored_session.ts";

const METHODS = "GET, HEAD, PUT, PATCH, POST, DELETE";

/** The headers that a browser client of the protocol reads. */
const EXPOSED: readonly string[] = [
  "Content-Length",
  "Content-Range",
  "Content-Type",
  "ETag",
  "Location",
  "Range",
  "Retry-After",
  "X-Goog-Generation",
  "X-Goog-Hash",
  "X-Goog-Metageneration",
  "X-Goog-Running-Hash",
  "X-Goog-Storage-Class",
  "X-Goog-Upload-Chunk-Granularity",
  "X-Goog-Upload-Control-URL",
  "X-Goog-Upload-Size-Received",
  "X-Goog-Upload-Status",
  "X-Goog-Upload-URL",
  "X-Goog-Stored-Content-Encoding",
  "X-Goog-Stored-Content-Length",
  "X-GUploader-UploadID",
  "X-HTTP-Status-Code-Override",
  "X-Range-MD5",
];

/** The answer to a preflight; its other CORS headers are those of any reply. */
export function preflightReply(headers: Headers, cors: CorsOptions | null): Response {
  const requested = headers.get("access-control-request-headers");
  const allowed = cors?.responseHeaders?.join(", ") ?? requested;
  return new Response(null, {
    headers: {
      "access-control-allow-methods": METHODS,
      ...(allowed && { "access-control-allow-headers": allowed }),
      "access-control-max-age": String(cors?.maxAge ?? 3600),
      "content-length": "0",
      "content-type": "text/html; charset=UTF-8",
    },
  });
}

/** Adds the headers that let a browser read a reply. */
export function allowOrigin(
  reply: Response,
  origin: string | null,
  cors: CorsOptions | null,
  session: Session | undefined,
): void {
  reply.headers.set("vary", "Origin, X-Origin");
  if (origin === null || !isAllowed(origin, cors, session)) {
    for (const name of ["methods", "headers", "max-age"]) {
      reply.headers.delete(`access-control-${name === "max-age" ? name : `allow-${name}`}`);
    }
    return;
  }
  reply.headers.set("access-control-allow-origin", origin);
  reply.headers.set(
    "access-control-expose-headers",
    (cors?.responseHeaders ?? EXPOSED).join(", "),
  );
}

function isAllowed(
  origin: string,
  cors: CorsOptions | null,
  session: Session | undefined,
): boolean {
  if (!cors) return true;
  if (session) return session.browserOrigin === origin;
  return cors.origins.includes("*") || cors.origins.includes(origin);
}
