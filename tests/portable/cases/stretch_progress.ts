// What callers hear of a long request: how much was taken, what is confirmed, where it can be taken up.

import type { Checkpoint, UploadProgress } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf } from "./sources_support.ts";
import {
  kept,
  long,
  manualClock,
  MIB,
  Recorder,
  send,
  sendTo,
  streams,
} from "./stretch_support.ts";
import { assertStored, chunks } from "./upload_support.ts";

const SIZE = 12 * MIB + 7;

/** Fails unless neither number goes down, and nothing is confirmed that was not sent. */
function assertHonest(calls: readonly UploadProgress[], size: number): void {
  let last = { sent: 0, persisted: 0 };
  for (const { sent, persisted, total } of calls) {
    assert(sent >= last.sent, `sent went from ${last.sent} to ${sent}`);
    assert(persisted >= last.persisted, `persisted went from ${last.persisted} to ${persisted}`);
    assert(persisted <= sent && sent <= size, `${persisted} of ${sent} of ${size} bytes`);
    assertEquals(total, size, "total");
    last = { sent, persisted };
  }
  assertEquals(last, { sent: size, persisted: size }, "the last call");
}

/** Calls that are no confirmation. */
function betweenConfirmations(calls: readonly UploadProgress[]): number[] {
  return calls.filter(({ persisted }, i) => persisted === (calls[i - 1]?.persisted ?? 0))
    .map(({ sent }) => sent);
}

/** Progress and checkpoints. */
export const stretchProgress: PortableCase[] = [
  {
    name: "stretch: `sent` rises within a request, never ahead of what was read",
    async run(context) {
      if (!streams(context)) return; // a page is not told
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const recorder = new Recorder();
      const calls: UploadProgress[] = [];
      const source = recorder.source(long(SIZE), { before: () => clock.advance(100) });
      await send(gcs, source, {
        retry: { clock },
        onProgress(progress) {
          assert(
            progress.sent <= recorder.bytesRead,
            `${progress.sent} sent, ${recorder.bytesRead} read`,
          );
          calls.push(progress);
        },
      });
      assertHonest(calls, SIZE);
      const within = calls.filter(({ persisted }) => persisted === 0).map(({ sent }) => sent);
      assert(new Set(within).size >= 10, `${within}`);
    },
  },
  {
    name:
      "stretch: within a streamed request `sent` is told at most ten times a second, and each confirmation at once",
    async run(context) {
      if (!streams(context)) return;
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const calls: { readonly at: number; readonly persisted: number }[] = [];
      const source = new Recorder().source(long(SIZE), { before: () => clock.advance(30) });
      const onProgress = ({ persisted }: UploadProgress) => {
        calls.push({ at: clock.now(), persisted });
      };
      await send(gcs, source, { chunkSize: 4 * MIB, retry: { clock }, onProgress });
      const confirmations = new Set(calls.map(({ persisted }) => persisted));
      assertEquals([...confirmations].filter((n) => n > 0), [4 * MIB, 8 * MIB, 12 * MIB, SIZE]);
      calls.forEach(({ at, persisted }, i) => {
        const before = calls[i - 1];
        // What follows 12 MiB is handed over in one piece, and told at once.
        if (!before || persisted > before.persisted || persisted === 12 * MIB) return;
        assert(at - before.at >= 100, `${at - before.at} ms: ${JSON.stringify(calls)}`);
      });
    },
  },
  {
    name: "stretch: over a connection, progress is honest, also after a reset in the middle",
    async run({ origin, runtime }) {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", cut: 3 * MIB + 5 }, { on: "chunk", status: 503, afterBytes: MIB });
      const calls: UploadProgress[] = [];
      const onProgress = (progress: UploadProgress) => void calls.push(progress);
      await send(gcs, new Recorder().source(long(SIZE)), { onProgress });
      assertHonest(calls, SIZE);
      assert(calls.some(({ persisted }) => persisted === 3 * MIB), "the confirmation of 3 MiB");
      calls.length = 0;
      await sendTo(origin, `progress-${runtime}`, new Recorder().source(long(SIZE)), {
        onProgress,
      });
      assertHonest(calls, SIZE);
    },
  },
  {
    name: "stretch: what onProgress throws in the middle of a request ends the upload with it",
    async run(context) {
      if (!streams(context)) return;
      const own = new RangeError("a mistake in the program");
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const recorder = new Recorder();
      const source = recorder.source(long(SIZE), { before: () => clock.advance(100) });
      const onProgress = ({ sent }: UploadProgress) => {
        if (sent >= 4 * MIB) throw own;
      };
      const error = await failureOf(() => send(gcs, source, { retry: { clock }, onProgress }));
      assert(error === own, `rejected with ${error}`);
      assertEquals([gcs.objects.length, recorder.closed], [0, 1], "objects, and calls of close()");
    },
  },
  {
    name: "stretch: a checkpoint is made at the start and after every confirmation",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", skip: 1, cut: 3 * MIB + 5 });
      const persisted: number[] = [];
      await send(gcs, new Recorder().source(long(SIZE)), {
        chunkSize: 4 * MIB,
        onCheckpoint: (checkpoint) => void persisted.push(checkpoint.persisted),
      });
      assertEquals(
        persisted,
        [0, 4 * MIB, 7 * MIB, 11 * MIB],
      );
    },
  },
  {
    name:
      "stretch: an upload that was stopped in a long request goes on from its checkpoint, with no byte sent twice",
    async run() {
      for (const verifyPrefix of [true, false]) {
        const gcs = new GcsEmulator({ md5: false });
        gcs.inject({ on: "chunk", skip: 1, cut: 2 * MIB + 5 });
        let saved: Checkpoint | undefined;
        const bytes = long(SIZE);
        const error = await failureOf(() =>
          send(gcs, new Recorder().source(bytes), {
            chunkSize: 4 * MIB,
            retry: false,
            onCheckpoint: (checkpoint) => void (saved = JSON.parse(JSON.stringify(checkpoint))),
          })
        );
        assert(error !== undefined, "the upload went on");
        assertEquals(saved?.persisted, 4 * MIB, "the checkpoint");
        const recorder = new Recorder();
        const more = { bucket: undefined, name: undefined, chunkSize: undefined };
        await send(gcs, recorder.source(bytes), { ...more, checkpoint: saved, verifyPrefix });
        assertStored(gcs, bytes);
        const next = chunks(gcs)[2].contentRange;
        assert(next?.startsWith(`bytes ${kept(6 * MIB + 5)}-`), `${next}`);
        if (!verifyPrefix) {
          const first = Math.min(...recorder.reads.map(({ offset }) => offset));
          assertEquals(first, 4 * MIB, "where reading begins");
        }
      }
    },
  },
  {
    name: "stretch: confirmations are told between pieces, not instead of them",
    async run(context) {
      if (!streams(context)) return;
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const calls: UploadProgress[] = [];
      const source = new Recorder().source(long(SIZE), { before: () => clock.advance(100) });
      const onProgress = (progress: UploadProgress) => void calls.push(progress);
      await send(gcs, source, { chunkSize: 4 * MIB, retry: { clock }, onProgress });
      assert(betweenConfirmations(calls).length >= 6, JSON.stringify(calls));
    },
  },
];
