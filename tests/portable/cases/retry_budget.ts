// The time that an upload may fail for: it counts failures, not work, not the source, not a machine that sleeps.

import { type Transport, upload, UploadError } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  BYTES,
  describe,
  type FakeClock,
  fakeClock,
  ONE_REQUEST,
  outage,
  SESSIONS,
  watched,
  WAYS,
} from "./retry_support.ts";
import { assertCode, assertStored, CHUNK, put, streamOf } from "./upload_support.ts";

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;

/** A clock on which every sleep takes an hour, as on a machine that was closed meanwhile. */
function suspended(): FakeClock {
  const clock = fakeClock();
  return {
    ...clock,
    async sleep(milliseconds, signal) {
      await clock.sleep(milliseconds, signal);
      clock.pass(HOUR);
    },
  };
}

/** The bytes in chunks; each but the first comes eleven minutes after the upload began to wait for it. */
async function* slow(clock: FakeClock): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < BYTES.length; at += CHUNK) {
    if (at > 0) {
      // While a request is on its way nobody waits for the source.
      for (let turn = 0; turn < 100 && (turn < 5 || clock.timers.size > 0); turn++) {
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      clock.pass(11 * MINUTE);
    }
    yield BYTES.slice(at, at + CHUNK);
  }
}

const outages: PortableCase[] = WAYS.flatMap(({ what, bytes, isSession, run }) =>
  (isSession ? [0, 1, 2] : [0]).flatMap((from) =>
    [undefined, 503].map((status) => ({
      name: `${what}: an outage of two minutes (${status ?? "no connection"}) that begins with ` +
        `request ${from} does not end the upload, however short the waits are`,
      async run() {
        const gcs = new GcsEmulator();
        const clock = fakeClock(() => 0); // half of the full waits: the most attempts
        const transport = outage(gcs.fetch, clock, { from, milliseconds: 2 * MINUTE, status });
        // Who never got a reply may have the wrong server: then it takes a wish.
        const wish = from === 0 && status === undefined && { maxElapsed: 10 * MINUTE };
        await run(transport, { retry: { clock, ...wish } });
        assertStored(gcs, bytes);
        assert(clock.sleeps.length > 7, `only ${clock.sleeps.length} waits`);
      },
    }))
  )
);

const sleeps: PortableCase[] = WAYS.flatMap(({ what, bytes, isSession, run }) => [
  {
    name: `${what}: a machine that sleeps for an hour in every wait does not use up the time`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ status: 503, skip: isSession ? 1 : 0, times: 3 });
      const clock = suspended();
      await run(gcs.fetch, { retry: { clock } });
      assertStored(gcs, bytes);
      assertEquals(clock.sleeps.length, 3);
    },
  },
  {
    name: `${what}: a machine that sleeps for an hour during attempts does not use up the time`,
    async run() {
      const gcs = new GcsEmulator();
      const clock = fakeClock();
      let jumps = 3;
      await run((input, init) => {
        if (jumps === 0) return gcs.fetch(input, init);
        jumps--;
        clock.pass(HOUR);
        return Promise.reject(new TypeError("the connection was lost while the machine slept"));
      }, { retry: { clock } });
      assertStored(gcs, bytes);
    },
  },
]);

/** Does `fault` to every request that carries bytes, until it is told not to. */
function onBytes(gcs: GcsEmulator, fault: (send: () => Promise<Response>) => Promise<Response>) {
  return watched((input, init) =>
    describe(input, init).sends ? fault(() => gcs.fetch(input, init)) : gcs.fetch(input, init)
  );
}

const questions: PortableCase[] = SESSIONS.flatMap(({ what, run }) => [
  {
    name: `${what}: when one long attempt has used up the time, the server is asked all the same`,
    async run() {
      const gcs = new GcsEmulator();
      const clock = fakeClock();
      // Each attempt takes longer than all the time there is, and loses the reply of what was stored.
      const { transport } = onBytes(gcs, async (send) => {
        clock.pass(40 * SECOND);
        await send();
        throw new TypeError("the reply was lost");
      });
      await run(transport, { retry: { clock, maxElapsed: 30 * SECOND } });
      assertStored(gcs, BYTES);
    },
  },
  {
    name: `${what}: the last request of an upload that is given up is a question`,
    async run() {
      const clock = fakeClock();
      const causes: unknown[] = [];
      const { transport, handed } = onBytes(new GcsEmulator(), () => {
        clock.pass(40 * SECOND);
        causes.push(new TypeError(`lost ${causes.length}`));
        return Promise.reject(causes.at(-1));
      });
      const error = await assertCode(
        run(transport, { retry: { clock, maxElapsed: 30 * SECOND } }),
        "transport_failed",
      );
      assertEquals(handed.at(-1)?.asks, true, "whether the last request asks");
      assertEquals(handed.filter(({ sends }) => sends).length, 2, "attempts with bytes");
      assert(error.message.includes("lost 1"), `not the last failure: ${error.message}`);
    },
  },
  {
    name: `${what}: the first attempt may take longer than the time to fail for`,
    async run() {
      const gcs = new GcsEmulator();
      const clock = fakeClock();
      let broken = false;
      const { transport } = onBytes(gcs, async (send) => {
        if (broken) return await send();
        broken = true;
        clock.pass(50 * SECOND);
        throw new TypeError("nothing of it arrived");
      });
      await run(transport, { retry: { clock, maxElapsed: 10 * SECOND } });
      assertStored(gcs, BYTES);
    },
  },
  {
    name: `${what}: progress starts the time anew`,
    async run() {
      const gcs = new GcsEmulator();
      const clock = fakeClock();
      const { transport } = onBytes(gcs, async (send) => {
        await send();
        throw new TypeError("the reply was lost");
      });
      // One wait fits, and each of the three requests with bytes takes one.
      await run(transport, { retry: { clock, maxElapsed: 1.5 * SECOND } });
      assertStored(gcs, BYTES);
      assert(clock.sleeps.length >= 3, `only ${clock.sleeps.length} waits`);
    },
  },
]);

/** How long an upload waits whose network is gone for good, in milliseconds. */
async function givenUpAfter(
  run: (typeof WAYS)[number]["run"],
  hasReplied: boolean,
): Promise<number> {
  const clock = fakeClock();
  const away = outage(new GcsEmulator().fetch, clock, { from: 0, milliseconds: Infinity });
  let busy = hasReplied;
  const transport: Transport = (input, init) => {
    if (!busy) return away(input, init);
    busy = false;
    return Promise.resolve(new Response(null, { status: 503 }));
  };
  await assertCode(run(transport, { retry: { clock } }), "transport_failed");
  return clock.sleeps.reduce((sum, sleep) => sum + sleep, 0);
}

const ends: PortableCase[] = [...SESSIONS, ...ONE_REQUEST].flatMap(({ what, run }) => [
  {
    name: `${what}: an outage without an end is given up after about ten minutes of waiting`,
    async run() {
      const waited = await givenUpAfter(run, true);
      assert(waited <= 10 * MINUTE, `${waited} ms were waited`);
      assert(waited >= 10 * MINUTE - 64 * SECOND, `only ${waited} ms were waited`);
    },
  },
  {
    name: `${what}: a server that has never replied is given up after 15 seconds of waiting`,
    run: async () => assertEquals(await givenUpAfter(run, false), 15 * SECOND),
  },
]);

/** The budget of time. */
export const retryBudget: PortableCase[] = [
  ...outages,
  ...sleeps,
  ...questions,
  ...ends,
  {
    name: "waiting for a slow iterable is not counted",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: ["chunk", "final"], times: 3, status: 503 });
      const clock = fakeClock();
      await put(gcs, slow(clock), { retry: { clock } });
      assertStored(gcs, BYTES);
      assertEquals(clock.sleeps.length, 3);
    },
  },
  {
    name: "waiting for a slow stream is not counted, after failures and before them",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", drop: "before" }, { on: "chunk", skip: 1, drop: "after" });
      gcs.inject({ on: "final", drop: "before" }, { on: "status", skip: 1, status: 500 });
      const clock = fakeClock();
      const pieces = slow(clock);
      const stream = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { done, value } = await pieces.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      }, { highWaterMark: 0 });
      await put(gcs, stream, { retry: { clock } });
      assertStored(gcs, BYTES);
    },
  },
  {
    name: "maxAttempts counts failures without progress, and bounds them where it is given",
    async run() {
      const clock = fakeClock();
      const transport = outage(new GcsEmulator().fetch, clock, { from: 0, milliseconds: Infinity });
      const options = { bucket: "portable", name: "object", transport };
      await assertCode(
        upload(streamOf(BYTES, 50_000), { ...options, retry: { clock, maxAttempts: 3 } }),
        "transport_failed",
      );
      assertEquals(clock.sleeps, [1000, 2000]);
    },
  },
  {
    name: "a question that is never answered is given up, too, and the upload with it",
    async run() {
      const gcs = new GcsEmulator();
      const clock = fakeClock();
      const transport: Transport = (input, init) => {
        const { asks, sends } = describe(input, init);
        return asks || sends ? Promise.reject(new TypeError("gone")) : gcs.fetch(input, init);
      };
      const running = put(gcs, BYTES, { transport, retry: { clock, maxElapsed: MINUTE } });
      await assertRejects(running, UploadError);
      const waited = clock.sleeps.reduce((sum, sleep) => sum + sleep, 0);
      assert(waited <= MINUTE, `${waited} ms were waited`);
    },
  },
];
