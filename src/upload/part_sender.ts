/** Sending what a request carries, as this platform and this transport can: streamed, or in one piece. */

import { abortable } from "../net/clock.ts";
import { attempt, type RetryPolicy } from "../net/retry.ts";
import type { SendResult } from "../net/send.ts";
import { streamingInit, type Transport } from "../net/transport.ts";
import type { RequestHead } from "../protocol/upload_protocol.ts";
import { aligned, type Part, type PartLimits } from "./feed.ts";

/** After this many streams in a row that were not looked at, while bytes went through, the transport takes bytes only. */
const MAX_UNTOUCHED = 2;

/** After this many long requests in a row that left nothing behind, short ones are sent. */
const MAX_WITHOUT_PROGRESS = 2;

/** How long those are, in bytes: the time that such a request may take follows its length, and may be lost once more. */
const SHORT = 1024 * 1024;

/** By how much the time without a sign of life grows at the most on a line that turns out to be slow. */
const MAX_STALL_FACTOR = 16;

/** How long a request should take at least, in milliseconds, so that waiting for its reply does not show. */
const WORTHWHILE = 10_000;

/** Up to this many bytes of one request are held at once for a transport that may know bytes only; a Blob needs not be held. */
export const MAX_HELD: number = 64 * 1024 * 1024;

/** How parts are sent. */
export interface PartSenderOptions {
  readonly policy: RetryPolicy;
  /** The most bytes of a request, at first. */
  readonly maxBytes: number;
  /** Up to how many bytes requests grow on a line that carries them soon; no more than `maxBytes` where they stay as they are. */
  readonly growsTo: number;
  readonly granularity: number;
}

/** Who is told of a request. */
export interface PartWatcher {
  readonly signal: AbortSignal | undefined;
  /** The transport was handed all bytes at once, or tells that all have gone out. */
  onHanded(): void;
  /** The transport has taken so many bytes. */
  onTaken(bytes: number): void;
}

/** Sends parts, and learns from how that ends what the transport and the line are like. */
export class PartSender {
  readonly #options: PartSenderOptions;
  #base: number; // the most bytes of a request on a line of which nothing is known
  #growsTo: number;
  #maxBytes: number;
  #rate = 0; // bytes a millisecond, of the last request that was answered
  #streams = true; // whether the transport takes streams, as far as it is known
  #untouched = 0;
  #withoutProgress = 0;
  #stallFactor = 1;
  #isStalled = false;

  constructor(options: PartSenderOptions) {
    this.#options = options;
    this.#base = this.#maxBytes = options.maxBytes;
    this.#growsTo = options.growsTo;
  }

  /** How large the next request may be, and whether it is streamed. */
  limits(mayStream: boolean): PartLimits {
    const streamed = mayStream && this.#streams && streamingInit() !== undefined;
    return { maxBytes: this.#maxBytes, streamed };
  }

  /** Sends less in one request from now on; returns whether that is less. */
  shrink(maxBytes: number): boolean {
    const { granularity } = this.#options;
    if (maxBytes >= this.#maxBytes || maxBytes < granularity) return false;
    this.#base = this.#growsTo = this.#maxBytes = aligned(maxBytes, granularity);
    return true;
  }

  /** Sends a part. */
  async send(
    transport: Transport,
    head: RequestHead,
    { body, size, beside }: Part,
    { signal, onHanded, onTaken }: PartWatcher,
  ): Promise<SendResult> {
    const { policy } = this.#options;
    let hasFailed = false;
    const hashed = readWhole(beside, () => !hasFailed);
    const started = policy.clock.now();
    const result = await attempt(transport, { ...head, body }, policy, {
      signal,
      action: "transmit a chunk",
      stallTimeout: policy.stallTimeout * this.#stallFactor,
      // Nothing follows the last byte of a body that is no stream: that must not be kept back.
      onTaken: (bytes) => bytes === size && !("next" in body) ? onHanded() : onTaken(bytes),
      onHanded,
    });
    hasFailed = result.kind === "failed"; // what was read is read again
    if (!hasFailed) await abortable(hashed, signal);
    this.#rate = size / Math.max(1, policy.clock.now() - started);
    return result;
  }

  /** Bytes have gone through where a stream was not looked at. */
  noteUntouched(): void {
    this.#untouched++;
    if (this.#untouched >= MAX_UNTOUCHED) this.#streams = false;
  }

  /** A request that may have been streamed has ended. */
  noteResult({ kind, body, ...result }: SendResult): void {
    const isLate = "error" in result && result.error.code === "deadline_exceeded";
    if (body !== "not streamed") {
      this.#untouched = 0;
      this.#isStalled = isLate;
      if (kind === "failed" && ++this.#withoutProgress >= MAX_WITHOUT_PROGRESS) {
        this.#streams = false;
      }
    }
    if (kind === "failed") this.#maxBytes = this.#base;
    if (isLate && this.#withoutProgress >= MAX_WITHOUT_PROGRESS) {
      this.#maxBytes = Math.min(this.#base, aligned(SHORT, this.#options.granularity));
    }
  }

  /** The server has all of a part: the next one is as long as the line carries in a few seconds. */
  noteWhole(): void {
    const worthwhile = Math.min(this.#rate * WORTHWHILE, this.#growsTo);
    this.#maxBytes = aligned(Math.max(worthwhile, this.#base), this.#options.granularity);
  }

  /** The server has more than before. */
  noteProgress(): void {
    this.#withoutProgress = 0;
    // It stood still for too long and bytes have arrived all the same: the line is slow.
    if (this.#isStalled) this.#stallFactor = Math.min(2 * this.#stallFactor, MAX_STALL_FACTOR);
    this.#isStalled = false;
  }
}

/**
 * Whether a transport may not have known what to do with a stream: it has not looked at it, and failed, or the server was not
 * pleased with what it got.
 */
export function isStreamRefused(result: SendResult): boolean {
  if (result.body !== "untouched") return false;
  if (result.kind === "failed") return result.error.code === "transport_failed";
  return result.reply.status === 400 || result.reply.status === 411;
}

/** Reads what somebody else sends, to hash it, as long as that is of use. */
export function readWhole(
  pieces: { next(): Promise<unknown> } | undefined,
  isOfUse: () => boolean,
): Promise<void> {
  if (!pieces) return Promise.resolve();
  const reading = (async () => {
    while (isOfUse() && await pieces.next()) { /* it is hashed on the way */ }
  })();
  reading.catch(() => {}); // thrown where it is waited for, if it is
  return reading;
}
