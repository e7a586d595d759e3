/** Asking a server for a token: retries within bounds, and errors that hold no secret. */

import { InvalidResponse, UploadError } from "../errors.ts";
import { type Clock, systemClock } from "../net/clock.ts";
import { attempt, retrying, type RetryPolicy, retryPolicy, type Step } from "../net/retry.ts";
import type { Transport } from "../net/transport.ts";
import { serverError } from "../protocol/refusal.ts";
import type { ReplyHead } from "../protocol/reply.ts";
import { withoutSecretWords } from "../protocol/words.ts";
import type { TokenOptions } from "./auth_options.ts";
import { formsOf, redacting } from "./redacting.ts";

/** A request for something secret, and how the reply is read. */
export interface TokenRequest<T> {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** What must not come out in an error, whoever says it. */
  readonly secrets?: readonly string[];
  /** What is asked for, as errors call it. */
  readonly tokenName: string;
  /** What the reply should hold, as errors call it. */
  readonly expected: string;
  /** Says what is wrong with a reply that can be no reply of the server that was asked. */
  check?(headers: Headers): string | undefined;
  /** Reads the text of a 200; `undefined` when it is not what was asked for. `askedAt` is when the request was sent. */
  read(text: string, askedAt: number): T | undefined;
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
  const { retries } = retryPolicy(retry); // refuses what is no object, too
  const defined = Object.entries(retry || {}).filter(([, value]) => value !== undefined);
  return { ...retryPolicy({ ...LIMITS, ...Object.fromEntries(defined), clock }), retries };
}

/**
 * Asks until there is an answer, or until the limits are reached.
 *
 * Rejects at once, with `rejected` or `invalid_response`, where asking again is of no use; else with the last failure:
 * `unavailable`, `transport_failed` or `deadline_exceeded`.
 */
export async function requestToken<T>(request: TokenRequest<T>, server: TokenServer): Promise<T> {
  return await retrying(server.policy, undefined, () => askOnce(request, server));
}

async function askOnce<T>(
  request: TokenRequest<T>,
  { fetch, policy }: TokenServer,
): Promise<Step<T>> {
  const { method, url, body, tokenName } = request;
  const secrets = formsOf(request.secrets ?? []);
  const action = `get ${tokenName} from ${new URL(url).host}`;
  const askedAt = policy.clock.now();
  const result = await attempt(
    redacting(fetch, secrets),
    { method, url, headers: new Headers(request.headers), body },
    policy,
    // A redirect is not followed: it would take what is sent with it.
    { signal: undefined, maxReplyBytes: MAX_REPLY_BYTES, redirect: "manual", action },
  ).catch(headOfLongReply);
  if (result.kind === "failed") return result;
  const { reply } = result;
  const { status } = reply;
  const fail = (code: UploadError["code"], expected: string, actual: string) =>
    new UploadError(code, `Cannot ${action}: expected ${expected}, got ${actual}`, {
      status,
      reason: refusalOf(reply).reason,
    });
  if (status === 408 || status === 429 || status >= 500) {
    const error = fail("unavailable", "a token", describe(reply, secrets));
    const spent = Math.min(policy.clock.now() - askedAt, policy.attemptTimeout);
    return { kind: "failed", error, spent, retryAfter: reply.headers.get("retry-after") };
  }
  const impostor = request.check?.(reply.headers);
  if (impostor) throw fail("invalid_response", impostor, `${status} without it`);
  if (status >= 400) throw fail("rejected", "a token", describe(reply, secrets));
  const value = status === 200 ? request.read(reply.text, askedAt) : undefined;
  if (value !== undefined) return { kind: "done", value };
  throw fail("invalid_response", request.expected, `${status} without ${itOrThem(request)}`);
}

const itOrThem = ({ expected }: TokenRequest<unknown>) =>
  expected.includes(" and ") ? "them" : "it";

/** A reply that is too long for a token is judged by its status. */
function headOfLongReply(error: unknown): { kind: "reply"; reply: ReplyHead } {
  if (!(error instanceof InvalidResponse)) throw error;
  const { status, headers } = error.response;
  return { kind: "reply", reply: { status, headers, text: "" } };
}

/** The members of a JSON object; none of anything else. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** What a server says of its refusal: `error` and `error_description` of RFC 6749, section 5.2, or Google's JSON. */
function refusalOf({ text }: ReplyHead): { reason?: string | undefined; words: string } {
  const { error, error_description } = parseObject(text);
  const { reason, message } = typeof error === "string"
    ? { reason: error, message: error_description }
    : serverError(text) ?? {};
  return {
    reason: /^\w{1,64}$/.test(reason ?? "") ? reason : undefined,
    words: [reason, message].filter((word) => typeof word === "string").join(": "),
  };
}

/** The status, and what the server says of it. */
function describe(reply: ReplyHead, secrets: readonly string[]): string {
  const { words } = refusalOf(reply);
  const { status } = reply;
  return words === ""
    ? `${status}`
    : `${status} ${JSON.stringify(withoutSecretWords(words, secrets))}`;
}
