/**
 * Downloads, compresses and uploads at the same time; nothing is held but what is on its way.
 *
 * ```sh
 * deno run --allow-net examples/pipe_response.ts [URL]
 * ```
 *
 * @module
 */

import { upload, uploadStream } from "@resumable-media/upload";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";

const server = await serveEmulator(new GcsEmulator());

/** Something to download: an object of the emulator. */
async function something(): Promise<string> {
  const text = "It was a dark and stormy night.\n".repeat(100_000);
  const object = await upload(text, { bucket: "my-bucket", name: "log", endpoint: server.origin });
  return object.mediaLink!;
}

try {
  const { writable, result } = uploadStream({
    bucket: "my-bucket",
    name: "log.gz",
    endpoint: server.origin,
    contentType: "text/plain",
    metadata: { contentEncoding: "gzip" },
  });
  const response = await fetch(Deno.args[0] ?? await something());
  if (!response.body) throw new Error(`${response.url} has no body`);
  await response.body.pipeThrough(new CompressionStream("gzip")).pipeTo(writable);
  const { name, size, contentEncoding } = await result;
  console.log(`${name}: ${size} bytes of ${contentEncoding}`);
} finally {
  await server.close();
}
