// Five runtimes, and the command that runs a module in each of them.

import { fileURLToPath } from "node:url";

/** How to run a module somewhere. The command is given a context (JSON) and the path of the module, whose `run` gets the context. */
export interface Runtime {
  /** In lower case. */
  name: string;
  /** What the module is: TypeScript as it stands, or one file for browsers, as `deno bundle` makes it. */
  takes: "source" | "bundle";
  /** The program and its first arguments. */
  command: string[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The root of the repository. */
export const ROOT: string = here("../../");

/** The folder whose deno.json names the runtimes that come from npm. */
export const RUNTIMES: string = here("./runtimes/");

/** Bun's program, which has this name on every system. */
export const bunProgram: string = `${RUNTIMES}node_modules/bun/bin/bun.exe`;

const deno = (config: string, script: string): string[] => [
  Deno.execPath(),
  "run",
  "--quiet",
  "--allow-all",
  "--no-check",
  `--config=${config}`,
  here(script),
];

/** The five runtimes. */
export const runtimes: Runtime[] = [
  { name: "deno", takes: "source", command: deno(`${ROOT}deno.json`, "runtimes/run_deno.ts") },
  { name: "node", takes: "bundle", command: ["node", here("runtimes/run_node.mjs")] },
  {
    name: "bun",
    takes: "source",
    command: [bunProgram, "--no-install", here("runtimes/run_bun.ts")],
  },
  {
    name: "workerd",
    takes: "bundle",
    command: deno(`${RUNTIMES}deno.json`, "runtimes/run_workerd.ts"),
  },
  {
    name: "chromium",
    takes: "bundle",
    command: deno(`${RUNTIMES}deno.json`, "runtimes/run_browser.ts"),
  },
];
