/** Options of the one call and of its form as a stream. */

import type { Transport } from "../net/transport.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/resources/storage_object.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { CheckpointStore, ResumeEvent } from "./kept_checkpoints.ts";
import { OPTION_NAMES, type ResumableUploadOptions } from "./upload_options.ts";
import { type Target, TARGET_NAMES } from "./target.ts";

/** How an upload is made, wherever it goes: options of {@linkcode uploadStream} and {@linkcode upload}. */
export interface StreamSettings<T = StorageObject> extends ResumableUploadOptions<T> {
  /** Sends the requests, and adds credentials to them. The default is `fetch`, which adds none. */
  transport?: Transport | undefined;
  /**
   * The media type. The default is that of `metadata`, the source's own `type` (that of a Blob, of a file), for a string
   * `text/plain;charset=UTF-8`, else `application/octet-stream`.
   */
  contentType?: string | undefined;
  /** Fields of the object resource: `metadata`, `cacheControl`, `storageClass` and so on. */
  metadata?: ObjectMetadata | undefined;
  /**
   * The most bytes in each request of a resumable upload, a multiple of {@linkcode UPLOAD_CHUNK_SIZE}. Each request costs a
   * round trip, and is confirmed as a whole.
   *
   * By default requests grow to what the line carries in ten seconds: from 64 MiB to 1 GiB for a source that can be read
   * anywhere (a Blob, bytes, a string, `{ size, read }`), whose requests are read while they are sent; from 8 to 16 MiB for one
   * that is read once (a stream, an iterable), of which two chunks are held in memory. `Infinity` is allowed for the first
   * kind.
   */
  chunkSize?: number | undefined;
  /** The size of a stream in bytes, when it is known; a stream that does not keep it is an error, never an object. */
  totalBytes?: number | undefined;
  /**
   * Store only if this is the object's live generation; `0` means that there must be none. It also makes one request safe
   * to repeat, so that up to 8 MiB take one request instead of two. Not for a signed URL, unless it was signed with the header
   * `x-goog-if-generation-match`.
   */
  ifGenerationMatch?: number | string | undefined;
  /**
   * Called with a new checkpoint when a session is open and whenever the server has confirmed more; awaited before the upload
   * goes on.
   */
  onCheckpoint?: ((checkpoint: Checkpoint) => void | Promise<void>) | undefined;
  /** Stops at once, with the signal's own reason. The session stays open, for a checkpoint to take it up. */
  signal?: AbortSignal | undefined;
}

/** How an upload is made, wherever it goes: options of {@linkcode upload}. */
export interface UploadSettings<T = StorageObject> extends StreamSettings<T> {
  /**
   * Takes up the upload that this checkpoint speaks of; where to, chunk size, checksum and media type are in it. What is said
   * besides it must agree with it.
   */
  checkpoint?: Checkpoint | undefined;
  /**
   * Where checkpoints are kept, so that the same call made again goes on where this one has stopped: the checkpoint under
   * `key` is read at the beginning, replaced on the way, and forgotten when the upload is finished, or when it cannot be
   * resumed. It takes a session, whatever the size.
   *
   * What is kept is taken up only if it is an upload of this source to this target. Where its session is gone, or the source is
   * another one now, or the call has another target, the upload starts anew and replaces it; a stream that was read
   * for it already cannot, and is an error, after which the next call starts anew. Metadata and headers are those of the
   * call that opened the session. A 401 or 403 speaks of the caller, and so it is kept.
   *
   * A store that fails, or does not answer for ten seconds, ends no upload: see `onCheckpointError`. One that does not answer is
   * waited for once, and then no longer, until it answers in time again.
   */
  checkpoints?: CheckpointStore | undefined;
  /**
   * The name of the upload in `checkpoints`: what tells your uploads from each other, such as the path of a file and where it
   * goes. Two uploads of one program cannot have the same key at the same time (`invalid_state`); one that was aborted is
   * waited for. Between tabs or processes that is yours to prevent, with a lock.
   */
  key?: string | undefined;
  /**
   * Called when `checkpoints` fail: the upload goes on, and may not be found by the next call. Of a store that does not answer it
   * hears once. What it throws ends the upload, unless that is finished.
   */
  onCheckpointError?: ((error: unknown) => void) | undefined;
  /**
   * Called once where `checkpoints` have one under `key`: whether the upload goes on from it, and from where, or starts anew, and why.
   * An upload that turns out to be finished at the server is not told of. What it throws ends the upload.
   */
  onResume?: ((event: ResumeEvent) => void) | undefined;
  /**
   * Whether what a checkpoint says is stored is read again from the source and compared; see {@linkcode ResumeOptions}.
   *
   * @default {true}
   */
  verifyPrefix?: boolean | undefined;
}

/**
 * A session that somebody else has opened, instead of a target. Name, metadata and precondition were decided there, and no
 * credentials are needed.
 */
export interface SessionTarget {
  /**
   * The URL of the session, or a function that fetches one: it is called when the upload begins, unless there is a checkpoint,
   * and again when the session is gone and the source can be read again.
   */
  session: string | URL | (() => string | URL | Promise<string | URL>);
  /**
   * Whether nobody can have sent anything to the session yet; then it is not asked first.
   *
   * @default {false}
   */
  sessionIsNew?: boolean | undefined;
  /**
   * Requests that are not the last one carry a multiple of this many bytes: what {@linkcode createUploadSession} returns.
   *
   * @default {262144}
   */
  granularity?: number | undefined;
  /** Decided where the session was opened. */
  metadata?: undefined;
  /** Decided where the session was opened. */
  ifGenerationMatch?: undefined;
  /** Decided where the session was opened. */
  url?: undefined;
  /** Decided where the session was opened. */
  bucket?: undefined;
  /** Decided where the session was opened. */
  name?: undefined;
  /** Decided where the session was opened. */
  endpoint?: undefined;
  /** Decided where the session was opened. */
  query?: undefined;
}

/** Options of {@linkcode uploadToSession}: those of {@linkcode upload}, but what was decided where the session was opened. */
export interface SessionUploadOptions<T = StorageObject>
  extends
    Omit<UploadSettings<T>, "ifGenerationMatch" | "metadata" | "method" | "startHeaders">,
    Pick<SessionTarget, "granularity" | "sessionIsNew"> {}

/** A checkpoint instead of a target. */
export interface CheckpointTarget {
  /** Where an upload stands that is to be taken up. */
  checkpoint: Checkpoint;
  /** In the checkpoint. */
  url?: undefined;
  /** In the checkpoint. */
  bucket?: undefined;
  /** In the checkpoint. */
  name?: undefined;
  /** In the checkpoint. */
  endpoint?: undefined;
  /** In the checkpoint. */
  query?: undefined;
  /** In the checkpoint. */
  session?: undefined;
}

/** Options of {@linkcode uploadStream}: where to, and how. */
export type StreamOptions<T = StorageObject> = StreamSettings<T> & Target;

/** {@linkcode StreamOptions}, by the name that they had first. */
export type UploadTarget<T = StorageObject> = StreamOptions<T>;

/** Options of {@linkcode upload}: where to, or from where on, and how. */
export type UploadOptions<T = StorageObject> =
  & UploadSettings<T>
  & (Target | SessionTarget | CheckpointTarget);

const STREAM: readonly string[] = [
  ...OPTION_NAMES.resumable,
  ...TARGET_NAMES,
  "chunkSize",
  "contentType",
  "ifGenerationMatch",
  "metadata",
  "onCheckpoint",
  "signal",
  "totalBytes",
  "transport",
];

/** What is decided where a session is opened. */
export const DECIDED_BEFORE: readonly string[] = [
  ...TARGET_NAMES,
  "ifGenerationMatch",
  "metadata",
  "method",
  "startHeaders",
];

const UPLOAD: readonly string[] = [
  ...STREAM,
  "checkpoint",
  "checkpoints",
  "granularity",
  "key",
  "onCheckpointError",
  "onResume",
  "session",
  "sessionIsNew",
  "verifyPrefix",
];

/** The names of the options of each function; anything else is a mistake. */
export const SETTING_NAMES: Readonly<Record<"stream" | "upload" | "session", readonly string[]>> = {
  stream: STREAM,
  upload: UPLOAD,
  session: UPLOAD.filter((name) => name !== "session" && !DECIDED_BEFORE.includes(name)),
};
