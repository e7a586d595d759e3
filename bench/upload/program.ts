/**
 * One upload in a process of its own, in Deno, Node or Bun. Takes a {@linkcode Job} as JSON, and prints what it
 * {@linkcode Measured}.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import process from "node:process";
import { type ByteSource, upload, type UploadSource } from "../../mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { bareUpload, collected, slices } from "./bare.ts";
import type { Job, Measured } from "./job.ts";
import { fileBlob, fileSource, fileStream, memorySource, pacedSource } from "./sources.ts";

const job: Job = JSON.parse(process.argv[2]);
const { origin, path, chunkSize } = job;
const { size } = await stat(path);

const open = (): Promise<Blob | ByteSource> | Blob | ByteSource => {
  if (job.pace !== undefined) return pacedSource(size, chunkSize, job.pace);
  if (job.source === "memory") return memorySource(path, chunkSize);
  return job.source === "blob" ? fileBlob(path) : fileSource(path);
};

const clients: Record<Job["client"], () => Promise<string>> = {
  async upload() {
    let source: UploadSource = job.source === "stream" ? await fileStream(path) : await open();
    let stored = 0, wake = () => {};
    if (job.isSerial) source = serial(source as ByteSource);
    const object = await upload(source, {
      bucket: "bucket",
      name: "object",
      endpoint: origin,
      chunkSize,
      onProgress({ persisted }) {
        stored = persisted;
        wake();
      },
    });
    return object.crc32c!;

    function serial({ size, read }: ByteSource): ByteSource {
      return {
        size,
        async read(offset, length) {
          while (stored < offset) await new Promise<void>((resolve) => wake = resolve);
          return await read(offset, length);
        },
      };
    }
  },

  async bare() {
    const chunks = job.source === "stream"
      ? collected(await fileStream(path), chunkSize)
      : slices(await open(), chunkSize);
    return await bareUpload(origin, size, chunks);
  },

  async crc32c() {
    let crc = 0;
    for await (const chunk of slices(await memorySource(path, chunkSize), chunkSize)) {
      crc = crc32c(chunk, crc);
    }
    return encodeCrc32c(crc);
  },
};

const cpu = process.cpuUsage();
const start = performance.now();
const crc = await clients[job.client]();
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const measured: Measured = {
  seconds,
  cpuSeconds: (user + system) / 1e6,
  peakRss: process.resourceUsage().maxRSS * 1024,
  crc32c: crc,
};
console.log(JSON.stringify(measured));
process.exit();
