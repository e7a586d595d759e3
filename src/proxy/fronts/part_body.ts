/** Bodies of which a part may be sent on: whole quanta, at the end of which the next request begins. */

import { inTime } from "../request_body.ts";
import type { HttpError } from "../http_error.ts";
import { checkedBody, joined, type PieceReader, readPieces } from "../body_pieces.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How long bytes may take that nobody needs, and that are read so that the client can finish its request, in milliseconds. */
const DRAIN_TIME = 10_000;

/** How long a segment may take, in milliseconds: a minute, and a second for each 16 KiB. */
export const SEGMENT_TIME = (bytes: number): number => 60_000 + bytes / 16.384;

/** Reads what is left of a small body, so that its client hears the reply and no broken connection. */
export async function drain(body: ReadableStream<Bytes> | null): Promise<void> {
  if (body) await readOver(readPieces(body));
}

async function readOver(reader: PieceReader): Promise<void> {
  const read = async () => {
    while (await reader.read());
  };
  try {
    await inTime(DRAIN_TIME, read());
  } catch (error) { // nobody needs these bytes
    reader.cancel(error);
  }
}

/** The first bytes of a body. */
export interface FirstBytes {
  readonly body: ReadableStream<Bytes>;
  /** What was wrong with the body, once it has been found. */
  readonly problem: () => HttpError | undefined;
  /** Reads the others where the first are through; lets the body go where they are not. */
  readonly drain: () => Promise<void>;
}

/** Exactly the first `length` bytes of a body that has more. */
export function firstBytes(body: ReadableStream<Bytes>, length: number): FirstBytes {
  const reader = readPieces(body);
  let left = length;
  const { stream, problem } = checkedBody(reader, async () => {
    const piece = await reader.read(left);
    if (!piece) throw new TypeError("The body ends before its length");
    const kept = piece.subarray(0, left);
    left -= kept.length;
    return { piece: kept, isOver: left === 0 };
  });
  const drain = async () => left === 0 ? await readOver(reader) : reader.cancel();
  return { body: stream, problem, drain };
}

/** A part of a body, collected. */
export interface Segment {
  readonly bytes: Bytes;
  /** Whether the body ends with it, or breaks off. */
  readonly isLast: boolean;
  /** Why the body breaks off. */
  readonly error?: unknown;
}

/** Reads a body of unknown length segment by segment. */
export class SegmentReader {
  readonly #reader: PieceReader;
  #rest: Bytes | undefined;

  constructor(body: ReadableStream<Bytes>) {
    this.#reader = readPieces(body, { collect: true });
  }

  /** The next `size` bytes; fewer at the end. */
  async read(size: number): Promise<Segment> {
    const pieces: Bytes[] = [];
    let count = 0, isLast = false, error: unknown;
    const collect = async () => {
      while (count < size) {
        const piece = this.#rest ?? await this.#reader.read(size - count);
        this.#rest = undefined;
        isLast = !piece;
        if (!piece) return;
        pieces.push(piece.slice(0, size - count)); // a copy: what is kept must not keep more
        if (piece.length > size - count) this.#rest = piece.subarray(size - count);
        count += Math.min(piece.length, size - count);
      }
    };
    try {
      await inTime(SEGMENT_TIME(size), collect(), "The bytes of the request did not come in time");
    } catch (thrown) {
      isLast = true;
      error = thrown;
    }
    return { bytes: joined(pieces), isLast, error };
  }

  /** Lets the body go. */
  cancel(reason?: unknown): void {
    this.#reader.cancel(reason);
  }
}
