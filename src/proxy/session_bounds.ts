/** The bounds of a session's request, so that the object stays within what was allowed. */

import type { Chunk } from "./backend.ts";
import type { BodyBounds } from "./request_body.ts";
import { type Core, noHash, type OpenSession } from "./core.ts";
import { badRequest, tooLarge } from "./http_error.ts";

/**
 * What the body of a request must keep to.
 *
 * @throws {HttpError} the request cannot be within it, whatever its body is
 */
export function boundsOf(core: Core, session: OpenSession, { range, hash }: Chunk): BodyBounds {
  const { maxChunkBytes, limits } = core;
  const { first = 0, last, total } = range ?? {};
  if (total !== undefined && session.size !== undefined && total !== session.size) {
    throw badRequest(
      `Expected an object of ${session.size} bytes as declared at the start, got ${total}`,
    );
  }
  const max = Math.min(session.maxBytes, limits.maxBytes, session.size ?? Infinity);
  if ((total ?? 0) > max || (last ?? first - 1) >= max) {
    throw tooLarge(`At most ${max} bytes are allowed for this object`);
  }
  const carries = !range || range.first !== undefined;
  const end = last === undefined ? total : last + 1;
  const exact = !carries ? 0 : range && end !== undefined ? end - first : undefined;
  if ((exact ?? 0) > maxChunkBytes) {
    throw tooLarge(`At most ${maxChunkBytes} bytes are allowed in a request, got ${exact}`);
  }
  // Whether the object is finished when this has arrived, if anything.
  const isLast = !range || (carries ? end === undefined || end === total : total !== undefined);
  if (isLast && session.needsHash && hash === undefined) throw noHash("in X-Goog-Hash");
  const { minBytes = 0 } = session;
  if (total !== undefined && total < minBytes) {
    throw badRequest(`At least ${minBytes} bytes are expected of this object, got ${total}`);
  }
  const min = isLast && total === undefined ? Math.max(0, minBytes - first) : 0;
  return { exact, max: Math.min(maxChunkBytes, max - first), min };
}
