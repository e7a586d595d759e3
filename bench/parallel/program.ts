/**
 * One upload over several connections in a process of its own, in Deno, Node or Bun. Takes a {@linkcode ParallelJob} as
 * JSON, and prints what it measured.
 *
 * @module
 */

import process from "node:process";
import { uploadParallel } from "../../src/parallel/mod.ts";
import { startMeter } from "../upload/meter.ts";
import { openSource } from "../upload/sources.ts";
import type { ParallelJob } from "./job.ts";

const job: ParallelJob = JSON.parse(process.argv[2]);
const PART = 8 * 1024 * 1024;

await send(job.warmUp, new Blob([new Uint8Array(2 * PART)]), PART);
const source = await openSource({ ...job, client: "upload", source: job.source });
const stop = startMeter();
const crc32c = await send(job.origin, source);
console.log(JSON.stringify({ ...stop(), crc32c }));
process.exit();

/** Uploads; returns the CRC32C that the server computed. */
async function send(
  endpoint: string,
  source: Parameters<typeof uploadParallel>[0],
  partSize?: number,
): Promise<string> {
  const object = await uploadParallel(source, {
    bucket: "bucket",
    name: "object",
    endpoint,
    concurrency: job.concurrency,
    partSize,
  });
  return object.crc32c!;
}
