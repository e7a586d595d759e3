// Many files of a folder: read streams, handles and the files of Bun; each is closed, and one that is missing fails alone.

import { createReadStream, writeFileSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { uploadMany, type UploadManyOptions } from "../../../src/parallel/mod.ts";
import { assert, assertEquals, assertRejects } from "../../portable/assert.ts";
import { assertStored, BUCKET, pattern, testClock } from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { asSource, descriptors, folder, pause } from "../support.ts";
import { until } from "../../support/until.ts";

/** Ways to open a file. */
const WAYS: Readonly<Record<string, (path: string) => UploadSource | Promise<UploadSource>>> = {
  "read streams": (path) => asSource(createReadStream(path)),
  async handles(path) {
    const file = await open(path);
    return {
      size: (await file.stat()).size,
      async read(offset, length) {
        const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
      close: () => file.close(),
    };
  },
  "Bun's files": (path) =>
    (globalThis as unknown as { Bun: { file(path: string): Blob } }).Bun.file(path),
};

const COUNT = 60;

/** A folder of files of many sizes. */
function filled(): string {
  const path = folder();
  for (let i = 0; i < COUNT; i++) writeFileSync(join(path, `file ${i}`), contentOf(i));
  return path;
}

const contentOf = (i: number) => pattern([0, 1, 70_000, 300_000][i % 4], i + 1);

async function* itemsOf(path: string, open: typeof WAYS[string], ...more: string[]) {
  for (const name of [...await readdir(path), ...more]) {
    yield { name, source: () => open(join(path, name)) };
  }
}

function into(gcs: GcsEmulator, more: Partial<UploadManyOptions> = {}): UploadManyOptions {
  const retry = { clock: testClock() };
  return { bucket: BUCKET, transport: gcs.fetch, concurrency: 8, retry, ...more };
}

/** Many files from a disk. */
export const manyFiles: NodeCase[] = Object.entries(WAYS).flatMap(([way, openFile]): NodeCase[] => {
  const runtimes = way.startsWith("Bun") ? { runtimes: ["bun"] } : {};
  return [
    {
      name: `many: ${way} of a folder arrive, one that is missing fails alone, and all are closed`,
      ...runtimes,
      async run() {
        const path = filled(), gcs = new GcsEmulator({ md5: false }), before = descriptors();
        const missing: unknown[] = [];
        const options = into(gcs, {
          skipExisting: true,
          onResult: (result) => void (result.status === "failed" && missing.push(result.name)),
        });
        const summary = await uploadMany(itemsOf(path, openFile, "none"), options);
        assertEquals([summary.uploaded, summary.failed], [COUNT, 1]);
        assertEquals(missing, ["none"]);
        for (let i = 0; i < COUNT; i++) assertStored(gcs, contentOf(i), `file ${i}`);
        await assertClosed(before);
      },
    },
    {
      name: `many: ${way} are closed when the run is aborted`,
      ...runtimes,
      async run() {
        const path = filled(), gcs = new GcsEmulator({ md5: false }), stop = new AbortController();
        const before = descriptors();
        let heard = 0;
        const options = into(gcs, {
          signal: stop.signal,
          onResult() {
            if (++heard === 5) gcs.inject({ hang: "before", times: Infinity });
          },
        });
        const run = uploadMany(itemsOf(path, openFile), options);
        await Promise.all([assertRejects(run, DOMException), pause(50).then(() => stop.abort())]);
        assert(run.summary.uploaded < COUNT, "everything was uploaded");
        await assertClosed(before);
      },
    },
  ];
});

/** What was opened is closed, in a moment. */
async function assertClosed(before: number): Promise<void> {
  await until(() => descriptors() <= before, () => `${descriptors() - before} are left open`);
}
