// When a long request is given up: when it stands still, not when it is long.

import type { RetryOptions } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { settled } from "./sources_support.ts";
import {
  assertStoredAt,
  injectAt,
  kept,
  long,
  type ManualClock,
  manualClock,
  MIB,
  pacing,
  rangeOf,
  Recorder,
  requestsAt,
  send,
  sendTo,
  streamIn,
  streams,
} from "./stretch_support.ts";
import { assertStored, chunks, kinds } from "./upload_support.ts";

const STALL = 1_000;
const SIZE = 17 * MIB + 7;

/** Long requests of up to 16 MiB, under a clock that goes on when it is told to. */
function optionsWith(clock: ManualClock, retry: RetryOptions = {}) {
  return { chunkSize: 16 * MIB, retry: { clock, stallTimeout: STALL, ...retry } };
}

/** Rules that need a body which is made while it is sent. */
const where: (rule: PortableCase) => PortableCase = ({ name, run }) => ({
  name,
  run: (context) => streams(context) ? run(context) : undefined,
});

/** Lets a request that stands still be given up, once the transport takes no more. */
async function stall(clock: ManualClock, milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20)); // whatever was under way has settled
  clock.advance(milliseconds);
}

const inProcess: PortableCase[] = [
  {
    name:
      "stretch: a request that takes far longer than the stall timeout is not given up while it moves",
    async run() {
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(SIZE);
      let whole = 0; // pieces: where a body is taken bit by bit, a piece counts when all of it is gone
      const transport = pacing(gcs.fetch, (taken) => {
        if (taken >= (whole + 1) * MIB) whole++, clock.advance(STALL - 1);
      });
      // Neither does the deadline of what cannot be watched hold for it.
      const retry = { attemptTimeout: 100, minThroughput: 1e12 };
      await send(gcs, new Recorder().source(bytes), { ...optionsWith(clock, retry), transport });
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs), ["initiate", "chunk", "final"]);
      assert(clock.now() > 5 * STALL, `${clock.now()} ms`);
      assertEquals(clock.timers, 0, "timers left");
    },
  },
  {
    name:
      "stretch: a request of which no piece is taken for the stall timeout is given up, and the server asked",
    async run() {
      for (const at of [1, 7]) {
        const clock = manualClock();
        const gcs = new GcsEmulator({ md5: false });
        const recorder = new Recorder();
        const bytes = long(SIZE);
        let still = 1;
        let readByThen = 0;
        const transport = recorder.transport(pacing(gcs.fetch, (taken) => {
          if (taken < at * MIB || still-- <= 0) return;
          void stall(clock, STALL - 1)
            .then(() => readByThen = recorder.bytesRead)
            .then(() => stall(clock, 1));
          return new Promise(() => {});
        }));
        await settled(send(gcs, recorder.source(bytes), { ...optionsWith(clock), transport }));
        assertStored(gcs, bytes);
        const [, second] = chunks(gcs);
        assertEquals(kinds(gcs), ["initiate", "chunk", "status", "chunk", "final"]);
        assertEquals(rangeOf(second.contentRange)?.first, kept(at * MIB), "the second request");
        const firstReads = recorder.events.slice(
          0,
          recorder.events.findIndex(({ what }) => what === "end"),
        );
        const before = firstReads.reduce((n, e) => n + (e.what === "read" ? e.length : 0), 0);
        assertEquals(before, readByThen, "bytes read while nothing moved");
        assertEquals(clock.timers, 0, "timers left");
      }
    },
  },
  {
    name: "stretch: a slow source is no stall, however long each read takes",
    async run() {
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(SIZE);
      const before = async () => {
        await Promise.resolve();
        clock.advance(10 * STALL);
      };
      // The transport has taken everything and waits for the source: a piece read ahead is waited for, too.
      const source = new Recorder().source(bytes, { before });
      await send(gcs, source, optionsWith(clock));
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs), ["initiate", "chunk", "final"]);
    },
  },
  {
    name:
      "stretch: when every byte was taken and no reply comes, the server is asked at once, without a wait",
    async run() {
      for (const on of ["chunk", "final"] as const) {
        const clock = manualClock();
        const gcs = new GcsEmulator({ md5: false });
        gcs.inject({ on, hang: "after" });
        const bytes = long(SIZE);
        const checksum = on === "final" ? null : undefined;
        const options = { ...optionsWith(clock), chunkSize: on === "final" ? 64 * MIB : 16 * MIB };
        const sent = send(gcs, new Recorder().source(bytes), { ...options, checksum });
        const isHanging = () => gcs.requests.some(({ fault }) => fault === "hang after");
        for (let i = 0; i < 1000 && !isHanging(); i++) await new Promise((r) => setTimeout(r, 10));
        for (let i = 0; i < 100 && !kinds(gcs).includes("status"); i++) await stall(clock, STALL);
        await settled(sent);
        assertStored(gcs, bytes);
        const expected = on === "final" ? ["final", "status"] : ["chunk", "status", "final"];
        assertEquals(kinds(gcs), ["initiate", ...expected]);
        assertEquals(clock.delays, [], "the waits");
      }
    },
  },
  {
    name: "stretch: a stall after which bytes have arrived doubles the patience with a slow line",
    async run() {
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(SIZE);
      // Each request stands still for one and a half times the timeout after 3 MiB, then goes on.
      const transport = pacing(gcs.fetch, async (taken) => {
        if (taken === 3 * MIB) await stall(clock, 1.5 * STALL);
      });
      const source = new Recorder().source(bytes);
      await settled(send(gcs, source, { ...optionsWith(clock), transport }));
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs), ["initiate", "chunk", "status", "chunk", "final"]);
    },
  },
  {
    name: "stretch: after two long requests that left nothing behind, bytes are sent in short ones",
    async run() {
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(SIZE);
      const streamed: boolean[] = [];
      const transport = pacing((input, init) => {
        if (init.method === "PUT") streamed.push(streamIn(init) !== undefined);
        return gcs.fetch(input, init);
      }, (taken) => {
        if (taken === 2 * MIB) throw new TypeError("reset");
      });
      gcs.inject({ on: "chunk", drop: "before" }, { on: "chunk", drop: "before" });
      gcs.inject({ on: "chunk", cut: 0, times: 2 });
      await settled(send(gcs, new Recorder().source(bytes), { ...optionsWith(clock), transport }));
      assertStored(gcs, bytes);
      assert(streamed.includes(false), "every request was streamed");
    },
  },
];

/** A server that stops reading, over a connection. */
const overConnection: PortableCase[] = [0, 3 * MIB + 1].map((bytes) => ({
  name:
    `stretch: over a connection, a server that stops reading after ${bytes} bytes is given up and asked`,
  async run(context: Context) {
    const { origin } = context;
    const name = `stalled-${bytes}`;
    await injectAt(origin, { on: "chunk", stall: bytes, delay: Infinity });
    const size = streams(context) ? 12 * MIB + 7 : 4 * MIB + 7;
    const recorder = new Recorder();
    const retry = { initialDelay: 1, stallTimeout: 400, attemptTimeout: 1000, minThroughput: 1e9 };
    await sendTo(origin, name, recorder.source(long(size)), {
      retry,
      chunkSize: streams(context) ? undefined : 4 * MIB,
    });
    await assertStoredAt(origin, name, long(size));
    const log = await requestsAt(origin, name);
    const first = log.findIndex(({ fault }) => fault === "stall");
    assert(first > 0, "nothing stood still");
    assertEquals(log[first + 1].kind, "status", "the request after it");
    assertEquals(recorder.closed, 1, "how often the source was closed");
  },
}));

/** When a long request is given up. */
export const stretchStalls: PortableCase[] = [...inProcess.map(where), ...overConnection];
