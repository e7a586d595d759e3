/** What callers of uploadMany can set, and what they are told. */

import type { CheckpointStore, ResumeEvent } from "../upload/kept_checkpoints.ts";
import type { Checkpoint } from "../upload/checkpoint.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import type { StreamSettings } from "../upload/settings.ts";
import type { BucketTarget } from "../upload/target.ts";
import type { ParallelCheckpoint } from "./parallel_checkpoint.ts";
import type { UploadManyItem } from "./item.ts";
import type { LargeFiles } from "./in_parts.ts";
import type { UploadManyManifest } from "./manifest.ts";

/** Options of {@linkcode uploadMany}: those of {@linkcode upload} that are the same for every file, and some of its own. */
export interface UploadManyOptions<I extends UploadManyItem = UploadManyItem> extends
  Pick<
    StreamSettings<StorageObject>,
    | "checksum"
    | "chunkSize"
    | "contentType"
    | "headers"
    | "ifGenerationMatch"
    | "metadata"
    | "repeatable"
    | "retry"
    | "signal"
    | "startHeaders"
    | "transport"
  >,
  Pick<BucketTarget, "bucket" | "endpoint" | "query"> {
  /**
   * How many files are uploaded at once, each over one connection at a time. Set it to what the platform allows where that is
   * less: 6 connections in Cloudflare Workers, and in browsers where the server does not speak HTTP/2. A request that waits
   * for a connection is taken for one that stands still.
   *
   * @default {32}
   */
  concurrency?: number | undefined;
  /**
   * How many bytes the uploads may hold in memory together. A file that can be read anywhere takes up to 10 MiB, a stream the
   * two chunks that are kept to be sent again: 32 MiB, or twice the `chunkSize`. A file that would exceed the limit waits for its turn; one
   * that exceeds it alone is uploaded alone. What the caller's own sources hold is not counted.
   *
   * @default {134217728}
   */
  memoryLimit?: number | undefined;
  /**
   * How large files are uploaded: {@linkcode inParts} uploads them over several connections, as {@linkcode uploadParallel} does it.
   * The default is one connection for each. Not together with `startHeaders`, and not with a checksum that objects made of
   * parts do not have.
   */
  large?: LargeFiles | undefined;
  /**
   * Whether objects that exist are left as they are: `ifGenerationMatch: 0` for every file, and an object in its place is no
   * failure. For files above 1 MiB the object is looked for before the bytes are sent (`storage.objects.get`; without that
   * permission they are sent, and refused at their end).
   *
   * @default {false}
   */
  skipExisting?: boolean | undefined;
  /**
   * Whether the first failure ends the run: no other file is begun, those being uploaded are stopped, and the promise rejects
   * with that failure.
   *
   * @default {false}
   */
  stopOnError?: boolean | undefined;
  /**
   * Where checkpoints of files above 8 MiB are kept while these are being uploaded, under their `key`: a file that was
   * interrupted goes on where it stopped, in the next run too. For files that can be read anywhere. Together with a manifest, which knows
   * the files that have ended. A file goes on in the way in which it was begun, in parts or not. What is kept is secret; see `checkpoints` of {@linkcode upload}.
   */
  checkpoints?: CheckpointStore<Checkpoint | ParallelCheckpoint> | undefined;
  /**
   * Called when `checkpoints` fail: the uploads go on. Of a store that does not answer it hears once. What it throws ends the
   * upload it speaks of.
   */
  onCheckpointError?: ((error: unknown) => void) | undefined;
  /** Called once for a file that has a checkpoint: `onResume` of {@linkcode upload}. What it throws ends the upload it speaks of. */
  onResume?: ((event: ResumeEvent, item: I) => void) | undefined;
  /**
   * What was done, as lines of JSON, so that another run goes on: see {@linkcode UploadManyManifest}.
   */
  manifest?: UploadManyManifest | undefined;
  /**
   * Called with what became of each file, in the order in which they end, one call at a time. It is awaited, and a slow one
   * holds the run back. What it throws ends the run.
   */
  onResult?: ((result: UploadManyResult<I>) => void | Promise<void>) | undefined;
  /** Called with how far the whole has come, at most ten times a second and at the end. What it throws ends the run. */
  onProgress?: ((progress: UploadManyProgress<I>) => void) | undefined;
}

/** The object of a file that was uploaded. */
export interface UploadedFile<I extends UploadManyItem = UploadManyItem> {
  /** It is there, and compared with what was read. */
  readonly status: "uploaded";
  /** The name of the object. */
  readonly name: string;
  /** The item, as it was given. */
  readonly item: I;
  /** The finished object. */
  readonly object: StorageObject & { bucket: string; name: string };
}

/** A file that had not to be uploaded. */
export interface SkippedFile<I extends UploadManyItem = UploadManyItem> {
  /** Nothing was stored. */
  readonly status: "skipped";
  /** The name of the object. */
  readonly name: string;
  /** The item, as it was given. */
  readonly item: I;
  /** `exists`: there is an object (`skipExisting`); `manifest`: an earlier run has uploaded this file. */
  readonly reason: "exists" | "manifest";
}

/** A file that could not be uploaded. */
export interface FailedFile<I extends UploadManyItem = UploadManyItem> {
  /** It is not known to be stored. */
  readonly status: "failed";
  /** The name of the object. */
  readonly name: string;
  /** The item, as it was given. */
  readonly item: I;
  /** What {@linkcode upload} has thrown, or the function that opens the source; the signal's reason where the run was aborted. */
  readonly error: unknown;
}

/** What became of one file; `status` tells which. */
export type UploadManyResult<I extends UploadManyItem = UploadManyItem> =
  | UploadedFile<I>
  | SkippedFile<I>
  | FailedFile<I>;

/** What became of all files, as numbers. */
export interface UploadManySummary {
  /** How many files were uploaded. */
  readonly uploaded: number;
  /** How many had not to be. */
  readonly skipped: number;
  /** How many could not be, or were stopped. */
  readonly failed: number;
  /** The size of the files that were uploaded, in bytes. */
  readonly bytes: number;
}

/** A file that is being uploaded. */
export interface FileInFlight<I extends UploadManyItem = UploadManyItem> {
  /** The name of the object. */
  readonly name: string;
  /** The item, as it was given. */
  readonly item: I;
  /** Handed to the transport, in bytes. */
  readonly sent: number;
  /** Confirmed by the server, in bytes. */
  readonly persisted: number;
  /** Its size in bytes; `undefined` while it is not known. */
  readonly total: number | undefined;
  /** Of these, what the server held when this run began with the file, in bytes: 0, unless it goes on from a checkpoint. */
  readonly resumedFrom: number;
}

/** How far a run has come. */
export interface UploadManyProgress<I extends UploadManyItem = UploadManyItem> {
  /** Files, by what became of them; how many there will be, only the caller can know. */
  readonly files: {
    /** Uploaded. */
    readonly uploaded: number;
    /** Skipped. */
    readonly skipped: number;
    /** Failed. */
    readonly failed: number;
    /** Begun and not ended. */
    readonly active: number;
  };
  /** Bytes of the files that were uploaded and of those that are being uploaded; those of a file that fails are taken back. */
  readonly bytes: {
    /** Handed to the transport. */
    readonly sent: number;
    /** Confirmed by the server. */
    readonly persisted: number;
    /** Stored before this run, of files that go on from a checkpoint; `sent - resumedFrom` is what this run has sent. */
    readonly resumedFrom: number;
  };
  /** The files that are begun and not ended, in the order in which they were begun: at most `concurrency`. */
  readonly inFlight: readonly FileInFlight<I>[];
}

/** The names of the options of a run that are not handed to each upload. */
export const OWN_NAMES = [
  "checkpoints",
  "concurrency",
  "large",
  "manifest",
  "memoryLimit",
  "onCheckpointError",
  "onProgress",
  "onResult",
  "onResume",
  "skipExisting",
  "stopOnError",
] as const;

/** The names of the options that every upload of a run has. */
export const COMMON_NAMES = [
  "bucket",
  "checksum",
  "chunkSize",
  "contentType",
  "endpoint",
  "headers",
  "ifGenerationMatch",
  "metadata",
  "query",
  "repeatable",
  "retry",
  "signal",
  "startHeaders",
  "transport",
] as const;
