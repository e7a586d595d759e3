/**
 * `deno task test:long`: what takes minutes, or installs programs of other people. A table, and as the last line
 * `N passed, N failed`. Takes parts of the names of suites, to run only those.
 *
 * @module
 */

import { ROOT, run } from "./run.ts";

interface Suite {
  readonly name: string;
  /** What `deno test` is given. */
  readonly paths: readonly string[];
  readonly flags?: readonly string[];
  /** Variables, where the environment has none of that name. */
  readonly env?: Readonly<Record<string, string>>;
}

const suites: readonly Suite[] = [
  {
    name: "properties",
    paths: [
      "tests/properties/",
      "tests/stretch/random_test.ts",
      "tests/parallel/upload_many_random_test.ts",
    ],
    env: { PROPERTY_RUNS: "5" },
  },
  { name: "crashes", paths: ["tests/crash/"], env: { CRASHES: "25" } },
  {
    name: "interop",
    paths: [
      "tests/clients/interop_python.ts",
      "tests/clients/interop_parts.ts",
      "tests/clients/interop_s3.ts",
      "tests/clients/interop_fake_gcs_server.ts",
      "tests/clients/interop_gapic.ts",
      "tests/clients/interop_tickets.ts",
      "tests/clients/interop_tus.ts",
      "tests/clients/interop_firebase.ts",
    ],
  },
  {
    name: "playground",
    paths: ["tests/playground/browser_more.ts", "tests/playground/code_compiles.ts"],
  },
  { name: "accessibility", paths: ["tests/page/axe.ts"] },
  {
    name: "command line",
    paths: ["tests/cli/programs.ts", "tests/cli/kills.ts"],
    env: { CRASHES: "25" },
  },
  { name: "package", paths: ["tests/npm/package.ts"] },
  { name: "frameworks", paths: ["tests/npm/frameworks.ts"] },
  { name: "migrations", paths: ["tests/npm/migrations.ts", "tests/npm/migrations_servers.ts"] },
  {
    name: "soak",
    paths: ["tests/soak/soak.ts"],
    flags: ["--v8-flags=--expose-gc"],
    env: { SOAK_SECONDS: "20" },
  },
];

/** What came of a suite. */
interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
  readonly seconds: number;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

async function outcomeOf({ name, paths, flags = [], env = {} }: Suite): Promise<Outcome> {
  console.log(`\n${name}`);
  const existing = await Array.fromAsync(paths, async (path) => await exists(path) ? [path] : []);
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  if (existing.flat().length === 0) return { passed: 0, failed: 1, ignored: 0, seconds: 0 };
  for (const [variable, value] of Object.entries(env)) {
    if (!Deno.env.has(variable)) Deno.env.set(variable, value);
  }
  const { code, output } = await run(
    ["test", "--allow-all", "--no-check", ...flags, ...existing.flat()],
    { echo: true },
  );
  const summary = [...output.matchAll(/^(?:ok|FAILED) \| .*$/gm)].at(-1)?.[0] ?? "";
  const number = (what: string) => Number(summary.match(new RegExp(`(\\d+) ${what}`))?.[1] ?? 0);
  const failed = Math.max(number("failed"), code === 0 && summary !== "" ? 0 : 1);
  return { passed: number("passed"), failed, ignored: number("ignored"), seconds: seconds() };
}

const chosen = suites.filter(({ name }) =>
  Deno.args.length === 0 || Deno.args.some((part) => name.includes(part))
);
const rows = [["suite", "passed", "failed", "ignored", "seconds"]];
let [passed, failed] = [0, chosen.length === 0 ? 1 : 0];
for (const suite of chosen) {
  const outcome = await outcomeOf(suite);
  passed += outcome.passed;
  failed += outcome.failed;
  rows.push([
    suite.name,
    ...[outcome.passed, outcome.failed, outcome.ignored, outcome.seconds].map(String),
  ]);
}
console.log();
for (const [name, ...cells] of rows) {
  console.log(name.padEnd(14) + cells.map((cell) => cell.padStart(9)).join(""));
}
console.log(`\n${passed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
