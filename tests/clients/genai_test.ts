// Google's client for Gemini and ours, side by side under the same faults, against the emulator on a socket.

import { assert, assertEquals } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { geminiFile, upload, xGoogUpload } from "../../mod.ts";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { difference } from "../e2e/support.ts";
import { runGenai } from "./genai_install.ts";
import { has } from "../support/programs.ts";
import { sample } from "./link.ts";

/** Gemini's granularity, and so the size of both clients' chunks. */
const CHUNK = 8 * 1024 * 1024;

const ignore = !has("node");
if (ignore) console.log("tests/clients: @google/genai is left out: there is no `node`");

/** A client: says what came of an upload. */
type Client = (origin: string, size: number) => Promise<string>;

const theirs: Client = (origin, size) => runGenai({ origin, size });

const ours: Client = async (origin, size) => {
  try {
    const { file } = await upload(new Blob([sample(size)], { type: "application/pdf" }), {
      url: `${origin}/upload/v1beta/files`,
      metadata: { file: { displayName: "paper" } },
      protocol: xGoogUpload,
      resource: geminiFile,
      chunkSize: CHUNK,
      headers: { "x-goog-api-key": "key" },
      retry: { initialDelay: 10 },
    });
    return `ok: ${file.sizeBytes} bytes`;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
};

/** What a client says, and what the emulator has then. */
async function outcome(client: Client, size: number, fault?: Fault): Promise<readonly string[]> {
  const gcs = new GcsEmulator({ md5: false });
  if (fault) gcs.inject(fault);
  const server = await serveEmulator(gcs);
  try {
    const said = await client(server.origin, size);
    if (fault) assert(gcs.requests.some(({ fault }) => fault !== null), "the fault was met");
    const [file] = gcs.uploads;
    const stored = gcs.uploads.length !== 1
      ? `${gcs.uploads.length} files`
      : difference(file.bytes!, sample(size)) === -1
      ? "the file"
      : "other bytes";
    return [said, stored, gcs.requests.map(({ kind }) => kind).join(" ")];
  } finally {
    await server.close();
  }
}

const SIZE = 2 * CHUNK + 1;

const FAULTS: readonly [what: string, size: number, fault?: Fault][] = [
  ["no fault", SIZE],
  ["a 503 on a chunk", SIZE, { on: "chunk", skip: 1, status: 503 }],
  ["a chunk's reply is lost", SIZE, { on: "chunk", skip: 1, drop: "after" }],
  ["a chunk's reply loses its status header", SIZE, {
    on: "chunk",
    skip: 1,
    rewrite: { "x-goog-upload-status": null },
  }],
  ["the final reply is lost", SIZE, { on: "final", drop: "after" }],
  ["an empty file", 0],
];

for (const [what, size, fault] of FAULTS) {
  Deno.test({
    name: `Gemini Files under a fault: ${what}: ours stores the file once and returns it`,
    ignore,
    async fn() {
      const [google, mine] = [await outcome(theirs, size, fault), await outcome(ours, size, fault)];
      for (const [who, [said, stored, requests]] of [["genai", google], ["ours ", mine]] as const) {
        console.log(`${who}  ${said}; stored: ${stored}; requests: ${requests}`);
      }
      assertEquals(mine.slice(0, 2), [`ok: ${size} bytes`, "the file"]);
      // What Google's client does under faults is shown, not required; without one it has to work, or nothing is compared.
      if (fault === undefined && size > 0) assertEquals(google.slice(0, 2), mine.slice(0, 2));
    },
  });
}
