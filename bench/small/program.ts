/**
 * Many small objects, in a process of its own, in Deno, Node or Bun. Takes a {@linkcode SmallJob} as JSON, and prints a
 * {@linkcode SmallMeasured}.
 *
 * @module
 */

import process from "node:process";
import { upload } from "../../mod.ts";

/** What to upload. */
export interface SmallJob {
  /** The library, or `fetch` with a body that was made before. */
  readonly client: "upload" | "fetch";
  readonly origin: string;
  readonly objects: number;
  /** How many go before these. */
  readonly warmup: number;
  /** Bytes of each. */
  readonly size: number;
  readonly concurrency: number;
}

/** What came of it. */
export interface SmallMeasured {
  readonly seconds: number;
  /** CPU time, user and system. */
  readonly cpuSeconds: number;
}

const job: SmallJob = JSON.parse(process.argv[2]);
const bytes = new Uint8Array(job.size).map((_, i) => i % 251);

const HEAD = [
  "--boundary",
  "content-type: application/json; charset=UTF-8",
  "",
  `{"name":"object","contentType":"application/octet-stream","crc32c":"AAAAAA=="}`,
  "--boundary",
  "content-type: application/octet-stream",
  "",
  "",
].join("\r\n");
const body = new Uint8Array(await new Blob([HEAD, bytes, "\r\n--boundary--"]).arrayBuffer());

const send = {
  async upload(number: number): Promise<void> {
    await upload(bytes, {
      bucket: "bucket",
      name: `object-${number}`,
      endpoint: job.origin,
      ifGenerationMatch: 0,
    });
  },
  async fetch(number: number): Promise<void> {
    const path =
      "/upload/storage/v1/b/bucket/o?uploadType=multipart&ifGenerationMatch=0&name=object-";
    const reply = await fetch(job.origin + path + number, {
      method: "POST",
      headers: { "content-type": "multipart/related; boundary=boundary" },
      body,
    });
    if ((await reply.json()).size !== String(job.size)) {
      throw new Error("The sink has another size");
    }
  },
}[job.client];

async function sendAll(count: number): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await send(next++);
  };
  await Promise.all(Array.from({ length: job.concurrency }, worker));
}

await sendAll(job.warmup);
const cpu = process.cpuUsage();
const start = performance.now();
await sendAll(job.objects);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const measured: SmallMeasured = { seconds, cpuSeconds: (user + system) / 1e6 };
console.log(JSON.stringify(measured));
process.exit();
