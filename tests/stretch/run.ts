// Runs a program in Node, Bun or Deno, in a process of its own.

import { fileURLToPath } from "node:url";
import { RUNTIMES } from "../support/runtimes.ts";
import { commandOf, output } from "../support/runtime_program.ts";

/** The runtimes with files. */
export const NAMES: readonly string[] = ["node", "bun", "deno"];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A program of the folder `programs`, bundled for all three. */
export interface Program extends AsyncDisposable {
  /** Runs it and returns what it reports. It has to end by itself. */
  run<R>(runtime: string, ...args: string[]): Promise<R>;
}

/** Bundles a program. */
export async function program(name: string): Promise<Program> {
  const folder = await Deno.makeTempDir({ prefix: "stretch-" });
  const file = `${folder}/${name}.mjs`;
  const source = here(`programs/${name}.ts`);
  const options = ["--quiet", "--platform=deno", "--external", "node:*", "--output", file];
  await output(Deno.execPath(), ["install", "--quiet"], { cwd: RUNTIMES });
  await output(Deno.execPath(), ["bundle", ...options, source]);
  return {
    async run(runtime, ...args) {
      const [command, ...first] = commandOf(runtime);
      const text = await output(command, [...first, file, ...args]);
      return JSON.parse(/^report (\{.*\})$/m.exec(text)![1]);
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
