/**
 * A folder of files in a process of its own, in Deno, Node or Bun. Takes a {@linkcode ManyJob} as JSON, and prints what it
 * {@linkcode ManyMeasured}.
 *
 * @module
 */

import { open, opendir } from "node:fs/promises";
import process from "node:process";
import type { ByteSource } from "../../mod.ts";
import { uploadMany } from "../../src/parallel/mod.ts";
import { startMeter } from "../upload/meter.ts";
import type { ManyJob, ManyMeasured } from "./job.ts";

const { origin, folder, concurrency }: ManyJob = JSON.parse(process.argv[2]);

async function fileSource(path: string): Promise<ByteSource> {
  const file = await open(path);
  const { size } = await file.stat();
  return {
    size,
    async read(offset, length) {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

async function* files() {
  for await (const { name } of await opendir(folder)) {
    yield { name, source: () => fileSource(`${folder}/${name}`) };
  }
}

const options = { bucket: "bucket", endpoint: origin, skipExisting: true, concurrency };
await uploadMany([{ name: "warm", source: "x" }], options);
const stop = startMeter();
const { uploaded } = await uploadMany(files(), options);
const measured: ManyMeasured = { ...stop(), uploaded };
console.log(JSON.stringify(measured));
process.exit();
