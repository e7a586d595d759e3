/**
 * Uploads a stream of so many bytes, in a process of its own, and prints the peak of its memory (RSS, in bytes).
 *
 * Usage: `uploader.ts ORIGIN BYTES CHUNK_SIZE`
 *
 * @module
 */

import process from "node:process";
import { upload } from "../../../mod.ts";

const [origin, bytes, chunkSize] = Deno.args;

const object = await upload(generated(Number(bytes)), {
  bucket: "bench",
  name: "stream",
  endpoint: origin,
  chunkSize: Number(chunkSize),
});
if (object.size !== bytes) throw new Error(`expected ${bytes} bytes, got ${object.size}`);
console.log(process.resourceUsage().maxRSS * 1024);

/** A byte stream that makes its bytes when they are asked for. */
function generated(size: number): ReadableStream<Uint8Array> {
  let made = 0;
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: 65_536,
    pull(controller) {
      const request = controller.byobRequest!;
      const view = request.view!;
      const length = Math.min(view.byteLength, size - made);
      if (length === 0) controller.close();
      else new Uint8Array(view.buffer, view.byteOffset, length).fill(made >>> 16);
      made += length;
      request.respond(length);
    },
  });
}
