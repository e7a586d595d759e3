/** Programs in fresh processes, in the runtimes that are compared. */

import { fileURLToPath } from "node:url";
import { has, type Installed, python, runProgram } from "../../tests/support/programs.ts";
import { bunProgram, ROOT } from "../../tests/support/runtimes.ts";
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

/** How long any program may take, in seconds. */
const LIMIT = 600;

/** The environment of Google's clients; nothing measured goes through a proxy of this machine. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  NO_PROXY: [Deno.env.get("NO_PROXY") ?? [], "127.0.0.1"].flat().join(","),
  // Otherwise Python's asks about the bucket, once a process, for traces: on the side, in a thread of its own.
  DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA: "true",
};

/** The start of the command that runs a script there. */
export function runtimeCommand(runtime: ClientRuntime): [program: string, ...args: string[]] {
  switch (runtime) {
    case "node":
      return ["node"];
    case "deno":
      return [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-check"];
    case "bun":
      return [bunProgram, "--no-install"];
  }
}

/** Runs a command to its end and returns what it wrote to its standard output, trimmed; an error with the rest if it fails. */
export async function output(
  [program, ...args]: readonly [string, ...string[]],
  options: { cwd?: string; seconds?: number | undefined } = {},
): Promise<string> {
  const { seconds = LIMIT, ...rest } = options;
  return (await runProgram(program, args, { ...rest, env: ENVIRONMENT, seconds })).trim();
}

/** Runs a command whose last line is JSON, and returns that. */
export async function measured<T>(
  command: readonly [string, ...string[]],
  seconds?: number,
): Promise<T> {
  return JSON.parse((await output(command, { seconds })).split("\n").at(-1)!);
}

/** Installs the packages that we are compared with, if they are not there. */
export async function installPeers(): Promise<void> {
  await output([Deno.execPath(), "install", "--quiet"], { cwd: PEERS });
  await findPython();
}

let pythonFound: Promise<Installed> | undefined;

/** A Python with Google's client; says so once where there is none. */
export async function findPython(): Promise<string | undefined> {
  const found = await (pythonFound ??= installPython());
  return "path" in found ? found.path : undefined;
}

async function installPython(): Promise<Installed> {
  const found = await python();
  if ("reason" in found) console.log(`skipped: ${found.reason}`);
  return found;
}

/** The version of Google's client for Python, if that is there. */
export async function pythonVersion(): Promise<string | null> {
  const found = await findPython();
  if (found === undefined) return null;
  const code =
    `import importlib.metadata; print(importlib.metadata.version("google-cloud-storage"))`;
  return await output([found, "-c", code]);
}

let javaBuilt: Promise<[string, ...string[]]> | undefined;

/**
 * The start of the command that runs a class of bench/peers/java, with Google's client, whose packages Maven fetches; `undefined`
 * where there is no Maven or no JDK.
 */
export async function findJava(): Promise<[program: string, ...args: string[]] | undefined> {
  if (!has("mvn") || !has("javac")) return undefined;
  return await (javaBuilt ??= buildJava());
}

async function buildJava(): Promise<[string, ...string[]]> {
  const [source, folder] = [`${PEERS}java`, `${BUILD}java`];
  const classPath = `${folder}:${folder}/lib/*`;
  const pom = ["-f", `${source}/pom.xml`, `-DoutputDirectory=${folder}/lib`];
  await output(["mvn", "-q", "-B", "dependency:copy-dependencies", ...pom]);
  const programs = ["Meter", "Upload", "Parallel"].map((name) => `${source}/${name}.java`);
  await output(["javac", "-cp", classPath, "-d", folder, ...programs]);
  return ["java", "-cp", classPath];
}

/** Bundles a script into one module that every runtime can run, and returns its path. */
export async function bundle(path: string, args: readonly string[] = []): Promise<string> {
  await Deno.mkdir(BUILD, { recursive: true });
  const name = path.replace(ROOT, "").replaceAll("/", "-").replace(/\.ts$/, ".mjs");
  const target = BUILD + name;
  await output([Deno.execPath(), "bundle", "--quiet", ...args, `--output=${target}`, path]);
  return target;
}

/** Ends the benchmark where a program that it needs is missing. */
export function need(program: string, version?: string): void {
  if (!has(program, version)) throw new Skipped(`there is no \`${program}\``);
}
