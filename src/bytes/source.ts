/** Recognising what can be uploaded, and taking it in the same turn as the call that it was given to. */

import { type ByteContainer, type Bytes, bytesOf, kindOf } from "./bytes.ts";
import { isDisturbed } from "./disturbed.ts";
import { once, randomAccess, type RandomAccessSource, readAt } from "./random_access.ts";
import {
  fromPieces,
  fromReads,
  iterableProducer,
  type PieceProducer,
  type SequentialSource,
  streamProducer,
} from "./sequential.ts";

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
  /**
   * The number of bytes, when it is known; without it, the source ends where `read` returns nothing. A size of 0 is
   * believed only after a `read` found nothing.
   */
  readonly size?: number | undefined;
  /** The media type, for uploads that are not given one; as a Blob has it. */
  readonly type?: string | undefined;
  /** When the bytes were changed last, in milliseconds since 1970. A checkpoint keeps it, and another one is `source_changed`. */
  readonly lastModified?: number | undefined;
  /**
   * What this source is known by, such as a file by its inode: at most 256 characters, and no secret. A checkpoint keeps it, and
   * another one is `source_changed`.
   */
  readonly identity?: string | undefined;
  /**
   * Reads at most `length` bytes at `offset`, and at least one unless the source ends there. It may be called again for
   * bytes that it has returned before, and after it failed. The bytes returned are not written to again as long as the
   * upload goes on.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Called once when the upload has ended, however it did. It is not waited for, and what it throws is ignored. */
  close?(): void | Promise<void>;
}

/**
 * Everything that can be uploaded.
 *
 * | source | how it is read | what must hold |
 * | --- | --- | --- |
 * | `Blob`, `File` | by slices, never whole | |
 * | bytes (a buffer or a view of one) | where they are, without a copy | they stay unchanged until the promise settles |
 * | a string | as UTF-8; it is content, never a path | |
 * | {@linkcode ByteSource} | where it is asked, several times if need be | see there |
 * | `ReadableStream`, async iterable | once, at the pace of the network | nobody has read from it before; a piece's memory may be written to again when the next piece is asked for |
 *
 * It is taken at once, in the call that it is given to: from then on nobody else can read a stream. Whatever ends the
 * upload lets it go: a stream is cancelled unless it was read to its end, a {@linkcode ByteSource} closed.
 */
export type UploadSource =
  | Blob
  | ByteContainer
  | string
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | ByteSource;

/** A source that was taken, and is ready to be read. */
export type Source = RandomAccessSource | SequentialSource;

/** A source that was taken: nobody else gets a byte of it. */
export interface TakenSource {
  /** The number of bytes as the source says it; `undefined` where it does not. */
  readonly size: number | undefined;
  /** When a file was changed last, in milliseconds; `undefined` where the source does not know. */
  readonly lastModified: number | undefined;
  /** What the source is known by; `undefined` where it does not say. */
  readonly identity?: string | undefined;
  /** The source to read from, once. Reads where that is needed to know its kind: a size of 0 is not believed. */
  open(): Promise<Source>;
  /** Lets it go, once, opened or not; a reason says that nobody wants the rest. */
  release(reason?: unknown): void;
}

/** Iterators and streams that an upload has read: what they give next is no content. */
const taken = new WeakSet<object>();

/**
 * Takes a source. Throws a `TypeError` for anything that is none, and for a stream or an iterator that was read before:
 * what is left of it is not what its owner means, as for a body of `fetch`.
 */
export function takeSource(source: UploadSource): TakenSource {
  if (typeof source === "string") return fixed(bytesOf(new TextEncoder().encode(source))!);
  const bytes = bytesOf(source);
  if (bytes) return fixed(bytes);
  if (typeof source !== "object" || source === null) throw notASource(source);
  if (isBlob(source)) return blob(source);
  if (isStream(source)) return opened(stream(source));
  if (Symbol.asyncIterator in source) return opened(iterable(source));
  if (isByteSource(source)) return readable(source);
  throw notASource(source);
}

function notASource(source: unknown): TypeError {
  const hint = hintFor(source);
  return new TypeError(
    `Cannot upload the source: expected a Blob, bytes, a string, a ReadableStream, an AsyncIterable or { size?, read }, ` +
      `got ${kindOf(source)}${hint && `; ${hint}`}`,
  );
}

function hintFor(source: unknown): string {
  const given = Object(source);
  if ("fd" in given || "href" in given || typeof source === "number") {
    return "pass fileSource(path)";
  }
  const stream = ["body", "readable"].find((name) => name in given);
  if (stream) return `pass its \`${stream}\``;
  if ("then" in given) return "await it first";
  if (Symbol.iterator in given) return "pass a Blob of its parts, or an async iterable";
  return "";
}

function fixed(bytes: Bytes): TakenSource {
  return known({
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  });
}

/** A source whose size is believed. */
function known(input: Parameters<typeof randomAccess>[0]): TakenSource {
  return opened(randomAccess(input));
}

function opened(source: Source): TakenSource {
  const { release } = source;
  const size = source.kind === "random-access" ? source.size : undefined;
  return { size, lastModified: undefined, open: () => Promise.resolve(source), release };
}

/** A Blob of this realm or of another one; Bun's files and S3 files are Blobs whose size may be unknown. */
function isBlob(source: object): source is Blob {
  return "slice" in source && typeof source.slice === "function" && "arrayBuffer" in source &&
    typeof source.arrayBuffer === "function" && "size" in source;
}

function blob(source: Blob): TakenSource {
  // A file of Bun's is read no further than its size was when somebody first looked at it: of /proc that would be nothing.
  const early = "exists" in source ? source.stream() : undefined;
  const lastModified = "lastModified" in source ? Number(source.lastModified) : undefined;
  if (Number.isSafeInteger(source.size) && source.size > 0) {
    const read = async (offset: number, length: number) =>
      await source.slice(offset, offset + length).arrayBuffer();
    const isOurs = typeof Blob !== "undefined" && source instanceof Blob;
    const blob = isOurs ? source : undefined;
    return { ...known({ size: source.size, blob, read }), lastModified };
  }
  // A size of 0 may be that of a missing file, a device or a pipe, and NaN that of an object elsewhere.
  const sequential = fromPieces(streamProducer((early ?? source.stream()).getReader()));
  const { release } = sequential;
  return { size: undefined, lastModified, open: () => emptyOr(sequential), release };
}

/** The source, or one without bytes where it has none: only that can be sent in one request. */
async function emptyOr(source: SequentialSource): Promise<Source> {
  if (!(await source.ended(1))) return source;
  return { ...randomAccess({ size: 0, read: () => new Uint8Array(0) }), release: source.release };
}

function isStream(source: object): source is ReadableStream<Uint8Array> {
  return "getReader" in source && typeof source.getReader === "function";
}

function stream(source: ReadableStream<Uint8Array>): SequentialSource {
  if (source.locked) {
    throw new TypeError(
      "Cannot upload the stream: expected one that nobody reads, got a locked one",
    );
  }
  if (taken.has(source) || isDisturbed(source)) throw readBefore("stream");
  taken.add(source);
  return fromPieces(streamProducer(source.getReader()));
}

/** What Node's streams have besides being iterable. */
interface NodeReadable extends AsyncIterable<Uint8Array> {
  readonly readableDidRead?: boolean;
  readonly destroyed?: boolean;
  on(event: "error", listener: () => void): unknown;
  destroy(error?: Error): unknown;
}

function iterable(source: AsyncIterable<Uint8Array>): SequentialSource {
  if (taken.has(source)) throw readBefore("iterable");
  const producer = isNodeReadable(source) ? nodeProducer(source) : iterableProducer(source);
  if (isNodeReadable(source) || isIterator(source)) taken.add(source);
  return fromPieces(producer);
}

/** An iterable that is its own iterator, as generators are, can be read once. */
function isIterator(source: object): boolean {
  return "next" in source && typeof source.next === "function";
}

function isNodeReadable(source: object): source is NodeReadable {
  return "on" in source && typeof source.on === "function" && "destroy" in source &&
    typeof source.destroy === "function";
}

function nodeProducer(source: NodeReadable): PieceProducer {
  if (source.readableDidRead || source.destroyed) throw readBefore("stream");
  source.on("error", () => {}); // its iterator rejects with it; without a listener Node would end the process as well
  return iterableProducer(
    source,
    (reason) => source.destroy(reason instanceof Error ? reason : undefined),
  );
}

function readBefore(what: string): TypeError {
  return new TypeError(
    `Cannot upload the ${what}: expected one that was not read before, got one that was read or cancelled already`,
  );
}

function isByteSource(source: object): source is ByteSource {
  return "read" in source && typeof source.read === "function" && !("readable" in source) &&
    !("fd" in source);
}

function readable(source: ByteSource): TakenSource {
  const { size } = source;
  const read = (offset: number, length: number) => source.read(offset, length);
  const close = () => source.close?.();
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw new RangeError(
      `Cannot upload the source: expected its size to be a whole number of bytes, got ${size}`,
    );
  }
  const about = {
    lastModified: Number.isFinite(source.lastModified) ? source.lastModified : undefined,
    identity: checkIdentity(source.identity),
  };
  if (size) return { ...known({ size, read, close }), ...about };
  const release = once(close);
  const sequential = () => fromReads(read, release);
  if (size === undefined) {
    return { ...about, size, open: () => Promise.resolve(sequential()), release };
  }
  const open = async () => {
    const first = await readAt(read, 0, 1);
    return first.length > 0 ? sequential() : randomAccess({ size, read, close: release });
  };
  return { ...about, size: undefined, open, release };
}

/** The longest text that a checkpoint takes for what a source is known by. */
const LONGEST_IDENTITY = 256;

/** Whether a value can be what a source is known by. */
export function isIdentity(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST_IDENTITY;
}

function checkIdentity(value: unknown): string | undefined {
  if (value === undefined || isIdentity(value)) return value;
  throw new TypeError(
    `Cannot upload the source: expected its identity to be a string of at most ${LONGEST_IDENTITY} characters, ` +
      `got ${typeof value === "string" ? `${value.length}` : kindOf(value)}`,
  );
}
