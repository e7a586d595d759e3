/** The bounded window that makes a source resendable: what the server has not confirmed is kept, nothing else. */

import { type Bytes, sizeMismatch, type SourceReader } from "./source.ts";

/** A piece of the source that is ready to be sent. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Bytes;
  /** The size of the whole source; known on the last chunk only. */
  readonly total: number | undefined;
}

/**
 * Reads a source in chunks and keeps each one until it is released.
 *
 * It holds the chunk that is being sent and, while that is under way, reads the one after it: at most two chunks. A
 * chunk is handed out only when it is known whether more bytes follow it, so the last one can say so.
 */
export class ReplayWindow {
  #reader: SourceReader;
  #chunkSize: number;
  #declared: number | undefined;
  #onBytes: (bytes: Bytes) => void;
  #position = 0; // up to where the source has been read
  #current: Chunk | undefined;
  #reading: Promise<Bytes> | undefined; // the chunk after `#current`, being read ahead
  #advancing: Promise<void> | undefined;

  /**
   * @param declared the size that the source must turn out to have
   * @param onBytes sees every byte once, in order
   */
  constructor(
    reader: SourceReader,
    options: { chunkSize: number; declared: number | undefined; onBytes: (bytes: Bytes) => void },
  ) {
    this.#reader = reader;
    this.#chunkSize = options.chunkSize;
    this.#declared = options.declared;
    this.#onBytes = options.onBytes;
  }

  /**
   * The bytes from `offset` to the end of a chunk. `offset` must be where the last chunk handed out starts or ends, or
   * lie within it: the bytes before are no longer kept, those behind are not known yet.
   */
  async take(offset: number): Promise<Chunk> {
    if (!this.#current || this.#wantsMore(this.#current, offset)) {
      // Whoever waited for it before and gave up: the same bytes are still on their way.
      this.#advancing ??= this.#advance(offset).finally(() => this.#advancing = undefined);
      await this.#advancing;
    }
    const chunk = this.#current!;
    if (offset < chunk.offset || offset > endOf(chunk)) {
      throw new RangeError(
        `Cannot replay from byte ${offset}: bytes ${chunk.offset} to ${endOf(chunk)} are kept`,
      );
    }
    if (chunk.total === undefined) this.#readAhead();
    return { ...chunk, offset, bytes: chunk.bytes.subarray(offset - chunk.offset) };
  }

  /** The bytes of the current chunk up to `offset`; `undefined` when that lies elsewhere. */
  keptUpTo(offset: number): Bytes | undefined {
    const chunk = this.#current;
    if (!chunk || offset < chunk.offset || offset > endOf(chunk)) return undefined;
    return chunk.bytes.subarray(0, offset - chunk.offset);
  }

  /** Lets go of a chunk that lies before `offset`: the server has confirmed it. */
  release(offset: number): void {
    if (this.#current && this.#current.total === undefined && offset >= endOf(this.#current)) {
      this.#current = undefined;
    }
  }

  /** Reads on to `offset` without keeping anything; `onBytes` sees what is read. */
  async skip(offset: number): Promise<void> {
    while (this.#position < offset) {
      const before = this.#position;
      const bytes = await this.#readAhead(offset);
      this.#reading = undefined;
      if (bytes.length < Math.min(this.#chunkSize, offset - before)) {
        throw sizeMismatch(this.#declared ?? offset, `only ${this.#position}`);
      }
    }
  }

  /** Moves to `offset` without reading; returns whether the source can do that. */
  seek(offset: number): boolean {
    if (!this.#reader.seek(offset)) return false;
    this.#position = offset;
    return true;
  }

  /** Whether the source ends at the last byte read. */
  ended(): Promise<boolean> {
    return this.#reader.ended(this.#chunkSize);
  }

  /** Releases the source; with a reason, tells it that nobody wants the rest. */
  async close(reason?: unknown): Promise<void> {
    this.#current = undefined;
    await this.#reader.close(reason);
  }

  /**
   * Whether the next chunk is needed: where nothing is left of the current one; and where what is left fits into one
   * chunk together with all the rest of the source, so that one request will do for both.
   */
  #wantsMore(current: Chunk, offset: number): boolean {
    if (current.total !== undefined) return false;
    const isWithin = current.offset < offset && offset < endOf(current);
    const fits = this.#declared !== undefined && this.#declared - offset <= this.#chunkSize;
    return offset === endOf(current) || (isWithin && fits);
  }

  /** Puts the next chunk behind what is left of the current one, once it is known whether it is the last. */
  async #advance(offset: number): Promise<void> {
    const left = this.#current?.bytes.slice(offset - this.#current.offset) ?? new Uint8Array(0);
    if (this.#current) this.#current = { offset, bytes: left, total: undefined };
    const next = await this.#readAhead();
    const end = this.#position;
    const total = await this.#totalAt(end, next.length);
    this.#reading = undefined;
    const bytes = left.length === 0 ? next : joined(left, next);
    this.#current = { offset: end - bytes.length, bytes, total };
  }

  /** Starts reading the next chunk, once; what goes wrong is thrown where the chunk is needed. */
  #readAhead(limit = this.#declared ?? Infinity): Promise<Bytes> {
    if (!this.#reading) {
      this.#reading = this.#fill(limit);
      this.#reading.catch(() => {});
    }
    return this.#reading;
  }

  async #fill(limit: number): Promise<Bytes> {
    const bytes = await this.#reader.read(Math.min(this.#chunkSize, limit - this.#position));
    this.#position += bytes.length;
    this.#onBytes(bytes);
    return bytes;
  }

  /** The size of the whole if the source ends at `end`; an error if that is not the size it was declared to have. */
  async #totalAt(end: number, length: number): Promise<number | undefined> {
    if (this.#declared === undefined) return await this.ended() ? end : undefined;
    if (end < this.#declared) {
      if (length < this.#chunkSize) throw sizeMismatch(this.#declared, `only ${end}`);
      return undefined;
    }
    if (!(await this.ended())) throw sizeMismatch(this.#declared, "more");
    return end;
  }
}

function joined(a: Bytes, b: Bytes): Bytes {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

function endOf(chunk: Chunk): number {
  return chunk.offset + chunk.bytes.length;
}
