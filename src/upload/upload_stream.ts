/** An upload as a stream to write into. */

import { uploadTypeOf } from "../protocol/upload_url.ts";
import type { StorageObject } from "../protocol/metadata.ts";
import { defaultTransport, drive, resumableFor, startOf, type UploadTarget } from "./target.ts";

/** Both ends of {@linkcode uploadStream}. */
export interface UploadStream {
  /**
   * Takes the bytes at the pace at which they are sent. `close()`, and so `pipeTo`, settles with the upload; `abort()`
   * cancels the session.
   */
  readonly writable: WritableStream<Uint8Array>;
  /** The finished object; rejects with what went wrong, or with the reason of an abort. */
  readonly result: Promise<StorageObject>;
}

/**
 * Opens an upload that bytes can be piped into; its size need not be known.
 *
 * Writing waits while one chunk is being sent and the next one is full. When the upload fails, `writable` fails with the
 * same error, so that whoever pipes into it stops. Aborting `writable` cancels the session at the server; `signal` stops
 * the upload and leaves the session open.
 *
 * @example
 * ```ts
 * import { uploadStream } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // or one of your own that adds credentials
 * const { writable, result } = uploadStream({ bucket: "my-bucket", name: "log.gz", transport });
 * await new Blob(["a line\n".repeat(1000)]).stream().pipeThrough(new CompressionStream("gzip")).pipeTo(writable);
 * console.log((await result).name); // log.gz
 * ```
 */
export function uploadStream(options: UploadTarget): UploadStream {
  const start = startOf(options);
  const type = uploadTypeOf(start);
  if (type !== undefined && type !== "resumable") {
    throw new TypeError(`url: expected uploadType resumable for a stream, got ${type}`);
  }
  const transport = options.transport ?? defaultTransport;
  const upload = resumableFor(start, options);
  const contentType = options.contentType ?? "application/octet-stream";
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const writer = pipe.writable.getWriter();
  const abort = new AbortController(); // of the writer, or of the options
  const follow = () => abort.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", follow, { once: true });
  if (options.signal?.aborted) follow();

  const run = async () => {
    const bounded = { ...options, signal: abort.signal };
    try {
      await upload.initiate(transport, pipe.readable, options.metadata ?? {}, contentType, bounded);
      return await drive(upload, transport, bounded);
    } catch (error) {
      // Not `writer.abort`, which waits for a pending write, which waits for somebody to read.
      if (pipe.readable.locked) await upload.close(error);
      else await pipe.readable.cancel(error);
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", follow);
    }
  };
  const result = run();
  result.catch(() => {}); // whoever writes learns of it from `writable`

  const cancel = async (reason: unknown) => {
    abort.abort(reason);
    await result.catch(() => {});
    if (upload.resumableUrl && !upload.finished) await upload.cancel(transport);
  };
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      result.catch((error) => controller.error(error));
      // `abort` below waits for a pending write, which may wait for the network.
      controller.signal.addEventListener("abort", () => abort.abort(controller.signal.reason), {
        once: true,
      });
    },
    // A failed upload breaks the pipe, and what the pipe says of it differs: the upload's own error is the one to throw.
    write: (bytes) =>
      writer.write(bytes).catch((error) => result.then(() => Promise.reject(error))),
    async close() {
      await writer.close();
      await result;
    },
    abort: cancel,
  });
  return { writable, result };
}
