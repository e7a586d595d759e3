/** Sending one part until it is stored: streamed or held, checked, and sent again where that may help. */

import type { RandomAccessSource } from "../bytes/random_access.ts";
import { startChecksum } from "../bytes/running_checksum.ts";
import { DataCorruption, InvalidResponse } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import { attempt, type FailedStep, retrying, type RetryPolicy, type Step } from "../net/retry.ts";
import { isWhole, type Reply, type SendRequest, type SendResult } from "../net/send.ts";
import { streamingInit, type Transport } from "../net/transport.ts";
import type { Checksums } from "../protocol/hashes.ts";
import type { Refusal } from "../protocol/refusal.ts";
import { firstDifference } from "../upload/claimed_checksums.ts";
import { checksumsOf, type Part } from "../upload/feed.ts";
import { isStreamRefused, MAX_HELD, readWhole } from "../upload/part_sender.ts";
import { refusalError } from "../upload/refusal_error.ts";
import { takenAway } from "./taken_away.ts";
import { MAX_BUFFERED, StretchFeed } from "../upload/stretch_feed.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";
import type { PartRange } from "./plan.ts";

/** What a server says of a part that it has stored. */
export interface PartAnswer extends Checksums {
  readonly kind: "stored";
  /** What the server calls it. */
  readonly tag: string;
  /** In bytes. */
  readonly size?: number | undefined;
}

/** Where parts go. */
export interface PartStore {
  /** Whether parts belong to an upload that is open at the server: then what is not found is that upload, else the bucket. */
  readonly isOpened: boolean;
  /** The request that stores a part; the checksums that are known before it is sent go along. */
  request(part: PartRange, content: Part, sums: Checksums): SendRequest;
  /** What the reply to it says. */
  read(reply: Reply): PartAnswer | Refusal;
  /** What is stored of a part, when a request finds that it is there: the reply to an earlier one was lost. */
  find?(part: PartRange): Promise<PartAnswer | undefined>;
  /** Removes a part whose bytes were damaged on the way, where the next one would not replace it. */
  discard?(part: PartRange, answer: PartAnswer): Promise<void>;
}

/** So often a part is sent that arrives damaged: it is the line, or else a broken machine. */
const MAX_DAMAGED = 3;

/** How parts are sent and compared. */
export interface StoredPartSenderOptions {
  readonly policy: RetryPolicy;
  readonly transport: Transport;
  readonly checksum: "auto" | "crc32c" | "md5" | null;
  /** Whether that checksum must be reported of each part. */
  readonly mustTell?: boolean | undefined;
}

/** Sends the parts of one upload, and learns from them whether the transport takes streams. */
export class StoredPartSender {
  readonly #options: StoredPartSenderOptions;
  readonly #store: PartStore;
  #streams = streamingInit() !== undefined;

  constructor(options: StoredPartSenderOptions, store: PartStore) {
    this.#options = options;
    this.#store = store;
  }

  /**
   * Sends a part until it is stored.
   *
   * @param isHeld whether its bytes are in memory, so that their checksum can be known before they are sent
   * @param onTaken is told how many of its bytes the transport has taken
   */
  async send(
    part: PartRange,
    bytes: RandomAccessSource,
    isHeld: boolean,
    onTaken: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    const { policy, checksum } = this.#options;
    const feed = new StretchFeed(bytes, {
      chunkSize: Infinity,
      granularity: Math.max(1, part.size),
      declared: part.size,
      checksum: await startChecksum(checksum === "auto" ? "crc32c" : checksum),
      sendsHash: isHeld || part.size <= MAX_BUFFERED,
    });
    const sending = new PartAttempts(this.#options, this.#store, {
      part,
      bytes,
      feed,
      onTaken,
      signal,
    });
    try {
      return await retrying(policy, signal, async () => {
        const step = await sending.next(this.#streams);
        if (sending.streamIsRefused) this.#streams = false;
        return step;
      });
    } finally {
      feed.close();
    }
  }
}

/** What is sent, and who is told. */
interface Sent {
  readonly part: PartRange;
  readonly bytes: RandomAccessSource;
  readonly feed: StretchFeed;
  readonly onTaken: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** The attempts to send one part: what is read again must be what was read before. */
class PartAttempts {
  /** Whether the transport did not know a stream, and took bytes. */
  streamIsRefused = false;
  readonly #options: StoredPartSenderOptions;
  readonly #store: PartStore;
  readonly #sent: Sent;
  #damaged = 0;
  #isUnauthorized = false; // so was the last request

  constructor(options: StoredPartSenderOptions, store: PartStore, sent: Sent) {
    this.#options = options;
    this.#store = store;
    this.#sent = sent;
  }

  async next(streams: boolean): Promise<Step<StoredPart>> {
    const result = await this.#sendAsTaken(streams && !this.streamIsRefused);
    if (result.kind === "failed") return result;
    const { reply } = result;
    const answer = this.#store.read(reply);
    const wasUnauthorized = this.#isUnauthorized;
    this.#isUnauthorized = reply.status === 401;
    if (answer.kind === "stored") return await this.#compared(answer, reply, isWhole(result));
    const error = refusalError("upload a part", reply, answer, this.#store.isOpened);
    const failed = { kind: "failed", error, retryAfter: reply.headers.get("retry-after") } as const;
    switch (answer.kind) {
      case "corrupt":
        return this.#isDamaged(failed);
      case "precondition": {
        const found = await this.#store.find?.(this.#sent.part);
        if (!found) {
          return { kind: "failed", error: takenAway("upload a part", error), mayPass: true };
        }
        return await this.#compared(found, reply, true);
      }
      case "rejected":
        // A transport can get another token, but not send a stream again with it.
        return { ...failed, mayPass: this.#isUnauthorized && !wasUnauthorized };
      case "unavailable":
        return failed;
      default:
        throw error;
    }
  }

  /** A part that is stored must be what was read. */
  async #compared(answer: PartAnswer, reply: Reply, isWhole: boolean): Promise<Step<StoredPart>> {
    const { part, feed, signal } = this.#sent;
    const { number, size } = part;
    await abortable(feed.goTo(size), signal); // a server may answer before it was sent everything
    const sums = checksumsOf(feed);
    const problem = differenceOf(answer, size, sums);
    if (problem) {
      await this.#store.discard?.(part, answer);
      const error = new DataCorruption(reply.response, `Cannot upload a part: ${problem}`);
      return this.#isDamaged({ kind: "failed", error });
    }
    this.#checkTold(answer, reply, isWhole);
    const stored = { number, size, tag: answer.tag };
    // Without one of ours, that of the server tells the object from others when a reply is lost.
    const crc32c = sums.crc32c ?? answer.crc32c;
    return { kind: "done", value: crc32c === undefined ? stored : { ...stored, crc32c } };
  }

  /** What was compared proves the part; else the server must have taken all of it, and been asked for no more. */
  #checkTold({ size, crc32c, md5 }: PartAnswer, reply: Reply, isWhole: boolean): void {
    const { checksum, mustTell } = this.#options;
    const compared = checksum === null ? size : checksum === "md5" ? md5 : crc32c;
    if (compared !== undefined || (isWhole && !mustTell)) return;
    const message = isWhole
      ? `Cannot trust the part: expected the server to report its ${checksum}, got none`
      : "Cannot upload a part: expected the server to take all of it, it answered before";
    throw new InvalidResponse(reply.response, message);
  }

  /** What arrived damaged may arrive whole the next time. */
  #isDamaged(failed: FailedStep): FailedStep {
    if (++this.#damaged >= MAX_DAMAGED) throw failed.error;
    return { ...failed, mayPass: true };
  }

  /** Sends the part as the transport takes it: one that has not looked at a stream may know bytes and Blobs only. */
  async #sendAsTaken(streamed: boolean): Promise<SendResult> {
    const { part, bytes } = this.#sent;
    const result = await this.#send(streamed);
    if (!isStreamRefused(result) || !(bytes.blob || part.size <= MAX_HELD)) return result;
    const held = await this.#send(false);
    // If it fails with these, too, it was not the stream.
    if (held.kind === "reply") this.streamIsRefused = true;
    return held;
  }

  async #send(streamed: boolean): Promise<SendResult> {
    const { part, feed, onTaken, signal } = this.#sent;
    const { policy, transport } = this.#options;
    const limits = { maxBytes: Infinity, streamed, maxHeld: Infinity };
    const content = await abortable(feed.next(0, limits), signal);
    const isPieces = "next" in content.body;
    // What is held was hashed when it was read.
    const isHashed = !isPieces && content.beside === undefined;
    const request = this.#store.request(part, content, isHashed ? checksumsOf(feed) : {});
    let hasFailed = false;
    const hashed = readWhole(content.beside, () => !hasFailed);
    const result = await attempt(transport, request, policy, {
      signal,
      action: "upload a part",
      onTaken: (taken) => onTaken(Math.min(taken, part.size)),
      onHanded: () => onTaken(part.size),
    });
    hasFailed = result.kind === "failed";
    if (!hasFailed) await abortable(hashed, signal);
    return result;
  }
}

/** In what a part that is stored differs from what was read. */
function differenceOf(answer: PartAnswer, size: number, sums: Checksums): string | undefined {
  if (answer.size !== undefined && answer.size !== size) {
    return `expected ${size} bytes, got ${answer.size}`;
  }
  const other = firstDifference(sums, answer);
  return other &&
    `expected ${other.kind} ${other.expected} (the bytes read), got ${other.got} (the part)`;
}
