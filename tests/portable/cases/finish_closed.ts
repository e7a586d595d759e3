// Nothing that was being read when an upload was closed, aborted or failed can become an end.

import { ResumableUpload, type UploadSource, uploadStream } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf, idle, settled, slowStart, store, streamOptionsFor } from "./sources_support.ts";
import {
  assertCode,
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

const reason = new RangeError("enough");
const bytes = pattern(CHUNK + 1_000);

/**
 * Sources that give these bytes and then wait: neither more nor an end comes, until somebody lets go of them. What that
 * does to a pending read differs: a stream says it is done, and so does a generator that is asked to return.
 */
const WAITING: Readonly<Record<string, (given?: Uint8Array) => UploadSource>> = {
  "a stream": (given = bytes) => {
    let sent = false;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) return new Promise(() => {});
        sent = true;
        controller.enqueue(given.slice());
      },
    }, { highWaterMark: 0 });
  },
  "a byte stream": (given = bytes) => {
    let sent = false;
    return new ReadableStream<Uint8Array>({
      type: "bytes",
      pull(controller) {
        if (sent || given.length === 0) return new Promise(() => {});
        sent = true;
        controller.enqueue(given.slice());
      },
    });
  },
  "a generator": (given = bytes) =>
    (async function* () {
      yield given;
      await new Promise(() => {});
    })(),
  "an iterator that ends when it is asked to return": (given = bytes) => {
    let end: (result: IteratorResult<Uint8Array>) => void = () => {};
    let sent = false;
    const done = { done: true, value: undefined } as const;
    const iterator: AsyncIterator<Uint8Array> = {
      next() {
        if (sent) return new Promise((resolve) => end = resolve);
        sent = true;
        return Promise.resolve({ done: false, value: given });
      },
      return() {
        end(done);
        return Promise.resolve(done);
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  },
  "a source that gives nothing more once it is closed": (given = bytes) => {
    let end: (bytes: Uint8Array) => void = () => {};
    return {
      read: (offset: number, length: number) =>
        offset < given.length
          ? Promise.resolve(given.slice(offset, offset + length))
          : new Promise<Uint8Array>((resolve) => end = resolve),
      close: () => end(new Uint8Array(0)),
    };
  },
};

/** Every call there is, after which nothing may have been finished. */
async function assertClosed(gcs: GcsEmulator, upload: ResumableUpload): Promise<void> {
  const sent = gcs.requests.length;
  for (let time = 0; time < 2; time++) {
    await settled(assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state"), "transmit");
    await settled(assertCode(upload.recover(gcs.fetch), "invalid_state"), "recover");
  }
  await settled(
    assertCode(upload.initiate(gcs.fetch, new Blob(["x"]), {}, "a/b"), "invalid_state"),
    "initiate",
  );
  assertEquals([gcs.requests.length, gcs.objects.length], [sent, 0], "requests, objects");
  assertEquals([upload.finished, upload.object], [false, undefined]);
}

const between: PortableCase[] = Object.entries(WAITING).flatMap(([kind, make]) =>
  [0, 1].map((chunks): PortableCase => ({
    name: `close() after ${chunks} chunks of ${kind} is for good, and makes no object`,
    async run() {
      for (const given of [bytes, pattern(2 * CHUNK), pattern(CHUNK)]) {
        if (chunks === 1 && given.length === CHUNK) continue; // it is not known yet whether that was all
        const gcs = new GcsEmulator();
        const upload = await opened(gcs.fetch, make(given));
        for (let i = 0; i < chunks; i++) {
          await settled(upload.transmitNextChunk(gcs.fetch), "transmitNextChunk()");
        }
        await settled(upload.close(reason), "close()");
        await idle(3);
        await assertClosed(gcs, upload);
        assertEquals(gcs.sessions.map(({ phase }) => phase), ["open"]);
      }
    },
  }))
);

const during: PortableCase[] = Object.entries(WAITING).flatMap(([kind, make]) =>
  [bytes, pattern(CHUNK), new Uint8Array(0)].map((given): PortableCase => ({
    name: `close() while ${kind} is waited for behind ${given.length} bytes makes no object`,
    async run() {
      const gcs = new GcsEmulator();
      const upload = await opened(gcs.fetch, make(given));
      if (given.length > CHUNK) await upload.transmitNextChunk(gcs.fetch);
      const pending = failureOf(() => upload.transmitNextChunk(gcs.fetch), "the pending call");
      await idle(3);
      await settled(upload.close(reason), "close()");
      const error = await pending;
      assert(error !== undefined, "the pending call was fulfilled");
      await idle(3);
      await assertClosed(gcs, upload);
    },
  }))
);

const aborted: PortableCase[] = Object.entries(WAITING).map(([kind, make]) => ({
  name: `an upload() of ${kind} that is aborted while it waits makes no object, whatever that ends`,
  async run() {
    for (const given of [bytes, pattern(CHUNK), pattern(2 * CHUNK), new Uint8Array(0)]) {
      const gcs = new GcsEmulator();
      const abort = new AbortController();
      const done = failureOf(() => store(gcs, make(given), { signal: abort.signal }), "upload()");
      await idle();
      abort.abort(reason);
      const error = await done;
      assert(error === reason, `rejected with ${error}`);
      await idle(5);
      assertEquals([gcs.objects.length, gcs.sessions[0]?.phase], [0, "open"]);
    }
  },
}));

/** Sources that fail after these bytes, and of which one says afterwards that it is at its end. */
const FAILING: Readonly<Record<string, (given: Uint8Array, failure: Error) => UploadSource>> = {
  "a generator": (given, failure) =>
    (async function* () {
      if (given.length > 0) yield given;
      await Promise.resolve();
      throw failure;
    })(),
  "an iterator that is done after a failure": (given, failure) => {
    let call = given.length > 0 ? 0 : 1;
    const iterator = {
      next(): Promise<IteratorResult<Uint8Array>> {
        call++;
        if (call === 1) return Promise.resolve({ done: false, value: given });
        if (call === 2) return Promise.reject(failure);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  },
  "a stream": (given, failure) => {
    let pulls = given.length > 0 ? 0 : 1;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(given.slice());
        else controller.error(failure);
      },
    }, { highWaterMark: 0 });
  },
};

const failed: PortableCase[] = Object.entries(FAILING).flatMap(([kind, make]) =>
  [new Uint8Array(0), pattern(CHUNK - 1), pattern(CHUNK), bytes, pattern(2 * CHUNK)].map((
    given,
  ): PortableCase => ({
    name: `${kind} that failed behind ${given.length} bytes is not at its end at the next call`,
    async run() {
      for (const retry of [null, { clock: testClock() }]) {
        const gcs = new GcsEmulator();
        const failure = new RangeError("the disk is gone");
        const upload = new ResumableUpload(startUrl("resumable"), CHUNK, { retry });
        await upload.initiate(gcs.fetch, make(given, failure), {}, "a/b");
        const errors: unknown[] = [];
        for (let calls = 0; calls < 6; calls++) {
          const error = await failureOf(() => upload.transmitNextChunk(gcs.fetch));
          if (error !== undefined) errors.push(error);
        }
        assert(errors[0] === failure, `failed with ${errors[0]}`);
        assert(errors.length >= 4, "a call after the failure was fulfilled");
        assertEquals([gcs.objects.length, upload.finished], [0, false]);
      }
    },
  }))
);

/** Closing. */
export const finishClosed: PortableCase[] = [
  ...between,
  ...during,
  ...aborted,
  ...failed,
  {
    name: "close() before initiate() is for good, too, and the source is not touched",
    async run() {
      const gcs = new GcsEmulator();
      const upload = new ResumableUpload(startUrl("resumable"), CHUNK);
      await settled(upload.close(reason), "close()");
      await settled(
        assertCode(upload.initiate(gcs.fetch, bytes, {}, "a/b"), "invalid_state"),
        "initiate()",
      );
      await settled(assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state"), "transmit");
      assertEquals(gcs.requests.length, 0);
    },
  },
  {
    name: "close() while initiate() waits for its reply opens nothing that can be finished",
    async run() {
      for (const make of Object.values(WAITING)) {
        const gcs = new GcsEmulator();
        const gate = deferred();
        const upload = new ResumableUpload(startUrl("resumable"), CHUNK);
        const starting = upload.initiate(slowStart(gcs.fetch, gate.promise), make(), {}, "a/b");
        starting.catch(() => {});
        await idle(3);
        await settled(upload.close(reason), "close()");
        gate.resolve();
        await settled(starting.catch(() => {}), "initiate()");
        await settled(assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state"), "transmit");
        assertEquals([gcs.objects.length, upload.finished], [0, false]);
      }
    },
  },
  {
    name: "close() needs no reason, and may be called again",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await opened(gcs.fetch, bytes);
      await settled((upload.close as (reason?: unknown) => Promise<void>).call(upload), "close()");
      await settled(upload.close(reason), "close() again");
      await assertClosed(gcs, upload);
    },
  },
  {
    name: "close() of a resumed upload is for good, before and after the server was asked",
    async run() {
      for (const recovered of [false, true]) {
        const gcs = new GcsEmulator();
        const before = await opened(gcs.fetch, byteStreamOf(bytes, 50_000));
        await before.transmitNextChunk(gcs.fetch);
        for (const make of Object.values(WAITING)) {
          const checkpoint = storedCheckpoint(before);
          const resumed = ResumableUpload.resume(checkpoint, make(), {
            retry: { clock: testClock() },
          });
          if (recovered) await settled(resumed.recover(gcs.fetch), "recover()");
          await settled(resumed.close(reason), "close()");
          await idle(3);
          await assertClosed(gcs, resumed);
        }
      }
    },
  },
  {
    name: "close() of a finished or a cancelled upload changes nothing",
    async run() {
      const gcs = new GcsEmulator();
      const done = await opened(gcs.fetch, bytes);
      await finish(done, gcs.fetch);
      await settled(done.close(reason), "close()");
      assertEquals([done.finished, done.object?.size], [true, String(bytes.length)]);
      assertStored(gcs, bytes);
      const cancelled = await opened(gcs.fetch, bytes);
      await cancelled.cancel(gcs.fetch);
      await settled(cancelled.close(reason), "close()");
      await assertCode(cancelled.transmitNextChunk(gcs.fetch), "invalid_state");
      assertEquals(gcs.objects.length, 1);
    },
  },
  {
    name: "close() does not wait for a reply that never comes",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await opened(gcs.fetch, pattern(3 * CHUNK));
      const pending = upload.transmitNextChunk(() => new Promise(() => {}));
      pending.catch(() => {});
      await idle(3);
      await settled(upload.close(reason), "close()");
      await settled(assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state"), "transmit");
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "after close() another process can go on from the checkpoint",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await opened(gcs.fetch, byteStreamOf(bytes, 50_000));
      await upload.transmitNextChunk(gcs.fetch);
      const checkpoint = storedCheckpoint(upload);
      await upload.close(reason);
      const resumed = ResumableUpload.resume(checkpoint, byteStreamOf(bytes, 70_000), {
        retry: { clock: testClock() },
      });
      await settled(finish(resumed, gcs.fetch), "the upload");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "an abort of one call is no close(): the next call goes on, and nothing is lost",
    async run() {
      const gcs = new GcsEmulator();
      const gate = deferred();
      const whole = pattern(2 * CHUNK + 5);
      const upload = await opened(
        gcs.fetch,
        (async function* () {
          yield whole.slice(0, CHUNK + 5);
          await gate.promise;
          yield whole.slice(CHUNK + 5);
        })(),
      );
      await settled(upload.transmitNextChunk(gcs.fetch), "the first chunk");
      for (let time = 0; time < 3; time++) {
        const abort = new AbortController();
        const { signal } = abort;
        const call = failureOf(() => upload.transmitNextChunk(gcs.fetch, { signal }));
        await idle(3);
        abort.abort(reason);
        assert((await call) === reason, `rejected with ${await call}`);
      }
      gate.resolve();
      await settled(finish(upload, gcs.fetch), "the upload");
      assertStored(gcs, whole);
    },
  },
  {
    name: "a writer that is aborted, or whose pipe fails, makes no object of what it wrote",
    async run() {
      for (const given of [bytes, pattern(CHUNK), pattern(2 * CHUNK)]) {
        const gcs = new GcsEmulator();
        const { writable, result } = uploadStream(streamOptionsFor(gcs));
        const rejected = failureOf(() => result, "the result");
        const writer = writable.getWriter();
        writer.write(given).catch(() => {});
        await idle(5);
        await settled(writer.abort(reason), "abort()");
        assert((await rejected) === reason, `rejected with ${await rejected}`);
        const piped = uploadStream(streamOptionsFor(gcs));
        const failedResult = failureOf(() => piped.result, "the result");
        const source = FAILING["a stream"](given, reason) as ReadableStream<Uint8Array>;
        assert(await failureOf(() => source.pipeTo(piped.writable)) === reason, "the pipe");
        assert((await failedResult) === reason, `rejected with ${await failedResult}`);
        await idle(5);
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
];
