// Suites side by side: as many at once as the machine has work for, the output of each one whole.

/** What came of a suite. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly ignored?: number;
  /** What it wrote. */
  readonly output: string;
}

/** Something that runs by itself, and shares no folder, port or process with another one. */
export interface Suite {
  readonly name: string;
  /** About how long it takes, in seconds: the longest begin first, so that none is left over at the end. */
  readonly seconds: number;
  run(): Promise<Result>;
}

/** A suite that has run. */
export interface Outcome extends Result {
  readonly name: string;
  /** How long it took, in seconds. */
  readonly seconds: number;
}

/**
 * How many are at work at once: one more than there are processors, since most wait for a socket or a process now and
 * then. `DENO_JOBS` says otherwise.
 */
export function atOnce(): number {
  const asked = Number(Deno.env.get("DENO_JOBS") ?? navigator.hardwareConcurrency + 1);
  return Number.isInteger(asked) && asked > 0 ? asked : 1;
}

/** Runs them all; `ended` hears of each one when it is over. One that throws has failed. */
export async function runSuites(
  suites: readonly Suite[],
  ended: (outcome: Outcome) => void,
  limit: number = atOnce(),
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const queue = suites.toSorted((a, b) => b.seconds - a.seconds);
  const work = async () => {
    for (let suite = queue.shift(); suite; suite = queue.shift()) {
      const start = performance.now();
      const result = await suite.run().catch((error: unknown): Result => ({
        passed: 0,
        failed: 1,
        output: error instanceof Error ? error.message : `${error}`,
      }));
      const seconds = (performance.now() - start) / 1000;
      const outcome = { ...result, name: suite.name, seconds };
      outcomes.push(outcome);
      ended(outcome);
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return outcomes;
}

/** Prints a suite's output, and one line that says what came of it. */
export function show({ name, output, seconds, ...counts }: Outcome): void {
  const text = output.trim();
  console.log(`\n━━ ${name}${text === "" ? "" : `\n${text}`}`);
  console.log(
    `${counts.failed > 0 ? "FAILED" : "ok"} | ${name} | ${told(counts)} | ${seconds.toFixed(0)} s`,
  );
}

const told = ({ passed, failed, ignored = 0 }: Omit<Result, "output">): string =>
  `${passed} passed, ${failed} failed${ignored > 0 ? `, ${ignored} ignored` : ""}`;

/** The most lines that are said once more of a suite that has failed. */
const LINES_AGAIN = 60;

/** What of a suite's output says why it failed: the errors of `deno test`, or else its last lines. */
export function failures(output: string): string {
  const lines = output.trim().split("\n");
  const errors = lines.findIndex((line) => /^ ?ERRORS ?$/.test(line));
  return (errors < 0
    ? lines.slice(-LINES_AGAIN)
    : lines.slice(errors + 1, errors + 1 + LINES_AGAIN))
    .join("\n").trim();
}

/**
 * Prints the table of all, what those that failed have said, since a record may hold the end of all this only, and as the last
 * line `N passed, N failed`. Gives how many failed.
 */
export function summarize(outcomes: readonly Outcome[]): number {
  const rows = outcomes.map(({ name, passed, failed, ignored = 0, seconds }) => [
    name,
    ...[passed, failed, ignored, Math.round(seconds)].map(String),
  ]);
  const width = Math.max(...rows.map(([name]) => name.length), 5);
  console.log();
  for (const [name, ...cells] of [["suite", "passed", "failed", "ignored", "seconds"], ...rows]) {
    console.log(name.padEnd(width) + cells.map((cell) => cell.padStart(9)).join(""));
  }
  const sum = (count: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + count(outcome), 0);
  const failed = sum(({ failed }) => failed);
  const broken = outcomes.filter(({ failed }) => failed > 0);
  for (const { name, output } of broken) {
    console.log(`\n━━ why ${name} failed\n${failures(output)}`);
  }
  if (broken.length > 0) console.log(`\nfailed: ${broken.map(({ name }) => name).join(", ")}`);
  console.log(`\n${sum(({ passed }) => passed)} passed, ${failed} failed`);
  return failed;
}
