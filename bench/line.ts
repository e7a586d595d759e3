/**
 * Uploads over a line, and over one that stands still and breaks: what the round trip costs, beside one PUT by curl, which waits for nothing. Sources that can be read
 * anywhere, and streams of unknown size, whose window is two chunks.
 *
 * @module
 */

import { alternate, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { CLIENT_RUNTIMES, NAMES } from "./support/programs.ts";
import { type Line, startLine, startSink } from "./support/sink.ts";
import { mbps, mib, sizeName, table } from "./support/table.ts";
import { findPeers, ownUpload, type Peer, PEER_NAMES } from "./upload/clients.ts";
import { besideRivals, checked, figures, rivalsOf, sizeOf } from "./upload/figures.ts";
import { makeFile } from "./upload/file.ts";
import type { Job, Measured, PeerJob } from "./upload/job.ts";

/** The lines: two windows hold what is under way, so that only the rate is a limit. */
const LINES: readonly Line[] = [
  { latency: 25, rate: 100e6, window: 10e6 },
  { latency: 50, rate: 30e6, window: 6e6 },
  { latency: 25, rate: 100e6, window: 10e6, faults: { every: 48e6, stall: 2000, seed: 20 } },
];

/** A client that has not got through by then is taken to have failed, in seconds. */
const TIME_LIMIT = 90;

/** The chunks of a stream, in MiB. */
const CHUNKS: readonly number[] = [8, 16, 32];

/** On a line without faults nothing is left to chance but a few milliseconds. */
const roundsOf = (line: Line): number => line.faults ? Math.min(ROUNDS, 3) : 1;

const PEERS: readonly Peer[] = ["curl", "go", "python", "java", "node", "rclone", "genai", "tus"];

/** What `run` finds. */
export interface LineResult {
  readonly size: number;
  readonly rounds: number;
  readonly lines: readonly LineFigures[];
}

/** What was found on one line. */
export interface LineFigures extends Line {
  /** By the name of the client, in the order of the table; nothing of those that are not there, null for those that failed. */
  readonly clients: Readonly<Record<string, ClientFigures | null>>;
}

interface ClientFigures {
  /** Bytes a second. */
  readonly speed: number;
  /** The most memory beyond that of the idle process, in bytes. */
  readonly rss: number;
}

/** The benchmark. */
export const lineBench: Bench<LineResult> = { run, render };

async function run(): Promise<LineResult> {
  const size = sizeOf(2 ** 27);
  await using sink = await startSink();
  await using file = await makeFile(size);
  const own = await ownUpload();
  const peers = await findPeers();
  const lines: LineFigures[] = [];
  for (const line of LINES) {
    await using wire = await startLine(sink.origin, line);
    const job: PeerJob = { origin: wire.origin, warmUp: sink.origin, path: file.path };
    const programs: Record<string, () => Promise<Measured | null>> = {};
    for (const [name, runtime, ownJob] of ownJobs(job)) {
      const once = () => checked(own(runtime, ownJob), file.crc32c);
      programs[name] = line.faults && ownJob.client === "bare" ? () => orFailed(once()) : once;
    }
    for (const peer of PEERS) {
      const upload = peers[peer];
      if (!upload) continue;
      const once = () => checked(upload({ ...job, timeLimit: TIME_LIMIT }), file.crc32c);
      programs[PEER_NAMES[peer]] = line.faults ? () => orFailed(once()) : once;
    }
    lines.push({ ...line, clients: compared(await alternate(programs, roundsOf(line)), size) });
  }
  return { size, rounds: Math.min(ROUNDS, 3), lines };
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

/** What a client does that is not ours where connections break; null where it gives up, or takes too long. */
async function orFailed(upload: Promise<Measured>): Promise<Measured | null> {
  try {
    return await upload;
  } catch {
    return null;
  }
}

function compared(
  rounds: Readonly<Record<string, readonly (Measured | null)[]>>,
  size: number,
): LineFigures["clients"] {
  return Object.fromEntries(
    Object.entries(rounds).map(([name, measured]) => {
      const through = measured.filter((one) => one !== null);
      if (through.length < measured.length) return [name, null];
      const { speed, rss } = figures(through, size);
      return [name, { speed, rss }];
    }),
  );
}

function render({ size, rounds, lines }: LineResult): string {
  const present = lines.flatMap(({ clients }) => Object.keys(clients));
  const names = new Set([...present, ...PEERS.map((peer) => PEER_NAMES[peer])]);
  const limit = lines[0].clients[PEER_NAMES.curl]?.speed;
  const columns = lines.map(({ clients, faults }) => {
    const peers = PEERS.map((peer) => [peer, clients[PEER_NAMES[peer]]]);
    const rivals = rivalsOf(Object.fromEntries(peers));
    // Nothing is known of what faults leave of a line: its limit is that of the same one without.
    return { clients, rivals: faults ? { ...rivals, limit } : rivals };
  });
  const rows = [...names].map((name) => [
    name,
    ...columns.flatMap(({ clients: { [name]: one }, rivals }) => {
      if (one === null) return ["failed", "", ""];
      return one ? [mbps(one.speed), ...besideRivals(one.speed, rivals)] : ["skipped", "", ""];
    }),
    lines[0].clients[name] ? mib(lines[0].clients[name].rss) : "",
  ]);
  const head = lines.flatMap(({ latency, rate, faults }) => [
    `${2 * latency} ms, ${mbps(rate)} MB/s${faults ? ", stalling" : ""}`,
    "by the best",
    "by curl",
  ]);
  const settings = lines.map(({ latency, rate, window, faults }) =>
    `${latency} ms one way, ${mbps(rate)} MB/s, ${(window / 1e6).toFixed(0)} MB under way` +
    (faults
      ? `, where each connection, after ${
        (faults.every / 1e6).toFixed(0)
      } MB on the average (exponential, seed ${faults.seed}), either stands still for ${
        faults.stall / 1000
      } s or is cut`
      : "")
  );
  return `${sizeName(size)}, one round, and ${rounds} where there are faults; MB/s. The lines: ${
    settings.join("; and ")
  }. ` +
    `A new connection waits one round trip, and the window is open from the start. curl's session ` +
    `is there before, and rclone's start counts. A client has failed where it gave up in a round, ` +
    `or took more than ${TIME_LIMIT} s; curl is never resumed, so its figure without faults is ` +
    `the limit of the stalling line, too. Memory is that on the first line, in MiB.\n\n${
      table(["client", ...head, "memory"], rows)
    }`;
}
