/**
 * How much memory an upload takes: 2 GiB from a stream, in chunks of 8 MiB. Uploader and emulator are processes of their
 * own; beside the uploader a baseline, the same program with one byte.
 *
 * ```sh
 * deno run --allow-all bench/memory.ts
 * ```
 *
 * @module
 */

import { measure } from "./memory/measure.ts";

const MIB = 1024 ** 2;
const bytes = 2048 * MIB;
const chunkSize = 8 * MIB;

const start = performance.now();
const whole = await measure(bytes, chunkSize);
const seconds = (performance.now() - start) / 1000;
const baseline = await measure(1, chunkSize);

const row = (what: string, peak: number, least: number) => {
  const beyond = ((peak - least) / MIB).toFixed(0).padStart(4);
  console.log(`${what.padEnd(10)} ${(peak / MIB).toFixed(0).padStart(4)} MiB ${beyond} MiB`);
};
console.log(`${bytes / MIB} MiB in chunks of ${chunkSize / MIB} MiB, ${seconds.toFixed(1)} s`);
console.log("           peak RSS, beyond the baseline");
row("uploader", whole.uploader, baseline.uploader);
row("emulator", whole.emulator, baseline.emulator);
