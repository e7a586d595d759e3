// Random uploads with random faults, each made by its seed.

import type { Fault } from "../../src/emulator/mod.ts";
import type { LooseOptions } from "../portable/cases/sources_support.ts";
import {
  assertStoredAt,
  injectAt,
  long,
  MIB,
  rangeOf,
  Recorder,
  requestsAt,
  sendTo,
} from "../portable/cases/stretch_support.ts";
import { assert, assertEquals } from "../portable/assert.ts";

/** An upload, and what goes wrong with it. */
export interface Scenario {
  readonly size: number;
  readonly chunkSize: number | undefined;
  readonly checksum: "auto" | "md5" | null;
  /** Whether the source gives less than it is asked for, now and then. */
  readonly isShortReading: boolean;
  readonly faults: readonly Fault[];
}

/** Numbers from 0 up to, not including, 1, by a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const CHUNKED = ["chunk", "final"] as const;

/** Makes a scenario. */
export function scenarioOf(random: () => number): Scenario {
  const below = (most: number) => Math.floor(random() * most);
  const pick = <T>(...all: readonly T[]): T => all[below(all.length)];
  const bytes = () => pick(below(12 * MIB), below(MIB), below(48) * 262_144, below(12) * MIB);
  const faults: readonly (() => Fault)[] = [
    () => ({ on: CHUNKED, cut: bytes() }),
    () => ({ on: CHUNKED, status: pick(408, 429, 500, 503), afterBytes: bytes() }),
    () => ({ on: CHUNKED, status: 503 }),
    () => ({ on: CHUNKED, early: bytes() }),
    () => ({ on: CHUNKED, drop: pick("before", "after") }),
    () => ({ on: "status", status: 503 }),
    () => ({ on: "status", drop: "after" }),
  ];
  return {
    size: pick(below(20 * MIB), below(9 * MIB), 8 * MIB + below(3), 2 * MIB + below(2)),
    chunkSize: pick(undefined, 262_144, MIB, 3 * MIB, 8 * MIB, Infinity),
    checksum: pick("auto", "auto", "md5", null),
    isShortReading: random() < 0.2,
    faults: Array.from({ length: below(5) }, () => ({ ...pick(...faults)(), skip: below(2) })),
  };
}

/** The source of a scenario, written down. */
export function sourceOf(
  { size, isShortReading }: Scenario,
  recorder: Recorder,
  random: () => number,
): ReturnType<Recorder["source"]> {
  const source = recorder.source(long(size));
  if (!isShortReading) return source;
  const short = (length: number) => Math.max(1, Math.ceil(length * random()));
  return {
    ...source,
    read: (offset: number, length: number) => source.read(offset, short(length)),
  };
}

/** What of a scenario are options of an upload. */
export function optionsOf({ chunkSize, checksum }: Scenario): LooseOptions {
  return { chunkSize, checksum };
}

/**
 * Runs a scenario over a connection.
 *
 * @throws what does not hold
 */
export async function runAt(origin: string, seed: number): Promise<void> {
  const random = seeded(seed);
  const scenario = scenarioOf(random);
  const { faults, size } = scenario;
  const recorder = new Recorder();
  const name = `random-${seed}`;
  if (faults.length > 0) await injectAt(origin, ...faults);
  await sendTo(origin, name, sourceOf(scenario, recorder, random), {
    ...optionsOf(scenario),
    transport: recorder.transport(fetch),
  });
  await assertStoredAt(origin, name, long(size));
  assertEquals(recorder.closed, 1, "how often the source was closed");
  const log = await requestsAt(origin, name);
  const again = recorder.bytesRead - size;
  const wrong = log.filter(({ fault, status }) => fault !== null || status === null).length;
  if (!scenario.isShortReading && wrong === 0 && size > 0) {
    assertEquals(again, 0, "bytes read again without a fault");
  }
  for (const { contentRange } of log) {
    const range = rangeOf(contentRange);
    assert(!range || range.end <= size, `${contentRange} of ${size} bytes`);
  }
}
