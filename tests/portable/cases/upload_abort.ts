// Stopping: at once, with the caller's own reason, at every moment. And giving up for good.

import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  upload,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertCode,
  assertStored,
  CHUNK,
  deferred,
  finish,
  kinds,
  opened,
  pattern,
  put,
  startUrl,
  storedCheckpoint,
  streamOf,
  testClock,
} from "./upload_support.ts";

const bytes = pattern(2 * CHUNK + 10);

/** Fails unless the promise rejects with exactly that reason. */
async function assertReason(promise: Promise<unknown>, reason: unknown): Promise<void> {
  const outcome = await promise.then(() => "fulfilled", (error) => error);
  assert(outcome === reason, `expected the reason of the abort, got ${outcome}`);
}

/** A transport that never answers the requests that `hangs` picks, whatever the signal, and says when one is there. */
function hanging(gcs: GcsEmulator, hangs: (kind: string) => boolean) {
  const reached = deferred();
  const transport: Transport = (input, init) => {
    const range = new Headers(init.headers).get("content-range") ?? "";
    const kind = init.method === "PUT" ? range.startsWith("bytes */") ? "status" : "chunk" : "";
    if (!hangs(kind || init.method!)) return gcs.fetch(input, init);
    reached.resolve();
    return new Promise(() => {});
  };
  return { transport, reached: reached.promise };
}

/** Aborts while `run` waits for something that never comes; it must reject with the reason nevertheless. */
async function abortedWhile(
  run: (signal: AbortSignal) => Promise<unknown>,
  reached: Promise<void>,
): Promise<void> {
  const reason = new RangeError("enough");
  const abort = new AbortController();
  const running = run(abort.signal);
  running.catch(() => {});
  await reached;
  abort.abort(reason);
  await assertReason(running, reason);
}

/** What can hang, and how an upload gets there. */
const PHASES: [phase: string, kind: string, prepare: (gcs: GcsEmulator) => void][] = [
  ["the start of a session", "POST", () => {}],
  ["a chunk", "chunk", () => {}],
  ["a status query", "status", (gcs) => gcs.inject({ on: "chunk", drop: "after" })],
];

/** Stopping. */
export const aborts: PortableCase[] = [
  ...PHASES.map(([phase, kind, prepare]): PortableCase => ({
    name: `an abort during ${phase} rejects at once, even if the transport ignores it`,
    async run() {
      const gcs = new GcsEmulator();
      prepare(gcs);
      const { transport, reached } = hanging(gcs, (sent) => sent === kind);
      await abortedWhile((signal) => put(gcs, new Blob([bytes]), { transport, signal }), reached);
      assertEquals(gcs.objects.length, 0);
    },
  })),
  {
    name: "an abort before anything sends nothing",
    async run() {
      const gcs = new GcsEmulator();
      const reason = new Error("never mind");
      const signal = AbortSignal.abort(reason);
      await assertReason(put(gcs, new Blob([bytes]), { signal }), reason);
      await assertReason(put(gcs, "small", { signal }), reason);
      const simple = new SimpleUpload(startUrl("media"));
      await assertReason(simple.transmit(gcs.fetch, "a", "a/b", { signal }), reason);
      const multipart = new MultipartUpload(startUrl("multipart"));
      await assertReason(multipart.transmit(gcs.fetch, "a", {}, "a/b", { signal }), reason);
      assertEquals(gcs.requests.length, 0);
    },
  },
  {
    name: "an abort during a one-request upload rejects at once",
    async run() {
      const gcs = new GcsEmulator();
      const { transport, reached } = hanging(gcs, () => true);
      const simple = new SimpleUpload(startUrl("media"));
      await abortedWhile((signal) => simple.transmit(transport, "a", "a/b", { signal }), reached);
      assertEquals(simple.finished, false);
    },
  },
  {
    name:
      "an abort while the source has nothing yet rejects at once, and cancels it with the reason",
    async run() {
      const gcs = new GcsEmulator();
      const reading = deferred();
      const cancelled = deferred<unknown>();
      const source = new ReadableStream<Uint8Array>({
        pull() {
          reading.resolve();
          return new Promise(() => {});
        },
        cancel: (reason) => cancelled.resolve(reason),
      }, { highWaterMark: 0 });
      await abortedWhile((signal) => put(gcs, source, { signal }), reading.promise);
      assertEquals(String(await cancelled.promise), "RangeError: enough");
    },
  },
  {
    name: "an abort while a generator is busy rejects at once",
    async run() {
      const gcs = new GcsEmulator();
      const reading = deferred();
      const source = (async function* () {
        yield pattern(CHUNK);
        reading.resolve();
        await new Promise(() => {});
      })();
      await abortedWhile((signal) => put(gcs, source, { signal }), reading.promise);
    },
  },
  {
    name: "an abort during a wait between two attempts rejects at once",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", status: 503, headers: { "retry-after": "3600" } });
      const waiting = deferred();
      const clock = testClock();
      const sleep = (milliseconds: number, signal?: AbortSignal) => {
        queueMicrotask(waiting.resolve);
        return new Promise<void>((_, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          void milliseconds;
        });
      };
      const retry = { clock: { ...clock, sleep } };
      await abortedWhile(
        (signal) => put(gcs, new Blob([bytes]), { retry, signal }),
        waiting.promise,
      );
    },
  },
  {
    name: "an abort during the platform's own wait rejects at once",
    async run() {
      const gcs = new GcsEmulator();
      const failed = deferred();
      const transport: Transport = async (input, init) => {
        if (init.method !== "PUT") return await gcs.fetch(input, init);
        setTimeout(failed.resolve, 0); // by then the upload waits
        return new Response(null, { status: 503 });
      };
      const retry = { initialDelay: 60_000 };
      const blob = new Blob([bytes]);
      await abortedWhile((signal) => put(gcs, blob, { transport, retry, signal }), failed.promise);
    },
  },
  {
    name: "without a reason of one's own an abort is an AbortError",
    async run() {
      const gcs = new GcsEmulator();
      const { transport, reached } = hanging(gcs, (kind) => kind === "chunk");
      const abort = new AbortController();
      const running = put(gcs, new Blob([bytes]), { transport, signal: abort.signal });
      running.catch(() => {});
      await reached;
      abort.abort();
      assertEquals(await running.catch(({ name }) => name), "AbortError");
    },
  },
  {
    name: "an aborted upload goes on from its checkpoint",
    async run() {
      const gcs = new GcsEmulator();
      const abort = new AbortController();
      let sent = 0;
      const first = await opened(gcs.fetch, new Blob([bytes]));
      const transport: Transport = (input, init) => {
        if (++sent === 2) abort.abort();
        return gcs.fetch(input, init);
      };
      await first.transmitNextChunk(transport, { signal: abort.signal });
      const chunk = first.transmitNextChunk(transport, { signal: abort.signal });
      assertEquals(await chunk.catch(({ name }) => name), "AbortError");
      assertEquals([first.invalid, first.bytesUploaded], [true, CHUNK]);
      const next = ResumableUpload.resume(storedCheckpoint(first), new Blob([bytes]));
      await finish(next, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
  {
    name: "an aborted call can be followed by another one, which asks first",
    async run() {
      const gcs = new GcsEmulator();
      const { transport, reached } = hanging(gcs, (kind) => kind === "chunk");
      const upload = await opened(gcs.fetch, streamOf(bytes, 50_000));
      await abortedWhile((signal) => upload.transmitNextChunk(transport, { signal }), reached);
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs), ["initiate", "status", "chunk", "chunk", "final"]);
    },
  },
  {
    name: "cancel() ends the session and lets go of the source; nothing can follow",
    async run() {
      const gcs = new GcsEmulator();
      let reason: unknown;
      const upload = await opened(gcs.fetch, streamOf(bytes, 50_000, (why) => reason = why));
      await upload.transmitNextChunk(gcs.fetch);
      const { status } = await upload.cancel(gcs.fetch);
      assertEquals([status, upload.finished], [499, false]);
      assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
      assert(reason instanceof Error, "the source was not told");
      await assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state");
      await assertCode(upload.cancel(gcs.fetch), "invalid_state");
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "cancel() is retried, and a session that is gone already is cancelled",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "cancel", status: 503 }, { on: "cancel", drop: "after" });
      await (await opened(gcs.fetch, "abc")).cancel(gcs.fetch);
      gcs.inject({ on: "cancel", expire: 410 });
      assertEquals((await (await opened(gcs.fetch, "abc")).cancel(gcs.fetch)).status, 410);
    },
  },
  {
    name: "an abort in the middle of a real reply's body rejects with the reason",
    async run() {
      const gcs = new GcsEmulator();
      const reached = deferred();
      const transport: Transport = async (input, init) => {
        if (init.method !== "PUT") return await gcs.fetch(input, init);
        return new Response(
          new ReadableStream({
            pull() {
              reached.resolve();
              return new Promise(() => {});
            },
          }, { highWaterMark: 0 }),
        );
      };
      const options = { url: startUrl("resumable"), transport, retry: { clock: testClock() } };
      await abortedWhile((signal) => upload("abc", { ...options, signal }), reached.promise);
    },
  },
];
