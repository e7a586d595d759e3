/** An open session: asks what the server holds, sends what follows, and proves what comes of it. */

import { DataCorruption, InvalidResponse, UploadError } from "../errors.ts";
import { sizeMismatch } from "../bytes/random_access.ts";
import { abortable } from "../net/clock.ts";
import { attempt, type FailedStep, type RetryPolicy, type Step } from "../net/retry.ts";
import type { Reply, SendResult } from "../net/send.ts";
import { streamingInit, type Transport } from "../net/transport.ts";
import { type Checksums, formatHashes } from "../protocol/hashes.ts";
import { isSuccess } from "../protocol/reply.ts";
import {
  type ChecksumOption,
  compareFacts,
  type Resource,
  type UploadContext,
} from "../protocol/resource.ts";
import { advance, NEW_SESSION, type StartedSession } from "../protocol/session.ts";
import type { SessionAnswer, UploadProtocol } from "../protocol/upload_protocol.ts";
import { compareClaims, filled } from "./checks.ts";
import { aligned, checksumsOf, type Feed, type Part } from "./feed.ts";
import { type KnownPrefix, skipTo, verifyPrefix } from "./prefix.ts";
import type { Progress } from "./progress.ts";
import { refusalError } from "./refusal_error.ts";
import { expecting, request } from "./request.ts";

/** How a session request ended: as a step, or with the server's word on what is stored. */
export type SessionStep =
  | Exclude<Step<Response>, { kind: "continue" }>
  | { readonly kind: "stored"; readonly progress: boolean; readonly reply: Reply }
  /** The server takes less in one request: the same bytes in smaller ones. */
  | { readonly kind: "smaller" };

/** How often in a row a server may be asked that shows neither what it holds nor a result. */
const MOST_INCONCLUSIVE = 4;

/** After this many long requests in a row that left nothing behind, short ones are sent. */
const MOST_FRUITLESS = 2;

/** After this many streams in a row that were not looked at, while bytes went through, the transport takes bytes only. */
const MOST_UNTOUCHED = 2;

/** By how much the time without a sign of life grows at the most on a line that turns out to be slow. */
const MOST_PATIENCE = 16;

/** What a session needs to know of its upload. */
export interface SessionOptions<T> {
  readonly url: string;
  /** What is known of the upload besides its bytes. */
  readonly context: UploadContext;
  /** Headers of requests that need the caller's own authority. */
  readonly startHeaders: Headers;
  readonly feed: Feed;
  readonly contentType: string;
  /** The declared size in bytes. */
  readonly declared: number | undefined;
  /** The most bytes of a request that is not the last one. */
  readonly maxBytes: number;
  readonly granularity: number;
  readonly headers: Headers;
  readonly policy: RetryPolicy;
  readonly protocol: UploadProtocol;
  readonly resource: Resource<T>;
  readonly checksum: ChecksumOption;
  /** What the caller says that the whole has. */
  readonly claimed: Checksums;
  readonly progress: Progress;
}

/** What is known of a session from before. */
export interface ResumedFrom extends KnownPrefix {
  /** Whether the bytes before are read again, to compare them; else the feed begins behind them. */
  readonly reread: boolean;
}

/**
 * Sends the source to the session, one request at a time.
 *
 * From the state `interrupted` it never sends bytes: the one way out is to ask the server.
 */
export class UploadSession<T> {
  readonly #options: SessionOptions<T>;
  readonly #feed: Feed;
  #state: StartedSession;
  #total: number | undefined;
  #result: { readonly value: T } | undefined;
  #resumed: ResumedFrom | undefined; // until source and server are compared
  #maxBytes: number;
  #handed = 0; // the end of the last byte that a request has carried: the server cannot have more
  #streams = true; // whether the transport takes streams, as far as it is known
  #untouched = 0; // streams in a row that the transport has not looked at, while bytes went through
  #fruitless = 0;
  #inconclusive = 0;
  #patience = 1;
  #stalled = false;

  /** A session that was just opened, or, with `resumed`, one from before. */
  constructor(options: SessionOptions<T>, resumed?: ResumedFrom) {
    const { url, feed, declared, maxBytes, progress } = options;
    this.#options = options;
    this.#feed = feed;
    this.#total = declared;
    this.#maxBytes = maxBytes;
    this.#resumed = resumed;
    this.#state = advance(
      NEW_SESSION,
      resumed ? { kind: "resumed", url, persisted: resumed.persisted } : { kind: "started", url },
    );
    progress.sent = this.#handed = this.#state.persisted;
  }

  /** Where the session stands. */
  get state(): StartedSession {
    return this.#state;
  }

  /** The size of the whole in bytes, once it is known. */
  get total(): number | undefined {
    return this.#total;
  }

  /** The finished result. */
  get result(): { readonly value: T } | undefined {
    return this.#result;
  }

  /** CRC32C of the bytes that the server has confirmed, base64, where it is known. */
  get persistedCrc32c(): string | undefined {
    return this.#resumed ? this.#resumed.crc32c : this.#feed.crc32cAt(this.#state.persisted);
  }

  /** One step towards more bytes at the server: asks where that is unknown, else sends. */
  async step(transport: Transport, signal: AbortSignal | undefined): Promise<Step<Response>> {
    const asks = this.#state.kind === "interrupted";
    const step = asks ? await this.ask(transport, signal) : await this.#sendNext(transport, signal);
    if (step.kind === "smaller") return { kind: "continue" };
    if (step.kind !== "stored") return step;
    if (step.progress) return { kind: "done", value: step.reply.response };
    if (asks) return { kind: "continue" }; // no more is stored than before: the bytes are still to be sent
    return this.#noProgress(step.reply);
  }

  /** Asks what the server holds, and goes there. */
  async ask(transport: Transport, signal: AbortSignal | undefined): Promise<SessionStep> {
    const { protocol, headers, policy } = this.#options;
    const query = { ...protocol.status(this.#state.url, headers), body: new Uint8Array(0) };
    const result = await this.#guarded(() =>
      attempt(transport, query, policy, { signal, action: "recover" })
    );
    return await this.#settle("status", transport, result, signal);
  }

  /** Notes that the session is no more, and lets go of the source. */
  cancelled(): void {
    this.#state = advance(this.#state, { kind: "cancelled" });
    this.#feed.close(new UploadError("session_cancelled", "The upload was cancelled"));
  }

  /** Ends the upload here, for good, and lets go of the source. The session at the server stays as it is. */
  close(reason: unknown): void {
    const isOpen = this.#state.kind === "open" || this.#state.kind === "interrupted";
    if (isOpen) this.#state = advance(this.#state, { kind: "closed" });
    this.#feed.close(reason);
  }

  /** Sends what follows the confirmed bytes; without any left, asks the server to finish. */
  async #sendNext(transport: Transport, signal: AbortSignal | undefined): Promise<SessionStep> {
    const streamed = this.#streams && streamingInit() !== undefined;
    const part = await this.#nextPart(streamed, signal);
    const result = await this.#send(transport, part, signal);
    if (!isPieces(part)) return await this.#settle("chunk", transport, result, signal);
    if (isNotStreamed(result)) return await this.#sendHeld(transport, result, signal);
    this.#untouched = 0;
    this.#stalled = result.kind === "failed" && result.error.code === "deadline_exceeded";
    if (result.kind === "failed" && result.body === "all taken") {
      return await this.#askForReply(transport, result, signal);
    }
    if (result.kind === "failed") this.#noteFruitless();
    return await this.#settle("chunk", transport, result, signal);
  }

  async #nextPart(streamed: boolean, signal: AbortSignal | undefined): Promise<Part> {
    const limits = { maxBytes: this.#maxBytes, streamed };
    const part = await abortable(this.#feed.next(this.#state.persisted, limits), signal);
    if (part.last) {
      this.#total = part.offset + part.size;
      const { claimed, resource } = this.#options;
      if (resource.takesHash) compareClaims(claimed, checksumsOf(this.#feed));
    }
    return part;
  }

  /** Sends bytes to the session. */
  async #send(
    transport: Transport,
    part: Part,
    signal: AbortSignal | undefined,
  ): Promise<SendResult> {
    const { protocol, headers, contentType, policy, progress } = this.#options;
    const { offset, size, last, body } = part;
    this.#handed = Math.max(this.#handed, offset + size);
    const { url, persisted } = this.#state;
    const hash = last ? this.#hash() : undefined;
    const total = last ? this.#total : this.#options.declared;
    const head = protocol.chunk({ url, headers, contentType, offset, size, total, last, hash });
    if (!isPieces(part)) progress.handed(offset + size, persisted, this.#total);
    return await this.#guarded(async () => {
      const beside = part.beside && readWhole(part.beside);
      const result = await attempt(transport, { ...head, body }, policy, {
        signal,
        action: "transmit a chunk",
        stallTimeout: policy.stallTimeout * this.#patience,
        onTaken: (bytes) => progress.took(offset + bytes, persisted, this.#total),
      });
      await abortable(Promise.resolve(beside), signal);
      return result;
    });
  }

  /** `x-goog-hash` of the whole. */
  #hash(): string | undefined {
    const { resource, claimed } = this.#options;
    if (!resource.takesHash) return undefined;
    return formatHashes(filled(checksumsOf(this.#feed), claimed));
  }

  /**
   * Sends the next bytes in one piece, to a transport that has not read the stream it was given: it may know bytes only. If
   * it fails with these, too, it was not the stream.
   */
  async #sendHeld(
    transport: Transport,
    first: SendResult,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    const part = await this.#nextPart(false, signal);
    const result = await this.#send(transport, part, signal);
    if (result.kind === "failed") return await this.#settle("chunk", transport, first, signal);
    const step = await this.#settle("chunk", transport, result, signal);
    const isSent = step.kind === "stored" || step.kind === "done";
    if (isSent && ++this.#untouched >= MOST_UNTOUCHED) this.#streams = false;
    return step;
  }

  /**
   * All bytes were taken and there is no reply that can be read: the server may have answered with a 308, although it was
   * asked not to, or the reply is lost. What it holds is the answer.
   */
  async #askForReply(
    transport: Transport,
    failure: SendResult,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    const failed = await this.#settle("chunk", transport, failure, signal);
    const step = await this.ask(transport, signal);
    const isAnswer = step.kind === "done" || (step.kind === "stored" && step.progress);
    if (!isAnswer) this.#noteFruitless();
    return isAnswer ? step : failed;
  }

  #noteFruitless(): void {
    this.#fruitless++;
    if (this.#fruitless >= MOST_FRUITLESS) this.#streams = false;
  }

  /** Runs something after whose failure it is not known what the server holds. */
  async #guarded<R>(action: () => Promise<R>): Promise<R> {
    try {
      return await action();
    } catch (error) {
      throw this.#interrupted(error);
    }
  }

  /** Notes that it is not known any more what the server holds. */
  #interrupted<E>(error: E): E {
    if (this.#state.kind === "open") this.#state = advance(this.#state, { kind: "interrupted" });
    return error;
  }

  /** Does what the reply to a session request says. */
  async #settle(
    asked: "chunk" | "status",
    transport: Transport,
    result: SendResult,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    const asksNext = asked === "chunk";
    if (result.kind === "failed") {
      const { error, spent } = result;
      return { kind: "failed", error: this.#interrupted(error), spent, asksNext };
    }
    const { reply } = result;
    const answer = this.#read(asked, reply);
    if (answer.kind === "stored") {
      return await this.#guarded(() => this.#stored(reply, answer, signal));
    }
    if (answer.kind === "finished") {
      const value = answer.value ?? await this.#lookedUp(transport, reply, signal);
      return await this.#guarded(() => this.#finished(reply, value, signal));
    }
    const action = asked === "chunk" ? "transmit a chunk" : "recover";
    const error = this.#interrupted(refusalError(action, reply, answer, true));
    const failed: FailedStep = {
      kind: "failed",
      error,
      retryAfter: reply.headers.get("retry-after"),
      asksNext,
    };
    switch (answer.kind) {
      case "too_large":
        return this.#shrink(answer.maxBytes) ? { kind: "smaller" } : failed;
      case "gap":
      case "no_result":
        if (++this.#inconclusive > MOST_INCONCLUSIVE) throw error;
        return { ...failed, mayPass: true };
      case "unavailable":
      case "rejected":
        return failed;
      default:
        throw error;
    }
  }

  /** What a reply means; a success that shows no result is none. */
  #read(
    asked: "chunk" | "status",
    reply: Reply,
  ): Exclude<SessionAnswer, { kind: "finished" }> | { kind: "finished"; value: T | undefined } {
    const { protocol, resource } = this.#options;
    const answer = protocol.answer(reply, {
      asked,
      persisted: this.#resumed?.reread ? 0 : this.#state.persisted,
      known: this.#state.persisted,
      sent: this.#resumed ? this.#total ?? Infinity : this.#handed,
    });
    if (answer.kind !== "finished") return answer;
    const value = resource.read(reply);
    return value === undefined && !answer.isCertain
      ? { kind: "no_result", problem: `expected ${resource.expected}, got neither` }
      : { kind: "finished", value };
  }

  /** The result of an upload that is finished, where the reply does not show it: it is read where it can be. */
  async #lookedUp(
    transport: Transport,
    reply: Reply,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { resource, context, startHeaders: headers, policy } = this.#options;
    const url = resource.lookup?.(context);
    const value = url === undefined ? undefined : await this.#guarded(async () => {
      const looked = await request(expecting(({ status }) => isSuccess(status)), {
        transport,
        request: { method: "GET", url, headers, body: null },
        policy,
        signal,
        action: "look at the result",
        isSession: false,
      });
      return resource.read(looked.reply);
    });
    if (value !== undefined) return value;
    const message =
      `Cannot show the result: the upload is finished, but the reply does not have ${resource.expected}`;
    throw this.#interrupted(new InvalidResponse(reply.response, message));
  }

  /** Sends less in one request from now on, if that is less. */
  #shrink(maxBytes: number): boolean {
    if (maxBytes >= this.#maxBytes || maxBytes < this.#options.granularity) return false;
    this.#maxBytes = aligned(maxBytes, this.#options.granularity);
    return true;
  }

  async #stored(
    reply: Reply,
    { persisted, crc32c, url }: Extract<SessionAnswer, { kind: "stored" }>,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    const progress = persisted > this.#state.persisted;
    await this.#rejoin(persisted, crc32c, signal);
    const ours = await abortable(this.#feed.confirm(persisted), signal);
    if (ours !== undefined && crc32c !== undefined && ours !== crc32c) {
      const message =
        `Cannot go on: expected crc32c ${ours} for the ${persisted} bytes stored, the server has ${crc32c}`;
      throw new DataCorruption(reply.response, message);
    }
    this.#state = advance(this.#state, { kind: "stored", persisted, url });
    this.#inconclusive = 0;
    if (progress) this.#noteProgress();
    this.#options.progress.confirmed(persisted, this.#total);
    return { kind: "stored", progress, reply };
  }

  #noteProgress(): void {
    this.#fruitless = 0;
    // It stood still for too long and bytes have arrived all the same: the line is slow.
    if (this.#stalled) this.#patience = Math.min(2 * this.#patience, MOST_PATIENCE);
    this.#stalled = false;
  }

  /** A chunk of which nothing is stored: the server must be asked what it makes of it. */
  #noProgress({ response, headers, crossOrigin }: Reply): FailedStep {
    const isHidden = crossOrigin === true && headers.get("range") === null;
    const hint = isHidden
      ? "; a page sees Range only where CORS settings of the bucket list it"
      : "";
    const error = new InvalidResponse(
      response,
      `Cannot transmit a chunk: expected some of its bytes to be stored, none were${hint}`,
    );
    return { kind: "failed", error: this.#interrupted(error), asksNext: true, mayPass: !isHidden };
  }

  async #finished(
    reply: Reply,
    value: T,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    const { resource, claimed, checksum, context, progress } = this.#options;
    const facts = resource.facts?.(value, context) ?? {};
    if (this.#resumed) await this.#rejoinFinished(reply, facts.size, signal);
    const size = this.#total;
    if (size === undefined || this.#handed < size) {
      const message =
        `Cannot go on: the server has finished the object, but only ${this.#handed} bytes of it were sent`;
      throw new DataCorruption(reply.response, message);
    }
    const checksums = filled(checksumsOf(this.#feed), claimed);
    const problem = resource.facts && compareFacts(facts, { size, checksums }, checksum);
    if (problem) {
      const message = `Cannot trust the finished object: ${problem.message}`;
      throw problem.kind === "differs"
        ? new DataCorruption(reply.response, message)
        : new InvalidResponse(reply.response, message);
    }
    this.#state = advance(this.#state, { kind: "finished", size });
    this.#result = { value: resource.complete?.(value, { ...context, size }) ?? value };
    this.#feed.close();
    progress.finished(size);
    return { kind: "done", value: reply.response };
  }

  /** Brings a resumed upload's source to where the server is, and makes sure that it is the source from before. */
  async #rejoin(
    persisted: number,
    crc32c: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (!this.#resumed) return;
    await verifyPrefix(this.#feed, this.#resumed, persisted, crc32c, signal);
    this.#resumed = undefined;
    this.#options.progress.sent = this.#handed = persisted;
  }

  /** The size of the source, where nobody knows it: that of what is read until it ends. */
  async #measured(signal: AbortSignal | undefined): Promise<number> {
    await skipTo(this.#feed, this.#state.persisted, signal); // a place to compare at
    for (;;) {
      const size = await abortable(this.#feed.skipToEnd(), signal);
      if (size !== undefined) return size;
    }
  }

  /** The upload was finished before it was resumed: the whole source is compared. */
  async #rejoinFinished(
    reply: Reply,
    size: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const total = this.#total ?? size ?? await this.#measured(signal);
    if (size !== undefined && size !== total) {
      const message = `Cannot resume: expected an object of ${total} bytes, got one of ${size}`;
      throw new DataCorruption(reply.response, message);
    }
    await this.#rejoin(total, undefined, signal);
    if (!(await abortable(this.#feed.ended(), signal))) throw sizeMismatch(total, "more");
    this.#total = this.#options.progress.sent = this.#handed = total;
  }
}

function isPieces({ body }: Part): boolean {
  return "next" in body;
}

/**
 * Whether a transport may not have known what to do with a stream: it has not looked at it, and failed, or the server was not
 * pleased with what it got.
 */
export function isNotStreamed(result: SendResult): boolean {
  if (result.body !== "untouched") return false;
  if (result.kind === "failed") return result.error.code === "transport_failed";
  return result.reply.status === 400 || result.reply.status === 411;
}

/** Reads what somebody else sends, to hash it. */
export async function readWhole(pieces: { next(): Promise<unknown> }): Promise<void> {
  while (await pieces.next()) { /* it is hashed on the way */ }
}
