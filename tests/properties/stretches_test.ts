// Long streamed requests: of any size, broken at any byte, answered too early, too late or not at all.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ResumableUpload, type Transport, type UploadSource } from "../../mod.ts";
import { type Fault, GcsEmulator, type RequestKind } from "../../src/emulator/mod.ts";
import { patterned } from "../support/bytes.ts";
import { fastClock } from "./support/hasty_clock.ts";
import { property } from "./support/property.ts";
import { BUCKET, checkObject, faultsOf, NAME, startAt } from "./support/scenario.ts";
import { QUANTUM } from "./support/sources.ts";

const MIB = 1024 * 1024;
const LARGEST = 20 * MIB;
const DATA = patterned(LARGEST);

interface Case {
  readonly size: number;
  readonly chunkSize: number;
  readonly kind: "bytes" | "Blob" | "source" | "source of short reads" | "slow source";
  /** The most bytes of a short read. */
  readonly step: number;
  readonly faults: Fault[];
  /** Whether the transport takes streams. */
  readonly streams: boolean;
  readonly checksum: "auto" | "md5" | null;
  readonly runningHash: boolean;
  /** When the clock jumps. */
  readonly jumps: number[];
}

/** Anywhere in the file, most of them around the ends of quanta and of pieces. */
const places = fc.oneof(
  fc.nat({ max: LARGEST }),
  fc.tuple(fc.nat({ max: 80 }), fc.integer({ min: -1, max: 1 }))
    .map(([quanta, more]) => Math.min(LARGEST, Math.max(0, quanta * QUANTUM + more))),
);

const scopes = fc.record({
  on: fc.constantFrom<RequestKind | RequestKind[]>("chunk", "chunk", "final", "status", [
    "chunk",
    "final",
    "status",
  ]),
  skip: fc.integer({ min: 0, max: 2 }),
  times: fc.integer({ min: 1, max: 2 }),
});

const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.tuple(scopes, places).map(([scope, cut]): Fault => ({ ...scope, cut })),
  fc.tuple(scopes, places).map(([scope, early]): Fault => ({ ...scope, early })),
  fc.tuple(scopes, places).map(([scope, stall]): Fault => ({ ...scope, stall, delay: Infinity })),
  fc.tuple(scopes, places, fc.constantFrom(408, 429, 500, 503))
    .map(([scope, afterBytes, status]): Fault => ({ ...scope, afterBytes, status })),
  fc.tuple(scopes, fc.constantFrom("before" as const, "after" as const))
    .map(([scope, drop]): Fault => ({ ...scope, drop })),
  fc.tuple(scopes, fc.constantFrom("before" as const, "after" as const))
    .map(([scope, hang]): Fault => ({ ...scope, hang })),
);

const cases: fc.Arbitrary<Case> = fc.record({
  size: fc.oneof(places, fc.integer({ min: 8 * MIB, max: LARGEST })),
  chunkSize: fc.oneof(
    fc.constantFrom(Infinity, Infinity, 8 * MIB, 64 * MIB),
    fc.integer({ min: 1, max: 80 }).map((quanta) => quanta * QUANTUM),
  ),
  kind: fc.constantFrom("bytes", "Blob", "source", "source of short reads", "slow source"),
  step: fc.integer({ min: 100_000, max: 2 * MIB }),
  faults: fc.array(faults, { maxLength: 4 }),
  streams: fc.boolean().map((not) => !not),
  checksum: fc.constantFrom("auto", "auto", "auto", "md5", null),
  runningHash: fc.boolean(),
  jumps: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }),
}).map((one) => one.size / one.chunkSize > 40 ? { ...one, chunkSize: 4 * MIB } : one);

function sourceOf({ kind, size, step }: Case): UploadSource {
  const bytes = DATA.subarray(0, size);
  const read = (offset: number, length: number) => bytes.slice(offset, offset + length);
  switch (kind) {
    case "bytes":
      return bytes;
    case "Blob":
      return new Blob([bytes]);
    case "source":
      return { size, read: (offset, length) => Promise.resolve(read(offset, length)) };
    case "source of short reads":
      return {
        size,
        read: (offset, length) => Promise.resolve(read(offset, Math.min(length, step))),
      };
    case "slow source":
      return {
        size,
        async read(offset, length) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          return read(offset, length);
        },
      };
  }
}

/** What goes over the wire: bytes start where the server stands, and no byte is sent that it has. */
function watched(gcs: GcsEmulator, { streams }: Case): Transport {
  return (url, init) => {
    const range = new Headers(init.headers).get("content-range");
    const match = /^bytes (\d+)-(\d+)\//.exec(range ?? "");
    if (match) {
      const persisted = gcs.sessions[0].persisted;
      assertEquals(Number(match[1]), persisted, `${range} was sent, ${persisted} are stored`);
    }
    if (!streams && init.body instanceof ReadableStream) {
      return Promise.reject(new TypeError("What is a stream?"));
    }
    return gcs.fetch(url, init);
  };
}

/** Uploads, and returns how many faults there were. */
async function upload(one: Case): Promise<number> {
  const { size, chunkSize, checksum, runningHash, jumps } = one;
  const gcs = new GcsEmulator({
    runningHash,
    md5: checksum === "md5",
    now: () => Date.UTC(2026, 0),
  });
  gcs.inject(...one.faults);
  const transport = watched(gcs, one);
  const clock = fastClock(jumps);
  // The default of ten minutes: what the clock jumps by is not among them.
  const resumable = new ResumableUpload(startAt("https://storage.googleapis.com"), chunkSize, {
    retry: { clock },
    checksum,
  });
  let before = -1;
  await resumable.initiate(transport, sourceOf(one), { name: NAME }, "a/b");
  while (!resumable.finished) {
    await resumable.transmitNextChunk(transport);
    assert(resumable.bytesUploaded > before || resumable.finished, "a call made no progress");
    before = resumable.bytesUploaded;
  }
  checkObject(gcs, [DATA.subarray(0, size)]);
  assertEquals(gcs.get(BUCKET, NAME)?.size, size);
  const ideal = Math.ceil(size / chunkSize) + 2;
  const most = one.streams && chunkSize >= 8 * MIB ? 2 + ideal + 4 * faultsOf(gcs) : Infinity;
  assert(gcs.requests.length <= most, `${gcs.requests.length} requests instead of ${most}`);
  return faultsOf(gcs);
}

property(
  "a large file arrives exactly and once in long requests, and no byte is sent that the server has",
  80,
  cases,
  async (one, tally) => void (tally.faults += await upload(one)),
);

property(
  "without failures each byte of a large file is sent once, and nobody is asked",
  30,
  cases.map((one) => ({ ...one, faults: [], streams: true })),
  async (one) => {
    const gcs = new GcsEmulator({ runningHash: one.runningHash, md5: one.checksum === "md5" });
    const resumable = new ResumableUpload(
      startAt("https://storage.googleapis.com"),
      one.chunkSize,
      {
        checksum: one.checksum,
      },
    );
    const transport = watched(gcs, one);
    await resumable.initiate(transport, sourceOf(one), { name: NAME }, "a/b");
    while (!resumable.finished) await resumable.transmitNextChunk(transport);
    const sent = gcs.requests.filter(({ kind }) => kind !== "initiate")
      .reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    assertEquals(sent, one.size);
    assert(gcs.requests.every(({ kind }) => kind !== "status"), "asked without need");
  },
);
