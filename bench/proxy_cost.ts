/**
 * What the upload proxy costs its host: CPU time for each GiB and for each 1,000 starts, and memory with a thousand slow
 * clients; beside a handler that passes everything through unseen, and beside the servers of tus that people run.
 *
 * @module
 */

import { prepare } from "../tests/support/example_project.ts";
import type { ServerProcess } from "../tests/support/server_process.ts";
import { runtimes } from "../tests/support/worker_process.ts";
import { startPassThrough, startProxy, tusServers } from "./proxy/servers.ts";
import { alternate, medianOf } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import { NAMES } from "./support/programs.ts";
import { type Load, sendLoad, startSink } from "./support/sink.ts";
import { mib, ratio, ratioTo, skippedRows, smallest, table } from "./support/table.ts";
import { sizeOf } from "./upload/figures.ts";

const MIB = 1_048_576;

/** What goes before everything, so that servers are as warm as those that have been up for a minute. */
const WARM: Load = { size: MIB / 4, requests: 800, connections: 8 };

const SLOW: Load = { size: MIB / 4, connections: 1000, requests: 1000, spread: 5000 };

const STARTS = 4000;

/** CPU time varies less than time does. */
const PROXY_ROUNDS = 1;

/** Where uploads of tus are created: by the others, and by the proxy. */
const TUS = "/files/", PROXY_TUS = "/upload/storage/v1/b/bucket/o";

/** What one server takes: medians of the rounds. */
interface Cost {
  /** CPU seconds of a GiB in chunks of 8 MiB, and of one in chunks of 256 KiB. */
  readonly large: number;
  readonly small: number;
  /** CPU seconds of 1,000 starts. */
  readonly starts: number;
  /** How much more memory than idle 1,000 slow clients take at most: RSS, in bytes. */
  readonly slowRss: number;
}

/** What `run` finds. */
export interface ProxyCostResult {
  readonly rounds: number;
  readonly starts: number;
  /** By the name of the row; each pass-through stands before its proxy. */
  readonly servers: Readonly<Record<string, Cost>>;
  /** What those need that are not there, by the name of the row. */
  readonly missing?: Readonly<Record<string, string>>;
}

/** The benchmark. */
export const proxyCostBench: Bench<ProxyCostResult> = { run, render };

interface Server {
  readonly start: () => Promise<ServerProcess>;
  readonly tus?: string;
}

async function run(): Promise<ProxyCostResult> {
  await using project = await prepare();
  await using sink = await startSink();
  const inMemory = await Deno.stat("/dev/shm").then(() => true, () => false);
  const folder = await Deno.makeTempDir({ prefix: "bench-", ...(inMemory && { dir: "/dev/shm" }) });
  try {
    const servers: Record<string, Server> = {};
    for (const runtime of runtimes) {
      const start = () => startProxy(project, runtime, sink.origin);
      servers[`${NAMES[runtime]}, pass-through`] = {
        start: () => startPassThrough(runtime, sink.origin),
      };
      servers[`${NAMES[runtime]}, proxy`] = { start };
      servers[`${NAMES[runtime]}, proxy, tus`] = { start, tus: PROXY_TUS };
    }
    const others = await tusServers(folder);
    for (const [name, start] of Object.entries(others.servers)) {
      servers[name] = { start, tus: TUS };
    }
    const measured = Object.entries(servers).map((
      [name, server],
    ) => [name, () => costOf(server, folder)]);
    const rounds = await alternate<string, Cost>(
      Object.fromEntries(measured),
      PROXY_ROUNDS,
    );
    const medians = Object.entries(rounds).map(([name, found]) => [name, {
      large: medianOf(found, ({ large }) => large),
      small: medianOf(found, ({ small }) => small),
      starts: medianOf(found, ({ starts }) => starts),
      slowRss: medianOf(found, ({ slowRss }) => slowRss),
    }]);
    return {
      rounds: PROXY_ROUNDS,
      starts: STARTS,
      servers: Object.fromEntries(medians),
      missing: others.missing,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Of a process of its own; memory first, while it has done nothing else. */
async function costOf({ start, tus }: Server, folder: string): Promise<Cost> {
  const how = tus === undefined ? {} : { tus };
  const size = sizeOf(2 ** 30);
  await using server = await start();
  const cpuOf = async (load: Load): Promise<number> => {
    const before = await server.cpuSeconds();
    await sendLoad(server.origin, { ...how, ...load });
    const seconds = await server.cpuSeconds() - before;
    for await (const { name } of Deno.readDir(folder)) {
      await Deno.remove(`${folder}/${name}`, { recursive: true });
    }
    return seconds;
  };
  await sendLoad(server.origin, { ...how, size: MIB / 4, requests: 10 });
  const idle = await server.peakMemory();
  await cpuOf(SLOW);
  const slowRss = await server.peakMemory() - idle;
  await cpuOf(WARM);
  const [gib, thousand] = [2 ** 30 / size, STARTS / 1000];
  const large = await cpuOf({ size: 8 * MIB, requests: Math.max(1, size / (8 * MIB)) }) * gib;
  const small = await cpuOf({ size: MIB / 4, requests: size / (MIB / 4), connections: 8 }) * gib;
  const starts = await cpuOf({ kind: "start", requests: STARTS, connections: 8 }) / thousand;
  return { large, small, starts, slowRss };
}

function render({ rounds, starts, servers, missing }: ProxyCostResult): string {
  let bare: Cost | undefined;
  const rows = Object.entries(servers).map(([name, cost]) => {
    if (name.endsWith("pass-through")) bare = cost;
    else if (!name.includes("proxy")) bare = undefined;
    const by = (figure: "large" | "small" | "starts") =>
      bare && bare !== cost ? ratio(cost[figure] / bare[figure]) : "";
    return [
      name,
      cost.large.toFixed(2),
      by("large"),
      cost.small.toFixed(2),
      by("small"),
      cost.starts.toFixed(2),
      by("starts"),
      mib(cost.slowRss),
    ];
  });
  const peers = Object.entries(servers).filter(([name]) =>
    !name.includes("proxy") && !name.endsWith("pass-through")
  );
  const byPeer = Object.entries(servers).filter(([name]) => name.endsWith("proxy, tus")).map((
    [name, cost],
  ) => {
    const by = (figure: "large" | "small" | "starts") =>
      ratioTo(cost[figure], smallest(peers.map(([, one]) => one[figure])));
    return `${name.split(",")[0]} ${by("large")}, ${by("small")} and ${by("starts")}`;
  });
  const head = ["", "8 MiB", "by bare", "256 KiB", "by bare", "starts", "by bare", "memory"];
  return `CPU seconds of the server's process, user and system: for each GiB in chunks of 8 MiB over one connection, for ` +
    `each GiB in chunks of 256 KiB over 8, and for 1,000 starts (of ${starts}) over 8; by the pass-through of the same ` +
    `runtime; and the MiB that 1,000 slow clients take. ${
      rounds === 1 ? "One round" : `${rounds} rounds`
    }, a fresh process each.\n\n${
      table(head, [...rows, ...skippedRows(missing, head.length)])
    }\n\nBy tus, the proxy's CPU time by that of the cheapest server of tus, in large chunks, in small ones and for ` +
    `starts: ${byPeer.join("; ")}. Those write to files in memory, and the proxy sends on.`;
}
