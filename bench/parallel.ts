/**
 * One large file over 1, 2, 4 and 8 connections, to a server on the same machine and over a line that gives each connection
 * 30 MB/s: ours in each runtime, beside Google's clients for Node, Python and Java.
 *
 * @module
 */

import { alternate, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import {
  bundle,
  CLIENT_RUNTIMES,
  findJava,
  findPython,
  measured,
  NAMES,
  need,
  PEERS,
  runtimeCommand,
} from "./support/programs.ts";
import { type Line, startLine, startSink } from "./support/sink.ts";
import {
  largest,
  mbps,
  mib,
  ratio,
  ratioTo,
  sizeName,
  skippedRows,
  table,
  unmeasuredRow,
} from "./support/table.ts";
import type { UploadResult } from "./upload.ts";
import { NEEDS } from "./upload/clients.ts";
import { checked, figures, sizeOf } from "./upload/figures.ts";
import { makeFile, type TestFile } from "./upload/file.ts";
import type { Measured } from "./upload/job.ts";
import type { ParallelJob } from "./parallel/job.ts";
import { fileURLToPath, pathToFileURL } from "node:url";

const CONCURRENCY: readonly number[] = [1, 2, 4, 8];

/** Each connection has this line to itself. */
const LINE: Line = { latency: 25, rate: 30e6, window: 6e6 };

/** What `run` finds. */
export interface ParallelResult {
  readonly size: number;
  /** Over the line, on which one round is enough. */
  readonly lineSize: number;
  readonly rounds: number;
  readonly line: Line;
  /** By the place, then by the client; one for each of `CONCURRENCY`. */
  readonly places: Readonly<Record<Place, Readonly<Record<string, readonly Figure[]>>>>;
  /** What those need that are not there, by the name of the row. */
  readonly missing?: Readonly<Record<string, string>>;
}

type Place = "loopback" | "line";

interface Figure {
  readonly concurrency: number;
  /** Bytes a second. */
  readonly speed: number;
  /** The most memory beyond that of the idle process, in bytes. */
  readonly rss: number;
}

type Client = (job: ParallelJob) => Promise<Measured>;

/** The benchmark. */
export const parallelBench: Bench<ParallelResult> = { run, render };

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function run(): Promise<ParallelResult> {
  const size = sizeOf(2 ** 30), lineSize = sizeOf(2 ** 28);
  await using sink = await startSink();
  await using wire = await startLine(sink.origin, LINE);
  await using large = await makeFile(size);
  await using small = await makeFile(lineSize);
  const { clients, missing } = await findClients();
  const rounds = Math.min(ROUNDS, 3);
  const measure = async (origin: string, file: TestFile, rounds: number) => {
    const programs: Record<string, () => Promise<Measured>> = {};
    for (const [name, client] of Object.entries(clients)) {
      for (const concurrency of CONCURRENCY) {
        const source = name.includes("stream") ? "stream" as const : "file" as const;
        const job = { origin, warmUp: sink.origin, path: file.path, concurrency, source };
        programs[`${name}#${concurrency}`] = () => checked(client(job), file.crc32c);
      }
    }
    const found = await alternate(programs, rounds);
    return Object.fromEntries(
      Object.keys(clients).map((name) => [
        name,
        CONCURRENCY.map((concurrency): Figure => {
          const { speed, rss } = figures(found[`${name}#${concurrency}`], file.size);
          return { concurrency, speed, rss };
        }),
      ]),
    );
  };
  const places = {
    loopback: await measure(sink.origin, large, rounds),
    line: await measure(wire.origin, small, 1),
  };
  return { size, lineSize, rounds, line: LINE, places, missing };
}

/** Ours in each runtime, a stream in Node only; and those of others that are there. */
async function findClients(): Promise<
  { readonly clients: Record<string, Client>; readonly missing: Record<string, string> }
> {
  need("node");
  const program = await bundle(here("parallel/program.ts"));
  const clients: Record<string, Client> = {};
  for (const runtime of CLIENT_RUNTIMES) {
    clients[`${NAMES[runtime]}, a file`] = (job) =>
      measured([...runtimeCommand(runtime), program, JSON.stringify(job)]);
  }
  clients["Node, a stream"] = (job) => measured(["node", program, JSON.stringify(job)]);
  const meter = pathToFileURL(await bundle(here("upload/meter.ts"))).href;
  clients["`uploadFileInChunks` of Google's for Node"] = (job) =>
    measured(["node", `${PEERS}parallel.mjs`, JSON.stringify({ ...job, meter })]);
  const missing: Record<string, string> = {};
  const [python, java] = [await findPython(), await findJava()];
  if (python === undefined) missing[PYTHON] = NEEDS.python;
  else clients[PYTHON] = (job) => measured([python, `${PEERS}parallel.py`, JSON.stringify(job)]);
  if (java === undefined) missing[JAVA] = NEEDS.java;
  else clients[JAVA] = (job) => measured([...java, "Parallel", JSON.stringify(job)]);
  return { clients, missing };
}

const PYTHON = "`upload_chunks_concurrently` of Google's for Python";
const JAVA = "`TransferManager` of Google's for Java";

/** Whether a row is of somebody else's client. */
const isPeer = (name: string): boolean => name.startsWith("`");

function render(
  { size, lineSize, rounds, line, places, missing }: ParallelResult,
  others: Readonly<Record<string, unknown>> = {},
): string {
  const head = [
    "client",
    ...CONCURRENCY.map((concurrency) => `${concurrency}`),
    "8 by 1",
    "8 by the best peer",
    "8 by the limit",
    "memory at 8, MiB",
  ];
  const limits: Record<Place, number | undefined> = {
    loopback: (others.upload as UploadResult | undefined)?.peers.curl?.speed,
    line: CONCURRENCY[CONCURRENCY.length - 1] * line.rate,
  };
  const rows = (place: Place) => {
    const peers = Object.entries(places[place]).filter(([name]) => isPeer(name));
    const best = largest(peers.map(([, all]) => all[all.length - 1].speed));
    const measured = Object.entries(places[place]).map(([name, all]) => {
      const last = all[all.length - 1];
      return [
        name,
        ...all.map(({ speed }) => mbps(speed)),
        ratio(last.speed / all[0].speed),
        ratioTo(last.speed, best),
        ratioTo(last.speed, limits[place]),
        mib(last.rss),
      ];
    });
    const named = { ...places[place], ...missing };
    const unmeasured = [PYTHON, JAVA].filter((name) => named[name] === undefined);
    return [
      ...measured,
      ...unmeasured.map((name) => unmeasuredRow(name, head.length)),
      ...skippedRows(missing, head.length),
    ];
  };
  const { latency, rate } = line;
  return `${
    sizeName(size)
  } over 1, 2, 4 and 8 connections, ${rounds} rounds, MB/s, CRC32C compared ` +
    `with that of the file; parts of 32 MiB, of the stream of 8 MiB. The limit is ` +
    `one PUT by curl to the same machine, and on the line what all connections together let through.\n\nTo the same machine:\n\n${
      table(head, rows("loopback"))
    }\n\n${sizeName(lineSize)}, one round, over a line of ${2 * latency} ms, ${
      mbps(rate)
    } MB/s for each connection:\n\n${table(head, rows("line"))}`;
}
