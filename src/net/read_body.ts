/** Reading the body of a reply, which may be anybody's: never more of it than it should have. */

import { concat } from "../bytes/bytes.ts";

/** The most bytes of a body that is read in one go. */
const SHORT = 65_536;

/**
 * Reads a body to its end; `undefined` when it has more than `max` bytes.
 *
 * One that says how short it is, as most do, is left to the runtime: in Deno that is half of the time that a request takes
 * with a reader. Of any other, one that is too long or that `signal` says nobody waits for any more is cancelled.
 */
export async function readBody(
  response: Response,
  max: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const length = response.headers.get("content-length");
  // The length is that of the encoded bytes; a page does not see the encoding of a reply of another origin.
  const mayBeEncoded = response.headers.has("content-encoding") || response.type === "cors";
  if (length && Number(length) <= Math.min(SHORT, max) && !mayBeEncoded) {
    return new Uint8Array(await response.arrayBuffer());
  }
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    size += piece.value.length;
    if (signal?.aborted || size > max) {
      reader?.cancel().catch(() => {}); // nobody waits for that: a transport's stream may never answer
      signal?.throwIfAborted();
      return undefined;
    }
    pieces.push(piece.value);
  }
  return concat(pieces);
}
