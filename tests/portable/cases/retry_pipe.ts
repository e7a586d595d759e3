// What pipes into `uploadStream()` may fail: its error is the upload's, at once, and the session is cancelled.

import { type Transport, uploadStream } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { describe, fakeClock, idle } from "./retry_support.ts";
import { BUCKET, CHUNK, deferred, kinds, pattern } from "./upload_support.ts";

// A clock of our own, so that nothing is left of an upload that fails to end.
const OPTIONS = {
  bucket: BUCKET,
  name: "object",
  chunkSize: CHUNK,
  retry: { clock: fakeClock() },
};

/** A stream that gives these bytes and fails when it is told to. */
function failing(bytes: Uint8Array, failure: Promise<unknown>): ReadableStream<Uint8Array> {
  let given = false;
  return new ReadableStream({
    async pull(controller) {
      if (given) return controller.error(await failure);
      given = true;
      controller.enqueue(bytes);
    },
  }, { highWaterMark: 0 });
}

/** What a promise was rejected with. */
async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

/** Lets the session be cancelled in the background. */
async function untilCancelled(gcs: GcsEmulator): Promise<void> {
  for (let i = 0; i < 2000 && !kinds(gcs).includes("cancel"); i++) await idle(1);
  await idle();
}

const REASONS: [what: string, reason: unknown][] = [
  ["an error", new RangeError("the source broke")],
  ["an AbortError", new DOMException("stopped", "AbortError")],
  ["a text", "the source broke"],
  ["an object", { broken: true }],
];

const reasons: PortableCase[] = REASONS.map(([what, reason]) => ({
  name:
    `a pipe that fails with ${what}: the result is rejected with the same, and nothing is stored`,
  async run() {
    const gcs = new GcsEmulator();
    const { writable, result } = uploadStream({ ...OPTIONS, transport: gcs.fetch });
    const piping = failing(pattern(2 * CHUNK + 5), Promise.resolve(reason)).pipeTo(writable);
    const reported = [await reasonOf(piping), await reasonOf(result)];
    assert(reported[0] === reason, `the pipe: ${reported[0]}`);
    assert(reported[1] === reason, `the result: ${reported[1]}`);
    await untilCancelled(gcs);
    assertEquals(gcs.objects.length, 0, "the number of objects");
    assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
  },
}));

/**
 * Which requests are held back while the writer gives up. (A failing pipe aborts when the writes before are used up: so
 * `pipeTo` is defined.)
 */
const HELD: [moment: string, held: (input: string, init: RequestInit) => boolean][] = [
  ["the session is being opened", (_, { method }) => method === "POST"],
  ["a chunk is on its way", (input, init) => describe(input, init).sends],
];

const held: PortableCase[] = HELD.flatMap(([moment, isHeld]) => [
  {
    name:
      `abort() of the writer while ${moment}, and no reply comes: the result is rejected at once`,
    async run() {
      const gcs = new GcsEmulator();
      const reached = deferred();
      const transport: Transport = (input, init) => {
        if (!isHeld(input, init)) return gcs.fetch(input, init);
        reached.resolve();
        return new Promise(() => {});
      };
      const { writable, result } = uploadStream({ ...OPTIONS, transport });
      const writer = writable.getWriter();
      writer.closed.catch(() => {});
      writer.write(pattern(CHUNK + 1)).catch(() => {});
      await reached.promise;
      const failure = new Error("enough");
      const aborting = writer.abort(failure).catch(() => {});
      assert(await reasonOf(result) === failure, "another reason");
      await aborting;
    },
  },
]);

/** A failing pipe. */
export const retryPipes: PortableCase[] = [
  ...reasons,
  ...held,
  {
    name: "a pipe that fails does not wait for the session to be cancelled",
    async run() {
      const gcs = new GcsEmulator();
      const asked = deferred();
      const release = deferred();
      const transport: Transport = async (input, init) => {
        if (init.method === "DELETE") {
          asked.resolve();
          await release.promise;
        }
        return await gcs.fetch(input, init);
      };
      const { writable, result } = uploadStream({ ...OPTIONS, transport });
      const failure = new Error("the source broke");
      const source = failing(pattern(2 * CHUNK + 5), Promise.resolve(failure));
      const piping = source.pipeTo(writable);
      assert(await reasonOf(result) === failure, "the result");
      assert(await reasonOf(piping) === failure, "the pipe");
      await asked.promise;
      release.resolve();
      await untilCancelled(gcs);
      assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
    },
  },
  {
    name: "a session that cannot be cancelled changes nothing about the error of a failing pipe",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "cancel", drop: "before", times: Infinity });
      const { writable, result } = uploadStream({ ...OPTIONS, transport: gcs.fetch });
      const failure = new Error("the source broke");
      const piping = failing(pattern(CHUNK + 5), Promise.resolve(failure)).pipeTo(writable);
      assert(await reasonOf(piping) === failure, "the pipe");
      assert(await reasonOf(result) === failure, "the result");
      await untilCancelled(gcs);
      assertEquals(gcs.objects.length, 0, "the number of objects");
    },
  },
  {
    name: "a transform in the middle of a pipe that fails: its error is the result's",
    async run() {
      const gcs = new GcsEmulator();
      const failure = new TypeError("not what was expected");
      const { writable, result } = uploadStream({ ...OPTIONS, transport: gcs.fetch });
      let pieces = 0;
      const transform = new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, controller) {
          if (++pieces === 3) throw failure;
          controller.enqueue(piece);
        },
      });
      const source = new Blob([pattern(3 * CHUNK)]).stream() as ReadableStream<Uint8Array>;
      const cut = source.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(piece, controller) {
            for (let at = 0; at < piece.length; at += 10_000) {
              controller.enqueue(piece.slice(at, at + 10_000));
            }
          },
        }),
      );
      cut.pipeThrough(transform).pipeTo(writable).catch(() => {});
      assert(await reasonOf(result) === failure, "another reason");
      await idle();
      assertEquals(gcs.objects.length, 0, "the number of objects");
    },
  },
];
