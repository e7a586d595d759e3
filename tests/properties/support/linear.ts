// A guard against parsers that get slow faster than their input gets long.

import { assert } from "@std/assert";

/** Times shorter than this, in milliseconds, say nothing. */
const NOISE = 5;
/** How much longer eight times the input may take: 8 is linear, 64 would be quadratic. */
const FACTOR = 40;

/**
 * Parses inputs that grow by a quarter, up to eight times `size`, and fails as soon as one takes far longer than the one
 * an eighth of it; so that exponential time fails too, instead of hanging. `make` gets how long the text is to be.
 */
export async function expectLinear(
  name: string,
  size: number,
  make: (size: number) => string,
  parse: (text: string) => unknown,
): Promise<void> {
  const times: [size: number, milliseconds: number][] = [];
  for (let n = 16; n <= 8 * size; n = Math.ceil(n * 1.25)) {
    const text = make(n);
    const before = Math.max(times.findLast(([size]) => size <= n / 8)?.[1] ?? 0, NOISE);
    let best = Infinity;
    // Where it seems too long, more tries tell a slow parser from a processor that others use.
    const isDoubtful = () => best > FACTOR * before && best < 1000;
    for (let i = 0; i < 20 && (i === 0 || best > NOISE && i < 3 || isDoubtful()); i++) {
      const start = performance.now();
      await Promise.resolve(text).then(parse).catch(() => {});
      best = Math.min(best, performance.now() - start);
    }
    assert(
      best <= FACTOR * before,
      `${name}: ${n} characters took ${best.toFixed()} ms, an eighth at most ${
        before.toFixed(1)
      } ms`,
    );
    times.push([n, best]);
  }
}
