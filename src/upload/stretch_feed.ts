/** The bytes of a random-access source: long requests that are read while they are sent. Nothing of them is kept. */

import { type Bytes, concat } from "../bytes/bytes.ts";
import type { RandomAccessSource } from "../bytes/random_access.ts";
import type { RunningChecksum } from "../bytes/running_checksum.ts";
import type { PieceBody } from "../net/streamed_body.ts";
import { aligned, type Feed, type FeedOptions, type Part, type PartLimits } from "./feed.ts";

/**
 * How much is read at once, in bytes. A quarter of it costs a quarter of the throughput and more, four times as much gains
 * nothing (docs/performance.md).
 */
const PIECE = 1024 * 1024;

/** Up to this many bytes a request is read before it is sent: to hash what it ends with, or where streams cannot be sent. */
export const MAX_BUFFERED: number = 8 * 1024 * 1024;

/** Up to this many bytes a stream is not worth its while. */
const SHORT = 2 * PIECE;

/**
 * Reads a random-access source stretch by stretch.
 *
 * The checksum of the whole travels in the head of the last request, so it must be known before: the last stretch leaves a
 * short rest, which is read first.
 *
 * Invariant: the checksum is that of the bytes handed out since the place that was confirmed last, in the order of the
 * source; whoever hands out bytes again rewinds it. Only the youngest call may change it (`#epoch`): a call whose caller has
 * stopped waiting for it goes on reading, and finds its epoch to be over.
 */
export class StretchFeed implements Feed {
  readonly total: number;
  readonly #source: RandomAccessSource;
  readonly #options: FeedOptions;
  #checksum: RunningChecksum | undefined;
  #epoch = 0;
  #ahead: { readonly offset: number; readonly bytes: Promise<Bytes> } | undefined; // read before it is asked for

  constructor(source: RandomAccessSource, options: FeedOptions) {
    this.#source = source;
    this.#options = options;
    this.#checksum = options.checksum;
    this.total = source.size;
  }

  get checksum(): RunningChecksum | undefined {
    return this.#checksum;
  }

  async next(offset: number, limits: PartLimits): Promise<Part> {
    const epoch = ++this.#epoch;
    await this.#moveTo(offset, epoch);
    const { size, last, hashFirst } = this.#plan(offset, limits);
    const head = { offset, size, last };
    const isHeld = size <= SHORT || hashFirst || (!limits.streamed && !this.#source.blob);
    if (isHeld) return { ...head, body: await this.#readHashed(offset, size, epoch) };
    const pieces = this.#pieces(offset, size, epoch);
    if (limits.streamed) return { ...head, body: pieces };
    const blob = this.#source.blob!.slice(offset, offset + size);
    return { ...head, body: blob, beside: this.#checksum && pieces };
  }

  async goTo(offset: number): Promise<string | undefined> {
    await this.#moveTo(offset, ++this.#epoch);
    return this.crc32cAt(offset);
  }

  release(offset: number): void {
    this.#checksum?.forget(offset);
  }

  crc32cAt(offset: number): string | undefined {
    return this.#checksum?.crc32cAt(offset);
  }

  async skipTowards(offset: number): Promise<boolean> {
    const at = this.#checksum?.length ?? offset;
    if (at < offset) await this.#readHashed(at, Math.min(PIECE, offset - at), ++this.#epoch);
    return (this.#checksum?.length ?? offset) >= offset;
  }

  skipToEnd(): Promise<number | undefined> {
    return Promise.resolve(this.total);
  }

  seek(_offset: number, checksum: RunningChecksum | undefined): boolean {
    this.#checksum = checksum;
    return true;
  }

  ended(): Promise<boolean> {
    return Promise.resolve((this.#checksum?.length ?? this.total) === this.total);
  }

  close(reason?: unknown): void {
    this.#epoch++;
    this.#ahead = undefined;
    this.#source.release(reason);
  }

  /** How much the next request carries, and whether its bytes must be hashed before it is sent. */
  #plan(offset: number, { maxBytes, streamed, maxHeld = MAX_BUFFERED }: PartLimits) {
    const { granularity, sendsHash } = this.#options;
    const rest = this.total - offset;
    const max = streamed ? maxBytes : Math.min(maxBytes, Math.max(maxHeld, granularity));
    const hashesLast = sendsHash && this.#checksum !== undefined;
    if (rest <= max && !(hashesLast && rest > Math.max(MAX_BUFFERED, granularity))) {
      return { size: rest, last: true, hashFirst: hashesLast };
    }
    const size = aligned(Math.min(max, rest - 1), granularity);
    return { size, last: false, hashFirst: false };
  }

  /**
   * Takes the checksum to `offset`: back, if bytes behind it were handed out before; or on, if a request that seemed to have
   * left less behind has arrived all the same.
   */
  async #moveTo(offset: number, epoch: number): Promise<void> {
    const checksum = this.#checksum;
    if (!checksum) return;
    if (checksum.length > offset) {
      await checksum.rewind(offset, (at, length) => this.#read(at, length, epoch));
    }
    while (checksum.length < offset) {
      await this.#readHashed(checksum.length, Math.min(PIECE, offset - checksum.length), epoch);
    }
  }

  async #readHashed(offset: number, size: number, epoch: number): Promise<Bytes> {
    const bytes = await this.#read(offset, size, epoch);
    this.#checksum?.update(bytes);
    return bytes;
  }

  async #read(offset: number, length: number, epoch: number): Promise<Bytes> {
    const bytes = await this.#readPiece(offset, length);
    if (epoch !== this.#epoch) throw notNeeded();
    return bytes;
  }

  /**
   * The bytes of a request, read one piece ahead: while a piece is hashed and sent, the next one is being read, that of the
   * next request too.
   */
  #pieces(offset: number, size: number, epoch: number): PieceBody {
    const end = offset + size;
    let at = offset;
    return {
      size,
      next: async () => {
        if (epoch !== this.#epoch) throw notNeeded(); // never an end: the request would be taken for whole
        if (at === end) return undefined;
        const length = Math.min(PIECE, end - at);
        const piece = await this.#readPiece(at, length);
        if (epoch !== this.#epoch) throw notNeeded();
        at += length;
        this.#readAhead(at, Math.min(PIECE, (at < end ? end : this.total) - at));
        this.#checksum?.update(piece);
        return piece;
      },
    };
  }

  /** A piece that may have been read ahead. */
  async #readPiece(offset: number, length: number): Promise<Bytes> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead?.offset !== offset) return await this.#source.read(offset, length);
    const first = await ahead.bytes;
    if (first.length >= length) return first.subarray(0, length);
    const rest = await this.#source.read(offset + first.length, length - first.length);
    return concat([first, rest]);
  }

  #readAhead(offset: number, length: number): void {
    if (length === 0) return;
    const bytes = this.#source.read(offset, length);
    bytes.catch(() => {}); // thrown where it is needed
    this.#ahead = { offset, bytes };
  }
}

function notNeeded(): DOMException {
  return new DOMException("The bytes are not needed any more", "AbortError");
}
