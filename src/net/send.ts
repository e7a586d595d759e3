/** Sending one request: its body, a deadline, an abort, and a reply whose body has been read, within a bound. */

import type { Bytes } from "../bytes/bytes.ts";
import { InvalidResponse, UploadError } from "../errors.ts";
import { isResumeIncomplete } from "../protocol/content_range/content_range_replies.ts";
import type { ReplyHead } from "../protocol/reply.ts";
import type { RequestHead } from "../protocol/upload_protocol.ts";
import { readBody } from "./read_body.ts";
import { Abandonable, type Clock, within } from "./clock.ts";
import { Watch } from "./watch.ts";
import { type PieceBody, StreamedBody } from "./streamed_body.ts";
import {
  noteTellsSent,
  streamingInit,
  tellsSent,
  type Transport,
  type TransportInit,
} from "./transport.ts";
import { transportFailure } from "./transport_failure.ts";

/** A request that is ready to be sent. */
export interface SendRequest extends RequestHead {
  /** A text is sent again by every runtime when it follows a redirect; Node does not do that with bytes. */
  readonly body: Bytes | Blob | PieceBody | string | null;
}

/** A reply with its body read. */
export interface Reply extends ReplyHead {
  /** A `Response` with the same content for the caller; made when somebody asks for it. */
  readonly response: Response;
}

/** How one attempt is bounded. */
export interface SendOptions {
  readonly clock: Clock;
  /** Milliseconds until an attempt is given up whose body cannot be watched. */
  readonly deadline: number;
  /** Milliseconds until an attempt is given up whose body is streamed, if no piece was taken and no reply came. */
  readonly stallTimeout: number;
  readonly signal: AbortSignal | undefined;
  /**
   * Called with how many bytes of the body the transport has taken: of a stream, or as it tells itself. What it throws ends
   * the attempt.
   */
  readonly onTaken?: ((bytes: number) => void) | undefined;
  /** Called when the transport was handed the whole body, and does not tell more. What it throws ends the attempt. */
  readonly onHanded?: (() => void) | undefined;
  /** The most bytes of a reply; the default is 16 MiB, far more than an object resource. */
  readonly maxReplyBytes?: number | undefined;
  /** What failed, for the message of an error: "Cannot …". */
  readonly action?: string | undefined;
  /** Overrides how redirects are treated. */
  readonly redirect?: RequestRedirect | undefined;
}

/** How an attempt ended that may be made again. */
export interface Failure {
  readonly kind: "failed";
  readonly error: UploadError;
  /** How long it took, in milliseconds, as far as it counts: never more than what was planned for it. */
  readonly spent: number;
  /** What became of a streamed body. */
  readonly body: BodyFate;
}

/** What became of the body of a request. */
export type BodyFate =
  /** It was no stream. */
  | "not streamed"
  /** It was streamed, and the transport has taken some of it. */
  | "part taken"
  /** It was streamed, and the transport has taken all of it. */
  | "all taken"
  /** It was streamed, and nobody has looked at it. */
  | "untouched";

/** How an attempt ended. */
export type SendResult =
  | { readonly kind: "reply"; readonly reply: Reply; readonly body: BodyFate }
  | Failure;

/** Whether the transport has taken all of the body. */
export function isWhole({ body }: SendResult): boolean {
  return body === "not streamed" || body === "all taken";
}

const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** How long the text of an early reply is waited for: in Workers it can be read only when the body is done. */
const EARLY_TEXT_TIMEOUT = 1000;

/**
 * Sends one request and reads the reply to its end. It is the only function of the library that does.
 *
 * A transport that rejects and an attempt that is given up are returned; thrown are the signal's own reason, an error of the
 * source of the body, and an `UploadError` of the transport, as they are. No body is read any more once it has settled.
 */
export async function send(
  transport: Transport,
  request: SendRequest,
  options: SendOptions,
): Promise<SendResult> {
  const { clock, signal } = options;
  signal?.throwIfAborted();
  const attempt = new Abandonable();
  const onAbort = () => attempt.giveUp(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const watch = new Watch(clock, options, (late) => attempt.giveUp(late));
  const guarded = (call: () => void) => {
    try {
      call();
    } catch (error) {
      attempt.giveUp(error);
    }
  };
  const streamed = isPieceBody(request.body)
    ? new StreamedBody(request.body, {
      onTaken(bytes) {
        watch.pause();
        guarded(() => options.onTaken?.(bytes));
      },
      onReady: () => watch.restart(),
      onFailed: () => attempt.giveUp(),
    })
    : undefined;
  let sentBefore = -1;
  const onSent = (bytes: number) => {
    const sent = Math.min(bytes, bytesOf(request));
    if (!(sent > sentBefore) || watch.isOver) return;
    sentBefore = sent;
    noteTellsSent(transport);
    watch.moved();
    guarded(() => options.onTaken?.(sent));
  };
  const onCalled = () => {
    if (!streamed && !tellsSent(transport)) guarded(() => options.onHanded?.());
  };
  watch.start(request, streamed !== undefined);
  const failed = (error: UploadError): Failure => {
    return { kind: "failed", error, spent: watch.spent, body: fateOf(streamed) };
  };
  try {
    const about = {
      request,
      streamed,
      signal: attempt.signal,
      onSent,
      waitUntil: (wait: Promise<unknown>) => watch.wait(wait),
      onCalled,
    };
    const reply = await attempt.outcome(exchange(transport, about, options));
    return { kind: "reply", reply, body: fateOf(streamed) };
  } catch (error) {
    if (streamed?.failure) throw streamed.failure.error;
    if (attempt.signal.aborted) {
      if (attempt.signal.reason !== watch.late) throw attempt.signal.reason;
      return failed(watch.late!);
    }
    if (error instanceof UploadError) throw error;
    if (request.body instanceof Blob) await stillReadable(request.body);
    return failed(transportFailure(request, error, options.action));
  } finally {
    watch.end();
    streamed?.stop(new DOMException("The request has ended", "AbortError"));
    signal?.removeEventListener("abort", onAbort);
  }
}

/** How many bytes a body has; a text, such as the metadata of a start, is not counted. */
export function bytesOf({ body }: SendRequest): number {
  const isCounted = typeof body === "object" && body !== null;
  return !isCounted ? 0 : body instanceof Uint8Array ? body.length : body.size;
}

function fateOf(streamed: StreamedBody | undefined): BodyFate {
  if (!streamed) return "not streamed";
  if (streamed.allTaken) return "all taken";
  return streamed.isUntouched ? "untouched" : "part taken";
}

function isPieceBody(body: SendRequest["body"]): body is PieceBody {
  return typeof body === "object" && body !== null && "next" in body;
}

/** A Blob whose file has changed or is gone fails as a body, and tells why when it is read. */
async function stillReadable(blob: Blob): Promise<void> {
  await blob.slice(0, 1).arrayBuffer();
}

/** One request on its way. */
interface Exchange {
  readonly request: SendRequest;
  readonly streamed: StreamedBody | undefined;
  readonly signal: AbortSignal;
  /** How the transport tells how it is doing; the first is for a body that is no stream. */
  readonly onSent: TransportInit["onSent"];
  readonly waitUntil: TransportInit["waitUntil"];
  /** Called when the transport has been called. */
  readonly onCalled: () => void;
}

async function exchange(
  transport: Transport,
  { request: { method, url, headers, body }, streamed, signal, onSent, waitUntil, onCalled }:
    Exchange,
  { maxReplyBytes = MAX_REPLY_BYTES, redirect }: SendOptions,
): Promise<Reply> {
  const replying = transport(url, {
    method,
    signal,
    headers,
    body: streamed ? null : wholeBody(body as Bytes | Blob | string | null),
    onSent: streamed ? undefined : onSent,
    waitUntil,
    ...(streamed
      ? streamedInit(headers, streamed, (body as PieceBody).size)
      : redirect && { redirect }),
  });
  onCalled();
  const received = await replying;
  const isEarly = streamed !== undefined && !streamed.allTaken;
  const reading = readBody(received, maxReplyBytes, signal);
  // The text of a reply that came before the whole body was taken is nothing where it does not come soon.
  const bytes = isEarly
    ? await within(EARLY_TEXT_TIMEOUT, reading, () => new Uint8Array(0))
    : await reading;
  if (!bytes) {
    const message = `Expected a reply of at most ${maxReplyBytes} bytes, got more`;
    throw new InvalidResponse(rebuild(received, new Uint8Array(0)), message);
  }
  let response: Response | undefined;
  return {
    status: received.status,
    headers: received.headers,
    text: new TextDecoder().decode(bytes),
    url: received.url,
    crossOrigin: received.type === "cors",
    get response() {
      return response ??= rebuild(received, bytes);
    },
  };
}

/** From this many bytes on it matters how they are handed over. */
const LARGE = 65_536;

/** A body that is not streamed. Browsers send the bytes of a Blob many times as fast as the same bytes in an array. */
function wholeBody(body: Bytes | Blob | string | null): BodyInit | null {
  const isLarge = body instanceof Uint8Array && body.length >= LARGE;
  return isLarge && "XMLHttpRequest" in globalThis ? new Blob([body]) : body;
}

/** What a streamed request needs; see {@linkcode streamingInit}. */
function streamedInit(
  baseHeaders: Headers,
  { stream }: StreamedBody,
  size: number,
): RequestInit {
  const { redirect } = streamingInit() ?? { redirect: "manual" };
  const headers = new Headers(baseHeaders);
  headers.set("content-length", String(size));
  // With "error", a 308 would be a rejection. Google, and the public testbench, then answer 200 with the true status in a
  // header; after a server that does not, the session is asked what it holds.
  if (redirect === "error") headers.set("x-guploader-no-308", "yes");
  return { headers, body: stream, duplex: "half", redirect, window: null } as RequestInit;
}

/** The same response once more, so that the caller can read the body that has been read here. */
function rebuild(received: Response, bytes: Uint8Array<ArrayBuffer>): Response {
  const { statusText, headers, url } = received;
  const status = isResumeIncomplete({ status: received.status, headers, text: "" })
    ? 308
    : received.status;
  if (status < 200 || status > 599) return received; // opaque: cannot be made, has nothing to read
  const copy = new Response(bytes.length > 0 ? bytes : null, { status, statusText, headers });
  Object.defineProperty(copy, "url", { value: url });
  return copy;
}
