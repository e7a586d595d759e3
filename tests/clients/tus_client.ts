// tus-js-client in Node, in the versions that are tried.

import { fileURLToPath } from "node:url";
import { has, runProgram } from "../support/programs.ts";

const FOLDER = new URL("tus/", import.meta.url);
/** What runs there. */
export const SCRIPT: string = fileURLToPath(new URL("upload.mjs", FOLDER));

/** The folder of each version. */
export const VERSIONS = { v4: "tus-js-client 4.3.1", v5: "tus-js-client 5.0.0-pre2" } as const;

/** One of them. */
export type Version = keyof typeof VERSIONS;

/** All of them. */
export const versions: readonly Version[] = ["v4", "v5"];

/** Whether nothing can be tried. */
export const ignore: boolean = !has("node");
if (ignore) console.log("tests/clients: tus-js-client is left out: there is no `node`");

/** An upload: what the client is told. */
export interface TusJob {
  /** In bytes. */
  readonly size: number;
  /** The default is a buffer. */
  readonly source?: "buffer" | "stream" | "file" | "blob" | "webStream";
  /** The client's own options. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The client is aborted when so many bytes are stored. */
  readonly abortAfter?: number;
  /** What comes after it. */
  readonly then?: "resume" | "find" | "terminate";
}

const installed = new Map<Version, Promise<unknown>>();

/** Installs a version, once. */
export async function install(version: Version): Promise<void> {
  if (!installed.has(version)) {
    const options = { cwd: new URL(`${version}/`, FOLDER) };
    installed.set(version, runProgram(Deno.execPath(), ["install", "--quiet"], options));
  }
  await installed.get(version);
}

/** Runs the client and gives what it says. */
export async function runTus(
  version: Version,
  { proxy, bucket, ticket }: { proxy: string; bucket: string; ticket: string },
  { source = "buffer", ...job }: TusJob,
): Promise<string> {
  await install(version);
  const text = JSON.stringify({ version, proxy, bucket, ticket, source, ...job });
  return (await runProgram("node", [SCRIPT, text])).trim();
}
