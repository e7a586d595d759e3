/**
 * `deno task check`: everything that must hold besides the tests. One line a step; the output of a
 * step only when it fails. Takes parts of the names of steps, to run only those.
 *
 * @module
 */

import { type Outcome, runSuites } from "./pool.ts";
import { endWithChildren } from "./run.ts";
import { checkSuites } from "./suites.ts";

function show({ name, failed, seconds, output }: Outcome): void {
  const step = name.replace(/^check: /, "");
  console.log(`${failed ? "FAILED" : "ok    "} ${seconds.toFixed(1).padStart(5)} s  ${step}`);
  if (failed) console.log(output.trimEnd().replaceAll(/^/gm, "    "));
}

endWithChildren();
const outcomes = await runSuites(checkSuites(Deno.args), show, 2);
const passed = outcomes.filter(({ failed }) => failed === 0).length;
const failed = Math.max(outcomes.length - passed, outcomes.length === 0 ? 1 : 0);
console.log(`\n${passed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
