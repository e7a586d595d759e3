/**
 * Uploads a file in many ways that end in different places, and prints what is left of it in this process: descriptors of the
 * file, sockets, how often the source was closed. It then has to end by itself: a timer or a request that is left would keep
 * it alive.
 *
 * Usage: `uploads ORIGIN`
 *
 * @module
 */

import { mkdtempSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ResumableUpload, upload } from "../../../mod.ts";

const MIB = 1_048_576;
const SIZE = 10 * MIB + 3;
const [origin] = process.argv.slice(2);
const path = join(mkdtempSync(join(tmpdir(), "stretch-")), "file.bin");
writeFileSync(path, new Uint8Array(SIZE).map((_, i) => i >>> 12));

let opened = 0;
let closed = 0;

/** The file as a source, which tells where it is read. */
async function source(onRead: (end: number) => void = () => {}) {
  const file: FileHandle = await open(path);
  opened++;
  return {
    size: SIZE,
    async read(offset: number, length: number): Promise<Uint8Array> {
      onRead(offset + length);
      const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    async close(): Promise<void> {
      closed++;
      await file.close();
    },
  };
}

const retry = { initialDelay: 1, stallTimeout: 300 };
const target = (name: string) => ({ bucket: "bucket", name, endpoint: origin, retry });

async function inject(...faults: unknown[]): Promise<void> {
  const response = await fetch(`${origin}/inject`, {
    method: "POST",
    body: JSON.stringify(faults),
  });
  await response.arrayBuffer();
}

/** What a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}

const WAYS: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
  success: async (name) => await upload(await source(), target(name)),
  async reset(name) {
    await inject({ on: "chunk", cut: 3 * MIB + 1 });
    return await upload(await source(), target(name));
  },
  async early(name) {
    await inject({ on: "chunk", status: 503, afterBytes: 2 * MIB });
    return await upload(await source(), target(name));
  },
  async stall(name) {
    await inject({ on: "chunk", stall: MIB, delay: "Infinity" });
    return await upload(await source(), target(name));
  },
  async refused(name) {
    await inject({ on: "chunk", status: 400, afterBytes: 2 * MIB });
    return await failure(upload(await source(), target(name)));
  },
  async abort(name) {
    const abort = new AbortController();
    const file = await source((end) => end > 4 * MIB && abort.abort());
    return await failure(upload(file, { ...target(name), signal: abort.signal }));
  },
  async failingRead(name) {
    const file = await source((end) => {
      if (end > 4 * MIB) throw new RangeError("the disk is gone");
    });
    return await failure(upload(file, target(name)));
  },
  async close(name) {
    const url = `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=${name}`;
    const resumable = new ResumableUpload(url, 64 * MIB, { retry });
    const file = await source((end) => end > 4 * MIB && void resumable.close());
    await resumable.initiate(fetch, file, {}, "a/b");
    return await failure(resumable.transmitNextChunk(fetch));
  },
  media: async (name) => await upload(await source(), { url: oneRequest(name), retry }),
  async mediaAborted(name) {
    const abort = new AbortController();
    const file = await source((end) => end > 4 * MIB && abort.abort());
    return await failure(upload(file, { url: oneRequest(name), retry, signal: abort.signal }));
  },
};

const oneRequest = (name: string) =>
  `${origin}/upload/storage/v1/b/bucket/o?uploadType=media&name=${name}&ifGenerationMatch=0`;

/** What the descriptors of this process are. */
function descriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // that of the folder itself
    }
  });
}

const sockets = () => descriptors().filter((link) => link.startsWith("socket:")).length;
const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

await WAYS.success("first");
await pause(50);
const before = sockets();
const rounds = 3;
for (let round = 0; round < rounds; round++) {
  for (const [way, run] of Object.entries(WAYS)) await run(`${way}-${round}`);
}
await pause(200);
const files = descriptors().filter((link) => link === path).length;
console.log("report", JSON.stringify({ opened, closed, files, before, after: sockets() }));
