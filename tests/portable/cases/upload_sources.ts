// Where bytes can come from: every kind of source, at every size where something could be off by one.

import type { ByteSource, UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertCode,
  assertStored,
  byteStreamOf,
  CHUNK,
  chunks,
  kinds,
  opened,
  pattern,
  pieces,
  put,
  ranges,
  startUrl,
  streamOf,
} from "./upload_support.ts";

const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 77];

/** A source that can be read anywhere, and that gives at most `most` bytes at once. */
function byteSource(bytes: Uint8Array, declared: boolean, most = Infinity): ByteSource {
  const read = (offset: number, length: number) =>
    Promise.resolve(bytes.subarray(offset, offset + Math.min(length, most)));
  return declared ? { size: bytes.length, read } : { read };
}

/** Every kind of source, made of the same bytes. */
const KINDS: Record<string, (bytes: Uint8Array<ArrayBuffer>) => UploadSource> = {
  "a Blob": (bytes) => new Blob([bytes]),
  "a File": (bytes) => new File([bytes], "file.bin", { lastModified: 1_700_000_000_000 }),
  "a slice of a Blob": (bytes) => new Blob(["before", bytes, "after"]).slice(6, 6 + bytes.length),
  "bytes": (bytes) => bytes,
  "an ArrayBuffer": (bytes) => bytes.buffer,
  "a view into the middle of a buffer": (bytes) => {
    const buffer = new Uint8Array(bytes.length + 300).fill(255);
    buffer.set(bytes, 123);
    return buffer.subarray(123, 123 + bytes.length);
  },
  "a DataView into the middle of a buffer": (bytes) => {
    const buffer = new Uint8Array(bytes.length + 300).fill(255);
    buffer.set(bytes, 7);
    return new DataView(buffer.buffer, 7, bytes.length);
  },
  "a stream of small pieces": (bytes) => streamOf(bytes, 10_007),
  "a stream of pieces larger than a chunk": (bytes) => streamOf(bytes, 2 * CHUNK + 50),
  "a stream of whole chunks": (bytes) => streamOf(bytes, CHUNK),
  "a byte stream": (bytes) => byteStreamOf(bytes, 70_001),
  "a byte stream that fills what it is given": (bytes) => byteStreamOf(bytes, Infinity),
  "the stream of a Blob": (bytes) => new Blob([bytes]).stream(),
  "an async generator": (bytes) => pieces(bytes, 65_536),
  "a ByteSource with a size": (bytes) => byteSource(bytes, true),
  "a ByteSource without a size": (bytes) => byteSource(bytes, false),
  "a ByteSource that gives less than asked for": (bytes) => byteSource(bytes, false, 99_991),
};

/** Uploads through a session, whatever the size. */
const resumable = (gcs: GcsEmulator, source: UploadSource) =>
  put(gcs, source, { bucket: undefined, name: undefined, url: startUrl("resumable") });

const everyKind: PortableCase[] = Object.entries(KINDS).map(([kind, make]) => ({
  name: `${kind} of any size arrives whole, in as few requests as there are chunks`,
  async run() {
    for (const size of SIZES) {
      const gcs = new GcsEmulator();
      const bytes = pattern(size);
      const object = await resumable(gcs, make(bytes));
      assertEquals(object.size, String(size));
      assertStored(gcs, bytes);
      const full = Math.max(0, Math.ceil(size / CHUNK) - 1);
      const last = size === 0 ? "finalize" : "final";
      assertEquals(
        kinds(gcs),
        ["initiate", ...Array.from({ length: full }, () => "chunk"), last],
        `the requests for ${size} bytes`,
      );
    }
  },
}));

/** Sources. */
export const sources: PortableCase[] = [
  ...everyKind,
  {
    name: "a string is sent as UTF-8",
    async run() {
      const gcs = new GcsEmulator();
      const text = "héllo wörld, 世界 🌍\0".repeat(20_000);
      await resumable(gcs, text);
      assertStored(gcs, new TextEncoder().encode(text));
    },
  },
  {
    name:
      "a stream that ends with a whole chunk is finished by that chunk, not by an empty request",
    async run() {
      const gcs = new GcsEmulator();
      await resumable(gcs, streamOf(pattern(2 * CHUNK), 50_000));
      assertEquals(ranges(gcs), [
        `bytes 0-${CHUNK - 1}/*`,
        `bytes ${CHUNK}-${2 * CHUNK - 1}/${2 * CHUNK}`,
      ]);
      assertEquals(gcs.requests.map(({ bodyBytes }) => bodyBytes).slice(1), [CHUNK, CHUNK]);
    },
  },
  {
    name: "a known size is declared from the start",
    async run() {
      const gcs = new GcsEmulator();
      const total = CHUNK + 9;
      await resumable(gcs, new Blob([pattern(total)]));
      assertEquals(gcs.requests[0].headers["x-upload-content-length"], String(total));
      assertEquals(ranges(gcs), [
        `bytes 0-${CHUNK - 1}/${total}`,
        `bytes ${CHUNK}-${total - 1}/${total}`,
      ]);
    },
  },
  {
    name: "empty pieces of a stream are nothing, and not the end",
    async run() {
      const gcs = new GcsEmulator();
      const bytes = pattern(CHUNK + 3);
      await resumable(
        gcs,
        (async function* () {
          yield new Uint8Array(0);
          for await (const piece of pieces(bytes, 100_000)) {
            yield piece;
            yield new Uint8Array(0);
          }
        })(),
      );
      assertStored(gcs, bytes);
    },
  },
  {
    name: "the size of a stream can be declared, and is sent from the start",
    async run() {
      const gcs = new GcsEmulator();
      const bytes = pattern(CHUNK + 5);
      await put(gcs, streamOf(bytes, 9_000), { totalBytes: bytes.length });
      assertStored(gcs, bytes);
      assertEquals(ranges(gcs)[0], `bytes 0-${CHUNK - 1}/${bytes.length}`);
    },
  },
  ...[
    { what: "shorter", size: 2 * CHUNK - 1, declared: 2 * CHUNK },
    { what: "longer", size: 2 * CHUNK + 1, declared: 2 * CHUNK },
    { what: "empty", size: 0, declared: 1 },
    { what: "not empty", size: 1, declared: 0 },
  ].map(({ what, size, declared }): PortableCase => ({
    name: `a stream that is ${what}, other than declared, is an error and never an object`,
    async run() {
      const gcs = new GcsEmulator();
      const stream = streamOf(pattern(size), 60_000);
      await assertCode(put(gcs, stream, { totalBytes: declared }), "source_size_mismatch");
      assertEquals(gcs.objects.length, 0);
    },
  })),
  {
    name: "a source that fails keeps its own error, and the session stays open",
    async run() {
      const gcs = new GcsEmulator();
      const failure = new RangeError("the disk is gone");
      const source = (async function* () {
        yield pattern(CHUNK + 1);
        await Promise.resolve();
        throw failure;
      })();
      assert(await assertRejects(put(gcs, source), RangeError) === failure, "another error");
      assertEquals(gcs.objects.length, 0);
      assertEquals(gcs.sessions.map(({ phase }) => phase), ["open"]);
    },
  },
  {
    name: "pieces that are no bytes are refused",
    async run() {
      const source = new ReadableStream<string>({
        start(controller) {
          controller.enqueue("text");
          controller.close();
        },
      });
      const gcs = new GcsEmulator();
      await assertRejects(put(gcs, source as unknown as ReadableStream<Uint8Array>), TypeError);
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "something that is no source, and a locked stream, are refused before anything is sent",
    async run() {
      const gcs = new GcsEmulator();
      const locked = streamOf(pattern(5), 5);
      locked.getReader();
      for (const source of [locked, 5, null, {}, [1], new Response("body")]) {
        await assertRejects(put(gcs, source as unknown as Blob), TypeError);
      }
      assertEquals(gcs.requests.length, 0);
    },
  },
  {
    name: "a ByteSource is read at most two chunks ahead of what is stored, and closed once",
    async run() {
      const gcs = new GcsEmulator();
      const bytes = pattern(6 * CHUNK + 10);
      let closed = 0;
      let furthest = 0;
      const upload = await opened(gcs.fetch, {
        size: bytes.length,
        read(offset, length) {
          furthest = Math.max(furthest, offset + length - gcs.sessions[0].persisted);
          return Promise.resolve(bytes.subarray(offset, offset + length));
        },
        close: () => void closed++,
      });
      while (!upload.finished) await upload.transmitNextChunk(gcs.fetch);
      assert(furthest <= 2 * CHUNK, `read ${furthest} bytes beyond what is stored`);
      assertEquals(closed, 1, "how often it was closed");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a stream is told why nobody wants the rest",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", status: 403 });
      let reason: unknown;
      const stream = streamOf(pattern(5 * CHUNK), 10_000, (why) => reason = why);
      const error = await assertCode(put(gcs, stream), "rejected");
      assert(reason === error, `the stream was cancelled with ${reason}`);
      assertEquals(chunks(gcs).length, 1);
    },
  },
  {
    name: "a source is let go even when the upload cannot be started",
    async run() {
      const gcs = new GcsEmulator({ buckets: ["another"] });
      let reason: unknown;
      const stream = streamOf(pattern(5), 5, (why) => reason = why);
      const error = await assertCode(put(gcs, stream), "rejected");
      assert(reason === error, `the stream was cancelled with ${reason}`);
      let closed = 0;
      const file = { ...byteSource(pattern(5), true), close: () => void closed++ };
      await assertCode(put(gcs, file), "rejected");
      assertEquals(closed, 1, "how often the ByteSource was closed");
    },
  },
];
