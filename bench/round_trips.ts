/**
 * How many requests and bytes an upload takes on the wire, without a fault and with one: ours, Google's client for Node, and
 * Google's client for Python.
 *
 * Nothing here depends on time or chance, so one run of each is enough. Counted is what passes a wire in front of an emulated
 * Google, so a request that a runtime repeats by itself counts too: `fetch` in Deno does that when a connection breaks that
 * was used before.
 *
 * @module
 */

import { crc32c, encodeCrc32c } from "../src/bytes/crc32c.ts";
import { patterned } from "../tests/support/bytes.ts";
import { type Client, type Data, findClients } from "./round_trips/clients.ts";
import {
  type Cost,
  costOf,
  type Expected,
  type Fault,
  FAULTS,
  type Place,
} from "./round_trips/google.ts";
import type { Bench } from "./support/bench.ts";
import { need } from "./support/programs.ts";
import { table } from "./support/table.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The chunk size where all clients have the same. */
const CHUNK = 8 * MIB;

const SIZES: readonly number[] = [0, 1, 256 * KIB, CHUNK, CHUNK + 1, 1024 * MIB];

/** The columns: with the same settings, and with what the clients choose by themselves. */
type Column = "ours" | "node" | "python" | "oursStream" | "nodeDefault" | "pythonDefault";

/** One upload. */
interface Measured extends Cost {
  readonly column: Column;
  readonly size: number;
  readonly fault: Fault;
}

/** What was found. */
export interface RoundTrips {
  readonly uploads: readonly Measured[];
  /** Of `@google-cloud/storage`, and of Python's `google-cloud-storage` if that was there. */
  readonly versions: { readonly node: string; readonly python: string | null };
}

/** The benchmark. */
export const roundTripsBench: Bench<RoundTrips> = { run, render };

async function run(): Promise<RoundTrips> {
  need("node");
  const clients = await findClients();
  const columns: [column: Column, client: Client | undefined, chunkSize?: number][] = [
    ["ours", clients.ours, CHUNK],
    ["node", clients.node, CHUNK],
    ["python", clients.python, CHUNK],
    ["oursStream", clients.oursStream],
    ["nodeDefault", clients.node],
    ["pythonDefault", clients.python],
  ];
  const uploads: Measured[] = [];
  const folder = await Deno.makeTempDir({ prefix: "round-trips-" });
  try {
    for (const size of SIZES) {
      const data = await makeData(`${folder}/${size}`, size);
      const expected = await expectedOf(data);
      const half = Math.floor(Math.min(size, CHUNK) / 2);
      for (const [column, client, chunkSize] of columns) {
        if (!client) continue;
        for (const fault of chunkSize === undefined ? ["none"] as const : FAULTS) {
          const send = (place: Place) => client(place, data, chunkSize);
          const cost = await costOf(fault, half, expected, send);
          uploads.push({ column, size, fault, ...cost });
        }
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return { uploads, versions: clients.versions };
}

/** A file and a Blob of the same bytes: two chunks where each byte counts, then zeros that take no room. */
async function makeData(path: string, size: number): Promise<Data> {
  const start = patterned(Math.min(size, 2 * CHUNK));
  await Deno.writeFile(path, start);
  await Deno.truncate(path, size);
  const zeros = new Blob([new Uint8Array(CHUNK)]);
  const parts: BlobPart[] = [start];
  for (let left = size - start.length; left > 0; left -= CHUNK) parts.push(zeros.slice(0, left));
  return { path, blob: new Blob(parts) };
}

async function expectedOf({ blob }: Data): Promise<Expected> {
  let crc = 0;
  for await (const piece of blob.stream()) crc = crc32c(piece, crc);
  return { size: blob.size, crc32c: encodeCrc32c(crc) };
}

const SAME: readonly [Column, string][] = [
  ["ours", "ours"],
  ["node", "Node"],
  ["python", "Python"],
];
const OWN: readonly [Column, string][] = [
  ["oursStream", "ours, from a stream"],
  ["nodeDefault", "Node, one PUT"],
  ["pythonDefault", "Python, 100 MiB chunks"],
];

function render(result: RoundTrips): string {
  const { node, python } = result.versions;
  return [
    `Requests · bytes sent · bytes received; bold is the least of its row, bytes within 0.2 %. ` +
    `Node is @google-cloud/storage ${node}, Python is google-cloud-storage ${
      python ?? "(not there)"
    }.`,
    part(result, "no fault", "none", SAME),
    part(result, "one 503", "unavailable", SAME),
    part(result, "one broken connection", "broken", SAME),
    part(result, "the same, used before", "reused", SAME),
    part(result, "no fault, own chunk sizes", "none", OWN),
  ].join("\n\n");
}

function part(
  { uploads }: RoundTrips,
  title: string,
  fault: Fault,
  columns: readonly [Column, string][],
): string {
  const rows = SIZES.map((size) => {
    const costs = columns.map(([column]) =>
      uploads.find((one) => one.column === column && one.size === size && one.fault === fault)
    );
    const done = costs.filter((cost) => cost?.failed === null) as Cost[];
    return [label(size), ...costs.map((cost) => cell(cost, done))];
  });
  return table([title, ...columns.map(([, name]) => name)], rows);
}

/** A cell; `all` are the uploads of its row that came to their end. */
function cell(cost: Cost | undefined, all: readonly Cost[]): string {
  if (!cost) return "skipped";
  if (cost.failed !== null) return `failed: ${cost.failed.replaceAll("|", "/")}`;
  const { requests, sent, received } = cost;
  const fewest = Math.min(...all.map((one) => one.requests));
  const least = Math.min(...all.map((one) => one.sent));
  return [
    requests === fewest ? `**${requests}**` : requests,
    sent <= 1.002 * least ? `**${bytes(sent)}**` : bytes(sent),
    bytes(received),
  ].join(" · ");
}

function label(size: number): string {
  return size === CHUNK + 1
    ? "8 MiB + 1 B"
    : bytes(size).replace(".0", "").replace("1024 MiB", "1 GiB");
}

/** Bytes as people read them. */
function bytes(count: number): string {
  if (count < KIB) return `${count} B`;
  return count < MIB ? `${(count / KIB).toFixed(1)} KiB` : `${(count / MIB).toFixed(1)} MiB`;
}
