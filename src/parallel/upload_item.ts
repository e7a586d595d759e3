/** One of many files: whether it has to be uploaded, and in which way. */

import { UploadError } from "../errors.ts";
import type { UploadSource } from "../bytes/source.ts";
import { abortable } from "../net/clock.ts";
import { defaultTransport } from "../net/transport.ts";
import {
  type ObjectMetadata,
  type StorageObject,
  storageObject,
} from "../protocol/resources/storage_object.ts";
import {
  type CheckpointStore,
  type KeepingOptions,
  KeptCheckpoint,
} from "../upload/kept_checkpoints.ts";
import type { StreamSettings, UploadSettings } from "../upload/settings.ts";
import { checkUpload } from "../upload/check_arguments.ts";
import { lookUp } from "../upload/finish.ts";
import { MAX_BUFFERED } from "../upload/stretch_feed.ts";
import { type BucketTarget, startOf } from "../upload/target.ts";
import { uploadTaken } from "../upload/upload.ts";
import type { ParallelCheckpoint } from "./parallel_checkpoint.ts";
import type { LargeFiles } from "./in_parts.ts";
import type { OpenedItem, UploadManyItem } from "./item.ts";
import type { ParallelOptions } from "./parallel_options.ts";
import { COMMON_NAMES, type UploadManyOptions } from "./many_options.ts";

/** Above this many bytes it is worth a request to know that they need not be sent. */
const LOOK_FIRST = 1024 * 1024;

/** What an upload of a random-access source holds besides its last request: the pieces that are read ahead. */
export const PIECES: number = 2 * 1024 * 1024;

/** What a chunk of a stream grows to, where the caller has not decided. */
const MAX_CHUNK = 16 * 1024 * 1024;

type Common = Pick<UploadManyOptions, typeof COMMON_NAMES[number]>;

/** The options of a run that every upload has. */
function commonOptions<I extends UploadManyItem>(options: UploadManyOptions<I>): Common {
  return Object.fromEntries(
    COMMON_NAMES.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  ) as unknown as Common;
}

/** How one file is uploaded: the options of the run, with those of the item before them. */
export interface ItemUpload {
  readonly target: BucketTarget;
  readonly settings: StreamSettings<StorageObject>;
  readonly skipExisting: boolean;
  /** Where the checkpoint of a large file is kept, if anywhere. */
  readonly kept:
    | Pick<UploadSettings, "checkpoints" | "key" | "onCheckpointError" | "onResume">
    | undefined;
}

/** The options of one upload. */
export function itemUpload<I extends UploadManyItem>(
  item: I,
  options: UploadManyOptions<I>,
): ItemUpload {
  const { bucket, endpoint, query, ...settings } = commonOptions(options);
  const skipExisting = options.skipExisting === true;
  if (skipExisting && item.ifGenerationMatch !== undefined) {
    throw new TypeError("ifGenerationMatch: expected none together with skipExisting, got one");
  }
  const ownType = item.contentType ?? item.metadata?.contentType;
  const all = ownType === undefined || options.metadata === undefined
    ? options.metadata
    : { ...options.metadata, contentType: undefined };
  const metadata = mergedMetadata(all, item.metadata);
  const contentType = ownType ?? settings.contentType;
  const ifGenerationMatch = skipExisting ? 0 : item.ifGenerationMatch ?? settings.ifGenerationMatch;
  return {
    target: { bucket, name: item.name, endpoint, query },
    settings: { ...settings, contentType, metadata, ifGenerationMatch },
    skipExisting,
    kept: options.checkpoints && {
      checkpoints: options.checkpoints as CheckpointStore,
      key: item.key ?? `${bucket}/${item.name}`,
      onCheckpointError: options.onCheckpointError,
      onResume: options.onResume && ((event) => options.onResume!(event, item)),
    },
  };
}

/** The metadata of one object: its own fields before those of all, and so with the caller's own keys. */
function mergedMetadata(
  all: ObjectMetadata | undefined,
  own: ObjectMetadata | undefined,
): ObjectMetadata | undefined {
  if (all === undefined || own === undefined) return own ?? all;
  const merged = { ...all, ...own };
  if (all.metadata === undefined || own.metadata === undefined) return merged;
  return { ...merged, metadata: { ...all.metadata, ...own.metadata } };
}

/** The most bytes that the upload holds in memory at a moment. */
export function memoryOf(opened: OpenedItem, chunkSize: number = MAX_CHUNK): number {
  const { exactSize = Infinity, taken } = opened;
  return Math.min(exactSize, taken.size === undefined ? 2 * chunkSize : MAX_BUFFERED + PIECES);
}

/** Whether the object exists, as far as it can be known before the bytes are sent; asked only where they are many. */
export async function existsAlready(
  { target, settings, skipExisting }: ItemUpload,
  { exactSize = Infinity }: OpenedItem,
  signal: AbortSignal,
): Promise<boolean> {
  if (!skipExisting || exactSize <= LOOK_FIRST) return false;
  const { transport = defaultTransport, headers, startHeaders, retry } = settings;
  const { url } = startOf(target, {});
  const { method, policy, ...checked } = checkUpload(url, { headers, startHeaders, retry });
  const context = { startUrl: url, method, metadata: {} };
  const options = { transport, headers: checked.startHeaders, policy, signal };
  try {
    return await lookUp(storageObject, context, options) !== undefined;
  } catch (error) {
    // Not there, or not for us to look at: the precondition of the upload decides.
    if (error instanceof UploadError && error.code === "rejected") return false;
    throw error;
  }
}

/** Uploads one file, as `upload()` does: small ones in one request where that is safe to repeat, large ones by a session each. */
export async function uploadItem(
  { target, settings, kept }: ItemUpload,
  { source, taken, exactSize }: OpenedItem,
  hooks: Pick<StreamSettings, "signal" | "onProgress">,
): Promise<StorageObject & { bucket: string; name: string }> {
  const large = taken.size !== undefined && taken.size > MAX_BUFFERED ? kept : undefined;
  const options = { ...settings, ...hooks, ...target, ...large, totalBytes: exactSize };
  const object = await uploadTaken<StorageObject>(source, taken, options);
  return object as StorageObject & { bucket: string; name: string };
}

/** Whether a file is uploaded by `large`: in the way in which it was begun, else in that of its size. */
export async function isLarge(
  { kept }: ItemUpload,
  { taken: { size = 0 } }: OpenedItem,
  { above }: LargeFiles,
  signal: AbortSignal,
): Promise<boolean> {
  if (kept === undefined || size <= MAX_BUFFERED) return size > above;
  const found = await abortable(new KeptCheckpoint(kept).get(), signal);
  if (found === undefined) return size > above;
  return isInParts(found);
}

/**
 * Forgets what is kept of a file whose object is there, and removes what is stored of it: a run that was killed when it had finished
 * the file could not do that.
 */
export async function forgetKept(
  { kept, settings }: ItemUpload,
  { taken: { size = 0 } }: OpenedItem,
  large: LargeFiles | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (kept === undefined || size <= MAX_BUFFERED) return;
  const checkpoint = new KeptCheckpoint(kept);
  const found = await abortable(checkpoint.get(), signal);
  if (found === undefined) return;
  if (isInParts(found)) {
    if (!large?.discard) return; // its parts can be found by it only
    await abortable(large.discard(found, settings), signal);
  }
  await abortable(checkpoint.delete(), signal);
}

function isInParts(kept: unknown): kept is ParallelCheckpoint {
  return typeof kept === "object" && kept !== null && "parts" in kept;
}

/** Uploads one file by `large`. */
export async function uploadLarge(
  { target, settings, kept }: ItemUpload,
  { source }: OpenedItem,
  large: LargeFiles,
  hooks: Pick<ParallelOptions, "signal" | "onProgress" | "concurrency">,
): Promise<StorageObject & { bucket: string; name: string }> {
  const { checksum, chunkSize: _, repeatable: __, startHeaders: ___, ...rest } = settings;
  const options = { ...target, ...rest, ...hooks, checksum } as ParallelOptions; // the checksum was checked for the run
  const keeping = kept as KeepingOptions<unknown> as KeepingOptions<ParallelCheckpoint> | undefined;
  return await large.upload(withoutClose(source), options, keeping);
}

/** The same bytes, for somebody who does not close them: the run does, once. */
function withoutClose(source: UploadSource): UploadSource {
  if (typeof source !== "object" || !("read" in source) || !("close" in source)) return source;
  const { size, type, lastModified, identity } = source;
  return {
    size,
    type,
    lastModified,
    identity,
    read: (offset, length) => source.read(offset, length),
  };
}
