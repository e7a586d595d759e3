/**
 * One upload in a process of its own, in Deno, Node or Bun. Takes a {@linkcode Job} as JSON, and prints what it
 * {@linkcode Measured}.
 *
 * @module
 */

import process from "node:process";
import { type ByteSource, upload, type UploadSource } from "../../mod.ts";
import { bareUpload } from "./bare.ts";
import type { Job } from "./job.ts";
import { startMeter } from "./meter.ts";
import { openSource } from "./sources.ts";

const job: Job = JSON.parse(process.argv[2]);
const ended = new AbortController();

const warmUp: Job = { ...job, origin: job.warmUp, source: "computed", size: 1 };
await send(warmUp, await openSource(warmUp));
const source = await openSource(job);
const stop = startMeter();
if (job.seconds !== undefined) setTimeout(() => ended.abort(), job.seconds * 1000);
const crc32c = await send(job, source).catch((error) => {
  if (ended.signal.aborted) return "";
  throw error;
});
console.log(JSON.stringify({ ...stop(), crc32c }));
process.exit();

/** Uploads; returns the CRC32C that the server computed. */
async function send({ client, origin, chunkSize }: Job, source: UploadSource): Promise<string> {
  if (client === "bare") return await bareUpload(origin, source as ByteSource, ended.signal);
  const object = await upload(source, {
    bucket: "bucket",
    name: "object",
    endpoint: origin,
    signal: ended.signal,
    ...(chunkSize !== undefined && { chunkSize }),
  });
  return object.crc32c!;
}
