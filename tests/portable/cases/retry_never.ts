// When nothing is to be tried again: the caller says so, or the transport.

import {
  DataCorruption,
  InvalidResponse,
  type RetryOptions,
  UploadError,
  type UploadErrorCode,
} from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { describe, fakeClock, type Handed, watched, WAYS } from "./retry_support.ts";
import { assertStored, kinds, opened, pattern, put } from "./upload_support.ts";

const NEVER: [what: string, retry: RetryOptions | false | null][] = [
  ["retry: null", null],
  ["retry: false", false],
  ["maxAttempts: 1", { maxAttempts: 1 }],
];

const FAULTS: Fault[] = [{ status: 503 }, { drop: "before" }, { drop: "after" }];

const never: PortableCase[] = WAYS.flatMap(({ what, run, isSession }) =>
  NEVER.flatMap(([how, retry]) =>
    (isSession ? [0, 1, 2] : [0]).map((skip): PortableCase => ({
      name: `${what}: with ${how} a failure of request ${skip} is final`,
      async run() {
        for (const fault of FAULTS) {
          const gcs = new GcsEmulator();
          gcs.inject({ ...fault, skip });
          const clock = fakeClock();
          const withClock = retry && { ...retry, clock };
          const error = await assertRejects(run(gcs.fetch, { retry: withClock }), UploadError);
          assertEquals(
            error.code,
            fault.status === undefined ? "transport_failed" : "unavailable",
            error.message,
          );
          const sent = kinds(gcs).filter((kind) => kind !== "cancel").length;
          assertEquals(sent, skip + 1, `requests, with ${JSON.stringify(fault)}`);
          assertEquals(clock.sleeps, []);
        }
      },
    }))
  )
);

const CODES: UploadErrorCode[] = [
  "transport_failed",
  "deadline_exceeded",
  "unavailable",
  "rejected",
  "invalid_response",
  "session_gone",
];

/** At which request the transport throws: `handed` is the request, `index` counts from 0. */
const MOMENTS: [moment: string, at: (handed: Handed, index: number) => boolean][] = [
  ["the first request", (_, index) => index === 0],
  ["a request with bytes", ({ sends }) => sends],
  ["a question", ({ asks }) => asks],
];

const thrown: PortableCase[] = WAYS.flatMap(({ what, run, isSession }) =>
  (isSession ? MOMENTS : MOMENTS.slice(0, 1)).map(([moment, at]): PortableCase => ({
    name:
      `${what}: the library's own error, thrown by the transport at ${moment}, ends the upload as it is`,
    async run() {
      const reply = new Response(null, { status: 503 });
      const errors = [
        ...CODES.map((code) => new UploadError(code, `the transport's own ${code}`)),
        new InvalidResponse(reply, "the transport's own", "unavailable"),
        new DataCorruption(reply, "the transport's own"),
      ];
      for (const error of errors) {
        const gcs = new GcsEmulator();
        gcs.inject({ on: "chunk", drop: "before" }); // for a question to follow
        const clock = fakeClock();
        let index = 0;
        let throws = 0;
        const { transport } = watched((input, init) => {
          if (!at(describe(input, init), index++)) return gcs.fetch(input, init);
          throws++;
          return Promise.reject(error);
        });
        const actual = await assertRejects(run(transport, { retry: { clock } }), Error);
        assert(actual === error, `expected ${error}, got ${actual}`);
        assertEquals(throws, 1, "how often it was thrown");
        assertEquals(gcs.objects.length, 0, "the number of objects");
      }
    },
  }))
);

/** No second attempt. */
export const retryNever: PortableCase[] = [
  ...never,
  ...thrown,
  ...NEVER.slice(0, 2).map(([how, retry]): PortableCase => ({
    name: `with ${how} small data takes one request, since there is no second one to make safe`,
    async run() {
      const gcs = new GcsEmulator();
      await put(gcs, pattern(5), { retry });
      assertEquals(kinds(gcs), ["multipart"]);
      assertStored(gcs, pattern(5));
    },
  })),
  ...NEVER.slice(0, 2).map(([how, retry]): PortableCase => ({
    name: `with ${how} recover() and cancel() are tried once, and can be called again`,
    async run() {
      const gcs = new GcsEmulator();
      const resumable = await opened(gcs.fetch, pattern(600_000), { retry } as { retry: null });
      gcs.inject({ on: "chunk", drop: "before" }, { on: "status", status: 503 });
      gcs.inject({ on: "cancel", status: 503 });
      await assertRejects(resumable.transmitNextChunk(gcs.fetch), UploadError);
      await assertRejects(resumable.recover(gcs.fetch), UploadError);
      assertEquals(resumable.invalid, true);
      await resumable.recover(gcs.fetch);
      await assertRejects(resumable.cancel(gcs.fetch), UploadError);
      await resumable.cancel(gcs.fetch);
      assertEquals(kinds(gcs), ["initiate", "chunk", "status", "status", "cancel", "cancel"]);
    },
  })),
  {
    name: "retry must be an object, null or false",
    async run() {
      for (const retry of [true, 3, "never", []]) {
        const options = { retry: retry as unknown as RetryOptions };
        const error = await assertRejects(put(new GcsEmulator(), pattern(5), options), TypeError);
        assert(error.message.includes("retry"), error.message);
      }
    },
  },
];
