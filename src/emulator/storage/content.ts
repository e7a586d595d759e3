/**
 * The bytes of an object while it is uploaded, and what they add up to.
 *
 * @module
 */

import { combineCrc32c, crc32c, encodeCrc32c } from "../../bytes/crc32c.ts";
import { createMd5, type Md5 } from "../../bytes/md5.ts";

/** Google keeps the bytes of an unfinished upload in multiples of this many bytes: 256 KiB. */
export const QUANTUM = 262_144;

/** A point that the content can go back to. */
export interface Mark {
  readonly size: number;
  readonly crc: number;
  readonly md5: Md5 | null;
  readonly pieces: number;
}

/** What {@linkcode Content} keeps. */
export interface ContentOptions {
  /** Whether the bytes themselves are kept, as copies. */
  readonly keep: boolean;
  /** Whether an MD5 is computed. */
  readonly md5: boolean;
}

/**
 * Bytes that are appended, hashed once as they come, and can go back to the last whole quantum.
 *
 * The state of both hashes is remembered at each multiple of {@linkcode QUANTUM}, so that no byte has
 * to be held back: what is not kept in the end is forgotten by restoring that state.
 */
export class Content {
  readonly #keep: boolean;
  readonly #start: Mark;
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  #crc = 0;
  #md5: Md5 | null;
  #whole: Mark;
  #flip = false;

  private constructor(keep: boolean, md5: Md5 | null) {
    this.#keep = keep;
    this.#md5 = md5;
    this.#start = this.#whole = this.mark();
  }

  /** Starts empty content. */
  static async create(options: ContentOptions): Promise<Content> {
    return new Content(options.keep, options.md5 ? await createMd5() : null);
  }

  /**
   * Complete content of which others are the parts, in their order. It shares their bytes, and has no MD5, which cannot be told
   * from those of the parts.
   */
  static joined(parts: readonly Content[]): Content {
    const whole = new Content(parts.every((part) => part.#keep), null);
    for (const part of parts) {
      whole.#crc = combineCrc32c(whole.#crc, part.#crc, part.#size);
      whole.#size += part.#size;
      for (const piece of whole.#keep ? part.#pieces : []) whole.#pieces.push(piece);
    }
    whole.#whole = whole.mark();
    return whole;
  }

  /** Everything appended so far, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** The length of what {@linkcode Content.settle} leaves, in bytes. */
  get wholeSize(): number {
    return this.#whole.size;
  }

  /** Adds bytes; they are copied only if content is kept. */
  append(bytes: Uint8Array): void {
    let rest = this.#flip && bytes.length > 0 ? this.#flipped(bytes) : bytes;
    while (rest.length > 0) {
      const room = QUANTUM - (this.#size % QUANTUM);
      const piece = rest.length > room ? rest.subarray(0, room) : rest;
      rest = rest.subarray(piece.length);
      this.#crc = crc32c(piece, this.#crc);
      this.#md5?.update(piece);
      if (this.#keep) this.#pieces.push(new Uint8Array(piece));
      this.#size += piece.length;
      if (piece.length === room) this.#whole = this.mark();
    }
  }

  /** Makes the present point one that {@linkcode Content.settle} goes back to, whole quantum or not. */
  keep(): void {
    this.#whole = this.mark();
  }

  /** Forgets what lies beyond the last whole quantum, or beyond what was kept after it. */
  settle(): void {
    this.rewind(this.#whole);
  }

  /** The present point. */
  mark(): Mark {
    return {
      size: this.#size,
      crc: this.#crc,
      md5: this.#md5 ? this.#md5.clone() : null,
      pieces: this.#pieces.length,
    };
  }

  /** Goes back to a mark taken at a whole quantum, or where content was kept. */
  rewind(mark: Mark): void {
    this.#size = mark.size;
    this.#crc = mark.crc;
    this.#md5 = mark.md5 ? mark.md5.clone() : null;
    this.#pieces.length = mark.pieces;
    this.#whole = mark;
    this.#flip = false;
  }

  /** Forgets everything. */
  clear(): void {
    this.rewind(this.#start);
  }

  /** Flips one bit of the next byte that is appended. */
  flipNextBit(): void {
    this.#flip = true;
  }

  /** CRC32C of everything so far, as Google writes it. */
  get crc32c(): string {
    return encodeCrc32c(this.#crc);
  }

  /** The 16 bytes of the MD5 of everything so far, or `null` if none is computed. */
  md5(): Uint8Array | null {
    return this.#md5 ? this.#md5.digest() : null;
  }

  /**
   * Everything so far as one array, or `undefined` if bytes are not kept. For complete content: it
   * replaces the pieces, so that nothing is held twice.
   */
  bytes(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#keep) return undefined;
    if (this.#pieces.length !== 1) {
      const all = new Uint8Array(this.#size);
      let at = 0;
      for (const piece of this.#pieces) {
        all.set(piece, at);
        at += piece.length;
      }
      this.#pieces.splice(0, this.#pieces.length, all);
    }
    return this.#pieces[0];
  }

  #flipped(bytes: Uint8Array): Uint8Array {
    this.#flip = false;
    const copy = bytes.slice();
    copy[0] ^= 1;
    return copy;
  }
}
