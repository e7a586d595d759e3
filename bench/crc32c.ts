/**
 * How fast is our CRC32C? Measured against a bytewise table in the same run, taking turns, in MB/s
 * (10^6 bytes a second); the median of several rounds. Runs in Deno, in Bun, and bundled in Node:
 *
 *     deno run bench/crc32c.ts                 # what a server gets
 *     deno run bench/crc32c.ts --javascript    # what a browser or a Cloudflare worker gets
 *     deno run bench/crc32c.ts --json
 *     deno bundle bench/crc32c.ts -o .tmp/crc32c.mjs && node .tmp/crc32c.mjs
 *
 * `crc32c_all.ts` runs all of them.
 *
 * @module
 */

import process from "node:process";
import { crc32c } from "../src/bytes/crc32c.ts";
import { bytewise } from "./crc32c_bytewise.ts";

/** One line of the result; speeds in MB/s. */
export interface Crc32cResult {
  /** Bytes of one call. */
  size: number;
  bytewise: number;
  ours: number;
}

const SIZES = [4 * 1024, 256 * 1024, 8 * 1024 ** 2, 64 * 1024 ** 2];
const ROUNDS = 7;
/** Bytes to hash in one measurement, at least. */
const WORK = 16 * 1024 ** 2;

type Crc32c = (bytes: Uint8Array) => number;

function measure(size: number): Crc32cResult {
  const bytes = new Uint8Array(size).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  if (crc32c(bytes) !== bytewise(bytes)) throw new Error(`Wrong CRC32C of ${size} bytes`);
  const calls = Math.ceil(WORK / size);
  const speeds: Record<"bytewise" | "ours", number[]> = { bytewise: [], ours: [] };
  for (let round = 0; round < ROUNDS; round++) {
    speeds.bytewise.push(speed(bytewise, bytes, calls));
    speeds.ours.push(speed(crc32c, bytes, calls));
  }
  return { size, bytewise: median(speeds.bytewise), ours: median(speeds.ours) };
}

function speed(crc32c: Crc32c, bytes: Uint8Array, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) crc32c(bytes);
  return bytes.length * calls / (performance.now() - start) / 1000;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

// The first long input chooses how to fold; without WebAssembly it is JavaScript.
if (process.argv.includes("--javascript")) Reflect.deleteProperty(globalThis, "WebAssembly");

const results = SIZES.map(measure);
if (process.argv.includes("--json")) {
  console.log(JSON.stringify(results));
} else {
  console.log("      size   bytewise       ours   ratio");
  for (const { size, bytewise, ours } of results) {
    console.log(
      `${size / 1024} KiB`.padStart(10),
      bytewise.toFixed(0).padStart(10),
      ours.toFixed(0).padStart(10),
      `${(ours / bytewise).toFixed(1)}×`.padStart(7),
    );
  }
}
