// How properties are run: so many random cases, a seed to repeat them, and one line about each.

import fc from "fast-check";

/** Counts what a property has met. */
export interface Tally {
  /** Failures that were injected on the way. */
  faults: number;
}

/** `deno task test:long` runs five times as many as are named, of which these are the first. */
const MULTIPLIER = Number(Deno.env.get("PROPERTY_RUNS") ?? "0.4");
const SEED = Deno.env.get("PROPERTY_SEED");
if (!(MULTIPLIER > 0)) throw new RangeError("PROPERTY_RUNS: expected a positive number");

/** Whether more than the usual number of runs is wanted. */
export const LONG: boolean = MULTIPLIER >= 10;

/** The same cases in each build; other ones each time in a long run, or where `PROPERTY_SEED` says so. */
export function seedOf(): number {
  if (SEED !== undefined) return Number(SEED) | 0;
  return LONG ? (Math.random() * 2 ** 32) | 0 : 20260101;
}

/** So many runs, times `PROPERTY_RUNS`. */
export function runsOf(runs: number): number {
  return Math.max(1, Math.ceil(runs * MULTIPLIER));
}

/** A rule that holds for every case that `cases` can make. A failure shows the seed and the smallest case. */
export function property<T>(
  rule: string,
  runs: number,
  cases: fc.Arbitrary<T>,
  check: (value: T, tally: Tally) => void | Promise<void>,
): void {
  Deno.test(rule, async () => {
    const seed = seedOf();
    const tally: Tally = { faults: 0 };
    let count = 0;
    const property = fc.asyncProperty(cases, async (value) => {
      count++;
      await check(value, tally);
    });
    await fc.assert(property, { numRuns: runsOf(runs), seed, verbose: fc.VerbosityLevel.Verbose });
    report(rule, count, tally, seed);
  });
}

/** The line about a property. */
export function report(rule: string, runs: number, tally: Tally, seed?: number): void {
  const drawn = seed === undefined ? "all there are" : `seed ${seed}`;
  console.log(`property: ${rule}: ${runs} runs, ${tally.faults} faults injected, ${drawn}`);
}
