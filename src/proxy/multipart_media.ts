/** `multipart/related` on its way through: the metadata is taken out, the media is passed on in a new frame. */

import { type MultipartFrame, multipartFrame } from "../protocol/multipart_related.ts";
import { fixedLengthStream, inTime, type PassedBody } from "./request_body.ts";
import { badRequest, HttpError, tooLarge } from "./http_error.ts";
import { joined, type PieceReader, readPieces } from "./body_pieces.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The two parts of an upload in one request. */
export interface MultipartBody {
  /** The metadata part, as text. */
  readonly metadata: string;
  /** The media type of the media part. */
  readonly contentType: string | undefined;
  /** The media, which ends where its part ends. */
  readonly media: ReadableStream<Bytes>;
  /** What was wrong with the rest of the body, once it has been found. */
  readonly problem: () => HttpError | undefined;
}

/** Reads a body up to the start of its media. Metadata and part headers may have `max` bytes, and take so many milliseconds. */
export async function readMultipart(
  request: Request,
  max: number,
  timeout = 30_000,
): Promise<MultipartBody> {
  const delimiter = encode(`\r\n--${boundaryOf(request.headers.get("content-type") ?? "")}`);
  if (!request.body) throw badRequest("Expected a multipart body, got none");
  const reader = readPieces(request.body, { collect: true });
  // The first delimiter may stand at the very beginning, without the line break that belongs to it.
  const head = new HeadBuffer("\r\n");
  const until = async (mark: Bytes): Promise<string> => {
    for (;;) {
      const found = head.takeUntil(mark);
      if ((found ?? head.rest()).length > max) {
        throw tooLarge(`At most ${max} bytes of metadata are allowed`);
      }
      if (found) return decode(found);
      const piece = await reader.read();
      if (!piece) throw badRequest("The multipart body ends before its media");
      head.add(piece);
    }
  };
  const parts = async () => {
    await until(delimiter);
    await until(BLANK_LINE);
    return [await until(delimiter), await until(BLANK_LINE)];
  };
  try {
    const [metadata, headers] = await inTime(timeout, parts());
    const header = headers.split("\r\n").find((line) => /^content-type:/i.test(line));
    const contentType = header?.slice("content-type:".length).trim();
    return { metadata, contentType, ...mediaOf(reader, head.rest(), delimiter) };
  } catch (error) {
    reader.cancel(error);
    throw error;
  }
}

const BLANK_LINE = encode("\r\n\r\n");
/** Space, tab, line feed, carriage return. */
const BLANKS = [0x20, 0x09, 0x0a, 0x0d];

/** The most bytes after the closing delimiter, which nobody needs. */
const MAX_END = 1024;

/** RFC 2046: 1 to 70 of these, quoted or not. */
function boundaryOf(contentType: string): string {
  const match = /^multipart\/related\b.*;\s*boundary=(?:"([^"]+)"|'([^']+)'|([^\s;"]+))/i.exec(
    contentType,
  );
  const boundary = match?.slice(1).find((part) => part !== undefined);
  if (!boundary || !/^[\w'()+,\-./:=? ]{1,70}$/.test(boundary)) {
    throw badRequest("Content-Type: expected multipart/related with a boundary");
  }
  return boundary;
}

/** The media: what is in `buffer` and what the reader still gives, up to the delimiter, after which nothing may follow. */
function mediaOf(
  reader: PieceReader,
  buffer: Bytes,
  delimiter: Bytes,
): Pick<MultipartBody, "media" | "problem"> {
  let problem: HttpError | undefined;
  const refuse = (message: string) => problem = badRequest(message);
  const read = () =>
    reader.read().catch((error: unknown) => {
      if (error instanceof HttpError) problem = error;
      throw error;
    });
  const media = new ReadableStream<Bytes>({
    async pull(controller) {
      for (;;) {
        const at = indexOf(buffer, delimiter);
        if (at >= 0) {
          if (at > 0) controller.enqueue(buffer.subarray(0, at));
          await expectEnd(buffer.subarray(at + delimiter.length));
          return controller.close();
        }
        const safe = unfinished(buffer, delimiter);
        if (safe > 0) {
          controller.enqueue(buffer.subarray(0, safe));
          buffer = buffer.subarray(safe);
          return;
        }
        const piece = await read();
        if (!piece) throw refuse("The multipart body ends without its closing delimiter");
        buffer = buffer.length === 0 ? piece : joined([buffer, piece]);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const expectEnd = async (first: Bytes) => {
    let at = 0;
    for (let piece: Bytes | undefined = first; piece; piece = await read()) {
      // Two hyphens, and then nothing but blanks and line ends.
      if (!piece.every((byte) => at++ < 2 ? byte === 0x2d : BLANKS.includes(byte))) at = -Infinity;
      if (at < 0 || at > MAX_END) break;
    }
    if (at > MAX_END) throw refuse(`At most ${MAX_END} bytes are allowed after the media`);
    if (at < 2) throw refuse("A multipart upload has two parts, metadata and media");
  };
  return { media, problem: () => problem };
}

/** Where `mark` may begin at the end of `bytes`, to be gone on with by the next ones; their length where it does not. */
function unfinished(bytes: Bytes, mark: Bytes): number {
  const end = bytes.length;
  next: for (let at = Math.max(0, end - mark.length + 1); at < end; at++) {
    for (let i = at; i < end; i++) {
      if (bytes[i] !== mark[i - at]) continue next;
    }
    return at;
  }
  return end;
}

/** Media in a frame of its own, with metadata before it. */
export function frameMultipart(
  metadata: Record<string, unknown>,
  mediaType: string,
  media: PassedBody,
): { contentType: string; body: PassedBody } {
  const frame = multipartFrame(metadata, mediaType, crypto.randomUUID());
  const length = media.length === undefined
    ? undefined
    : frame.head.length + media.length + frame.tail.length;
  const Fixed = fixedLengthStream();
  const { contentType } = frame, { problem } = media;
  if (Fixed && media.native && media.body && length !== undefined) {
    const body = around(frame, media.body, new Fixed(length));
    return { contentType, body: { body, length, native: true, held: true, problem } };
  }
  return { contentType, body: { body: between(frame, media.body), length, problem } };
}

/** Head, media and tail, the media without a detour through JavaScript: in workerd only. */
function around(
  { head, tail }: MultipartFrame,
  media: ReadableStream<Bytes>,
  { readable, writable }: TransformStream<Bytes, Bytes>,
): ReadableStream<Bytes> {
  const write = async (bytes: Bytes) => {
    const writer = writable.getWriter();
    await writer.write(bytes);
    writer.releaseLock();
  };
  const all = async () => {
    await write(head);
    await media.pipeTo(writable, { preventClose: true });
    await write(tail);
    await writable.close();
  };
  // What breaks off is seen by the reader, since the stream has a length to keep to.
  all().catch((error) => writable.abort(error).catch(() => {}));
  return readable;
}

/** Head, media and tail, piece by piece. */
function between(
  { head, tail }: MultipartFrame,
  media: ReadableStream<Bytes> | null,
): ReadableStream<Bytes> {
  const reader = media?.getReader();
  let begun = false;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (!begun) {
        begun = true;
        return controller.enqueue(head);
      }
      const piece = (await reader?.read())?.value;
      controller.enqueue(piece ?? tail);
      if (!piece) controller.close();
    },
    cancel: (reason) => reader?.cancel(reason),
  }, { highWaterMark: 0 });
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function decode(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}

/** How far is looked at byte by byte before the runtime's own search, which is dear to begin and cheap to go on. */
const NEAR = 32;

/**
 * Where `mark` stands in `bytes`, from `start` on; -1 where it does not. None begins within the
 * beginning of another (a line break is followed by none, or by a second one that is its end), so no byte is compared more
 * than twice; and where the first byte is frequent, as in a body of nothing else, the runtime is not asked for each one.
 */
function indexOf(bytes: Bytes, mark: Bytes, start = 0): number {
  const [first] = mark;
  const end = bytes.length - mark.length;
  for (let at = start; at <= end;) {
    const near = Math.min(end, at + NEAR);
    while (at <= near && bytes[at] !== first) at++;
    if (at > near) {
      at = bytes.indexOf(first, at);
      if (at < 0 || at > end) return -1;
    }
    let matched = 1;
    while (matched < mark.length && bytes[at + matched] === mark[matched]) matched++;
    if (matched === mark.length) return at;
    at += matched;
  }
  return -1;
}

/**
 * The beginning of a body while it arrives, in pieces of any size. Each byte is copied and compared a bounded number of
 * times, so that a body in the smallest pieces is no attack.
 */
class HeadBuffer {
  #memory: Bytes;
  #start = 0;
  #end: number;
  #searched = 0;

  constructor(text: string) {
    this.#memory = encode(text);
    this.#end = this.#memory.length;
  }

  /** Adds a piece. */
  add(piece: Bytes): void {
    if (this.#end + piece.length > this.#memory.length) {
      const larger = new Uint8Array(2 * (this.#end + piece.length));
      larger.set(this.#memory.subarray(0, this.#end));
      this.#memory = larger;
    }
    this.#memory.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** Takes what lies before `mark`, and the mark; `undefined` while it is not there. */
  takeUntil(mark: Bytes): Bytes | undefined {
    const at = indexOf(
      this.#memory.subarray(0, this.#end),
      mark,
      Math.max(this.#start, this.#searched),
    );
    if (at < 0) {
      this.#searched = this.#end - mark.length + 1;
      return undefined;
    }
    const before = this.#memory.subarray(this.#start, at);
    this.#start = this.#searched = at + mark.length;
    return before;
  }

  /** What has not been taken. */
  rest(): Bytes {
    return this.#memory.subarray(this.#start, this.#end);
  }
}
