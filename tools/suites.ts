// The suites: which tests share a process, and about how long they take.

import {
  count,
  describe,
  type Outcome as PortableOutcome,
  type Portable,
  preparePortable,
} from "../tests/portable/main.ts";
import { runtimes } from "../tests/support/runtimes.ts";
import { repositoryFiles } from "./files.ts";
import type { Result, Suite } from "./pool.ts";
import { run } from "./run.ts";
import { steps } from "./steps.ts";

/** How `deno test` is run. */
export interface TestOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to show the output while it comes. */
  readonly echo?: boolean;
}

/** Runs `deno test`. Types are checked by `deno task check`. Nothing that ran is a failure. */
export async function denoTest(
  paths: readonly string[],
  { flags = [], env = {}, echo = false }: TestOptions = {},
): Promise<Result> {
  const missing = Object.entries(env).filter(([variable]) => !Deno.env.has(variable));
  const { code, output } = await run(["test", "--allow-all", "--no-check", ...flags, ...paths], {
    echo,
    env: Object.fromEntries(missing),
  });
  const summary = [...output.matchAll(/^(?:ok|FAILED) \| .*$/gm)].at(-1)?.[0] ?? "";
  const number = (what: string) => Number(summary.match(new RegExp(`(\\d+) ${what}`))?.[1] ?? 0);
  const [passed, failed, ignored] = ["passed", "failed", "ignored"].map(number);
  const nothing = passed + failed + ignored === 0;
  return {
    passed,
    failed: Math.max(failed, code === 0 && !nothing ? 0 : 1),
    ignored,
    output: echo ? "" : output,
  };
}

/** Rooms whose tests start processes or take long: each file is a suite. The tests of another room are one. */
const APART = [
  "clients",
  "crash",
  "e2e",
  "node",
  "npm",
  "page",
  "playground",
  "properties",
  "stretch",
  "types",
  "worker",
];

/** About how long suites take, in seconds, where it is far from 3. What is wrong here costs time, nothing else. */
const SECONDS: Readonly<Record<string, number>> = {
  "check: examples in documentation, README and docs": 60,
  "check: types": 40,
  "check: types of the library, with nothing but the web platform": 15,
  "check: documentation of every public symbol": 15,
  "check: publish": 15,
  "check: reference": 10,
  "check: links": 3,
  "command line: tests/cli/programs.ts": 45,
  "crashes: tests/crash/by_key_test.ts": 8,
  "crashes: tests/crash/source_changed_test.ts": 8,
  "frameworks: tests/npm/frameworks.ts": 70,
  "interop: tests/clients/interop_fake_gcs_server.ts": 40,
  "interop: tests/clients/interop_gapic.ts": 25,
  "interop: tests/clients/interop_parts.ts": 60,
  "interop: tests/clients/interop_python.ts": 40,
  "interop: tests/clients/interop_s3.ts": 60,
  "interop: tests/clients/interop_tickets.ts": 5,
  "interop: tests/clients/interop_tus.ts": 60,
  "migrations: tests/npm/migrations.ts": 100,
  "migrations: tests/npm/migrations_servers.ts": 60,
  "package: tests/npm/package.ts": 60,
  "portable: bun": 40,
  "portable: chromium": 80,
  "portable: deno": 60,
  "portable: node": 50,
  "portable: workerd": 60,
  "soak: tests/soak/soak.ts": 70,
  "tests/clients/tus_test.ts": 20,
  "tests/clients/tus_workerd_test.ts": 15,
  "tests/node/node_test.ts": 45,
  "tests/page/browser_test.ts": 30,
  "tests/parallel": 12,
  "tests/playground/browser_test.ts": 30,
  "tests/proxy": 20,
  "tests/stretch/leaks_test.ts": 20,
  "tests/stretch/slow_test.ts": 9,
  "tests/types/types_test.ts": 12,
  "tests/upload": 15,
  "tests/worker/cost_test.ts": 15,
  "tests/worker/framing_test.ts": 15,
  "tests/worker/hostile_test.ts": 15,
  "tests/worker/streaming_test.ts": 15,
};

/** The tests under tests/. */
export async function unitSuites(): Promise<Suite[]> {
  const files = (await repositoryFiles()).filter((path) => /^tests\/.*_test\.ts$/.test(path));
  const suites = Map.groupBy(files, (path) => {
    const [, room, ...rest] = path.split("/");
    return rest.length === 0 ? "tests" : APART.includes(room) ? path : `tests/${room}`;
  });
  return [...suites].map(([name, paths]) => ({
    name,
    seconds: SECONDS[name] ?? 3,
    run: () => denoTest(paths),
  }));
}

/** The portable suite in each runtime; what was prepared for it goes with `end`. */
export function portableSuites(): { readonly suites: Suite[]; end(): Promise<void> } {
  let prepared: Promise<Portable> | undefined;
  const outcomes: PortableOutcome[] = [];
  const suites = runtimes.map((runtime): Suite => ({
    name: `portable: ${runtime.name}`,
    seconds: SECONDS[`portable: ${runtime.name}`] ?? 40,
    async run() {
      const portable = await (prepared ??= preparePortable());
      const outcome = await portable.run(runtime);
      const before = outcomes.length === 0 ? { passed: 0, failed: 0 } : count(outcomes);
      outcomes.push(outcome);
      const after = count(outcomes); // with the cases that one runtime has and another has not
      return {
        passed: after.passed - before.passed,
        failed: after.failed - before.failed,
        output: describe(outcomes.slice(-1)),
      };
    },
  }));
  return { suites, end: async () => await (await prepared)?.[Symbol.asyncDispose]() };
}

/** What takes minutes, or installs programs of other people. */
const LONG: Readonly<Record<string, TestOptions & { readonly paths: readonly string[] }>> = {
  properties: {
    paths: [
      "tests/properties/",
      "tests/stretch/random_test.ts",
      "tests/parallel/upload_many_random_test.ts",
    ],
    env: { PROPERTY_RUNS: "5" },
  },
  crashes: { paths: ["tests/crash/"], env: { CRASHES: "25" } },
  interop: {
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
  playground: { paths: ["tests/playground/browser_more.ts", "tests/playground/code_compiles.ts"] },
  accessibility: { paths: ["tests/page/axe.ts"] },
  "command line": {
    paths: ["tests/cli/programs.ts", "tests/cli/kills.ts"],
    env: { CRASHES: "25" },
  },
  package: { paths: ["tests/npm/package.ts"] },
  frameworks: { paths: ["tests/npm/frameworks.ts"] },
  migrations: { paths: ["tests/npm/migrations.ts", "tests/npm/migrations_servers.ts"] },
  soak: {
    paths: ["tests/soak/soak.ts"],
    flags: ["--v8-flags=--expose-gc"],
    env: { SOAK_SECONDS: "20" },
  },
};

/** The steps of `deno task check` whose names contain one of `parts`, or all. */
export function checkSuites(parts: readonly string[] = []): Suite[] {
  return steps
    .filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)))
    .map(({ name, check }) => ({
      name: `check: ${name}`,
      seconds: SECONDS[`check: ${name}`] ?? 3,
      async run() {
        const problem = await check();
        return { passed: problem ? 0 : 1, failed: problem ? 1 : 0, output: problem };
      },
    }));
}

/** The long suites whose names contain one of `parts`, or all; each file runs by itself. */
export async function longSuites(parts: readonly string[] = []): Promise<Suite[]> {
  const files = await repositoryFiles();
  return Object.entries(LONG).flatMap(([group, { paths, ...options }]) =>
    paths.flatMap((path) => path.endsWith("/") ? testsIn(path, files) : [path])
      .map((path): Suite => ({
        name: `${group}: ${path}`,
        seconds: SECONDS[`${group}: ${path}`] ?? 20,
        run: () => denoTest([path], options),
      }))
  ).filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
}

const testsIn = (folder: string, files: readonly string[]): string[] =>
  files.filter((path) => path.startsWith(folder) && path.endsWith("_test.ts"));
