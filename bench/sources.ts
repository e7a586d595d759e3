/**
 * Uploads of a large file from what each runtime has for a file, to a server on the same machine, beside the source that the
 * README shows.
 *
 * @module
 */

import { alternate, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { CLIENT_RUNTIMES, type ClientRuntime, NAMES } from "./support/programs.ts";
import { startSink } from "./support/sink.ts";
import { mbps, mib, ratio, sizeName, table } from "./support/table.ts";
import { ownUpload } from "./upload/clients.ts";
import { checked, type Figures, figures, sizeOf, timesAsFast } from "./upload/figures.ts";
import { makeFile } from "./upload/file.ts";
import type { Measured, Source } from "./upload/job.ts";

/** What is handed over in each runtime, and how it is written there; Deno has no `Blob` of a file. */
const SOURCES: Readonly<Record<ClientRuntime, Readonly<Partial<Record<Source, string>>>>> = {
  node: {
    file: "`{ size, read }` on `node:fs/promises`",
    bytes: "bytes in memory",
    blob: "`openAsBlob(path)`",
    stream: '`readableWebStream({ type: "bytes" })`',
  },
  deno: {
    file: "`{ size, read }` on `node:fs/promises`",
    bytes: "bytes in memory",
    stream: "`(await Deno.open(path)).readable`",
  },
  bun: {
    file: "`{ size, read }` on `node:fs/promises`",
    bytes: "bytes in memory",
    blob: "`Bun.file(path)`",
    stream: "`Bun.file(path).stream()`",
  },
};

const ALL = CLIENT_RUNTIMES.flatMap((runtime) =>
  (Object.keys(SOURCES[runtime]) as Source[]).map((source) => ({ runtime, source }))
);

/** What `run` finds. */
export interface SourcesResult {
  readonly size: number;
  readonly rounds: number;
  readonly sources: readonly SourceFigures[];
}

/** What one source does. */
interface SourceFigures extends Figures {
  readonly runtime: ClientRuntime;
  readonly source: Source;
  /** How many times as fast as `{ size, read }` in the same runtime. */
  readonly byFile: number;
}

/** The benchmark. */
export const sourcesBench: Bench<SourcesResult> = { run, render };

async function run(): Promise<SourcesResult> {
  const size = sizeOf(2 ** 30);
  await using sink = await startSink();
  await using file = await makeFile(size);
  const own = await ownUpload();
  const job = {
    client: "upload",
    origin: sink.origin,
    warmUp: sink.origin,
    path: file.path,
  } as const;
  const programs: Record<string, () => Promise<Measured>> = {};
  for (const { runtime, source } of ALL) {
    programs[`${runtime} ${source}`] = () => checked(own(runtime, { ...job, source }), file.crc32c);
  }
  const rounds = await alternate(programs);
  const sources = ALL.map(({ runtime, source }) => {
    const measured = rounds[`${runtime} ${source}`];
    const byFile = timesAsFast(measured, rounds[`${runtime} file`]);
    return { runtime, source, ...figures(measured, size), byFile };
  });
  return { size, rounds: ROUNDS, sources };
}

function render({ size, rounds, sources }: SourcesResult): string {
  const rows = sources.map(({ runtime, source, speed, byFile, cpu, rss }) => [
    `${NAMES[runtime]}, ${SOURCES[runtime][source]}`,
    mbps(speed),
    ratio(byFile),
    cpu.toFixed(2),
    mib(rss),
  ]);
  const head = ["source", "MB/s", "by `{ size, read }`", "CPU s/GiB", "memory, MiB"];
  return `${
    sizeName(size)
  }, ${rounds} rounds, CRC32C compared with that of the file. "Memory" is the peak of RSS ` +
    `above that of the idle process, which has the bytes in memory already where these are the source.\n\n${
      table(head, rows)
    }`;
}
