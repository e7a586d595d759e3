// What goes over the wire for a source that can be read anywhere: few long requests, each byte read once.

import type { UploadSource } from "../../../mod.ts";
import { GcsEmulator, type RequestRecord } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import type { LooseOptions } from "./sources_support.ts";
import {
  assertReadOnce,
  assertStoredAt,
  long,
  MIB,
  rangeOf,
  RecordedBlob,
  Recorder,
  requestsAt,
  send,
  sendTo,
  streams,
} from "./stretch_support.ts";
import { assertStored, ranges } from "./upload_support.ts";

const SIZE = 20 * MIB + 123;

/** Random access, in its kinds. */
const KINDS: Readonly<
  Record<string, (bytes: Uint8Array<ArrayBuffer>, recorder: Recorder) => UploadSource>
> = {
  "{ size, read }": (bytes, recorder) => recorder.source(bytes),
  "a Blob": (bytes, recorder) => new RecordedBlob(bytes, recorder),
};

/** Kind, place and, where it is said, length of each request that carries bytes. */
function carried(log: readonly RequestRecord[]): unknown[] {
  return log.filter(({ kind }) => kind === "chunk" || kind === "final")
    .map(({ kind, contentRange }) => [kind, contentRange]);
}

/** Uploads the bytes over a connection and compares them; returns the requests. */
async function uploaded(
  context: Context,
  name: string,
  source: UploadSource,
  size: number,
  extra: LooseOptions = {},
): Promise<RequestRecord[]> {
  const object = await sendTo(context.origin, name, source, extra);
  assertEquals(object.size, String(size));
  await assertStoredAt(context.origin, name, long(size));
  return await requestsAt(context.origin, name);
}

/** What the requests are expected to be: long ones where bodies are streamed, else of 8 MiB. */
function expected(context: Context): unknown[] {
  const range = (first: number, end: number) => `bytes ${first}-${end - 1}/${SIZE}`;
  const ends = streams(context) ? [20 * MIB, SIZE] : [8 * MIB, 16 * MIB, SIZE];
  return ends.map((end, i) => [end === SIZE ? "final" : "chunk", range(ends[i - 1] ?? 0, end)]);
}

const seen = new Map<string, Promise<{ log: RequestRecord[]; recorder: Recorder }>>();

/** The requests of one upload of that kind, which several rules look at. */
function requestsOf(
  context: Context,
  kind: keyof typeof KINDS = "{ size, read }",
): Promise<{ log: RequestRecord[]; recorder: Recorder }> {
  const make = async () => {
    const recorder = new Recorder();
    const source = KINDS[kind](long(SIZE), recorder);
    return { log: await uploaded(context, `long ${kind}`, source, SIZE), recorder };
  };
  if (!seen.has(kind)) seen.set(kind, make());
  return seen.get(kind)!;
}

/** Requests over a connection. */
export const stretchRequests: PortableCase[] = [
  ...Object.keys(KINDS).map((kind): PortableCase => ({
    name: `stretch: ${kind} of 20 MiB goes in one long request and a short last one with its hash`,
    async run(context) {
      const { log, recorder } = await requestsOf(context, kind);
      assertEquals(carried(log), expected(context));
      const hashes = log.filter(({ headers }) => headers["x-goog-hash"] !== undefined);
      assertEquals(hashes.map(({ kind }) => kind), ["final"], "the requests with a hash");
      if (streams(context) || kind !== "a Blob") assertReadOnce(recorder, SIZE);
    },
  })),
  ...Object.entries(KINDS).map(([kind, make]): PortableCase => ({
    name:
      `stretch: without a checksum ${kind} of 9 MiB goes in one request where bodies are streamed`,
    async run(context) {
      const size = 9 * MIB + 1;
      const recorder = new Recorder();
      const name = `unchecked ${kind}`;
      const source = make(long(size), recorder);
      const log = await uploaded(context, name, source, size, { checksum: null });
      const whole = [["final", `bytes 0-${size - 1}/${size}`]];
      if (streams(context)) assertEquals(carried(log), whole);
      assert(log.every(({ headers }) => headers["x-goog-hash"] === undefined), "a hash was sent");
      assertReadOnce(recorder, size);
    },
  })),
  {
    name: "stretch: a long request has its length on the wire where the runtime can say it",
    async run(context) {
      const { log } = await requestsOf(context);
      for (const { kind, contentRange, headers } of log) {
        const range = rangeOf(contentRange);
        if (!range) continue;
        const length = String(range.end - range.first);
        // Deno sends a streamed body in pieces, whatever length it is told.
        if (context.runtime === "deno" && kind === "chunk") continue;
        assertEquals(
          [headers["content-length"], headers["transfer-encoding"] ?? null],
          [length, null],
          `the framing of ${contentRange}`,
        );
      }
    },
  },
  {
    name: "stretch: X-GUploader-No-308 goes along exactly where a 308 would be a rejection",
    async run(context) {
      const { log } = await requestsOf(context);
      const asked = log.filter(({ headers }) => headers["x-guploader-no-308"] !== undefined);
      const refuses308 = ["deno", "node", "bun"].includes(context.runtime);
      assertEquals(
        asked.map(({ contentRange, headers }) => [contentRange, headers["x-guploader-no-308"]]),
        refuses308 ? [[`bytes 0-${20 * MIB - 1}/${SIZE}`, "yes"]] : [],
      );
    },
  },
  {
    name: "stretch: chunkSize bounds every request, and each is streamed",
    async run(context) {
      const recorder = new Recorder();
      const size = 9 * MIB + 5;
      const source = recorder.source(long(size));
      const log = await uploaded(context, "bounded", source, size, { chunkSize: 3 * MIB });
      assertEquals(carried(log), [
        ["chunk", `bytes 0-${3 * MIB - 1}/${size}`],
        ["chunk", `bytes ${3 * MIB}-${6 * MIB - 1}/${size}`],
        ["chunk", `bytes ${6 * MIB}-${9 * MIB - 1}/${size}`],
        ["final", `bytes ${9 * MIB}-${size - 1}/${size}`],
      ]);
      assertReadOnce(recorder, size);
      const most = Math.max(...recorder.reads.map(({ length }) => length));
      if (streams(context)) assert(most <= MIB, `${most} bytes were read at once`);
    },
  },
  {
    name: "stretch: with chunkSize Infinity 65 MiB go in one long request and a last one",
    async run(context) {
      if (!streams(context)) return; // nothing there is long
      const gcs = new GcsEmulator({ store: "discard", md5: false });
      const size = 65 * MIB + 1;
      const piece = long(MIB);
      const source = {
        size,
        read: (_: number, length: number) => Promise.resolve(piece.subarray(0, length)),
      };
      await send(gcs, source, { chunkSize: Infinity });
      assertEquals(ranges(gcs), [
        `bytes 0-${65 * MIB - 1}/${size}`,
        `bytes ${65 * MIB}-${size - 1}/${size}`,
      ]);
    },
  },
  {
    name: "stretch: the default bounds a request to 64 MiB",
    async run(context) {
      if (!streams(context)) return; // 8 MiB there
      const gcs = new GcsEmulator({ store: "discard", md5: false });
      const size = 65 * MIB;
      const piece = long(MIB);
      const source = {
        size,
        read: (_: number, length: number) => Promise.resolve(piece.subarray(0, length)),
      };
      await send(gcs, source);
      assertEquals(ranges(gcs), [
        `bytes 0-${64 * MIB - 1}/${size}`,
        `bytes ${64 * MIB}-${size - 1}/${size}`,
      ]);
    },
  },
  {
    name: "stretch: up to 8 MiB that end the object go in one request with their hash",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const recorder = new Recorder();
      const bytes = long(8 * MIB);
      await send(gcs, recorder.source(bytes));
      assertEquals(ranges(gcs), [`bytes 0-${8 * MIB - 1}/${8 * MIB}`]);
      assertStored(gcs, bytes);
      assertReadOnce(recorder, bytes.length);
    },
  },
  {
    name:
      "stretch: a source that gives less than it is asked for arrives whole, in the same requests",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(5 * MIB + 3);
      let calls = 0;
      const source = {
        size: bytes.length,
        read(offset: number, length: number) {
          const given = Math.max(1, Math.floor(length / (1 + calls++ % 3)));
          return Promise.resolve(bytes.slice(offset, offset + given));
        },
      };
      await send(gcs, source, { chunkSize: 4 * MIB });
      assertEquals(ranges(gcs), [
        `bytes 0-${4 * MIB - 1}/${bytes.length}`,
        `bytes ${4 * MIB}-${bytes.length - 1}/${bytes.length}`,
      ]);
      assertStored(gcs, bytes);
    },
  },
];
