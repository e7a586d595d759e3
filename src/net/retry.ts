/** When to try again: one policy, one loop. */

import { UploadError } from "../errors.ts";
import type { RequestSpec } from "../protocol/resumable.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Reply, send, type Transport } from "./transport.ts";

/**
 * How failures that may pass are retried: 408, 429, 5xx, a transport that rejects, an attempt past its deadline.
 *
 * The number of attempts and the time start anew whenever the server confirms more bytes, so a long upload over a bad
 * network goes on for as long as it gets somewhere. Before a retry of a session request the server is asked where it
 * stands; bytes are never resent blindly.
 *
 * @example Try for at most a minute, starting with short waits
 * ```ts
 * import { type RetryOptions, SimpleUpload } from "@resumable-media/upload";
 *
 * const retry: RetryOptions = { initialDelay: 200, maxElapsed: 60_000 };
 * new SimpleUpload("https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a", { retry });
 * ```
 */
export interface RetryOptions {
  /**
   * The wait before the second attempt, in milliseconds; half of it is random.
   *
   * @default {1000}
   */
  initialDelay?: number;
  /**
   * The longest wait, in milliseconds; it caps the server's `Retry-After` too.
   *
   * @default {64000}
   */
  maxDelay?: number;
  /**
   * By how much the wait grows from one attempt to the next.
   *
   * @default {2}
   */
  multiplier?: number;
  /**
   * The most attempts without progress, the first one included.
   *
   * @default {8}
   */
  maxAttempts?: number;
  /**
   * The longest time without progress, in milliseconds.
   *
   * @default {600000}
   */
  maxElapsed?: number;
  /**
   * How long one attempt may take, in milliseconds, before its bytes are counted: see `minThroughput`.
   *
   * @default {60000}
   */
  attemptTimeout?: number;
  /**
   * The slowest network worth waiting for, in bytes per second: each attempt may take
   * `attemptTimeout + 1000 × bytes / minThroughput` milliseconds.
   *
   * @default {16384}
   */
  minThroughput?: number;
  /** Time and chance; tests hand in their own. The default is the platform's. */
  clock?: Clock;
}

/** A complete policy. `retries` is false when a failure is final. */
export interface RetryPolicy extends Required<RetryOptions> {
  readonly retries: boolean;
}

const DEFAULTS: Required<RetryOptions> = {
  initialDelay: 1000,
  maxDelay: 64_000,
  multiplier: 2,
  maxAttempts: 8,
  maxElapsed: 600_000,
  attemptTimeout: 60_000,
  minThroughput: 16_384,
  clock: systemClock,
};

const LEAST = {
  initialDelay: 0,
  maxDelay: 0,
  multiplier: 1,
  maxAttempts: 1,
  maxElapsed: 0,
  attemptTimeout: 1,
  minThroughput: 1,
};

/** Checks the options and fills in the defaults; `null` turns retrying off and keeps the deadlines. */
export function retryPolicy(options: RetryOptions | null | undefined): RetryPolicy {
  const policy = { ...DEFAULTS, retries: options !== null };
  for (const [name, value] of Object.entries(options ?? {})) {
    if (value === undefined) continue;
    if (!(name in DEFAULTS)) throw new TypeError(`retry.${name} is not an option`);
    const least = LEAST[name as keyof typeof LEAST];
    if (least !== undefined && !(typeof value === "number" && value >= least)) {
      throw new RangeError(
        `retry.${name}: expected a number of at least ${least}, got ${String(value)}`,
      );
    }
    Object.assign(policy, { [name]: value });
  }
  return policy;
}

/** The deadline of an attempt that carries `bytes`, in milliseconds. */
export function attemptDeadline(policy: RetryPolicy, bytes: number): number {
  return Math.ceil(policy.attemptTimeout + (1000 * bytes) / policy.minThroughput);
}

/** How one step ended. */
export type Step<T> =
  | { readonly kind: "done"; readonly value: T }
  /** The next step can follow at once. */
  | { readonly kind: "continue" }
  /** A failure that may pass. */
  | { readonly kind: "failed"; readonly error: UploadError; readonly retryAfter?: string | null };

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
  const { clock } = policy;
  const start = clock.now();
  for (let failures = 0;;) {
    const result = await step();
    if (result.kind === "done") return result.value;
    if (result.kind === "continue") continue;
    failures++;
    const delay = backoff(policy, failures, result.retryAfter);
    const elapsed = clock.now() - start + delay;
    if (!policy.retries || failures >= policy.maxAttempts || elapsed > policy.maxElapsed) {
      throw result.error;
    }
    await clock.sleep(delay, signal);
  }
}

/** The wait after `failures` failures in a row, in milliseconds: exponential, half of it random, at least `Retry-After`. */
function backoff(
  policy: RetryPolicy,
  failures: number,
  retryAfter: string | null | undefined,
): number {
  const full = Math.min(policy.initialDelay * policy.multiplier ** (failures - 1), policy.maxDelay);
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

/** Sends one request under the policy's deadline; a failure that may pass is returned, anything else is thrown. */
export async function attempt(
  transport: Transport,
  spec: RequestSpec,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<Reply | UploadError> {
  const bytes = spec.body instanceof Blob ? spec.body.size : spec.body?.length ?? 0;
  try {
    return await send(transport, spec, {
      clock: policy.clock,
      deadline: attemptDeadline(policy, bytes),
      signal,
    });
  } catch (error) {
    const mayPass = error instanceof UploadError &&
      (error.code === "transport_failed" || error.code === "deadline_exceeded");
    if (mayPass && !signal?.aborted) return error;
    throw error;
  }
}
