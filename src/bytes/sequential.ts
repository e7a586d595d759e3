/** Sources that can be read once, from their start to their end: streams, iterables, and reading at a place without a size. */

import { type Bytes, kindOf, viewOf } from "./bytes.ts";
import { once, readAt } from "./random_access.ts";

/** A source that is read once, in order. */
export interface SequentialSource {
  readonly kind: "sequential";
  /** The next `length` bytes; fewer only at the end of the source. One call at a time. */
  read(length: number): Promise<Bytes>;
  /** Whether the source ends here; waits for the next byte or the end. `length` is how much will be read next. */
  ended(length: number): Promise<boolean>;
  /** Moves on without reading; `undefined` where the source cannot. */
  readonly seek: ((offset: number) => void) | undefined;
  /**
   * Lets the source go, once, and nobody waits for it. With a reason it is told that nobody wants the rest, and what was
   * being read fails with that reason: it never becomes an end.
   */
  release(reason?: unknown): void;
}

/** Something that hands out pieces in order. */
export interface PieceProducer {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  /** Lets go of it; a reason says that nobody wants the rest, none that it has ended. */
  release(reason: unknown): unknown;
}

/**
 * Collects pieces of any size into the chunks that are sent.
 *
 * A piece is copied, and the next one asked for only when the one before is used up: whoever produces them may write to
 * the same memory again then. A producer that failed has failed for good, since what it says next may be a false end.
 */
export function fromPieces(producer: PieceProducer): SequentialSource {
  let rest = new Uint8Array(0); // what the last piece has beyond the bytes asked for
  let done = false;
  let failed: { readonly error: unknown } | undefined;
  // Asked for at once, so that nobody else can take it and an error finds somebody listening.
  let first: ReturnType<PieceProducer["next"]> | undefined = producer.next();
  first.catch(() => {});
  const fail = (error: unknown) => (failed ??= { error }).error;
  const throwIfFailed = () => {
    if (failed) throw failed.error;
  };
  const readPiece = async () => {
    const result = await (first ?? producer.next()).catch((error: unknown) => {
      throw fail(error);
    });
    first = undefined;
    throwIfFailed(); // let go of meanwhile: what came is no end
    const piece = result.done ? undefined : viewOf(result.value);
    if (piece) rest = piece as Bytes;
    else if (result.done) done = true;
    else {
      const got = kindOf(result.value);
      throw fail(
        new TypeError(`Cannot read the source: expected pieces of Uint8Array, got ${got}`),
      );
    }
  };
  // One piece at a time: who stopped waiting and who comes after wait for the same one.
  let asked: Promise<void> | undefined;
  const more = () => asked ??= readPiece().finally(() => asked = undefined);
  const ended = async () => {
    throwIfFailed();
    while (!done && rest.length === 0) await more();
    return rest.length === 0;
  };
  return {
    kind: "sequential",
    ended,
    async read(length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length && !(await ended())) {
        const piece = rest.subarray(0, length - filled);
        bytes.set(piece, filled);
        filled += piece.length;
        rest = rest.subarray(piece.length);
      }
      return bytes.subarray(0, filled);
    },
    seek: undefined,
    release: once((reason) => {
      if (!done && reason !== undefined) fail(reason);
      return producer.release(done ? undefined : reason);
    }),
  };
}

/** A source that is read at a place, and ends where nothing comes: its size is not known. */
export function fromReads(
  read: (offset: number, length: number) => unknown,
  close: (() => unknown) | undefined,
): SequentialSource {
  let position = 0;
  let released: { readonly reason: unknown } | undefined;
  const throwIfReleased = () => {
    if (released) throw released.reason;
  };
  const at = async (offset: number, length: number) => {
    throwIfReleased();
    const piece = await readAt(read, offset, length);
    throwIfReleased();
    return piece;
  };
  return {
    kind: "sequential",
    // The position moves when all is there, so that after a failure the same bytes can be read again.
    async read(length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const piece = await at(position + filled, length - filled);
        if (piece.length === 0) break;
        bytes.set(piece, filled);
        filled += piece.length;
      }
      position += filled;
      return bytes.subarray(0, filled);
    },
    ended: async () => (await at(position, 1)).length === 0,
    seek: (offset) => position = offset,
    release: once((reason) => {
      released = { reason: reason ?? new TypeError("Cannot read the source: it was let go") };
      return close?.();
    }),
  };
}

/** The pieces of a stream that somebody holds the reader of. */
export function streamProducer(reader: ReadableStreamDefaultReader<unknown>): PieceProducer {
  return { next: () => reader.read(), release: (reason) => letGo(reader, reason) };
}

/** Unlocks a stream; with a reason it is cancelled before, so that its producer learns of it. */
async function letGo(
  reader: ReadableStreamDefaultReader<unknown>,
  reason: unknown,
): Promise<void> {
  const cancelled = reason === undefined ? undefined : reader.cancel(reason);
  reader.releaseLock();
  await cancelled;
}

/** The pieces of an iterable; its iterator is made now. `cancel` tells it more than `return` can, where it is there. */
export function iterableProducer(
  source: AsyncIterable<unknown>,
  cancel?: (reason: unknown) => void,
): PieceProducer {
  const iterator = source[Symbol.asyncIterator]();
  return {
    next: async () => await iterator.next(),
    release(reason) {
      if (reason === undefined) return;
      return cancel ? cancel(reason) : iterator.return?.();
    },
  };
}
