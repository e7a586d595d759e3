// A resumed upload reads again what is stored already. Stopping it there harms nothing.

import { type Checkpoint, ResumableUpload, upload, type UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { fakeClock, idle } from "./retry_support.ts";
import {
  assertCode,
  assertStored,
  CHUNK,
  deferred,
  finish,
  opened,
  pattern,
  storedCheckpoint,
  target,
} from "./upload_support.ts";

const bytes = pattern(3 * CHUNK + 100);
const PIECE = 50_000;
const reason = new Error("the user pressed pause");

/** Called before the bytes at `offset` are given. */
type Hook = (offset: number) => void | Promise<void>;

/** Sources that say when they are read, and wait when they are told to. */
const SOURCES: Record<string, (hook: Hook) => UploadSource> = {
  "{ size, read }": (hook) => ({ size: bytes.length, read: reader(hook) }),
  "{ read }": (hook) => ({ read: reader(hook) }),
  "a stream": (hook) => {
    let at = 0;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        await hook(at);
        if (at < bytes.length) controller.enqueue(bytes.slice(at, at += PIECE));
        else controller.close();
      },
    }, { highWaterMark: 0 });
  },
  "an iterable": async function* (hook) {
    for (let at = 0; at < bytes.length; at += PIECE) {
      await hook(at);
      yield bytes.slice(at, at + PIECE);
    }
  },
};

function reader(hook: Hook) {
  return async (offset: number, length: number): Promise<Uint8Array> => {
    await hook(offset);
    return bytes.slice(offset, offset + Math.min(length, PIECE));
  };
}

/** An upload of which two chunks are stored, and whose process ended. */
async function interrupted(): Promise<{ gcs: GcsEmulator; checkpoint: Checkpoint }> {
  const gcs = new GcsEmulator();
  const before = await opened(gcs.fetch, new Blob([bytes]));
  for (let i = 0; i < 2; i++) await before.transmitNextChunk(gcs.fetch);
  return { gcs, checkpoint: storedCheckpoint(before) };
}

const resumed = (checkpoint: Checkpoint, source: UploadSource) =>
  ResumableUpload.resume(checkpoint, source, { retry: { clock: fakeClock() } });

const kinds: PortableCase[] = Object.entries(SOURCES).flatMap(([kind, make]): PortableCase[] => [
  {
    name: `${kind}: an abort while the stored part is read leaves the upload resumable, twice too`,
    async run() {
      const { gcs, checkpoint } = await interrupted();
      const places = [2 * PIECE, 7 * PIECE];
      let abort = new AbortController();
      const source = make((offset) => {
        if (offset < (places[0] ?? Infinity)) return;
        places.shift();
        abort.abort(reason);
      });
      const again = resumed(checkpoint, source);
      for (let i = 0; i < 2; i++) {
        abort = new AbortController();
        const recovering = again.recover(gcs.fetch, { signal: abort.signal });
        assert(await assertRejects(recovering, Error) === reason, "not the reason of the abort");
        assertEquals([again.finished, again.invalid], [false, true]);
      }
      assertEquals((await again.recover(gcs.fetch)).status, 308);
      assertEquals(again.bytesUploaded, 2 * CHUNK);
      await finish(again, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
  {
    name: `${kind}: an abort while a piece of the stored part is waited for is heard at once`,
    async run() {
      const { gcs, checkpoint } = await interrupted();
      const reached = deferred();
      const release = deferred();
      let held = false;
      const again = resumed(
        checkpoint,
        make(async (offset) => {
          if (held || offset < 3 * PIECE) return;
          held = true;
          reached.resolve();
          await release.promise;
        }),
      );
      const abort = new AbortController();
      const recovering = again.recover(gcs.fetch, { signal: abort.signal });
      await reached.promise;
      abort.abort(reason);
      assert(await assertRejects(recovering, Error) === reason, "not the reason of the abort");
      const next = again.recover(gcs.fetch); // the piece is still waited for
      await idle();
      release.resolve();
      assertEquals((await next).status, 308);
      await finish(again, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
  {
    name: `${kind}: transmitNextChunk() that is aborted in the stored part can be called again`,
    async run() {
      const { gcs, checkpoint } = await interrupted();
      const abort = new AbortController();
      const again = resumed(
        checkpoint,
        make((offset) => {
          if (offset >= 2 * PIECE) abort.abort(reason);
        }),
      );
      const sending = again.transmitNextChunk(gcs.fetch, { signal: abort.signal });
      assert(await assertRejects(sending, Error) === reason, "not the reason of the abort");
      await finish(again, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
  {
    name: `${kind}: after close() the stored part is not read on`,
    async run() {
      const { gcs, checkpoint } = await interrupted();
      const reached = deferred();
      const release = deferred();
      let reads = 0;
      const again = resumed(
        checkpoint,
        make(async (offset) => {
          reads++;
          if (offset < 3 * PIECE) return;
          reached.resolve();
          await release.promise;
        }),
      );
      const recovering = again.recover(gcs.fetch).catch((error: unknown) => error);
      await reached.promise;
      const closing = again.close(reason);
      const before = reads;
      release.resolve();
      await closing;
      assert(await recovering instanceof Error, "recover() went on");
      await idle();
      assertEquals(reads, before, "reads");
      await assertCode(again.recover(gcs.fetch), "invalid_state");
      await assertCode(again.transmitNextChunk(gcs.fetch), "invalid_state");
      assertEquals(gcs.objects.length, 0, "the number of objects");
    },
  },
  {
    name:
      `${kind}: upload() that is aborted in the stored part reads no more, and its checkpoint is good`,
    async run() {
      const { gcs, checkpoint } = await interrupted();
      const abort = new AbortController();
      let reads = 0;
      const source = make((offset) => {
        reads++;
        if (offset >= 2 * PIECE) abort.abort(reason);
      });
      const retry = { clock: fakeClock() };
      const { transport } = target(gcs);
      const running = upload(source, { checkpoint, transport, retry, signal: abort.signal });
      assert(await assertRejects(running, Error) === reason, "not the reason of the abort");
      const before = reads;
      await idle();
      assertEquals(reads, before, "reads");
      await upload(make(() => {}), { checkpoint, transport, retry });
      assertStored(gcs, bytes);
    },
  },
]);

/** Stopping while the stored part is read. */
export const retryPrefixes: PortableCase[] = [
  ...kinds,
  {
    name: "another source is still found out after an abort in the stored part",
    async run() {
      const { gcs, checkpoint } = await interrupted();
      const other = bytes.slice();
      other[CHUNK + 7] ^= 1;
      const abort = new AbortController();
      const again = resumed(checkpoint, {
        size: other.length,
        read(offset, length) {
          if (offset >= CHUNK) abort.abort(reason);
          return Promise.resolve(other.slice(offset, offset + length));
        },
      });
      await assertRejects(again.recover(gcs.fetch, { signal: abort.signal }), Error);
      await assertCode(again.recover(gcs.fetch), "source_changed");
    },
  },
  {
    name: "a signal that is aborted already stops recover() before anything is read or sent",
    async run() {
      const { gcs, checkpoint } = await interrupted();
      const before = gcs.requests.length;
      const again = resumed(checkpoint, new Blob([bytes]));
      const signal = AbortSignal.abort(reason);
      assert(await assertRejects(again.recover(gcs.fetch, { signal }), Error) === reason, "reason");
      assertEquals(gcs.requests.length, before, "requests");
      await again.recover(gcs.fetch);
      await finish(again, gcs.fetch);
      assertStored(gcs, bytes);
    },
  },
];
