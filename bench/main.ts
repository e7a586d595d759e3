/**
 * `deno task bench [NAME…]`: the benchmarks; all of them without a name. `deno task bench profile [node | deno | bun]`
 * shows where the time of one upload goes instead.
 *
 * What they find is kept in `bench/results.json`, and shown in `docs/performance.md` and its chart, which are made from
 * that file: `--render` does only this, and `--check` says whether it was done. Results of another machine or of other
 * versions are dropped when something is measured.
 *
 * @module
 */

import { installRuntimes } from "../tests/support/worker_process.ts";
import { profile } from "./profile.ts";
import { CLIENT_RUNTIMES, installPeers } from "./support/programs.ts";
import { Skipped } from "./support/bench.ts";
import { BENCHES } from "./support/benches.ts";
import { isComparable, machine } from "./support/machine.ts";
import { readResults, rendered, type Results, writeResults } from "./support/report.ts";

if (Deno.args.includes("--check")) {
  const stale = [];
  for (const [path, text] of await rendered(await readResults())) {
    if (await Deno.readTextFile(path).catch(() => "") !== text) stale.push(path.pathname);
  }
  for (const path of stale) console.error(`${path} is not what bench/results.json gives`);
  Deno.exit(stale.length > 0 ? 1 : 0);
}

if (Deno.args[0] === "profile") {
  const [, asked = "node"] = Deno.args;
  const runtime = CLIENT_RUNTIMES.find((name) => name === asked) ?? usage();
  await installRuntimes();
  await profile(runtime);
  Deno.exit();
}

if (!Deno.args.includes("--render")) await measure();
for (const [path, text] of await rendered(await readResults())) {
  await Deno.writeTextFile(path, text);
}

async function measure(): Promise<void> {
  const names = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
  const unknown = names.filter((name) => !(name in BENCHES));
  if (unknown.length > 0) usage();
  const isTrial = Deno.env.has("BENCH_BYTES"); // its results stand for nothing
  await installRuntimes();
  await installPeers();
  const here = await machine();
  const before = await readResults();
  const kept = before.machine && isComparable(before.machine, here) ? before : undefined;
  const results: Results = {
    machine: { ...here, versions: { ...kept?.machine?.versions, ...here.versions } },
    benches: kept?.benches ?? {},
  };
  console.log(JSON.stringify(here, null, 2));
  for (const name of names) {
    console.log(`\n${name}\n`);
    try {
      const started = performance.now();
      const result = await BENCHES[name].run();
      console.log(BENCHES[name].render(result));
      console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s`);
      results.benches[name] = result;
      if (!isTrial) await writeResults(results);
    } catch (error) {
      if (!(error instanceof Skipped)) throw error;
      console.log(`skipped: ${error.message}`);
    }
  }
}

function usage(): never {
  const names = Object.keys(BENCHES).join(" ");
  console.error(
    `usage: deno task bench [--render | --check | profile [node | deno | bun] | ${names}]`,
  );
  Deno.exit(2);
}
