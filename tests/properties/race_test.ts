// Two clients on one session: they may disturb each other, but never make a mixture.

import { assert } from "@std/assert";
import fc from "fast-check";
import { type Checkpoint, ResumableUpload, type Transport, UploadError } from "../../mod.ts";
import { fakeClock } from "../support/fake_clock.ts";
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

interface Race {
  readonly scenario: Scenario;
  /** Chunks that are sent before the second client comes. */
  readonly before: number;
  readonly secondKind: Kind;
  /** Whether the first client goes on as it is, or from the checkpoint as well. */
  readonly continues: boolean;
  /** What the second client's file has other than the first one's: a place in it, or nothing. */
  readonly differs: number | undefined;
  readonly scheduler: fc.Scheduler;
}

const races: fc.Arbitrary<Race> = fc.record({
  scenario: scenarios.filter(({ declared }) => !declared),
  before: fc.integer({ min: 0, max: 3 }),
  secondKind: kinds,
  continues: fc.boolean(),
  differs: fc.option(fc.nat({ max: 5 * QUANTUM }), { nil: undefined }),
  scheduler: fc.scheduler(),
});

/** The same file with one other byte. */
function changed(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  if (copy.length > 0) copy[at % copy.length] ^= 0x10;
  return copy;
}

async function race(
  { scenario, before, secondKind, continues, differs, scheduler }: Race,
): Promise<number> {
  const { size, quanta, kind, steps, checksum } = scenario;
  const clock = fakeClock();
  const gcs = google(scenario, clock);
  const way = network(gcs.fetch, scenario.networkFaults);
  const mine = fileOf(size);
  // Without checksums nobody can tell two files with one size apart.
  const theirs = differs === undefined || checksum === null ? mine : changed(mine, differs);
  const options = { retry: { clock, maxAttempts: PATIENT, maxElapsed: Infinity }, checksum };
  const first = new ResumableUpload(startAt("https://storage.googleapis.com"), quanta * QUANTUM, {
    ...options,
  });
  let checkpoint: Checkpoint;
  try {
    const source = sourceOf(kind, mine, steps);
    await first.initiate(way.transport, source, { name: NAME }, "text/plain");
    for (let i = 0; i < before && !first.finished; i++) {
      await first.transmitNextChunk(way.transport);
    }
    checkpoint = first.checkpoint();
  } catch (error) {
    assert(error instanceof UploadError, String(error));
    return faultsOf(gcs) + way.hits();
  }
  // Each request and each reply waits for its turn.
  const inTurn: Transport = async (url, init) => {
    await scheduler.schedule(Promise.resolve());
    try {
      return await way.transport(url, init);
    } finally {
      await scheduler.schedule(Promise.resolve());
    }
  };
  const again = (of: Kind, bytes: Uint8Array<ArrayBuffer>) =>
    ResumableUpload.resume(checkpoint, sourceOf(of, bytes, steps), options);
  const clients = [continues ? first : again(kind, mine), again(secondKind, theirs)];
  const outcomes = await scheduler.waitFor(
    Promise.allSettled(clients.map((client) => byHand(client, inTurn, () => Promise.resolve()))),
  );
  for (const outcome of outcomes) {
    if (outcome.status === "rejected" && !(outcome.reason instanceof UploadError)) {
      throw outcome.reason;
    }
  }
  await way.settle();
  checkObject(gcs, [mine, theirs]);
  const object = gcs.objects.at(0);
  for (const [i, client] of clients.entries()) {
    if (client.finished) assert(object, "finished without an object");
    if (client.finished && checksum !== null) {
      checkObject(gcs, [[mine, theirs][i]]);
    }
  }
  return faultsOf(gcs) + way.hits();
}

property(
  "two clients on one session make one exact object or typed errors, never a mixture",
  500,
  races,
  async (value, tally) => void (tally.faults += await race(value)),
);
