// Random files, faults and crashes: run after run, until the manifest says that all is done, each object is exact and stored once.

import { assert, assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import type { UploadManyItem, UploadManyOptions } from "../../src/parallel/mod.ts";
import { asyncPieces, defaultStream, patterned, pieces } from "../support/bytes.ts";
import { runsOf, seedOf } from "../properties/support/property.ts";
import { BUCKET, CountedFile, start } from "./many_support.ts";

const SEEDS = Array.from({ length: Math.max(12, runsOf(12)) }, (_, i) => seedOf() + i);
const QUANTUM = 262_144;

/** Numbers from a seed: https://en.wikipedia.org/wiki/Xorshift */
function chance(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Plan {
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly open: Set<string>;
  items(): Generator<UploadManyItem>;
}

function plan(random: (below: number) => number): Plan {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const count = 1 + random(40);
  for (let i = 0; i < count; i++) {
    const most = [1, 100, QUANTUM + 2, 4 * QUANTUM][random(4)];
    files.set(`folder ${random(3)}/${i}`, patterned(random(most), i + 1));
  }
  const open = new Set<string>();
  const source = (bytes: Uint8Array<ArrayBuffer>) => {
    switch (random(5)) {
      case 0:
        return bytes;
      case 1:
        return new Blob([bytes]);
      case 2:
        return new CountedFile(bytes);
      case 3:
        return defaultStream(pieces(bytes, 50_000, 7));
      default:
        return asyncPieces(pieces(bytes, 99_999));
    }
  };
  const items = function* () {
    for (const [name, bytes] of files) {
      const isListed = random(2) === 0;
      yield {
        name,
        source() {
          assert(!open.has(name));
          open.add(name);
          return source(bytes);
        },
        close: () => void open.delete(name),
        ...(isListed && { size: bytes.length, lastModified: 1 }),
      };
    }
  };
  return { files, open, items };
}

for (const seed of SEEDS) {
  Deno.test(`run after run, with faults and aborts, each file is stored (seed ${seed})`, async () => {
    const random = chance(seed), { files, open, items } = plan(random);
    const gcs = new GcsEmulator({ seed, sleep: () => Promise.resolve() });
    const skipExisting = random(2) === 0;
    const options: Partial<UploadManyOptions> = {
      concurrency: 1 + random(8),
      memoryLimit: 1 + random(4 * QUANTUM),
      chunkSize: QUANTUM,
      skipExisting,
      repeatable: !skipExisting && random(2) === 0,
    };
    let log = "", uploaded = 0, runs = 0;
    for (let isDone = false; !isDone; runs++) {
      const isCalm = runs >= 4;
      const rate = isCalm ? 0 : 0.08;
      gcs.randomFaults({ dropBefore: rate, dropAfter: rate, cut: rate, status: rate });
      const stop = new AbortController();
      const abortAfter = isCalm ? Infinity : 1 + random(2 * files.size);
      let heard = 0;
      const { run, results } = start(items(), {
        ...options,
        ...(random(3) === 0 && !isCalm && { retry: false }),
        signal: stop.signal,
        manifest: { previous: log, write: (line) => void (log += line) },
        onResult: () => {
          if (++heard === abortAfter) stop.abort();
        },
      }, gcs);
      isDone = await run.then(({ failed }) => failed === 0, () => false);
      const { summary } = run;
      assertEquals(results.length, summary.uploaded + summary.skipped + summary.failed);
      assertEquals(new Set(results.map(({ name }) => name)).size, results.length);
      assertEquals([...open], [], "what was opened is closed");
      uploaded += summary.uploaded;
      for (const result of results) {
        if (result.status === "failed") continue;
        assertEquals(gcs.get(BUCKET, result.name)?.bytes, files.get(result.name), result.name);
      }
      if (isCalm && !isDone) throw new Error(`not done without faults: ${log}`);
      if (random(3) === 0) log = log.slice(0, random(log.length + 1)); // killed while it wrote
    }
    assertEquals(gcs.objects.length, files.size);
    assert(uploaded <= files.size * runs);
  });
}
