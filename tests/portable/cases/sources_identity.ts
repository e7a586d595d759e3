// What a source that can be read anywhere says of itself: its media type, and what a checkpoint knows it by.

import { type Checkpoint, ResumableUpload, upload, UploadError } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf, store } from "./sources_support.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  opened,
  pattern,
  storedCheckpoint,
} from "./upload_support.ts";

const bytes = pattern(3 * CHUNK + 77);

/** A source with these members besides its bytes. */
const sourceWith = (more: object) => ({
  size: bytes.length,
  read: (offset: number, length: number) => Promise.resolve(bytes.slice(offset, offset + length)),
  ...more,
});

const ME = { lastModified: 981_173_106_000, identity: "inode 5" };

/** A checkpoint of an upload of this source, in its middle. */
async function checkpointOf(gcs: GcsEmulator, more: object): Promise<Checkpoint> {
  const resumable = await opened(gcs.fetch, sourceWith(more));
  await resumable.transmitNextChunk(gcs.fetch);
  return storedCheckpoint(resumable);
}

/** Ways to go on from a checkpoint. */
const WAYS: Readonly<
  Record<string, (gcs: GcsEmulator, checkpoint: Checkpoint, more: object) => unknown>
> = {
  "upload()": (gcs, checkpoint, more) =>
    upload(sourceWith(more), { checkpoint, transport: gcs.fetch }),
  "upload() without reading again": (gcs, checkpoint, more) =>
    upload(sourceWith(more), { checkpoint, transport: gcs.fetch, verifyPrefix: false }),
  "resume()": async (gcs, checkpoint, more) => {
    const resumable = ResumableUpload.resume(checkpoint, sourceWith(more));
    while (!resumable.finished) await resumable.transmitNextChunk(gcs.fetch);
  },
};

/** Sources that say what they are. */
export const sourcesIdentity: PortableCase[] = [
  {
    name: "the type of { size, read } is the media type, unless the caller says another one",
    async run() {
      const stored = async (more: object, extra = {}) => {
        const gcs = new GcsEmulator();
        await store(gcs, sourceWith(more), extra);
        return gcs.get(BUCKET, "object")?.contentType;
      };
      assertEquals(await stored({ type: "image/png" }), "image/png");
      assertEquals(await stored({ type: "image/png" }, { contentType: "a/b" }), "a/b");
      assertEquals(await stored({ type: undefined }), "application/octet-stream");
    },
  },
  {
    name: "a checkpoint has what { size, read } says of itself, and nothing where it says nothing",
    async run() {
      const { lastModified, identity } = await checkpointOf(new GcsEmulator(), ME);
      assertEquals({ lastModified, identity }, ME);
      for (
        const more of [{}, { lastModified: undefined, identity: undefined }, { lastModified: NaN }]
      ) {
        const names = Object.keys(await checkpointOf(new GcsEmulator(), more));
        assert(!names.includes("identity") && !names.includes("lastModified"), names.join());
      }
    },
  },
  ...Object.entries(WAYS).map(([way, goOn]): PortableCase => ({
    name:
      `${way} takes up a checkpoint with the source that it knows, or that says nothing, and with no other`,
    async run() {
      for (const more of [{ ...ME, identity: "inode 6" }, { ...ME, lastModified: 1 }]) {
        const gcs = new GcsEmulator();
        const checkpoint = await checkpointOf(gcs, ME);
        const before = gcs.requests.length;
        const error = await failureOf(() => goOn(gcs, checkpoint, more), way);
        assert(error instanceof UploadError && error.code === "source_changed", `${error}`);
        assertEquals(gcs.requests.length, before, "requests");
      }
      for (const [before, now] of [[ME, ME], [ME, {}], [{}, ME]]) {
        const gcs = new GcsEmulator();
        await goOn(gcs, await checkpointOf(gcs, before), now);
        assertStored(gcs, bytes);
      }
    },
  })),
  {
    name: "a checkpoint with an identity that cannot be is refused",
    async run() {
      const gcs = new GcsEmulator();
      const checkpoint = await checkpointOf(gcs, ME);
      for (const identity of [5, null, "x".repeat(257)]) {
        const wrong = { ...checkpoint, identity } as unknown as Checkpoint;
        const error = await failureOf(() => WAYS["upload()"](gcs, wrong, ME));
        assert(error instanceof UploadError && error.code === "invalid_checkpoint", `${error}`);
      }
    },
  },
];
