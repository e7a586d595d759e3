/**
 * Uploads of a large file to a server on the same machine: how fast, at what cost in CPU time and memory; ours beside one
 * bare PUT of the same runtime, and beside the clients of others.
 *
 * @module
 */

import { alternate, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { CLIENT_RUNTIMES, type ClientRuntime, NAMES } from "./support/programs.ts";
import { startSink } from "./support/sink.ts";
import { mbps, mib, ratio, sizeName, table, UNKNOWN } from "./support/table.ts";
import { findPeers, type Missing, ownUpload, type Peer, PEER_NAMES } from "./upload/clients.ts";
import {
  besideRivals,
  checked,
  type Figures,
  figures,
  peerRow,
  rivalsOf,
  sizeOf,
  timesAsFast,
  withoutFigures,
} from "./upload/figures.ts";
import { makeFile } from "./upload/file.ts";
import type { Job, Measured } from "./upload/job.ts";

/** What `run` finds. */
export interface UploadResult {
  readonly size: number;
  readonly rounds: number;
  /** Ours, and one bare PUT. */
  readonly runtimes: Readonly<Record<ClientRuntime, { ours: Compared; bare: Compared }>>;
  /** What others do; nothing of those that are not there. */
  readonly peers: Readonly<Partial<Record<Peer, Compared>>>;
  /** What those need that are not there. */
  readonly missing?: Missing;
}

/** What one client does, beside others: medians of the rounds. */
interface Compared extends Figures {
  /** How many times as fast as the bare PUT of its runtime. */
  readonly byBare?: number;
}

/** The benchmark. */
export const uploadBench: Bench<UploadResult> = { run, render };

async function run(): Promise<UploadResult> {
  const size = sizeOf(2 ** 30);
  await using sink = await startSink();
  await using file = await makeFile(size);
  const own = await ownUpload();
  const { uploads, missing } = await findPeers();
  const job = { origin: sink.origin, warmUp: sink.origin, path: file.path };

  const programs: Record<string, () => Promise<Measured>> = {};
  for (const runtime of CLIENT_RUNTIMES) {
    for (const client of ["upload", "bare"] as const) {
      const ownJob: Job = { ...job, client, source: "file" };
      programs[`${runtime} ${client}`] = () => checked(own(runtime, ownJob), file.crc32c);
    }
  }
  for (const [name, upload] of Object.entries(uploads)) {
    programs[name] = () => checked(upload(job), file.crc32c);
  }
  const rounds = await alternate(programs);

  const compared = (name: string): Compared => ({
    ...figures(rounds[name], size),
  });
  const runtimes = CLIENT_RUNTIMES.map((runtime) => {
    const [ours, bare] = [`${runtime} upload`, `${runtime} bare`];
    const byBare = timesAsFast(rounds[ours], rounds[bare]);
    return [runtime, { ours: { ...compared(ours), byBare }, bare: compared(bare) }];
  });
  return {
    size,
    rounds: ROUNDS,
    runtimes: Object.fromEntries(runtimes),
    peers: Object.fromEntries(Object.keys(uploads).map((name) => [name, compared(name)])),
    missing,
  };
}

function render({ size, rounds, runtimes, peers, missing }: UploadResult): string {
  const rivals = rivalsOf(peers);
  const row = (name: string, one: Compared): string[] => [
    name,
    mbps(one.speed),
    ...besideRivals(one.speed, rivals),
    one.byBare === undefined ? "" : ratio(one.byBare),
    one.cpu.toFixed(2),
    mib(one.rss),
  ];
  const peerRows = (Object.keys(PEER_NAMES) as Peer[]).map((peer) => {
    const [name, one] = [peerRow(peer, missing), peers[peer]];
    if (one) return row(name, one);
    return [name, withoutFigures(peer, missing), UNKNOWN, UNKNOWN, "", UNKNOWN, UNKNOWN];
  });
  const rows = [
    ...CLIENT_RUNTIMES.map((name) => row(`${NAMES[name]}, ours`, runtimes[name].ours)),
    ...CLIENT_RUNTIMES.map((name) => row(`${NAMES[name]}, bare`, runtimes[name].bare)),
    ...peerRows,
  ];
  const head = [
    "client",
    "MB/s",
    "by the best peer",
    "by curl",
    "by bare",
    "CPU s/GiB",
    "memory, MiB",
  ];
  return `${
    sizeName(size)
  } from a file, ${rounds} rounds, CRC32C compared with that of the file. ` +
    `"Memory" is the peak of RSS above that of the idle process. The best peer is the fastest ` +
    `client of others but curl, which is the limit.\n\n${table(head, rows)}`;
}
