// Programs in Node, Bun and Deno, each in a process of its own.

import { bunProgram, ROOT } from "./runtimes.ts";

/** How a script is run in a runtime: the program, and what comes before the script. */
export function commandOf(runtime: string): [program: string, ...args: string[]] {
  if (runtime === "node") return ["node"];
  if (runtime === "deno") return [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-config"];
  return [bunProgram, "--no-install", "run"];
}

/** What a program writes; it has to succeed within `limit`, in milliseconds. */
export async function output(
  program: string,
  args: string[],
  { limit, cwd = ROOT }: { limit: number; cwd?: string },
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
  }, limit);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder().decode(stdout);
  if (code === 0) return text;
  const end = late ? `did not end within ${limit} ms` : `ended with code ${code}`;
  throw new Error(`${program} ${end}\n${text}${new TextDecoder().decode(stderr)}`);
}
