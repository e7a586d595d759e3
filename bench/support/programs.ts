/** Programs in fresh processes, in the runtimes that are compared. */

import { fileURLToPath } from "node:url";
import { ROOT, RUNTIMES } from "../../tests/portable/runtimes.ts";
import { Skipped } from "./bench.ts";

/** The runtimes that a client program is measured in. */
export type ClientRuntime = "node" | "deno" | "bun";

/** All of them. */
export const CLIENT_RUNTIMES: readonly ClientRuntime[] = ["node", "deno", "bun"];

/** How they are called. */
export const NAMES: Readonly<Record<ClientRuntime | "workerd", string>> = {
  node: "Node",
  deno: "Deno",
  bun: "Bun",
  workerd: "workerd",
};

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The folder of the packages that we are compared with; its `deno.json` names them. */
export const PEERS: string = here("../peers/");

/** A folder for what is built; git ignores it. */
export const BUILD: string = here("../../.tmp/bench/");

/** The start of the command that runs a script there. */
export function runtimeCommand(runtime: ClientRuntime): [program: string, ...args: string[]] {
  switch (runtime) {
    case "node":
      return ["node"];
    case "deno":
      return [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-check"];
    case "bun":
      return [`${RUNTIMES}node_modules/bun/bin/bun.exe`, "--no-install"];
  }
}

/** Runs a command to its end and returns what it wrote to its standard output, trimmed; an error with the rest if it fails. */
export async function output(
  [program, ...args]: readonly [string, ...string[]],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const command = new Deno.Command(program, { ...options, args, stdin: "null" });
  const { success, code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (success) return decode(stdout);
  throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${decode(stderr)}`);
}

/** Runs a command whose last line is JSON, and returns that. */
export async function measured<T>(
  command: readonly [string, ...string[]],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<T> {
  return JSON.parse((await output(command, options)).split("\n").at(-1)!);
}

let runtimes: Promise<unknown> | undefined;
let peers: Promise<unknown> | undefined;

/** Installs the runtimes that come from npm, once. */
export async function installRuntimes(): Promise<void> {
  await (runtimes ??= output([Deno.execPath(), "install", "--quiet"], { cwd: RUNTIMES }));
}

/** Installs the packages that we are compared with, once. */
export async function installPeers(): Promise<void> {
  await (peers ??= output([Deno.execPath(), "install", "--quiet"], { cwd: PEERS }));
}

/** Bundles a script into one module that every runtime can run, and returns its path. */
export async function bundle(path: string, args: readonly string[] = []): Promise<string> {
  await Deno.mkdir(BUILD, { recursive: true });
  const name = path.replace(ROOT, "").replaceAll("/", "-").replace(/\.ts$/, ".mjs");
  const target = BUILD + name;
  await output([Deno.execPath(), "bundle", "--quiet", ...args, `--output=${target}`, path]);
  return target;
}

/** Whether a program can be started. */
export function has(program: string, version = "--version"): boolean {
  try {
    const args = [version];
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Ends the benchmark where a program that it needs is missing. */
export function need(program: string, version?: string): void {
  if (!has(program, version)) throw new Skipped(`there is no \`${program}\``);
}
