/** What a benchmark is to `deno task bench`. */

/** One benchmark. What it finds is plain JSON, kept in `bench/results.json`; the document is made from that alone. */
export interface Bench<Result> {
  /** Measures; rejects with a {@linkcode Skipped} where a tool is missing. */
  run(): Promise<Result>;
  /** The result as Markdown, for docs/performance.md and the terminal. */
  render(result: Result): string;
}

/** A benchmark cannot run on this machine; the message says what it lacks. */
export class Skipped extends Error {
  override name = "Skipped";
}
