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
  readonly clients: Record<SmallJob["client"], Figures>;
  /** Our requests a second by those of each other client: the medians of the rounds. */
  readonly ratios: Record<Exclude<SmallJob["client"], "upload">, number>;
}

interface Figures {
  readonly requestsPerSecond: number;
  /** CPU time of each object, in microseconds. */
  readonly cpu: number;
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
    const rounds = await alternate({
      fetch: start("fetch"),
      byHand: start("byHand"),
      upload: start("upload"),
    });
    const figures = (client: SmallJob["client"]): Figures => ({
      requestsPerSecond: OBJECTS / medianOf(rounds[client], ({ seconds }) => seconds),
      cpu: medianOf(rounds[client], ({ cpuSeconds }) => cpuSeconds) / OBJECTS * 1e6,
    });
    const by = (client: "fetch" | "byHand") =>
      median(rounds.upload.map(({ seconds }, i) => rounds[client][i].seconds / seconds));
    runtimes[runtime] = {
      clients: { fetch: figures("fetch"), byHand: figures("byHand"), upload: figures("upload") },
      ratios: { fetch: by("fetch"), byHand: by("byHand") },
    };
  }
  return { objects: OBJECTS, size: SIZE, concurrency: CONCURRENCY, rounds: ROUNDS, runtimes };
}

function render({ objects, size, concurrency, runtimes }: SmallResult): string {
  const head = ["", "`fetch`", "by hand", "ours", "by `fetch`", "by hand", "CPU", "CPU", "CPU"];
  const rows = CLIENT_RUNTIMES.map((name) => {
    const { clients, ratios } = runtimes[name];
    const all = [clients.fetch, clients.byHand, clients.upload];
    return [
      NAMES[name],
      ...all.map(({ requestsPerSecond }) => requestsPerSecond.toFixed(0)),
      ratio(ratios.fetch),
      ratio(ratios.byHand),
      ...all.map(({ cpu }) => cpu.toFixed(0)),
    ];
  });
  return `${objects} objects of ${
    size / 1024
  } KiB, ${concurrency} at once, after as many to warm up; \`ifGenerationMatch: 0\`, so that one request does. Requests a second, ours by the others, and µs of CPU time for each object, in the same order. "By hand" does the same with \`fetch\`: hash, frame, wait no longer than a minute, compare.

${table(head, rows)}`;
}
