// Sources that change while they are uploaded, and sources that can be read again after a failure.

import {
  ResumableUpload,
  SimpleUpload,
  type UploadData,
  UploadError,
  type UploadSource,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf, idle, notedByteSource, settled, store } from "./sources_support.ts";
import {
  assertStored,
  CHUNK,
  finish,
  pattern,
  startUrl,
  storedCheckpoint,
  testClock,
} from "./upload_support.ts";

const bytes = pattern(3 * CHUNK + 77);

/** Reads before a case gives up on a loop that neither a timer nor an abort can end. */
const TOO_MANY = 500;

/** The error of a file that changed, as browsers and Node make it. */
const changed = () => new DOMException("The file was changed", "NotReadableError");

/** A file on disk: its declared size, how much of it is left, and whether it can be read at all. */
interface Disk {
  readonly size: number;
  left: number;
  failure?: Error | undefined;
  reads: number;
}

const diskOf = (left: number): Disk => ({ size: bytes.length, left, reads: 0 });

function readDisk(disk: Disk, start: number, end: number): Uint8Array<ArrayBuffer> {
  if (disk.reads++ > TOO_MANY) throw new Error("read over and over again");
  if (disk.failure) throw disk.failure;
  return bytes.slice(start, Math.min(end, disk.left));
}

/** A Blob that reads a file when it is read, as those of `fs.openAsBlob`, `Bun.file` and of a browser's `File` do. */
class DiskBlob extends Blob {
  #disk: Disk;
  #start: number;
  #end: number;

  constructor(disk: Disk, start = 0, end = disk.size) {
    super([]);
    this.#disk = disk;
    this.#start = start;
    this.#end = end;
  }

  override get size(): number {
    return this.#end - this.#start;
  }

  override slice(start = 0, end = this.size): Blob {
    const at = (place: number) => this.#start + Math.min(Math.max(place, 0), this.size);
    return new DiskBlob(this.#disk, at(start), at(end));
  }

  override bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve().then(() => readDisk(this.#disk, this.#start, this.#end));
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const bytes = () => this.bytes();
    return new ReadableStream({
      async pull(controller) {
        const piece = await bytes();
        if (piece.length > 0) controller.enqueue(piece);
        controller.close();
      },
    }, { highWaterMark: 0 });
  }
}

/** Random access to a file that changes. */
const KINDS: Readonly<Record<string, (disk: Disk) => UploadSource>> = {
  "a Blob": (disk) => new DiskBlob(disk),
  "a ByteSource": (disk) => ({
    size: disk.size,
    read: (offset, length) =>
      Promise.resolve().then(() => readDisk(disk, offset, Math.min(offset + length, disk.size))),
  }),
};

/** Fails unless the error is one of a source that is not what it was. */
function assertAboutSource(error: unknown, own: Error | undefined): void {
  const expected = own
    ? error === own
    : error instanceof UploadError && error.code === "source_size_mismatch";
  assert(expected, `rejected with ${error}`);
}

/** How long a file is when it is read. */
const LENGTHS = [0, 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK, bytes.length - 1];

const shorter: PortableCase[] = Object.entries(KINDS).flatMap(([kind, make]) => [
  {
    name: `${kind} that is shorter than it said ends the upload at once, and is never an object`,
    async run() {
      for (const left of LENGTHS) {
        const gcs = new GcsEmulator();
        const clock = testClock();
        const error = await failureOf(
          () => store(gcs, make(diskOf(left)), { retry: { clock } }),
          `upload() of ${left} bytes`,
        );
        assertAboutSource(error, undefined);
        assertEquals([clock.delays.length, gcs.objects.length], [0, 0], `waits, for ${left} bytes`);
      }
    },
  },
  {
    name: `${kind} that is shorter than it said ends each of the classes at once`,
    async run() {
      for (const left of LENGTHS) {
        const gcs = new GcsEmulator();
        for (const retry of [null, { clock: testClock() }]) {
          const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry });
          const error = await failureOf(async () => {
            await resumable.initiate(gcs.fetch, make(diskOf(left)), {}, "a/b");
            await finish(resumable, gcs.fetch);
          }, `a ResumableUpload of ${left} bytes`);
          assertAboutSource(error, undefined);
        }
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
  {
    name: `${kind} that becomes shorter, or cannot be read any more, ends the upload at once`,
    async run() {
      for (const own of [undefined, changed()]) {
        for (const left of [0, CHUNK, 2 * CHUNK + 5]) {
          const gcs = new GcsEmulator();
          const clock = testClock();
          const disk = diskOf(bytes.length);
          const error = await failureOf(() =>
            store(gcs, make(disk), {
              retry: { clock },
              onCheckpoint({ persisted }) {
                if (persisted === 0) return;
                disk.left = left;
                disk.failure = own;
              },
            }), "upload()");
          assertAboutSource(error, own);
          assertEquals([clock.delays.length, gcs.objects.length], [0, 0], "waits, objects");
        }
      }
    },
  },
  {
    name: `${kind} that becomes shorter while its stored part is read again is found out`,
    async run() {
      for (const own of [undefined, changed()]) {
        const gcs = new GcsEmulator();
        const before = new ResumableUpload(startUrl("resumable"), CHUNK);
        await before.initiate(gcs.fetch, new Blob([bytes]), {}, "a/b");
        await before.transmitNextChunk(gcs.fetch);
        await before.transmitNextChunk(gcs.fetch);
        const disk = { ...diskOf(CHUNK), failure: own };
        const clock = testClock();
        const resumed = ResumableUpload.resume(storedCheckpoint(before), make(disk), {
          retry: { clock },
        });
        const error = await failureOf(() => finish(resumed, gcs.fetch), "the upload");
        const known = error instanceof UploadError &&
          ["source_size_mismatch", "source_changed"].includes(error.code);
        assert(own ? error === own : known, `rejected with ${error}`);
        assertEquals([clock.delays.length, gcs.objects.length], [0, 0], "waits, objects");
      }
    },
  },
  {
    name: `${kind} that ends in the middle does not keep timers and abort signals from running`,
    async run() {
      const gcs = new GcsEmulator();
      let ticked = false;
      setTimeout(() => ticked = true, 0);
      await failureOf(() => store(gcs, make(diskOf(CHUNK + 1))), "upload()");
      await idle(2);
      assert(ticked, "no timer has run");
    },
  },
]);

const oneRequest: PortableCase[] = [undefined, changed()].map((own) => ({
  name: `a Blob that ${
    own ? "cannot be read" : "is shorter than it said"
  } ends a one-request upload at once, with a word about the source`,
  async run() {
    for (const checksum of ["auto", "md5"] as const) {
      const gcs = new GcsEmulator();
      const clock = testClock();
      const disk = { ...diskOf(CHUNK + 5), failure: own };
      const simple = new SimpleUpload(startUrl("media", "name=object&ifGenerationMatch=0"), {
        checksum,
        retry: { clock },
      });
      const blob = new DiskBlob(disk) as UploadData;
      assertAboutSource(await failureOf(() => simple.transmit(gcs.fetch, blob, "a/b")), own);
      const inOne = () =>
        store(gcs, new DiskBlob({ ...disk, reads: 0 }), {
          ifGenerationMatch: 0,
          chunkSize: 8 * CHUNK,
          checksum,
          retry: { clock },
        });
      assertAboutSource(await failureOf(inOne, "upload()"), own);
      assertEquals([clock.delays.length, gcs.objects.length], [0, 0], "waits, objects");
    }
  },
}));

/**
 * A Blob that changed after it was hashed: the transport cannot read its body, and says so in its own words, as `fetch`
 * does. Nobody can read it any more.
 */
const duringRequest: PortableCase = {
  name: "a Blob that changes while its one request is sent is the Blob's own error, at once",
  async run() {
    const own = changed();
    for (const wrapped of [false, true]) {
      const clock = testClock();
      const disk = diskOf(bytes.length);
      let requests = 0;
      const options = {
        retry: { clock },
        ifGenerationMatch: 0,
        chunkSize: 8 * CHUNK,
        transport: async (_input: string, init: RequestInit): Promise<Response> => {
          requests++;
          disk.failure = own;
          try {
            await new Response(init.body instanceof Blob ? init.body.stream() : init.body)
              .arrayBuffer();
            disk.reads = 0;
          } catch (cause) {
            throw wrapped ? new TypeError("fetch failed", { cause }) : cause;
          }
          throw new TypeError("fetch failed");
        },
      };
      const metadata = new GcsEmulator();
      const error = await failureOf(
        () => store(metadata, new DiskBlob(disk), { ...options, checksum: null }),
        "upload()",
      );
      assert(error === own, `rejected with ${error}`);
      assertEquals(requests, 1, "requests");
    }
  },
};

/** A read that fails once, at this offset or the first one behind it. */
function failingOnce(offset: number, size = Infinity) {
  const failure = new RangeError("the disk is busy");
  let failures = 0;
  const { source, log } = notedByteSource({
    bytes,
    size,
    before: (at) => {
      if (at >= offset && failures++ === 0) throw failure;
    },
  });
  return { source, log, failure };
}

const again: PortableCase[] = [0, CHUNK, 2 * CHUNK, 3 * CHUNK].flatMap((offset) =>
  [true, false].map((retries): PortableCase => ({
    name: `a read that failed at byte ${offset} is tried again by the next call${
      retries ? "" : ", without retrying, too"
    }`,
    async run() {
      const gcs = new GcsEmulator();
      const { source, log, failure } = failingOnce(offset);
      const retry = retries ? { clock: testClock() } : null;
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry });
      await resumable.initiate(gcs.fetch, source, {}, "a/b");
      const errors: unknown[] = [];
      for (let calls = 0; !resumable.finished && calls < 20; calls++) {
        const error = await failureOf(() => resumable.transmitNextChunk(gcs.fetch));
        if (error !== undefined) errors.push(error);
      }
      assert(errors.length === 1 && errors[0] === failure, `failed with ${errors.join(", ")}`);
      assertStored(gcs, bytes);
      assertEquals(log.released.length, 1, "how often the source was closed");
    },
  }))
);

/** Sources that change, and sources that fail once. */
export const sourcesChanged: PortableCase[] = [
  ...shorter,
  ...oneRequest,
  duringRequest,
  ...again,
  {
    name: "a read that failed within a request is tried again by a later call",
    async run() {
      for (const offset of [1, CHUNK + 70_000, 2 * CHUNK + 1]) {
        for (const retry of [null, { clock: testClock() }]) {
          const gcs = new GcsEmulator();
          const { source, failure } = failingOnce(offset, 50_000);
          const resumable = new ResumableUpload(startUrl("resumable"), 2 * CHUNK, { retry });
          await resumable.initiate(gcs.fetch, source, {}, "a/b");
          const errors: unknown[] = [];
          for (let calls = 0; !resumable.finished && calls < 20; calls++) {
            const error = await failureOf(() =>
              resumable.invalid && retry === null
                ? resumable.recover(gcs.fetch) // what was sent of the request is unknown
                : resumable.transmitNextChunk(gcs.fetch)
            );
            if (error !== undefined) errors.push(error);
          }
          assert(errors.length === 1 && errors[0] === failure, `failed with ${errors.join(", ")}`);
          assertStored(gcs, bytes);
        }
      }
    },
  },
  {
    name: "a read that failed while a stored part was read again is tried again by the next call",
    async run() {
      for (const offset of [0, CHUNK]) {
        const gcs = new GcsEmulator();
        const before = new ResumableUpload(startUrl("resumable"), CHUNK);
        await before.initiate(gcs.fetch, bytes, {}, "a/b");
        await before.transmitNextChunk(gcs.fetch);
        await before.transmitNextChunk(gcs.fetch);
        const { source, failure } = failingOnce(offset);
        const resumed = ResumableUpload.resume(storedCheckpoint(before), source, {
          retry: { clock: testClock() },
        });
        const error = await failureOf(() => resumed.transmitNextChunk(gcs.fetch));
        assert(error === failure, `rejected with ${error}`);
        await settled(finish(resumed, gcs.fetch), "the upload");
        assertStored(gcs, bytes);
      }
    },
  },
  {
    name:
      "a read that failed ends upload() with the source's own error, unless it is retried there",
    async run() {
      for (const offset of [0, CHUNK, 3 * CHUNK]) {
        const gcs = new GcsEmulator();
        const { source, log, failure } = failingOnce(offset);
        const error = await failureOf(() => store(gcs, source), "upload()");
        assert(error === failure, `rejected with ${error}`);
        assertEquals([gcs.objects.length, log.released.length], [0, 1], "objects, closes");
      }
    },
  },
  {
    name: "a source that throws at once, instead of rejecting, is a source that fails",
    async run() {
      const failure = new RangeError("the disk is gone");
      const thrower = () => {
        throw failure;
      };
      const sources: UploadSource[] = [
        { read: thrower },
        { size: 5, read: thrower },
        { [Symbol.asyncIterator]: () => ({ next: thrower }) },
        { [Symbol.asyncIterator]: thrower },
      ];
      for (const source of sources) {
        const gcs = new GcsEmulator();
        const error = await failureOf(() => store(gcs, source), "upload()");
        assert(error === failure, `rejected with ${error}`);
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
  {
    name:
      "a source that says nothing useful is an error: more bytes than asked for, no bytes at all",
    async run() {
      const sources: unknown[] = [
        {
          size: 5,
          read: (_: number, length: number) => Promise.resolve(new Uint8Array(length + 1)),
        },
        { size: 5, read: () => Promise.resolve(undefined) },
        { size: 5, read: () => undefined },
        { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(undefined) }) },
        { [Symbol.asyncIterator]: () => ({}) },
      ];
      for (const source of sources) {
        const gcs = new GcsEmulator();
        const clock = testClock();
        const options = { retry: { clock } };
        const error = await failureOf(() => store(gcs, source as UploadSource, options));
        assert(error instanceof TypeError, `rejected with ${error}`);
        assertEquals([gcs.objects.length, clock.delays.length], [0, 0], "objects, waits");
      }
    },
  },
];
