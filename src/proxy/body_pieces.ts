/** Reading a body piece by piece, at a cost that its client cannot drive up. */

import { badRequest, HttpError } from "./http_error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A reader of pieces. */
export interface PieceReader {
  /** The next piece; `undefined` at the end. Small ones are put together only up to `enough` bytes. */
  read(enough?: number): Promise<Bytes | undefined>;
  /** Lets the body go. Nobody waits for that: the stream of a server's adaptor may never say that it is done. */
  cancel(reason?: unknown): void;
}

/** A body whose pieces are looked at on their way. */
export interface CheckedBody {
  readonly stream: ReadableStream<Bytes>;
  /** What was wrong with it, once it has been found. */
  readonly problem: () => HttpError | undefined;
}

/** Passes on what `next` makes of a reader's pieces, until it says that they are over. */
export function checkedBody(
  reader: PieceReader,
  next: () => Promise<{ readonly piece: Bytes | undefined; readonly isOver: boolean }>,
): CheckedBody {
  let problem: HttpError | undefined;
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      try {
        const { piece, isOver } = await next();
        if (piece) controller.enqueue(piece);
        if (isOver) controller.close();
      } catch (error) {
        if (error instanceof HttpError) problem = error;
        reader.cancel(error);
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { stream, problem: () => problem };
}

/** What workerd collects natively before it hands a piece to JavaScript, in bytes. */
const MIN_COLLECTED = 65_536;

/**
 * The memory that workerd is given for a piece, in bytes: the first, and the most. It is held for as long as the client sends
 * nothing, so a thousand clients that wait hold a thousand times the first; it grows for those that fill it.
 */
const MIN_BUFFER = 4096, MAX_BUFFER = 131_072;

/** Pieces are small when the last ones had fewer bytes than this, on average. */
const SMALL_PIECE = 1024;

/** So many pieces may be of any size; after that they must have this many bytes on average. */
const FREE_PIECES = 50_000, MIN_AVERAGE = 256;

/** workerd's own way to read: small pieces are put together outside of JavaScript. */
interface CollectingReader extends ReadableStreamBYOBReader {
  readAtLeast(min: number, buffer: Bytes): Promise<ReadableStreamReadResult<Bytes>>;
}

/**
 * Reads a body. Each piece costs time in JavaScript however small it is: workerd puts small ones together, and where nobody
 * does, a body that goes on in small ones is refused. With `collect` they are put together from the beginning, which holds
 * back what has come until there is more of it.
 */
export function readPieces(
  body: ReadableStream<Bytes>,
  { collect = false }: { collect?: boolean } = {},
): PieceReader {
  const { read, cancel } = collecting(body, collect) ?? plain(body);
  let pieces = 0, bytes = 0;
  return {
    async read(enough) {
      const piece = await read(enough);
      if (!piece) return undefined;
      bytes += piece.length;
      if (++pieces > FREE_PIECES + bytes / MIN_AVERAGE) {
        throw badRequest("The body comes in too many small pieces");
      }
      return piece;
    },
    cancel,
  };
}

function plain(body: ReadableStream<Bytes>): PieceReader {
  const reader = body.getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: (reason) => letGo(reader, reason),
  };
}

function collecting(body: ReadableStream<Bytes>, collect: boolean): PieceReader | undefined {
  if (!("FixedLengthStream" in globalThis)) return undefined; // not in workerd
  let reader: CollectingReader;
  try {
    reader = body.getReader({ mode: "byob" }) as CollectingReader;
  } catch {
    return undefined; // a stream made in JavaScript
  }
  if (typeof reader.readAtLeast !== "function") {
    reader.releaseLock();
    return undefined;
  }
  let average = 2 * SMALL_PIECE, bufferSize = MIN_BUFFER;
  return {
    async read(enough = Infinity) {
      const usual = collect || average < SMALL_PIECE ? MIN_COLLECTED : 1;
      const min = Math.max(1, Math.min(usual, enough));
      const size = Math.max(min, bufferSize);
      const { value } = await reader.readAtLeast(min, new Uint8Array(size));
      if (!value || value.length === 0) return undefined;
      bufferSize = Math.min(Math.max(MIN_BUFFER, 2 * value.length), MAX_BUFFER);
      if (usual === 1) average += (Math.min(value.length, 4 * SMALL_PIECE) - average) / 64;
      return value;
    },
    cancel: (reason) => letGo(reader, reason),
  };
}

/** Cancels a body that nobody reads any more, and waits for nothing: its source may never answer. */
export function letGo(
  body: Pick<ReadableStream, "cancel"> | null | undefined,
  reason?: unknown,
): void {
  body?.cancel(reason).catch(() => {});
}

/** Pieces, one behind the other, in memory of their own. */
export function joined(pieces: readonly Bytes[]): Bytes {
  const all = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
