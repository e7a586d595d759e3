// `uploadStream()`: an upload to write into.

import { type Transport, uploadStream } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertCode,
  assertStored,
  BUCKET,
  CHUNK,
  deferred,
  kinds,
  type MoreOptions,
  pattern,
  startUrl,
  streamOf,
  target,
} from "./upload_support.ts";

const open = (gcs: GcsEmulator, options: MoreOptions = {}) => uploadStream(target(gcs, options));

/** Lets everything happen that needs no more than the tasks at hand. */
async function idle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Waits until the one session was cancelled, which happens in the background. */
async function cancelled(gcs: GcsEmulator): Promise<void> {
  for (let i = 0; i < 1000 && gcs.sessions[0]?.phase !== "cancelled"; i++) await idle();
  assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
}

/** A transport that holds back chunks until it is told otherwise. */
function gated(gcs: GcsEmulator) {
  const gate = deferred();
  const reached = deferred();
  const transport: Transport = async (input, init) => {
    if (init.method === "PUT") {
      reached.resolve();
      await gate.promise;
    }
    return await gcs.fetch(input, init);
  };
  return { transport, reached: reached.promise, release: gate.resolve };
}

/** `uploadStream()`. */
export const streams: PortableCase[] = [
  {
    name: "what is written is what is stored, of any size",
    async run() {
      for (const size of [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK]) {
        const gcs = new GcsEmulator();
        const { writable, result } = open(gcs);
        await streamOf(pattern(size), 70_001).pipeTo(writable);
        assertEquals((await result).size, String(size));
        assertStored(gcs, pattern(size));
      }
    },
  },
  {
    name: "close() settles when the object is finished",
    async run() {
      const gcs = new GcsEmulator();
      const { writable } = open(gcs, { contentType: "a/b", metadata: { cacheControl: "x" } });
      const writer = writable.getWriter();
      await writer.write(pattern(10));
      assertEquals(gcs.objects.length, 0);
      await writer.close();
      assertStored(gcs, pattern(10));
      const { contentType, cacheControl } = gcs.objects[0].resource;
      assertEquals([contentType, cacheControl], ["a/b", "x"]);
    },
  },
  {
    name: "a pipeline through CompressionStream arrives whole",
    async run() {
      const gcs = new GcsEmulator();
      const { writable } = open(gcs);
      const text = "a line that repeats itself\n".repeat(20_000);
      const gzip = new CompressionStream("gzip");
      await new Blob([text]).stream().pipeThrough(gzip).pipeTo(writable);
      const stored = new Blob([gcs.get(BUCKET, "object")!.bytes!]).stream();
      const read = await new Response(stored.pipeThrough(new DecompressionStream("gzip"))).text();
      assert(read === text, "another text");
    },
  },
  {
    name: "writing waits while one chunk is on its way and the next one is full",
    async run() {
      const gcs = new GcsEmulator();
      const { transport, reached, release } = gated(gcs);
      const { writable, result } = open(gcs, { transport });
      const bytes = pattern(8 * CHUNK);
      let taken = 0;
      const source = streamOf(bytes, 10_000).pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(piece, controller) {
            taken += piece.length;
            controller.enqueue(piece);
          },
        }),
      );
      const piping = source.pipeTo(writable);
      await reached;
      await idle();
      assert(taken >= CHUNK, `${taken} bytes were taken before the first chunk was sent`);
      assert(taken <= 2 * CHUNK + 100_000, `${taken} bytes were taken while nothing was stored`);
      release();
      await piping;
      await result;
      assertStored(gcs, bytes);
    },
  },
  {
    name: "an upload that fails makes the writable fail with the same error, and stops who pipes",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", status: 403 });
      const { writable, result } = open(gcs);
      let reason: unknown;
      const source = streamOf(pattern(50 * CHUNK), 50_000, (why) => reason = why);
      const error = await assertCode(source.pipeTo(writable), "rejected");
      assert(await result.catch((why) => why) === error, "the result has another error");
      assert(reason === error, "the source has another error");
    },
  },
  {
    name: "a start that fails makes the first write fail, with the same error",
    async run() {
      const gcs = new GcsEmulator({ buckets: ["another"] });
      const { writable, result } = open(gcs);
      const error = await assertCode(result, "rejected");
      const writer = writable.getWriter();
      // Workers do not fail the writable before: they would call a pipe into it a success.
      const failure = await writer.write(pattern(1)).catch((why) => why);
      assert(failure === error, `another error: ${failure}`);
    },
  },
  {
    name: "abort() cancels the session, and the result is rejected with its reason",
    async run() {
      const gcs = new GcsEmulator();
      const { writable, result } = open(gcs);
      const writer = writable.getWriter();
      await writer.write(pattern(CHUNK + 1));
      const reason = new RangeError("enough");
      await writer.abort(reason);
      assert(await result.catch((why) => why) === reason, "another reason");
      await cancelled(gcs);
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "abort() does not wait for a chunk that is on its way",
    async run() {
      const gcs = new GcsEmulator();
      const { transport, reached } = gated(gcs); // and never released
      const { writable, result } = open(gcs, { transport });
      const writer = writable.getWriter();
      writer.write(pattern(2 * CHUNK + 1)).catch(() => {});
      await reached;
      const reason = new RangeError("enough");
      await writer.abort(reason);
      assert(await result.catch((why) => why) === reason, "another reason");
      await cancelled(gcs);
    },
  },
  {
    name: "a source that fails while it is piped cancels the session",
    async run() {
      const gcs = new GcsEmulator();
      const { writable, result } = open(gcs);
      const failure = new RangeError("the disk is gone");
      let pulls = 0;
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (pulls++ === 3) controller.error(failure);
          else controller.enqueue(pattern(CHUNK));
        },
      });
      assert(await assertRejects(source.pipeTo(writable), RangeError) === failure, "another error");
      assert(await result.catch((why) => why) === failure, "another result");
      await cancelled(gcs);
    },
  },
  {
    name: "the signal stops the upload and leaves the session open",
    async run() {
      const gcs = new GcsEmulator();
      const { transport, reached } = gated(gcs);
      const abort = new AbortController();
      const { writable, result } = open(gcs, { transport, signal: abort.signal });
      const piping = streamOf(pattern(9 * CHUNK), 50_000).pipeTo(writable);
      piping.catch(() => {});
      await reached;
      const reason = new RangeError("enough");
      abort.abort(reason);
      assert(await result.catch((why) => why) === reason, "another reason");
      assert(await piping.catch((why) => why) === reason, "another error of the pipe");
      assertEquals(gcs.sessions.map(({ phase }) => phase), ["open"]);
    },
  },
  {
    name: "a bad network is survived while bytes are written",
    async run() {
      const gcs = new GcsEmulator({ seed: 9 });
      gcs.randomFaults({ dropBefore: 0.15, dropAfter: 0.15, cut: 0.15, status: 0.1 });
      const bytes = pattern(10 * CHUNK + 1);
      const { writable } = open(gcs);
      await streamOf(bytes, 123_456).pipeTo(writable);
      assertStored(gcs, bytes);
      assert(gcs.requests.some(({ fault }) => fault !== null), "nothing went wrong");
    },
  },
  {
    name: "a stream needs a resumable URL",
    async run() {
      const gcs = new GcsEmulator();
      const place = { bucket: undefined, name: undefined, url: startUrl("media") };
      await assertRejects(Promise.resolve().then(() => open(gcs, place)), TypeError);
      const { writable } = open(gcs, { ...place, url: startUrl("resumable") });
      await streamOf(pattern(5), 5).pipeTo(writable);
      assertEquals(kinds(gcs), ["initiate", "final"]);
    },
  },
];
