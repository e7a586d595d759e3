/** One request with an XMLHttpRequest: what `fetch` would do with it, and how much of it has gone out. */

import { InvalidResponse } from "../errors.ts";
import type { TransportInit } from "../net/transport.ts";
import { page, type Xhr } from "./platform.ts";

/** How requests are sent. */
export interface ExchangeOptions {
  readonly withCredentials: boolean;
  /** Milliseconds; 0 for no limit. */
  readonly timeout: number;
  readonly maxReplyBytes: number;
}

/** A body that can be sent as it is. */
type Body = Blob | Uint8Array<ArrayBuffer>;

/** An XMLHttpRequest has the headers of the reply. */
const HEADERS_RECEIVED = 2;

/** Statuses of replies that cannot have a body. */
const WITHOUT_BODY = [204, 205, 304];

/** Sends a request; settles as `fetch` would. */
export function exchange(
  xhr: Xhr,
  input: string,
  init: TransportInit,
  options: ExchangeOptions,
): Promise<Response> {
  const body = bodyOf(init.body);
  // A Request refuses and drops what `fetch` refuses and drops: methods, URLs, headers that belong to the browser.
  const { method, url, headers } = new Request(input, {
    method: init.method ?? "GET",
    headers: init.headers ?? {},
  });
  const contentType = typeof init.body === "string" ? "text/plain;charset=UTF-8" : undefined;
  if (contentType && !headers.has("content-type")) headers.set("content-type", contentType);
  xhr.open(method, url);
  xhr.responseType = "arraybuffer";
  xhr.timeout = options.timeout;
  xhr.withCredentials = options.withCredentials || init.credentials === "include";
  headers.forEach((value, name) => xhr.setRequestHeader(name, value));
  return sendNow(xhr, url, body, init, options);
}

/** Sends a request that is ready; what comes of it. */
function sendNow(
  xhr: Xhr,
  url: string,
  body: Body | undefined,
  { signal, onSent }: TransportInit,
  { maxReplyBytes, timeout }: ExchangeOptions,
): Promise<Response> {
  if (signal?.aborted) return Promise.reject(signal.reason); // by who has heard that it begins
  let sent = 0;
  let onAbort = () => {};
  const replied = new Promise<Response>((resolve, reject) => {
    onAbort = () => {
      reject(signal?.reason);
      xhr.abort();
    };
    if (onSent && body && sizeOf(body) > 0) {
      // Whoever listens here makes a simple request one with a preflight: not for requests that carry nothing.
      xhr.upload.onprogress = ({ loaded }) => onSent(sent = loaded);
      xhr.upload.onload = () => onSent(sent = sizeOf(body));
    }
    xhr.onprogress = ({ loaded }) => {
      if (loaded <= maxReplyBytes) return;
      reject(tooLong(xhr, maxReplyBytes));
      xhr.abort();
    };
    xhr.onload = () => {
      try {
        resolve(responseOf(xhr, maxReplyBytes));
      } catch (error) {
        reject(error);
      }
    };
    xhr.onerror = () => reject(new TypeError(whyFailed(xhr, url, sent, body)));
    // By the browser; when it is by us, the promise has settled.
    xhr.onabort = () => reject(new TypeError("the browser has stopped the request"));
    xhr.ontimeout = () => {
      reject(new DOMException(`Expected a reply within ${timeout} ms, got none`, "TimeoutError"));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    xhr.send(body);
  });
  return replied.finally(() => signal?.removeEventListener("abort", onAbort));
}

/** What an XMLHttpRequest sends as it is. */
function bodyOf(body: RequestInit["body"]): Body | undefined {
  if (body === null || body === undefined) return undefined;
  // As bytes, since an XMLHttpRequest rewrites the charset of the media type of a text.
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body instanceof Blob) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  const got = Object.prototype.toString.call(body).slice(8, -1);
  throw new TypeError(`body: expected a Blob, bytes or a string, got ${got}`);
}

function sizeOf(body: Body): number {
  return body instanceof Blob ? body.size : body.length;
}

/** The reply as `fetch` would hand it over. */
function responseOf(xhr: Xhr, maxReplyBytes: number): Response {
  const { status, statusText, responseURL: url } = xhr;
  const bytes = xhr.response as ArrayBuffer | null;
  if (bytes && bytes.byteLength > maxReplyBytes) throw tooLong(xhr, maxReplyBytes);
  const hasBody = bytes !== null && bytes.byteLength > 0 && !WITHOUT_BODY.includes(status);
  const init = { status, statusText, headers: headersOf(xhr) };
  const response = new Response(hasBody ? bytes : null, init);
  const type = isElsewhere(url) ? "cors" : "basic";
  return Object.defineProperties(response, { url: { value: url }, type: { value: type } });
}

function headersOf(xhr: Xhr): Headers {
  const headers = new Headers();
  for (const line of xhr.getAllResponseHeaders().split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1));
  }
  return headers;
}

function tooLong(xhr: Xhr, maxReplyBytes: number): InvalidResponse {
  const { status, statusText } = xhr;
  const response = new Response(null, { status, statusText, headers: headersOf(xhr) });
  return new InvalidResponse(
    response,
    `Expected a reply of at most ${maxReplyBytes} bytes, got more`,
  );
}

/** Whether a URL is of another origin than the page. */
function isElsewhere(url: string): boolean {
  const { location } = page();
  return location !== undefined && URL.canParse(url) && new URL(url).origin !== location.origin;
}

/** What can be said of a failure, of which a browser tells pages nothing: how far the request came, and what that excludes. */
function whyFailed(
  xhr: Xhr,
  url: string,
  sent: number,
  body: Body | undefined,
): string {
  if (page().navigator?.onLine === false) return "the browser is offline";
  if (xhr.readyState >= HEADERS_RECEIVED && xhr.status !== 0) {
    return "the connection broke while the reply was read";
  }
  const size = body ? sizeOf(body) : 0;
  if (sent > 0 && sent < size) return `the connection broke after ${sent} of ${size} bytes`;
  if (!isElsewhere(url)) {
    return sent > 0 ? "the connection broke before there was a reply" : "the connection failed";
  }
  return sent > 0
    ? "all bytes were sent, and then the connection broke, or the reply lacks the CORS headers for this page"
    : "the connection failed, or the server does not allow this page to send the request (CORS)";
}
