// A size of 0 is believed only after a read found nothing.

import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type UploadData,
  type UploadSource,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf, settled, store } from "./sources_support.ts";
import { assertStored, CHUNK, finish, pattern, startUrl, testClock } from "./upload_support.ts";

/** The error of a file that is not there, as runtimes make it. */
const missing = () => Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" });

/** A Blob of size 0 that is something else when it is read, as files of `/proc` are, and those that are not there. */
class OddBlob extends Blob {
  #content: () => Uint8Array<ArrayBuffer>;
  #log: { reads: number };

  constructor(content: () => Uint8Array<ArrayBuffer>, log = { reads: 0 }) {
    super([]);
    this.#content = content;
    this.#log = log;
  }

  #read = () => {
    this.#log.reads++;
    return Promise.resolve().then(() => this.#content());
  };

  override slice(start = 0, end = Infinity): Blob {
    return new OddBlob(() => this.#content().slice(start, end), this.#log);
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.#read()).buffer;
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#read();
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.#read());
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const read = this.#read;
    return new ReadableStream({
      async pull(controller) {
        const bytes = await read();
        if (bytes.length > 0) controller.enqueue(bytes);
        controller.close();
      },
    }, { highWaterMark: 0 });
  }
}

/** Every way to upload it. */
const WAYS: Readonly<Record<string, (gcs: GcsEmulator, source: UploadSource) => Promise<unknown>>> =
  {
    "upload()": (gcs, source) => store(gcs, source),
    "upload() in one request": (gcs, source) => store(gcs, source, { ifGenerationMatch: 0 }),
    "upload() in one request without metadata": (gcs, source) =>
      store(gcs, source, { ifGenerationMatch: 0, checksum: null }),
    "a ResumableUpload": async (gcs, source) => {
      const retry = { clock: testClock() };
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry });
      await resumable.initiate(gcs.fetch, source, {}, "a/b");
      await finish(resumable, gcs.fetch);
    },
    "a ResumableUpload without retrying": async (gcs, source) => {
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry: null });
      await resumable.initiate(gcs.fetch, source, {}, "a/b");
      await finish(resumable, gcs.fetch);
    },
  };

/** The ways that take a Blob only. */
const BLOB_WAYS: typeof WAYS = {
  "a SimpleUpload": (gcs, source) =>
    new SimpleUpload(startUrl("media")).transmit(gcs.fetch, source as UploadData, "a/b"),
  "a SimpleUpload without a checksum": (gcs, source) =>
    new SimpleUpload(startUrl("media"), { checksum: null })
      .transmit(gcs.fetch, source as UploadData, "a/b"),
  "a MultipartUpload": (gcs, source) =>
    new MultipartUpload(startUrl("multipart"))
      .transmit(gcs.fetch, source as UploadData, {}, "a/b"),
};

const unreadable: PortableCase[] = [
  ...Object.entries({ ...WAYS, ...BLOB_WAYS }).map(([way, start]): PortableCase => ({
    name: `${way} of a Blob of size 0 that is not there rejects with the Blob's own error`,
    async run() {
      const gcs = new GcsEmulator();
      const failure = missing();
      const blob = new OddBlob(() => {
        throw failure;
      });
      const error = await failureOf(() => start(gcs, blob), way);
      assert(error === failure, `rejected with ${error}`);
      assertEquals(gcs.objects.length, 0);
    },
  })),
  ...Object.entries(WAYS).map(([way, start]): PortableCase => ({
    name: `${way} of { size: 0, read } that is not there rejects with the source's own error`,
    async run() {
      const gcs = new GcsEmulator();
      const failure = missing();
      const source = { size: 0, read: () => Promise.reject(failure) };
      const error = await failureOf(() => start(gcs, source), way);
      assert(error === failure, `rejected with ${error}`);
      assertEquals(gcs.objects.length, 0);
    },
  })),
];

const notEmpty: PortableCase[] = Object.entries(WAYS).flatMap(([way, start]) =>
  [1, 5_000, 2 * CHUNK + 5].map((size): PortableCase => ({
    name: `${way} stores the ${size} bytes that a source of size 0 turns out to have`,
    async run() {
      const bytes = pattern(size);
      const byteSource = {
        size: 0,
        read: (offset: number, length: number) =>
          Promise.resolve(bytes.slice(offset, offset + length)),
      };
      for (const source of [byteSource, new OddBlob(() => bytes)]) {
        const gcs = new GcsEmulator();
        await settled(start(gcs, source), way);
        assertStored(gcs, bytes);
      }
    },
  }))
);

const empty: PortableCase[] = Object.entries(WAYS).map(([way, start]) => ({
  name: `${way} of a source of size 0 reads it before it stores an empty object`,
  async run() {
    const log = { reads: 0 };
    const byteSource = {
      size: 0,
      read: () => {
        log.reads++;
        return Promise.resolve(new Uint8Array(0));
      },
    };
    for (const source of [byteSource, new OddBlob(() => new Uint8Array(0), log)]) {
      log.reads = 0;
      const gcs = new GcsEmulator();
      await settled(start(gcs, source), way);
      assertStored(gcs, new Uint8Array(0));
      assert(log.reads > 0, "it was not read");
    }
    for (const source of [new Blob([]), new Uint8Array(0), ""]) {
      const gcs = new GcsEmulator();
      await settled(start(gcs, source), way);
      assertStored(gcs, new Uint8Array(0));
    }
  },
}));

/** Sources that say they are empty. */
export const sourcesEmpty: PortableCase[] = [
  ...unreadable,
  ...notEmpty,
  ...empty,
  {
    name: "a declared size of 0 is an error for a source of size 0 that has bytes",
    async run() {
      const gcs = new GcsEmulator();
      const source = { size: 0, read: () => Promise.resolve(pattern(1)) };
      const error = await failureOf(() => store(gcs, source, { totalBytes: 0 }));
      assertEquals((error as { code?: string })?.code, "source_size_mismatch", String(error));
      assertEquals(gcs.objects.length, 0);
    },
  },
];
