/** The server that uploads are measured against; see bench/sink/main.go. */

import { fileURLToPath } from "node:url";
import { type ServerProcess, startServer } from "../../tests/worker/support/process.ts";
import { BUILD, measured, need, output } from "./programs.ts";

const SOURCE = fileURLToPath(new URL("../sink/", import.meta.url));
const PROGRAM = `${BUILD}sink`;

let built: Promise<unknown> | undefined;

/** Starts a sink; each of its replies waits for `delay` milliseconds. */
export async function startSink(delay = 0): Promise<ServerProcess> {
  need("go", "version");
  await Deno.mkdir(BUILD, { recursive: true });
  await (built ??= output(["go", "build", "-o", PROGRAM, "."], { cwd: SOURCE }));
  return await startServer({
    command: [PROGRAM, `-delay=${delay}ms`],
    cwd: SOURCE,
    ready: /(http:\/\/127\.0\.0\.1:\d+)/,
  });
}

/** What is sent, by clients that cost as little as they can; see bench/sink/load.go. */
export interface Load {
  /** What is counted. @default {"chunk"} */
  readonly kind?: "chunk" | "start";
  /** How many clients there are at once. @default {1} */
  readonly connections?: number;
  /** How many requests they send together. */
  readonly requests: number;
  /** How many requests go before these. @default {0} */
  readonly warmup?: number;
  /** Bytes of each chunk. */
  readonly size?: number;
  /** Milliseconds that a client takes to send a chunk. @default {0} */
  readonly spread?: number;
}

/** How long that took. */
export interface LoadResult {
  /** All requests together. */
  readonly seconds: number;
  /** The median of one request, and what 99 of 100 do not exceed; in seconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Sends requests to a sink, or to what stands before one. */
export async function sendLoad(origin: string, load: Load): Promise<LoadResult> {
  const flags = Object.entries(load).map(([name, value]) =>
    `-${name}=${value}${name === "spread" ? "ms" : ""}`
  );
  return await measured([PROGRAM, `-load=${origin}`, ...flags]);
}
