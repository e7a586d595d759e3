/** Bodies on their way through: bounded, and never collected. */

import { within } from "../net/clock.ts";
import { badRequest, HttpError, tooLarge } from "./http_error.ts";
import { checkedBody, letGo, readPieces } from "./body_pieces.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a body must keep to. */
export interface BodyBounds {
  /** The exact number of bytes, where the request says it elsewhere. */
  readonly exact?: number | undefined;
  /** The most bytes. */
  readonly max: number;
  /** The fewest bytes. */
  readonly min?: number | undefined;
}

/** A body that may be sent on. */
export interface PassedBody {
  /** The bytes; `null` where there are none. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** The number of bytes, when it is known beforehand. */
  readonly length: number | undefined;
  /** Whether the runtime itself holds the body to that length, here or where it is {@linkcode held}. */
  readonly native?: boolean;
  /** Whether that has been done. */
  readonly held?: boolean;
  /** The same bytes, where they have been collected: Deno sends a stream of JavaScript in chunks, without a length. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** What was wrong with the body, once it has been found. */
  readonly problem: () => HttpError | undefined;
  /** How many bytes have passed, where that is not known beforehand. */
  readonly passed?: () => number;
  /** Resolves when nobody wants these bytes any more: what sends them is given up. */
  readonly ended?: Promise<void>;
}

/** The request's head and body. */
type RequestBody = Pick<Request, "headers" | "body">;

/** What a header says in bytes, such as `Content-Length`; `undefined` without it. */
export function byteCount(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name}: expected a number of bytes`);
  return Number(text);
}

/**
 * Refuses a request that says in two ways where its body ends: servers differ in which one they believe. Most runtimes
 * refuse it themselves; workerd goes by the chunks and shows the length as well.
 */
export function checkFraming(headers: Headers): void {
  const coding = headers.get("transfer-encoding");
  if (coding === null) return;
  if (headers.has("content-length")) {
    throw badRequest("Expected either Content-Length or Transfer-Encoding, got both");
  }
  if (coding.trim().toLowerCase() !== "chunked") {
    throw badRequest("Transfer-Encoding: expected chunked, got something else");
  }
}

/** How many bytes the body of a request has; `undefined` where it is not known. */
export function lengthOf({ headers, body }: RequestBody): number | undefined {
  return byteCount(headers, "Content-Length") ?? (body ? undefined : 0);
}

/**
 * Takes the body of a request, if it keeps to the bounds.
 *
 * The bytes of every body are counted: in workerd where it is {@linkcode held}, in Deno and Bun by the server, which ends a
 * body with a `Content-Length` there; bodies without one are counted here as they pass.
 */
export function passBody({ headers, body }: RequestBody, bounds: BodyBounds): PassedBody {
  const length = lengthOf({ headers, body });
  if (length !== undefined) check(length, bounds);
  if (length === 0 || !body) return { body: null, length: 0, problem: () => undefined };
  if (length === undefined) return counted(body, bounds);
  return { body, length, native: true, problem: () => undefined };
}

/**
 * The same body, but instead of failing it calls `broken`, which must end the request.
 *
 * Bodies that go on without a length need that: when one fails, or its client leaves, workerd ends it upstream as if there
 * were no more to come, and Google takes a part for the whole.
 */
export function guarded(
  body: ReadableStream<Bytes>,
  broken: () => void,
): ReadableStream<Bytes> {
  const reader = body.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch {
        setTimeout(broken, 0); // a task of its own: workerd crashes when a request is ended from within its body
        await new Promise(() => {});
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/**
 * A native body, held to its length: in workerd, where the head may tell one length and the body have another. A stream of
 * which workerd itself knows that length is sent with it and held to it as it is; to pipe it through another one costs two
 * buffers of 64 KiB for as long as the client takes.
 */
export function held({ body, length, native, held }: PassedBody): ReadableStream<Bytes> | null {
  const Fixed = fixedLengthStream();
  const isHeld = !Fixed || !native || held || !body || knownLength(body) === length;
  return isHeld ? body : body.pipeThrough(new Fixed(length!));
}

/** Under which workerd shows the length of a stream; `null` where it does not. */
let lengthSymbol: symbol | null | undefined;

/** The length that workerd knows of a stream: what its `console.log` shows as `[length]`; `undefined` where it shows none. */
function knownLength(stream: ReadableStream<Bytes>): number | undefined {
  if (lengthSymbol === undefined) {
    const symbols = Object.getOwnPropertySymbols(ReadableStream.prototype);
    lengthSymbol = symbols.find(({ description }) => description === "length") ?? null;
  }
  const length: unknown = lengthSymbol && Reflect.get(stream, lengthSymbol);
  return typeof length === "bigint" ? Number(length) : undefined;
}

/** workerd's stream that takes exactly so many bytes, and fails with more or fewer. */
export type FixedLength = new (length: number) => TransformStream<Bytes, Bytes>;

/** The one of this runtime, if it has it. */
export function fixedLengthStream(): FixedLength | undefined {
  return (globalThis as { FixedLengthStream?: FixedLength }).FixedLengthStream;
}

function check(length: number, { exact, max, min = 0 }: BodyBounds): void {
  if (length < min) throw tooShort(min, length);
  if (exact !== undefined && length !== exact) {
    throw badRequest(`The Content-Range speaks of ${exact} bytes, the body has ${length}`);
  }
  if (length > max) throw tooLarge(`At most ${max} bytes are allowed here, got ${length}`);
}

function tooShort(min: number, length: number): HttpError {
  return badRequest(`At least ${min} bytes are expected here, got ${length}`);
}

function counted(body: ReadableStream<Bytes>, bounds: BodyBounds): PassedBody {
  const { exact, max, min = 0 } = bounds;
  let count = 0;
  const reader = readPieces(body);
  const { stream, problem } = checkedBody(reader, async () => {
    const piece = await reader.read((exact ?? max + 1) - count);
    count += piece?.length ?? 0;
    if (exact !== undefined && (count > exact || (!piece && count < exact))) {
      throw badRequest(
        `The Content-Range speaks of ${exact} bytes, the body has ${piece ? "more" : count}`,
      );
    }
    if (count > max) throw tooLarge(`At most ${max} bytes are allowed here, got more`);
    if (!piece && count < min) throw tooShort(min, count);
    return { piece, isOver: !piece };
  });
  return { body: stream, length: undefined, problem, passed: () => count };
}

/** Waits so many milliseconds for what a client has to send before anything can be done. */
export async function inTime<T>(
  milliseconds: number,
  work: Promise<T>,
  message = "What an upload begins with did not come in time",
): Promise<T> {
  return await within(milliseconds, work, () => {
    throw new HttpError(408, "requestTimeout", message);
  });
}

/** Reads a body that has to be empty to its end, so that nobody waits at the backend for a client that does not end it. */
export async function emptied(passed: PassedBody, milliseconds: number): Promise<PassedBody> {
  const reader = passed.body?.getReader();
  const read = async () => {
    while (reader && !(await reader.read()).done);
  };
  try {
    await inTime(milliseconds, read(), "The end of the request did not come in time");
  } catch (error) {
    letGo(reader, error);
    throw passed.problem() ??
      (error instanceof HttpError ? error : badRequest("The body cannot be read"));
  }
  return { body: null, length: 0, problem: () => undefined };
}

/**
 * Refuses a body that the server did not hand over: it said a length, but its method has no body for `fetch`, as `GET` with
 * `X-HTTP-Method-Override`. And one without a length, where the proxy is set up so: to count its bytes takes time in JavaScript.
 */
export function checkLength({ headers, body }: RequestBody, isRequired: boolean): void {
  if (!body && byteCount(headers, "Content-Length")) {
    throw badRequest("The bytes of Content-Length did not come: use POST, PUT or PATCH");
  }
  if (isRequired && body && !headers.has("content-length")) {
    throw new HttpError(411, "lengthRequired", "Expected a Content-Length, got a body without one");
  }
}

/** Reads a small text to its end; one that is longer or takes longer is refused. */
export async function readText(
  body: ReadableStream<Bytes> | null,
  max: number,
  timeout = 30_000,
): Promise<string> {
  if (!body) return "";
  const reader = readPieces(body);
  const decoder = new TextDecoder();
  let text = "", size = 0;
  const read = async () => {
    for (let piece = await reader.read(); piece; piece = await reader.read()) {
      size += piece.length;
      if (size > max) throw tooLarge(`At most ${max} bytes are allowed here`);
      text += decoder.decode(piece, { stream: true });
    }
  };
  try {
    await inTime(timeout, read());
  } catch (error) {
    reader.cancel(error);
    throw error instanceof HttpError ? error : badRequest("The body cannot be read");
  }
  return text + decoder.decode();
}
