/**
 * Runs the portable suite in every runtime, each in its own process, and prints what they found.
 *
 * Usage: `deno run -A --config deno.json tests/portable/main.ts [runtime] [text in a case's name]`
 *
 * @module
 */

import { ROOT, type Runtime, RUNTIMES, runtimes } from "../support/runtimes.ts";
import type { Report } from "./suite.ts";

/** How many runtimes are at work at once. */
const AT_ONCE = 2;

/** What came of one runtime. */
export interface Outcome {
  /** Which runtime. */
  runtime: string;
  /** What it reported, or why it did not. */
  report: (Report & { version: string }) | Error;
}

/** What the runtimes need, made once. */
export interface Portable extends AsyncDisposable {
  /** Runs the suite in a runtime, with a server of its own. */
  run(runtime: Runtime, only?: string): Promise<Outcome>;
}

/** Installs the runtimes and makes the bundle. */
export async function preparePortable(): Promise<Portable> {
  const folder = await Deno.makeTempDir({ prefix: "portable-" });
  const dispose = () => Deno.remove(folder, { recursive: true });
  const bundle = `${folder}/suite.js`;
  const bundling = ["bundle", "--quiet", "--platform=browser", "--output", bundle];
  try {
    await deno(RUNTIMES, "install", "--quiet");
    await deno(ROOT, ...bundling, "tests/portable/suite.ts");
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    run: (runtime, only = "") => outcomeOf(runtime, only, bundle),
    [Symbol.asyncDispose]: dispose,
  };
}

/** Runs the suite in every runtime whose name contains `runtime`. */
export async function runPortable(runtime = "", only = ""): Promise<Outcome[]> {
  const chosen = runtimes.filter(({ name }) => name.includes(runtime));
  await using portable = await preparePortable();
  const outcomes: Outcome[] = [];
  const queue = [...chosen.entries()];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [index, runtime] = next;
      outcomes[index] = await portable.run(runtime, only);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcomes;
}

/** What a command of Deno prints. */
async function deno(cwd: string, ...args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (success) return out;
  throw new Error(`deno ${args[0]} failed:\n${out}${err}`);
}

/** The outcome of one runtime, from a process of its own: the server of one does not keep that of another waiting. */
async function outcomeOf({ name }: Runtime, only: string, bundle: string): Promise<Outcome> {
  const script = `${ROOT}tests/portable/one_runtime.ts`;
  const config = `--config=${ROOT}deno.json`;
  const args = ["run", "--quiet", "--allow-all", "--no-check", config, script, name, only, bundle];
  try {
    const output = await deno(ROOT, ...args);
    const { report, problem } = JSON.parse(output.match(/^outcome (\{.*\})$/m)![1]);
    return { runtime: name, report: report ?? new Error(problem) };
  } catch (error) {
    return { runtime: name, report: error as Error };
  }
}

/** How many cases hold and how many do not, over all runtimes. One that did not run counts as a failure. */
export function count(outcomes: Outcome[]): { passed: number; failed: number } {
  const most = Math.max(0, ...outcomes.map(({ report }) => cases(report)));
  let [passed, failed] = [0, most === 0 ? 1 : 0];
  for (const { report } of outcomes) {
    if (report instanceof Error) {
      failed++;
    } else {
      passed += report.passed;
      failed += report.failed + (most - cases(report));
    }
  }
  return { passed, failed };
}

const cases = (report: Outcome["report"]) =>
  report instanceof Error ? 0 : report.passed + report.failed + report.elsewhere;

/** A table, one runtime a line, and what went wrong below it. */
export function describe(outcomes: Outcome[]): string {
  const rows = [["runtime", "version", "passed", "failed", "time"]];
  const problems: string[] = [];
  for (const { runtime, report } of outcomes) {
    if (report instanceof Error) {
      rows.push([runtime, "did not run", "-", "-", "-"]);
      problems.push(`${runtime} did not run: ${report.message}`);
      continue;
    }
    const { version, passed, failed, milliseconds } = report;
    rows.push([runtime, version, `${passed}`, `${failed}`, `${milliseconds} ms`]);
    problems.push(
      ...report.failures.map(({ name, message }) => `${runtime}: ${name}\n${indent(message)}`),
    );
  }
  return [...align(rows), ...problems].join("\n");
}

const indent = (text: string) => text.replaceAll(/^/gm, "    ");

function align(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
    ).join("  ")
  );
}

if (import.meta.main) {
  const outcomes = await runPortable(...Deno.args);
  console.log(describe(outcomes));
  if (count(outcomes).failed > 0) Deno.exit(1);
}
