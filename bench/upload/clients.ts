/**
 * The clients that upload a file: ours and a bare PUT in each runtime, Google's for Go, Python and Node, and curl. Each
 * upload has a process of its own, and does what the client does by itself.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import { has } from "../../tests/clients/interop_install.ts";
import {
  BUILD,
  bundle,
  type ClientRuntime,
  findPython,
  measured,
  need,
  output as outputOf,
  PEERS,
  runtimeCommand,
} from "../support/programs.ts";
import { measureProgram } from "../support/sink.ts";
import type { Job, Measured, PeerJob } from "./job.ts";

/** The clients of others. */
export type Peer = "curl" | "go" | "python" | "node" | "nodeUnchecked";

/** How they are called. */
export const PEER_NAMES: Readonly<Record<Peer, string>> = {
  curl: "curl, one PUT",
  go: "Go's client, 16 MiB chunks",
  python: "Python's client, 100 MiB chunks",
  node: "`@google-cloud/storage`, CRC32C",
  nodeUnchecked: "`@google-cloud/storage`, no checksum",
};

/** Uploads a file once. */
export type Upload = (job: PeerJob) => Promise<Measured>;

/** Uploads in one of our programs once. */
export type OwnUpload = (runtime: ClientRuntime, job: Job) => Promise<Measured>;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Makes the program that uploads with the library, or bare. */
export async function ownUpload(): Promise<OwnUpload> {
  need("node");
  const program = await bundle(here("program.ts"));
  return (runtime, job) => measured([...runtimeCommand(runtime), program, JSON.stringify(job)]);
}

/** Makes the clients of others ready. What is not there is left out, and said. */
export async function findPeers(): Promise<Partial<Record<Peer, Upload>>> {
  const peers: Partial<Record<Peer, Upload>> = {};
  if (has("curl")) peers.curl = await curl();
  else console.log("skipped: there is no `curl`");
  const go = await buildGo();
  if (go !== undefined) peers.go = (job) => measured([go, JSON.stringify(job)]);
  const python = await findPython();
  if (python !== undefined) {
    peers.python = (job) => measured([python, `${PEERS}upload.py`, JSON.stringify(job)]);
  }
  const meter = pathToFileURL(await bundle(here("meter.ts"))).href;
  const node = (validation: "crc32c" | false): Upload => (job) =>
    measured(["node", `${PEERS}upload.mjs`, JSON.stringify({ ...job, validation, meter })]);
  return { ...peers, node: node("crc32c"), nodeUnchecked: node(false) };
}

/** Builds the program with Google's client for Go; the first time that takes a minute. */
async function buildGo(): Promise<string | undefined> {
  const program = `${BUILD}go-client`;
  try {
    await outputOf(["go", "build", "-o", program, "."], { cwd: `${PEERS}go` });
    return program;
  } catch (error) {
    console.log(`skipped: Google's client for Go cannot be built: ${error}`);
  }
}

/** One PUT of the whole file; the session is there before. */
async function curl(): Promise<Upload> {
  const { peakRss: idle } = await measureProgram(["curl", "--version"]);
  return async ({ origin, warmUp, path }) => {
    const { size } = await Deno.stat(path);
    const session = new URL(await startSession(warmUp));
    const url = origin + session.pathname + session.search;
    const { cpuSeconds, peakRss, output } = await measureProgram([
      "curl",
      "--silent",
      "--show-error",
      "--fail",
      "--noproxy",
      "*",
      "--header",
      "Expect:", // without it curl waits for leave to send
      "--header",
      `Content-Range: bytes 0-${size - 1}/${size}`,
      "--upload-file",
      path,
      "--write-out",
      "\n%{time_total}",
      url,
    ]);
    const [object, seconds] = output.trim().split("\n").filter((line) => line !== "");
    return {
      seconds: Number(seconds),
      cpuSeconds,
      rss: Math.max(0, peakRss - idle), // curl alone may need no more than the program that measures it
      crc32c: JSON.parse(object).crc32c,
    };
  };
}

/** Starts a session; returns its URL. */
async function startSession(origin: string): Promise<string> {
  const start = `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object`;
  const reply = await fetch(start, { method: "POST" });
  await reply.body?.cancel();
  return reply.headers.get("location")!;
}
