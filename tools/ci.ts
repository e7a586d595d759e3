/**
 * `deno task ci`: what `test`, `test:long` and `check` run, as one list of suites side by side. Prints the output of each
 * suite when it ends, a table, and as the last line `N passed, N failed`.
 *
 * @module
 */

import { prepare } from "./prepare.ts";
import { runSuites, show, summarize } from "./pool.ts";
import { endWithChildren } from "./run.ts";
import { checkSuites, longSuites, portableSuites, unitSuites } from "./suites.ts";

endWithChildren();
await prepare();
const portable = portableSuites();
const suites = [
  ...await longSuites(),
  ...await unitSuites(),
  ...portable.suites,
  ...checkSuites(),
];
const outcomes = await runSuites(suites, show).finally(portable.end);
if (summarize(outcomes) > 0) Deno.exit(1);
