/** Measuring so that what else the machine does weighs on all programs alike. */

/** How often each program is measured: an odd number, of which the median is taken. */
export const ROUNDS: number = Number(Deno.env.get("BENCH_ROUNDS") ?? 5);

/**
 * Runs each of the programs once a round, forwards and backwards in turn, and returns what each one gave, in the order of
 * the programs.
 */
export async function alternate<Name extends string, T>(
  programs: Readonly<Record<Name, () => Promise<T>>>,
  rounds: number = ROUNDS,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(programs) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    T[]
  >;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      results[name].push(await programs[name]());
    }
  }
  return results;
}

/** The middle one; of an even number, the upper of the two in the middle. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

/** The median of a field of what was measured. */
export function medianOf<T>(measured: readonly T[], field: (one: T) => number): number {
  return median(measured.map(field));
}
