/**
 * `deno task test`: the tests under tests/ in Deno, and the portable suite in every runtime, side by side.
 * The very last line is `N passed, N failed`, the sum of all.
 *
 * Usage: `deno task test [--unit | --portable] [arguments of deno test]`. With arguments the tests in Deno run in one
 * process, and their output is shown while it comes.
 *
 * @module
 */

import { runSuites, show, type Suite, summarize } from "./pool.ts";
import { endWithChildren } from "./run.ts";
import { denoTest, portableSuites, unitSuites } from "./suites.ts";

endWithChildren();
const args = Deno.args.filter((arg) => arg !== "--unit" && arg !== "--portable");
const isPath = (arg: string) => !arg.startsWith("-");

/** What was asked for, in one process. */
const asked: Suite = {
  name: "tests in Deno",
  seconds: 300,
  run: () => denoTest(args.some(isPath) ? [] : ["tests/"], { flags: args, echo: true }),
};

const unit = args.length > 0 ? [asked] : await unitSuites();
const portable = portableSuites();
const chosen = [
  ...(Deno.args.includes("--portable") ? [] : unit),
  ...(Deno.args.includes("--unit") ? [] : portable.suites),
];
const outcomes = await runSuites(chosen, show).finally(portable.end);
if (summarize(outcomes) > 0) Deno.exit(1);
