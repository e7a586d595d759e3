/**
 * `deno task test:long`: what takes minutes, or installs programs of other people. A table, and as the last line
 * `N passed, N failed`. Takes parts of the names of suites, to run only those.
 *
 * @module
 */

import { runSuites, show, summarize } from "./pool.ts";
import { endWithChildren } from "./run.ts";
import { longSuites } from "./suites.ts";

endWithChildren();
if (summarize(await runSuites(await longSuites(Deno.args), show)) > 0) Deno.exit(1);
