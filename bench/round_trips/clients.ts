/**
 * The clients: each uploads a whole file with its own one call, in chunks of a given size or its own, with CRC32C and
 * under the precondition that there is no such object.
 *
 * @module
 */

import { runProgram } from "../../tests/support/programs.ts";
import { upload, UploadError, type UploadOptions } from "../../mod.ts";
import peers from "../peers/deno.json" with { type: "json" };
import { ENVIRONMENT, findPython, PEERS, pythonVersion } from "../support/programs.ts";
import type { Place } from "./google.ts";

/** What is uploaded. */
export interface Data {
  readonly path: string;
  /** The same bytes. */
  readonly blob: Blob;
}

/** Uploads; without `chunkSize` as the client does by itself. Returns why that failed, or `null`. */
export type Client = (place: Place, data: Data, chunkSize?: number) => Promise<string | null>;

/** The clients that are there. */
export interface Clients {
  readonly ours: Client;
  readonly oursStream: Client;
  readonly node: Client;
  readonly python: Client | undefined;
  /** Of Google's two packages. */
  readonly versions: { readonly node: string; readonly python: string | null };
}

/** How long a client may take. */
const SECONDS = 300;

const PYTHON_SCRIPT = new URL("upload.py", import.meta.url).pathname;

/** Looks which clients there are, and says which are not. */
export async function findClients(): Promise<Clients> {
  const found = await findPython();
  return {
    ours: (place, { blob }, chunkSize) => ours(blob, place, chunkSize),
    oursStream: async (place, { path }, chunkSize) =>
      await ours((await Deno.open(path)).readable, place, chunkSize),
    node: (place, { path }, chunkSize) =>
      script("node", `${PEERS}round_trips.mjs`, { ...place, path, chunkSize }),
    python: found === undefined
      ? undefined
      : (place, { path }, chunkSize) => script(found, PYTHON_SCRIPT, { ...place, path, chunkSize }),
    versions: {
      node: peers.imports["@google-cloud/storage"].replace(/^.*@/, ""),
      python: await pythonVersion(),
    },
  };
}

async function ours(
  source: Blob | ReadableStream<Uint8Array>,
  { origin, ...place }: Place,
  chunkSize?: number,
): Promise<string | null> {
  const options: UploadOptions = {
    ...place,
    endpoint: origin,
    chunkSize,
    checksum: "crc32c",
    ifGenerationMatch: 0,
    retry: { initialDelay: 1 },
  };
  try {
    await upload(source, options);
    return null;
  } catch (error) {
    if (!(error instanceof UploadError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

/** Runs a script that prints nothing, or why the upload failed. */
async function script(program: string, path: string, job: unknown): Promise<string | null> {
  const options = { seconds: SECONDS, env: ENVIRONMENT };
  const started = performance.now();
  try {
    const problem = await runProgram(program, [path, JSON.stringify(job)], options);
    return problem.trim() || null;
  } catch (error) {
    if (performance.now() - started < SECONDS * 1000) throw error;
    return `no end after ${SECONDS} s`;
  }
}
