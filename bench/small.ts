/**
 * Many small objects: one request each, beside `fetch` with a body that was made before.
 *
 * @module
 */

import type { SmallJob, SmallMeasured } from "./small/program.ts";
import { alternate, median, medianOf, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import {
  bundle,
  CLIENT_RUNTIMES,
  type ClientRuntime,
  measured,
  NAMES,
  runtimeCommand,
} from "./support/programs.ts";
import { startSink } from "./support/sink.ts";
import { ratio, table } from "./support/table.ts";

const OBJECTS = 5000, WARMUP = 5000, SIZE = 4096, CONCURRENCY = 32;

/** What `run` finds. */
export interface SmallResult {
  readonly objects: number;
  readonly size: number;
  readonly concurrency: number;
  readonly rounds: number;
  readonly runtimes: Record<ClientRuntime, Compared>;
}

interface Compared {
  /** Requests a second. */
  readonly ours: number;
  readonly fetch: number;
  /** Ours by those of `fetch`: the median of the rounds. */
  readonly ratio: number;
  /** Microseconds of CPU time for each object. */
  readonly oursCpu: number;
  readonly fetchCpu: number;
}

export const smallBench: Bench<SmallResult> = { run, render };

async function run(): Promise<SmallResult> {
  const program = await bundle(new URL("small/program.ts", import.meta.url).pathname);
  await using sink = await startSink();
  const runtimes = {} as Record<ClientRuntime, Compared>;
  for (const runtime of CLIENT_RUNTIMES) {
    const start = (client: SmallJob["client"]) => () => {
      const job: SmallJob = {
        client,
        origin: sink.origin,
        objects: OBJECTS,
        warmup: WARMUP,
        size: SIZE,
        concurrency: CONCURRENCY,
      };
      return measured<SmallMeasured>([...runtimeCommand(runtime), program, JSON.stringify(job)]);
    };
    const { ours, bare } = await alternate({ bare: start("fetch"), ours: start("upload") });
    const perSecond = (rounds: readonly SmallMeasured[]) =>
      OBJECTS / medianOf(rounds, ({ seconds }) => seconds);
    const cpu = (rounds: readonly SmallMeasured[]) =>
      medianOf(rounds, ({ cpuSeconds }) => cpuSeconds) / OBJECTS * 1e6;
    runtimes[runtime] = {
      ours: perSecond(ours),
      fetch: perSecond(bare),
      ratio: median(ours.map(({ seconds }, i) => bare[i].seconds / seconds)),
      oursCpu: cpu(ours),
      fetchCpu: cpu(bare),
    };
  }
  return { objects: OBJECTS, size: SIZE, concurrency: CONCURRENCY, rounds: ROUNDS, runtimes };
}

function render({ objects, size, concurrency, runtimes }: SmallResult): string {
  const head = ["", "`fetch`, requests/s", "ours, requests/s", "ratio", "CPU, µs", "ours, µs"];
  const rows = CLIENT_RUNTIMES.map((name) => {
    const { ours, fetch, ratio: times, oursCpu, fetchCpu } = runtimes[name];
    return [
      NAMES[name],
      fetch.toFixed(0),
      ours.toFixed(0),
      ratio(times),
      fetchCpu.toFixed(0),
      oursCpu.toFixed(0),
    ];
  });
  return `${objects} objects of ${
    size / 1024
  } KiB, ${concurrency} at once, after as many to warm up; \`ifGenerationMatch: 0\`, so that one request does. CPU time, user and system, is that of each object.

${table(head, rows)}`;
}
