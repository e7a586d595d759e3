// Files as Node has them: handles, Blobs that are read when they are sent, pipes with a name.

import { Buffer } from "node:buffer";
import { execFileSync, spawn } from "node:child_process";
import { createReadStream, openAsBlob, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  type UploadData,
  UploadError,
  type UploadSource,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../../portable/assert.ts";
import {
  failureOf,
  settled,
  store,
  streamOptionsFor,
} from "../../portable/cases/sources_support.ts";
import {
  assertBytes,
  assertStored,
  BUCKET,
  CHUNK,
  finish,
  pattern,
  startUrl,
  testClock,
} from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { asSource, bytes, file, folder } from "../support.ts";

/** Every call that could take a handle for something else. */
const CALLS: Readonly<Record<string, (gcs: GcsEmulator, handle: unknown) => unknown>> = {
  "upload()": (gcs, handle) => store(gcs, handle as UploadSource),
  "upload() with a size": (gcs, handle) => store(gcs, handle as UploadSource, { totalBytes: 5 }),
  "initiate()": (gcs, handle) =>
    new ResumableUpload(startUrl("resumable"), CHUNK)
      .initiate(gcs.fetch, handle as UploadSource, {}, "a/b"),
  "a SimpleUpload": (gcs, handle) =>
    new SimpleUpload(startUrl("media")).transmit(gcs.fetch, handle as UploadData, "a/b"),
  "a MultipartUpload": (gcs, handle) =>
    new MultipartUpload(startUrl("multipart"))
      .transmit(gcs.fetch, handle as UploadData, {}, "a/b"),
};

/** Ways to change a file. */
const CHANGES: Readonly<Record<string, (path: string) => void>> = {
  "shorter": (path) => truncateSync(path, 10),
  "empty": (path) => truncateSync(path, 0),
  "longer": (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("more")])),
};

/** One-request uploads of a Blob, over a real connection, to an object that is not there yet. */
const SINGLE: Readonly<
  Record<
    string,
    (origin: string, name: string, blob: Blob, transport: Transport) => Promise<unknown>
  >
> = {
  "a SimpleUpload": (origin, name, blob, transport) =>
    new SimpleUpload(at(origin, "media", name), { retry: { clock: testClock() } })
      .transmit(transport, blob, "a/b"),
  "a SimpleUpload without a checksum": (origin, name, blob, transport) =>
    new SimpleUpload(at(origin, "media", name), { retry: { clock: testClock() }, checksum: null })
      .transmit(transport, blob, "a/b"),
  "a MultipartUpload": (origin, name, blob, transport) =>
    new MultipartUpload(at(origin, "multipart", name), { retry: { clock: testClock() } })
      .transmit(transport, blob, {}, "a/b"),
  "upload()": (origin, name, blob, transport) =>
    store(new GcsEmulator({ md5: false }), blob, {
      endpoint: origin,
      name,
      ifGenerationMatch: 0,
      chunkSize: 16 * CHUNK,
      transport,
    }),
};

const at = (origin: string, type: string, name: string) =>
  `${origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=${type}&name=${name}&ifGenerationMatch=0`;

/** Fails unless the error is what Node says of a file that is not what it was. */
function assertNotReadable(error: unknown, what: string): void {
  const name = (error as Error | undefined)?.name;
  assert(name === "NotReadableError", `${what} was answered with ${error}`);
}

/** A file that is held in memory while it is sent, and one that is too large for that. */
const LENGTHS = [3_000_000, 9 * 1024 * 1024 + 5];

const changedWhileSent: NodeCase[] = Object.entries(SINGLE).flatMap(([way, send]) =>
  Object.entries(CHANGES).flatMap(([how, change]) =>
    LENGTHS.map((length): NodeCase => ({
      name: `${way} of ${length} bytes of a file that becomes ${how} while it is sent stores ` +
        "what was hashed, or is the file's own error, at once",
      runtimes: ["node"],
      async run({ origin }) {
        const content = pattern(length);
        const path = file(content);
        let requests = 0;
        const transport: Transport = (input, init) => {
          if (requests++ === 0) change(path);
          return fetch(input, init);
        };
        const name = `changed-${way}-${how}-${length}`.replaceAll(/[^a-z0-9-]/gi, "");
        const blob = await openAsBlob(path);
        const error = await failureOf(() => send(origin, name, blob, transport), way);
        const url = `${origin}/storage/v1/b/${BUCKET}/o/${name}?alt=media`;
        if (error !== undefined) {
          assertNotReadable(error, way);
          assertEquals((await fetch(url)).status, 404, "the object");
        } else {
          assertBytes(new Uint8Array(await (await fetch(url)).arrayBuffer()), content, way);
        }
        // A session, which larger files take, is more than one request.
        assert(way === "upload()" || requests === 1, `${requests} requests`);
      },
    }))
  )
);

const changedBefore: NodeCase[] = Object.entries(CHANGES).map(([how, change]) => ({
  name: `a file that became ${how} after it was opened as a Blob is the file's own error, at once`,
  runtimes: ["node"],
  async run({ origin }) {
    for (const [way, send] of Object.entries(SINGLE)) {
      const path = file();
      const blob = await openAsBlob(path);
      change(path);
      const error = await failureOf(() => send(origin, "changed-before", blob, fetch), way);
      assertNotReadable(error, way);
    }
    for (const source of ["upload()", "a session by hand"]) {
      const path = file();
      const blob = await openAsBlob(path);
      const gcs = new GcsEmulator({ md5: false });
      const clock = testClock();
      const error = await failureOf(async () => {
        if (source === "upload()") {
          await store(gcs, blob, {
            retry: { clock },
            onCheckpoint: ({ persisted }) => {
              if (persisted === CHUNK) change(path);
            },
          });
          return;
        }
        const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry: { clock } });
        await resumable.initiate(gcs.fetch, blob, {}, "a/b");
        await resumable.transmitNextChunk(gcs.fetch);
        change(path);
        await finish(resumable, gcs.fetch);
      }, source);
      assertNotReadable(error, source);
      assertEquals([gcs.objects.length, clock.delays.length], [0, 0], "objects, waits");
    }
  },
}));

/** Makes a pipe with a name, into which another process writes. */
function fifo(content: string): string {
  const path = join(folder(), "fifo");
  execFileSync("mkfifo", [path]);
  spawn("sh", ["-c", 'printf %s "$1" > "$0"', path, content], { stdio: "ignore" }).unref();
  return path;
}

/** Files. */
export const files: NodeCase[] = [
  ...Object.entries(CALLS).map(([call, start]): NodeCase => ({
    name:
      `${call} refuses a FileHandle before anything is sent, says what to pass, and leaves it open`,
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const handle: FileHandle = await open(file());
      try {
        const error = await failureOf(() => start(gcs, handle), call);
        assert(error instanceof TypeError, `answered with ${error}`);
        const helps = /createReadStream|openAsBlob|readableWebStream|\bread\b/.test(error.message);
        const isData = call.startsWith("a "); // those take a Blob, bytes or a string, and say so
        assert(isData || helps, `no word on what to pass: ${error.message}`);
        assertEquals(gcs.requests.length, 0);
        const { bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 0);
        assertEquals(bytesRead, 5, "what is read of the handle");
      } finally {
        await handle.close();
      }
    },
  })),
  {
    name: "the web stream of a FileHandle is a source, whatever part of its memory a view is",
    async run() {
      const handle = await open(file());
      try {
        const gcs = new GcsEmulator({ md5: false });
        // Without a type, its pieces are ArrayBuffers in older versions of Node.
        const stream = (handle.readableWebStream as (options: object) => ReadableStream<Uint8Array>)
          .call(handle, { type: "bytes" });
        await settled(store(gcs, stream), "upload()");
        assertStored(gcs, bytes);
      } finally {
        handle.close().catch(() => {}); // it waits for reads that have failed
      }
    },
  },
  {
    name: "the Node stream of a FileHandle is a source",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const handle = await open(file()); // its stream closes it
      await settled(store(gcs, asSource(handle.createReadStream())), "upload()");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a number, which Node takes for a descriptor, and a path's URL are refused",
    async run() {
      for (const value of [0, 5, new URL("file:///etc/hostname"), null]) {
        const gcs = new GcsEmulator({ md5: false });
        const error = await failureOf(() => store(gcs, value as unknown as UploadSource));
        assert(error instanceof TypeError, `${value} was answered with ${error}`);
        assertEquals(gcs.requests.length, 0);
      }
    },
  },
  {
    name: "a buffer that a FileHandle reads into again and again can be written to uploadStream()",
    async run() {
      const handle = await open(file());
      try {
        const gcs = new GcsEmulator({ md5: false });
        const { writable, result } = uploadStream(streamOptionsFor(gcs));
        const writer = writable.getWriter();
        const buffer = new Uint8Array(100_000);
        for (;;) {
          const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
          if (bytesRead === 0) break;
          await settled(writer.write(buffer.subarray(0, bytesRead)), "write()");
        }
        await settled(writer.close(), "close()");
        await settled(result, "the result");
        assertStored(gcs, bytes);
      } finally {
        await handle.close();
      }
    },
  },
  ...changedWhileSent,
  ...changedBefore,
  {
    name: "a file as a Blob arrives whole, by a session and in one request",
    async run() {
      for (const extra of [{}, { ifGenerationMatch: 0, chunkSize: 16 * CHUNK }]) {
        for (const size of [0, 5, CHUNK, bytes.length]) {
          const gcs = new GcsEmulator({ md5: false });
          const content = pattern(size);
          await settled(store(gcs, await openAsBlob(file(content)), extra), "upload()");
          assertStored(gcs, content);
        }
      }
    },
  },
  {
    name: "an empty file that got bytes after it was opened as a Blob is never an empty object",
    runtimes: ["node", "deno"],
    async run() {
      for (const extra of [{}, { ifGenerationMatch: 0 }]) {
        const path = file(new Uint8Array(0));
        const blob = await openAsBlob(path);
        writeFileSync(path, bytes);
        const gcs = new GcsEmulator({ md5: false });
        const error = await failureOf(() => store(gcs, blob, extra), "upload()");
        // Deno has read it when it was opened, and has what it read: nothing.
        const isSnapshot = (await blob.arrayBuffer().catch(() => undefined))?.byteLength === 0;
        assert(isSnapshot || (error !== undefined && gcs.objects.length === 0), `${error}`);
      }
    },
  },
  {
    name: "a file of /proc, whose size is said to be 0, is stored whole from its stream",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      await settled(store(gcs, asSource(createReadStream("/proc/version"))), "upload()");
      assertStored(gcs, new Uint8Array(readFileSync("/proc/version")));
    },
  },
  {
    name: "a pipe with a name is stored whole from its stream",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const text = "through a pipe\n".repeat(5_000);
      await settled(store(gcs, asSource(createReadStream(fifo(text)))), "upload()");
      assertStored(gcs, new TextEncoder().encode(text));
    },
  },
  {
    name:
      "a ByteSource on a FileHandle is read, closed once, and may be read again after a failure",
    async run() {
      const handle = await open(file());
      let closed = 0;
      let fail = true;
      const source = {
        size: bytes.length,
        async read(offset: number, length: number) {
          if (offset >= CHUNK && fail) {
            fail = false;
            throw new RangeError("the disk is busy");
          }
          const buffer = new Uint8Array(length);
          const { bytesRead } = await handle.read(buffer, 0, length, offset);
          return buffer.subarray(0, bytesRead);
        },
        async close() {
          closed++;
          await handle.close();
        },
      };
      const gcs = new GcsEmulator({ md5: false });
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, {
        retry: { clock: testClock() },
      });
      await resumable.initiate(gcs.fetch, source, {}, "a/b");
      let error: unknown;
      for (let calls = 0; calls < 3 && error === undefined; calls++) {
        error = await failureOf(() => resumable.transmitNextChunk(gcs.fetch));
      }
      assert(
        error instanceof RangeError && !(error instanceof UploadError),
        `failed with ${error}`,
      );
      await settled(finish(resumable, gcs.fetch), "the upload");
      assertStored(gcs, bytes);
      assertEquals(closed, 1, "how often it was closed");
    },
  },
];
