/**
 * How much memory an upload takes, beyond that of the idle process: of a source that holds nothing, for one size and for eight
 * times that, and while the server is slow. One bare PUT beside it shows what is the runtime's.
 *
 * @module
 */

import { alternate, medianOf, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { CLIENT_RUNTIMES, type ClientRuntime, NAMES } from "./support/programs.ts";
import { startSink } from "./support/sink.ts";
import { mib, sizeName, table } from "./support/table.ts";
import { ownUpload } from "./upload/clients.ts";
import { sizeOf } from "./upload/figures.ts";
import type { Job, Measured } from "./upload/job.ts";

const TIMES = 8;

/** The bytes a second that the slow server reads, and after how many seconds those uploads are ended. */
const SLOW_RATE = 1e6, SLOW_SECONDS = 30;
/** More than that server reads meanwhile, and all buffers on the way hold. */
const SLOW_SIZE = 2 ** 30;

/** The large uploads take long, and the slow ones always as long. */
const largeRounds = (rounds: number): number => Math.min(rounds, 3);

const CLIENTS: readonly Job["client"][] = ["upload", "bare"];

/** What `run` finds. */
export interface MemoryResult {
  readonly size: number;
  readonly rounds: number;
  readonly runtimes: Readonly<Record<ClientRuntime, Readonly<Record<Job["client"], Peaks>>>>;
}

/** Peaks of RSS above that of the idle process, in bytes: medians of the rounds. */
interface Peaks {
  readonly one: number;
  readonly eight: number;
  readonly slow: number;
}

/** The benchmark. */
export const memoryBench: Bench<MemoryResult> = { run, render };

type Programs = Record<string, () => Promise<Measured>>;

async function run(): Promise<MemoryResult> {
  const size = sizeOf(2 ** 30);
  await using sink = await startSink();
  await using slowSink = await startSink({ rate: SLOW_RATE });
  const own = await ownUpload();
  const programs = (job: Partial<Job>): Programs => {
    const { origin } = sink;
    const common = { source: "computed", path: "", origin, warmUp: origin, size, ...job } as const;
    const entries = CLIENT_RUNTIMES.flatMap((runtime) =>
      CLIENTS.map((client) => [
        `${runtime} ${client}`,
        () => own(runtime, { ...common, client }),
      ])
    );
    return Object.fromEntries(entries);
  };
  const one = await alternate(programs({}));
  const eight = await alternate(programs({ size: TIMES * size }), largeRounds(ROUNDS));
  const slow = await together(
    programs({ origin: slowSink.origin, seconds: SLOW_SECONDS, size: SLOW_SIZE }),
  );
  const peaks = (name: string): Peaks => ({
    one: medianOf(same(one, name), ({ rss }) => rss),
    eight: medianOf(same(eight, name), ({ rss }) => rss),
    slow: slow[name].rss,
  });
  const runtimes = CLIENT_RUNTIMES.map((runtime) => [
    runtime,
    Object.fromEntries(CLIENTS.map((client) => [client, peaks(`${runtime} ${client}`)])),
  ]);
  return { size, rounds: ROUNDS, runtimes: Object.fromEntries(runtimes) };
}

/** The uploads of one program, if what arrived is what arrived from all others. */
function same(rounds: Readonly<Record<string, Measured[]>>, name: string): Measured[] {
  const checksums = new Set(Object.values(rounds).flat().map(({ crc32c }) => crc32c));
  if (checksums.size === 1) return rounds[name];
  throw new Error(`The server got ${[...checksums].join(", ")}, expected the same of all`);
}

/** Runs all programs at once: a slow server leaves them with nothing to do. */
async function together(programs: Programs): Promise<Record<string, Measured>> {
  const started = Object.entries(programs).map(async ([name, start]) => {
    const measured = await start();
    if (measured.crc32c === "") return [name, measured];
    throw new Error(`${name} was done before it was ended`);
  });
  return Object.fromEntries(await Promise.all(started));
}

function render({ size, rounds, runtimes }: MemoryResult): string {
  const rows = CLIENTS.flatMap((client) =>
    CLIENT_RUNTIMES.map((runtime) => {
      const { one, eight, slow } = runtimes[runtime][client];
      return [
        `${NAMES[runtime]}, ${client === "upload" ? "ours" : "bare"}`,
        mib(one),
        mib(eight),
        mib(slow),
      ];
    })
  );
  const head = ["client", sizeName(size), sizeName(TIMES * size), "slow server"];
  return `The peak of RSS above that of the idle process, MiB, from \`{ size, read }\` that computes its bytes; ` +
    `${rounds} rounds, ${largeRounds(rounds)} of the large ones. The slow server reads ` +
    `${SLOW_RATE / 1e6} MB/s; those uploads are ended after ${SLOW_SECONDS} s.\n\n${
      table(head, rows)
    }`;
}
