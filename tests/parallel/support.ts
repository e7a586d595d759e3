// What tests of parallel uploads share.

import { GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import type { ParallelOptions } from "../../src/parallel/mod.ts";
import { fakeClock } from "../support/fake_clock.ts";

/** The smallest part of an XML multipart upload that is not the last one. */
export const PART = 5_242_880;
/** The smallest temporary object that is not the last one. */
export const SMALL = 262_144;

/** A server that computes no MD5, which would take most of the time. */
export function emulator(options: GcsEmulatorOptions = {}): GcsEmulator {
  return new GcsEmulator({ md5: false, sleep: () => Promise.resolve(), ...options });
}

/** Where uploads go, without waiting. */
export function target(gcs: GcsEmulator, more: Partial<ParallelOptions> = {}): ParallelOptions {
  return {
    bucket: "my-bucket",
    name: "object",
    transport: gcs.fetch,
    retry: { clock: fakeClock() },
    ...more,
  } as ParallelOptions;
}

/** The kinds of all requests, in order. */
export function kinds({ requests }: GcsEmulator): string[] {
  return requests.map(({ kind }) => kind);
}

/** How many requests there were of each kind. */
export function count(gcs: GcsEmulator): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of kinds(gcs)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
