/**
 * How fast CRC32C is computed: ours, with WebAssembly and without, beside a table read byte by byte, what other clients
 * use, and native code. Each is measured in fresh processes, which take turns.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { ROOT, runtimes } from "../tests/support/runtimes.ts";
import { SIZES } from "./crc32c/measure.ts";
import type { Implementation, Measured } from "./crc32c/program.ts";
import type { WebImplementation } from "./crc32c/web.ts";
import { alternate, medianOf } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import {
  bundle,
  CLIENT_RUNTIMES,
  measured,
  NAMES,
  output,
  PEERS,
  runtimeCommand,
} from "./support/programs.ts";
import { largest, mbps, mib, ratioTo, table, UNKNOWN } from "./support/table.ts";

/** What was measured. */
export interface Crc32cResult {
  /** Bytes of one call. */
  readonly sizes: readonly number[];
  readonly runtimes: readonly Crc32cSpeeds[];
}

/** What was measured in one runtime. */
export interface Crc32cSpeeds {
  /** The name of the runtime, for people. */
  readonly runtime: string;
  /** Bytes a second in the order of the sizes; `null` where an implementation does not load, nothing where it has no place. */
  readonly speeds: Readonly<Partial<Record<Implementation, readonly number[] | null>>>;
}

/** The implementations in the order of the table, as its head calls them. */
const HEAD: Readonly<Record<Implementation, string>> = {
  bytewise: "a table, bytewise",
  aws: "@aws-crypto/crc32c",
  google: "@google-cloud/storage",
  javascript: "ours, JavaScript",
  webAssembly: "ours, WebAssembly",
  native: "@node-rs/crc32, native",
};

const IMPLEMENTATIONS = Object.keys(HEAD) as Implementation[];
const WEB_IMPLEMENTATIONS: readonly WebImplementation[] = ["bytewise", "javascript"];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The benchmark. */
export const crc32cBench: Bench<Crc32cResult> = { run, render };

async function run(): Promise<Crc32cResult> {
  const found: Crc32cSpeeds[] = [];
  const program = await bundle(here("crc32c/program.ts"));
  for (const runtime of CLIENT_RUNTIMES) {
    const speeds = await compare(
      IMPLEMENTATIONS,
      (name) => measured<Measured>([...runtimeCommand(runtime), program, name, PEERS]),
      (name, problem) =>
        console.log(`${HEAD[name]} does not load in ${NAMES[runtime]}: ${problem}`),
    );
    found.push({ runtime: NAMES[runtime], speeds });
  }
  const module = await bundle(here("crc32c/web.ts"), ["--platform=browser"]);
  for (const [name, title] of [["workerd", NAMES.workerd], ["chromium", "Chromium"]]) {
    const [command, ...args] = runtimes.find((runtime) => runtime.name === name)!.command;
    const speeds = await compare(WEB_IMPLEMENTATIONS, async (name) => {
      const text = await output([command, ...args, JSON.stringify({ name }), module], {
        cwd: ROOT,
      });
      return JSON.parse(text.match(/^report (\{.*\})$/m)![1]);
    });
    found.push({ runtime: title, speeds });
  }
  return { sizes: SIZES, runtimes: found };
}

/** Measures the implementations in turn; the medians. */
async function compare<Name extends Implementation>(
  names: readonly Name[],
  measureOne: (name: Name) => Promise<Measured>,
  missing?: (name: Name, problem: string) => void,
): Promise<Crc32cSpeeds["speeds"]> {
  const programs = Object.fromEntries(names.map((name) => [name, () => measureOne(name)]));
  const speeds: Partial<Record<Implementation, readonly number[] | null>> = {};
  for (const [name, results] of Object.entries(await alternate(programs))) {
    const loaded = results.flatMap((result) => "speeds" in result ? [result.speeds] : []);
    const problem = results.find((result) => "problem" in result)?.problem;
    if (problem !== undefined) missing?.(name as Name, problem);
    speeds[name as Name] = problem !== undefined
      ? null
      : SIZES.map((_, i) => medianOf(loaded, (speeds) => speeds[i]));
  }
  return speeds;
}

function render({ sizes, runtimes }: Crc32cResult): string {
  const rows = runtimes.flatMap(({ runtime, speeds }) =>
    sizes.map((size, i) => {
      const fastest = (names: readonly Implementation[]) =>
        largest(names.flatMap((name) => speeds[name]?.[i] ?? []));
      const ours = fastest(["javascript", "webAssembly"]);
      const by = (names: readonly Implementation[]) =>
        ours === undefined ? UNKNOWN : ratioTo(ours, fastest(names));
      return [
        `${runtime}, ${sizeOf(size)}`,
        ...IMPLEMENTATIONS.map((name) => speeds[name] ? mbps(speeds[name][i]) : UNKNOWN),
        by(["aws", "google"]),
        by(["native"]),
      ];
    })
  );
  const head = ["", ...Object.values(HEAD), "ours by the best peer", "by native"];
  return `MB/s, by the bytes of one call. In workers and in pages ours uses no WebAssembly. By others: the faster one of ours.\n\n${
    table(head, rows)
  }`;
}

function sizeOf(bytes: number): string {
  return bytes < 1_048_576 ? `${bytes / 1024} KiB` : `${mib(bytes)} MiB`;
}
