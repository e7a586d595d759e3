/**
 * What the upload proxy costs: its throughput beside a bare pass-through's in the same runtime, its memory, a thousand
 * uploads at once, and its start in workerd.
 *
 * ```sh
 * deno run --allow-all bench/proxy.ts [rounds] [MiB of each upload]
 * ```
 *
 * @module
 */

import { prepare, type Project } from "../tests/worker/support/project.ts";
import {
  installRuntimes,
  type RuntimeName,
  runtimes,
  startWorkerd,
} from "../tests/worker/support/runtimes.ts";
import { crowd } from "./proxy/crowd.ts";
import { startPassThrough, startProxy, startSink } from "./proxy/servers.ts";
import { transfer } from "./proxy/transfer.ts";

const MIB = 1_048_576;
const CHUNK = 8 * MIB;

const rounds = Number(Deno.args[0] ?? 5);
const bytes = Number(Deno.args[1] ?? 1024) * MIB;

await installRuntimes();
await using project = await prepare();

console.log(`${bytes / MIB} MiB in chunks of ${CHUNK / MIB} MiB, ${rounds} rounds; medians`);
console.log("           pass-through       worker   ratio    peak RSS (beyond idle)");
for (const runtime of runtimes) await throughput(project, runtime);

const { stored, errors, seconds, idle, peak } = await crowd(project, 1000, MIB);
console.log(
  `\n1000 uploads of 1 MiB at once, Deno: ${stored} stored byte for byte, ${errors.length} errors, ` +
    `${seconds.toFixed(1)} s; peak RSS ${mib(peak)} (${mib(peak - idle)})`,
);
for (const error of errors) console.log(`  ${error}`);

await start(project);

/** Both alternate, so that what else the machine does weighs on both. */
async function throughput(project: Project, runtime: RuntimeName): Promise<void> {
  await using sink = await startSink();
  await using worker = await startProxy(project, runtime, sink.origin);
  await using bare = await startPassThrough(runtime, sink.origin);
  const idle = [await bare.peakMemory(), await worker.peakMemory()];
  const chunk = new Uint8Array(CHUNK).fill(65);
  const speeds: [bare: number, worker: number][] = [];
  for (let round = -1; round < rounds; round++) {
    const pair = round % 2 === 0 ? [bare, worker] : [worker, bare];
    const size = round < 0 ? 4 * CHUNK : bytes; // the first round warms up
    const measured = new Map<typeof bare, number>();
    for (const server of pair) measured.set(server, await transfer(server.origin, size, chunk));
    if (round >= 0) speeds.push([measured.get(bare)!, measured.get(worker)!]);
  }
  const [bareSpeed, workerSpeed] = [0, 1].map((i) => median(speeds.map((pair) => pair[i])));
  const ratio = median(speeds.map(([bare, worker]) => worker / bare));
  const peaks = [await bare.peakMemory(), await worker.peakMemory()];
  const memory = peaks.map((peak, i) => `${mib(peak)} (${mib(peak - idle[i])})`);
  console.log(
    runtime.padEnd(8),
    speed(bareSpeed),
    speed(workerSpeed),
    ratio.toFixed(3).padStart(7),
    `   worker ${memory[1]}, pass-through ${memory[0]}`,
  );
}

/** From the start of the process until it listens, and the first request; beside a worker that does nothing. */
async function start(project: Project): Promise<void> {
  const settings = { GCS_ENDPOINT: "http://127.0.0.1:1", GOOGLE_AUTH: "none" };
  const nothing = `${project.folder}/nothing.js`;
  await Deno.writeTextFile(nothing, `export default { fetch: () => new Response() };`);
  const times: number[][] = [];
  for (let i = 0; i < 10; i++) times.push([await listens(nothing), await listens(project.bundle)]);
  const [least, ours] = [0, 1].map((i) => median(times.map((pair) => pair[i])));
  console.log(
    `workerd listens after ${ours.toFixed(0)} ms, with a worker that does nothing after ` +
      `${least.toFixed(0)} ms: ${(ours - least).toFixed(0)} ms are the worker's`,
  );

  async function listens(module: string): Promise<number> {
    const started = performance.now();
    await using server = await startWorkerd(module, settings);
    const reply = await fetch(server.origin);
    await reply.body?.cancel();
    return performance.now() - started;
  }
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

function speed(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e6).toFixed(0)} MB/s`.padStart(12);
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}
