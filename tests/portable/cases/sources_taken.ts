// When a source is taken: in the same turn as the call, so that nothing of it can be lost while a session opens.

import { ResumableUpload, upload, type UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  failureOf,
  idle,
  type Noted,
  notedIterable,
  notedStream,
  optionsFor,
  settled,
  slowStart,
} from "./sources_support.ts";
import {
  assertStored,
  byteStreamOf,
  CHUNK,
  deferred,
  finish,
  opened,
  pattern,
  startUrl,
  storedCheckpoint,
  testClock,
} from "./upload_support.ts";

const bytes = pattern(2 * CHUNK + 77);

/** Starts an upload and returns, in the same turn, what it will come to. */
type Start = (gcs: GcsEmulator, source: UploadSource, gate: Promise<void>) => Promise<unknown>;

/** The calls that take a source and send a request first. */
const CALLS: Readonly<Record<string, Start>> = {
  "upload()": (gcs, source, gate) =>
    upload(source, optionsFor(gcs, { transport: slowStart(gcs.fetch, gate) })),
  "upload() of a URL": (gcs, source, gate) =>
    upload(
      source,
      optionsFor(gcs, {
        url: startUrl("resumable"),
        transport: slowStart(gcs.fetch, gate),
      }),
    ),
  "initiate()": (gcs, source, gate) => {
    const retry = { clock: testClock() };
    const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry });
    return resumable
      .initiate(slowStart(gcs.fetch, gate), source, {}, "a/b")
      .then(() => finish(resumable, gcs.fetch));
  },
};

/** A checkpoint of an upload of the same bytes, of which one chunk is stored. */
async function checkpointOf(gcs: GcsEmulator) {
  const before = await opened(gcs.fetch, bytes);
  await before.transmitNextChunk(gcs.fetch);
  return storedCheckpoint(before);
}

const SOURCES: Readonly<Record<string, () => Noted<UploadSource>>> = {
  "a stream": () => notedStream({ bytes }),
  "an iterator": () => notedIterable({ bytes }),
  "a byte stream": () => {
    const source = byteStreamOf(bytes, 70_001);
    return { source, log: { reads: 0, released: [], taken: () => source.locked } };
  },
  "an async generator": () => {
    let started = false;
    const source = (async function* () {
      started = true;
      await Promise.resolve();
      yield bytes;
    })();
    return { source, log: { reads: 0, released: [], taken: () => started } };
  },
};

/**
 * Pieces from something that does not wait: it begins to emit at once, and what nobody listens to is lost. Whoever asks
 * for the first piece listens from then on.
 */
function emitter(): AsyncIterable<Uint8Array> {
  let listening = false;
  let at = 0;
  const kept: Uint8Array[] = [];
  let wake = () => {};
  const emit = () => {
    if (listening) kept.push(bytes.slice(at, at + 50_000));
    at += 50_000;
    wake();
    if (at < bytes.length) setTimeout(emit, 0);
  };
  setTimeout(emit, 0);
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        listening = true;
        while (kept.length === 0 && at < bytes.length) {
          await new Promise<void>((resolve) => wake = resolve);
        }
        const value = kept.shift();
        return value ? { done: false, value } : { done: true, value: undefined };
      },
    }),
  };
}

const sameTurn: PortableCase[] = Object.entries(CALLS).flatMap(([call, start]) => [
  ...Object.entries(SOURCES).map(([kind, make]): PortableCase => ({
    name: `${call} takes ${kind} in the same turn, however long the session takes to open`,
    async run() {
      const gcs = new GcsEmulator();
      const gate = deferred();
      const { source, log } = make();
      const done = start(gcs, source, gate.promise);
      const taken = log.taken();
      await idle();
      gate.resolve();
      await settled(done, call);
      assert(taken, "the source was not taken when the call returned");
      assertStored(gcs, bytes);
    },
  })),
  {
    name: `${call} loses nothing of a source that emits while the session opens`,
    async run() {
      const gcs = new GcsEmulator();
      const gate = deferred();
      const done = start(gcs, emitter(), gate.promise);
      await idle(40);
      gate.resolve();
      await settled(done, call);
      assertStored(gcs, bytes);
    },
  },
  {
    name: `${call} reads at most two chunks while the session opens`,
    async run() {
      const gcs = new GcsEmulator();
      const gate = deferred();
      const long = pattern(9 * CHUNK);
      let furthest = 0;
      const { source } = notedStream({
        bytes: long,
        before: (offset) => void (furthest = offset),
      });
      const done = start(gcs, source, gate.promise);
      await idle(60);
      const before = furthest;
      gate.resolve();
      await settled(done, call);
      assert(before <= 2 * CHUNK, `read up to ${before} before a session was open`);
      assertStored(gcs, long);
    },
  },
  ...[notedStream, notedIterable].map((make): PortableCase => ({
    name: `${call}: ${
      make === notedStream ? "a stream" : "an iterator"
    } that fails while the session opens surfaces its own error`,
    async run() {
      const gcs = new GcsEmulator();
      const gate = deferred();
      const failure = new RangeError("the disk is gone");
      const { source } = make({
        bytes,
        before: () => {
          throw failure;
        },
      });
      const done = failureOf(() => start(gcs, source, gate.promise), call);
      await idle(); // an unhandled rejection would end the process, or the case, here
      gate.resolve();
      const error = await done;
      assert(error === failure, `rejected with ${error}`);
      assertEquals(gcs.objects.length, 0);
    },
  })),
]);

/** Taking a source. */
export const sourcesTaken: PortableCase[] = [
  ...sameTurn,
  ...Object.entries(SOURCES).map(([kind, make]): PortableCase => ({
    name: `resume() takes ${kind} in the same turn`,
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await checkpointOf(gcs);
      const { source, log } = make();
      const retry = { clock: testClock() };
      const resumed = ResumableUpload.resume(checkpoint, source, { retry });
      const taken = log.taken();
      await settled(finish(resumed, gcs.fetch), "the upload");
      assert(taken, "the source was not taken when resume() returned");
      assertStored(gcs, bytes);
    },
  })),
  {
    name: "upload() from a checkpoint loses nothing of a source that emits at once",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await checkpointOf(gcs);
      const gate = deferred();
      const transport: typeof gcs.fetch = async (input, init) => {
        await gate.promise;
        return await gcs.fetch(input, init);
      };
      const done = upload(emitter(), { checkpoint, transport, retry: { clock: testClock() } });
      await idle(40);
      gate.resolve();
      await settled(done, "upload()");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a source that emits between resume() and the first request is stored whole",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await checkpointOf(gcs);
      const retry = { clock: testClock() };
      const resumed = ResumableUpload.resume(checkpoint, emitter(), { retry });
      await idle(40);
      await settled(finish(resumed, gcs.fetch), "the upload");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a source that fails before a resumed upload sends anything surfaces its own error",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await checkpointOf(gcs);
      const failure = new RangeError("the disk is gone");
      const { source } = notedIterable({
        bytes,
        before: () => {
          throw failure;
        },
      });
      const retry = { clock: testClock() };
      const resumed = ResumableUpload.resume(checkpoint, source, { retry });
      await idle();
      const error = await failureOf(() => resumed.transmitNextChunk(gcs.fetch));
      assert(error === failure, `rejected with ${error}`);
      assertEquals(gcs.objects.length, 0);
    },
  },
];
