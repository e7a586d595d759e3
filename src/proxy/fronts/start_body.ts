/** The metadata of a start, which some clients of Google's pack. */

import { lengthOf, readText } from "../request_body.ts";
import type { Core } from "../core.ts";
import { MAX_METADATA, refuseEncoding } from "./front.ts";

/** Reads it as text; empty for none. */
export async function readMetadata(core: Core, request: Request): Promise<string> {
  return await readText(decoded(request), MAX_METADATA, core.startTimeout);
}

/** The body without the packing. */
function decoded({ headers, body }: Request): Request["body"] {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase();
  if (encoding !== "gzip" && encoding !== "deflate") {
    refuseEncoding(headers);
    return lengthOf({ headers, body }) === 0 ? null : body; // some servers give an empty one a stream
  }
  return body?.pipeThrough(inSlices()).pipeThrough(new DecompressionStream(encoding)) ?? null;
}

/** What is unpacked at once, in bytes: a thousand times as much may come of it, and it all has to be held. */
const SLICE = 512;

/** The same bytes in slices, so that no more is unpacked than is read. */
function inSlices(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(piece, controller) {
      for (let at = 0; at < piece.length; at += SLICE) {
        controller.enqueue(piece.slice(at, at + SLICE));
      }
    },
  });
}
