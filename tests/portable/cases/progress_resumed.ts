// Progress says where a run began, in every way in which one can: a rate is made of what the run itself has sent.

import {
  type Checkpoint,
  createUploadSession,
  ResumableUpload,
  upload,
  type UploadProgress,
  uploadStream,
  uploadToSession,
  xGoogUpload,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import {
  inParts,
  type ParallelCheckpoint,
  uploadMany,
  type UploadManyProgress,
  uploadParallel,
} from "../../../src/parallel/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  finish,
  pattern,
  pieces,
  put,
  target,
  testClock,
} from "./upload_support.ts";

const BYTES = pattern(3 * CHUNK + 5);
const LARGE = pattern(9 * 1024 * 1024);

/** What was told, and an option that listens to it. */
function listening(): { seen: UploadProgress[]; onProgress: (progress: UploadProgress) => void } {
  const seen: UploadProgress[] = [];
  return { seen, onProgress: (progress) => void seen.push(progress) };
}

/** Fails unless each call says that the run began there, the first one with nothing sent by it. */
function assertBegan(seen: readonly UploadProgress[], from: number, size = BYTES.length): void {
  assert(seen.length > 0, "nothing was told");
  assertEquals([...new Set(seen.map(({ resumedFrom }) => resumedFrom))], [from], "where it began");
  assert(
    seen.every(({ sent, persisted }) => persisted >= from && sent >= from),
    "less than before",
  );
  const last = seen.at(-1)!;
  assertEquals([last.sent, last.persisted], [size, size], "the last call");
}

/** A session that holds so many chunks, and its checkpoint of then. */
async function interrupted(gcs: GcsEmulator, count: number): Promise<Checkpoint> {
  let saved: Checkpoint | undefined;
  const stopped = put(gcs, new Blob([BYTES]), {
    onCheckpoint(checkpoint) {
      saved = JSON.parse(JSON.stringify(checkpoint));
      if (checkpoint.persisted === count * CHUNK) throw new Error("The process ended");
    },
  });
  await assertRejects(stopped, Error);
  return saved!;
}

/** Uploads in parts until one is stored, and returns the checkpoint of then. */
async function interruptedInParts(
  gcs: GcsEmulator,
  via: "multipart" | "compose",
): Promise<ParallelCheckpoint> {
  let saved: ParallelCheckpoint | undefined;
  const stopped = uploadParallel(new Blob([LARGE]), {
    ...{ bucket: BUCKET, name: "object", transport: gcs.fetch, via, concurrency: 1 },
    partSize: 5 * 1024 * 1024,
    onCheckpoint(checkpoint) {
      saved = JSON.parse(JSON.stringify(checkpoint));
      if (checkpoint.parts.length > 0) throw new Error("The process ended");
    },
  });
  await assertRejects(stopped, Error);
  return saved!;
}

/** Ways to take up an upload of which two chunks are stored. */
const RESUMING: Record<
  string,
  (
    gcs: GcsEmulator,
    from: Checkpoint,
    onProgress: (progress: UploadProgress) => void,
  ) => Promise<unknown>
> = {
  "upload() with a checkpoint": (gcs, checkpoint, onProgress) =>
    put(gcs, new Blob([BYTES]), { checkpoint, onProgress }),
  "upload() with a checkpoint, whose prefix is not read again": (gcs, checkpoint, onProgress) =>
    put(gcs, new Blob([BYTES]), { checkpoint, onProgress, verifyPrefix: false }),
  "upload() with a checkpoint, of a source that is read once": (gcs, checkpoint, onProgress) =>
    put(gcs, pieces(BYTES, 70_001), { checkpoint, onProgress }),
  "upload() by its key": (gcs, checkpoint, onProgress) =>
    put(gcs, new Blob([BYTES]), {
      checkpoints: new Map([["mine", checkpoint]]),
      key: "mine",
      onProgress,
    }),
  "upload() to a session of somebody else's": (gcs, { sessionUrl: session }, onProgress) =>
    upload(new Blob([BYTES]), { session, transport: gcs.fetch, chunkSize: CHUNK, onProgress }),
  "uploadToSession()": (gcs, { sessionUrl }, onProgress) =>
    uploadToSession(new Blob([BYTES]), sessionUrl, {
      transport: gcs.fetch,
      chunkSize: CHUNK,
      onProgress,
    }),
  "ResumableUpload.resume()": (gcs, checkpoint, onProgress) => {
    const retry = { clock: testClock() };
    return finish(
      ResumableUpload.resume(checkpoint, new Blob([BYTES]), { retry, onProgress }),
      gcs.fetch,
    );
  },
  "ResumableUpload.attach()": (gcs, { sessionUrl }, onProgress) =>
    finish(
      ResumableUpload.attach(sessionUrl, new Blob([BYTES]), { chunkSize: CHUNK, onProgress }),
      gcs.fetch,
    ),
};

/** Ways to begin one that is new. */
const NEW: Record<
  string,
  (gcs: GcsEmulator, onProgress: (progress: UploadProgress) => void) => Promise<unknown>
> = {
  "upload()": (gcs, onProgress) => put(gcs, new Blob([BYTES]), { onProgress }),
  "upload() of one request": (gcs, onProgress) =>
    put(gcs, BYTES, { ifGenerationMatch: 0, chunkSize: 4 * CHUNK, onProgress }),
  "upload() by its key": (gcs, onProgress) =>
    put(gcs, new Blob([BYTES]), {
      checkpoints: new Map<string, Checkpoint>(),
      key: "mine",
      onProgress,
    }),
  "upload() by X-Goog-Upload": (gcs, onProgress) =>
    put(gcs, new Blob([BYTES]), { protocol: xGoogUpload, onProgress }),
  "uploadStream()": async (gcs, onProgress) => {
    const { writable, result } = uploadStream(target(gcs, { onProgress }));
    await new Blob([BYTES]).stream().pipeTo(writable);
    await result;
  },
  "uploadToSession()": async (gcs, onProgress) => {
    const place = { bucket: BUCKET, name: "object", transport: gcs.fetch };
    const { url } = await createUploadSession(place);
    await uploadToSession(new Blob([BYTES]), url, { transport: gcs.fetch, onProgress });
  },
  "uploadParallel()": (gcs, onProgress) =>
    uploadParallel(new Blob([BYTES]), {
      ...{ bucket: BUCKET, name: "object", transport: gcs.fetch, onProgress },
      ...{ via: "compose", partSize: CHUNK },
    }),
};

/** Where a run began. */
export const resumedProgress: PortableCase[] = [
  ...Object.entries(RESUMING).map(([way, run]): PortableCase => ({
    name: `progress: ${way} says from the first call on where it goes on`,
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await interrupted(gcs, 2);
      const { seen, onProgress } = listening();
      await run(gcs, checkpoint, onProgress);
      assertBegan(seen, 2 * CHUNK);
      assertEquals(seen[0].sent, 2 * CHUNK, "sent, in the first call");
      assertStored(gcs, BYTES);
    },
  })),
  ...Object.entries(NEW).map(([way, run]): PortableCase => ({
    name: `progress: ${way} of what is new begins at 0`,
    async run() {
      const gcs = new GcsEmulator();
      const { seen, onProgress } = listening();
      await run(gcs, onProgress);
      assertBegan(seen, 0);
      assertStored(gcs, BYTES);
    },
  })),
  {
    name:
      "progress: where a run goes on is the server's word, whether it has less or more than was known",
    async run() {
      const gcs = new GcsEmulator();
      const [one, two] = [await interrupted(gcs, 1), await interrupted(gcs, 2)];
      const rules: [checkpoint: Checkpoint, from: number][] = [
        [{ ...two, sessionUrl: one.sessionUrl }, CHUNK],
        [{ ...one, sessionUrl: two.sessionUrl }, 2 * CHUNK],
      ];
      for (const [checkpoint, from] of rules) {
        const { seen, onProgress } = listening();
        await put(gcs, new Blob([BYTES]), { checkpoint, onProgress });
        assertBegan(seen, from);
      }
    },
  },
  {
    name: "progress: an upload that was finished before has sent nothing in this run",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await interrupted(gcs, 2);
      await put(gcs, new Blob([BYTES]), { checkpoint });
      const { seen, onProgress } = listening();
      await put(gcs, new Blob([BYTES]), { checkpoint, onProgress });
      assertBegan(seen, BYTES.length);
    },
  },
  {
    name: "progress: where a run began stays the same when requests fail after it",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await interrupted(gcs, 1);
      gcs.inject({ on: "chunk", cut: CHUNK / 2 }, { on: "final", drop: "after" });
      const { seen, onProgress } = listening();
      await put(gcs, new Blob([BYTES]), { checkpoint, onProgress });
      assertBegan(seen, CHUNK);
    },
  },
  {
    name: "progress: an upload that begins anew in place of a session that is gone begins at 0",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoints = new Map([["mine", await interrupted(gcs, 2)]]);
      gcs.inject({ on: "status", expire: 410 });
      const { seen, onProgress } = listening();
      await put(gcs, new Blob([BYTES]), { checkpoints, key: "mine", onProgress });
      assertBegan(seen, 0);
    },
  },
  ...(["multipart", "compose"] as const).map((via): PortableCase => ({
    name: `progress: uploadParallel() via ${via} begins behind the parts that are stored`,
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await interruptedInParts(gcs, via);
      const { seen, onProgress } = listening();
      const options = { bucket: BUCKET, name: "object", transport: gcs.fetch };
      await uploadParallel(new Blob([LARGE]), { ...options, via, checkpoint, onProgress });
      assertBegan(seen, checkpoint.parts[0].size, LARGE.length);
      assertEquals(seen[0].sent, checkpoint.parts[0].size, "sent, in the first call");
    },
  })),
  {
    name: "progress: uploadMany() adds up what its files had before the run",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await interruptedInParts(gcs, "multipart");
      const before = checkpoint.parts[0].size;
      const seen: UploadManyProgress[] = [];
      const files = [
        { name: "new", source: () => new Blob([BYTES]) },
        { name: "object", source: () => new Blob([LARGE]) },
      ];
      await uploadMany(files, {
        bucket: BUCKET,
        transport: gcs.fetch,
        retry: { clock: { ...testClock(), now: Date.now } },
        checkpoints: new Map([[`${BUCKET}/object`, checkpoint]]),
        large: inParts({ partSize: 5 * 1024 * 1024 }),
        onProgress: (progress) => void seen.push(progress),
      });
      const sent = BYTES.length + LARGE.length;
      assertEquals(seen.at(-1)?.bytes, { sent, persisted: sent, resumedFrom: before });
      for (const { bytes, inFlight } of seen) {
        assert(bytes.resumedFrom === 0 || bytes.resumedFrom === before, `${bytes.resumedFrom}`);
        assert(bytes.sent >= bytes.resumedFrom, "less was sent than was there before");
        const isNew = inFlight.filter(({ name }) => name === "new");
        assert(isNew.every(({ resumedFrom }) => resumedFrom === 0), "the new file began elsewhere");
      }
    },
  },
];
