/** The one way to Google: the configured endpoint, a deadline, no redirects, replies without secrets. */

import { readBody } from "../net/read_body.ts";
import type { Transport } from "../net/transport.ts";
import type { Method } from "../protocol/upload_protocol.ts";
import { badGateway, HttpError } from "./http_error.ts";
import { guarded, held, type PassedBody } from "./request_body.ts";

/** A request to Google, or to another API. */
export interface UpstreamRequest {
  /** The method. */
  readonly method: Method;
  /** An absolute URL at the endpoint. */
  readonly url: string;
  /** Its headers, but for `Content-Length`. */
  readonly headers: Record<string, string>;
  /** What the backend was given, or a text. */
  readonly body: PassedBody | string | null;
}

/** Google's answer, its body read. */
export interface UpstreamReply {
  /** The status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body. */
  readonly text: string;
  /** Milliseconds from sending to the end of the reply. */
  readonly milliseconds: number;
}

/** The most bytes of a reply, and how long one may take: this long, and a second for each 16 KiB of the request. */
const MAX_REPLY = 4 * 1024 * 1024, DEADLINE = 60_000, MIN_THROUGHPUT = 16_384;

/** How long the reply to a start may take. */
const START_DEADLINE = 30_000;

/**
 * Sends a request to Google, or to another API, and reads the reply. It follows no redirect and holds a body to its length; what
 * goes wrong on the way is a 502 or 503, never a hang.
 *
 * @param send the transport
 * @param max the most bytes of a body whose length is not known: how long a reply may take depends on it
 * @throws {HttpError} there is no reply, or the body broke off
 *
 * @example
 * ```ts
 * import { sendUpstream } from "@resumable-media/upload/worker";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const url = "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable";
 * const reply = await sendUpstream(new GcsEmulator().fetch, {
 *   method: "POST",
 *   url,
 *   headers: { authorization: "Bearer ya29.a0" },
 *   body: "{}",
 * });
 * console.log(reply.status, reply.headers.has("location")); // 200 true
 * ```
 */
export async function sendUpstream(
  send: Transport,
  request: UpstreamRequest,
  max = 104_857_600,
): Promise<UpstreamReply> {
  const { method, url, body } = request;
  const passed = body === null || typeof body === "string" ? undefined : body;
  const abort = new AbortController();
  const deadline = (typeof body === "string" ? START_DEADLINE : DEADLINE) +
    (1000 * (passed?.length ?? (passed ? max : 0))) / MIN_THROUGHPUT;
  const timer = setTimeout(() => abort.abort(), Math.min(deadline, 2 ** 31 - 1));
  const started = Date.now();
  let left = false;
  const leave = () => {
    left = true;
    abort.abort();
  };
  passed?.ended?.then(leave);
  // With a length, a body that breaks off cannot look whole: only one without is in need of a guard.
  const stream = passed?.bytes
    ? null
    : passed?.body && !passed.native && passed.length === undefined
    ? guarded(passed.body, leave)
    : passed && held(passed);
  try {
    const response = await send(url, {
      method,
      headers: withLength(request.headers, passed),
      body: passed ? passed.bytes ?? stream : body as string | null,
      redirect: "manual",
      signal: abort.signal,
      ...(stream && { duplex: "half" }),
    } as RequestInit);
    const bytes = await readBody(response, MAX_REPLY);
    if (!bytes) throw badGateway("Google's reply does not end", false);
    return {
      status: response.status,
      headers: response.headers,
      text: new TextDecoder().decode(bytes),
      milliseconds: Date.now() - started,
    };
  } catch (error) {
    throw passed?.problem() ??
      (error instanceof HttpError ? error : failure(abort.signal.aborted && !left));
  } finally {
    clearTimeout(timer);
  }
}

/** The same headers with a `Content-Length` where it is known: some runtimes send streams in chunks without it. */
function withLength(
  headers: Record<string, string>,
  passed: PassedBody | undefined,
): Record<string, string> {
  return passed?.length === undefined
    ? headers
    : { ...headers, "content-length": String(passed.length) };
}

function failure(late: boolean): HttpError {
  return badGateway(
    late
      ? "Google did not answer in time"
      : "The request could not be passed on: Google could not be reached, or the client went away",
  );
}
