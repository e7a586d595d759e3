/**
 * The worker and the bare pass-through in each runtime, each in a process of its own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { goProgram, has } from "../../tests/support/programs.ts";
import { bunProgram } from "../../tests/support/runtimes.ts";
import { type ServerProcess, startServer } from "../../tests/support/server_process.ts";
import type { Project } from "../../tests/support/example_project.ts";
import { type RuntimeName, startWorker, startWorkerd } from "../../tests/support/worker_process.ts";

/** The version of tusd. */
export const TUSD = "2.9.1";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const ORIGIN = /(http:\/\/127\.0\.0\.1:\d+)/;

/** Starts the worker, open to everybody, with its log written as always. */
export function startProxy(
  project: Project,
  runtime: RuntimeName,
  upstream: string,
): Promise<ServerProcess> {
  return startWorker(project, runtime, {
    GCS_BUCKET: "bucket",
    GCS_ENDPOINT: upstream,
    GOOGLE_AUTH: "none",
    ALLOW_ANONYMOUS: "true",
    SESSION_SECRET: crypto.getRandomValues(new Uint8Array(32)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    }),
  });
}

/** Starts the bare pass-through. */
export function startPassThrough(runtime: RuntimeName, upstream: string): Promise<ServerProcess> {
  const script = here("pass_through.js");
  if (runtime === "workerd") return startWorkerd(script, { UPSTREAM: upstream });
  const command: [string, ...string[]] = runtime === "bun"
    ? [bunProgram, "--no-install", script]
    : [
      Deno.execPath(),
      "serve",
      "--allow-net",
      "--allow-env",
      "--host=127.0.0.1",
      "--port=0",
      script,
    ];
  const env = { UPSTREAM: upstream, NODE_ENV: "production" };
  return startServer({ command, cwd: here("."), env, ready: ORIGIN });
}

/** Servers of tus that people run, with what they store in a folder; and what to install for those that are not there. */
export async function tusServers(folder: string): Promise<{
  readonly servers: Record<string, () => Promise<ServerProcess>>;
  readonly missing: Record<string, string>;
}> {
  const missing: Record<string, string> = {};
  const servers: Record<string, () => Promise<ServerProcess>> = {};
  if (has("node")) {
    const script = fileURLToPath(new URL("../peers/tus_server.mjs", import.meta.url));
    servers[TUS_NODE] = () =>
      startServer({
        command: ["node", script],
        cwd: folder,
        env: { FOLDER: folder, NODE_ENV: "production" },
        ready: ORIGIN,
      });
  } else missing[TUS_NODE] = "`node`";
  if (!has("go", "version")) return { servers, missing: { ...missing, [TUSD_GO]: "`go`" } };
  const tusd = await goProgram("tusd", `github.com/tus/tusd/v2/cmd/tusd@v${TUSD}`);
  if ("reason" in tusd) throw new Error(tusd.reason);
  const command = ["-host=127.0.0.1", "-port=0", `-upload-dir=${folder}`, "-base-path=/files/"];
  servers[TUSD_GO] = () =>
    startServer({
      command: [tusd.path, ...command],
      cwd: folder,
      ready: /files to: (http:.*)\/files/,
    });
  return { servers, missing };
}

const TUS_NODE = "`@tus/server` in Node, file store";
const TUSD_GO = "tusd in Go, file store";
