/**
 * The main table of docs/performance.md: a large file by each client, to the same machine and over each line. It is made of what
 * the benchmarks `upload` and `line` have found, and measures nothing.
 *
 * @module
 */

import { BARE, fileName, type LineResult, LINES, lineTitle, rivalsOn } from "./line.ts";
import { CLIENT_RUNTIMES, NAMES } from "./support/programs.ts";
import { mbps, sizeName, table, UNKNOWN } from "./support/table.ts";
import type { UploadResult } from "./upload.ts";
import { type Peer, PEER_NAMES } from "./upload/clients.ts";
import { besideRivals, peerRow, type Rivals, rivalsOf, withoutFigures } from "./upload/figures.ts";

/** What one client has done on one way: nothing where it was not measured, null where it has failed. */
type Speed = { readonly speed: number } | null | undefined;

/** One way from the client to the server. */
interface Column {
  readonly title: string;
  readonly rivals: Rivals;
  ours(runtime: (typeof CLIENT_RUNTIMES)[number]): Speed;
  readonly bare: Speed;
  peer(peer: Peer): Speed;
}

/** The table, of what is measured by now. */
export function summary(benches: Readonly<Record<string, unknown>>): string {
  const upload = benches.upload as UploadResult | undefined;
  const line = benches.line as LineResult | undefined;
  const missing = { ...upload?.missing, ...line?.missing };
  const columns = [loopback(upload), ...lineColumns(line)];
  const row = (name: string, speedOf: (column: Column) => Speed, without = UNKNOWN) => [
    name,
    ...columns.map((column) => cell(speedOf(column), column.rivals, without)),
  ];
  const peers = (Object.keys(PEER_NAMES) as Peer[]).filter((peer) => peer !== "curl");
  const rows = [
    ...CLIENT_RUNTIMES.map((name) =>
      row(`**${NAMES[name]}, ours**`, (column) => column.ours(name))
    ),
    ...[...peers, "curl" as const].map((peer) =>
      row(
        peerRow(peer, missing) + (peer === "curl" ? ": the limit" : ""),
        (column) => column.peer(peer),
        withoutFigures(peer, missing),
      )
    ),
    row("Node, one bare PUT", (column) => column.bare),
  ];
  return `MB/s · by the best peer · by the limit. The best peer is the fastest client of others on the same way; the limit is ` +
    `one PUT by curl, which hashes nothing, and over the stalling line what it does on the same line without faults. "Failed" ` +
    `is a client that gave up in one of the rounds; "${UNKNOWN}" is what was not measured, or has nothing to be compared ` +
    `with.\n\n${table(["client", ...columns.map(({ title }) => title)], rows)}`;
}

function cell(one: Speed, rivals: Rivals, without: string): string {
  if (one === null) return "failed";
  if (one === undefined) return without;
  return [mbps(one.speed), ...besideRivals(one.speed, rivals)].join(" · ");
}

function loopback(result: UploadResult | undefined): Column {
  return {
    title: result ? `the same machine, ${sizeName(result.size)}` : "the same machine",
    rivals: result ? rivalsOf(result.peers) : { best: undefined, limit: undefined },
    ours: (runtime) => result?.runtimes[runtime].ours,
    bare: result?.runtimes.node.bare,
    peer: (peer) => result?.peers[peer],
  };
}

function lineColumns(result: LineResult | undefined): Column[] {
  return LINES.map((line): Column => {
    const found = result?.lines.find((one) => lineTitle(one) === lineTitle(line));
    const clients = found?.clients ?? {};
    return {
      title: result ? `${lineTitle(line)}, ${sizeName(result.size)}` : lineTitle(line),
      rivals: result && found
        ? rivalsOn(found, result.lines)
        : { best: undefined, limit: undefined },
      ours: (runtime) => clients[fileName(runtime)],
      bare: clients[BARE],
      peer: (peer) => clients[PEER_NAMES[peer]],
    };
  });
}
