/**
 * What an application takes on by importing the library: the bytes of its bundle, and the time that a fresh process
 * takes to import it, beside other clients.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import { BUNDLE_ARGS, weigh, type Weight } from "../tools/size.ts";
import { alternate, median, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import {
  BUILD,
  bundle,
  CLIENT_RUNTIMES,
  type ClientRuntime,
  measured,
  NAMES,
  PEERS,
  runtimeCommand,
} from "./support/programs.ts";
import { ratioTo, smallest, table } from "./support/table.ts";

/** What was measured. */
export interface SizeResult {
  readonly modules: readonly ModuleSize[];
}

/** What was measured of one module. */
export interface ModuleSize extends Weight {
  readonly name: string;
  /** How long a fresh process takes to import its bundle, beyond an empty module, in milliseconds. */
  readonly imports: Readonly<Record<ClientRuntime, number>>;
}

/** What is measured. */
interface Module {
  readonly name: string;
  /** A file of ours, by its path from the root of the repository; a package, by its name, if left out. */
  readonly entry?: string;
  /** How `deno bundle` makes what is weighed, and what is imported. */
  readonly weighed: readonly string[];
  readonly imported: readonly string[];
}

const OURS = { weighed: BUNDLE_ARGS, imported: BUNDLE_ARGS };
const CONFIG = `--config=${PEERS}deno.json`;

const MODULES: readonly Module[] = [
  { name: "@resumable-media/upload", entry: "mod.ts", ...OURS },
  { name: "@resumable-media/upload/auth", entry: "src/auth/mod.ts", ...OURS },
  { name: "@resumable-media/upload/worker", entry: "src/worker.ts", ...OURS },
  { name: "tus-js-client", weighed: [CONFIG, "--platform=browser"], imported: [CONFIG] },
  { name: "@google-cloud/storage", weighed: [CONFIG], imported: [CONFIG] },
];

const ROOT = new URL("../", import.meta.url);

/** More than elsewhere: imports are short, and a process is started for each. */
const STARTS = 4 * ROUNDS + 1;

/** The benchmark. */
export const sizeBench: Bench<SizeResult> = { run, render };

async function run(): Promise<SizeResult> {
  await Deno.mkdir(BUILD, { recursive: true });
  const nothing = `${BUILD}nothing.mjs`;
  await Deno.writeTextFile(nothing, "export {};\n");
  const scripts: Record<string, string> = { "": await scriptThatImports(nothing) };
  const weights: Record<string, Weight> = {};
  for (const module of MODULES) {
    const path = module.entry
      ? fileURLToPath(new URL(module.entry, ROOT))
      : await reexport(module.name);
    weights[module.name] = await weigh(pathToFileURL(path).href, module.weighed);
    scripts[module.name] = await scriptThatImports(await bundle(path, module.imported));
  }
  const imports: Record<string, Record<string, number>> = {};
  for (const runtime of CLIENT_RUNTIMES) imports[runtime] = await importTimes(runtime, scripts);
  const modules = MODULES.map(({ name }): ModuleSize => {
    const times = CLIENT_RUNTIMES.map((runtime) => [runtime, imports[runtime][name]]);
    return { name, ...weights[name], imports: Object.fromEntries(times) };
  });
  return { modules };
}

/** Writes a module that is all of a package. */
async function reexport(name: string): Promise<string> {
  const path = `${BUILD}${name.replace("/", "-")}.ts`;
  await Deno.writeTextFile(path, `export * from "${name}";\n`);
  return path;
}

/** Writes a program that prints how long it takes to import a module, in milliseconds. */
async function scriptThatImports(path: string): Promise<string> {
  const script = path.replace(/\.mjs$/, "-import.mjs");
  const lines = [
    "const start = performance.now();",
    `await import("${pathToFileURL(path).href}");`,
    "console.log(performance.now() - start);",
  ];
  await Deno.writeTextFile(script, lines.join("\n"));
  return script;
}

/** How much longer the import of each script takes than that of the script with an empty name, in milliseconds. */
async function importTimes(
  runtime: ClientRuntime,
  scripts: Readonly<Record<string, string>>,
): Promise<Record<string, number>> {
  const programs: Record<string, () => Promise<number>> = {};
  for (const [name, script] of Object.entries(scripts)) {
    programs[name] = () => measured([...runtimeCommand(runtime), script]);
  }
  await alternate(programs, 1); // fills the caches
  const times = await alternate(programs, STARTS);
  const beyond = (name: string) => median(times[name]) - median(times[""]);
  return Object.fromEntries(
    Object.keys(scripts).map((name) => [name, Math.round(10 * beyond(name)) / 10]),
  );
}

function render({ modules }: SizeResult): string {
  const isPeer = new Set(
    MODULES.filter(({ entry }) => entry === undefined).map(({ name }) => name),
  );
  const best = smallest(modules.filter(({ name }) => isPeer.has(name)).map(({ gzip }) => gzip));
  const isClient = (name: string) => isPeer.has(name) || name === MODULES[0].name; // a client's job as a whole
  const rows = modules.map(({ name, minified, gzip, imports }) => [
    name,
    kilobytes(minified),
    kilobytes(gzip),
    isClient(name) ? ratioTo(gzip, best) : "",
    ...CLIENT_RUNTIMES.map((runtime) => imports[runtime].toFixed(1)),
  ]);
  const head = ["", "minified, kB", "gzip, kB", "by the smallest peer"];
  for (const runtime of CLIENT_RUNTIMES) head.push(`import in ${NAMES[runtime]}, ms`);
  return "Each in one file with all that it loads at once, the bytes of `tus-js-client` those of its build for browsers. " +
    "Import times are those of a fresh process, beyond that of an empty module.\n\n" +
    table(head, rows);
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
