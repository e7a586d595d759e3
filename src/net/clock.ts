/** Time and chance, so that tests can hold both still. */

/** What the library needs of time and chance; hand in another one to test retrying without waiting. */
export interface Clock {
  /** The time in milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** A number from 0 up to, not including, 1. */
  random(): number;
  /** Calls back once after `milliseconds`; the function returned prevents it. */
  setTimer(callback: () => void, milliseconds: number): () => void;
  /** Resolves after `milliseconds`; rejects at once with the signal's reason when `signal` aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The longest time a platform timer can be set to. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The platform's own time and chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimer(callback, milliseconds) {
    const id = setTimeout(callback, Math.min(milliseconds, LONGEST_TIMER));
    return () => clearTimeout(id);
  },
  sleep(milliseconds, signal) {
    let stop = () => {};
    const wait = new Promise<void>((resolve) => stop = systemClock.setTimer(resolve, milliseconds));
    return abortable(wait, signal).finally(() => stop());
  },
};

/** The outcome of `promise`, or at once the reason of `signal` when that aborts first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * Work that its owner can give up: whoever waits for it hears of that at once, and so does what is under way, by the signal.
 *
 * It does the same as {@linkcode abortable} with an `AbortController`, but nobody listens to the signal, which would cost more
 * than the rest of a small request's bookkeeping.
 */
export class Abandonable {
  readonly #controller = new AbortController();
  #reject: ((reason: unknown) => void) | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  giveUp(reason?: unknown): void {
    this.#controller.abort(reason);
    this.#reject?.(this.signal.reason);
  }

  /** The outcome of `work`, or at once the reason why it was given up. To be called once. */
  outcome<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.signal.aborted) reject(this.signal.reason);
      work.then(resolve, reject);
    });
  }
}

/** The outcome of `work`, or of `late` where it does not come within so many milliseconds. */
export async function within<T>(
  milliseconds: number,
  work: Promise<T>,
  late: () => T,
  clock: Pick<Clock, "setTimer"> = systemClock,
): Promise<T> {
  let stop = () => {};
  const timeout = new Promise<void>((resolve) => stop = clock.setTimer(resolve, milliseconds));
  try {
    return await Promise.race([work, timeout.then(late)]);
  } finally {
    stop();
  }
}

/** A signal that aborts with the first of several, and the function that stops listening to them. */
export function linkSignals(
  signals: readonly (AbortSignal | undefined)[],
): { readonly signal: AbortSignal; unlink(): void } {
  const linked = new AbortController();
  const followed = signals.filter((signal) => signal !== undefined).map((signal) => {
    const follow = () => linked.abort(signal.reason);
    if (signal.aborted) follow();
    else signal.addEventListener("abort", follow, { once: true });
    return { signal, follow };
  });
  return {
    signal: linked.signal,
    unlink() {
      for (const { signal, follow } of followed) signal.removeEventListener("abort", follow);
    },
  };
}
