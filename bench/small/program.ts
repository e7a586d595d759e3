/**
 * Many small objects, in a process of its own, in Deno, Node or Bun. Takes a {@linkcode SmallJob} as JSON, and prints a
 * {@linkcode SmallMeasured}.
 *
 * @module
 */

import process from "node:process";
import { upload } from "../../mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";

/** What to upload. */
export interface SmallJob {
  /**
   * `upload`: the library. `fetch`: just that, with one body for all. `byHand`: what it takes to do the same with `fetch`,
   * without a retry: hash, frame, wait no longer than a minute, compare.
   */
  readonly client: "upload" | "fetch" | "byHand";
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

const encoder = new TextEncoder();

/** Metadata and bytes as one body. */
function framed(boundary: string, metadata: unknown): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(
    `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${
      JSON.stringify(metadata)
    }\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`,
  );
  const tail = encoder.encode(`\r\n--${boundary}--`);
  const body = new Uint8Array(head.length + bytes.length + tail.length);
  body.set(head);
  body.set(bytes, head.length);
  body.set(tail, head.length + bytes.length);
  return body;
}

const PATH = "/upload/storage/v1/b/bucket/o?uploadType=multipart&ifGenerationMatch=0&name=";
const ready = framed("boundary", { contentType: "application/octet-stream" });

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
    const reply = await fetch(`${job.origin}${PATH}object-${number}`, {
      method: "POST",
      headers: { "content-type": "multipart/related; boundary=boundary" },
      body: ready,
    });
    if ((await reply.json()).size !== String(job.size)) {
      throw new Error("The sink has another size");
    }
  },
  async byHand(number: number): Promise<void> {
    const boundary = crypto.randomUUID();
    const checksum = encodeCrc32c(crc32c(bytes));
    const body = framed(boundary, { contentType: "application/octet-stream", crc32c: checksum });
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 60_000);
    try {
      const url = new URL(PATH + encodeURIComponent(`object-${number}`), job.origin);
      const reply = await fetch(url, {
        method: "POST",
        headers: { "content-type": `multipart/related; boundary=${boundary}` },
        body,
        signal: abort.signal,
      });
      const object = await reply.json();
      const isRight = reply.ok && object.crc32c === checksum && object.size === String(job.size);
      if (!isRight) throw new Error(`The sink has something else: ${JSON.stringify(object)}`);
    } finally {
      clearTimeout(timer);
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
