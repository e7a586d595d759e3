/** The bounded window that makes a sequential source resendable: what the server has not confirmed is kept, nothing else. */

import { type Bytes, concat } from "./bytes.ts";
import { sizeMismatch } from "./random_access.ts";
import type { SequentialSource } from "./sequential.ts";

/** Consecutive bytes of the source that are ready to be sent. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Bytes;
  /** The size of the whole source; known on the last chunk only. */
  readonly total: number | undefined;
}

/** Bytes that were read, while it is not known yet whether more follow. */
interface Piece {
  readonly offset: number;
  readonly bytes: Bytes;
  /** Whether the source had no more: fewer bytes came than were asked for. */
  readonly isShort: boolean;
}

/** How a source is read. */
export interface WindowOptions {
  readonly chunkSize: number;
  /** What is sent is a multiple of this many bytes, but for the last. */
  readonly granularity: number;
  /** The size that the source must turn out to have. */
  readonly declared: number | undefined;
  /** Sees every byte once, in order. */
  readonly onBytes: (bytes: Bytes) => void;
}

/**
 * Reads a source in chunks and keeps each one until it is released.
 *
 * Invariants, between two turns:
 * - `#position` bytes were read from the source, and each of them was shown to `onBytes`;
 * - `#chunk`, if there is one, is what is being sent; `#next`, if it is there, becomes the chunk right behind it, and
 *   `#read` holds the bytes of that one from when they are read to when it is known whether they are the last. Nothing
 *   else is held: at most two chunks, since none is read ahead while two are joined in `#chunk`;
 * - a chunk is handed out only when it is known whether more bytes follow it, so the last one can say so;
 * - one read of the source is under way at most (`#reading`), and a caller who stopped waiting for it loses nothing.
 */
export class ReplayWindow {
  readonly #source: SequentialSource;
  readonly #options: WindowOptions;
  #chunkSize: number;
  #position = 0;
  #chunk: Chunk | undefined;
  #next: Promise<Chunk> | undefined;
  #read: Piece | undefined;
  #reading: Promise<Piece> | undefined;

  constructor(source: SequentialSource, options: WindowOptions) {
    this.#source = source;
    this.#options = options;
    this.#chunkSize = options.chunkSize;
  }

  /** Reads larger chunks from the next one on. */
  grow(chunkSize: number): void {
    this.#chunkSize = Math.max(this.#chunkSize, chunkSize);
  }

  /** How many bytes were read. */
  get position(): number {
    return this.#position;
  }

  /**
   * The bytes from `offset` to the end of a chunk. `offset` must be where the last chunk handed out starts or ends, or
   * lie within it: the bytes before are no longer kept, those behind are not known yet.
   */
  async take(offset: number): Promise<Chunk> {
    while (!this.#chunk || this.#needsNext(this.#chunk, offset)) {
      const next = this.#readAhead();
      const chunk = await next;
      if (this.#next !== next) continue; // somebody who gave up waiting has moved it already
      this.#next = undefined;
      this.#chunk = this.#chunk ? joined(this.#chunk, offset, chunk) : chunk;
    }
    const chunk = this.#chunk;
    if (offset < chunk.offset || offset > endOf(chunk)) {
      throw new RangeError(
        `Cannot replay from byte ${offset}: bytes ${chunk.offset} to ${endOf(chunk)} are kept`,
      );
    }
    if (chunk.total === undefined && chunk.bytes.length <= this.#chunkSize) this.#readAhead();
    return { ...chunk, offset, bytes: chunk.bytes.subarray(offset - chunk.offset) };
  }

  /** The bytes of the current chunk up to `offset`; `undefined` when that lies elsewhere. */
  keptUpTo(offset: number): Bytes | undefined {
    const chunk = this.#chunk;
    if (!chunk || offset < chunk.offset || offset > endOf(chunk)) return undefined;
    return chunk.bytes.subarray(0, offset - chunk.offset);
  }

  /** Lets go of a chunk that lies before `offset`: the server has confirmed it. */
  release(offset: number): void {
    if (this.#chunk && this.#chunk.total === undefined && offset >= endOf(this.#chunk)) {
      this.#chunk = undefined;
    }
  }

  /** Reads on towards `offset` without keeping anything, one step; returns whether it is there. */
  async skipTowards(offset: number): Promise<boolean> {
    if (this.#position >= offset) return true;
    const { bytes } = await this.#readOn(offset);
    if (bytes.length === 0 && this.#position < offset) {
      throw sizeMismatch(this.#options.declared ?? offset, `only ${this.#position}`);
    }
    return this.#position >= offset;
  }

  /** Moves to `offset` without reading; returns whether the source can do that. */
  seek(offset: number): boolean {
    if (!this.#source.seek) return false;
    this.#source.seek(offset);
    this.#position = offset;
    return true;
  }

  /** Whether the source ends at the last byte read. */
  ended(): Promise<boolean> {
    return this.#source.ended(this.#chunkSize);
  }

  /** Releases the source; with a reason, tells it that nobody wants the rest. */
  close(reason?: unknown): void {
    this.#chunk = undefined;
    this.#source.release(reason);
  }

  /**
   * Whether the next chunk is needed: where nothing is left of the current one; where what is left cannot be sent, being no
   * multiple of the granularity; and where it fits into one chunk together with all the rest of the source, so that one
   * request will do for both.
   */
  #needsNext(chunk: Chunk, offset: number): boolean {
    if (chunk.total !== undefined) return false;
    const { declared, granularity } = this.#options;
    const isWithin = chunk.offset < offset && offset < endOf(chunk);
    const fits = declared !== undefined && declared - offset <= this.#chunkSize;
    const isRagged = (endOf(chunk) - offset) % granularity !== 0;
    return offset === endOf(chunk) || (isWithin && (fits || isRagged));
  }

  /** Starts reading the next chunk, once. What goes wrong is thrown where the chunk is needed, and may be tried again. */
  #readAhead(): Promise<Chunk> {
    if (!this.#next) {
      const next = this.#readChunk();
      this.#next = next;
      next.catch(() => {
        if (this.#next === next) this.#next = undefined;
      });
    }
    return this.#next;
  }

  async #readChunk(): Promise<Chunk> {
    this.#read ??= await this.#readOn(this.#options.declared ?? Infinity);
    const { offset, bytes } = this.#read;
    const total = await this.#totalAt(this.#read);
    this.#read = undefined;
    return { offset, bytes, total };
  }

  /** Reads at most a chunk, up to `limit`; after whoever is reading already. */
  async #readOn(limit: number): Promise<Piece> {
    while (this.#reading) await this.#reading.catch(() => {});
    const offset = this.#position;
    const length = Math.min(this.#chunkSize, limit - offset);
    this.#reading = this.#source.read(length).then((bytes) => {
      this.#options.onBytes(bytes);
      this.#position += bytes.length;
      return { offset, bytes, isShort: bytes.length < length };
    }).finally(() => this.#reading = undefined);
    return await this.#reading;
  }

  /** The size of the whole if the source ends behind a piece; an error if that is not the size it was declared to have. */
  async #totalAt({ offset, bytes, isShort }: Piece): Promise<number | undefined> {
    const { declared } = this.#options;
    const end = offset + bytes.length;
    if (declared === undefined) return await this.ended() ? end : undefined;
    if (end < declared) {
      if (isShort) throw sizeMismatch(declared, `only ${end}`);
      return undefined;
    }
    if (!(await this.ended())) throw sizeMismatch(declared, "more");
    return end;
  }
}

/** What is left of a chunk from `offset` on, with the chunk behind it. */
function joined(chunk: Chunk, offset: number, next: Chunk): Chunk {
  const left = chunk.bytes.subarray(Math.min(offset, endOf(chunk)) - chunk.offset);
  if (left.length === 0) return next;
  const bytes = concat([left, next.bytes]);
  return { offset: next.offset - left.length, bytes, total: next.total };
}

function endOf(chunk: Chunk): number {
  return chunk.offset + chunk.bytes.length;
}
