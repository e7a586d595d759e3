/**
 * Uploads a file and shows how far it is.
 *
 * ```sh
 * deno run --allow-read --allow-net=127.0.0.1 examples/upload_file.ts FILE
 * ```
 *
 * @module
 */

import { upload } from "@resumable-media/upload";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { fileSource } from "@resumable-media/upload/file";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";

const [path] = Deno.args;
if (path === undefined) {
  console.error("usage: deno run --allow-read --allow-net=127.0.0.1 examples/upload_file.ts FILE");
  Deno.exit(2);
}

// In place of Google. For the real one, leave out `endpoint`, and see custom_transport.ts for the token.
const server = await serveEmulator(new GcsEmulator());

try {
  const object = await upload(await fileSource(path), {
    bucket: "my-bucket",
    name: "my file",
    endpoint: server.origin,
    onProgress: ({ sent, persisted, total }) =>
      console.log(`${sent} bytes sent, ${persisted} of ${total} stored`),
  });
  console.log(`${object.name}: ${object.size} bytes, crc32c ${object.crc32c}`);
} finally {
  await server.close();
}
