/** The resumable upload: a session that survives failures of the network, of the server and of this process. */

import { startChecksum } from "../bytes/checksum.ts";
import { type PreparedSource, prepareSource, type UploadSource } from "../bytes/source.ts";
import { InvalidResponse, UploadError } from "../errors.ts";
import { attempt, retrying } from "../net/retry.ts";
import type { Reply, Transport } from "../net/transport.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/metadata.ts";
import { isSuccess, readRefusal } from "../protocol/reply.ts";
import { cancelRequest, initiateRequest, type RequestSpec } from "../protocol/resumable.ts";
import { checkCheckpoint, type Checkpoint } from "./checkpoint.ts";
import {
  checkChunkSize,
  checkContentType,
  type CheckedUpload,
  checkMetadata,
  checkTotalBytes,
  checkTransport,
  checkUpload,
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
import { type SessionOptions, UploadSession } from "./session.ts";

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
  readonly #upload: CheckedUpload;
  readonly #chunkSize: number;
  readonly #onProgress: ((progress: UploadProgress) => void) | undefined;
  #session: UploadSession | undefined;
  #contentType = "";
  #lastModified: number | undefined;
  #busy = false;

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl where the upload is started: the JSON API's `…/o?uploadType=resumable`, or a signed start URL
   * @param chunkSize bytes in each request, a positive multiple of {@linkcode UPLOAD_CHUNK_SIZE}
   */
  constructor(uploadUrl: string | URL, chunkSize: number, options: ResumableUploadOptions = {}) {
    this.#upload = checkUpload(uploadUrl, options);
    this.#chunkSize = checkChunkSize(chunkSize);
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
    const { verifyPrefix = true, ...rest } = options;
    const upload = new ResumableUpload(from.uploadUrl, from.chunkSize, {
      ...rest,
      checksum: from.checksum,
    });
    const prepared = prepareSource(source);
    checkSameSource(from, prepared);
    const total = from.totalBytes;
    const session = upload.#sessionOptions(
      from.sessionUrl,
      prepared,
      checkContentType(from.contentType),
      total,
    );
    upload.#session = UploadSession.resumed(session, from, verifyPrefix);
    return upload;
  }

  /** Where the upload is started. */
  get uploadUrl(): string {
    return this.#upload.url;
  }

  /** Bytes in each request. */
  get chunkSize(): number {
    return this.#chunkSize;
  }

  /** How many bytes the server has confirmed. */
  get bytesUploaded(): number {
    return this.#session?.state.persisted ?? 0;
  }

  /** Whether the object is finished, and is the right one. */
  get finished(): boolean {
    return this.#session?.state.kind === "done";
  }

  /** Whether it is unknown what the server holds, after a failure; `recover()` finds out. */
  get invalid(): boolean {
    return this.#session?.state.kind === "unsure";
  }

  /** The URL of the session, with which anyone can go on with the upload; `undefined` before `initiate`. */
  get resumableUrl(): string | undefined {
    return this.#session?.state.url;
  }

  /** The size of the whole in bytes; `undefined` while it is not known. */
  get totalBytes(): number | undefined {
    return this.#session?.total;
  }

  /** The finished object; `undefined` before. */
  get object(): StorageObject | undefined {
    return this.#session?.object;
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
      if (this.#session) {
        throw invalidState("Cannot initiate: this upload has already been initiated");
      }
      checkTransport(transport);
      const prepared = prepareSource(source);
      const { totalBytes, streamFinal, signal } = options;
      checkTotalBytes(totalBytes, prepared.size);
      const total = totalBytes ?? (streamFinal === false ? undefined : prepared.size);
      const { url, headers } = this.#upload;
      const spec = initiateRequest({
        url,
        headers,
        metadata: checkMetadata(metadata),
        contentType: checkContentType(contentType),
        total,
      });
      const checksum = await startChecksum(this.#upload.checksum);
      const reply = await this.#request(
        "initiate",
        transport,
        spec,
        signal,
        ({ status }) => isSuccess(status),
      );
      const session = this.#sessionOptions(sessionUrl(reply, url), prepared, contentType, total);
      this.#session = UploadSession.opened(session, checksum);
      return reply.response;
    });
  }

  /**
   * Sends the next chunk: afterwards the server has confirmed more bytes, or the upload is finished. Throws when
   * neither can be reached.
   */
  transmitNextChunk(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(() => {
      const session = this.#requireSession("transmit a chunk");
      checkTransport(transport);
      const { policy } = this.#upload;
      if (this.invalid && !policy.retries) {
        throw invalidState(
          "Cannot transmit a chunk: the upload is in an invalid state; call recover() first",
        );
      }
      return retrying(policy, options.signal, () => session.step(transport, options.signal));
    });
  }

  /** Asks the server what it holds, and goes on from there: the upload is valid again, or finished. */
  recover(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(() => {
      const session = this.#requireSession("recover");
      checkTransport(transport);
      return retrying(this.#upload.policy, options.signal, async () => {
        const step = await session.ask(transport, options.signal);
        return step.kind === "stored" ? { kind: "done", value: step.response } : step;
      });
    });
  }

  /** Gives up the upload: the server forgets the session and what it stored. A finished object is not touched. */
  cancel(transport: Transport, options: CallOptions = {}): Promise<Response> {
    return this.#exclusively(async () => {
      const session = this.#requireSession("cancel");
      checkTransport(transport);
      // 499 is how the session says that it is no more; 404 and 410 that it was not there any more.
      const gone = ({ status }: Reply) => [200, 204, 404, 410, 499].includes(status);
      const spec = cancelRequest(session.state.url, this.#upload.headers);
      const reply = await this.#request("cancel", transport, spec, options.signal, gone);
      await session.cancelled();
      return reply.response;
    });
  }

  /** Where the upload stands, to be stored; see {@linkcode Checkpoint}, and {@linkcode ResumableUpload.resume}. */
  checkpoint(): Checkpoint {
    const session = this.#requireSession("make a checkpoint");
    const { persistedCrc32c: crc32c, total: totalBytes } = session;
    return {
      version: 1,
      uploadUrl: this.uploadUrl,
      sessionUrl: session.state.url,
      chunkSize: this.#chunkSize,
      persisted: session.state.persisted,
      ...(crc32c !== undefined && { crc32c }),
      ...(totalBytes !== undefined && { totalBytes }),
      ...(this.#lastModified !== undefined && { lastModified: this.#lastModified }),
      contentType: this.#contentType,
      checksum: this.#upload.checksum,
    };
  }

  /** Lets go of the source, telling it why nobody wants the rest. The session at the server stays as it is. */
  async close(reason: unknown): Promise<void> {
    await this.#session?.close(reason);
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

  /** The open session, or the reason why there is none. */
  #requireSession(action: string): UploadSession {
    const kind = this.#session?.state.kind;
    if (!this.#session) throw invalidState(`Cannot ${action}: this upload has not been initiated`);
    if (kind === "done") throw invalidState(`Cannot ${action}: the upload has finished`);
    if (kind === "cancelled") throw invalidState(`Cannot ${action}: the upload was cancelled`);
    return this.#session;
  }

  #sessionOptions(
    url: string,
    source: PreparedSource,
    contentType: string,
    total: number | undefined,
  ): SessionOptions {
    this.#contentType = contentType;
    this.#lastModified = source.lastModified;
    const { headers, policy, checksum } = this.#upload;
    const [chunkSize, onProgress] = [this.#chunkSize, this.#onProgress];
    return { url, source, contentType, total, chunkSize, headers, policy, checksum, onProgress };
  }

  /** One request outside the chunk loop, until `accept` takes its reply. */
  #request(
    action: string,
    transport: Transport,
    spec: RequestSpec,
    signal: AbortSignal | undefined,
    accept: (reply: Reply) => boolean,
  ): Promise<Reply> {
    return retrying<Reply>(this.#upload.policy, signal, async () => {
      const reply = await attempt(transport, spec, this.#upload.policy, signal);
      if (reply instanceof UploadError) return { kind: "failed", error: reply };
      if (accept(reply)) return { kind: "done", value: reply };
      const refusal = readRefusal(reply);
      const error = refusalError(action, reply, refusal, action !== "initiate");
      if (refusal.kind !== "unavailable") throw error;
      return { kind: "failed", error, retryAfter: reply.headers.get("retry-after") };
    });
  }
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
