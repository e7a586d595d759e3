// Long requests that fail: the session is asked, and what follows begins where the server stands.

import type { Fault, RequestRecord } from "../../../src/emulator/mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import {
  assertNothingTwice,
  assertStoredAt,
  injectAt,
  kept,
  long,
  MIB,
  PIECE,
  rangeOf,
  Recorder,
  requestsAt,
  send,
  sendTo,
  streams,
} from "./stretch_support.ts";
import { assertStored, CHUNK, chunks } from "./upload_support.ts";

/** More than fits into the buffers between a client and a server, and a last request of its own. */
const SIZE = 9 * MIB + 7;

/** A request of 4 MiB and a last one: enough for what needs no connection. */
const SHORT = 5 * MIB + 7;

/** Where a request breaks, in bytes: around what a server keeps, and around what is read at once. */
const PLACES = [
  0,
  1,
  CHUNK - 1,
  CHUNK,
  CHUNK + 1,
  PIECE - 1,
  PIECE,
  3 * MIB + 5,
  4 * MIB - 1,
];

/** What goes wrong after so many bytes of a request. */
const BREAKS: Readonly<Record<string, (bytes: number) => Fault>> = {
  "the connection breaks": (cut) => ({ on: "chunk", cut }),
  "a 503 comes early": (afterBytes) => ({ on: "chunk", status: 503, afterBytes }),
  "a 429 comes early": (afterBytes) => ({
    on: "chunk",
    status: 429,
    afterBytes,
    headers: { "retry-after": "0" },
  }),
  "a 403 of a rate limit comes early": (afterBytes) => ({
    on: "chunk",
    status: 403,
    afterBytes,
    reason: "userRateLimitExceeded",
  }),
};

/** Fails if more was read again than was read in vain, and the distance to a place whose checksum is known. */
function assertReads(recorder: Recorder, size: number, stored: number): void {
  const again = recorder.bytesRead - size;
  assert(again >= 0, `${-again} bytes were never read`);
  const most = readBeforeAsking(recorder) - stored + PIECE;
  assert(again <= most, `${again} bytes were read again, where ${most} would do`);
}

/** How many bytes were read before the first question. */
function readBeforeAsking({ events }: Recorder): number {
  let read = 0;
  for (const event of events) {
    if (event.what === "read") read = Math.max(read, event.offset + event.length);
    if (event.what === "request" && event.range === "bytes */*") break;
  }
  return read;
}

/** Fails if the source was read between the end of a request that failed and the answer to the question after it. */
function assertQuietWhileAsking({ events }: Recorder): void {
  let asking = false;
  for (const event of events) {
    if (event.what === "request") asking = event.range === "bytes */*";
    if (event.what === "end") asking = false;
    assert(!(asking && event.what === "read"), "the source was read while the server was asked");
  }
}

const inProcess: PortableCase[] = Object.entries(BREAKS).map(([what, fault]) => ({
  name: `stretch: ${what} at any byte: what follows begins where the server stands`,
  async run(context) {
    for (const place of streams(context) ? PLACES : [0, CHUNK + 1, 4 * MIB - 1]) {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject(fault(place));
      const recorder = new Recorder();
      const bytes = long(SHORT);
      const transport = recorder.transport(gcs.fetch);
      await send(gcs, recorder.source(bytes), { transport, chunkSize: 4 * MIB });
      const at = `at ${place}`;
      assertStored(gcs, bytes);
      assertNothingTwice(gcs.requests, at);
      const second = rangeOf(chunks(gcs)[1].contentRange);
      assertEquals(second?.first, kept(place), `${at}: where the second request begins`);
      const questions = gcs.requests.filter(({ kind }) => kind === "status").length;
      // Of a body that nobody has read nothing can be stored.
      const isUntouched = place === 0 && what === "the connection breaks";
      assert(questions === 1 || isUntouched, `${at}: ${questions} questions`);
      if (streams(context)) assertReads(recorder, SHORT, kept(place));
      assertQuietWhileAsking(recorder);
      assertEquals(recorder.closed, 1, `${at}: how often the source was closed`);
    }
  },
}));

/** What goes wrong over a real connection; a broken one is a reset. */
const REAL: Readonly<Record<string, Fault[]>> = {
  "a reset before a byte is read": [{ on: "chunk", cut: 0 }],
  "a reset in the middle": [{ on: "chunk", cut: 3 * MIB + 5 }],
  "a reset after the whole body": [{ on: "chunk", drop: "after" }],
  "a 503 before a byte is read": [{ on: "chunk", status: 503 }],
  "a 503 in the middle": [{ on: "chunk", status: 503, afterBytes: 3 * MIB + 5 }],
  "a 503 after the whole body": [{ on: "chunk", status: 503, afterBytes: 9 * MIB }],
  "a 403 of a rate limit in the middle": [
    { on: "chunk", status: 403, afterBytes: 3 * MIB + 5, reason: "userRateLimitExceeded" },
  ],
  "a 308 in the middle": [{ on: "chunk", early: 3 * MIB + 5 }],
  "a lost reply to the last request": [{ on: "final", drop: "after" }],
  "a reset, then a 503, then a reset": [
    { on: "chunk", cut: 2 * MIB },
    { on: ["chunk", "final"], status: 503, afterBytes: MIB },
    { on: ["chunk", "final"], cut: 3 * MIB },
  ],
  "a reset, and a question that gets a 503": [
    { on: "chunk", cut: 2 * MIB + 1 },
    { on: "status", status: 503 },
  ],
};

/** Bytes that bodies had, over all requests: how much the server took in. */
const received = (log: readonly RequestRecord[]): number =>
  log.reduce((sum, { kind, bodyBytes }) => kind === "initiate" ? sum : sum + bodyBytes, 0);

async function overConnection(context: Context, what: string, faults: Fault[]): Promise<void> {
  const { origin } = context;
  // What cannot be streamed has no buffers to fill.
  const [size, chunkSize] = streams(context) ? [SIZE, undefined] : [SHORT, 4 * MIB];
  await injectAt(origin, ...faults);
  const recorder = new Recorder();
  const bytes = long(size);
  const transport = recorder.transport(fetch);
  await sendTo(origin, what, recorder.source(bytes), { transport, chunkSize });
  await assertStoredAt(origin, what, bytes);
  const log = await requestsAt(origin, what);
  assertNothingTwice(log, what, recorder.ranges);
  const hits = log.filter(({ fault }) => fault !== null);
  if (streams(context)) assertEquals(hits.length, faults.length, "how many requests went wrong");
  const lost = hits.reduce((sum, { bodyBytes, fault }) => {
    return fault === "drop after" || fault === "early" ? sum : sum + bodyBytes - kept(bodyBytes);
  }, 0);
  // Unless the runtime has repeated a request by itself.
  const carrying = log.filter(({ contentRange }) => contentRange !== null).length;
  if (carrying === recorder.ranges.length) {
    assert(
      received(log) <= size + lost + CHUNK * hits.length,
      `${received(log)} bytes were received`,
    );
  }
  assertQuietWhileAsking(recorder);
  assertEquals(recorder.closed, 1, "how often the source was closed");
}

/** Where the first request breaks, and which byte is another one when it is read again. */
const CHANGES: Readonly<Record<string, readonly [cut: number, place: number]>> = {
  "behind what is stored": [3 * MIB + CHUNK - 1, 3 * MIB + 5],
  "before what is stored, in what has to be read again": [3 * MIB + CHUNK + 1, 3 * MIB + 5],
};

const changed: PortableCase[] = Object.entries(CHANGES).map(([where, [cut, place]]) => ({
  name: `stretch: a file that changed ${where}, between two readings, is found out`,
  async run(context) {
    if (!streams(context)) return; // requests of bytes are read before they are sent
    const gcs = new GcsEmulator({ md5: false });
    gcs.inject({ on: "chunk", cut });
    const bytes = long(SIZE);
    const other = bytes.slice();
    other[place] ^= 1;
    const recorder = new Recorder();
    const source = recorder.source(bytes, {
      content: ({ ranges }) => ranges.length < 2 ? bytes : other,
    });
    const transport = recorder.transport(gcs.fetch);
    let failure: unknown;
    await send(gcs, source, { transport }).catch((error) => failure = error);
    const code = (failure as { code?: string })?.code ?? "none";
    assert(["source_changed", "data_corruption"].includes(code), `${code}: ${failure}`);
    assertEquals(gcs.objects.length, 0, "the number of objects");
    assertEquals(recorder.closed, 1, "how often the source was closed");
  },
}));

/** Long requests that fail. */
export const stretchFaults: PortableCase[] = [
  ...inProcess,
  ...Object.entries(REAL).map(([what, faults]): PortableCase => ({
    name: `stretch: over a connection, ${what} costs no byte twice that the server has`,
    run: (context) => overConnection(context, what, faults),
  })),
  ...changed,
  {
    name:
      "stretch: the checksum is that of the bytes sent, also where a file changed before it was read",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", cut: 2 * MIB });
      const before = long(SIZE);
      const after = before.slice();
      after.fill(9, 8 * MIB);
      const recorder = new Recorder();
      const content = ({ ranges }: Recorder) => ranges.length < 2 ? before : after;
      const source = recorder.source(before, { content });
      await send(gcs, source, { transport: recorder.transport(gcs.fetch) });
      assertStored(gcs, after);
    },
  },
];
