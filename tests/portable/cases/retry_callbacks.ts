// `onRetry` hears of every wait, and `shouldRetry` decides whether there is one.

import { ResumableUpload, type RetryOptions, SimpleUpload, UploadError } from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { fakeClock, ONE_REQUEST, SESSIONS, watched, type Way, WAYS } from "./retry_support.ts";
import {
  assertCode,
  assertStored,
  kinds,
  opened,
  pattern,
  put,
  startUrl,
} from "./upload_support.ts";

type Heard = Parameters<NonNullable<RetryOptions["onRetry"]>>[0];

const own = new Error("the caller's own");

/** A failure at each moment of an upload. */
const momentsOf = ({ isSession }: Way): [moment: string, on: Fault["on"]][] =>
  isSession
    ? [["the start", "initiate"], ["a chunk", "chunk"], ["the last request", "final"]]
    : [["the request", ["media", "multipart"]]];

const hears: PortableCase[] = WAYS.flatMap((way) =>
  momentsOf(way).flatMap(([moment, on]): PortableCase[] => [
    {
      name: `${way.what}: onRetry hears of each wait after a failure of ${moment}, before it`,
      async run() {
        const gcs = new GcsEmulator();
        gcs.inject({ on, status: 503 }, { on, drop: "before" });
        const clock = fakeClock();
        const heard: Heard[] = [];
        const sleptBefore: number[] = [];
        const onRetry = (told: Heard) => {
          heard.push(told);
          sleptBefore.push(clock.sleeps.length);
        };
        await way.run(gcs.fetch, { retry: { clock, onRetry } });
        assertStored(gcs, way.bytes);
        assertEquals(sleptBefore, [0, 1]);
        assertEquals(heard.map(({ delay }) => delay), clock.sleeps, "the delays");
        assertEquals(heard.map(({ delay }) => delay), [1000, 2000], "the delays");
        assertEquals(heard.map(({ attempt }) => attempt), [1, 2]);
        assert(heard.every(({ error }) => error instanceof UploadError), "another error");
        assertEquals(heard.map(({ error }) => (error as UploadError).code), [
          "unavailable",
          "transport_failed",
        ]);
      },
    },
    {
      name:
        `${way.what}: an error that onRetry throws after a failure of ${moment} is the upload's`,
      async run() {
        const gcs = new GcsEmulator();
        gcs.inject({ on, status: 503 });
        const clock = fakeClock();
        const onRetry = () => {
          throw own;
        };
        const error = await assertRejects(
          way.run(gcs.fetch, { retry: { clock, onRetry } }),
          Error,
        );
        assert(error === own, `another error: ${error}`);
        assertEquals(clock.sleeps, []);
        assertEquals(gcs.objects.length, 0, "the number of objects");
      },
    },
    {
      name: `${way.what}: shouldRetry that says no ends the upload at once at ${moment}`,
      async run() {
        for (const fault of [{ on, status: 503 }, { on, drop: "before" }] as const) {
          const gcs = new GcsEmulator();
          gcs.inject(fault);
          const clock = fakeClock();
          const asked: unknown[] = [];
          const shouldRetry = (error: unknown) => asked.push(error) < 0;
          const running = way.run(gcs.fetch, { retry: { clock, shouldRetry } });
          const error = await assertRejects(running, UploadError);
          assertEquals(asked.length, 1, "how often it was asked");
          assert(asked[0] === error, "not the error that it was asked about");
          assertEquals(clock.sleeps, []);
          assertEquals(kinds(gcs).includes("status"), false, "whether the session was asked");
          assertEquals(gcs.objects.length, 0, "the number of objects");
        }
      },
    },
    {
      name: `${way.what}: shouldRetry that says yes goes on although ${moment} was refused`,
      async run() {
        const gcs = new GcsEmulator();
        gcs.inject({ on, status: 401, times: 2 });
        const clock = fakeClock();
        const asked: (number | undefined)[] = [];
        const shouldRetry = (error: unknown) => {
          const { status, code, retryable } = error as UploadError;
          asked.push(status);
          return code === "rejected" && !retryable;
        };
        await way.run(gcs.fetch, { retry: { clock, shouldRetry } });
        assertStored(gcs, way.bytes);
        assertEquals(asked, [401, 401]);
        assertEquals(clock.sleeps, [1000, 2000]);
      },
    },
  ])
);

/** Errors that nobody needs to be asked about. */
const unasked: PortableCase[] = WAYS.map(({ what, run }) => ({
  name:
    `${what}: an error that the transport threw as the library's is final, whatever shouldRetry says`,
  async run() {
    const thrown = new UploadError("unavailable", "no credentials");
    const clock = fakeClock();
    const { transport, handed } = watched(() => Promise.reject(thrown));
    const retry = { clock, shouldRetry: () => true };
    const error = await assertRejects(run(transport, { retry }), UploadError);
    assert(error === thrown, `another error: ${error}`);
    assertEquals(handed.length, 1, "requests");
  },
}));

/** `onRetry` and `shouldRetry`. */
export const retryCallbacks: PortableCase[] = [
  ...hears,
  ...unasked,
  ...SESSIONS.map(({ what, run, bytes }): PortableCase => ({
    name: `${what}: onRetry counts the failures in a row, a question that helps nothing among them`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject(
        { on: "chunk", drop: "before", times: 2 },
        { on: "status", status: 500 },
        { on: "final", drop: "after" },
      );
      const heard: Heard[] = [];
      const clock = fakeClock();
      await run(gcs.fetch, { retry: { clock, onRetry: (told) => void heard.push(told) } });
      assertStored(gcs, bytes);
      // The chunk, the question, the chunk again; then, after progress, the last request.
      assertEquals(heard.map(({ attempt }) => attempt), [1, 2, 3, 1]);
      assertEquals(heard.map(({ delay }) => delay), [1000, 2000, 4000, 1000]);
    },
  })),
  ...ONE_REQUEST.map(({ what, run }): PortableCase => ({
    name: `${what}: onRetry is told the wait that the server asks for`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ status: 429, headers: { "retry-after": "7" } });
      const heard: Heard[] = [];
      const clock = fakeClock();
      await run(gcs.fetch, { retry: { clock, onRetry: (told) => void heard.push(told) } });
      assertEquals(heard.map(({ delay }) => delay), [7000]);
      assertEquals(clock.sleeps, [7000]);
    },
  })),
  {
    name: "onRetry is not called for a failure that is final",
    async run() {
      for (const retry of [{ maxAttempts: 1 }, { shouldRetry: () => false }, { maxElapsed: 0 }]) {
        const gcs = new GcsEmulator();
        gcs.inject({ on: "initiate", status: 503 });
        let calls = 0;
        const onRetry = () => void calls++;
        await assertCode(
          put(gcs, pattern(5), { retry: { clock: fakeClock(), ...retry, onRetry } }),
          "unavailable",
        );
        assertEquals(calls, 0, JSON.stringify(retry));
      }
    },
  },
  {
    name: "shouldRetry is not asked about what has no reply and did not break",
    async run() {
      const shouldRetry = (error: unknown) => {
        throw new Error(`asked about ${error}`);
      };
      const retry = { clock: fakeClock(), shouldRetry };
      const abort = new AbortController();
      const aborted = put(new GcsEmulator(), pattern(5), {
        retry,
        signal: abort.signal,
        transport: () => {
          abort.abort(own);
          return new Promise(() => {});
        },
      });
      assert(await assertRejects(aborted, Error) === own, "not the reason of the abort");
      const failing = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(own) });
      const broken = put(new GcsEmulator(), failing, { retry });
      assert(await assertRejects(broken, Error) === own, "not the error of the source");
    },
  },
  {
    name: "an error that shouldRetry throws is the upload's",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", status: 503 });
      const shouldRetry = () => {
        throw own;
      };
      const running = put(gcs, pattern(600_000), { retry: { clock: fakeClock(), shouldRetry } });
      assert(await assertRejects(running, Error) === own, "another error");
    },
  },
  {
    name: "shouldRetry decides for recover() and cancel(), too",
    async run() {
      const gcs = new GcsEmulator();
      const shouldRetry = (error: unknown) => (error as UploadError).status === 403;
      const resumable = await opened(gcs.fetch, pattern(9), {
        retry: { clock: fakeClock(), shouldRetry },
      });
      gcs.inject({ on: "status", status: 503 }, { on: "status", status: 403 });
      await assertCode(resumable.recover(gcs.fetch), "unavailable");
      assertEquals((await resumable.recover(gcs.fetch)).status, 308);
      gcs.inject({ on: "cancel", status: 503 }, { on: "cancel", status: 403 });
      await assertCode(resumable.cancel(gcs.fetch), "unavailable");
      await resumable.cancel(gcs.fetch);
      assertEquals(gcs.sessions[0].phase, "cancelled");
    },
  },
  {
    name: "shouldRetry and onRetry must be functions",
    async run() {
      for (const retry of [{ shouldRetry: true }, { onRetry: "log" }]) {
        const options = { retry: retry as unknown as RetryOptions };
        for (
          const make of [
            () => new ResumableUpload(startUrl("resumable"), 262_144, options),
            () => new SimpleUpload(startUrl("media"), options),
          ]
        ) {
          const error = await assertRejects(
            Promise.resolve().then((): unknown => make()),
            TypeError,
          );
          assert(error.message.includes(Object.keys(retry)[0]), error.message);
        }
      }
    },
  },
];
