/**
 * What each front of the proxy takes beside Google's own: the same sessions in the same chunks, in turn, to an emulated
 * Google; in process, and over a socket in Deno.
 *
 * @module
 */

import { GcsEmulator } from "../src/emulator/mod.ts";
import { createUploadProxy } from "../src/worker.ts";
import { alternate, median } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { table } from "./support/table.ts";

const CHUNK = 262_144, CHUNKS = 4, SESSIONS = 20, ROUNDS = 5;

type Send = (request: Request) => Promise<Response>;
type Headers = Readonly<Record<string, string>>;

/** How a client speaks: what a start says, where its reply has the session, and what chunks say. */
interface Client {
  readonly start: Headers;
  readonly location: string;
  readonly method: string;
  chunk(from: number, end: number, isLast: boolean): Headers;
}

const TOTAL = CHUNK * CHUNKS;

type Name = "Content-Range" | "X-Goog-Upload" | "tus" | "IETF, interop 8";

const CLIENTS: Readonly<Record<Name, Client>> = {
  "Content-Range": {
    start: { "x-upload-content-length": String(TOTAL) },
    location: "location",
    method: "PUT",
    chunk: (from, end, isLast) => ({
      "content-range": `bytes ${from}-${end - 1}/${isLast ? TOTAL : "*"}`,
    }),
  },
  "X-Goog-Upload": {
    start: {
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": String(TOTAL),
    },
    location: "x-goog-upload-url",
    method: "POST",
    chunk: (from, _end, isLast) => ({
      "x-goog-upload-command": isLast ? "upload, finalize" : "upload",
      "x-goog-upload-offset": String(from),
    }),
  },
  tus: {
    start: { "tus-resumable": "1.0.0", "upload-length": String(TOTAL) },
    location: "location",
    method: "PATCH",
    chunk: (from) => ({
      "tus-resumable": "1.0.0",
      "content-type": "application/offset+octet-stream",
      "upload-offset": String(from),
    }),
  },
  "IETF, interop 8": {
    start: {
      "upload-draft-interop-version": "8",
      "upload-complete": "?0",
      "upload-length": String(TOTAL),
    },
    location: "location",
    method: "PATCH",
    chunk: (from, _end, isLast) => ({
      "upload-draft-interop-version": "8",
      "upload-complete": isLast ? "?1" : "?0",
      "content-type": "application/partial-upload",
      "upload-offset": String(from),
    }),
  },
};

/** What `run` finds. */
export interface FrontsResult {
  /** Milliseconds of a session; and the ratio to Google's front, the median of those of each round. */
  readonly [way: string]: Record<Name, { readonly ms: number; readonly ratio: number }>;
}

/** The benchmark. */
export const frontsBench: Bench<FrontsResult> = { run, render };

async function run(): Promise<FrontsResult> {
  const gcs = new GcsEmulator();
  const proxy = createUploadProxy({
    transport: gcs.fetch,
    fetch: gcs.fetch,
    bucket: "bucket",
    sessionSecrets: ["x3Qb0m1lq2cKf8uJ7nZtVY5wRk9sDhG4EoXpTaLiMBc"],
    authorize: () => ({ prefix: "", overwrite: true }),
  });
  const inProcess = await compare((request) => proxy.fetch(request), "https://proxy.example");
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => proxy.fetch(request),
  );
  const socket = await compare(fetch, `http://127.0.0.1:${server.addr.port}`);
  return { "in process": inProcess, "a socket in Deno": socket };
}

async function compare(send: Send, origin: string): Promise<FrontsResult[string]> {
  const programs = Object.fromEntries(
    Object.entries(CLIENTS).map(([name, client]) => [name, () => sessions(client, send, origin)]),
  ) as Record<Name, () => Promise<number>>;
  await alternate(programs, 1); // warm
  const times = await alternate(programs, ROUNDS);
  const google = times["Content-Range"];
  return Object.fromEntries(
    Object.entries(times).map(([name, rounds]) => [
      name,
      { ms: median(rounds), ratio: median(rounds.map((ms, i) => ms / google[i])) },
    ]),
  ) as FrontsResult[string];
}

/** Milliseconds of a session. */
async function sessions(client: Client, send: Send, origin: string): Promise<number> {
  const bytes = new Uint8Array(CHUNK);
  const began = performance.now();
  for (let session = 0; session < SESSIONS; session++) {
    const url = `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a`;
    const started = await send(new Request(url, { method: "POST", headers: client.start }));
    await started.body?.cancel();
    const at = started.headers.get(client.location);
    if (!at) throw new Error(`The start was answered with ${started.status}`);
    for (let from = 0; from < TOTAL; from += CHUNK) {
      const end = from + CHUNK, isLast = end === TOTAL;
      const headers = { ...client.chunk(from, end, isLast), "content-length": String(CHUNK) };
      const reply = await send(new Request(at, { method: client.method, headers, body: bytes }));
      await reply.body?.cancel();
      if (reply.status > 308) throw new Error(`Bytes were answered with ${reply.status}`);
    }
  }
  return (performance.now() - began) / SESSIONS;
}

function render(result: FrontsResult): string {
  const rows = Object.entries(result).flatMap(([way, fronts]) =>
    Object.entries(fronts).map(([name, { ms, ratio }]) => [
      `${name}, ${way}`,
      ms.toFixed(2),
      ratio.toFixed(2),
    ])
  );
  const said = `A session of ${CHUNKS} chunks of 256 KiB to an emulated Google, ${ROUNDS} rounds.`;
  return `${said}\n\n${table(["front", "ms a session", "by Google's"], rows)}`;
}
