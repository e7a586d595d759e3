// An upload that another process goes on with.

import { type Checkpoint, ResumableUpload, upload, type UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertCode,
  assertStored,
  byteStreamOf,
  CHUNK,
  finish,
  kinds,
  opened,
  pattern,
  pieces,
  put,
  ranges,
  storedCheckpoint,
  streamOf,
  target,
  testClock,
} from "./upload_support.ts";

const bytes = pattern(3 * CHUNK + 100);

/** An upload that got `sent` chunks far, and then its process ended. */
async function interrupted(
  source: UploadSource,
  sent = 2,
): Promise<{ gcs: GcsEmulator; checkpoint: Checkpoint }> {
  const gcs = new GcsEmulator();
  const before = await opened(gcs.fetch, source);
  for (let i = 0; i < sent; i++) await before.transmitNextChunk(gcs.fetch);
  return { gcs, checkpoint: storedCheckpoint(before) };
}

const resumed = (checkpoint: Checkpoint, source: UploadSource, verifyPrefix = true) =>
  ResumableUpload.resume(checkpoint, source, { verifyPrefix, retry: { clock: testClock() } });

/** The sources that can be made once more. */
const AGAIN: Record<string, (bytes: Uint8Array<ArrayBuffer>) => UploadSource> = {
  "a Blob": (bytes) => new Blob([bytes]),
  "a File": (bytes) => new File([bytes], "a", { lastModified: 1_700_000_000_000 }),
  "bytes": (bytes) => bytes,
  "a stream": (bytes) => streamOf(bytes, 30_001),
  "a byte stream": (bytes) => byteStreamOf(bytes, 30_001),
  "an async iterable": (bytes) => pieces(bytes, 30_001),
};

/** Other sources than the one the upload was started with. */
const CHANGED: [what: string, before: UploadSource, after: UploadSource][] = [
  ["a Blob of another size", new Blob([bytes]), new Blob([bytes, "x"])],
  ["a Blob with other bytes in the part stored", new Blob([bytes]), new Blob([changed(7)])],
  ["a stream with other bytes in the part stored", streamOf(bytes, 5e4), streamOf(changed(7), 5e4)],
  [
    "a File that was changed meanwhile",
    new File([bytes], "a", { lastModified: 1 }),
    new File([bytes], "a", { lastModified: 2 }),
  ],
];

function changed(place: number): Uint8Array<ArrayBuffer> {
  const other = bytes.slice();
  other[place] ^= 1;
  return other;
}

/** Resuming. */
export const resumes: PortableCase[] = [
  ...Object.entries(AGAIN).map(([kind, make]): PortableCase => ({
    name: `a checkpoint of ${kind} goes through JSON, and the upload on from there`,
    async run() {
      const { gcs, checkpoint } = await interrupted(make(bytes));
      assertEquals([checkpoint.version, checkpoint.persisted], [1, 2 * CHUNK]);
      const upload = resumed(checkpoint, make(bytes));
      assertEquals(upload.bytesUploaded, 2 * CHUNK);
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs), ["initiate", "chunk", "chunk", "status", "chunk", "final"]);
    },
  })),
  ...CHANGED.map(([what, before, after]): PortableCase => ({
    name: `not resumed: ${what}`,
    async run() {
      const { gcs, checkpoint } = await interrupted(before);
      const resuming = Promise.resolve().then(() => finish(resumed(checkpoint, after), gcs.fetch));
      await assertCode(resuming, "source_changed");
      assertEquals(ranges(gcs).length, 2, "chunks sent");
      assertEquals(gcs.objects.length, 0);
    },
  })),
  {
    name: "a stream that is shorter than what is stored is refused",
    async run() {
      const { gcs, checkpoint } = await interrupted(streamOf(bytes, 50_000));
      const upload = resumed(checkpoint, streamOf(bytes.slice(0, CHUNK + 5), 50_000));
      await assertCode(finish(upload, gcs.fetch), "source_size_mismatch");
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name: "every checkpoint of an upload leads to the same object, as often as it is used",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoints: string[] = [];
      await put(gcs, new Blob([bytes]), {
        onCheckpoint: (checkpoint) => void checkpoints.push(JSON.stringify(checkpoint)),
      });
      assertEquals(checkpoints.map((text) => JSON.parse(text).persisted), [
        0,
        CHUNK,
        2 * CHUNK,
        3 * CHUNK,
      ]);
      const sent = ranges(gcs).length;
      for (const text of checkpoints) {
        const checkpoint = JSON.parse(text);
        const object = await upload(new Blob([bytes]), target(gcs, { checkpoint }));
        assertEquals(object.size, String(bytes.length));
      }
      assertEquals(ranges(gcs).length, sent, "chunks sent, since it was finished already");
    },
  },
  {
    name: "upload() goes on from its own checkpoint after it failed",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", skip: 2, status: 503 }, { on: "status", status: 503 });
      let checkpoint: Checkpoint | undefined;
      const retry = { maxAttempts: 1, clock: testClock() };
      const onCheckpoint = (latest: Checkpoint) => void (checkpoint = latest);
      await assertCode(put(gcs, new Blob([bytes]), { retry, onCheckpoint }), "unavailable");
      await put(gcs, new Blob([bytes]), { checkpoint });
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs).filter((kind) => kind === "initiate").length, 1);
    },
  },
  {
    name: "an object that was finished before the process ended is compared, and nothing is sent",
    async run() {
      const gcs = new GcsEmulator();
      const before = await opened(gcs.fetch, new Blob([bytes]));
      const checkpoint = storedCheckpoint(before);
      await finish(before, gcs.fetch);
      const sent = gcs.requests.length;
      const upload = resumed(checkpoint, streamOf(bytes, 50_000));
      await upload.transmitNextChunk(gcs.fetch);
      assertEquals([upload.finished, upload.object?.size], [true, String(bytes.length)]);
      assertEquals(kinds(gcs).slice(sent), ["status"]);
    },
  },
  {
    name: "an object that was finished with other bytes is found out",
    async run() {
      const gcs = new GcsEmulator();
      const before = await opened(gcs.fetch, new Blob([bytes]));
      const checkpoint = storedCheckpoint(before);
      await finish(before, gcs.fetch);
      const upload = resumed(checkpoint, streamOf(changed(bytes.length - 1), 50_000));
      await assertCode(upload.transmitNextChunk(gcs.fetch), "data_corruption");
      assertEquals(upload.finished, false);
    },
  },
  {
    name: "the server may hold more than the checkpoint says, and less than was sent",
    async run() {
      const { gcs, checkpoint } = await interrupted(new Blob([bytes]), 1);
      const other = resumed(checkpoint, new Blob([bytes]));
      await other.recover(gcs.fetch);
      await other.transmitNextChunk(gcs.fetch);
      const upload = resumed(checkpoint, new Blob([bytes]));
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
      assertEquals(ranges(gcs).length, 4, "chunks sent");
    },
  },
  {
    name:
      "without verifyPrefix what is stored is not read again, and the end is compared all the same",
    async run() {
      const read: number[] = [];
      const source = (of: Uint8Array<ArrayBuffer>) => ({
        size: of.length,
        read(offset: number, length: number) {
          read.push(offset);
          return Promise.resolve(of.subarray(offset, offset + length));
        },
      });
      const { gcs, checkpoint } = await interrupted(source(bytes));
      read.length = 0;
      await finish(resumed(checkpoint, source(bytes), false), gcs.fetch);
      assert(read.every((offset) => offset >= 2 * CHUNK), `read at ${read}`);
      assertStored(gcs, bytes);
      const next = await interrupted(source(bytes));
      next.gcs.inject({ on: "final", corrupt: true });
      const upload = resumed(next.checkpoint, source(bytes), false);
      await assertCode(finish(upload, next.gcs.fetch), "data_corruption");
    },
  },
  {
    name: "a session that is gone meanwhile is said to be gone, never begun again",
    async run() {
      const { gcs, checkpoint } = await interrupted(new Blob([bytes]));
      gcs.inject({ on: "status", expire: 410 });
      await assertCode(finish(resumed(checkpoint, new Blob([bytes])), gcs.fetch), "session_gone");
      assertEquals(kinds(gcs).filter((kind) => kind === "initiate").length, 1);
    },
  },
  {
    name: "without retrying a resumed upload is recovered first",
    async run() {
      const { gcs, checkpoint } = await interrupted(new Blob([bytes]));
      const upload = ResumableUpload.resume(checkpoint, new Blob([bytes]), { retry: null });
      assertEquals(upload.invalid, true);
      await assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state");
      await upload.recover(gcs.fetch);
      await finish(upload, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
  {
    name: "what is no checkpoint is refused, and its secret never shown",
    async run() {
      const { checkpoint } = await interrupted(new Blob([bytes]));
      const secret = new URL(checkpoint.sessionUrl).searchParams.get("upload_id")!;
      const wrong: unknown[] = [
        null,
        "text",
        {},
        { ...checkpoint, version: 2 },
        { ...checkpoint, persisted: -1 },
        { ...checkpoint, persisted: bytes.length + 1 },
        { ...checkpoint, sessionUrl: `not a URL ${secret}` },
        { ...checkpoint, crc32c: "AAAA" },
        { ...checkpoint, checksum: "sha1" },
      ];
      for (const value of wrong) {
        const resuming = Promise.resolve().then(() => resumed(value as Checkpoint, "a"));
        const { message } = await assertCode(resuming, "invalid_checkpoint");
        assert(!message.includes(secret), message);
      }
    },
  },
];
