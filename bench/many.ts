/**
 * Many small files: a folder of them, from the call to the last result, beside the transfer managers of Google's clients for
 * Node and Python, and beside as many requests of a program that does nothing else. Ours at several numbers of uploads at once,
 * the others as they are by themselves and as they are fastest.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import type { ManyJob, ManyMeasured, PeerManyJob } from "./many/job.ts";
import { alternate, medianOf, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import {
  bundle,
  CLIENT_RUNTIMES,
  findPython,
  measured,
  NAMES,
  PEERS,
  runtimeCommand,
} from "./support/programs.ts";
import { type Load, measureLoad, startSink } from "./support/sink.ts";
import { largest, mib, ratioTo, skippedRows, table, unmeasuredRow } from "./support/table.ts";
import { NEEDS } from "./upload/clients.ts";

const FILES = 5000, SIZE = 16_384;

/** How many files are sent at once: the default is one of these. */
const CONCURRENCIES = [8, 16, 32] as const;

/** Milliseconds that each reply waits in the second table: what a way to a server may cost. */
const DELAY = 20;

/** What `run` finds. */
export interface ManyResult {
  readonly files: number;
  readonly size: number;
  readonly delay: number;
  readonly rounds: number;
  /** Ours, others' and the limit, by the name of the row: without a delay, and with one. */
  readonly rows: Readonly<Record<string, Row>>;
  /** What those need that are not there, by the name of the row. */
  readonly missing?: Readonly<Record<string, string>>;
}

interface Row {
  readonly near: Figures;
  readonly far: Figures;
}

interface Figures {
  readonly filesPerSecond: number;
  /** CPU time of each file, in microseconds. */
  readonly cpu: number;
  /** The most memory beyond that of the idle process, in bytes. */
  readonly rss: number;
}

/** The benchmark. */
export const manyBench: Bench<ManyResult> = { run, render };

type Programs = Record<string, (origin: string) => Promise<ManyMeasured>>;

async function run(): Promise<ManyResult> {
  await using folder = await makeFolder();
  const peers = await others(folder.path);
  const programs = { ...await ours(folder.path), ...peers, [LIMIT]: limit };
  const missing = PYTHON_ROWS.filter((name) => peers[name] === undefined);
  const measure = async (delay: number): Promise<Record<string, Figures>> => {
    await using sink = await startSink({ delay });
    const { origin } = sink;
    const starts = Object.entries(programs).map(([name, start]) => [name, () => start(origin)]);
    const rounds = await alternate<string, ManyMeasured>(Object.fromEntries(starts));
    return Object.fromEntries(
      Object.entries(rounds).map(([name, found]) => [name, figuresOf(name, found)]),
    );
  };
  const near = await measure(0), far = await measure(DELAY);
  const names = Object.keys(programs);
  return {
    files: FILES,
    size: SIZE,
    delay: DELAY,
    rounds: ROUNDS,
    rows: Object.fromEntries(names.map((name) => [name, { near: near[name], far: far[name] }])),
    missing: Object.fromEntries(missing.map((name) => [name, NEEDS.python])),
  };
}

function figuresOf(name: string, rounds: readonly ManyMeasured[]): Figures {
  const less = rounds.find(({ uploaded }) => uploaded !== FILES);
  if (less) throw new Error(`${name} uploaded ${less.uploaded} files of ${FILES}`);
  return {
    filesPerSecond: FILES / medianOf(rounds, ({ seconds }) => seconds),
    cpu: medianOf(rounds, ({ cpuSeconds }) => cpuSeconds) / FILES * 1e6,
    rss: medianOf(rounds, ({ rss }) => rss),
  };
}

/** Ours, in each runtime and with each number. */
async function ours(folder: string): Promise<Programs> {
  const program = await bundle(fileURLToPath(new URL("many/program.ts", import.meta.url)));
  const rows = CLIENT_RUNTIMES.flatMap((runtime) =>
    CONCURRENCIES.map((concurrency) => [
      `${NAMES[runtime]}, ours, ${concurrency} at once`,
      (origin: string) => {
        const job: ManyJob = { origin, folder, concurrency };
        return measured([...runtimeCommand(runtime), program, JSON.stringify(job)]);
      },
    ])
  );
  return Object.fromEntries(rows);
}

const PYTHON_ROWS = ["`upload_many`, 8 processes", "`upload_many`, 16 threads"] as const;

/** Those of others that are there. */
async function others(folder: string): Promise<Programs> {
  const meter = pathToFileURL(
    await bundle(fileURLToPath(new URL("upload/meter.ts", import.meta.url))),
  ).href;
  const node = (options: Partial<PeerManyJob>) => (origin: string) =>
    measured<ManyMeasured>([
      "node",
      `${PEERS}many.mjs`,
      JSON.stringify({ origin, folder, meter, ...options }),
    ]);
  const rows: Programs = {
    "`uploadManyFiles`, 5 at once": node({}),
    "`uploadManyFiles`, one request each, 16 at once": node({
      how: "one request",
      concurrency: 16,
    }),
  };
  const found = await findPython();
  if (found === undefined) return rows;
  const python = (options: Partial<PeerManyJob>) => (origin: string) =>
    measured<ManyMeasured>([
      found,
      `${PEERS}many.py`,
      JSON.stringify({ origin, folder, ...options }),
    ]);
  const [processes, threads] = PYTHON_ROWS;
  rows[processes] = python({});
  rows[threads] = python({ how: "threads", concurrency: 16 });
  return rows;
}

const LIMIT = "limit: bare requests, 32 at once";

/** As many requests of the same size, by a program that opens no file, computes no checksum, and reads no more than the status of a reply. */
async function limit(origin: string): Promise<ManyMeasured> {
  const load: Load = { kind: "object", size: SIZE, connections: 32, requests: FILES, warmup: 32 };
  const idle = await measureLoad(origin, { ...load, requests: 32 });
  const { found, cpuSeconds, peakRss } = await measureLoad(origin, load);
  const rss = Math.max(0, peakRss - idle.peakRss);
  return { seconds: found.seconds, cpuSeconds, rss, uploaded: FILES };
}

/** A folder of files of random bytes, removed in the end; in memory, where the system has a file system for that. */
async function makeFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const inMemory = await Deno.stat("/dev/shm").then(() => true, () => false);
  const path = await Deno.makeTempDir({ prefix: "bench-", ...(inMemory && { dir: "/dev/shm" }) });
  for (let i = 0; i < FILES; i++) {
    await Deno.writeFile(`${path}/file-${i}`, crypto.getRandomValues(new Uint8Array(SIZE)));
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function render({ files, size, delay, rows, missing }: ManyResult): string {
  const columns = ["files/s", "by the best peer", "by the limit", "CPU", "memory"];
  const head = ["", ...columns, ...columns];
  const peers = Object.entries(rows).filter(([name]) => name.startsWith("`"));
  const cells = (row: Row, way: keyof Row) => {
    const { filesPerSecond, cpu, rss } = row[way];
    return [
      filesPerSecond.toFixed(0),
      ratioTo(filesPerSecond, largest(peers.map(([, peer]) => peer[way].filesPerSecond))),
      ratioTo(filesPerSecond, rows[LIMIT]?.[way].filesPerSecond),
      cpu.toFixed(0),
      mib(rss),
    ];
  };
  const body = Object.entries(rows).map(([name, row]) => [
    name,
    ...cells(row, "near"),
    ...cells(row, "far"),
  ]);
  if (rows[LIMIT] === undefined) body.push(unmeasuredRow(LIMIT, head.length));
  body.push(...skippedRows(missing, head.length));
  return `A folder of ${files} files of ${
    size / 1024
  } KiB, uploaded if there is no object of the name; opening the files, and asking for their sizes, is part of it. Files a second, µs of CPU time for each file, and the most memory above that of the idle process in MiB: to a server on the same machine, and, in the last five columns, where each reply comes ${delay} ms later. The limit is as many requests of the same size, over 32 connections that stay open, by a program in Go that reads no files and computes nothing.

${table(head, body)}`;
}
