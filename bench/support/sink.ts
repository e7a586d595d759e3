/** The programs of bench/sink: the server that uploads are measured against, and what goes with it. */

import { fileURLToPath } from "node:url";
import { type ServerProcess, startServer } from "../../tests/support/server_process.ts";
import { BUILD, measured, need, output } from "./programs.ts";

const SOURCE = fileURLToPath(new URL("../sink/", import.meta.url));
const PROGRAM = `${BUILD}sink`;

let built: Promise<unknown> | undefined;

/** What a sink does besides reading and adding up. */
export interface SinkOptions {
  /** Milliseconds that each of its replies waits. @default {0} */
  readonly delay?: number;
  /** The bytes a second that it reads of each body. @default {as fast as they come} */
  readonly rate?: number;
}

/** Starts a sink. */
export async function startSink(options: SinkOptions = {}): Promise<ServerProcess> {
  const { delay = 0, rate = 0 } = options;
  return await start([`-delay=${delay}ms`, `-rate=${rate}`]);
}

/** A line: the same both ways, without losses, its window open from the start; see bench/sink/relay.go. */
export interface Line {
  /** Milliseconds from one end to the other. */
  readonly latency: number;
  /** Bytes a second. */
  readonly rate: number;
  /** Bytes that may be under way without having been confirmed. */
  readonly window: number;
  /** What befalls what clients send; nothing without it. */
  readonly faults?: LineFaults;
}

/** After so many bytes of a connection, on the average, it stands still or is cut, each as often as the other. */
export interface LineFaults {
  /** Bytes. */
  readonly every: number;
  /** How long it stands still, in milliseconds. */
  readonly stall: number;
  /** The same seed makes the same faults, connection by connection. */
  readonly seed: number;
}

/** Starts a line to a server. */
export async function startLine(origin: string, { latency, rate, window, faults }: Line): Promise<
  ServerProcess
> {
  return await start([
    `-relay=${origin}`,
    `-latency=${latency}ms`,
    `-rate=${rate}`,
    `-window=${window}`,
    ...(faults
      ? [`-every=${faults.every}`, `-stall=${faults.stall}ms`, `-seed=${faults.seed}`]
      : []),
  ]);
}

async function start(flags: readonly string[]): Promise<ServerProcess> {
  await buildSink();
  return await startServer({
    command: [PROGRAM, ...flags],
    cwd: SOURCE,
    ready: /(http:\/\/127\.0\.0\.1:\d+)/,
  });
}

async function buildSink(): Promise<void> {
  need("go", "version");
  await Deno.mkdir(BUILD, { recursive: true });
  await (built ??= output(["go", "build", "-o", PROGRAM, "."], { cwd: SOURCE }));
}

/** The CRC32C of a file; base64. */
export async function checksumOf(path: string): Promise<string> {
  await buildSink();
  return await output([PROGRAM, `-crc32c=${path}`]);
}

/** What a program took from its start to its end, and what it wrote. */
export interface ProgramMeasured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** RSS, in bytes. */
  readonly peakRss: number;
  readonly output: string;
}

/** Runs a program to its end. */
export async function measureProgram(
  command: readonly string[],
  seconds?: number,
): Promise<ProgramMeasured> {
  return await measured([PROGRAM, "-measure", "--", ...command], seconds);
}

/** What is sent, by clients that cost as little as they can; see bench/sink/load.go. */
export interface Load {
  /** What is counted. @default {"chunk"} */
  readonly kind?: "chunk" | "start" | "object";
  /** The path where uploads of tus 1.0 are created, instead of Google's protocol. */
  readonly tus?: string;
  /** How many clients there are at once. @default {1} */
  readonly connections?: number;
  /** How many requests they send together. */
  readonly requests: number;
  /** How many requests go before these. @default {0} */
  readonly warmup?: number;
  /** Bytes of each chunk, or of each object. */
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
  return await measured(loadCommand(origin, load));
}

/** What the program took that sent so; more than its requests, and what it found. */
export async function measureLoad(
  origin: string,
  load: Load,
): Promise<ProgramMeasured & { readonly found: LoadResult }> {
  const program = await measureProgram(loadCommand(origin, load));
  return { ...program, found: JSON.parse(program.output) };
}

function loadCommand(origin: string, load: Load): [string, ...string[]] {
  const flags = Object.entries(load).map(([name, value]) =>
    `-${name}=${value}${name === "spread" ? "ms" : ""}`
  );
  return [PROGRAM, `-load=${origin}`, ...flags];
}
