/** Asking a server for a token: retries within bounds, and errors that hold no secret. */

import { UploadError } from "../errors.ts";
import { abortable, type Clock, systemClock } from "../net/clock.ts";
import { retrying, type RetryPolicy, retryPolicy, type Step } from "../net/retry.ts";
import type { Transport } from "../net/transport.ts";
import { isToken, type TokenOptions } from "./options.ts";
import type { Token } from "./token_cache.ts";

/** A request for a token. */
export interface TokenRequest {
  readonly url: string;
  readonly init: RequestInit;
  /** What must not come out in an error, whoever says it. */
  readonly secret?: string;
  /** Says what is wrong with a reply that can be no reply of the server that was asked. */
  check?(headers: Headers): string | undefined;
}

/** How requests for tokens are sent. */
export interface TokenServer {
  readonly fetch: Transport;
  readonly policy: RetryPolicy;
}

/** The largest reply that is read, in bytes; a token is far smaller. */
const MAX_REPLY_BYTES = 64 * 1024;

/** The limits of asking for a token; a request waits for it. */
const LIMITS = {
  initialDelay: 500,
  maxDelay: 8000,
  maxAttempts: 5,
  maxElapsed: 30_000,
  attemptTimeout: 10_000,
};

/** The policy for asking for tokens: the caller's limits over our own ones. */
export function tokenPolicy(
  retry: TokenOptions["retry"],
  clock: Clock = systemClock,
): RetryPolicy {
  const given = Object.entries(retry ?? {}).filter(([, value]) => value !== undefined);
  const policy = retryPolicy({ ...LIMITS, ...Object.fromEntries(given), clock });
  return { ...policy, retries: retry !== null };
}

/**
 * Asks for a token until there is one, or until the limits are reached.
 *
 * Rejects at once, with `rejected` or `invalid_response`, where asking again is of no use; else with the last failure:
 * `unavailable`, `transport_failed` or `deadline_exceeded`.
 */
export async function requestToken(request: TokenRequest, server: TokenServer): Promise<Token> {
  return await retrying(server.policy, undefined, () => askOnce(request, server));
}

async function askOnce(request: TokenRequest, server: TokenServer): Promise<Step<Token>> {
  const { clock } = server.policy;
  const askedAt = clock.now();
  const reply = await exchange(request, server);
  if (reply instanceof UploadError) return { kind: "failed", error: reply };
  const { status, headers, text } = reply;
  const told = (code: UploadError["code"], expected: string, actual: string) =>
    new UploadError(code, `${cannot(request)}: expected ${expected}, got ${actual}`);
  if (status === 408 || status === 429 || status >= 500) {
    const error = told("unavailable", "a token", describe(reply, request.secret));
    return { kind: "failed", error, retryAfter: headers.get("retry-after") };
  }
  const impostor = request.check?.(headers);
  if (impostor) throw told("invalid_response", impostor, `${status} without it`);
  if (status >= 400) throw told("rejected", "a token", describe(reply, request.secret));
  const token = status === 200 ? readToken(text, askedAt) : undefined;
  if (token) return { kind: "done", value: token };
  throw told("invalid_response", "a bearer token and its lifetime", `${status} without them`);
}

/** What came back. */
interface TokenReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends the request once. A failure that may pass is returned. */
async function exchange(
  request: TokenRequest,
  { fetch, policy }: TokenServer,
): Promise<TokenReply | UploadError> {
  const { clock, attemptTimeout } = policy;
  const attempt = new AbortController();
  const late = new UploadError(
    "deadline_exceeded",
    `${cannot(request)}: expected a reply within ${attemptTimeout} ms, got none`,
  );
  const stop = clock.setTimer(() => attempt.abort(late), attemptTimeout);
  const send = async () => {
    // A redirect is not followed: it would take the assertion with it.
    const init: RequestInit = { ...request.init, redirect: "manual", signal: attempt.signal };
    const { status, headers, body } = await fetch(request.url, init);
    return { status, headers, text: await readText(body, attempt.signal) };
  };
  try {
    return await abortable(send(), attempt.signal);
  } catch (error) {
    if (attempt.signal.aborted) return late;
    if (error instanceof UploadError) throw error;
    return new UploadError(
      "transport_failed",
      `${cannot(request)}: expected a reply, but the transport failed`,
      { cause: withoutSecret(error, request.secret) },
    );
  } finally {
    stop();
  }
}

/** The start of a body, as text; nobody reads the rest. */
async function readText(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): Promise<string> {
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  const reader = body?.getReader();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    text += decoder.decode(piece.value, { stream: true });
    size += piece.value.length;
    if (signal.aborted || size > MAX_REPLY_BYTES) {
      await reader?.cancel();
      break;
    }
  }
  return text + decoder.decode();
}

/** Reads a reply of RFC 6749, section 5.1. Time is counted from the question, so it is never overestimated. */
function readToken(text: string, askedAt: number): Token | undefined {
  const { access_token, expires_in, token_type } = parseObject(text);
  const bearer = token_type === undefined ||
    (typeof token_type === "string" && token_type.toLowerCase() === "bearer");
  const seconds = typeof expires_in === "string" ? Number.parseFloat(expires_in) : expires_in;
  const known = typeof seconds === "number" && Number.isFinite(seconds);
  if (!bearer || !known || !isToken(access_token)) return undefined;
  return { value: access_token, expiresAt: askedAt + seconds * 1000 };
}

/** The members of a JSON object; none of anything else. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

const cannot = ({ url }: TokenRequest) => `Cannot get an access token from ${new URL(url).host}`;

/** The status, and the `error` and `error_description` of RFC 6749, section 5.2, where there are some. */
function describe({ status, text }: TokenReply, secret: string | undefined): string {
  const { error, error_description } = parseObject(text);
  const words = [error, error_description].filter((word) => typeof word === "string").join(": ");
  return words === "" ? `${status}` : `${status} ${JSON.stringify(clean(words, secret))}`;
}

/** The error of a transport in our own words: name, message and the message of its cause. */
function withoutSecret(error: unknown, secret: string | undefined): Error {
  if (!(error instanceof Error)) return new Error(clean(String(error), secret));
  const below = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return new Error(clean(`${error.name}: ${error.message}${below}`, secret));
}

/** A text in one line, bounded, and without anything that could be a token, an assertion or a key. */
function clean(text: string, secret: string | undefined): string {
  const line = (secret ? text.replaceAll(secret, "…") : text)
    .replace(/\b(?:ya29\.|eyJ)[\w.~+/=-]*|[\w.~+/=-]{80,}/g, "…")
    .replace(/\s+/g, " ");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
