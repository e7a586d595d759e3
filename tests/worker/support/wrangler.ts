// Cloudflare's tool, from npm., in the version that examples/cloudflare asks for.

import { fileURLToPath } from "node:url";
import { deno } from "../../support/example_project.ts";

const FOLDER = fileURLToPath(new URL("../wrangler/", import.meta.url));

/** Runs wrangler to its end; returns what it printed. */
export async function wrangler(cwd: string, ...args: string[]): Promise<string> {
  await deno(["install", "--quiet"], { cwd: FOLDER });
  return await deno([
    "run",
    "--quiet",
    "--allow-all",
    "--no-check",
    `--config=${FOLDER}deno.json`,
    `${FOLDER}node_modules/wrangler/wrangler-dist/cli.js`,
    ...args,
  ], { cwd, env: { WRANGLER_SEND_METRICS: "false", CI: "true" } });
}
