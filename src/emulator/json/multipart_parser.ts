/**
 * Takes a `multipart/related` body apart while it streams.
 *
 * @module
 */

/** Takes the content of one part. */
export interface PartSink {
  /** Called with each piece of the part's content, which is only valid during the call. */
  write(piece: Uint8Array): void;
}

/**
 * The boundary in a `Content-Type`, or `null` if it is not `multipart/related` or has none.
 *
 * Some clients write the boundary in single quotes, which are then no part of it.
 */
export function boundaryOf(contentType: string | null): string | null {
  if (!/^\s*multipart\/related\s*(;|$)/i.test(contentType ?? "")) return null;
  const match = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s;]+))/i.exec(
    contentType!,
  );
  const boundary = match?.[1]?.replace(/\\(.)/g, "$1") ?? match?.[2] ?? match?.[3] ?? "";
  return boundary === "" || boundary.length > 70 ? null : boundary;
}

/**
 * Reads a multipart body. `open` is called with the headers of each part and gives the sink of its
 * content.
 *
 * @returns how many parts were complete. A part without the delimiter at its end is not, nor is
 * anything after a delimiter that is followed by something else than a line end or `--`.
 */
export async function readMultipart(
  pieces: AsyncIterable<Uint8Array>,
  boundary: string,
  open: (headers: Headers, index: number) => PartSink,
): Promise<number> {
  const reader = new DelimitedReader(pieces);
  const delimiter = encode(`\r\n--${boundary}`);
  // The first delimiter may stand at the very start, with no line end before it.
  reader.unread(LINE_END);
  let complete = 0;
  if (!await reader.until(delimiter, NOWHERE)) return 0;
  let next = await reader.afterDelimiter();
  while (next === "part") {
    const headers = await readHeaders(reader);
    if (!headers || !await reader.until(delimiter, open(headers, complete))) break;
    next = await reader.afterDelimiter();
    if (next !== "broken") complete++;
  }
  await reader.until(null, NOWHERE);
  return complete;
}

const NOWHERE: PartSink = { write() {} };
const LINE_END: Uint8Array = encode("\r\n");
const DASH = 0x2d;
/** The longest header line of a part, in bytes. */
const LONGEST_LINE = 8192;

async function readHeaders(reader: DelimitedReader): Promise<Headers | null> {
  const headers = new Headers();
  while (true) {
    const line = await reader.line(LONGEST_LINE);
    if (line === null) return null;
    if (line === "") return headers;
    const colon = line.indexOf(":");
    if (colon < 1) return null;
    try {
      headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    } catch {
      return null;
    }
  }
}

/** Reads up to delimiters, over the borders of pieces. */
class DelimitedReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #buffer: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Puts bytes back in front. */
  unread(bytes: Uint8Array): void {
    this.#buffer = joined(bytes, this.#buffer);
  }

  /**
   * Writes everything before the delimiter into `sink` and skips the delimiter; `false` if the body ends
   * without it. With `null`, reads to the end.
   */
  async until(delimiter: Uint8Array | null, sink: PartSink): Promise<boolean> {
    while (true) {
      const at = delimiter ? find(this.#buffer, delimiter) : -1;
      if (at >= 0) {
        sink.write(this.#buffer.subarray(0, at));
        this.#buffer = this.#buffer.subarray(at + delimiter!.length);
        return true;
      }
      // What is left could be the start of the delimiter.
      const sure = Math.max(0, this.#buffer.length - (delimiter?.length ?? 1) + 1);
      sink.write(this.#buffer.subarray(0, sure));
      this.#buffer = this.#buffer.subarray(sure);
      if (!await this.#more()) return false;
    }
  }

  /** What follows a delimiter: a part, the end, or neither. */
  async afterDelimiter(): Promise<"part" | "end" | "broken"> {
    while (this.#buffer.length < 2) {
      if (!await this.#more()) return "broken";
    }
    if (this.#buffer[0] === DASH && this.#buffer[1] === DASH) return "end";
    return await this.line(LONGEST_LINE) === "" ? "part" : "broken";
  }

  /**
   * The rest of the line, without spaces at its end; `null` if it is longer than `most` bytes or the body
   * ends.
   */
  async line(max: number): Promise<string | null> {
    while (true) {
      const end = find(this.#buffer, LINE_END);
      const text = new TextDecoder().decode(end < 0 ? this.#buffer : this.#buffer.subarray(0, end));
      if (text.trimEnd().length > max) return null;
      if (end >= 0) {
        this.#buffer = this.#buffer.subarray(end + 2);
        return text.trimEnd();
      }
      if (!await this.#more()) return null;
    }
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done) return false;
    this.#buffer = joined(this.#buffer, value);
    return true;
  }
}

function find(bytes: Uint8Array, needle: Uint8Array): number {
  let at = bytes.indexOf(needle[0]);
  while (at >= 0 && at + needle.length <= bytes.length) {
    let same = 1;
    while (same < needle.length && bytes[at + same] === needle[same]) same++;
    if (same === needle.length) return at;
    at = bytes.indexOf(needle[0], at + 1);
  }
  return -1;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
