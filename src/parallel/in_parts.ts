/** Large files among many: each in parts, going on from what is kept of it. */

import type { UploadSource } from "../bytes/source.ts";
import { typeInWords, UploadError, type UploadErrorCode } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { checkOptions } from "../upload/check_arguments.ts";
import { type KeepingOptions, KeptCheckpoint } from "../upload/kept_checkpoints.ts";
import { cancelParallelUpload } from "./cancel_parallel.ts";
import type { ParallelCheckpoint } from "./parallel_checkpoint.ts";
import type { ParallelOptions } from "./parallel_options.ts";
import { uploadParallel } from "./upload_parallel.ts";

/** How large files of {@linkcode uploadMany} are uploaded: what {@linkcode inParts} returns. */
export interface LargeFiles {
  /** Files of more than so many bytes are large, if they can be read anywhere. */
  readonly above: number;
  /** How many connections each of them takes, out of those of the run. */
  readonly connections: number;
  /** Uploads one file, which it does not close; `uploadMany` calls it. */
  upload(
    source: UploadSource,
    options: ParallelOptions,
    keeping: KeepingOptions<ParallelCheckpoint> | undefined,
  ): Promise<StorageObject & { bucket: string; name: string }>;
  /** Removes what is stored of a file that need not be uploaded any more, as far as that can be done; `uploadMany` calls it. */
  discard?(
    checkpoint: ParallelCheckpoint,
    options: Pick<ParallelOptions, "headers" | "transport">,
  ): Promise<void>;
}

/** Options of {@linkcode inParts}. */
export interface InPartsOptions extends Pick<ParallelOptions, "partSize" | "temporaryPrefix"> {
  /**
   * Files of more than so many bytes are uploaded in parts; `Infinity` for none but those that were begun so in an earlier run.
   *
   * @default {67108864}
   */
  above?: number | undefined;
  /**
   * How many connections each of them takes, out of `concurrency`, which all files share: it waits until so many are free, and takes
   * at most all of them.
   *
   * @default {4}
   */
  connections?: number | undefined;
}

/**
 * Large files in parts: `large` of {@linkcode uploadMany}. Worth it from some hundred megabytes on, on servers; see
 * {@linkcode uploadParallel}, which does it.
 *
 * With a precondition (`skipExisting`, `ifGenerationMatch`) the parts are composed, which takes the permission to delete objects.
 * With `checkpoints` a file goes on in the way in which it was begun, in parts or not, whatever `above` and `partSize` say now. Parts of which
 * nothing is kept any more are removed by a lifecycle rule: see docs/parallel.md.
 *
 * @throws {TypeError} an option does not exist
 * @throws {RangeError} an option is out of its bounds
 *
 * @example
 * ```ts
 * import { inParts, uploadMany } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const files = [{ name: "a", source: "a" }, { name: "zeros", source: new Uint8Array(12_000_000) }];
 * const { uploaded } = await uploadMany(files, {
 *   bucket: "my-bucket",
 *   transport: new GcsEmulator().fetch,
 *   large: inParts({ above: 10_000_000, partSize: 5_242_880 }),
 * });
 * console.log(uploaded); // 2
 * ```
 */
export function inParts(options: InPartsOptions = {}): LargeFiles {
  checkOptions(options, ["above", "connections", "partSize", "temporaryPrefix"], "inParts");
  const { above = 64 * 1024 * 1024, connections = 4, ...parts } = options;
  if (typeof above !== "number" || !(above >= 0)) {
    throw new RangeError(`above: expected a number of bytes, got ${typeInWords(above)}`);
  }
  if (!Number.isSafeInteger(connections) || connections < 1) {
    throw new RangeError(
      `connections: expected a whole number of at least 1, got ${typeInWords(connections)}`,
    );
  }
  return {
    above,
    connections,
    discard,
    upload: (source, options, keeping) => {
      const all = { ...parts, ...options };
      return keeping ? uploadKept(source, all, keeping) : uploadParallel(source, all);
    },
  };
}

/** After these, what is stored of an upload is of no use. */
const DEAD: readonly UploadErrorCode[] = [
  "data_corruption",
  "precondition_failed",
  "session_gone",
  "source_changed",
];

/** Takes up what is kept, else begins; keeps checkpoints on the way, and forgets them at the end. */
async function uploadKept(
  source: UploadSource,
  options: ParallelOptions,
  keeping: KeepingOptions<ParallelCheckpoint>,
): Promise<StorageObject & { bucket: string; name: string }> {
  const { signal } = options;
  const { onResume } = keeping;
  const kept = new KeptCheckpoint(keeping);
  return await kept.exclusively(signal, async () => {
    const from = await abortable(kept.get(), signal) as ParallelCheckpoint | undefined;
    let last: ParallelCheckpoint | undefined;
    // It stays until this upload is finished: another process may be going on with it, and ends with this one's object then.
    let replaced: ParallelCheckpoint | undefined;
    const onCheckpoint = async (checkpoint: ParallelCheckpoint) => {
      if (!last && from?.uploadId === checkpoint.uploadId) {
        onResume?.({ resumed: true, persisted: sizeOf(checkpoint) });
      }
      last = checkpoint;
      await kept.set(checkpoint);
    };
    // Parts are as large as they were at the start, whatever is wanted now.
    const attempt = (checkpoint?: ParallelCheckpoint) =>
      uploadParallel(source, {
        ...options,
        ...(checkpoint && { partSize: undefined }),
        onCheckpoint,
        checkpoint,
      });
    try {
      const object = await (from === undefined ? attempt() : attempt(from).catch((error) => {
        if (last || !isOfNoUse(error)) throw error;
        onResume?.({ resumed: false, reason: error });
        replaced = from;
        return attempt();
      }));
      if (replaced) await discard(replaced, options);
      await kept.delete().catch(() => {}); // it is finished, whatever the store says
      return object;
    } catch (error) {
      if (error instanceof UploadError && DEAD.includes(error.code)) {
        const left = last ?? from;
        // What is left of one that is gone is of somebody else, who has changed it and may be going on with it.
        if (left && error.code !== "session_gone") await discard(left, options);
        // It is what finds the parts, if they are still there; and why the upload has failed says more.
        if (!signal?.aborted) await kept.delete().catch(() => {});
      }
      throw error;
    }
  });
}

function sizeOf({ parts }: ParallelCheckpoint): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}

/** Whether the upload could not be taken up for a reason that lies in it, or in the source. */
function isOfNoUse(error: unknown): boolean {
  if (error instanceof TypeError) return true; // the call is another one than that which made the checkpoint
  if (!(error instanceof UploadError) || error.retryable) return false;
  const isOfCaller = error.code === "rejected" && [401, 403, 407].includes(error.status ?? 0);
  return !isOfCaller && error.code !== "invalid_state";
}

/** Removes what is stored of an upload that nobody goes on with; where that fails, a lifecycle rule does. */
async function discard(
  checkpoint: ParallelCheckpoint,
  { transport, headers, signal }: Pick<ParallelOptions, "headers" | "signal" | "transport">,
): Promise<void> {
  const retry = { maxAttempts: 2, maxElapsed: 5000, attemptTimeout: 10_000 };
  await cancelParallelUpload(checkpoint, { transport, headers, retry, signal }).catch(() => {});
}
