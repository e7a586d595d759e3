// The runtimes of the portable suite, and the command that starts it in each of them.

import { fileURLToPath } from "node:url";

/** How to run the suite somewhere. The command is given a context (JSON) and the path of the bundle. */
export interface Runtime {
  /** In lower case. */
  name: string;
  /** The program and its first arguments. */
  command: string[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The root of the repository. */
export const ROOT: string = here("../../");

/** The folder whose deno.json names the runtimes that come from npm. */
export const RUNTIMES: string = here("./runtimes/");

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
  { name: "deno", command: deno(`${ROOT}deno.json`, "runtimes/run_deno.ts") },
  { name: "node", command: ["node", here("runtimes/run_node.mjs")] },
  {
    name: "bun",
    command: [
      here("runtimes/node_modules/bun/bin/bun.exe"), // its name on every system
      "--no-install",
      here("runtimes/run_bun.ts"),
    ],
  },
  { name: "workerd", command: deno(`${RUNTIMES}deno.json`, "runtimes/run_workerd.ts") },
  { name: "chromium", command: deno(`${RUNTIMES}deno.json`, "runtimes/run_browser.ts") },
];
