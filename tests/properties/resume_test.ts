// Going on from a checkpoint of any moment, with the same file or with another one.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Checkpoint, ResumableUpload, type Transport, UploadError } from "../../mod.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { pass } from "./support/faults.ts";
import { network } from "./support/network.ts";
import { property } from "./support/property.ts";
import {
  byHand,
  checkObject,
  faultsOf,
  google,
  NAME,
  PATIENT,
  type Scenario,
  scenarios,
  startAt,
} from "./support/scenario.ts";
import { fileOf, type Kind, kinds, QUANTUM, sourceOf } from "./support/sources.ts";

/** What became of the file between the two processes. */
type Change =
  | { readonly kind: "none" }
  | { readonly kind: "other byte"; readonly at: number }
  | { readonly kind: "shorter" | "longer"; readonly by: number };

interface Resumption {
  readonly scenario: Scenario;
  /** After how many requests the first process is gone. */
  readonly dies: number;
  /** Which of its checkpoints was stored: the last one, or one of those before. */
  readonly stale: number;
  readonly secondKind: Kind;
  readonly change: Change;
  readonly verifyPrefix: boolean;
}

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.constant<Change>({ kind: "none" }),
  fc.nat({ max: 5 * QUANTUM }).map((at): Change => ({ kind: "other byte", at })),
  fc.tuple(
    fc.constantFrom("shorter" as const, "longer" as const),
    fc.constantFrom(1, 2, QUANTUM - 1, QUANTUM, QUANTUM + 1),
  ).map(([kind, by]): Change => ({ kind, by })),
);

const resumptions: fc.Arbitrary<Resumption> = fc.record({
  scenario: scenarios.filter(({ declared }) => !declared),
  dies: fc.integer({ min: 1, max: 9 }),
  stale: fc.integer({ min: 0, max: 3 }),
  secondKind: kinds,
  change: changes,
  verifyPrefix: fc.boolean(),
});

function apply(change: Change, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  switch (change.kind) {
    case "none":
      return bytes;
    case "other byte": {
      const copy = bytes.slice();
      if (copy.length > 0) copy[change.at % copy.length] ^= 0x10;
      return copy;
    }
    case "shorter":
      return bytes.slice(0, Math.max(0, bytes.length - change.by));
    case "longer":
      return fileOf(bytes.length + change.by);
  }
}

class Crash extends Error {}

/** The first process: it is gone at some moment, and leaves its checkpoints. */
async function firstProcess(
  { scenario, dies }: Resumption,
  transport: Transport,
): Promise<Checkpoint[]> {
  const { size, kind, quanta, steps, checksum, streamFinal, declared } = scenario;
  const checkpoints: Checkpoint[] = [];
  const note = () => void checkpoints.push(structuredClone(upload.checkpoint()));
  let requests = 0;
  const crashing = async (url: string, init: RequestInit) => {
    if (++requests > dies) throw new Crash();
    if (upload.resumableUrl !== undefined) note();
    return await transport(url, init);
  };
  const upload = new ResumableUpload(startAt("https://storage.googleapis.com"), quanta * QUANTUM, {
    checksum,
    retry: null,
  });
  const begin = () =>
    upload.initiate(crashing, sourceOf(kind, fileOf(size), steps), { name: NAME }, "text/plain", {
      totalBytes: declared === undefined ? undefined : size,
      streamFinal,
    });
  try {
    await byHand(upload, crashing, begin);
  } catch (error) {
    assert(error instanceof UploadError, String(error));
  }
  if (upload.resumableUrl !== undefined && !upload.finished) note();
  return checkpoints;
}

async function resume(resumption: Resumption): Promise<number> {
  const { scenario, stale, secondKind, change, verifyPrefix } = resumption;
  const { size, checksum, steps } = scenario;
  const clock = fakeClock();
  const gcs = google(scenario, clock);
  const way = network(gcs.fetch, scenario.networkFaults);
  const checkpoints = await firstProcess(resumption, way.transport);
  const checkpoint = checkpoints.at(Math.max(0, checkpoints.length - 1 - stale));
  if (!checkpoint) return faultsOf(gcs) + way.hits();
  const old = fileOf(size);
  // Without a checksum, or with a prefix that the caller vouches for, a change cannot be seen.
  const seen = checksum !== null && (verifyPrefix || change.kind === "none");
  const now = seen ? apply(change, old) : old;
  let upload: ResumableUpload | undefined, error: unknown;
  try {
    upload = ResumableUpload.resume(
      JSON.parse(JSON.stringify(checkpoint)),
      sourceOf(secondKind, now, steps),
      { retry: { clock, maxAttempts: PATIENT, maxElapsed: Infinity }, verifyPrefix },
    );
    while (!upload.finished) await upload.transmitNextChunk(way.transport);
  } catch (thrown) {
    if (!(thrown instanceof UploadError)) throw thrown;
    error = thrown;
  }
  await way.settle();
  checkObject(gcs, [old, now]);
  if (upload?.finished) {
    checkObject(gcs, [now]);
    assertEquals(gcs.objects.length, 1);
  }
  const seenAtOnce = now !== old && change.kind === "other byte" &&
    change.at % now.length < checkpoint.persisted;
  if (seenAtOnce && pass(scenario.faults)) {
    const code = error instanceof UploadError ? error.code : "none";
    assertEquals(code, "source_changed", "a change before the checkpoint is named as what it is");
  }
  const same = now === old || (now.length === old.length && change.kind !== "other byte");
  if (same && pass(scenario.faults) && error) throw error;
  return faultsOf(gcs) + way.hits();
}

property(
  "an upload that goes on from a checkpoint makes the exact file, or is refused, but no mixture",
  700,
  resumptions,
  async (value, tally) => void (tally.faults += await resume(value)),
);
