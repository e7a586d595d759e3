// The worker on a server with Node, as examples/node deploys it.

import { fileURLToPath } from "node:url";
import { output } from "../../support/runtime_program.ts";
import { type ServerProcess, startServer } from "../../support/server_process.ts";

const ENTRY = fileURLToPath(new URL("../../../examples/node/index.ts", import.meta.url));

/** Bundles the example into a folder, and starts it with these settings on a free port of 127.0.0.1. */
export async function startNodeWorker(
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const program = `${folder}/index.mjs`;
  const args = ["bundle", "--quiet", "--platform=deno", "--external", "node:*"];
  await output(Deno.execPath(), [...args, "--output", program, ENTRY]);
  return await startServer({
    command: ["node", program],
    cwd: folder,
    env: { ...env, PORT: "0" },
    ready: /(http:\/\/[^\s/]+)/,
  });
}
