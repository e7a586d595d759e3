/** An upload as a stream to write into. */

import { ByteChannel } from "../bytes/channel.ts";
import { takeSource } from "../bytes/source.ts";
import { linkSignals } from "../net/clock.ts";
import { defaultTransport } from "../net/transport.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import { cancelUpload } from "./cancel_upload.ts";
import { checkOptions, checkResumable, checkTransport, checkUpload } from "./check_arguments.ts";
import { SETTING_NAMES, type StreamOptions } from "./settings.ts";
import { startOf } from "./target.ts";
import { contentTypeOf } from "./source_type.ts";
import { uploadInSession } from "./upload.ts";

/** Both ends of {@linkcode uploadStream}. */
export interface UploadStream<T = StorageObject> {
  /**
   * Takes the bytes at the pace at which they are sent. A write settles when its bytes are used up: their memory is the
   * caller's again. `close()`, and so `pipeTo`, settles with the upload; `abort()` ends it, and cancels the session.
   */
  readonly writable: WritableStream<Uint8Array>;
  /** The finished object; rejects with what went wrong, or with the reason of an abort, at once. */
  readonly result: Promise<T>;
}

/**
 * Opens an upload that bytes can be piped into; its size need not be known.
 *
 * Writing waits while one chunk is being sent and the next one is full. When the upload fails, `writable` fails with the
 * same error, so that whoever pipes into it stops. Aborting `writable`, as a failing pipe does when what it wrote before is
 * used up, cancels the session at the server, in the background; `signal` stops the upload and leaves the session open.
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
export function uploadStream<T = StorageObject>(options: StreamOptions<T>): UploadStream<T> {
  checkOptions(options, SETTING_NAMES.stream, "uploadStream");
  const start = startOf(options, options);
  checkResumable(start.uploadType, "a stream");
  const transport = options.transport ?? defaultTransport;
  checkTransport(transport);
  checkUpload(start.url, options);
  chosenProtocol(options.protocol);
  const contentType = contentTypeOf(undefined, options);
  const channel = new ByteChannel();
  const source = takeSource(channel);
  const writer = new AbortController(); // aborts with the writable end
  const { signal, unlink } = linkSignals([options.signal, writer.signal]);
  let sessionUrl: string | undefined;

  const run = async () => {
    try {
      const bounded = { ...options, transport, signal };
      return await uploadInSession(source, start, contentType, bounded, (url) => sessionUrl = url);
    } catch (error) {
      channel.fail(error);
      source.release(error);
      if (writer.signal.aborted && sessionUrl !== undefined) {
        const { headers, retry, protocol } = options;
        // Nobody waits for it: the server forgets a session by itself, a week later.
        cancelUpload(sessionUrl, { transport, headers, retry, protocol }).catch(() => {});
      }
      throw error;
    } finally {
      unlink();
    }
  };
  const result = run();
  result.catch(() => {}); // whoever writes learns of it from `writable`

  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      if (failsPipes()) result.catch((error) => controller.error(error));
      // `abort` below waits for a pending write, which may wait for the network.
      const stop = () => writer.abort(controller.signal.reason);
      controller.signal.addEventListener("abort", stop, { once: true });
    },
    write: (bytes) => channel.write(bytes),
    async close() {
      channel.end();
      await result;
    },
    abort: (reason) => writer.abort(reason),
  });
  return { writable, result };
}

/**
 * Whether a pipe fails with its destination. Workers (which have `FixedLengthStream`) call it a success when the destination was
 * failed by its controller: there only the write or the close fails that is under way or comes next.
 */
function failsPipes(): boolean {
  return !("FixedLengthStream" in globalThis);
}
