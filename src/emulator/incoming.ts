/**
 * Reads the arguments of `fetch` into one request, without copying its body.
 *
 * @module
 */

import { IncomingBody } from "./incoming_body.ts";

/** One request, as it reaches the emulator. */
export interface Incoming {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: IncomingBody;
  readonly signal: AbortSignal | undefined;
  /** Whether the caller asked for `redirect: "error"`. */
  readonly refusesRedirects: boolean;
  /** Whether a request from a socket came without any length (a 411). */
  readonly lacksLength: boolean;
}

/**
 * Reads the arguments of `fetch`.
 *
 * @throws {TypeError} as `fetch` does: invalid URL, a body with GET, a stream without `duplex: "half"`,
 * a used or locked body, a `content-length` that differs from the body.
 */
export function readRequest(input: string | URL | Request, init: RequestInit = {}): Incoming {
  const request = typeof input === "string" || input instanceof URL ? undefined : input;
  const url = new URL(request ? request.url : String(input));
  url.hash = "";
  const method = (init.method ?? request?.method ?? "GET").toUpperCase();
  const headers = new Headers(init.headers ?? request?.headers);
  const signal = init.signal ?? (init.signal === null ? undefined : request?.signal);
  const body = init.body != null
    ? bodyOf(init, headers, signal)
    : bodyOfRequest(request, headers, signal);
  if ((method === "GET" || method === "HEAD") && !body.empty) {
    throw new TypeError(`A ${method} request cannot have a body`);
  }
  return {
    method,
    url,
    headers,
    body,
    signal,
    refusesRedirects: (init.redirect ?? request?.redirect) === "error",
    lacksLength: (method === "POST" || method === "PUT") && body.empty &&
      headers.has("host") && !headers.has("content-length") && !headers.has("transfer-encoding"),
  };
}

function bodyOfRequest(
  request: Request | undefined,
  headers: Headers,
  signal: AbortSignal | undefined,
): IncomingBody {
  if (request?.bodyUsed) throw new TypeError("The body of the request has already been used");
  const stream = request?.body ?? null;
  if (stream === null) return IncomingBody.ofBytes(new Uint8Array(), signal);
  return IncomingBody.ofStream(stream, announced(headers), signal);
}

function bodyOf(
  init: RequestInit,
  headers: Headers,
  signal: AbortSignal | undefined,
): IncomingBody {
  const body: unknown = init.body;
  if (isStream(body)) {
    if ((init as { duplex?: unknown }).duplex !== "half") {
      throw new TypeError('RequestInit needs duplex: "half" when the body is a stream');
    }
    return IncomingBody.ofStream(streamOf(body), announced(headers), signal);
  }
  if (body instanceof Blob) {
    contentType(headers, body.type);
    agree(headers, body.size);
    return IncomingBody.ofStream(body.stream(), body.size, signal);
  }
  if (body instanceof FormData) {
    const form = new Response(body);
    contentType(headers, form.headers.get("content-type") ?? "");
    return IncomingBody.ofStream(form.body!, null, signal);
  }
  const bytes = bytesOf(body, headers);
  agree(headers, bytes.length);
  return IncomingBody.ofBytes(bytes, signal);
}

function bytesOf(body: unknown, headers: Headers): Uint8Array {
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  contentType(
    headers,
    body instanceof URLSearchParams
      ? "application/x-www-form-urlencoded;charset=UTF-8"
      : "text/plain;charset=UTF-8",
  );
  return new TextEncoder().encode(String(body));
}

type StreamLike = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

function isStream(body: unknown): body is StreamLike {
  return body instanceof ReadableStream ||
    (typeof body === "object" && body !== null && Symbol.asyncIterator in body);
}

function streamOf(body: StreamLike): ReadableStream<Uint8Array> {
  if (body instanceof ReadableStream) return body;
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  }, { highWaterMark: 0 });
}

/** The length that the header announces, or `null` (chunked). */
function announced(headers: Headers): number | null {
  const header = headers.get("content-length");
  if (header === null) return null;
  if (!/^\d+$/.test(header)) throw new TypeError(`Invalid content-length: ${header}`);
  return Number(header);
}

/** As on the wire, a `content-length` that is not the body's length sends nothing. */
function agree(headers: Headers, length: number): void {
  const header = announced(headers);
  if (header !== null && header !== length) {
    throw new TypeError(`content-length is ${header}, but the body has ${length} byte(s)`);
  }
}

function contentType(headers: Headers, value: string): void {
  if (value !== "" && !headers.has("content-type")) headers.set("content-type", value);
}
