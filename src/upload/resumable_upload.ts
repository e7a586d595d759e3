/** The resumable upload: a session that survives failures of the network, of the server and of this process. */

import { type TakenSource, takeSource, type UploadSource } from "../bytes/source.ts";
import { UploadError } from "../errors.ts";
import { linkSignals } from "../net/clock.ts";
import type { Transport } from "../net/transport.ts";
import { chosenProtocol } from "../protocol/protocols.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/resources/storage_object.ts";
import type { StartedSession } from "../protocol/session_state.ts";
import { cancelSession } from "./cancel_upload.ts";
import { OCTET_STREAM } from "../protocol/media_type.ts";
import { checkCheckpoint, type Checkpoint, checkProtocol, checkSameSource } from "./checkpoint.ts";
import {
  checkCarried,
  checkChunkSize,
  checkContentType,
  checkMetadata,
  checkOptions,
  checkStartUrl,
  checkTotalBytes,
  checkTransport,
  invalidState,
} from "./check_arguments.ts";
import { claimedChecksums } from "./claimed_checksums.ts";
import { checkpointOfSession } from "./hand_off.ts";
import { recover, transmitNext } from "./run_session.ts";
import {
  checkpointOf,
  defaultChunkSize,
  type OpenUpload,
  type ResumeChoices,
  resumeSession,
  type SessionSetup,
  setupOf,
  startSession,
} from "./open.ts";
import {
  type AttachOptions,
  type CallOptions,
  type InitiateOptions,
  OPTION_NAMES,
  type ResumableUploadOptions,
  type ResumeOptions,
} from "./upload_options.ts";
import type { UploadSession } from "./open_session.ts";

/**
 * An upload in chunks that can be interrupted and taken up again, even by another process.
 *
 * `initiate` opens a session; each `transmitNextChunk` makes the server store more bytes, finishes the upload, or
 * throws. With retrying on (the default) failures that may pass are recovered from within the call, after asking the
 * server where it stands. With `retry: false` a failed call throws, `invalid` becomes true, and `recover()` makes the
 * upload valid again. One call at a time.
 *
 * A source that can be read anywhere (a Blob, bytes, `{ size, read }`) is read while it is sent, and nothing of it is kept; of
 * a stream at most two chunks are held in memory.
 *
 * The counterpart of `google.resumable_media.requests.ResumableUpload`. Protocol:
 * {@link https://cloud.google.com/storage/docs/performing-resumable-uploads}
 *
 * @example
 * ```ts
 * import { ResumableUpload, UPLOAD_CHUNK_SIZE } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // or one of your own that adds credentials
 * const url = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable";
 * const upload = new ResumableUpload(url, 4 * UPLOAD_CHUNK_SIZE);
 * await upload.initiate(transport, new Blob(["a".repeat(3_000_000)]), { name: "a.txt" }, "text/plain");
 * while (!upload.finished) await upload.transmitNextChunk(transport);
 * console.log(upload.object?.size); // 3000000
 * ```
 */
export class ResumableUpload<T = StorageObject> {
  readonly #setup: SessionSetup<T>;
  readonly #chunkSize: number;
  readonly #closing = new AbortController();
  #source: { readonly input: UploadSource; readonly taken: TakenSource } | undefined;
  #resumed: { readonly from: Checkpoint; readonly choices: ResumeChoices } | undefined; // until the first call
  #open: OpenUpload<T> | undefined;
  #isBusy = false;
  #isCancelled = false; // before its source was opened, too: that is not needed for it

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl where the upload is started: the JSON API's `…/o?uploadType=resumable`, or a signed start URL
   * @param chunkSize the most bytes in each request, a positive multiple of {@linkcode UPLOAD_CHUNK_SIZE}; `Infinity`
   * for sources that can be read anywhere
   */
  constructor(
    uploadUrl: string | URL,
    chunkSize: number,
    options: ResumableUploadOptions<T> = {},
  ) {
    checkOptions(options, OPTION_NAMES.resumable, "ResumableUpload");
    const url = checkStartUrl(uploadUrl, "uploadUrl", "resumable", options.method);
    this.#chunkSize = checkChunkSize(chunkSize);
    this.#setup = setupOf(url, { ...options, chunkSize: this.#chunkSize });
  }

  /**
   * Takes up an upload from a checkpoint. The source is taken at once, and nothing is sent yet: the first call asks the
   * server what it holds (with `retry: false` that call must be `recover()`), skips that part of the source and compares it,
   * so that a source which is not the one the upload was started with is found out (`source_changed`).
   *
   * A stream or an iterable must start at its first byte again.
   */
  static resume<T = StorageObject>(
    checkpoint: Checkpoint,
    source: UploadSource,
    options: ResumeOptions<T> = {},
  ): ResumableUpload<T> {
    checkOptions(options, OPTION_NAMES.resume, "resume");
    const from = checkCheckpoint(checkpoint);
    const { verifyPrefix, ...rest }: ResumableUploadOptions<T> & ResumeOptions<T> = options;
    const { checksum = from.checksum } = rest;
    if (checksum !== from.checksum) {
      throw new TypeError("checksum: expected none, or the same as that of the checkpoint");
    }
    return ResumableUpload.#taken<T>(from, source, takeSource(source), rest, { verifyPrefix });
  }

  /**
   * Takes up a session that somebody else has opened, with {@linkcode createUploadSession} or another client. The source is
   * taken at once, and nothing is sent yet: the first call asks the server what it holds (with `retry: false` that call must be
   * `recover()`), unless `isNew` says that nobody can have sent anything. No credentials are needed.
   *
   * @example
   * ```ts
   * import { createUploadSession, ResumableUpload } from "@resumable-media/upload";
   * import { GcsEmulator } from "@resumable-media/upload/emulator";
   *
   * const transport = new GcsEmulator().fetch;
   * const { url } = await createUploadSession({ bucket: "my-bucket", name: "a.txt", transport });
   * const upload = ResumableUpload.attach(url, "hello");
   * while (!upload.finished) await upload.transmitNextChunk(transport);
   * console.log(upload.object?.name); // a.txt
   * ```
   */
  static attach<T = StorageObject>(
    sessionUrl: string | URL,
    source: UploadSource,
    options: AttachOptions<T> = {},
  ): ResumableUpload<T> {
    checkOptions(options, OPTION_NAMES.attach, "attach");
    const { chunkSize, contentType, totalBytes, granularity, isNew, checksum, ...rest } = options;
    const taken = takeSource(source);
    try {
      checkTotalBytes(totalBytes, taken.size);
      const from = checkpointOfSession(sessionUrl, {
        chunkSize: checkChunkSize(chunkSize ?? defaultChunkSize(taken)),
        contentType: checkContentType(contentType || OCTET_STREAM),
        totalBytes: totalBytes ?? taken.size,
        granularity,
        protocol: chosenProtocol(options.protocol),
      });
      checkCheckpoint(from);
      const all = { ...from, ...(checksum !== undefined && { checksum }) };
      return ResumableUpload.#taken<T>(all, source, taken, rest, { isNew });
    } catch (error) {
      taken.release(error);
      throw error;
    }
  }

  static #taken<T>(
    from: Checkpoint,
    input: UploadSource,
    taken: TakenSource,
    options: ResumableUploadOptions<T>,
    choices: ResumeChoices,
  ): ResumableUpload<T> {
    const { uploadUrl, chunkSize, checksum } = from;
    try {
      const upload = new ResumableUpload<T>(uploadUrl, chunkSize, { ...options, checksum });
      checkProtocol(from, upload.#setup.protocol);
      checkSameSource(from, taken);
      upload.#source = { input, taken };
      upload.#resumed = { from, choices };
      return upload;
    } catch (error) {
      taken.release(error);
      throw error;
    }
  }

  /** Where the upload is started. */
  get uploadUrl(): string {
    return this.#setup.upload.url;
  }

  /** The most bytes in each request. */
  get chunkSize(): number {
    return this.#chunkSize;
  }

  /** How many bytes the server has confirmed. */
  get bytesUploaded(): number {
    return this.#state?.persisted ?? 0;
  }

  /** Whether the object is finished, and is the right one. */
  get finished(): boolean {
    return this.#state?.kind === "done";
  }

  /** Whether it is unknown what the server holds, after a failure; `recover()` finds out. */
  get invalid(): boolean {
    return this.#state?.kind === "interrupted";
  }

  /** The URL of the session, with which anyone can go on with the upload; `undefined` before `initiate`. */
  get resumableUrl(): string | undefined {
    return this.#state?.url;
  }

  /** The size of the whole in bytes; `undefined` while it is not known. */
  get totalBytes(): number | undefined {
    return this.#open ? this.#open.session.total : this.#resumed?.from.totalBytes;
  }

  /** The finished object; `undefined` before. */
  get object(): T | undefined {
    return this.#open?.session.result?.value;
  }

  /**
   * Opens a session. Starting is retried freely: a session that nobody uses harms nothing.
   *
   * The source is taken at once. After a failure that may pass it is kept, and the call can be made again with the same
   * one; after any other it is let go.
   *
   * @param source what to upload
   * @param metadata the object resource to create, with its `name` unless the URL has it
   * @param contentType the media type of the object
   */
  initiate(
    transport: Transport,
    source: UploadSource,
    metadata: ObjectMetadata,
    contentType: string,
    options: InitiateOptions = {},
  ): Promise<Response> {
    return this.#exclusively(options, async (signal) => {
      if (this.#state) {
        throw invalidState("Cannot initiate: this upload has already been initiated");
      }
      const { totalBytes, streamFinal = true } = options;
      const { upload } = this.#setup;
      checkTransport(transport);
      checkContentType(contentType);
      checkCarried(upload.url, checkMetadata(metadata));
      checkTotalBytes(totalBytes, undefined);
      const claimed = claimedChecksums(upload, metadata);
      const what = { metadata, contentType, claimed, totalBytes, streamFinal };
      const taken = this.#take(source);
      try {
        checkTotalBytes(totalBytes, taken.size);
        const { reply, open } = await startSession(this.#setup, transport, taken, what, signal);
        this.#open = open;
        return reply.response;
      } catch (error) {
        const mayPass = error instanceof UploadError && error.retryable;
        if (!mayPass) this.#letGo(error);
        throw error;
      }
    }, OPTION_NAMES.initiate);
  }

  /**
   * Sends the next chunk: afterwards the server has confirmed more bytes, or the upload is finished. Throws when
   * neither can be reached.
   */
  transmitNextChunk(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(options, async (signal) => {
      this.#requireSession("transmit a chunk");
      checkTransport(transport);
      const { policy } = this.#setup.upload;
      if (this.invalid && !policy.retries) {
        throw invalidState(
          "Cannot transmit a chunk: the upload is in an invalid state; call recover() first",
        );
      }
      const session = await this.#session(signal);
      return await transmitNext(session, transport, policy, signal);
    });
  }

  /** Asks the server what it holds, and goes on from there: the upload is valid again, or finished. */
  recover(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(options, async (signal) => {
      this.#requireSession("recover");
      checkTransport(transport);
      const session = await this.#session(signal);
      return await recover(session, transport, this.#setup.upload.policy, signal);
    });
  }

  /** Gives up the upload: the server forgets the session and what it stored. A finished object is not touched. */
  cancel(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(options, async (signal) => {
      const { url } = this.#requireSession("cancel");
      checkTransport(transport);
      const { upload: { headers, policy }, protocol } = this.#setup;
      const reply = await cancelSession({ url, headers, protocol, policy, transport, signal });
      this.#isCancelled = true;
      const reason = new UploadError("session_cancelled", "The upload was cancelled");
      this.#open?.session.cancelled(reason);
      this.#letGo(reason);
      return reply.response;
    });
  }

  /** Where the upload stands, to be stored; see {@linkcode Checkpoint}, and {@linkcode ResumableUpload.resume}. */
  checkpoint(): Checkpoint {
    this.#requireSession("make a checkpoint");
    return this.#open ? checkpointOf(this.#setup, this.#open) : this.#resumed!.from;
  }

  /**
   * Ends the upload here, for good: a call that is under way rejects with `reason`, later ones with `invalid_state`, and
   * the source is told why nobody wants the rest. Nothing is finished by it. The session at the server stays as it is: a
   * checkpoint goes on with it.
   *
   * @param reason by default an error that says so
   */
  close(reason?: unknown): Promise<void> {
    const why = reason ?? new UploadError("invalid_state", "The upload was closed");
    this.#closing.abort(why);
    this.#open?.session.close(why);
    this.#source?.taken.release(why);
    return Promise.resolve();
  }

  /** The state of the session; `undefined` before there is one. */
  get #state(): StartedSession | undefined {
    if (this.#open) return this.#open.session.state;
    if (!this.#resumed) return undefined;
    const { from: { sessionUrl: url, persisted }, choices: { isNew } } = this.#resumed;
    const kind = this.#isCancelled ? "cancelled" : isNew ? "open" : "interrupted";
    return { kind, url, persisted };
  }

  /** One call at a time, which ends when the upload is closed. It begins in the same turn. */
  async #exclusively<R>(
    options: CallOptions,
    action: (signal: AbortSignal) => Promise<R>,
    names: readonly string[] = OPTION_NAMES.call,
  ): Promise<R> {
    checkOptions(options, names, "options");
    if (this.#isBusy) {
      throw invalidState("Cannot begin: another call of this upload has not ended yet");
    }
    if (this.#closing.signal.aborted && !this.finished) {
      throw invalidState("Cannot begin: this upload was closed");
    }
    this.#isBusy = true;
    const { signal, unlink } = linkSignals([options.signal, this.#closing.signal]);
    try {
      return await action(signal);
    } finally {
      unlink();
      this.#isBusy = false;
    }
  }

  /** The state of the session that can go on, or the reason why there is none. */
  #requireSession(action: string): StartedSession {
    const state = this.#state;
    if (!state) throw invalidState(`Cannot ${action}: this upload has not been initiated`);
    if (state.kind === "done") throw invalidState(`Cannot ${action}: the upload has finished`);
    if (state.kind === "cancelled") {
      throw invalidState(`Cannot ${action}: the upload was cancelled`);
    }
    return state;
  }

  /** The session; one from before is opened with its source here. */
  async #session(signal: AbortSignal): Promise<UploadSession<T>> {
    if (!this.#open) {
      const { from, choices } = this.#resumed!;
      const { taken } = this.#source!;
      this.#open = await resumeSession(this.#setup, taken, from, choices, signal);
    }
    return this.#open.session;
  }

  /** Takes the source, unless it was taken for a call before that failed. */
  #take(source: UploadSource): TakenSource {
    if (this.#source?.input !== source) {
      this.#letGo(invalidState("Another source was given"));
      this.#source = { input: source, taken: takeSource(source) };
    }
    return this.#source!.taken;
  }

  #letGo(reason: unknown): void {
    this.#source?.taken.release(reason);
    this.#source = undefined;
  }
}
