// Google's client for Gemini, as its users install it.

import { fileURLToPath } from "node:url";
import { runProgram } from "../support/programs.ts";

const FOLDER = new URL("genai/", import.meta.url);
const SCRIPT = fileURLToPath(new URL("upload.mjs", FOLDER));

/** Installs what genai/deno.json names, once. */
let installed: Promise<unknown> | undefined;
const install = () =>
  installed ??= runProgram(Deno.execPath(), ["install", "--quiet"], { cwd: FOLDER });

/** What `files.upload` is to do. */
export interface GenaiJob {
  readonly origin: string;
  readonly size: number;
  /** What it sends as its API key. */
  readonly key?: string;
  readonly type?: string;
}

/** Uploads in Node; says what came of it. */
export async function runGenai(job: GenaiJob): Promise<string> {
  await install();
  return (await runProgram("node", [SCRIPT, JSON.stringify(job)])).trim();
}
