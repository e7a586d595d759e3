// Sources that fail, that were read before, that become others, and that are written: the exact object, or none.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import {
  ResumableUpload,
  upload,
  UploadError,
  type UploadErrorCode,
  type UploadSource,
  uploadStream,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { pass, passing } from "./support/faults.ts";
import { property } from "./support/property.ts";
import { BUCKET, checkObject, faultsOf, NAME, startAt } from "./support/scenario.ts";
import { fileOf, KINDS, QUANTUM, sizes, sourceOf, steps } from "./support/sources.ts";

const GOOGLE = "https://storage.googleapis.com";
const MIB = 1024 * 1024;

/** Google, where delays take no time. */
const google = () =>
  new GcsEmulator({
    runningHash: true,
    md5: false,
    now: () => Date.UTC(2026, 0),
    sleep: fakeClock().sleep,
  });

class Broken extends Error {}

/** Kinds of sources whose reading can be made to fail. */
const FAILING = ["stream", "byte stream", "iterable", "sized source", "unsized source"] as const;

/** A source that fails for good when it comes to a place. */
function failing(
  kind: typeof FAILING[number],
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  step: number,
  own: Error,
): UploadSource {
  let given = 0;
  const next = (most: number) => {
    if (given >= at) throw own;
    return bytes.slice(given, given += Math.min(most, step, at - given));
  };
  const read = (offset: number, length: number) =>
    offset + length > at && offset >= at
      ? Promise.reject(own)
      : Promise.resolve(bytes.slice(offset, Math.min(at, offset + Math.min(length, step))));
  switch (kind) {
    case "stream":
      return new ReadableStream({ pull: (controller) => controller.enqueue(next(Infinity)) });
    case "byte stream":
      return new ReadableStream({
        type: "bytes",
        pull: (controller) => controller.enqueue(next(Infinity)),
      }) as ReadableStream<Uint8Array>;
    case "iterable":
      return (async function* () {
        for (;;) yield await Promise.resolve(next(Infinity));
      })();
    case "sized source":
      return { size: bytes.length, read };
    case "unsized source":
      return { read };
  }
}

property(
  "a source that fails surfaces its own error wherever it fails, and makes no object",
  200,
  fc.record({
    kind: fc.constantFrom(...FAILING),
    size: sizes.filter((size) => size > 0),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    step: fc.integer({ min: 20_000, max: 2 * QUANTUM }),
    faults: fc.array(passing, { maxLength: 2 }),
    quanta: fc.integer({ min: 1, max: 3 }),
  }),
  async ({ kind, size, part, step, faults, quanta }, tally) => {
    const gcs = google();
    gcs.inject(...faults);
    const own = new Broken("the disk is gone");
    const source = failing(kind, fileOf(size), Math.floor(part * (size - 1)), step, own);
    const error = await assertRejects(() =>
      upload(source, {
        bucket: BUCKET,
        name: NAME,
        transport: gcs.fetch,
        chunkSize: quanta * QUANTUM,
        retry: { clock: fakeClock(), maxElapsed: Infinity },
      })
    );
    assertStrictEquals(error, own);
    assertEquals(gcs.objects.length, 0, "an object of a part of the source");
    tally.faults += faultsOf(gcs) + 1;
  },
);

property(
  "a stream that was read before is refused with a TypeError, and nothing is sent",
  100,
  fc.record({
    kind: fc.constantFrom("stream", "byte stream", "pushed stream"),
    size: sizes.filter((size) => size > 0),
    how: fc.constantFrom("read", "cancelled", "locked", "read to its end"),
    steps,
  }),
  async ({ kind, size, how, steps }) => {
    const gcs = google();
    const stream = sourceOf(kind, fileOf(size), steps) as ReadableStream<Uint8Array>;
    if (how === "cancelled") await stream.cancel();
    else {
      const reader = stream.getReader();
      if (how === "read") await reader.read();
      if (how === "read to its end") { while (!(await reader.read()).done) { /* to its end */ } }
      if (how !== "locked") reader.releaseLock();
    }
    const options = { bucket: BUCKET, name: NAME, transport: gcs.fetch };
    await assertRejects(() => upload(stream, options), TypeError);
    assertEquals(gcs.requests.length, 0);
  },
);

property(
  "a source whose read fails now and then, and is tried again, arrives exactly",
  60,
  fc.record({
    size: fc.oneof(sizes, fc.integer({ min: 0, max: 12 * MIB })),
    sized: fc.boolean(),
    quanta: fc.constantFrom(1, 3, 16, 32),
    step: fc.integer({ min: 100_000, max: MIB }),
    fails: fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 6 }),
    faults: fc.array(passing, { maxLength: 2 }),
  }),
  async ({ size, sized, quanta, step, fails, faults }, tally) => {
    const gcs = google();
    gcs.inject(...faults);
    const bytes = patterned(size);
    let reads = 0, failures = 0;
    const read = (offset: number, length: number) => {
      if (fails.includes(reads++)) return Promise.reject(new Broken(`read ${++failures}`));
      return Promise.resolve(bytes.slice(offset, offset + Math.min(length, step)));
    };
    const resumable = new ResumableUpload(startAt(GOOGLE), quanta * QUANTUM, {
      retry: { clock: fakeClock(), maxElapsed: Infinity },
    });
    const source = sized ? { size, read } : { read };
    let calls = 0;
    while (!resumable.finished) {
      assert(calls++ < 200, "it does not end");
      try {
        if (resumable.resumableUrl) await resumable.transmitNextChunk(gcs.fetch);
        else await resumable.initiate(gcs.fetch, source, { name: NAME }, "a/b");
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
      }
    }
    checkObject(gcs, [bytes]);
    assertEquals(gcs.get(BUCKET, NAME)?.size, size);
    tally.faults += faultsOf(gcs) + failures;
  },
);

/** What a source may be called that has become another one. */
const CHANGED: readonly UploadErrorCode[] = ["source_changed", "data_corruption"];

property(
  "a source that becomes another one between two readings makes the one object, or the other, or is refused",
  120,
  fc.record({
    size: fc.oneof(sizes.filter((size) => size > 0), fc.integer({ min: 1, max: 12 * MIB })),
    quanta: fc.constantFrom(1, 3, 16, 64),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    /** After how many reads it is another one. */
    after: fc.nat({ max: 14 }),
    step: fc.integer({ min: 100_000, max: 2 * MIB }),
    faults: fc.array(passing, { maxLength: 4 }),
  }),
  async ({ size, quanta, at, after, step, faults }, tally) => {
    const gcs = google();
    gcs.inject(...faults);
    const old = patterned(size), other = old.slice();
    other[Math.floor(at * (size - 1))] ^= 0x10;
    let reads = 0;
    const source = {
      size,
      read(offset: number, length: number) {
        const bytes = reads++ < after ? old : other;
        return Promise.resolve(bytes.slice(offset, offset + Math.min(length, step)));
      },
    };
    try {
      await upload(source, {
        bucket: BUCKET,
        name: NAME,
        transport: gcs.fetch,
        chunkSize: quanta * QUANTUM,
        retry: { clock: fakeClock(), maxElapsed: Infinity },
      });
      assertEquals(gcs.objects.length, 1);
    } catch (error) {
      if (!(error instanceof UploadError)) throw error;
      assert(CHANGED.includes(error.code), error.message);
    }
    checkObject(gcs, [old, other]);
    tally.faults += faultsOf(gcs);
  },
);

property(
  "what is written in one buffer, over and over, arrives as it was written",
  150,
  fc.record({
    size: sizes,
    steps,
    quanta: fc.integer({ min: 1, max: 3 }),
    faults: fc.array(passing, { maxLength: 3 }),
  }),
  async ({ size, steps, quanta, faults }, tally) => {
    const gcs = google();
    gcs.inject(...faults);
    const bytes = fileOf(size);
    const { writable, result } = uploadStream({
      bucket: BUCKET,
      name: NAME,
      transport: gcs.fetch,
      chunkSize: quanta * QUANTUM,
      retry: { clock: fakeClock(), maxElapsed: Infinity },
    });
    const writer = writable.getWriter();
    const buffer = new Uint8Array(Math.max(...steps));
    for (let at = 0, i = 0; at < size; i++) {
      const piece = bytes.subarray(at, at + steps[i % steps.length]);
      buffer.set(piece);
      await writer.write(buffer.subarray(0, piece.length));
      buffer.fill(0xee); // the memory is the writer's again
      at += piece.length;
    }
    await writer.close();
    assertEquals((await result).size, String(size));
    checkObject(gcs, [bytes]);
    tally.faults += faultsOf(gcs);
    assert(pass(faults));
  },
);

property(
  "an upload that is closed at any moment makes the whole object or none, and lets its source go once",
  200,
  fc.record({
    kind: fc.constantFrom(...KINDS),
    size: sizes,
    steps,
    quanta: fc.integer({ min: 1, max: 3 }),
    /** After how many requests and reads it is closed, and how many turns later. */
    moment: fc.nat({ max: 14 }),
    turns: fc.nat({ max: 12 }),
    faults: fc.array(passing, { maxLength: 2 }),
  }),
  async ({ kind, size, steps, quanta, moment, turns, faults }, tally) => {
    const gcs = google();
    gcs.inject(...faults);
    const bytes = fileOf(size);
    const resumable = new ResumableUpload(startAt(GOOGLE), quanta * QUANTUM, {
      retry: { clock: fakeClock(), maxElapsed: Infinity },
    });
    let moments = 0, closed = false;
    const reason = new Broken("enough");
    const passes = () => {
      if (moments++ !== moment) return;
      void (async () => {
        for (let i = 0; i < turns; i++) await Promise.resolve();
        closed = !resumable.finished;
        await resumable.close(reason);
      })();
    };
    const transport = (url: string, init: RequestInit) => {
      passes();
      return gcs.fetch(url, init).finally(passes);
    };
    let released = 0;
    const inner = sourceOf(kind, bytes, steps, { handedOut: 0, onRead: passes });
    const source = typeof inner === "object" && "read" in inner
      ? { ...inner, close: () => void released++ }
      : inner;
    try {
      await resumable.initiate(transport, source, { name: NAME }, "a/b");
      while (!resumable.finished) await resumable.transmitNextChunk(transport);
    } catch (error) {
      const isExpected = error === reason ||
        (error instanceof UploadError && error.code === "invalid_state");
      if (!isExpected) throw error;
      assert(closed, "it ended by itself");
    }
    const requests = gcs.requests.length;
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0));
    checkObject(gcs, [bytes]);
    if (resumable.finished) assertEquals(gcs.objects.length, 1);
    if (moments <= moment) await resumable.close(reason);
    const late = await assertRejects(
      () => resumable.transmitNextChunk(transport),
      UploadError,
    );
    assertEquals([late.code, gcs.requests.length], ["invalid_state", requests]);
    if (source !== inner) assertEquals(released, 1, "how often the source was let go");
    tally.faults += faultsOf(gcs);
  },
);
