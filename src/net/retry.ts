/** When to try again: one policy, one budget, one loop. */

import { typeInWords, type UploadError } from "../errors.ts";
import { type Clock, systemClock } from "./clock.ts";
import { bytesOf, send, type SendOptions, type SendRequest, type SendResult } from "./send.ts";
import type { Transport } from "./transport.ts";

/** A failure after which an upload tries again. */
export interface RetryEvent {
  /** What went wrong. */
  readonly error: UploadError;
  /** How many failures there were in a row, this one included. */
  readonly attempt: number;
  /** The wait before the next attempt, in milliseconds. */
  readonly delay: number;
}

/**
 * How failures that may pass are retried: 408, 429, 5xx, a transport that rejects, an attempt that is given up.
 *
 * Time decides when to give up, and it counts failure, not work: it starts at the first failure without progress, leaves
 * out what the source needs, counts of each wait and attempt no more than was planned (a machine may have slept), and
 * starts anew whenever the server confirms more bytes. So a long upload over a bad network goes on for as long as it gets
 * somewhere. After a session request that carried bytes has failed, the server is asked what it holds at least once;
 * bytes are never resent blindly.
 *
 * @example Try for at most a minute, starting with short waits
 * ```ts
 * import { type RetryOptions, SimpleUpload } from "@resumable-media/upload";
 *
 * const retry: RetryOptions = { initialDelay: 200, maxElapsed: 60_000, onRetry: ({ error }) => console.warn(error.message) };
 * new SimpleUpload("https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a", { retry });
 * ```
 */
export interface RetryOptions {
  /**
   * The wait before the second attempt, in milliseconds; half of it is random.
   *
   * @default {1000}
   */
  initialDelay?: number | undefined;
  /**
   * The longest wait, in milliseconds; it caps the server's `Retry-After` too.
   *
   * @default {64000}
   */
  maxDelay?: number | undefined;
  /**
   * By how much the wait grows from one attempt to the next.
   *
   * @default {2}
   */
  multiplier?: number | undefined;
  /**
   * The most attempts without progress, the first one included.
   *
   * @default {Infinity}
   */
  maxAttempts?: number | undefined;
  /**
   * The longest time without progress, in milliseconds, from the first failure on.
   *
   * @default {600000}
   */
  maxElapsed?: number | undefined;
  /**
   * The longest time, in milliseconds of waits between attempts, while the server has not given any reply yet: its name may
   * be wrong, or, in a page, its CORS settings may leave out the page's origin. The default is 15 seconds, or `maxElapsed`
   * where that is set.
   *
   * @default {15000}
   */
  connectTimeout?: number | undefined;
  /**
   * How long a request may stand still, in milliseconds: no piece of its body taken, and no reply. One that moves may last
   * as long as it needs. On a line that is so slow that this happens while bytes still arrive, the time is doubled.
   *
   * @default {60000}
   */
  stallTimeout?: number | undefined;
  /**
   * How long an attempt may take whose body cannot be watched, in milliseconds, before its bytes are counted: see
   * `minThroughput`. The default is `stallTimeout`.
   */
  attemptTimeout?: number | undefined;
  /**
   * The slowest network worth waiting for, in bytes per second: an attempt whose body cannot be watched may take
   * `attemptTimeout + 1000 × bytes / minThroughput` milliseconds.
   *
   * @default {16384}
   */
  minThroughput?: number | undefined;
  /** Called before each wait. What it throws ends the upload. */
  onRetry?: ((event: RetryEvent) => void) | undefined;
  /**
   * Decides, instead of {@linkcode UploadError.retryable}, whether a failure is tried again: a reply with an error status,
   * or no reply at all. Not asked where trying again cannot help: a session that is gone, damaged bytes, a failed
   * precondition.
   */
  shouldRetry?: ((error: UploadError) => boolean) | undefined;
  /** Time and chance; tests hand in their own. The default is the platform's. */
  clock?: Clock | undefined;
}

/** A complete policy. `retries` is false when a failure is final. */
export interface RetryPolicy {
  readonly initialDelay: number;
  readonly maxDelay: number;
  readonly multiplier: number;
  readonly maxAttempts: number;
  readonly maxElapsed: number;
  readonly connectTimeout: number;
  readonly stallTimeout: number;
  readonly attemptTimeout: number;
  readonly minThroughput: number;
  readonly onRetry: ((event: RetryEvent) => void) | undefined;
  readonly shouldRetry: (error: UploadError) => boolean;
  readonly clock: Clock;
  readonly retries: boolean;
  /** What is known of the server; requests of one upload share it. */
  readonly server: { hasReplied: boolean };
}

const DEFAULTS: Omit<RetryPolicy, "retries" | "server"> = {
  initialDelay: 1000,
  maxDelay: 64_000,
  multiplier: 2,
  maxAttempts: Infinity,
  maxElapsed: 600_000,
  connectTimeout: 15_000,
  stallTimeout: 60_000,
  attemptTimeout: 60_000,
  minThroughput: 16_384,
  onRetry: undefined,
  shouldRetry: (error) => error.retryable,
  clock: systemClock,
};

/** The policy of a caller who says nothing. */
const DEFAULT_POLICY: RetryPolicy = { ...DEFAULTS, retries: true, server: { hasReplied: false } };

/** Numbers that may be 0; all others are at least 1. */
const MAY_BE_ZERO = ["initialDelay", "maxDelay", "maxElapsed", "connectTimeout"];

/** Checks the options and fills in the defaults; `null` and `false` turn retrying off and keep the deadlines. */
export function retryPolicy(options: RetryOptions | null | false | undefined): RetryPolicy {
  const server = { hasReplied: false };
  // What a copy replaces costs nothing; what it adds costs Node 20 a microsecond.
  if (options === undefined || options === null || options === false) {
    return { ...DEFAULT_POLICY, retries: options === undefined, server };
  }
  if (typeof options !== "object" || Array.isArray(options)) {
    throw new TypeError(`retry: expected an object, false or null, got ${typeInWords(options)}`);
  }
  const defined = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of defined) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new TypeError(
        `retry.${name} is not an option; there are ${Object.keys(DEFAULTS).join(", ")}`,
      );
    }
    const isNumber = typeof DEFAULTS[name as keyof typeof DEFAULTS] === "number";
    const min = MAY_BE_ZERO.includes(name) ? 0 : 1;
    if (isNumber && !(typeof value === "number" && value >= min)) {
      throw new RangeError(
        `retry.${name}: expected a number of at least ${min}, got ${typeInWords(value)}`,
      );
    }
    const kind = name === "clock" ? "object" : "function";
    if (!isNumber && (typeof value !== kind || value === null)) {
      throw new TypeError(`retry.${name}: expected a ${kind}, got ${typeInWords(value)}`);
    }
  }
  const policy: RetryPolicy = { ...DEFAULT_POLICY, ...Object.fromEntries(defined), server };
  return {
    ...policy,
    attemptTimeout: options.attemptTimeout ?? policy.stallTimeout,
    connectTimeout: options.connectTimeout ?? options.maxElapsed ?? policy.connectTimeout,
  };
}

/** The deadline of an attempt that carries `bytes` and cannot be watched, in milliseconds. */
export function attemptDeadline(policy: RetryPolicy, bytes: number): number {
  return Math.ceil(policy.attemptTimeout + (1000 * bytes) / policy.minThroughput);
}

/** How one step ended. */
export type Step<T> =
  | { readonly kind: "done"; readonly value: T }
  /** The next step can follow at once. */
  | { readonly kind: "continue" }
  | FailedStep;

/** A failure that may pass. */
export interface FailedStep {
  readonly kind: "failed";
  readonly error: UploadError;
  readonly retryAfter?: string | null | undefined;
  /** How long it took, in milliseconds, as far as it counts. */
  readonly spent?: number | undefined;
  /** Whether the next step asks the server what it holds, which it must be given the time for. */
  readonly asksNext?: boolean | undefined;
  /** Whether the next step may clear it up, whatever the error says. */
  readonly mayPass?: boolean | undefined;
}

/**
 * Runs steps until one is done or throws, or until the policy is at its end; then throws the last failure.
 *
 * A caller ends as soon as it has made progress, so attempts and time are counted from the last progress on.
 */
export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  step: () => Promise<Step<T>>,
): Promise<T> {
  const { clock, maxAttempts, server, shouldRetry, onRetry } = policy;
  let elapsed = 0; // milliseconds since the first failure
  let failures = 0;
  let last: FailedStep | undefined;
  for (;;) {
    const result = await step();
    if (result.kind === "done") return result.value;
    const maxElapsed = server.hasReplied ? policy.maxElapsed : policy.connectTimeout;
    const isUsedUp = elapsed >= maxElapsed;
    if (result.kind === "continue") {
      if (last && isUsedUp) throw last.error;
      continue;
    }
    last = result;
    failures++;
    // Of a server that has never replied only the waits count: a machine that slept looks like a long attempt.
    if (failures > 1 && server.hasReplied) elapsed += result.spent ?? 0;
    const isLastChance = elapsed >= maxElapsed && !(result.asksNext && maxElapsed > 0);
    const mayPass = result.mayPass || shouldRetry(result.error);
    if (!policy.retries || failures >= maxAttempts || isLastChance || !mayPass) throw result.error;
    const delay = Math.min(
      backoff(policy, failures, result.retryAfter),
      Math.max(0, maxElapsed - elapsed),
    );
    onRetry?.({ error: result.error, attempt: failures, delay });
    await clock.sleep(delay, signal);
    elapsed += delay;
  }
}

/** The wait after `failures` failures in a row, in milliseconds: exponential, half of it random, at least `Retry-After`. */
function backoff(
  policy: RetryPolicy,
  failures: number,
  retryAfter: string | null | undefined,
): number {
  // Finite, since nothing times infinity is no number.
  const growth = Math.min(policy.multiplier ** (failures - 1), Number.MAX_VALUE);
  const full = Math.min(policy.initialDelay * growth, policy.maxDelay);
  const jittered = full / 2 + policy.clock.random() * full / 2;
  return Math.min(
    Math.max(jittered, retryAfterDelay(retryAfter, policy.clock) ?? 0),
    policy.maxDelay,
  );
}

/** `Retry-After` in milliseconds, from seconds or from an HTTP date; `undefined` when there is none that can be read. */
function retryAfterDelay(value: string | null | undefined, clock: Clock): number | undefined {
  if (!value) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock.now());
}

/** Sends one request under the policy's deadlines; see {@linkcode send}. */
export async function attempt(
  transport: Transport,
  request: SendRequest,
  policy: RetryPolicy,
  options: Partial<SendOptions> & { readonly signal: AbortSignal | undefined },
): Promise<SendResult> {
  const result = await send(transport, request, {
    clock: policy.clock,
    deadline: attemptDeadline(policy, bytesOf(request)),
    stallTimeout: policy.stallTimeout,
    ...options,
  });
  if (result.kind === "reply") policy.server.hasReplied = true;
  return result;
}
