// A source that was read before is an error, as it is for `fetch`: never an empty object, never the rest of one.

import { ResumableUpload, upload, type UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf, optionsFor, settled, store } from "./sources_support.ts";
import {
  assertStored,
  byteStreamOf,
  CHUNK,
  opened,
  pattern,
  pieces,
  startUrl,
  storedCheckpoint,
  streamOf,
  testClock,
} from "./upload_support.ts";

const bytes = pattern(2 * CHUNK + 77);

/** Streams in every state but that of a new one. */
const STREAMS: Readonly<Record<string, () => Promise<ReadableStream<Uint8Array>>>> = {
  "a stream that was read to its end": async () => {
    const stream = streamOf(bytes, 50_000);
    for (const reader = stream.getReader();;) {
      if (!(await reader.read()).done) continue;
      reader.releaseLock();
      return stream;
    }
  },
  "a stream of which one piece was read": async () => {
    const stream = streamOf(bytes, 50_000);
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
    return stream;
  },
  "a byte stream of which some bytes were read": async () => {
    const stream = byteStreamOf(bytes, 70_001);
    const reader = stream.getReader({ mode: "byob" });
    await reader.read(new Uint8Array(100));
    reader.releaseLock();
    return stream;
  },
  "a stream that was cancelled": async () => {
    const stream = streamOf(bytes, 50_000);
    await stream.cancel("enough");
    return stream;
  },
  "a stream that was piped elsewhere": async () => {
    const stream = streamOf(bytes, 50_000);
    await stream.pipeTo(new WritableStream());
    return stream;
  },
  "the body of a response that was read": async () => {
    const response = new Response(bytes);
    const { body } = response;
    await response.arrayBuffer();
    return body!;
  },
  "the stream of a Blob that was read": async () => {
    const stream = new Blob([bytes]).stream();
    await new Response(stream).arrayBuffer();
    return stream;
  },
  "an empty stream that was read": async () => {
    const stream = streamOf(new Uint8Array(0), 1);
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
    return stream;
  },
  "a stream that was uploaded": async () => {
    const stream = streamOf(bytes, 50_000);
    await store(new GcsEmulator(), stream);
    return stream;
  },
  "a stream that a refused upload() has cancelled": async () => {
    const stream = streamOf(bytes, 50_000);
    const gcs = new GcsEmulator();
    gcs.inject({ on: "initiate", status: 403 });
    await failureOf(() => store(gcs, stream));
    return stream;
  },
  "a stream that an aborted upload() has cancelled": async () => {
    const stream = streamOf(bytes, 50_000);
    await failureOf(() => store(new GcsEmulator(), stream, { signal: AbortSignal.abort() }));
    return stream;
  },
  "a stream that a closed upload has cancelled": async () => {
    const stream = streamOf(bytes, 50_000);
    const gcs = new GcsEmulator();
    const before = await opened(gcs.fetch, stream);
    await before.transmitNextChunk(gcs.fetch);
    await before.close(new Error("enough"));
    return stream;
  },
};

/** Iterators that an upload has used. */
const ITERATORS: Readonly<Record<string, () => Promise<AsyncIterable<Uint8Array>>>> = {
  "a generator that was uploaded": async () => {
    const source = pieces(bytes, 50_000);
    await store(new GcsEmulator(), source);
    return source;
  },
  "a generator that a refused upload() has ended": async () => {
    const source = pieces(bytes, 50_000);
    const gcs = new GcsEmulator();
    gcs.inject({ on: ["chunk", "final"], skip: 1, status: 403 });
    await failureOf(() => store(gcs, source));
    return source;
  },
  "a generator whose upload could not be started": async () => {
    const source = pieces(bytes, 50_000);
    const gcs = new GcsEmulator();
    gcs.inject({ on: "initiate", status: 403 });
    await failureOf(() => store(gcs, source));
    return source;
  },
  "a generator that has thrown": async () => {
    const source = (async function* () {
      yield pattern(CHUNK + 1);
      await Promise.resolve();
      throw new RangeError("the disk is gone");
    })();
    await failureOf(() => store(new GcsEmulator(), source));
    return source;
  },
  "an iterator that an upload is reading": async () => {
    const source = pieces(bytes, 50_000);
    const gcs = new GcsEmulator();
    const other = await opened(gcs.fetch, source);
    await other.transmitNextChunk(gcs.fetch);
    return source;
  },
};

/** Every call that takes a source. */
const CALLS: Readonly<
  Record<string, (gcs: GcsEmulator, source: UploadSource) => Promise<unknown>>
> = {
  "upload()": (gcs, source) => store(gcs, source),
  "upload() of a URL": (gcs, source) => store(gcs, source, { url: startUrl("resumable") }),
  "upload() with a size": (gcs, source) => store(gcs, source, { totalBytes: 0 }),
  "initiate()": (gcs, source) => {
    const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, {
      retry: { clock: testClock() },
    });
    return resumable.initiate(gcs.fetch, source, {}, "a/b");
  },
};

const disturbed: PortableCase[] = Object.entries({ ...STREAMS, ...ITERATORS })
  .map(([kind, make]) => ({
    name: `${kind} is refused before anything is sent`,
    async run() {
      for (const [call, start] of Object.entries(CALLS)) {
        const gcs = new GcsEmulator();
        const source = await settled(make(), kind);
        const error = await settled(assertRejects(start(gcs, source), TypeError), call);
        assert(error.message.length > 20, `${call} says nothing: ${error.message}`);
        assertEquals([gcs.requests.length, gcs.objects.length], [0, 0], call);
      }
    },
  }));

const resumed: PortableCase[] = Object.entries({ ...STREAMS, ...ITERATORS })
  .map(([kind, make]) => ({
    name:
      `${kind} is refused by resume() and by upload() from a checkpoint, before anything is sent`,
    async run() {
      const gcs = new GcsEmulator();
      const before = await opened(gcs.fetch, bytes);
      await before.transmitNextChunk(gcs.fetch);
      const checkpoint = storedCheckpoint(before);
      const sent = gcs.requests.length;
      const source = await make();
      const thrown = await failureOf(() => ResumableUpload.resume(checkpoint, source));
      assert(thrown instanceof TypeError, `resume() threw ${thrown}`);
      const again = await make();
      const retry = { clock: testClock() };
      await settled(
        assertRejects(upload(again, { checkpoint, transport: gcs.fetch, retry }), TypeError),
        "upload()",
      );
      assertEquals(gcs.requests.length, sent, "the requests");
    },
  }));

/** Sources that look like those above, and are good. */
const FRESH: Readonly<Record<string, [make: () => UploadSource, bytes: Uint8Array]>> = {
  "a fresh empty stream": [() => streamOf(new Uint8Array(0), 1), new Uint8Array(0)],
  "a stream that closed before anybody read it": [
    () => new ReadableStream({ start: (controller) => controller.close() }),
    new Uint8Array(0),
  ],
  "a fresh empty byte stream": [() => byteStreamOf(new Uint8Array(0), 1), new Uint8Array(0)],
  "a fresh empty generator": [() => pieces(new Uint8Array(0), 1), new Uint8Array(0)],
  "the empty body of a response": [() => new Response("").body!, new Uint8Array(0)],
  "a stream whose reader was released unread": [() => {
    const stream = streamOf(bytes, 50_000);
    stream.getReader().releaseLock();
    return stream;
  }, bytes],
  "a branch of a stream": [() => streamOf(bytes, 50_000).tee()[0], bytes],
  "a generator of which somebody asked for the iterator": [() => {
    const source = pieces(bytes, 50_000);
    source[Symbol.asyncIterator]();
    return source;
  }, bytes],
};

/** Sources that were read before. */
export const sourcesDisturbed: PortableCase[] = [
  ...disturbed,
  ...resumed,
  ...Object.entries(FRESH).map(([kind, [make, expected]]): PortableCase => ({
    name: `${kind} is a source like any other`,
    async run() {
      for (const [call, start] of Object.entries(CALLS)) {
        if (call !== "upload()" && call !== "upload() of a URL") continue;
        const gcs = new GcsEmulator();
        await settled(start(gcs, make()), call);
        assertStored(gcs, expected);
      }
    },
  })),
  {
    name:
      "what makes a new iterator each time, and what can be read anywhere, can be uploaded twice",
    async run() {
      const again = { [Symbol.asyncIterator]: () => pieces(bytes, 50_000) };
      const anywhere = {
        size: bytes.length,
        read: (offset: number, length: number) =>
          Promise.resolve(bytes.slice(offset, offset + length)),
      };
      for (const source of [again, anywhere, new Blob([bytes]), bytes]) {
        const refused = new GcsEmulator({ buckets: ["another"] });
        await failureOf(() => upload(source, optionsFor(refused)));
        for (let time = 0; time < 2; time++) {
          const gcs = new GcsEmulator();
          await settled(store(gcs, source), "upload()");
          assertStored(gcs, bytes);
        }
      }
    },
  },
  {
    name: "of two uploads of one stream or generator at once, the second is refused",
    async run() {
      for (const make of [() => streamOf(bytes, 50_000), () => pieces(bytes, 50_000)]) {
        const [first, second] = [new GcsEmulator(), new GcsEmulator()];
        const source = make();
        const good = store(first, source);
        const bad = failureOf(() => store(second, source));
        await settled(good, "the first upload");
        assert((await bad) instanceof TypeError, `the second was rejected with ${await bad}`);
        assertStored(first, bytes);
        assertEquals(second.requests.length, 0);
      }
    },
  },
];
