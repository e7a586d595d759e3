/**
 * The loop of an upload in one's own hands: nothing is retried unless this program says so.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 examples/manual_loop.ts
 * ```
 *
 * @module
 */

import { ResumableUpload, UPLOAD_CHUNK_SIZE, UploadError } from "@resumable-media/upload";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";

const gcs = new GcsEmulator();
gcs.inject({ on: "chunk", skip: 1, status: 503 }, { on: "final", drop: "after" });
const server = await serveEmulator(gcs);

const upload = new ResumableUpload(
  `${server.origin}/upload/storage/v1/b/my-bucket/o?uploadType=resumable`,
  4 * UPLOAD_CHUNK_SIZE,
  { retry: false },
);

try {
  const source = new Blob([new Uint8Array(5_000_000)]);
  await upload.initiate(fetch, source, { name: "zeros" }, "application/octet-stream");
  while (!upload.finished) {
    try {
      if (upload.invalid) await upload.recover(fetch);
      else await upload.transmitNextChunk(fetch);
      console.log(`${upload.bytesUploaded} of ${upload.totalBytes} bytes are stored`);
    } catch (error) {
      if (!(error instanceof UploadError && error.retryable)) throw error;
      console.log(`failed: ${error.code}`); // a patient program would wait here
    }
  }
  console.log(`${upload.object?.name}: ${upload.object?.size} bytes`);
} finally {
  await server.close();
}
