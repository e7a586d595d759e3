// A clock on which waits take no time, deadlines come soon, and the time of day may jump.

import type { Clock } from "../../../mod.ts";

/** How many milliseconds of a deadline pass in one real one: a minute is over in 60 ms. */
const SPEED = 1000;

/** The least time that a deadline is away, in real milliseconds: a busy machine must get something done by then. */
const LEAST = 50;

const HOUR = 3_600_000;

/** A clock that is in a hurry; at each of the `jumps`, counted in looks at it, an hour is gone. */
export function fastClock(jumps: readonly number[] = []): Clock {
  let looks = 0, slept = 0, gone = 0;
  return {
    now() {
      if (jumps.includes(looks++)) gone += HOUR;
      return performance.now() * SPEED + slept + gone;
    },
    random: () => 0.5,
    setTimer(callback, milliseconds) {
      const id = setTimeout(callback, Math.max(LEAST, milliseconds / SPEED));
      return () => clearTimeout(id);
    },
    async sleep(milliseconds, signal) {
      slept += milliseconds;
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal?.throwIfAborted();
    },
  };
}
