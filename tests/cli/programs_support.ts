// What tests of the command line as a program share: the program in each runtime, a folder, and a slow Google on a socket.

import { fileURLToPath } from "node:url";
import { slowGoogle } from "../crash/support.ts";
import { RUNTIMES } from "../support/runtimes.ts";
import { patterned } from "../support/bytes.ts";
import { commandOf, output } from "../support/runtime_program.ts";

/** The size of `big`. */
export const SIZE: number = 12 * 1024 * 1024 + 5;
/** What is in it. */
export const content: Uint8Array<ArrayBuffer> = patterned(SIZE);

/** Where a program runs. */
export interface Program {
  readonly folder: string;
  readonly google: Awaited<ReturnType<typeof slowGoogle>>;
  readonly env: Record<string, string>;
  /** The program and its first arguments. */
  readonly command: readonly [string, ...string[]];
}

let bundled: Promise<string> | undefined;

/** The program as one file, which Node and Bun run without having the packages installed. */
function bundle(): Promise<string> {
  return bundled ??= (async () => {
    await output(Deno.execPath(), ["install", "--quiet"], { cwd: RUNTIMES });
    const folder = await Deno.makeTempDir({ prefix: "cli-bundle-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    const entry = fileURLToPath(new URL("../../src/cli/mod.ts", import.meta.url));
    const module = `${folder}/cli.mjs`;
    const args = ["bundle", "--quiet", "--platform=deno", "--external", "node:*"];
    await output(Deno.execPath(), [...args, "--output", module, entry]);
    const main = `import { main } from "./cli.mjs";\nprocess.exitCode = await main();\n`;
    await Deno.writeTextFile(`${folder}/bin.mjs`, `import process from "node:process";\n${main}`);
    return `${folder}/bin.mjs`;
  })();
}

/** A folder with `big` in it, for a program of that runtime. */
export async function inRuntime(
  runtime: string,
  use: (program: Program) => Promise<void>,
): Promise<void> {
  const bin = await bundle();
  const folder = await Deno.makeTempDir({ prefix: "cli-program-" });
  await using google = await slowGoogle();
  try {
    await Deno.writeFile(`${folder}/big`, content);
    const env = {
      XDG_STATE_HOME: `${folder}/state`,
      STORAGE_EMULATOR_HOST: google.origin,
      NO_COLOR: "1",
      TERM: "xterm",
    };
    const [program, ...args] = commandOf(runtime);
    await use({ folder, google, env, command: [program, ...args, bin] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts the program. */
export function start(
  { command: [program, ...first], folder, env }: Program,
  args: readonly string[],
): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: [...first, ...args],
    cwd: folder,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** How it ends, and what it says. */
export async function ended(
  child: Deno.ChildProcess,
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Whether `big` is stored. */
export function isWhole({ google }: Program, name: string): boolean {
  const bytes = google.gcs.get("my-bucket", name)?.bytes;
  return bytes?.length === SIZE && bytes.every((byte, i) => byte === content[i]);
}
