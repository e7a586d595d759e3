/**
 * The worker and the bare pass-through in each runtime, each in a process of its own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type ServerProcess, startServer } from "../../tests/worker/support/process.ts";
import type { Project } from "../../tests/worker/support/project.ts";
import {
  bunProgram,
  type RuntimeName,
  startWorker,
  startWorkerd,
} from "../../tests/worker/support/runtimes.ts";

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
    SESSION_SECRET: "A".repeat(43),
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
