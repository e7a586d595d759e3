/**
 * `deno task test`: the tests under tests/ in Deno, then the portable suite in every runtime.
 * The very last line is `N passed, N failed`, the sum of both.
 *
 * Usage: `deno task test [--unit | --portable] [arguments of deno test]`
 *
 * @module
 */

import { count, describe, runPortable } from "../tests/portable/main.ts";
import { run } from "./run.ts";

/** How many held and how many did not. */
interface Tally {
  passed: number;
  failed: number;
}

/** The tests under tests/. Their types are checked by `deno task check`. */
async function unit(args: string[]): Promise<Tally> {
  const { code, output } = await run(
    ["test", "--allow-all", "--no-check", ...args, ...(args.some(isPath) ? [] : ["tests/"])],
    { echo: true },
  );
  const summary = [...output.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm)].at(
    -1,
  );
  const tally = { passed: Number(summary?.[1] ?? 0), failed: Number(summary?.[2] ?? 0) };
  if (tally.passed + tally.failed === 0) return { passed: 0, failed: 1 };
  return { ...tally, failed: Math.max(tally.failed, code === 0 ? 0 : 1) };
}

const isPath = (arg: string) => !arg.startsWith("-");

async function portable(): Promise<Tally> {
  console.log("\nthe portable suite in every runtime");
  const outcomes = await runPortable();
  console.log(describe(outcomes));
  return count(outcomes);
}

const args = Deno.args.filter((arg) => arg !== "--unit" && arg !== "--portable");
const tallies: Tally[] = [];
if (!Deno.args.includes("--portable")) tallies.push(await unit(args));
if (!Deno.args.includes("--unit")) tallies.push(await portable());
const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
console.log(`\n${passed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
