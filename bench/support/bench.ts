/** What a benchmark is to `deno task bench`. */

/** One benchmark. What it finds is plain JSON, kept in `bench/results.json`; the document is made from that alone. */
export interface Bench<Result> {
  /** Measures; rejects with a {@linkcode Skipped} where a tool is missing. */
  run(): Promise<Result>;
  /**
   * The result as Markdown, for docs/performance.md and the terminal. In the document it may be set beside what other benchmarks
   * have found, by their names.
   */
  render(result: Result, others?: Readonly<Record<string, unknown>>): string;
}

/** A benchmark cannot run on this machine; the message says what it lacks. */
export class Skipped extends Error {
  override name = "Skipped";
}
