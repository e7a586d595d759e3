// The window over a stream: chunks, bytes that are handed out again, and how far it reads ahead.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ReplayWindow } from "../../src/bytes/replay_window.ts";
import type { SequentialSource } from "../../src/bytes/sequential.ts";
import { takeSource, type UploadSource } from "../../src/bytes/source.ts";
import { UploadError } from "../../src/errors.ts";
import { asyncPieces, byteStream, defaultStream, patterned, pieces } from "../support/bytes.ts";

const CHUNK = 100;

async function windowOf(source: UploadSource, declared?: number) {
  const seen: number[] = [];
  const opened = await takeSource(source).open();
  if (opened.kind !== "sequential") throw new Error("expected a source that is read once");
  const window = new ReplayWindow(opened, {
    chunkSize: CHUNK,
    granularity: 1,
    declared,
    onBytes: (bytes) => void seen.push(...bytes),
  });
  return { window, seen };
}

/** A source without a size, in pieces. */
const stream = (data: Uint8Array<ArrayBuffer>) => defaultStream(pieces(data, 30, 1));

/** Reads on to a place. */
async function skip(window: ReplayWindow, offset: number): Promise<void> {
  while (!(await window.skipTowards(offset))) { /* one step */ }
}

const kinds: [kind: string, make: (data: Uint8Array<ArrayBuffer>) => UploadSource][] = [
  ["a default stream", stream],
  ["a stream of one piece", (data) => defaultStream(data.length > 0 ? [data] : [])],
  ["a byte stream", (data) => byteStream(data, 37)],
  ["an iterable", (data) => asyncPieces(pieces(data, 99, 2))],
  [
    "a ByteSource of unknown size",
    (data) => ({ read: (o, n) => Promise.resolve(data.slice(o, o + n)) }),
  ],
];

for (const [kind, make] of kinds) {
  for (const size of [0, 1, 99, 100, 101, 199, 200, 201, 250]) {
    Deno.test(`${kind} of ${size} bytes comes in chunks of ${CHUNK}, of which the last one tells the size`, async () => {
      const data = patterned(size);
      const { window, seen } = await windowOf(make(data));
      const got: number[] = [];
      const totals: (number | undefined)[] = [];
      do {
        const chunk = await window.take(got.length);
        assertEquals(chunk.offset, got.length);
        got.push(...chunk.bytes);
        totals.push(chunk.total);
        window.release(got.length);
      } while (totals.at(-1) === undefined);
      assertEquals(new Uint8Array(got), data);
      assertEquals(
        totals.length,
        Math.max(1, Math.ceil(size / CHUNK)),
        "no empty chunk at the end",
      );
      assertEquals(totals.at(-1), size);
      assertEquals(new Uint8Array(seen), data, "each byte is seen once, in order");
      await window.close();
    });
  }

  Deno.test(`${kind}: unconfirmed bytes are handed out again, from any place within the chunk`, async () => {
    const data = patterned(250);
    const { window, seen } = await windowOf(make(data));
    for (const offset of [0, 0, 40, 99]) {
      assertEquals((await window.take(offset)).bytes, data.subarray(offset, 100));
      window.release(offset);
    }
    window.release(100);
    assertEquals((await window.take(100)).bytes, data.subarray(100, 200));
    window.release(200);
    for (const offset of [200, 230, 250]) {
      const { bytes, total } = await window.take(offset);
      assertEquals([bytes, total], [data.subarray(offset, 250), 250]);
      window.release(offset);
    }
    assertEquals(new Uint8Array(seen), data);
    await window.close();
  });

  for (
    const [declared, words] of [[249, "it has more"], [251, "it has only 250"], [
      100,
      "it has more",
    ], [1000, "it has only 250"]] as const
  ) {
    Deno.test(`${kind} of 250 bytes declared as ${declared} is an error before the last chunk is handed out`, async () => {
      const { window } = await windowOf(make(patterned(250)), declared);
      const error = await assertRejects(
        async () => {
          for (let at = 0;;) {
            const { bytes, total } = await window.take(at);
            assertEquals(total, undefined, "a last chunk was handed out");
            at += bytes.length;
            window.release(at);
          }
        },
        UploadError,
        words,
      );
      assertEquals(error.code, "source_size_mismatch");
      await window.close();
    });
  }
}

for (
  const [size, confirmed, expected] of [
    [150, 50, [100]],
    [150, 49, [51, 50]],
    [101, 1, [100]],
    [200, 99, [1, 100]],
    [250, 50, [50, 100, 50]],
  ] as const
) {
  Deno.test(`after ${confirmed} of ${size} bytes, ${expected} follow: no more chunks than these bytes need`, async () => {
    const data = patterned(size);
    const { window, seen } = await windowOf(stream(data), size);
    await window.take(0);
    window.release(confirmed);
    const lengths: number[] = [];
    for (let at: number = confirmed; at < size;) {
      const { offset, bytes, total } = await window.take(at);
      assertEquals([offset, bytes], [at, data.subarray(at, at + bytes.length)]);
      assertEquals(window.keptUpTo(at + 1)?.at(-1), data[at]);
      at += bytes.length;
      assertEquals(total, at === size ? size : undefined);
      lengths.push(bytes.length);
      window.release(at);
    }
    assertEquals(lengths, [...expected]);
    assertEquals(new Uint8Array(seen), data, "each byte is seen once, in order");
  });
}

Deno.test("what is left of a chunk does not wait for a stream whose end is not known", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const { window } = await windowOf(readable);
  writer.write(new Uint8Array(101));
  await window.take(0);
  assertEquals((await window.take(50)).bytes.length, 50);
  await window.close("enough");
});

Deno.test("bytes that were let go cannot be replayed", async () => {
  const { window } = await windowOf(stream(patterned(250)));
  await window.take(0);
  window.release(100);
  await window.take(100);
  await assertRejects(() => window.take(50), RangeError, "bytes 100 to 200 are kept");
});

Deno.test("it reads one chunk ahead and no further", async () => {
  const read: number[] = [];
  const source: SequentialSource = {
    kind: "sequential",
    read: (length) => (read.push(length), Promise.resolve(new Uint8Array(length))),
    ended: () => Promise.resolve(false),
    seek: undefined,
    release: () => Promise.resolve(),
  };
  const window = new ReplayWindow(source, {
    chunkSize: CHUNK,
    granularity: 1,
    declared: undefined,
    onBytes: () => {},
  });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
  await window.take(0);
  await settled();
  assertEquals(read.length, 2);
  await window.take(0);
  await window.take(50);
  await settled();
  assertEquals(read.length, 2);
  window.release(100);
  await window.take(100);
  await settled();
  assertEquals(read.length, 3);
});

Deno.test("a stream's chunk is handed out as soon as one more byte is there, not one more chunk", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const { window } = await windowOf(readable);
  writer.write(new Uint8Array(100));
  writer.write(new Uint8Array(1));
  assertEquals((await window.take(0)).bytes.length, 100);
  await window.close("enough");
});

Deno.test("a wait that was given up does not lose bytes", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const { window } = await windowOf(readable);
  const first = window.take(0), second = window.take(0);
  const data = patterned(150);
  writer.write(data.slice(0, 60));
  writer.write(data.slice(60));
  writer.close();
  assertEquals((await first).bytes, data.subarray(0, 100));
  assertEquals((await second).bytes, data.subarray(0, 100));
  window.release(100);
  assertEquals((await window.take(100)).bytes, data.subarray(100));
});

Deno.test("an error of the source while reading ahead is thrown where its bytes are needed", async () => {
  const own = new Error("disk on fire");
  const { window } = await windowOf(asyncPieces((function* () {
    yield new Uint8Array(150);
    throw own;
  })()));
  assertEquals((await window.take(0)).bytes.length, 100);
  window.release(100);
  assertStrictEquals(await assertRejects(() => window.take(100)), own);
  assertStrictEquals(await assertRejects(() => window.take(100)), own);
});

Deno.test("a read that failed and can be tried again loses nothing, wherever it failed", async () => {
  const data = patterned(350);
  for (let failing = 1; failing <= 9; failing++) {
    let calls = 0;
    const { window, seen } = await windowOf({
      read(offset, length) {
        if (++calls === failing) return Promise.reject(new Error("busy"));
        return Promise.resolve(data.slice(offset, offset + length));
      },
    });
    const got: number[] = [];
    for (let total: number | undefined, failures = 0; total === undefined;) {
      try {
        const chunk = await window.take(got.length);
        got.push(...chunk.bytes);
        total = chunk.total;
        window.release(got.length);
      } catch (error) {
        if (++failures > 1) throw error;
      }
    }
    assertEquals(new Uint8Array(got), data);
    assertEquals(new Uint8Array(seen), data, "each byte is seen once, in order");
  }
});

Deno.test("skipping reads without keeping, a step at a time, or seeks where the source can", async () => {
  const data = patterned(450);
  const { window, seen } = await windowOf(defaultStream(pieces(data, 70)));
  assertEquals(window.seek(250), false);
  await skip(window, 250);
  assertEquals(new Uint8Array(seen), data.subarray(0, 250));
  assertEquals(window.position, 250);
  assertEquals((await window.take(250)).bytes, data.subarray(250, 350));
  await window.close("enough");

  const other = await windowOf({
    read: (offset, length) => Promise.resolve(data.slice(offset, offset + length)),
  });
  assertEquals(other.window.seek(250), true);
  assertEquals((await other.window.take(250)).bytes, data.subarray(250, 350));
  assertEquals(other.seen.slice(0, 100), [...data.subarray(250, 350)]);
});

Deno.test("a skip whose caller has stopped waiting goes on, and the next one goes on from there", async () => {
  const data = patterned(450);
  const { window, seen } = await windowOf(defaultStream(pieces(data, 70)));
  const givenUp = window.skipTowards(250);
  await skip(window, 250);
  await givenUp;
  assertEquals(window.position, 250);
  assertEquals(new Uint8Array(seen), data.subarray(0, 250));
  await window.close("enough");
});

Deno.test("skipping beyond the end is an error", async () => {
  const { window } = await windowOf(defaultStream([new Uint8Array(70)]));
  const error = await assertRejects(() => skip(window, 250), UploadError, "only 70");
  assertEquals(error.code, "source_size_mismatch");
});

Deno.test("the bytes before any place in the current chunk can be looked at, and no others", async () => {
  const data = patterned(250);
  const { window } = await windowOf(stream(data));
  assertEquals(window.keptUpTo(0), undefined);
  window.release((await window.take(0)).bytes.length);
  await window.take(100);
  assertEquals([99, 100, 150, 200, 201].map((offset) => window.keptUpTo(offset)), [
    undefined,
    new Uint8Array(0),
    data.subarray(100, 150),
    data.subarray(100, 200),
    undefined,
  ]);
  await window.close();
});
