// Two processes that go on with one checkpoint of an upload by compose: neither takes away what the other one still needs.

import { assert, assertEquals } from "@std/assert";
import { type Transport, UploadError } from "../../mod.ts";
import {
  inParts,
  type ParallelCheckpoint,
  type ParallelOptions,
  uploadMany,
  uploadParallel,
} from "../../src/parallel/mod.ts";
import type { GcsEmulator } from "../../src/emulator/mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { emulator, PART, SMALL, target } from "./support.ts";

const few = patterned(5 * SMALL + 100);
/** More parts than one request composes. */
const many = patterned(35 * SMALL + 100);

/** How the upload is made, and how far it is when both go on. */
function options(gcs: GcsEmulator, more: Partial<ParallelOptions> = {}): ParallelOptions {
  return target(gcs, { via: "compose", partSize: SMALL, concurrency: 2, ...more });
}

async function begin(
  gcs: GcsEmulator,
  file: Uint8Array<ArrayBuffer>,
  stored: number,
): Promise<ParallelCheckpoint> {
  let saved: ParallelCheckpoint | undefined;
  const onCheckpoint = (checkpoint: ParallelCheckpoint) => {
    saved = structuredClone(checkpoint);
    if (checkpoint.parts.length >= stored) throw new Error("The process ends");
  };
  await uploadParallel(file, options(gcs, { concurrency: 1, onCheckpoint })).catch(() => {});
  return saved!;
}

const sumOf = (file: Uint8Array<ArrayBuffer>) => encodeCrc32c(crc32c(file));

function assertStored(gcs: GcsEmulator, file: Uint8Array<ArrayBuffer>, message: string): void {
  assertEquals(gcs.get("my-bucket", "object")?.crc32c, sumOf(file), message);
}

/** The transport of a process that is killed at that request: it is sent, or not, and nothing after it. */
function killedAt(gcs: GcsEmulator, at: number, arrives: boolean): Transport {
  let count = 0;
  return async (url, init) => {
    const number = count++;
    if (number < at || (number === at && arrives)) {
      const reply = await gcs.fetch(url, init);
      if (number < at) return reply;
    }
    throw new UploadError("invalid_state", "The process is dead");
  };
}

for (const [what, file, stored, step] of [["few", few, 3, 1], ["many", many, 30, 4]] as const) {
  Deno.test(`a process is not disturbed by another one that takes up the same checkpoint and dies: ${what} parts`, async () => {
    for (let at = 0; at < 10; at += step) {
      for (let dies = 0; dies < 10; dies += step) {
        const gcs = emulator();
        const checkpoint = await begin(gcs, file, stored);
        let count = 0;
        const transport: Transport = async (url, init) => {
          if (count++ === at) {
            const other = options(gcs, {
              checkpoint,
              transport: killedAt(gcs, dies, dies % 2 > 0),
            });
            await uploadParallel(file, { ...other, retry: false }).catch(() => {});
          }
          return await gcs.fetch(url, init);
        };
        const object = await uploadParallel(file, options(gcs, { checkpoint, transport }))
          .catch((error) => {
            throw new Error(`${at}, ${dies}: ${error.message}`, { cause: error });
          });
        assertEquals(object.size, String(file.length));
        assertStored(gcs, file, `${at}, ${dies}`);
      }
    }
  });

  Deno.test(`a process ends with the object that another one makes of its parts meanwhile: ${what} parts`, async () => {
    for (let at = 0; at < 14; at += step) {
      for (const isStream of [false, true]) {
        const gcs = emulator();
        const checkpoint = await begin(gcs, file, stored);
        let count = 0;
        const transport: Transport = async (url, init) => {
          if (count++ === at) await uploadParallel(file, options(gcs, { checkpoint }));
          return await gcs.fetch(url, init);
        };
        const source = isStream ? new Blob([file]).stream() : file;
        const object = await uploadParallel(source, options(gcs, { checkpoint, transport }))
          .catch((error) => {
            throw new Error(`${at}, ${isStream}: ${error.message}`, { cause: error });
          });
        assertEquals(object.size, String(file.length));
        assertStored(gcs, file, `${at}, ${isStream}`);
      }
    }
  });
}

Deno.test("a checkpoint that is older than the parts of another process takes none of them away", async () => {
  const gcs = emulator();
  const old = await begin(gcs, few, 1);
  const recorded = await begin(gcs, few, 1); // another upload, of which nothing is touched either
  const checkpoints: ParallelCheckpoint[] = [];
  const onCheckpoint = (saved: ParallelCheckpoint) => {
    checkpoints.push(structuredClone(saved));
    if (saved.parts.length === 4) throw new Error("It stands still");
  };
  const ahead = options(gcs, { checkpoint: old, concurrency: 1, onCheckpoint });
  await uploadParallel(few, ahead).catch(() => {});
  const before = new Map(gcs.objects.map(({ name, generation }) => [name, generation]));
  const other = options(gcs, { checkpoint: old, transport: killedAt(gcs, 3, true) });
  await uploadParallel(few, { ...other, retry: false }).catch(() => {});
  for (const { name, generation } of gcs.objects) {
    if (before.has(name)) assertEquals(generation, before.get(name), name);
    before.delete(name);
  }
  assertEquals([...before.keys()], []);
  await uploadParallel(few, options(gcs, { checkpoint: checkpoints.at(-1) }));
  assertStored(gcs, few, "the one that was ahead");
  const left = gcs.objects.filter(({ name }) => name !== "object").map(({ name }) => name);
  assertEquals(left, [`${recorded.uploadId}1-1`]);
});

Deno.test("of two files of one size nothing is ever composed of parts of both", async () => {
  const other = few.slice();
  for (let i = 0; i < other.length; i += SMALL) other[i] ^= 1;
  for (let at = 0; at < 10; at++) {
    for (const checksum of ["auto", "crc32c"] as const) {
      const gcs = emulator();
      const checkpoint = { ...await begin(gcs, few, 1), parts: [] };
      let count = 0;
      const transport: Transport = async (url, init) => {
        if (count++ === at) {
          await uploadParallel(other, options(gcs, { checkpoint, checksum })).catch(() => {});
        }
        const reply = await gcs.fetch(url, init);
        const now = gcs.get("my-bucket", "object")?.crc32c;
        assert([undefined, sumOf(few), sumOf(other)].includes(now), `${at}: a mixture`);
        return reply;
      };
      const outcome = await uploadParallel(few, options(gcs, { checkpoint, checksum, transport }))
        .then(() => "done", (error) => error.code);
      if (outcome === "done") assertStored(gcs, few, `${at}`);
      else assertEquals(outcome, "session_gone");
    }
  }
});

Deno.test("a part that arrived damaged is removed as it was, and not the good one that has replaced it", async () => {
  const gcs = emulator();
  const checkpoint = await begin(gcs, few, 3);
  let damaged = false;
  const transport: Transport = async (url, init) => {
    const reply = await gcs.fetch(url, init);
    if (!/uploadType=multipart/.test(url) || damaged) return reply;
    damaged = true;
    const part = await reply.json();
    // Another process has found it, removed it, and stored it anew.
    const name = `${gcs.objects.find((object) => object.name === part.name)!.name}`;
    const path = `https://storage.googleapis.com/storage/v1/b/my-bucket/o/${
      encodeURIComponent(name)
    }`;
    await gcs.fetch(path, { method: "DELETE" });
    await uploadParallel(few, options(gcs, { checkpoint, transport: killedAt(gcs, 3, true) }))
      .catch(() => {});
    return Response.json({ ...part, crc32c: "AAAAAA==" });
  };
  const deleted: string[] = [];
  const noting: Transport = (url, init) => {
    if (init.method === "DELETE") deleted.push(url);
    return transport(url, init);
  };
  await uploadParallel(few, options(gcs, { checkpoint, transport: noting, concurrency: 1 }));
  assertStored(gcs, few, "damaged on its way");
  assert(deleted.every((url) => /[?&]generation=\d/.test(url)), deleted.join("\n"));
  assert(deleted.length > 0);
});

for (const code of ["session_gone", "replaced"] as const) {
  Deno.test(`of many files one whose kept upload is another process's takes nothing of that away: ${code}`, async () => {
    const gcs = emulator();
    const file = patterned(9 * 1024 * 1024);
    const checkpoint = await begin(gcs, file, 30);
    const parts = gcs.objects.length;
    let during = Infinity;
    const transport: Transport = async (url, init) => {
      if (code === "session_gone" && /\/compose(\?|$)/.test(url)) {
        return Response.json({ error: { code: 404 } }, { status: 404 });
      }
      if (code === "replaced") {
        const left = gcs.objects.filter(({ name }) => name.startsWith(checkpoint.uploadId));
        if (!gcs.get("my-bucket", "object")) during = Math.min(during, left.length);
      }
      return await gcs.fetch(url, init);
    };
    const store = new Map<string, ParallelCheckpoint>([["my-bucket/object", checkpoint]]);
    const kept = code === "replaced" ? { ...checkpoint, lastModified: 1 } : checkpoint;
    store.set("my-bucket/object", kept);
    const source = new File([file], "a", { lastModified: 2 });
    const { uploaded } = await uploadMany([{ name: "object", source }], {
      bucket: "my-bucket",
      transport,
      retry: { clock: fakeClock(), maxAttempts: 2 },
      ifGenerationMatch: 0,
      large: inParts({ above: PART, partSize: SMALL }),
      checkpoints: store as never,
    });
    const left = gcs.objects.filter(({ name }) => name.startsWith(checkpoint.uploadId)).length;
    if (code === "replaced") {
      assertEquals([uploaded, during, left], [1, parts, 0]); // it goes when its key has another object
    } else assert(uploaded === 0 && left >= parts, `${uploaded} ${left} ${parts}`);
    assertEquals(store.size, 0);
  });
}
