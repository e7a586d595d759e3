// Runs a program in Node, Bun or Deno, in a process of its own.

import { fileURLToPath } from "node:url";
import { ROOT, RUNTIMES, runtimes } from "../portable/runtimes.ts";

/** The runtimes with files. */
export const NAMES: readonly string[] = ["node", "bun", "deno"];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A program may take this long, in milliseconds. */
const TIME_LIMIT = 50_000;

function commandOf(runtime: string): [program: string, ...args: string[]] {
  if (runtime === "node") return ["node"];
  if (runtime === "deno") return [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-config"];
  const { command: [program] } = runtimes.find(({ name }) => name === runtime)!;
  return [program, "--no-install", "run"];
}

async function output(program: string, args: string[], cwd = ROOT): Promise<string> {
  const child = new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, TIME_LIMIT);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(limit);
  const text = new TextDecoder().decode(stdout);
  if (code === 0) return text;
  const end = late ? `did not end within ${TIME_LIMIT} ms` : `ended with code ${code}`;
  throw new Error(`${program} ${end}\n${text}${new TextDecoder().decode(stderr)}`);
}

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
  await output(Deno.execPath(), ["install", "--quiet"], RUNTIMES);
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
