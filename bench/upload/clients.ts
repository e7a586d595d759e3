/**
 * The clients that upload a file: ours and a bare PUT in each runtime, Google's for Go, Python, Java and Node, rclone,
 * `@google/genai`, tus-js-client and curl. Each upload has a process of its own, and does what the client does by itself.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import { debianProgram, has } from "../../tests/support/programs.ts";
import {
  BUILD,
  bundle,
  type ClientRuntime,
  findJava,
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
export type Peer =
  | "curl"
  | "go"
  | "python"
  | "java"
  | "node"
  | "nodeUnchecked"
  | "rclone"
  | "genai"
  | "tus";

/** How they are called. */
export const PEER_NAMES: Readonly<Record<Peer, string>> = {
  curl: "curl, one PUT",
  go: "Go's client, 16 MiB chunks",
  python: "Python's client, 100 MiB chunks",
  java: "Java's client, 15 MiB chunks",
  node: "`@google-cloud/storage`, CRC32C",
  nodeUnchecked: "`@google-cloud/storage`, no checksum",
  rclone: "rclone, 16 MiB chunks, MD5",
  genai: "`@google/genai`, 8 MiB chunks, no checksum",
  tus: "tus-js-client, one PATCH, no checksum",
};

/** What has to be installed for the clients of others that are not there; it is said in their rows. */
export type Missing = Readonly<Partial<Record<Peer, string>>>;

/** What the programs of others need. Those that are missing here need nothing but Node: their packages are installed with the bench. */
export const NEEDS: Readonly<
  Record<"curl" | "go" | "python" | "java" | "rclone", string>
> = {
  curl: "`curl`",
  go: "`go`",
  python: "`python3` with venv and pip",
  java: "`mvn` and a JDK",
  rclone: "`rclone`",
};

/** The clients of others. */
export interface Peers {
  readonly uploads: Readonly<Partial<Record<Peer, Upload>>>;
  readonly missing: Missing;
}

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

/**
 * Makes the clients of others ready. One whose tool is not there is left out, and said; one whose tool is there and that cannot be
 * built is an error, since a row that says "skipped" would look as if nobody could do more.
 */
export async function findPeers(): Promise<Peers> {
  const uploads: Partial<Record<Peer, Upload>> = {};
  if (has("curl")) uploads.curl = await curl();
  if (has("go", "version")) {
    const go = await buildGo();
    uploads.go = (job) => measured([go, JSON.stringify(job)], job.timeLimit);
  }
  const python = await findPython();
  if (python !== undefined) {
    uploads.python = (job) =>
      measured([python, `${PEERS}upload.py`, JSON.stringify(job)], job.timeLimit);
  }
  const java = await findJava();
  if (java !== undefined) {
    uploads.java = (job) => measured([...java, "Upload", JSON.stringify(job)], job.timeLimit);
  }
  const found = await debianProgram("rclone");
  if ("path" in found) uploads.rclone = await rclone(found.path);
  const meter = pathToFileURL(await bundle(here("meter.ts"))).href;
  const node = (script: string, more: object = {}): Upload => (job) =>
    measured(
      ["node", `${PEERS}${script}`, JSON.stringify({ ...job, ...more, meter })],
      job.timeLimit,
    );
  uploads.node = node("upload.mjs", { validation: "crc32c" });
  uploads.nodeUnchecked = node("upload.mjs", { validation: false });
  uploads.genai = node("genai.mjs");
  uploads.tus = node("tus.mjs");
  const missing = Object.fromEntries(
    Object.entries(NEEDS).filter(([peer]) => uploads[peer as Peer] === undefined),
  ) as Missing;
  for (const [peer, needs] of Object.entries(missing)) {
    console.log(`skipped: ${PEER_NAMES[peer as Peer]}: install ${needs}`);
  }
  return { uploads, missing };
}

let names = 0;

/** rclone says nothing of what it was told: the object is asked for. Its start counts, as that of no other does. */
async function rclone(program: string): Promise<Upload> {
  const { peakRss: idle } = await measureProgram([program, "version"]);
  return async ({ origin, warmUp, path, timeLimit }) => {
    const name = `kept-${names++}`;
    const { seconds, cpuSeconds, peakRss } = await measureProgram([
      program,
      "copyto",
      "--config=",
      `--gcs-endpoint=${origin}/storage/v1/`,
      "--gcs-anonymous",
      "--gcs-no-check-bucket",
      "--retries=3",
      path,
      `:gcs:bucket/${name}`,
    ], timeLimit);
    const reply = await fetch(`${warmUp}/storage/v1/b/bucket/o/${name}`);
    const { crc32c } = await reply.json();
    return { seconds, cpuSeconds, rss: Math.max(0, peakRss - idle), crc32c };
  };
}

/** Builds the program with Google's client for Go; the first time that takes a minute. */
async function buildGo(): Promise<string> {
  const program = `${BUILD}go-client`;
  await outputOf(["go", "build", "-o", program, "."], { cwd: `${PEERS}go` });
  return program;
}

/** One PUT of the whole file; the session is there before. */
async function curl(): Promise<Upload> {
  const { peakRss: idle } = await measureProgram(["curl", "--version"]);
  return async ({ origin, warmUp, path, timeLimit }) => {
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
    ], timeLimit);
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
