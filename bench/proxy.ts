/**
 * What the upload proxy costs, beside a handler that passes everything through unseen, in the same runtime: throughput,
 * latency, requests a second, and memory while a thousand clients are slow. And its start in workerd.
 *
 * @module
 */

import { prepare, type Project } from "../tests/support/example_project.ts";
import type { ServerProcess } from "../tests/support/server_process.ts";
import { type RuntimeName, runtimes, startWorkerd } from "../tests/support/worker_process.ts";
import { startPassThrough, startProxy } from "./proxy/servers.ts";
import { alternate, median, medianOf, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { NAMES } from "./support/programs.ts";
import { type Load, type LoadResult, sendLoad, startSink } from "./support/sink.ts";
import { mbps, mib, ratio, table } from "./support/table.ts";

const MIB = 1_048_576;

/** What goes before everything, so that servers are as warm as those that have been up for a minute. */
const WARM: Load = { size: 65_536, requests: 2000, connections: 8 };

/** What is sent to both. */
const LOADS: Readonly<Record<"throughput" | "latency" | "chunks" | "starts", Load>> = {
  /** 1 GiB over one connection. */
  throughput: { size: 8 * MIB, requests: 128, warmup: 4 },
  /** One small chunk after the other. */
  latency: { size: MIB / 4, requests: 1000 },
  chunks: { size: MIB / 4, requests: 2000, connections: 32 },
  starts: { kind: "start", requests: 4000, warmup: 2000, connections: 32 },
};

const SLOW: Load = { size: MIB / 4, connections: 1000, requests: 1000, spread: 5000 };

type LoadName = keyof typeof LOADS;

/** Medians of the rounds. */
interface Server extends Record<LoadName, LoadResult> {
  /** How much more memory than idle 1,000 slow clients take at most, and the idle itself: RSS, in bytes. */
  readonly slowRss: number;
  readonly idleRss: number;
}

/** What `run` finds. */
export interface ProxyResult {
  readonly rounds: number;
  readonly runtimes: Record<
    RuntimeName,
    { worker: Server; bare: Server; /** Bare time by ours. */ ratios: Record<LoadName, number> }
  >;
  /** Milliseconds until workerd answers the first request: with the worker, and with one that does nothing. */
  readonly start: { readonly worker: number; readonly nothing: number };
}

export const proxyBench: Bench<ProxyResult> = { run, render };

async function run(): Promise<ProxyResult> {
  await using project = await prepare();
  await using sink = await startSink();
  const results = {} as ProxyResult["runtimes"];
  for (const runtime of runtimes) results[runtime] = await compare(project, runtime, sink.origin);
  return { rounds: ROUNDS, runtimes: results, start: await startTimes(project) };
}

async function compare(
  project: Project,
  runtime: RuntimeName,
  upstream: string,
): Promise<ProxyResult["runtimes"][RuntimeName]> {
  const start = {
    worker: () => startProxy(project, runtime, upstream),
    bare: () => startPassThrough(runtime, upstream),
  };
  // Memory first, of processes that have done nothing else.
  const memory = {
    worker: await slowMemory(start.worker),
    bare: await slowMemory(start.bare),
  };
  const medians = {
    worker: {} as Record<LoadName, LoadResult>,
    bare: {} as Record<LoadName, LoadResult>,
  };
  const ratios = {} as Record<LoadName, number>;
  for (const name of Object.keys(LOADS) as LoadName[]) {
    const once = (server: () => Promise<ServerProcess>) => async () => {
      await using fresh = await server();
      await sendLoad(fresh.origin, WARM);
      return await sendLoad(fresh.origin, LOADS[name]);
    };
    const { worker, bare } = await alternate({
      bare: once(start.bare),
      worker: once(start.worker),
    });
    medians.worker[name] = middle(worker);
    medians.bare[name] = middle(bare);
    ratios[name] = median(worker.map(({ seconds }, i) => bare[i].seconds / seconds));
  }
  return {
    worker: { ...medians.worker, ...memory.worker },
    bare: { ...medians.bare, ...memory.bare },
    ratios,
  };
}

function middle(rounds: readonly LoadResult[]): LoadResult {
  return {
    seconds: medianOf(rounds, (one) => one.seconds),
    p50: medianOf(rounds, (one) => one.p50),
    p99: medianOf(rounds, (one) => one.p99),
  };
}

async function slowMemory(
  start: () => Promise<ServerProcess>,
): Promise<{ idleRss: number; slowRss: number }> {
  await using server = await start();
  await sendLoad(server.origin, { size: MIB / 4, requests: 10 });
  const idleRss = await server.peakMemory();
  await sendLoad(server.origin, SLOW);
  return { idleRss, slowRss: await server.peakMemory() - idleRss };
}

/** From the start of the process to the answer to its first request. */
async function startTimes(project: Project): Promise<ProxyResult["start"]> {
  const settings = { GCS_ENDPOINT: "http://127.0.0.1:1", GOOGLE_AUTH: "none" };
  const nothing = `${project.folder}/nothing.js`;
  await Deno.writeTextFile(nothing, `export default { fetch: () => new Response() };`);
  const answers = async (module: string): Promise<number> => {
    const started = performance.now();
    await using server = await startWorkerd(module, settings);
    const reply = await fetch(server.origin);
    await reply.body?.cancel();
    return performance.now() - started;
  };
  const times = await alternate({
    nothing: () => answers(nothing),
    worker: () => answers(project.bundle),
  }, 2 * ROUNDS + 1);
  return { worker: median(times.worker), nothing: median(times.nothing) };
}

function render({ runtimes: results, start }: ProxyResult): string {
  const both = (name: RuntimeName, show: (server: Server) => string): string[] => [
    show(results[name].bare),
    show(results[name].worker),
  ];
  const perSecond = (name: LoadName) => (server: Server) =>
    (LOADS[name].requests / server[name].seconds).toFixed(0);
  const milliseconds = (name: "p50" | "p99") => (server: Server) =>
    (server.latency[name] * 1000).toFixed(2);
  const rows = runtimes.flatMap((name) => {
    const { ratios, worker, bare } = results[name];
    const added = (quantile: "p50" | "p99") =>
      `+${((worker.latency[quantile] - bare.latency[quantile]) * 1000).toFixed(2)}`;
    const speed = (server: Server) => mbps(128 * 8 * MIB / server.throughput.seconds);
    return [
      ["1 GiB in chunks of 8 MiB, MB/s", ...both(name, speed), ratio(ratios.throughput)],
      [
        "256 KiB chunks, 32 clients, requests/s",
        ...both(name, perSecond("chunks")),
        ratio(ratios.chunks),
      ],
      ["starts, 32 clients, requests/s", ...both(name, perSecond("starts")), ratio(ratios.starts)],
      ["a 256 KiB chunk, p50, ms", ...both(name, milliseconds("p50")), added("p50")],
      ["a 256 KiB chunk, p99, ms", ...both(name, milliseconds("p99")), added("p99")],
      ["memory, idle, MiB", ...both(name, (server) => mib(server.idleRss)), ""],
      ["1,000 slow clients, MiB more", ...both(name, (server) => mib(server.slowRss)), ""],
    ].map(([what, ...cells]) => [`${NAMES[name]}: ${what}`, ...cells]);
  });
  return `${table(["what", "pass-through", "proxy", "ratio, or added"], rows)}

workerd answers its first request ${start.worker.toFixed(0)} ms after it is started, ${
    start.nothing.toFixed(0)
  } with a worker that does nothing.`;
}
