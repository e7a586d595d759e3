// What ends a long request from this side: an abort, close(), a source that fails. Nothing is read after it.

import { ResumableUpload, SimpleUpload } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { failureOf, idle } from "./sources_support.ts";
import {
  ask,
  assertReadOnce,
  assertStoredAt,
  long,
  MIB,
  Recorder,
  send,
  sendTo,
  streams,
} from "./stretch_support.ts";
import { assertStored, BUCKET, deferred, startUrl, testClock } from "./upload_support.ts";

const SIZE = 12 * MIB + 7;

/** Where something happens: in the first piece, in the middle, in the last piece of a long request, in the last request. */
const PLACES = [0, 3 * MIB, 11 * MIB, 12 * MIB];

/** Fails if the source is read or closed once more, however long one waits. */
async function assertStill(recorder: Recorder): Promise<void> {
  await idle(5);
  const before = recorder.events.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(recorder.events.slice(before), [], "what happened after the end");
  assertEquals(recorder.closed, 1, "how often the source was closed");
}

/** The object at the test server, or its absence. */
async function statusOf({ origin }: Context, name: string): Promise<number> {
  const response = await ask(`${origin}/storage/v1/b/${BUCKET}/o/${name}`);
  await response.arrayBuffer();
  return response.status;
}

const reason = new RangeError("enough");

const aborted: PortableCase[] = PLACES.map((place) => ({
  name:
    `stretch: an abort at byte ${place} ends the upload with its reason, and the source is not read any more`,
  async run(context) {
    const abort = new AbortController();
    const recorder = new Recorder();
    const before = (offset: number, length: number) => {
      if (offset + length > place) abort.abort(reason);
    };
    const name = `aborted-${place}`;
    const source = recorder.source(long(SIZE), { before });
    const options = { signal: abort.signal, chunkSize: 64 * MIB };
    const error = await failureOf(() => sendTo(context.origin, name, source, options));
    assert(error === reason, `rejected with ${error}`);
    await assertStill(recorder);
    assertEquals(await statusOf(context, name), 404, "the status of the object");
  },
}));

const failing: PortableCase[] = PLACES.map((place) => ({
  name:
    `stretch: a read() that throws at byte ${place} ends the upload with that error, and nothing is finished`,
  async run(context) {
    const failure = new RangeError("the disk is gone");
    const recorder = new Recorder();
    const before = (offset: number, length: number) => {
      if (offset + length > place) throw failure;
    };
    const name = `failed-${place}`;
    const source = recorder.source(long(SIZE), { before });
    const error = await failureOf(() => sendTo(context.origin, name, source));
    assert(error === failure, `rejected with ${error}`);
    await assertStill(recorder);
    assertEquals(await statusOf(context, name), 404, "the status of the object");
  },
}));

/** A session whose source can be read only as long as `works()`. */
async function openedWith(
  context: Context,
  name: string,
  before: (offset: number, length: number) => void | Promise<void>,
): Promise<{ recorder: Recorder; resumable: ResumableUpload }> {
  const recorder = new Recorder();
  const url = `${context.origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable&name=${name}`;
  const resumable = new ResumableUpload(url, 64 * MIB, { retry: { initialDelay: 1 } });
  const source = recorder.source(long(SIZE), { before });
  await resumable.initiate(fetch, source, {}, "application/octet-stream");
  return { recorder, resumable };
}

/** Ends from this side. */
export const stretchStops: PortableCase[] = [
  ...aborted,
  ...failing,
  {
    name:
      "stretch: close() in the middle of a body ends the call, and the source is not read any more",
    async run(context) {
      const now = deferred();
      const { recorder, resumable } = await openedWith(context, "closed", (offset, length) => {
        if (offset + length > 3 * MIB) now.resolve();
      });
      void now.promise.then(() => resumable.close(reason));
      const error = await failureOf(() => resumable.transmitNextChunk(fetch));
      assert(error === reason, `rejected with ${error}`);
      await assertStill(recorder);
      assertEquals(await statusOf(context, "closed"), 404, "the status of the object");
    },
  },
  {
    name:
      "stretch: after a read() that threw once, the next call asks and goes on, with the right bytes",
    async run(context) {
      let left = 1;
      const { recorder, resumable } = await openedWith(context, "again", (offset, length) => {
        if (offset + length > 5 * MIB && left-- > 0) throw reason;
      });
      const error = await failureOf(() => resumable.transmitNextChunk(fetch));
      assert(error === reason, `rejected with ${error}`);
      // Where nothing is streamed, the source is read before a request is made.
      assertEquals(resumable.invalid, streams(context), "whether it is unknown what is stored");
      assertEquals(recorder.closed, 0, "how often the source was closed");
      while (!resumable.finished) await resumable.transmitNextChunk(fetch);
      await assertStoredAt(context.origin, "again", long(SIZE));
      await assertStill(recorder);
    },
  },
  {
    name: "stretch: after an abort in the middle of a body, the next call asks and goes on",
    async run(context) {
      const abort = new AbortController();
      const { recorder, resumable } = await openedWith(context, "later", (offset, length) => {
        if (offset + length > 5 * MIB) abort.abort(reason);
      });
      const { signal } = abort;
      const error = await failureOf(() => resumable.transmitNextChunk(fetch, { signal }));
      assert(error === reason, `rejected with ${error}`);
      while (!resumable.finished) await resumable.transmitNextChunk(fetch);
      await assertStoredAt(context.origin, "later", long(SIZE));
      await assertStill(recorder);
    },
  },
  {
    name: "stretch: an abort does not wait for a read() that never settles",
    async run() {
      const abort = new AbortController();
      const recorder = new Recorder();
      const source = recorder.source(long(SIZE), {
        before: (offset, length) => {
          if (offset + length <= 2 * MIB) return;
          abort.abort(reason);
          return new Promise(() => {});
        },
      });
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => send(gcs, source, { signal: abort.signal }));
      assert(error === reason, `rejected with ${error}`);
      await assertStill(recorder);
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "stretch: a source that is shorter than it says ends the upload and is no object",
    async run(context) {
      const recorder = new Recorder();
      const bytes = long(SIZE);
      const source = recorder.source(bytes, { content: () => bytes.subarray(0, 5 * MIB) });
      const error = await failureOf(() => sendTo(context.origin, "short", source));
      assertEquals((error as { code?: string }).code, "source_size_mismatch", String(error));
      await assertStill(recorder);
      assertEquals(await statusOf(context, "short"), 404, "the status of the object");
    },
  },
  {
    name: "stretch: a body that nobody wants any more is not read, though its transport pulls on",
    async run(context) {
      if (!streams(context)) return; // no body is made there while it is sent
      const gcs = new GcsEmulator({ md5: false });
      const recorder = new Recorder();
      const bytes = long(5 * MIB);
      const bodies: ReadableStreamDefaultReader<Uint8Array>[] = [];
      let failures = 1;
      const transport = recorder.transport(async (input, init) => {
        const body: unknown = init.body;
        if (!(body instanceof ReadableStream) || failures-- <= 0) {
          return await gcs.fetch(input, init);
        }
        const reader = body.getReader();
        bodies.push(reader);
        await reader.read();
        await reader.read();
        throw new TypeError("reset");
      });
      await send(gcs, recorder.source(bytes), { transport, chunkSize: 4 * MIB });
      assertStored(gcs, bytes);
      const { bytesRead } = recorder;
      for (const reader of bodies) {
        // What was enqueued before may still come; then the stream fails, and never ends as if it were whole.
        const drained = (async () => {
          while (!(await reader.read()).done);
        })();
        assert(await failureOf(() => drained) !== undefined, "the body ended");
      }
      assertEquals(recorder.bytesRead, bytesRead, "the bytes read once nobody wanted them");
    },
  },
  {
    name: "stretch: one request that is aborted in the middle lets the source go",
    async run() {
      const abort = new AbortController();
      const recorder = new Recorder();
      const source = recorder.source(long(SIZE), {
        before: (offset, length) => {
          if (offset + length > 4 * MIB) abort.abort(reason);
        },
      });
      const gcs = new GcsEmulator({ md5: false });
      const upload = new SimpleUpload(startUrl("media"), { retry: { clock: testClock() } });
      const { signal } = abort;
      const error = await failureOf(() => upload.transmit(gcs.fetch, source, "a/b", { signal }));
      assert(error === reason, `rejected with ${error}`);
      await assertStill(recorder);
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "stretch: without a fault no byte is read twice, however the pieces fall",
    async run() {
      for (const size of [2 * MIB + 1, 4 * MIB, 4 * MIB + 1, 8 * MIB + 1, 9 * MIB]) {
        const gcs = new GcsEmulator({ md5: false });
        const recorder = new Recorder();
        await send(gcs, recorder.source(long(size)), { chunkSize: 4 * MIB });
        assertStored(gcs, long(size));
        assertReadOnce(recorder, size);
      }
    },
  },
];
