/** Chunks of Google's protocol for backends that take whole multiples of their granularity only. */

import type { Chunk } from "../backend.ts";
import { type BodyBounds, lengthOf, passBody } from "../request_body.ts";
import type { Core, OpenSession } from "../core.ts";
import { badRequest } from "../http_error.ts";
import type { AppendOptions } from "../sealed_session.ts";
import { drain, firstBytes } from "./part_body.ts";

/** A chunk of which as much is passed on as the backend can keep. */
export interface AlignedChunk {
  readonly chunk: Chunk;
  readonly options: AppendOptions;
  /** Reads what is not passed on, so that the client hears the reply. */
  readonly drain: () => Promise<void>;
}

/**
 * Cuts what the backend could not keep off the end of a chunk that does not finish the upload: the reply says how much is
 * stored, and the client sends the rest again.
 */
export async function alignedChunk(
  { maxChunkBytes }: Core,
  { backend, granularity }: OpenSession,
  chunk: Chunk,
  { headers, body }: Request,
): Promise<AlignedChunk> {
  const { first, last, total } = chunk.range ?? {};
  const whole: AlignedChunk = { chunk, options: {}, drain: () => Promise.resolve() };
  if (backend.takesAnySize || first === undefined || last === undefined || last + 1 === total) {
    return whole;
  }
  const length = last + 1 - first;
  const kept = length - length % granularity;
  const isRefused = !body || (lengthOf({ headers, body }) ?? length) !== length ||
    length > maxChunkBytes; // in words of its own
  if (kept === length || isRefused) return whole;
  if (kept === 0) {
    await drain(body);
    throw badRequest(
      `Invalid request.  The number of bytes uploaded is required to be equal or greater than ${granularity}, ` +
        `except for the final request.  The received request contained ${length} bytes.`,
    );
  }
  const part = firstBytes(body, kept);
  const take = (bounds: BodyBounds) => ({
    ...passBody({ headers: new Headers({ "content-length": `${kept}` }), body: part.body }, bounds),
    problem: part.problem,
  });
  const range = { first, last: first + kept - 1, total };
  return { chunk: { ...chunk, range }, options: { take }, drain: part.drain };
}
