/** An open session: asks what the server holds, sends what follows, and proves what comes of it. */

import { DataCorruption, InvalidResponse, type UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { attempt, type FailedStep, type RetryPolicy, type Step } from "../net/retry.ts";
import { isWhole, type Reply, type SendResult } from "../net/send.ts";
import type { Transport } from "../net/transport.ts";
import { type Checksums, formatHashes } from "../protocol/hashes.ts";
import type { ChecksumOption, Resource, UploadContext } from "../protocol/resource.ts";
import { advance, NEW_SESSION, type StartedSession } from "../protocol/session_state.ts";
import type { SessionAnswer, UploadProtocol } from "../protocol/upload_protocol.ts";
import { compareClaims, filled } from "./claimed_checksums.ts";
import { checksumsOf, type Feed, type Part } from "./feed.ts";
import { lookUp, provenResult } from "./finish.ts";
import { isStreamRefused, PartSender } from "./part_sender.ts";
import { type KnownPrefix, verifyPrefix, verifyWhole } from "./prefix.ts";
import type { Progress } from "./upload_progress.ts";
import { refusalError } from "./refusal_error.ts";

/** How a session request ended: as a step, or with the server's word on what is stored. */
export type SessionStep =
  | Exclude<Step<Response>, { kind: "continue" }>
  | { readonly kind: "stored"; readonly progress: boolean; readonly reply: Reply }
  /** The server takes less in one request: the same bytes in smaller ones. */
  | { readonly kind: "smaller" };

/** What a session request was for, and how the next one is sent. */
interface Asked {
  readonly kind: "chunk" | "status";
  readonly transport: Transport;
  readonly signal: AbortSignal | undefined;
}

/** How often in a row a server may be asked that shows neither what it holds nor a result. */
const MAX_INCONCLUSIVE = 4;

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
  /** The most bytes of a request that is not the last one, at first. */
  readonly maxBytes: number;
  /** Up to how many bytes requests may grow. */
  readonly growsTo: number;
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
  readonly #sender: PartSender;
  #end = 0; // where the bytes of the youngest chunk end
  #handed = 0; // the end of the last byte that a request has carried: the server cannot have more
  #inconclusive = 0;

  /** A session that was just opened, or, with `resumed`, one from before. */
  constructor(options: SessionOptions<T>, resumed?: ResumedFrom) {
    const { url, feed, declared, maxBytes, growsTo, granularity, policy, progress } = options;
    this.#options = options;
    this.#feed = feed;
    this.#total = declared;
    this.#sender = new PartSender({ policy, maxBytes, growsTo, granularity });
    this.#resumed = resumed;
    this.#state = advance(
      NEW_SESSION,
      resumed ? { kind: "resumed", url, persisted: resumed.persisted } : { kind: "started", url },
    );
    progress.resume(this.#handed = this.#state.persisted);
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
    return await this.#settle({ kind: "status", transport, signal }, result);
  }

  /** Notes that the session is no more, and lets go of the source. */
  cancelled(reason: UploadError): void {
    this.#state = advance(this.#state, { kind: "cancelled" });
    this.#feed.close(reason);
  }

  /** Ends the upload here, for good, and lets go of the source. The session at the server stays as it is. */
  close(reason: unknown): void {
    const isOpen = this.#state.kind === "open" || this.#state.kind === "interrupted";
    if (isOpen) this.#state = advance(this.#state, { kind: "closed" });
    this.#feed.close(reason);
  }

  /** Sends what follows the confirmed bytes; without any left, asks the server to finish. */
  async #sendNext(transport: Transport, signal: AbortSignal | undefined): Promise<SessionStep> {
    const asked = { kind: "chunk", transport, signal } as const;
    const result = await this.#send(asked, true);
    // A transport that has not looked at the stream it was given may know bytes only. If it fails with these, too, it was not
    // the stream.
    if (isStreamRefused(result)) {
      const held = await this.#send(asked, false);
      if (held.kind === "failed") return await this.#settle(asked, result);
      const step = await this.#settle(asked, held);
      if (step.kind === "stored" || step.kind === "done") this.#sender.noteUntouched();
      return step;
    }
    this.#sender.noteResult(result);
    const failedOrDone = await this.#settle(asked, result);
    if (result.kind !== "failed" || result.body !== "all taken") return failedOrDone;
    // All bytes were taken and there is no reply that can be read: the server may have answered with a 308, although it was
    // asked not to, or the reply is lost. What it holds is the answer.
    const step = await this.ask(transport, signal);
    return step.kind === "done" || (step.kind === "stored" && step.progress) ? step : failedOrDone;
  }

  /** Sends the bytes that follow to the session. */
  async #send({ transport, signal }: Asked, mayStream: boolean): Promise<SendResult> {
    const { protocol, headers, contentType, declared, progress } = this.#options;
    const { url, persisted } = this.#state;
    const limits = this.#sender.limits(mayStream);
    const part = await abortable(this.#feed.next(persisted, limits), signal);
    const { offset, size, last } = part;
    this.#end = offset + size;
    this.#handed = Math.max(this.#handed, this.#end);
    if (last) this.#total = offset + size;
    const hash = this.#hashOf(part);
    const total = last ? this.#total : declared;
    const head = protocol.chunk({ url, headers, contentType, offset, size, total, last, hash });
    return await this.#guarded(() =>
      this.#sender.send(transport, head, part, {
        signal,
        onHanded: () => progress.handed(offset + size, persisted, this.#total),
        onTaken: (bytes) => progress.took(offset + bytes, persisted, this.#total),
      })
    );
  }

  /** `x-goog-hash` of the whole, on the last request; nothing is finished that is not what the caller says it is. */
  #hashOf({ last }: Part): string | undefined {
    const { resource, claimed } = this.#options;
    if (!last) return undefined;
    const sums = checksumsOf(this.#feed);
    const isWhole = this.#feed.checksum?.length === this.#total; // else it is hashed while it is sent
    if (isWhole) compareClaims(claimed, sums);
    return resource.takesHash ? formatHashes(filled(sums, claimed)) : undefined;
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
  async #settle(asked: Asked, result: SendResult): Promise<SessionStep> {
    const asksNext = asked.kind === "chunk";
    if (result.kind === "failed") {
      const { error, spent } = result;
      return { kind: "failed", error: this.#interrupted(error), spent, asksNext };
    }
    const { reply } = result;
    const answer = this.#read(asked.kind, reply, isWhole(result));
    if (answer.kind === "stored") {
      return await this.#guarded(() => this.#stored(reply, answer, asked.signal));
    }
    if (answer.kind === "finished") {
      return await this.#guarded(() => this.#finished(reply, answer.value, asked));
    }
    const action = asksNext ? "transmit a chunk" : "recover";
    const error = this.#interrupted(refusalError(action, reply, answer, true));
    const retryAfter = reply.headers.get("retry-after");
    const failed: FailedStep = { kind: "failed", error, retryAfter, asksNext };
    switch (answer.kind) {
      case "too_large":
        return this.#sender.shrink(answer.maxBytes) ? { kind: "smaller" } : failed;
      case "gap":
      case "no_result":
        if (++this.#inconclusive > MAX_INCONCLUSIVE) throw error;
        return { ...failed, mayPass: true };
      case "unavailable":
      case "rejected":
        return failed;
      default:
        throw error;
    }
  }

  /** What a reply means. A success that shows no result is none, nor is one that came before all of its request was taken. */
  #read(
    asked: "chunk" | "status",
    reply: Reply,
    isWhole: boolean,
  ): Exclude<SessionAnswer, { kind: "finished" }> | { kind: "finished"; value: T | undefined } {
    const { protocol, resource } = this.#options;
    const answer = protocol.answer(reply, {
      asked,
      persisted: this.#resumed?.reread ? 0 : this.#state.persisted,
      known: this.#state.persisted,
      sent: this.#resumed ? this.#total ?? Infinity : this.#handed,
      end: asked === "chunk" && isWhole ? this.#end : undefined,
    });
    if (answer.kind !== "finished") return answer;
    const noResult = (problem: string) => ({ kind: "no_result", problem }) as const;
    if (!isWhole) {
      return noResult(
        "expected the server to take the whole request, but it calls the upload finished",
      );
    }
    const value = resource.read(reply);
    return value === undefined && !answer.isCertain
      ? noResult(`expected ${resource.expected}, got neither`)
      : { kind: "finished", value };
  }

  async #stored(
    reply: Reply,
    { persisted, crc32c, url }: Extract<SessionAnswer, { kind: "stored" }>,
    signal: AbortSignal | undefined,
  ): Promise<SessionStep> {
    const progress = persisted > this.#state.persisted;
    await this.#verifyResumed(persisted, crc32c, signal);
    const ours = await abortable(this.#feed.goTo(persisted), signal);
    signal?.throwIfAborted(); // closed meanwhile: that is final, and has its own reason
    if (ours !== undefined && crc32c !== undefined && ours !== crc32c) {
      const message =
        `Cannot go on: expected crc32c ${ours} for the ${persisted} bytes stored, the server has ${crc32c}`;
      throw new DataCorruption(reply.response, message);
    }
    this.#state = advance(this.#state, { kind: "stored", persisted, url });
    this.#feed.release(persisted);
    this.#inconclusive = 0;
    if (progress) this.#sender.noteProgress();
    if (persisted === this.#handed) this.#sender.noteWhole();
    this.#options.progress.confirmed(persisted, this.#total);
    return { kind: "stored", progress, reply };
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

  async #finished(reply: Reply, shown: T | undefined, asked: Asked): Promise<SessionStep> {
    const { resource, claimed, checksum, context, progress } = this.#options;
    const value = shown === undefined ? await this.#lookedUp(reply, asked) : shown;
    const facts = resource.facts?.(value, context) ?? {};
    if (this.#resumed) {
      const known = this.#total ?? facts.size;
      this.#total = await verifyWhole(this.#feed, this.#resumed, known, asked.signal);
      this.#resumed = undefined;
      progress.resume(this.#handed = this.#total);
    }
    const size = this.#total;
    if (size === undefined || this.#handed < size) {
      const message =
        `Cannot go on: the server has finished the object, but only ${this.#handed} bytes of it were sent`;
      throw new DataCorruption(reply.response, message);
    }
    await abortable(this.#feed.goTo(size), asked.signal); // it was taken back if the server seemed to have less
    asked.signal?.throwIfAborted();
    const sent = { size, checksums: filled(checksumsOf(this.#feed), claimed) };
    const result = provenResult({ reply, value, resource, context, sent, checksum });
    this.#state = advance(this.#state, { kind: "finished", size });
    this.#result = { value: result };
    this.#feed.close();
    progress.finished(size);
    return { kind: "done", value: reply.response };
  }

  /** The result of an upload that is finished, where the reply does not show it. */
  async #lookedUp(reply: Reply, { transport, signal }: Asked): Promise<T> {
    const { resource, context, startHeaders: headers, policy } = this.#options;
    const options = { transport, headers, policy, signal };
    const looked = await lookUp(resource, context, options);
    if (looked) return looked.value;
    const message =
      `Cannot show the result: the upload is finished, but the reply does not have ${resource.expected}`;
    throw new InvalidResponse(reply.response, message);
  }

  /** Brings a resumed upload's source to where the server is, and makes sure that it is the source from before. */
  async #verifyResumed(
    persisted: number,
    crc32c: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (!this.#resumed) return;
    await verifyPrefix(this.#feed, this.#resumed, persisted, crc32c, signal);
    this.#resumed = undefined;
    this.#options.progress.resume(this.#handed = persisted);
  }
}
