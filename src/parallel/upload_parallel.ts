/** One file over many connections. */

import { type RandomAccessSource, sizeMismatch } from "../bytes/random_access.ts";
import { type Source, type TakenSource, takeSource, type UploadSource } from "../bytes/source.ts";
import { abortable } from "../net/clock.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { checkTotalBytes } from "../upload/check_arguments.ts";
import { checkSameSource } from "../upload/checkpoint.ts";
import { Progress } from "../upload/upload_progress.ts";
import { uploadTaken } from "../upload/upload.ts";
import { checkParallelCheckpoint, type ParallelCheckpoint } from "./parallel_checkpoint.ts";
import { inTurn } from "./part_source.ts";
import { grownSize, type PartPlan, partSizeOf, planFor } from "./plan.ts";
import { type Begun, runParallel } from "./run.ts";
import type { ParallelOptions } from "./parallel_options.ts";
import { bareEndpoint, type ParallelSetup, setupOf } from "./parallel_settings.ts";

/**
 * Uploads a source in parts over several connections, and returns the object, finished and compared with what was read.
 *
 * One connection to Google carries about 200 MB/s, and less where the way is long; several carry that many times as much, until
 * the line, the disk or the processor is full. It is worth its requests from some hundred megabytes on, on servers: in browsers
 * and on slow lines {@linkcode upload} is as fast and needs fewer permissions. A source that fits one part is uploaded like that
 * anyway, unless `via` says otherwise.
 *
 * Each part is compared by its CRC32C and sent again if it arrives damaged, and the object by the CRC32C that all parts add up
 * to. Parts of a source that can be read anywhere are read while they are sent, and nothing of them is held; of a stream
 * `concurrency × partSize` bytes are held. Failures that may pass are retried, each part for itself; see
 * {@linkcode RetryOptions}. A `read` of a {@linkcode ByteSource} is called for several parts in turn, for one at a time.
 *
 * When it throws, or is stopped by its signal, what is stored of it is removed, which is waited for, for at most ten seconds;
 * where that fails, it throws {@linkcode PartsLeftBehind}. With `onCheckpoint` or `checkpoint` it is kept instead, for a
 * checkpoint to go on with, or {@linkcode cancelParallelUpload} to remove. A lifecycle rule should remove what a process leaves
 * that dies: see docs/parallel.md.
 *
 * It returns what the last reply says: with an XML multipart upload bucket, name, size, CRC32C, media type and, where the server
 * says it, the generation. `etag` is that of the XML API then.
 *
 * @throws {UploadError} the upload cannot be finished; see its `code`
 * @throws {PartsLeftBehind} it failed, and what was stored could not be removed
 * @throws {TypeError} an argument is of the wrong kind, or one that does not exist
 * @throws {RangeError} an argument is out of its bounds
 *
 * @example
 * ```ts
 * import { uploadParallel } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const object = await uploadParallel(new Uint8Array(40_000_000), {
 *   bucket: "my-bucket",
 *   name: "zeros",
 *   concurrency: 4,
 *   partSize: 10_000_000,
 *   transport: new GcsEmulator().fetch, // or one of your own that adds credentials
 *   onProgress: ({ persisted, total }) => console.log(`${persisted} of ${total} stored`),
 * });
 * console.log(object.name, object.size); // zeros 40000000
 * ```
 *
 * @example Only if there is no such object yet: parts are composed
 * ```ts
 * import { uploadParallel } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const object = await uploadParallel(new Uint8Array(3_000_000), {
 *   bucket: "my-bucket",
 *   name: "zeros",
 *   ifGenerationMatch: 0,
 *   partSize: 1_000_000,
 *   transport: new GcsEmulator().fetch,
 * });
 * console.log(object.generation !== undefined); // true
 * ```
 */
export async function uploadParallel(
  source: UploadSource,
  options: ParallelOptions,
): Promise<StorageObject & { bucket: string; name: string }> {
  const taken = takeSource(source);
  try {
    const setup = setupOf(source, options);
    const from = options.checkpoint && checkParallelCheckpoint(options.checkpoint);
    if (from) checkAgreement(from, setup, options);
    checkTotalBytes(options.totalBytes, taken.size);
    return await new Call(source, taken, options, setup, from).upload();
  } catch (error) {
    taken.release(error);
    throw error;
  }
}

/** What was decided at the start must be said again as it was. */
function checkAgreement(
  from: ParallelCheckpoint,
  { via, location, contentType }: ParallelSetup,
  options: ParallelOptions,
): void {
  const compare = (name: string, isSame: boolean) => {
    if (isSame) return;
    throw new TypeError(`${name}: expected none, or the same as that of the checkpoint`);
  };
  const { totalBytes, partSize } = options;
  if (via !== from.via) {
    throw new TypeError(
      `via: expected "${from.via}", as in the checkpoint, with the precondition of the start if it had one, got "${via}"`,
    );
  }
  compare("endpoint", location.endpoint === bareEndpoint(from.endpoint));
  compare("bucket", location.bucket === from.bucket);
  compare("name", location.name === from.name);
  compare("contentType", !options.contentType || contentType === from.contentType);
  compare("totalBytes", totalBytes === undefined || totalBytes === from.totalBytes);
  const isGrown = from.sized && from.totalBytes !== undefined;
  const planned = partSize && isGrown ? grownSize(via, partSize, from.totalBytes) : partSize;
  compare("partSize", planned === undefined || planned === from.partSize);
}

type Finished = StorageObject & { bucket: string; name: string };

/** One call, its arguments checked. */
class Call {
  readonly #input: UploadSource;
  readonly #taken: TakenSource;
  readonly #options: ParallelOptions;
  readonly #setup: ParallelSetup;
  readonly #from: ParallelCheckpoint | undefined;

  constructor(
    input: UploadSource,
    taken: TakenSource,
    options: ParallelOptions,
    setup: ParallelSetup,
    from: ParallelCheckpoint | undefined,
  ) {
    this.#input = input;
    this.#taken = taken;
    this.#options = options;
    this.#setup = from ? { ...setup, contentType: from.contentType } : setup;
    this.#from = from;
  }

  async upload(): Promise<Finished> {
    const { signal, totalBytes } = this.#options;
    const source = await abortable(this.#taken.open(), signal);
    const plan = this.#from ?? planFor(source, this.#setup.via, this.#setup.partSize, totalBytes);
    if (source.kind === "random-access") {
      checkTotalBytes(totalBytes, source.size);
      return await this.#uploadSlices(source, plan);
    }
    const size = partSizeOf(plan, 1);
    const begun = { bytes: await abortable(source.read(size), signal) };
    const { length } = begun.bytes;
    const isWhole = length < size || await abortable(source.ended(1), signal);
    if (isWhole && totalBytes !== undefined && length !== totalBytes) {
      throw sizeMismatch(totalBytes, length < totalBytes ? `only ${length}` : "more");
    }
    if (!isWhole || !this.#mayBeOne()) return await this.#run(source, plan, totalBytes, begun);
    const object = await this.#uploadOne(begun.bytes, takeSource(begun.bytes));
    this.#taken.release();
    return object;
  }

  async #uploadSlices(source: RandomAccessSource, plan: PartPlan): Promise<Finished> {
    if (source.size <= plan.partSize && this.#mayBeOne()) {
      // Taken once more, it would be closed twice.
      return await this.#uploadOne(this.#input, {
        ...this.#taken,
        open: () => Promise.resolve(source),
      });
    }
    return await this.#run(hasRead(this.#input) ? inTurn(source) : source, plan, source.size);
  }

  /** Whether one ordinary upload is as good. */
  #mayBeOne(): boolean {
    return this.#from === undefined && this.#options.via === undefined;
  }

  async #uploadOne(source: UploadSource, taken: TakenSource): Promise<Finished> {
    const { location, contentType } = this.#setup;
    const { checksum, headers, ifGenerationMatch, metadata, onProgress, query } = this.#options;
    const { retry, signal, transport } = this.#options;
    const object = await uploadTaken<StorageObject>(source, taken, {
      ...location,
      query,
      checksum,
      contentType,
      headers,
      ifGenerationMatch,
      metadata,
      onProgress,
      retry,
      signal,
      transport,
    });
    return object as Finished;
  }

  async #run(
    source: Source,
    plan: PartPlan,
    totalBytes: number | undefined,
    begun: Begun = { bytes: undefined },
  ): Promise<Finished> {
    const { onProgress, onCheckpoint, signal, verifyPrefix = true } = this.#options;
    const { lastModified, identity } = this.#taken;
    const from = this.#from;
    const size = source.kind === "random-access" ? source.size : undefined;
    if (from) checkSameSource(from, { size, lastModified, identity });
    const object = await runParallel({
      setup: this.#setup,
      source,
      plan,
      progress: new Progress(onProgress, this.#setup.policy.clock),
      total: totalBytes ?? from?.totalBytes,
      lastModified,
      identity,
      from,
      begun,
      verifies: verifyPrefix,
      onCheckpoint,
      signal,
    });
    this.#taken.release();
    return object as Finished;
  }
}

/** A function of the caller's reads it, for one place at a time. */
function hasRead(source: UploadSource): boolean {
  return typeof source === "object" && "read" in source;
}
