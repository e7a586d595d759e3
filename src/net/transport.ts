/** Sending one request: a deadline, an abort, and a reply whose body has been read. */

import { InvalidResponse, UploadError } from "../errors.ts";
import type { ReplyHead } from "../protocol/reply.ts";
import type { RequestSpec } from "../protocol/resumable.ts";
import { readBody } from "./body.ts";
import { abortable, type Clock } from "./clock.ts";

/**
 * Anything that sends a request as `fetch` does; `fetch` itself is one, and one that adds an `Authorization` header to
 * each request is the usual other.
 *
 * It must hand back every status as a response, 308 included (`redirect` left at `follow`), and should stop at
 * `init.signal`. Any rejection counts as a broken connection and is retried, but for an {@linkcode UploadError}, which ends the
 * upload: throw one where trying again is of no use, as when there are no credentials. The session URL that a server hands
 * out goes through it as well, whatever its host; a transport that adds a token may want to look at `input`.
 *
 * @example A transport that adds a token to each request
 * ```ts
 * import type { Transport } from "@resumable-media/upload";
 *
 * const authorized = (token: () => Promise<string>): Transport => async (input, init) => {
 *   const headers = new Headers(init.headers);
 *   headers.set("authorization", `Bearer ${await token()}`);
 *   return await fetch(input, { ...init, headers });
 * };
 * const transport: Transport = authorized(() => Promise.resolve("ya29.a0"));
 * console.log(typeof transport); // function
 * ```
 */
export type Transport = (input: string, init: RequestInit) => Promise<Response>;

/** A reply with its body read. */
export interface Reply extends ReplyHead {
  /** A `Response` with the same content for the caller; made when somebody asks for it. */
  readonly response: Response;
}

/** How one attempt is bounded. */
export interface SendOptions {
  readonly clock: Clock;
  /** Milliseconds until the attempt is given up. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** The largest reply that is read, in bytes; an object resource is far smaller. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Sends one request and reads the reply to its end.
 *
 * Rejects with the signal's own reason, with `deadline_exceeded`, or with `transport_failed` and its cause.
 */
export async function send(
  transport: Transport,
  spec: RequestSpec,
  options: SendOptions,
): Promise<Reply> {
  const { clock, deadline, signal } = options;
  signal?.throwIfAborted();
  const attempt = new AbortController();
  const onAbort = () => attempt.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const stopTimer = clock.setTimer(() => {
    const message = `Cannot ${spec.method}: expected a reply within ${deadline} ms, got none`;
    attempt.abort(new UploadError("deadline_exceeded", message));
  }, deadline);
  try {
    return await abortable(exchange(transport, spec, attempt.signal), attempt.signal);
  } catch (error) {
    if (attempt.signal.aborted) throw attempt.signal.reason;
    if (error instanceof UploadError) throw error;
    throw new UploadError(
      "transport_failed",
      `Cannot ${spec.method}: expected a reply, but the transport failed`,
      {
        cause: error,
      },
    );
  } finally {
    stopTimer();
    signal?.removeEventListener("abort", onAbort);
  }
}

async function exchange(
  transport: Transport,
  spec: RequestSpec,
  signal: AbortSignal,
): Promise<Reply> {
  const { method, url, headers, body } = spec;
  const received = await transport(url, { method, headers, body, signal });
  const bytes = await readBody(received, MAX_REPLY_BYTES, signal);
  if (!bytes) {
    const message = `Expected a reply of at most ${MAX_REPLY_BYTES} bytes, got more`;
    throw new InvalidResponse(rebuild(received, new Uint8Array(0)), message);
  }
  let response: Response | undefined;
  return {
    status: received.status,
    headers: received.headers,
    text: new TextDecoder().decode(bytes),
    get response() {
      return response ??= rebuild(received, bytes);
    },
  };
}

/** The same response once more, so that the caller can read the body that has been read here. */
function rebuild(response: Response, bytes: Uint8Array<ArrayBuffer>): Response {
  const { status, statusText, headers, url } = response;
  if (status < 200 || status > 599) return response; // opaque: cannot be made, has nothing to read
  const copy = new Response(bytes.length > 0 ? bytes : null, { status, statusText, headers });
  Object.defineProperty(copy, "url", { value: url });
  return copy;
}
