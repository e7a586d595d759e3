/**
 * Uploads over a line: what the round trip costs, beside one PUT by curl, which waits for nothing. Sources that can be read
 * anywhere, and streams of unknown size, whose window is two chunks.
 *
 * @module
 */

import { alternate, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { CLIENT_RUNTIMES, NAMES } from "./support/programs.ts";
import { type Line, startLine, startSink } from "./support/sink.ts";
import { mbps, mib, ratio, sizeName, table } from "./support/table.ts";
import { findPeers, ownUpload, type Peer, PEER_NAMES } from "./upload/clients.ts";
import { checked, figures, sizeOf, timesAsFast } from "./upload/figures.ts";
import { makeFile } from "./upload/file.ts";
import type { Job, Measured, PeerJob } from "./upload/job.ts";

/** The lines: two windows hold what is under way, so that only the rate is a limit. */
const LINES: readonly Line[] = [
  { latency: 25, rate: 100e6, window: 10e6 },
  { latency: 50, rate: 30e6, window: 6e6 },
];

/** The chunks of a stream, in MiB. */
const CHUNKS: readonly number[] = [8, 16, 32];

/** Nothing here is left to chance but a few milliseconds, and each round takes minutes. */
const LINE_ROUNDS = Math.min(ROUNDS, 3);

const PEERS: readonly Peer[] = ["curl", "go", "python", "node"];

/** What `run` finds. */
export interface LineResult {
  readonly size: number;
  readonly rounds: number;
  readonly lines: readonly LineFigures[];
}

/** What was found on one line. */
export interface LineFigures extends Line {
  /** By the name of the client, in the order of the table; nothing of those that are not there. */
  readonly clients: Readonly<Record<string, ClientFigures>>;
}

interface ClientFigures {
  /** Bytes a second. */
  readonly speed: number;
  /** How many times as fast as curl; nothing without it. */
  readonly byCurl?: number;
  /** The most memory beyond that of the idle process, in bytes. */
  readonly rss: number;
}

/** The benchmark. */
export const lineBench: Bench<LineResult> = { run, render };

async function run(): Promise<LineResult> {
  const size = sizeOf(2 ** 28);
  await using sink = await startSink();
  await using file = await makeFile(size);
  const own = await ownUpload();
  const peers = await findPeers();
  const lines: LineFigures[] = [];
  for (const line of LINES) {
    await using wire = await startLine(sink.origin, line);
    const job: PeerJob = { origin: wire.origin, warmUp: sink.origin, path: file.path };
    const programs: Record<string, () => Promise<Measured>> = {};
    for (const [name, runtime, ownJob] of ownJobs(job)) {
      programs[name] = () => checked(own(runtime, ownJob), file.crc32c);
    }
    for (const peer of PEERS) {
      const upload = peers[peer];
      if (upload) programs[PEER_NAMES[peer]] = () => checked(upload(job), file.crc32c);
    }
    lines.push({ ...line, clients: compared(await alternate(programs, LINE_ROUNDS), size) });
  }
  return { size, rounds: LINE_ROUNDS, lines };
}

type OwnJob = readonly [name: string, runtime: (typeof CLIENT_RUNTIMES)[number], job: Job];

/** Ours: a file in each runtime; one bare PUT and streams in Node only, since the line is the limit, not the runtime. */
function ownJobs(job: PeerJob): OwnJob[] {
  return [
    ...CLIENT_RUNTIMES.map((runtime): OwnJob => [
      `${NAMES[runtime]}, a file`,
      runtime,
      { ...job, client: "upload", source: "file" },
    ]),
    ...CHUNKS.map((chunk): OwnJob => [
      streamName(chunk),
      "node",
      { ...job, client: "upload", source: "stream", chunkSize: chunk * 2 ** 20 },
    ]),
    ["Node, bare", "node", { ...job, client: "bare", source: "file" }],
  ];
}

const streamName = (chunk: number): string => `Node, a stream in chunks of ${chunk} MiB`;

function compared(
  rounds: Readonly<Record<string, readonly Measured[]>>,
  size: number,
): LineFigures["clients"] {
  const curl = rounds[PEER_NAMES.curl];
  return Object.fromEntries(
    Object.entries(rounds).map(([name, measured]) => {
      const { speed, rss } = figures(measured, size);
      return [name, { speed, rss, ...(curl && { byCurl: timesAsFast(measured, curl) }) }];
    }),
  );
}

function render({ size, rounds, lines }: LineResult): string {
  const present = new Set(lines.flatMap(({ clients }) => Object.keys(clients)));
  const names = [...present, ...PEERS.map((peer) => PEER_NAMES[peer])];
  const rows = [...new Set(names)].map((name) => [
    name,
    ...lines.flatMap(({ clients: { [name]: one } }) => {
      if (!one) return ["skipped", "", ""];
      return [mbps(one.speed), one.byCurl === undefined ? "" : ratio(one.byCurl), mib(one.rss)];
    }),
  ]);
  const head = lines.flatMap(({ latency, rate }) => [
    `${2 * latency} ms, ${mbps(rate)} MB/s`,
    "by curl",
    "memory, MiB",
  ]);
  const settings = lines.map(({ latency, rate, window }) =>
    `${latency} ms one way, ${mbps(rate)} MB/s, ${(window / 1e6).toFixed(0)} MB under way`
  );
  return `${sizeName(size)}, ${rounds} rounds, MB/s. The lines: ${settings.join("; and ")}. ` +
    `A new connection waits one round trip; nothing is lost, and the window is open from the start. ` +
    `curl's session is there before.\n\n${table(["client", ...head], rows)}`;
}
