/** What the rounds of a client come to. */

import { median, medianOf } from "../support/alternate.ts";
import { largest, ratioTo, UNKNOWN } from "../support/table.ts";
import { type Missing, type Peer, PEER_NAMES } from "./clients.ts";
import type { Measured } from "./job.ts";

/** What one client does: medians of the rounds. */
export interface Figures {
  /** Bytes a second. */
  readonly speed: number;
  /** CPU seconds for each GiB. */
  readonly cpu: number;
  /** The most memory beyond that of the idle process, in bytes. */
  readonly rss: number;
}

/** How many bytes are uploaded: those of the benchmark, or `BENCH_BYTES` for trying things out. */
export function sizeOf(bytes: number): number {
  return Number(Deno.env.get("BENCH_BYTES") ?? bytes);
}

/** The figures of uploads of so many bytes. */
export function figures(rounds: readonly Measured[], size: number): Figures {
  return {
    speed: size / medianOf(rounds, (one) => one.seconds),
    cpu: medianOf(rounds, (one) => one.cpuSeconds) * 2 ** 30 / size,
    rss: medianOf(rounds, (one) => one.rss),
  };
}

/** How many times as fast one client is as another: the median of the rounds. */
export function timesAsFast(one: readonly Measured[], other: readonly Measured[]): number {
  return median(one.map(({ seconds }, i) => other[i].seconds / seconds));
}

/** The upload, if what arrived is what was sent. */
export async function checked(upload: Promise<Measured>, crc32c: string): Promise<Measured> {
  const measured = await upload;
  if (measured.crc32c === crc32c) return measured;
  throw new Error(`The server got ${measured.crc32c}, expected ${crc32c}`);
}

/** What a client's speed is compared with: the fastest client of others, and one PUT by curl, which is the limit. */
export interface Rivals {
  readonly best: number | undefined;
  readonly limit: number | undefined;
}

/** The rivals among the clients of others; those that did not get through are none. */
export function rivalsOf(
  peers: Readonly<Partial<Record<Peer, { readonly speed: number } | null>>>,
): Rivals {
  const speeds = Object.entries(peers).flatMap(([name, one]) =>
    one && name !== "curl" ? [one.speed] : []
  );
  return { best: largest(speeds), limit: peers.curl?.speed };
}

/** The two cells that say how fast a client is beside its rivals: ratios of the medians. */
export function besideRivals(speed: number, { best, limit }: Rivals): [string, string] {
  return [ratioTo(speed, best), ratioTo(speed, limit)];
}

/** What stands in the row of a peer that has no figures: whether its tool was missing, or it was not measured. */
export function withoutFigures(peer: Peer, missing: Missing | undefined): string {
  return missing?.[peer] === undefined ? UNKNOWN : "skipped";
}

/** The name of a peer's row; with what to install where that was missing. */
export function peerRow(peer: Peer, missing: Missing | undefined): string {
  const needs = missing?.[peer];
  return needs === undefined ? PEER_NAMES[peer] : `${PEER_NAMES[peer]} (install ${needs})`;
}
