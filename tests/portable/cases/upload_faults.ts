// What goes wrong between here and the server, and how an upload goes on.

import { type ResumableUploadOptions, type RetryOptions, UploadError } from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertCode,
  assertStored,
  CHUNK,
  chunks,
  kinds,
  opened,
  pattern,
  put,
  ranges,
  streamOf,
  testClock,
} from "./upload_support.ts";

const LENGTH = 3 * CHUNK + 100;
const bytes = pattern(LENGTH);

/** Uploads four chunks from a one-way stream while things go wrong; they arrive nevertheless. */
async function survives(faults: Fault[], expected: string[]): Promise<void> {
  const gcs = new GcsEmulator();
  gcs.inject(...faults);
  await put(gcs, streamOf(bytes, 33_333));
  assertStored(gcs, bytes);
  assertEquals(kinds(gcs).join(" "), expected.join(" "));
}

/** The bytes that were sent more than once. */
function resent(gcs: GcsEmulator): number {
  return chunks(gcs).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0) - LENGTH;
}

const survived: [name: string, faults: Fault[], kinds: string[]][] = [
  [
    "a lost reply to the first chunk",
    [{ on: "chunk", drop: "after" }],
    ["initiate", "chunk", "status", "chunk", "chunk", "final"],
  ],
  [
    "a lost reply to a middle chunk",
    [{ on: "chunk", skip: 1, drop: "after" }],
    ["initiate", "chunk", "chunk", "status", "chunk", "final"],
  ],
  [
    "a lost reply to the last chunk",
    [{ on: "final", drop: "after" }],
    ["initiate", "chunk", "chunk", "chunk", "final", "status"],
  ],
  [
    "a connection that breaks before a chunk",
    [{ on: "chunk", drop: "before" }],
    ["initiate", "chunk", "status", "chunk", "chunk", "chunk", "final"],
  ],
  [
    "a status query that fails, twice, each time otherwise",
    [{ on: "chunk", drop: "after" }, { on: "status", drop: "before" }, {
      on: "status",
      status: 503,
    }],
    ["initiate", "chunk", "status", "status", "status", "chunk", "chunk", "final"],
  ],
  [
    "a status query whose reply is lost",
    [{ on: "chunk", drop: "before" }, { on: "status", drop: "after" }],
    ["initiate", "chunk", "status", "status", "chunk", "chunk", "chunk", "final"],
  ],
  [
    "a start that fails, and one whose reply is lost",
    [{ on: "initiate", status: 503 }, { on: "initiate", drop: "after" }],
    ["initiate", "initiate", "initiate", "chunk", "chunk", "chunk", "final"],
  ],
  [
    "a 308 without Range for the first chunk: nothing is stored, all of it is sent again",
    [{ on: "chunk", status: 308 }],
    ["initiate", "chunk", "status", "chunk", "chunk", "chunk", "final"],
  ],
  [
    "a 308 without Range for a later chunk: the server is asked",
    [{ on: "chunk", skip: 1, status: 308 }],
    ["initiate", "chunk", "chunk", "status", "chunk", "chunk", "final"],
  ],
  [
    "bytes that the server says do not fit: it is asked, whatever the 503",
    [{
      on: "chunk",
      skip: 1,
      status: 503,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: "Invalid request.  According to the Content-Range header, the upload offset is 4 " +
        "byte(s), which exceeds already uploaded size of 0 byte(s).",
    }],
    ["initiate", "chunk", "chunk", "status", "chunk", "chunk", "final"],
  ],
  ...[408, 429, 500, 502, 503, 504].map((
    status,
  ): [string, Fault[], string[]] => [
    `a ${status} for a middle chunk`,
    [{ on: "chunk", skip: 1, status }],
    ["initiate", "chunk", "chunk", "status", "chunk", "chunk", "final"],
  ]),
];

/** What cannot be survived. */
const fatal: [name: string, fault: Fault, code: UploadError["code"]][] = [
  ["a session that is gone (404)", { on: "chunk", skip: 1, expire: 404 }, "session_gone"],
  ["a session that is gone (410)", { on: "chunk", skip: 1, expire: 410 }, "session_gone"],
  ["a session that somebody cancelled", { on: "chunk", skip: 1, status: 499 }, "session_cancelled"],
  ["a 403", { on: "chunk", skip: 1, status: 403 }, "rejected"],
  ["a 400", { on: "chunk", skip: 1, status: 400 }, "rejected"],
  [
    "a Range that is behind what was stored",
    { on: "chunk", skip: 1, status: 308, headers: { range: "bytes=0-9" } },
    "invalid_response",
  ],
  [
    "a Range beyond what was sent",
    { on: "chunk", skip: 1, status: 308, headers: { range: "bytes=0-9999999" } },
    "invalid_response",
  ],
  [
    "a finished object before everything was sent",
    { on: "chunk", skip: 1, status: 200, body: JSON.stringify({ size: "786532" }) },
    "data_corruption",
  ],
];

/** Uploads under a policy, with a fault that does not end. */
async function exhausted(fault: Fault, retry: RetryOptions) {
  const gcs = new GcsEmulator();
  gcs.inject({ ...fault, times: Infinity });
  const clock = testClock();
  const upload = put(gcs, streamOf(bytes, 50_000), { retry: { ...retry, clock } });
  return { gcs, clock, error: await assertRejects(upload, UploadError) };
}

/** Faults. */
export const faults: PortableCase[] = [
  ...survived.map(([name, faults, expected]): PortableCase => ({
    name: `survived: ${name}`,
    run: () => survives(faults, expected),
  })),
  ...fatal.map(([name, fault, code]): PortableCase => ({
    name: `not retried: ${name}`,
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject(fault);
      await assertCode(put(gcs, streamOf(bytes, 33_333)), code);
      assertEquals(kinds(gcs), ["initiate", "chunk", "chunk"]);
    },
  })),
  ...["first", "middle", "last"].map((which, skip): PortableCase => ({
    name: `a connection cut in the ${which} chunk: what was stored of it is not sent again`,
    async run() {
      const chunkSize = 3 * CHUNK;
      const whole = pattern(2 * chunkSize + 2 * CHUNK + 7);
      const gcs = new GcsEmulator();
      gcs.inject({ on: ["chunk", "final"], skip, cut: CHUNK + 5_000 });
      await put(gcs, streamOf(whole, 77_777), { chunkSize });
      assertStored(gcs, whole);
      const cut = skip * chunkSize;
      assertEquals(
        ranges(gcs)[skip + 1]?.startsWith(`bytes ${cut + CHUNK}-`),
        true,
        `sent after the cut: ${ranges(gcs)[skip + 1]}`,
      );
    },
  })),
  {
    name: "a short Range means that the rest of the chunk is sent again, and nothing else",
    async run() {
      const gcs = new GcsEmulator();
      const chunkSize = 2 * CHUNK;
      const headers = { range: `bytes=0-${CHUNK - 1}` };
      gcs.inject({ on: "chunk", status: 308, afterBytes: CHUNK + 100, headers });
      await put(gcs, streamOf(bytes, 33_333), { chunkSize });
      assertStored(gcs, bytes);
      assertEquals(ranges(gcs), [
        `bytes 0-${2 * CHUNK - 1}/*`,
        `bytes ${CHUNK}-${2 * CHUNK - 1}/*`,
        `bytes ${2 * CHUNK}-${LENGTH - 1}/${LENGTH}`,
      ]);
    },
  },
  {
    name: "a lost reply costs no byte, a broken connection at most its chunk",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", drop: "after", times: 3 }, { on: "final", drop: "after" });
      await put(gcs, streamOf(bytes, 33_333));
      assertEquals(resent(gcs), 0);
      gcs.reset();
      gcs.inject({ on: "chunk", cut: 200_000 });
      await put(gcs, streamOf(bytes, 33_333));
      assertEquals(resent(gcs), 200_000);
    },
  },
  {
    name: "waits grow from one failure to the next, and start anew after progress",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", status: 503 }, { on: "status", status: 503, times: 2 });
      gcs.inject({ on: "final", status: 503 });
      const clock = testClock();
      await put(gcs, bytes, { retry: { clock } });
      assertEquals(clock.delays, [750, 1500, 3000, 750]);
    },
  },
  {
    name:
      "Retry-After is waited for, in seconds or as a date, but never longer than the longest wait",
    async run() {
      const gcs = new GcsEmulator();
      const after = (value: string): Fault => ({
        on: "chunk",
        status: 429,
        headers: { "retry-after": value },
      });
      gcs.inject(after("7"), after("500"), after(new Date(20_000).toUTCString()), after("soon"));
      const clock = testClock();
      const retry = { clock, maxDelay: 10_000, multiplier: 1 };
      await put(gcs, bytes, { retry });
      assertEquals(clock.delays, [7_000, 10_000, 3_000, 750]);
    },
  },
  {
    name: "the attempts without progress are limited; the last failure is thrown",
    async run() {
      const { gcs, clock, error } = await exhausted({ status: 503 }, { maxAttempts: 3 });
      assertEquals([error.code, gcs.requests.length], ["unavailable", 3]);
      assertEquals(clock.delays.length, 2);
    },
  },
  {
    name: "the time without progress is limited, and the last wait cut to what is left of it",
    async run() {
      const { clock, error } = await exhausted(
        { status: 503 },
        { maxElapsed: 10_000, maxAttempts: 100 },
      );
      assertEquals([error.code, clock.delays], ["unavailable", [750, 1500, 3000, 4750]]);
    },
  },
  {
    name: "a transport that fails for good is an error with the transport's own as its cause",
    async run() {
      const { error } = await exhausted({ drop: "before" }, { maxAttempts: 2 });
      assertEquals(error.code, "transport_failed");
      assert(error.cause instanceof TypeError, `the cause is ${error.cause}`);
    },
  },
  {
    name: "a server that stores nothing for good is an error",
    async run() {
      const { error } = await exhausted({ on: "chunk", status: 308 }, { maxAttempts: 3 });
      assertEquals(error.code, "invalid_response");
    },
  },
  {
    name: "attempts are counted anew whenever more is stored, so a bad network is survived",
    async run() {
      const gcs = new GcsEmulator();
      const sent = new Set<string | null>();
      let odd = false;
      const [status, times] = [503, Infinity];
      gcs.inject(
        { // every chunk, when it is sent for the first time
          on: ({ kind, contentRange }) =>
            (kind === "chunk" || kind === "final") && sent.size < sent.add(contentRange).size,
          status,
          times,
        },
        { on: ({ kind }) => kind === "status" && (odd = !odd), status, times },
      );
      const bounded = { maxAttempts: 3, clock: testClock() };
      await put(gcs, bytes, { retry: bounded });
      assertStored(gcs, bytes);
      assertEquals(gcs.requests.filter(({ fault }) => fault === "status").length, 8);
    },
  },
  {
    name: "an attempt that hangs is given up at its deadline, which grows with its bytes",
    async run() {
      const gcs = new GcsEmulator();
      const deadlines: number[] = [];
      let fire = () => {};
      const clock = {
        ...testClock(),
        setTimer(callback: () => void, milliseconds: number) {
          deadlines.push(milliseconds);
          fire = callback;
          return () => {};
        },
      };
      let hang = true;
      const transport = (input: string, init: RequestInit) => {
        if (init.method !== "PUT" || !hang) return gcs.fetch(input, init);
        hang = false;
        Promise.resolve().then(fire);
        return new Promise<Response>(() => {});
      };
      const options: ResumableUploadOptions = {
        retry: { clock, attemptTimeout: 5_000, minThroughput: CHUNK },
      };
      const upload = await opened(transport, bytes, options);
      await upload.transmitNextChunk(transport);
      assertEquals(deadlines.slice(1), [6_000, 5_000, 6_000]);
      assertEquals(upload.bytesUploaded, CHUNK);
    },
  },
  {
    name: "whatever goes wrong in whatever order, the object is the source, byte by byte",
    async run() {
      for (let seed = 1; seed <= 25; seed++) {
        const gcs = new GcsEmulator({ seed });
        gcs.randomFaults({ dropBefore: 0.12, dropAfter: 0.12, cut: 0.12, status: 0.2 });
        const chunkSize = (1 + seed % 3) * CHUNK;
        const source = seed % 2 ? streamOf(bytes, 60_000) : new Blob([bytes]);
        const retry = { clock: testClock(), maxAttempts: 100, maxElapsed: Infinity };
        await put(gcs, source, { chunkSize, retry });
        assertStored(gcs, bytes);
      }
    },
  },
];
