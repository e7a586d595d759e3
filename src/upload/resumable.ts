/** The resumable upload: a session that survives failures of the network, of the server and of this process. */

import { continueChecksum, type RunningChecksum, startChecksum } from "../bytes/checksum.ts";
import { ReplayWindow } from "../bytes/replay.ts";
import {
  type PreparedSource,
  prepareSource,
  sizeMismatch,
  type UploadSource,
} from "../bytes/source.ts";
import { DataCorruption, InvalidResponse, UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { attempt, retrying, type RetryPolicy, retryPolicy, type Step } from "../net/retry.ts";
import type { Reply, Transport } from "../net/transport.ts";
import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range.ts";
import {
  type ChecksumOption,
  type Checksums,
  compareObject,
  formatHashes,
  type ObjectMetadata,
  objectSize,
  type StorageObject,
} from "../protocol/metadata.ts";
import { isSuccess, readRefusal, readSessionReply, type SessionReply } from "../protocol/reply.ts";
import {
  cancelRequest,
  chunkRequest,
  initiateRequest,
  type RequestSpec,
  statusRequest,
} from "../protocol/resumable.ts";
import { advance, NEW_SESSION, type SessionState } from "../protocol/session.ts";
import { checkCheckpoint, type Checkpoint } from "./checkpoint.ts";
import {
  checkByteCount,
  checkChecksum,
  checkContentType,
  checkHeaders,
  checkMetadata,
  checkTransport,
  checkUrl,
  invalidState,
  refusalError,
} from "./checks.ts";
import type {
  CallOptions,
  InitiateOptions,
  ResumableUploadOptions,
  ResumeOptions,
  UploadProgress,
} from "./options.ts";

/** How a session request ended: as a step, or with the server's word on what is stored. */
type SessionStep =
  | Exclude<Step<Response>, { kind: "continue" }>
  | { readonly kind: "stored"; readonly progress: boolean; readonly response: Response };

/**
 * An upload in chunks that can be interrupted and taken up again, even by another process.
 *
 * `initiate` opens a session; each `transmitNextChunk` makes the server store more bytes, finishes the upload, or
 * throws. With retrying on (the default) failures that may pass are recovered from within the call, after asking the
 * server where it stands. With `retry: null` a failed call throws, `invalid` becomes true, and `recover()` makes the
 * upload valid again. One call at a time. At most two chunks are held in memory.
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
export class ResumableUpload {
  readonly #uploadUrl: string;
  readonly #chunkSize: number;
  readonly #headers: Headers;
  readonly #policy: RetryPolicy;
  readonly #checksumOption: ChecksumOption;
  readonly #onProgress: ((progress: UploadProgress) => void) | undefined;
  #state: SessionState = NEW_SESSION;
  #contentType = "";
  #lastModified: number | undefined;
  #total: number | undefined;
  #sent = 0;
  #window: ReplayWindow | undefined;
  #checksum: RunningChecksum | undefined;
  #object: StorageObject | undefined;
  #resumed: { readonly from: Checkpoint; readonly reread: boolean } | undefined; // until source and server are compared
  #busy = false;

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl where the upload is started: the JSON API's `…/o?uploadType=resumable`, or a signed start URL
   * @param chunkSize bytes in each request, a positive multiple of {@linkcode UPLOAD_CHUNK_SIZE}
   */
  constructor(uploadUrl: string | URL, chunkSize: number, options: ResumableUploadOptions = {}) {
    this.#uploadUrl = checkUrl(uploadUrl, "uploadUrl");
    if (!Number.isSafeInteger(chunkSize) || chunkSize <= 0 || chunkSize % UPLOAD_CHUNK_SIZE !== 0) {
      throw new RangeError(
        `chunkSize: expected a positive multiple of ${UPLOAD_CHUNK_SIZE} bytes, got ${chunkSize}`,
      );
    }
    this.#chunkSize = chunkSize;
    this.#headers = checkHeaders(options.headers);
    this.#policy = retryPolicy(options.retry);
    this.#checksumOption = checkChecksum(options.checksum);
    this.#onProgress = options.onProgress;
  }

  /**
   * Takes up an upload from a checkpoint. Nothing is sent yet: the first call asks the server what it holds (with
   * `retry: null` that call must be `recover()`), skips that part of the source and compares it, so that a source which
   * is not the one the upload was started with is found out (`source_changed`).
   *
   * A stream or an iterable must start at its first byte again.
   */
  static resume(
    checkpoint: Checkpoint,
    source: UploadSource,
    options: ResumeOptions = {},
  ): ResumableUpload {
    const from = checkCheckpoint(checkpoint);
    const { verifyPrefix, ...rest } = options;
    const upload = new ResumableUpload(from.uploadUrl, from.chunkSize, {
      ...rest,
      checksum: from.checksum,
    });
    const prepared = prepareSource(source);
    checkSameSource(from, prepared);
    upload.#contentType = checkContentType(from.contentType);
    upload.#total = from.totalBytes;
    upload.#open(prepared);
    upload.#state = advance(NEW_SESSION, {
      kind: "resumed",
      url: from.sessionUrl,
      persisted: from.persisted,
    });
    upload.#sent = from.persisted;
    upload.#resumed = { from, reread: verifyPrefix !== false || !upload.#trustPrefix(from) };
    return upload;
  }

  /** Where the upload is started. */
  get uploadUrl(): string {
    return this.#uploadUrl;
  }

  /** Bytes in each request. */
  get chunkSize(): number {
    return this.#chunkSize;
  }

  /** How many bytes the server has confirmed. */
  get bytesUploaded(): number {
    return this.#state.persisted;
  }

  /** Whether the object is finished, and is the right one. */
  get finished(): boolean {
    return this.#state.kind === "done";
  }

  /** Whether it is unknown what the server holds, after a failure; `recover()` finds out. */
  get invalid(): boolean {
    return this.#state.kind === "unsure";
  }

  /** The URL of the session, with which anyone can go on with the upload; `undefined` before `initiate`. */
  get resumableUrl(): string | undefined {
    return this.#state.kind === "new" ? undefined : this.#state.url;
  }

  /** The size of the whole in bytes; `undefined` while it is not known. */
  get totalBytes(): number | undefined {
    return this.#total;
  }

  /** The finished object; `undefined` before. */
  get object(): StorageObject | undefined {
    return this.#object;
  }

  /**
   * Opens a session. Starting is retried freely: a session that nobody uses harms nothing.
   *
   * @param source what to upload; not touched before the session is open
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
    return this.#exclusively(async () => {
      if (this.#state.kind !== "new") {
        throw invalidState("Cannot initiate: this upload has already been initiated");
      }
      checkTransport(transport);
      const prepared = prepareSource(source);
      const total = declaredSize(prepared, options);
      const spec = initiateRequest({
        url: this.#uploadUrl,
        headers: this.#headers,
        metadata: checkMetadata(metadata),
        contentType: checkContentType(contentType),
        total,
      });
      const checksum = await startChecksum(this.#checksumOption);
      const reply = await this.#request(
        "initiate",
        transport,
        spec,
        options.signal,
        (reply) => isSuccess(reply.status),
      );
      this.#state = advance(this.#state, {
        kind: "initiated",
        url: sessionUrl(reply, this.#uploadUrl),
      });
      this.#contentType = contentType;
      this.#total = total;
      this.#checksum = checksum;
      this.#open(prepared);
      return reply.response;
    });
  }

  /**
   * Sends the next chunk: afterwards the server has confirmed more bytes, or the upload is finished. Throws when
   * neither can be reached.
   */
  transmitNextChunk(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(() => {
      this.#requireSession("transmit a chunk");
      checkTransport(transport);
      if (this.invalid && !this.#policy.retries) {
        throw invalidState(
          "Cannot transmit a chunk: the upload is in an invalid state; call recover() first",
        );
      }
      return retrying(
        this.#policy,
        options.signal,
        () =>
          this.invalid
            ? this.#askBeforeSending(transport, options.signal)
            : this.#sendChunk(transport, options.signal),
      );
    });
  }

  /** Asks the server what it holds, and goes on from there: the upload is valid again, or finished. */
  recover(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(() => {
      this.#requireSession("recover");
      checkTransport(transport);
      return retrying(this.#policy, options.signal, async () => {
        const step = await this.#ask(transport, options.signal);
        return step.kind === "stored" ? { kind: "done", value: step.response } : step;
      });
    });
  }

  /** Gives up the upload: the server forgets the session and what it stored. A finished object is not touched. */
  cancel(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(async () => {
      const url = this.#requireSession("cancel");
      checkTransport(transport);
      // 499 is how the session says that it is no more; 404 and 410 that it was not there any more.
      const gone = ({ status }: Reply) => [200, 204, 404, 410, 499].includes(status);
      const reply = await this.#request(
        "cancel",
        transport,
        cancelRequest(url, this.#headers),
        options.signal,
        gone,
      );
      this.#state = advance(this.#state, { kind: "cancelled" });
      await this.#window?.close(new UploadError("session_cancelled", "The upload was cancelled"));
      return reply.response;
    });
  }

  /** Where the upload stands, to be stored; see {@linkcode Checkpoint}, and {@linkcode ResumableUpload.resume}. */
  checkpoint(): Checkpoint {
    const sessionUrl = this.#requireSession("make a checkpoint");
    const { persisted } = this.#state;
    const crc32c = this.#resumed ? this.#resumed.from.crc32c : this.#checksum?.crc32cAt(persisted);
    return {
      version: 1,
      uploadUrl: this.#uploadUrl,
      sessionUrl,
      chunkSize: this.#chunkSize,
      persisted,
      ...(crc32c !== undefined && { crc32c }),
      ...(this.#total !== undefined && { totalBytes: this.#total }),
      ...(this.#lastModified !== undefined && { lastModified: this.#lastModified }),
      contentType: this.#contentType,
      checksum: this.#checksumOption,
    };
  }

  /** Lets go of the source, telling it why nobody wants the rest. The session at the server stays as it is. */
  async close(reason: unknown): Promise<void> {
    await this.#window?.close(reason);
  }

  async #exclusively<T>(action: () => Promise<T> | T): Promise<T> {
    if (this.#busy) {
      throw invalidState("Cannot begin: another call of this upload has not ended yet");
    }
    this.#busy = true;
    try {
      return await action();
    } finally {
      this.#busy = false;
    }
  }

  /** The session URL, or the reason why nothing can be done with it. */
  #requireSession(action: string): string {
    const state = this.#state;
    if (state.kind === "new") {
      throw invalidState(`Cannot ${action}: this upload has not been initiated`);
    }
    if (state.kind === "done") throw invalidState(`Cannot ${action}: the upload has finished`);
    if (state.kind === "cancelled") {
      throw invalidState(`Cannot ${action}: the upload was cancelled`);
    }
    return state.url;
  }

  #open(prepared: PreparedSource): void {
    this.#lastModified = prepared.lastModified;
    this.#window = new ReplayWindow(prepared.open(), {
      chunkSize: this.#chunkSize,
      declared: this.#total,
      onBytes: (bytes) => this.#checksum?.update(bytes),
    });
  }

  /** One request outside the chunk loop, until `accept` takes its reply. */
  #request(
    action: string,
    transport: Transport,
    spec: RequestSpec,
    signal: AbortSignal | undefined,
    accept: (reply: Reply) => boolean,
  ): Promise<Reply> {
    return retrying<Reply>(this.#policy, signal, async () => {
      const reply = await attempt(transport, spec, this.#policy, signal);
      if (reply instanceof UploadError) return { kind: "failed", error: reply };
      if (accept(reply)) return { kind: "done", value: reply };
      const refusal = readRefusal(reply);
      const error = refusalError(action, reply, refusal, action !== "initiate");
      if (refusal.kind !== "unavailable") throw error;
      return { kind: "failed", error, retryAfter: reply.headers.get("retry-after") };
    });
  }

  /** Sends what follows the confirmed bytes; without any left, asks the server to finish. */
  async #sendChunk(transport: Transport, signal: AbortSignal | undefined): Promise<Step<Response>> {
    const chunk = await abortable(this.#window!.take(this.#state.persisted), signal);
    const { offset, bytes, total } = chunk;
    if (total !== undefined) this.#total = total;
    const spec = chunkRequest({
      url: this.#requireSession("transmit a chunk"),
      headers: this.#headers,
      contentType: this.#contentType,
      offset,
      bytes,
      total: this.#total,
      hash: total === undefined || !this.#checksum ? undefined : formatHashes(this.#checksums()),
    });
    this.#sent = Math.max(this.#sent, offset + bytes.length);
    this.#report();
    const step = await this.#exchange("chunk", transport, spec, signal);
    if (step.kind !== "stored") return step;
    if (step.progress) return { kind: "done", value: step.response };
    const message =
      `Cannot transmit a chunk: expected some of its ${bytes.length} bytes to be stored, none were`;
    return { kind: "failed", error: new InvalidResponse(step.response, message) };
  }

  /** Asks what the server holds; if that is no more than before, the bytes are still to be sent. */
  async #askBeforeSending(
    transport: Transport,
    signal: AbortSignal | undefined,
  ): Promise<Step<Response>> {
    const step = await this.#ask(transport, signal);
    if (step.kind !== "stored") return step;
    return step.progress ? { kind: "done", value: step.response } : { kind: "continue" };
  }

  #ask(transport: Transport, signal: AbortSignal | undefined): Promise<SessionStep> {
    const spec = statusRequest(this.#requireSession("recover"), this.#headers);
    return this.#exchange("status", transport, spec, signal);
  }

  /** Sends a session request and does what its reply says. */
  async #exchange(
    asked: "chunk" | "status",
    transport: Transport,
    spec: RequestSpec,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    let reply: Reply | UploadError;
    try {
      reply = await attempt(transport, spec, this.#policy, signal);
    } catch (error) {
      throw this.#lost(error);
    }
    if (reply instanceof UploadError) return { kind: "failed", error: this.#lost(reply) };
    const outcome = readSessionReply(reply, {
      asked,
      persisted: this.#resumed?.reread ? 0 : this.#state.persisted,
      sent: this.#resumed ? this.#total ?? Infinity : this.#sent,
    });
    if (outcome.kind === "stored") return await this.#stored(reply, outcome, signal);
    if (outcome.kind === "finished") return await this.#finished(reply, outcome.object, signal);
    const error = this.#lost(
      refusalError(asked === "chunk" ? "transmit a chunk" : "recover", reply, outcome, true),
    );
    if (outcome.kind !== "unavailable" && outcome.kind !== "misplaced") throw error;
    return { kind: "failed", error, retryAfter: reply.headers.get("retry-after") };
  }

  /** Notes that it is not known any more what the server holds. */
  #lost<E>(error: E): E {
    this.#state = advance(this.#state, { kind: "lost" });
    return error;
  }

  async #stored(
    reply: Reply,
    { persisted, crc32c }: Extract<SessionReply, { kind: "stored" }>,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    const progress = persisted > this.#state.persisted;
    await this.#rejoin(persisted, crc32c, signal);
    const ours = this.#checksum?.crc32cAt(persisted);
    if (ours !== undefined && crc32c !== undefined && ours !== crc32c) {
      const message =
        `Cannot go on: expected crc32c ${ours} for the ${persisted} bytes stored, the server has ${crc32c}`;
      throw this.#lost(new DataCorruption(reply.response, message));
    }
    this.#state = advance(this.#state, { kind: "stored", persisted });
    this.#sent = Math.max(this.#sent, persisted);
    this.#window!.release(persisted);
    this.#checksum?.forget(persisted);
    this.#report();
    return { kind: "stored", progress, response: reply.response };
  }

  async #finished(
    reply: Reply,
    object: StorageObject,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    if (this.#resumed) await this.#rejoinFinished(reply, object, signal);
    if (this.#total === undefined || this.#sent < this.#total) {
      const message =
        `Cannot go on: the server has finished the object, but only ${this.#sent} bytes of it were sent`;
      throw this.#lost(new DataCorruption(reply.response, message));
    }
    const sent = { size: this.#total, checksums: this.#checksums() };
    const problem = compareObject(object, sent, this.#checksumOption);
    if (problem) {
      const message = `Cannot trust the finished object: ${problem.message}`;
      const isWrong = problem.kind === "differs";
      throw this.#lost(
        isWrong
          ? new DataCorruption(reply.response, message)
          : new InvalidResponse(reply.response, message),
      );
    }
    this.#state = advance(this.#state, { kind: "finished", size: this.#total });
    this.#object = object;
    await this.#window!.close();
    this.#report();
    return { kind: "done", value: reply.response };
  }

  /** Brings a resumed upload's source to where the server is, and makes sure that it is the source from before. */
  async #rejoin(
    persisted: number,
    crc32c: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (!this.#resumed) return;
    const { from, reread } = this.#resumed;
    if (reread) this.#checksum ??= await startChecksum(this.#checksumOption);
    if (!this.#checksum) this.#window!.seek(persisted);
    await abortable(this.#window!.skip(persisted), signal);
    const differs = (offset: number, theirs: string | undefined) => {
      const ours = this.#checksum?.crc32cAt(offset);
      return theirs !== undefined && ours !== undefined && ours !== theirs;
    };
    if (differs(from.persisted, from.crc32c) || differs(persisted, crc32c)) {
      throw new UploadError(
        "source_changed",
        `Cannot resume: the first ${persisted} bytes of the source are not those sent`,
      );
    }
    this.#resumed = undefined;
  }

  /** The upload was finished before it was resumed: the whole source is compared. */
  async #rejoinFinished(
    reply: Reply,
    object: StorageObject,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const size = objectSize(object);
    const total = this.#total ?? size;
    if (total === undefined || (size !== undefined && size !== total)) {
      const message = `Cannot resume: expected an object of ${total ?? "known"} bytes, got one of ${
        size ?? "unknown size"
      }`;
      throw new DataCorruption(reply.response, message);
    }
    await this.#rejoin(total, undefined, signal);
    if (!(await abortable(this.#window!.ended(), signal))) throw sizeMismatch(total, "more");
    this.#total = this.#sent = total;
  }

  /** Starts at the checkpoint instead of at the first byte, where checksum and source allow it; returns whether they do. */
  #trustPrefix({ persisted, crc32c }: Checkpoint): boolean {
    if (this.#checksumOption === null) return true;
    const checksum = crc32c !== undefined && this.#checksumOption !== "md5" &&
      continueChecksum(persisted, crc32c);
    if (!checksum || !this.#window!.seek(persisted)) return false;
    this.#checksum = checksum;
    return true;
  }

  #checksums(): Checksums {
    return this.#checksum ? { crc32c: this.#checksum.crc32c(), md5: this.#checksum.md5() } : {};
  }

  #report(): void {
    this.#onProgress?.({ sent: this.#sent, persisted: this.#state.persisted, total: this.#total });
  }
}

function declaredSize(
  source: PreparedSource,
  { totalBytes, streamFinal }: InitiateOptions,
): number | undefined {
  if (totalBytes === undefined) return streamFinal === false ? undefined : source.size;
  checkByteCount(totalBytes, "totalBytes");
  if (source.size !== undefined && source.size !== totalBytes) {
    throw new RangeError(
      `totalBytes: expected the size of the source, ${source.size} bytes, got ${totalBytes}`,
    );
  }
  return totalBytes;
}

function checkSameSource(from: Checkpoint, source: PreparedSource): void {
  const differs = (before: number | undefined, now: number | undefined) =>
    before !== undefined && now !== undefined && before !== now;
  const refuse = (what: string, before: unknown, now: unknown) => {
    throw new UploadError(
      "source_changed",
      `Cannot resume: expected a source with ${what} ${before}, got one with ${now}`,
    );
  };
  if (differs(from.totalBytes, source.size)) {
    refuse("a size in bytes of", from.totalBytes, source.size);
  }
  if (differs(from.lastModified, source.lastModified)) {
    refuse("lastModified", from.lastModified, source.lastModified);
  }
}

/** The session URL of an `initiate` reply. */
function sessionUrl(reply: Reply, uploadUrl: string): string {
  const location = reply.headers.get("location");
  const fail = (actual: string) =>
    new InvalidResponse(
      reply.response,
      `Cannot initiate: expected the session URL in a Location header, got ${actual}`,
    );
  if (!location) throw fail("none");
  if (!URL.canParse(location, uploadUrl)) throw fail("one that is not a URL");
  const url = new URL(location, uploadUrl);
  const secure = new URL(uploadUrl).protocol === "https:";
  if (url.protocol !== "https:" && (secure || url.protocol !== "http:")) {
    throw fail(`one with ${url.protocol}`);
  }
  return URL.canParse(location) ? location : url.href;
}
