/** What callers can set. */

import type { StreamSettings } from "../upload/settings.ts";
import type { BucketTarget } from "../upload/target.ts";
import type { ParallelCheckpoint } from "./parallel_checkpoint.ts";

/** How parts become one object; see {@linkcode ParallelSettings.via}. */
export type Via = "multipart" | "compose";

/** How a parallel upload is made: options of {@linkcode uploadParallel}. */
export interface ParallelSettings extends
  Pick<
    StreamSettings,
    | "contentType"
    | "headers"
    | "metadata"
    | "onProgress"
    | "retry"
    | "signal"
    | "totalBytes"
    | "transport"
  > {
  /**
   * How many parts are on their way at the same time, each on a connection of its own.
   *
   * @default {4}
   */
  concurrency?: number | undefined;
  /**
   * The size of a part in bytes: 5 MiB to 5 GiB in an XML multipart upload, at least 256 KiB with `via: "compose"`. A part
   * that fails is sent again as a whole.
   *
   * By default 32 MiB of a source that can be read anywhere, which is read while it is sent; 8 MiB of one that is read once
   * (a stream, an iterable), and where the platform cannot stream. Parts grow as far as it takes to need no more than 10,000
   * of them.
   */
  partSize?: number | undefined;
  /**
   * How parts become one object. `multipart` is an XML multipart upload. `compose` uploads temporary objects and composes them:
   * what preconditions need, and metadata that headers cannot carry; it takes the permission to delete objects.
   *
   * @default {"multipart"}, or {"compose"} with `ifGenerationMatch`
   */
  via?: Via | undefined;
  /**
   * What the names of temporary objects begin with. A lifecycle rule for it removes what a process that died has left.
   *
   * @default {"resumable-media-tmp/"}
   */
  temporaryPrefix?: string | undefined;
  /**
   * Store only if this is the object's live generation; `0` means that there must be none. Parts are composed then: an XML
   * multipart upload has no preconditions.
   */
  ifGenerationMatch?: number | string | undefined;
  /**
   * Which checksum is compared: `auto` compares the CRC32C of each part and of the whole where the server reports it, `crc32c`
   * requires that of the whole, `null` computes none. Objects made of parts have no MD5.
   *
   * @default {"auto"}
   */
  checksum?: "auto" | "crc32c" | null | undefined;
  /**
   * Called with a new checkpoint when the upload is open and whenever parts were confirmed; the next part waits for it. With it
   * an upload that fails is kept, so that the checkpoint can go on with it; without it nothing is left behind. An upload of one
   * part has no checkpoints.
   */
  onCheckpoint?: ((checkpoint: ParallelCheckpoint) => void | Promise<void>) | undefined;
  /**
   * Goes on with the upload that this checkpoint speaks of, which was interrupted, maybe in another process. `bucket`, `name` and
   * whatever else was said at the start must be the same.
   */
  checkpoint?: ParallelCheckpoint | undefined;
  /**
   * Whether the parts that a checkpoint says are stored are read again from the source and compared. `false` trusts a source
   * that can be read anywhere; others are read in any case.
   *
   * @default {true}
   */
  verifyPrefix?: boolean | undefined;
}

/** Options of {@linkcode uploadParallel}: where to, and how. */
export type ParallelOptions = ParallelSettings & BucketTarget;

/** The names of the options; anything else is a mistake. */
export const PARALLEL_NAMES: readonly string[] = [
  "bucket",
  "checkpoint",
  "checksum",
  "concurrency",
  "contentType",
  "endpoint",
  "headers",
  "ifGenerationMatch",
  "metadata",
  "name",
  "onCheckpoint",
  "onProgress",
  "partSize",
  "query",
  "retry",
  "signal",
  "temporaryPrefix",
  "totalBytes",
  "transport",
  "verifyPrefix",
  "via",
];
