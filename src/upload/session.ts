/** An open session: what the server holds of it, and the source that the rest comes from. */

import { continueChecksum, type RunningChecksum, startChecksum } from "../bytes/checksum.ts";
import { ReplayWindow } from "../bytes/replay.ts";
import { type PreparedSource, sizeMismatch } from "../bytes/source.ts";
import { DataCorruption, InvalidResponse, UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { attempt, type RetryPolicy, type Step } from "../net/retry.ts";
import type { Reply, Transport } from "../net/transport.ts";
import {
  type ChecksumOption,
  type Checksums,
  compareObject,
  formatHashes,
  objectSize,
  type StorageObject,
} from "../protocol/metadata.ts";
import { readSessionReply, type SessionReply } from "../protocol/reply.ts";
import { chunkRequest, type RequestSpec, statusRequest } from "../protocol/resumable.ts";
import { advance, NEW_SESSION, type OpenedSession } from "../protocol/session.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { refusalError } from "./checks.ts";
import type { UploadProgress } from "./options.ts";

/** How a session request ended: as a step, or with the server's word on what is stored. */
export type SessionStep =
  | Exclude<Step<Response>, { kind: "continue" }>
  | { readonly kind: "stored"; readonly progress: boolean; readonly response: Response };

/** Replies after which asking the server may help. */
const MAY_PASS: readonly SessionReply["kind"][] = ["unavailable", "misplaced", "unproven"];

/** What a session needs to know of its upload. */
export interface SessionOptions {
  readonly url: string;
  readonly source: PreparedSource;
  readonly contentType: string;
  /** The declared size in bytes. */
  readonly total: number | undefined;
  readonly chunkSize: number;
  readonly headers: Headers;
  readonly policy: RetryPolicy;
  readonly checksum: ChecksumOption;
  readonly onProgress: ((progress: UploadProgress) => void) | undefined;
}

/**
 * Sends the source to the session, one request at a time.
 *
 * From the state `unsure` it never sends bytes: the one way out is to ask the server.
 */
export class UploadSession {
  readonly #options: SessionOptions;
  readonly #window: ReplayWindow;
  #state: OpenedSession;
  #total: number | undefined;
  #sent = 0;
  #checksum: RunningChecksum | undefined;
  #object: StorageObject | undefined;
  #resumed: { readonly from: Checkpoint; readonly reread: boolean } | undefined; // until source and server are compared

  /** A session that was just opened; `checksum` has seen nothing yet. */
  static opened(options: SessionOptions, checksum: RunningChecksum | undefined): UploadSession {
    const session = new UploadSession(
      options,
      advance(NEW_SESSION, { kind: "initiated", url: options.url }),
    );
    session.#checksum = checksum;
    return session;
  }

  /** A session from before. `verifyPrefix` reads what is stored once more, to compare it. */
  static resumed(options: SessionOptions, from: Checkpoint, verifyPrefix: boolean): UploadSession {
    const { persisted } = from;
    const session = new UploadSession(
      options,
      advance(NEW_SESSION, { kind: "resumed", url: options.url, persisted }),
    );
    session.#sent = persisted;
    session.#resumed = { from, reread: verifyPrefix || !session.#trustPrefix(from) };
    return session;
  }

  private constructor(options: SessionOptions, state: OpenedSession) {
    this.#options = options;
    this.#state = state;
    this.#total = options.total;
    this.#window = new ReplayWindow(options.source.open(), {
      chunkSize: options.chunkSize,
      declared: options.total,
      onBytes: (bytes) => this.#checksum?.update(bytes),
    });
  }

  /** Where the session stands. */
  get state(): OpenedSession {
    return this.#state;
  }

  /** The size of the whole in bytes, once it is known. */
  get total(): number | undefined {
    return this.#total;
  }

  /** The finished object. */
  get object(): StorageObject | undefined {
    return this.#object;
  }

  /** CRC32C of the bytes that the server has confirmed, base64, where it is known. */
  get persistedCrc32c(): string | undefined {
    return this.#resumed ? this.#resumed.from.crc32c : this.#crc32cAt(this.#state.persisted);
  }

  /** One step towards more bytes at the server: asks where that is unknown, else sends. */
  step(transport: Transport, signal: AbortSignal | undefined): Promise<Step<Response>> {
    return this.#state.kind === "unsure"
      ? this.#askBeforeSending(transport, signal)
      : this.#sendChunk(transport, signal);
  }

  /** Notes that the session is no more, and lets go of the source. */
  async cancelled(): Promise<void> {
    this.#state = advance(this.#state, { kind: "cancelled" });
    await this.#window.close(new UploadError("session_cancelled", "The upload was cancelled"));
  }

  /** Lets go of the source, telling it why nobody wants the rest. */
  async close(reason: unknown): Promise<void> {
    await this.#window.close(reason);
  }

  /** Sends what follows the confirmed bytes; without any left, asks the server to finish. */
  async #sendChunk(transport: Transport, signal: AbortSignal | undefined): Promise<Step<Response>> {
    const chunk = await abortable(this.#window.take(this.#state.persisted), signal);
    const { offset, bytes, total } = chunk;
    if (total !== undefined) this.#total = total;
    const spec = chunkRequest({
      url: this.#state.url,
      headers: this.#options.headers,
      contentType: this.#options.contentType,
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
    return { kind: "failed", error: this.#lost(new InvalidResponse(step.response, message)) };
  }

  /** Asks what the server holds; if that is no more than before, the bytes are still to be sent. */
  async #askBeforeSending(
    transport: Transport,
    signal: AbortSignal | undefined,
  ): Promise<Step<Response>> {
    const step = await this.ask(transport, signal);
    if (step.kind !== "stored") return step;
    return step.progress ? { kind: "done", value: step.response } : { kind: "continue" };
  }

  /** Asks what the server holds, and goes there. */
  ask(transport: Transport, signal: AbortSignal | undefined): Promise<SessionStep> {
    const spec = statusRequest(this.#state.url, this.#options.headers);
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
      reply = await attempt(transport, spec, this.#options.policy, signal);
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
    if (!MAY_PASS.includes(outcome.kind)) throw error;
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
    const ours = this.#crc32cAt(persisted);
    if (ours !== undefined && crc32c !== undefined && ours !== crc32c) {
      const message =
        `Cannot go on: expected crc32c ${ours} for the ${persisted} bytes stored, the server has ${crc32c}`;
      throw this.#lost(new DataCorruption(reply.response, message));
    }
    this.#state = advance(this.#state, { kind: "stored", persisted });
    this.#sent = Math.max(this.#sent, persisted);
    this.#window.release(persisted);
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
    const problem = compareObject(object, sent, this.#options.checksum);
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
    await this.#window.close();
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
    if (reread) this.#checksum ??= await startChecksum(this.#options.checksum);
    if (!this.#checksum) this.#window.seek(persisted);
    // Both are places to compare at.
    await abortable(this.#window.skip(Math.min(from.persisted, persisted)), signal);
    await abortable(this.#window.skip(persisted), signal);
    const differs = (offset: number, theirs: string | undefined) => {
      const ours = this.#crc32cAt(offset);
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
    if (!(await abortable(this.#window.ended(), signal))) throw sizeMismatch(total, "more");
    this.#total = this.#sent = total;
  }

  /** Starts at the checkpoint instead of at the first byte, where checksum and source allow it; returns whether they do. */
  #trustPrefix({ persisted, crc32c }: Checkpoint): boolean {
    if (this.#options.checksum === null) return true;
    const checksum = crc32c !== undefined && this.#options.checksum !== "md5" &&
      continueChecksum(persisted, crc32c);
    if (!checksum || !this.#window.seek(persisted)) return false;
    this.#checksum = checksum;
    return true;
  }

  /** CRC32C of the first `offset` bytes, base64, where it is known. */
  #crc32cAt(offset: number): string | undefined {
    return this.#checksum?.crc32cAt(offset, this.#window.keptUpTo(offset));
  }

  #checksums(): Checksums {
    return this.#checksum ? { crc32c: this.#checksum.crc32c(), md5: this.#checksum.md5() } : {};
  }

  #report(): void {
    this.#options.onProgress?.({
      sent: this.#sent,
      persisted: this.#state.persisted,
      total: this.#total,
    });
  }
}
