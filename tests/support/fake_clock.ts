// A clock for tests, in which sleeping takes no time.

import type { Clock } from "../../mod.ts";

/** A clock that stands still but for sleeping, which takes no real time. Timers go off when a sleep passes them. */
export interface FakeClock extends Clock {
  /** The sleeps so far, in milliseconds. */
  readonly sleeps: number[];
  /** Timers that are set and have not gone off. */
  readonly timers: Set<{ readonly at: number; readonly callback: () => void }>;
  /** Lets time pass. */
  pass(milliseconds: number): void;
}

export function fakeClock(random = () => 1): FakeClock {
  let now = Date.UTC(2026, 0, 1);
  const timers: FakeClock["timers"] = new Set();
  const sleeps: number[] = [];
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (const timer of [...timers].filter((timer) => timer.at <= now)) {
      timers.delete(timer);
      timer.callback();
    }
  };
  return {
    sleeps,
    timers,
    pass,
    now: () => now,
    random,
    setTimer(callback, milliseconds) {
      const timer = { at: now + milliseconds, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      sleeps.push(milliseconds);
      pass(milliseconds);
      await Promise.resolve();
      signal?.throwIfAborted();
    },
  };
}
