// Programs in Node, Bun and Deno, each in a process of its own.

import { bunProgram, ROOT } from "./runtimes.ts";

/** How a script is run in a runtime: the program, and what comes before the script. */
export function commandOf(runtime: string): [program: string, ...args: string[]] {
  if (runtime === "node") return ["node"];
  if (runtime === "deno") return [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-config"];
  return [bunProgram, "--no-install", "run"];
}

/** A program that has not ended after so long hangs, however busy the machine is; in milliseconds. */
const LIMIT = 300_000;

/** What a program writes; it has to succeed. */
export async function output(
  program: string,
  args: string[],
  { cwd = ROOT }: { cwd?: string } = {},
): Promise<string> {
  const child = new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, LIMIT);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder().decode(stdout);
  if (code === 0) return text;
  const end = late ? `did not end within ${LIMIT} ms` : `ended with code ${code}`;
  throw new Error(`${program} ${end}\n${text}${new TextDecoder().decode(stderr)}`);
}
