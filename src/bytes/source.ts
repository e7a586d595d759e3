/** Where the bytes of an upload come from: many kinds of sources, one way of reading them. */

import { UploadError } from "../errors.ts";

/**
 * A source of bytes that can be read anywhere, such as a file handle.
 *
 * @example Bytes that are computed when they are asked for
 * ```ts
 * import type { ByteSource } from "@resumable-media/upload";
 *
 * const zeros: ByteSource = {
 *   size: 1_000_000,
 *   read: (offset, length) => Promise.resolve(new Uint8Array(Math.min(length, 1_000_000 - offset))),
 * };
 * console.log((await zeros.read(999_999, 10)).length); // 1
 * ```
 */
export interface ByteSource {
  /** The number of bytes, when it is known; without it, the source ends where `read` returns nothing. */
  readonly size?: number;
  /**
   * Reads at most `length` bytes at `offset`, and at least one unless the source ends there. The bytes returned are not
   * written to again as long as they are used.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Called once when the upload is finished, cancelled or given up by `upload()`. */
  close?(): void | Promise<void>;
}

/**
 * Everything that can be uploaded.
 *
 * A `Blob` or `File` is read by slices, never whole; a string is sent as UTF-8; a stream and an async iterable are read
 * once, at the pace of the network; a {@linkcode ByteSource} is read where it is asked.
 */
export type UploadSource =
  | Blob
  | BufferSource
  | string
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | ByteSource;

/** Memory of its own, as `fetch` wants it for a body. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A source that is being read from its start to its end. */
export interface SourceReader {
  /** The number of bytes, when the source knows it. */
  readonly size: number | undefined;
  /** The next `length` bytes; fewer only at the end of the source. */
  read(length: number): Promise<Bytes>;
  /** Whether the source ends here; waits for the next byte or the end. `length` is how much will be read next. */
  ended(length: number): Promise<boolean>;
  /** Moves on without reading, where the source can; returns whether it did. */
  seek(offset: number): boolean;
  /** Releases the source; with a reason, tells it that nobody wants the rest. */
  close(reason?: unknown): Promise<void>;
}

/** A source whose kind is known, and which has not been touched yet. */
export interface PreparedSource {
  readonly size: number | undefined;
  /** What tells this source from another one with the same size; `undefined` where there is nothing. */
  readonly lastModified: number | undefined;
  /** Starts reading. */
  open(): SourceReader;
}

/** Recognises a source; throws a `TypeError` for anything else, and for a stream that somebody reads already. */
export function prepareSource(source: UploadSource): PreparedSource {
  if (typeof source === "string") return fixed(new TextEncoder().encode(source));
  if (source instanceof ArrayBuffer) return fixed(new Uint8Array(source));
  if (ArrayBuffer.isView(source)) return fixed(viewOf(source));
  if (isBlob(source)) return blob(source);
  if (typeof source === "object" && source !== null) {
    if ("getReader" in source && typeof source.getReader === "function") return stream(source);
    if (Symbol.asyncIterator in source) return sequential(() => iterableReader(source));
    if ("read" in source && typeof source.read === "function" && !("readable" in source)) {
      return anywhere(source);
    }
  }
  const hint = hintFor(source);
  throw new TypeError(
    `Cannot upload the source: expected a Blob, bytes, a string, a ReadableStream, an AsyncIterable or { size?, read }, ` +
      `got ${Object.prototype.toString.call(source).slice(8, -1)}${hint && `; ${hint}`}`,
  );
}

function hintFor(source: unknown): string {
  if (typeof source !== "object" || source === null) return "";
  if ("body" in source) return "pass its `body`";
  if ("readable" in source) return "pass its `readable`";
  return "";
}

function isBlob(source: object): source is Blob {
  return typeof Blob !== "undefined" && source instanceof Blob;
}

/** The bytes under a view, without a copy, unless other threads can change them. */
function viewOf(view: ArrayBufferView): Bytes {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return bytes.buffer instanceof ArrayBuffer ? bytes as Bytes : new Uint8Array(bytes);
}

function fixed(bytes: Bytes): PreparedSource {
  return anywhere({
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  });
}

function blob(source: Blob): PreparedSource {
  const read = async (offset: number, length: number) =>
    new Uint8Array(await source.slice(offset, offset + length).arrayBuffer());
  const lastModified = "lastModified" in source ? Number(source.lastModified) : undefined;
  return { ...anywhere({ size: source.size, read }), lastModified };
}

function stream(source: ReadableStream<Uint8Array>): PreparedSource {
  if (source.locked) {
    throw new TypeError(
      "Cannot upload the stream: expected one that nobody reads, got a locked one",
    );
  }
  return sequential(() => {
    const byob = byobReaderOf(source);
    return byob ? byteStreamReader(byob) : streamReader(source.getReader());
  });
}

function byobReaderOf(source: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return source.getReader({ mode: "byob" });
  } catch {
    return undefined; // not a byte stream
  }
}

function sequential(open: () => SourceReader): PreparedSource {
  return { size: undefined, lastModified: undefined, open };
}

/** A source that can be read anywhere. */
function anywhere(source: ByteSource): PreparedSource {
  const { size } = source;
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw new RangeError(
      `Cannot upload the source: expected its size to be a whole number of bytes, got ${size}`,
    );
  }
  return { size, lastModified: undefined, open: () => anywhereReader(source, size) };
}

function anywhereReader(source: ByteSource, size: number | undefined): SourceReader {
  let position = 0;
  const readAt = async (offset: number, length: number): Promise<Bytes> => {
    const piece: unknown = await source.read(offset, length);
    if (piece instanceof Uint8Array && piece.length <= length) return viewOf(piece);
    const got = piece instanceof Uint8Array
      ? `${piece.length} bytes`
      : Object.prototype.toString.call(piece).slice(8, -1);
    throw new TypeError(
      `Cannot read the source: expected a Uint8Array of at most ${length} bytes, got ${got}`,
    );
  };
  return {
    size,
    async read(length) {
      const wanted = Math.min(length, (size ?? Infinity) - position);
      if (wanted === 0) return new Uint8Array(0);
      const first = await readAt(position, wanted);
      position += first.length;
      if (first.length === wanted || first.length === 0) return first;
      const all = new Uint8Array(wanted);
      all.set(first);
      let filled = first.length;
      while (filled < wanted) {
        const piece = await readAt(position, wanted - filled);
        if (piece.length === 0) break;
        all.set(piece, filled);
        filled += piece.length;
        position += piece.length;
      }
      return all.subarray(0, filled);
    },
    async ended() {
      return size === undefined ? (await readAt(position, 1)).length === 0 : position >= size;
    },
    seek(offset) {
      position = offset;
      return true;
    },
    close: async () => await source.close?.(),
  };
}

/** Reads a byte stream straight into the memory that is sent: no copy between. */
function byteStreamReader(reader: ReadableStreamBYOBReader): SourceReader {
  let buffer: ArrayBuffer | undefined; // holds `filled` bytes, lent to the stream while it is read
  let filled = 0;
  let done = false;
  const read = answered(reader);
  const more = async (capacity: number) => {
    const view = new Uint8Array(buffer ?? new ArrayBuffer(capacity), filled, capacity - filled);
    const result = await read(view);
    buffer = result.value?.buffer as ArrayBuffer | undefined;
    if (result.done) done = true;
    else filled += result.value.byteLength;
  };
  return {
    size: undefined,
    async read(length) {
      while (!done && filled < length) await more(length);
      const bytes = new Uint8Array(buffer ?? new ArrayBuffer(0), 0, filled);
      [buffer, filled] = [undefined, 0];
      return bytes;
    },
    async ended(length) {
      if (!done && filled === 0) await more(length);
      return done && filled === 0;
    },
    seek: () => false,
    close: (reason) => release(reader, reason),
  };
}

/**
 * `reader.read`, but failing where it would hang: a byte stream that closes itself and does not respond to the pending
 * read leaves it open for ever.
 */
function answered(
  reader: ReadableStreamBYOBReader,
): (view: Uint8Array<ArrayBuffer>) => Promise<ReadableStreamReadResult<Uint8Array>> {
  let abandon: (() => void) | undefined;
  let timer: number | ReturnType<typeof setTimeout> | undefined;
  reader.closed.then(() => timer = abandon && setTimeout(abandon, 0), () => {});
  return (view) =>
    new Promise<ReadableStreamReadResult<Uint8Array>>((resolve, reject) => {
      abandon = () =>
        reject(
          new TypeError(
            "Cannot read the byte stream: it closed without responding to the pending BYOB request",
          ),
        );
      reader.read(view).then(resolve, reject);
    }).finally(() => {
      abandon = undefined;
      clearTimeout(timer);
    });
}

function streamReader(reader: ReadableStreamDefaultReader<Uint8Array>): SourceReader {
  return pieceReader(() => reader.read(), (reason) => release(reader, reason));
}

/** Lets go of a stream; with a reason it is cancelled, so that its producer learns of it. */
async function release(
  reader: ReadableStreamDefaultReader | ReadableStreamBYOBReader,
  reason: unknown,
): Promise<void> {
  if (reason !== undefined) await reader.cancel(reason).catch(() => {});
  reader.releaseLock();
}

function iterableReader(source: AsyncIterable<Uint8Array>): SourceReader {
  const iterator = source[Symbol.asyncIterator]();
  return pieceReader(() => iterator.next(), async (reason) => {
    // A generator that is busy answers `return` only when it is done with what it waits for: do not wait with it.
    if (reason !== undefined) iterator.return?.().catch(() => {});
    await Promise.resolve();
  });
}

/** Collects pieces of any size. What a piece has beyond the bytes asked for waits for the next read. */
function pieceReader(
  next: () => Promise<{ done?: boolean; value?: unknown }>,
  close: (reason: unknown) => Promise<void>,
): SourceReader {
  let rest = new Uint8Array(0) as Bytes;
  let done = false;
  const more = async () => {
    const result = await next();
    if (result.done) done = true;
    else if (result.value instanceof Uint8Array) rest = viewOf(result.value);
    else {
      const got = Object.prototype.toString.call(result.value).slice(8, -1);
      throw new TypeError(`Cannot read the stream: expected pieces of Uint8Array, got ${got}`);
    }
  };
  const ended = async () => {
    while (!done && rest.length === 0) await more();
    return rest.length === 0;
  };
  return {
    size: undefined,
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
    ended,
    seek: () => false,
    close,
  };
}

/** The error of a source that does not have the bytes it was declared to have. */
export function sizeMismatch(expected: number, actual: string): UploadError {
  return new UploadError(
    "source_size_mismatch",
    `Cannot finish the upload: expected the source to have ${expected} bytes, it has ${actual}; nothing was finished`,
  );
}
