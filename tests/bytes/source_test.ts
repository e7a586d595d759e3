// Each kind of source is recognised, read in order and let go; what cannot be a source is refused.

import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { type Source, takeSource, type UploadSource } from "../../src/bytes/source.ts";
import { UploadError } from "../../src/errors.ts";
import { asyncPieces, byteStream, defaultStream, patterned, pieces } from "../support/bytes.ts";

const DATA = patterned(1000);
const shared = () => {
  const view = new Uint8Array(new SharedArrayBuffer(1000));
  view.set(DATA);
  return view as unknown as Uint8Array<ArrayBuffer>;
};
const shortReads = (size?: number) => ({
  size,
  read: (offset: number, length: number) =>
    Promise.resolve(DATA.slice(offset, offset + Math.min(length, 7))),
});

const sources: [kind: string, size: number | undefined, make: () => UploadSource][] = [
  ["a Blob", 1000, () => new Blob([DATA])],
  ["a File", 1000, () => new File([DATA], "a")],
  ["a Uint8Array", 1000, () => DATA],
  ["an ArrayBuffer", 1000, () => DATA.buffer],
  ["a view with an offset", 1000, () => {
    const padded = new Uint8Array(1100);
    padded.set(DATA, 50);
    return new DataView(padded.buffer, 50, 1000);
  }],
  ["a view of shared memory", 1000, shared],
  ["a default stream", undefined, () => defaultStream(pieces(DATA, 1, 99, 300))],
  [
    "a default stream with empty pieces",
    undefined,
    () => defaultStream([new Uint8Array(0), DATA, new Uint8Array(0)]),
  ],
  ["a byte stream", undefined, () => byteStream(DATA, 33)],
  ["a Blob's own stream", undefined, () => new Blob([DATA]).stream()],
  ["an async iterable", undefined, () => asyncPieces(pieces(DATA, 10, 1, 500))],
  ["a ByteSource", 1000, () => shortReads(1000)],
  ["a ByteSource of unknown size", undefined, () => shortReads()],
];

/** The next bytes of a source that was opened, wherever it is read from. */
function reading(source: Source): (length: number) => Promise<Uint8Array> {
  if (source.kind === "sequential") return (length) => source.read(length);
  let at = 0;
  return async (length) => {
    const bytes = await source.read(at, Math.min(length, source.size - at));
    at += bytes.length;
    return bytes;
  };
}

/** Takes a source, opens it, and reads the next bytes of it. */
async function readFirst(source: UploadSource, length: number): Promise<Uint8Array> {
  return await reading(await takeSource(source).open())(length);
}

async function readAll(source: Source, step: number): Promise<Uint8Array> {
  const read = reading(source);
  const all: number[] = [];
  const ended = async () =>
    source.kind === "sequential" ? await source.ended(step) : all.length === source.size;
  while (!(await ended())) {
    const bytes = await read(step);
    assertEquals(
      bytes.length,
      Math.min(step, 1000 - all.length),
      "fewer bytes than asked for before the end",
    );
    all.push(...bytes);
  }
  assertEquals((await read(step)).length, 0);
  return new Uint8Array(all);
}

for (const [kind, size, make] of sources) {
  Deno.test(`${kind} knows its size, or that it does not`, async () => {
    const taken = takeSource(make());
    assertEquals(taken.size, size);
    const opened = await taken.open();
    assertEquals(opened.kind, size === undefined ? "sequential" : "random-access");
    assertEquals(opened.kind === "random-access" ? opened.size : undefined, size);
    taken.release();
  });
  for (const step of [1, 33, 100, 999, 1000, 1001, 5000]) {
    Deno.test(`${kind} is read in order, ${step} bytes at a time`, async () => {
      const taken = takeSource(make());
      assertEquals(await readAll(await taken.open(), step), DATA);
      taken.release();
    });
  }
}

Deno.test("a string is UTF-8", async () => {
  assertEquals(takeSource("aä€😀").size, 10);
  assertEquals(await readFirst("aä€😀", 99), new TextEncoder().encode("aä€😀"));
});

Deno.test("bytes in memory are not copied; those of shared memory are, once, when they are taken", async () => {
  assertStrictEquals((await readFirst(DATA, 500)).buffer, DATA.buffer);
  const view = shared();
  const taken = takeSource(view);
  view.fill(0);
  assertEquals(await reading(await taken.open())(1000), DATA);
});

Deno.test("what can be read anywhere is read anywhere, as often as needed", async () => {
  const randomAccess = sources.filter(([, size]) => size !== undefined);
  for (const [kind, , make] of randomAccess) {
    const opened = await takeSource(make()).open();
    if (opened.kind !== "random-access") throw new Error(`${kind} is ${opened.kind}`);
    for (const [offset, length] of [[900, 100], [0, 10], [500, 300], [0, 10]]) {
      assertEquals(await opened.read(offset, length), DATA.subarray(offset, offset + length), kind);
    }
  }
});

Deno.test("a Blob is read by slices, never whole", async () => {
  const blob = new Blob([DATA]);
  const asked: unknown[] = [];
  const slice = blob.slice.bind(blob);
  blob.slice = (start, end) => (asked.push([start, end]), slice(start, end));
  blob.arrayBuffer = () => Promise.reject(new Error("read whole"));
  blob.stream = () => {
    throw new Error("read whole");
  };
  const read = reading(await takeSource(blob).open());
  await read(400);
  await read(400);
  assertEquals(asked, [[0, 400], [400, 800]]);
});

Deno.test("a Blob of a file that has become shorter since is an error, and is never filled up", async () => {
  const now = new Blob([DATA.subarray(0, 700)]);
  const blob = Object.assign(new Blob([DATA]), {
    slice: (start?: number, end?: number) => now.slice(start, end),
  });
  const read = reading(await takeSource(blob).open());
  assertEquals(await read(400), DATA.subarray(0, 400));
  const error = await assertRejects(() => read(400), UploadError, "it has only 700");
  assertEquals(error.code, "source_size_mismatch");
});

Deno.test("a File's lastModified is known", () => {
  assertEquals(takeSource(new File([], "a", { lastModified: 7 })).lastModified, 7);
  assertEquals(takeSource(new Blob([])).lastModified, undefined);
});

for (
  const [what, source, words] of [
    ["undefined", undefined, "got Undefined"],
    ["null", null, "got Null"],
    ["a number", 5, "got Number; pass fileSource(path)"],
    ["a plain object", {}, "got Object"],
    ["a Response", new Response("x"), "got Response; pass its `body`"],
    [
      "an open file",
      { readable: new ReadableStream(), read: () => {} },
      "got Object; pass its `readable`",
    ],
    ["an open file of Node", { fd: 3, read: () => {} }, "pass fileSource(path)"],
    ["a promise of a source", Promise.resolve("x"), "await it first"],
    ["an array", [DATA], "pass a Blob of its parts, or an async iterable"],
  ] as const
) {
  Deno.test(`${what} is no source, and the error says so`, () => {
    assertThrows(() => takeSource(source as unknown as UploadSource), TypeError, words);
  });
}

Deno.test("a stream that somebody reads, has read or has cancelled is refused at once", async () => {
  const locked = defaultStream([]);
  locked.getReader();
  assertThrows(() => takeSource(locked), TypeError, "locked");
  const begun = defaultStream(pieces(DATA, 100));
  const reader = begun.getReader();
  await reader.read();
  reader.releaseLock();
  assertThrows(() => takeSource(begun), TypeError, "was not read before");
  const cancelled = defaultStream(pieces(DATA, 100));
  await cancelled.cancel();
  assertThrows(() => takeSource(cancelled), TypeError, "was not read before");
});

Deno.test("a source that is read once is taken in the same turn, and cannot be taken again", () => {
  const generator = asyncPieces(pieces(DATA, 100));
  for (
    const source of [defaultStream(pieces(DATA, 100)), byteStream(DATA, 100), generator] as const
  ) {
    const taken = takeSource(source);
    if (source instanceof ReadableStream) assertEquals(source.locked, true);
    assertThrows(() => takeSource(source), TypeError);
    taken.release(new Error("enough"));
    assertThrows(() => takeSource(source), TypeError, "read or cancelled already");
  }
});

Deno.test("an iterable that makes iterators can be taken as often as they are wanted", async () => {
  const iterable = { [Symbol.asyncIterator]: () => asyncPieces(pieces(DATA, 100)) };
  for (let i = 0; i < 2; i++) assertEquals(await readFirst(iterable, 1000), DATA);
});

Deno.test("the first piece of an iterable is asked for at once: nobody else can take it", async () => {
  let asked = 0;
  const iterable = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: ++asked > 1, value: DATA }),
    }),
  } as AsyncIterable<Uint8Array>;
  const taken = takeSource(iterable);
  assertEquals(asked, 1);
  assertEquals(await readAll(await taken.open(), 5000), DATA);
});

Deno.test("a piece's memory is not looked at any more when the next piece is asked for", async () => {
  async function* reusing() {
    const buffer = new Uint8Array(100);
    for (let at = 0; at < 1000; at += 100) {
      buffer.set(DATA.subarray(at, at + 100));
      yield buffer;
      buffer.fill(0);
      await Promise.resolve();
    }
  }
  for (const step of [30, 100, 250, 1000]) {
    assertEquals(await readAll(await takeSource(reusing()).open(), step), DATA);
  }
});

Deno.test("a size of 0 is believed only after a read found nothing", async () => {
  const empty = await takeSource({ size: 0, read: () => Promise.resolve(new Uint8Array(0)) })
    .open();
  assertEquals([empty.kind, empty.kind === "random-access" && empty.size], ["random-access", 0]);
  const device = {
    size: 0,
    read: (at: number, n: number) => Promise.resolve(DATA.slice(at, at + n)),
  };
  const opened = await takeSource(device).open();
  assertEquals(opened.kind, "sequential");
  assertEquals(await readAll(opened, 300), DATA);
  const file = new Blob([DATA]);
  Object.defineProperty(file, "size", { value: 0 });
  assertEquals(await readAll(await takeSource(file).open(), 300), DATA);
  assertEquals((await takeSource(new Blob([])).open()).kind, "random-access");
});

for (const size of [-1, 1.5, NaN, Infinity]) {
  Deno.test(`a ByteSource of size ${size} is refused`, () => {
    assertThrows(
      () => takeSource({ size, read: () => Promise.resolve(new Uint8Array()) }),
      RangeError,
      String(size),
    );
  });
}

Deno.test("a ByteSource that returns too much, or no bytes at all, is an error", async () => {
  for (const size of [100, undefined]) {
    for (const piece of [new Uint8Array(11), "text", undefined]) {
      const source = { size, read: () => Promise.resolve(piece as Uint8Array) };
      await assertRejects(() => readFirst(source, 10), TypeError, "at most 10 bytes");
    }
  }
});

Deno.test("a stream of anything but bytes is an error", async () => {
  const stream = defaultStream(["text"] as unknown as Uint8Array<ArrayBuffer>[]);
  await assertRejects(() => readFirst(stream, 10), TypeError, "pieces of Uint8Array, got String");
});

Deno.test("a source that throws surfaces its own error", async () => {
  const own = new Error("disk on fire");
  const failing: UploadSource[] = [
    new ReadableStream({ pull: (controller) => controller.error(own) }),
    new ReadableStream({ type: "bytes", pull: (controller) => controller.error(own) }),
    { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(own) }) },
    { read: () => Promise.reject(own) },
    { size: 100, read: () => Promise.reject(own) },
    { size: 0, read: () => Promise.reject(own) },
    {
      size: 100,
      read: () => {
        throw own;
      },
    },
  ];
  for (const source of failing) {
    assertStrictEquals(await assertRejects(() => readFirst(source, 10)), own);
  }
});

Deno.test("a producer that failed has failed for good: what it says next is no end", async () => {
  const own = new Error("disk on fire");
  let calls = 0;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        ++calls === 2 ? Promise.reject(own) : Promise.resolve({ done: calls > 2, value: DATA }),
    }),
  } as AsyncIterable<Uint8Array>;
  const read = reading(await takeSource(source).open());
  for (let i = 0; i < 3; i++) {
    assertStrictEquals(await assertRejects(() => read(2000)), own);
  }
  assertEquals(calls, 2);
});

Deno.test("a { read } that failed can be read again from the same place", async () => {
  const own = new Error("busy");
  let calls = 0;
  const read = (offset: number, length: number) =>
    ++calls % 3 === 0
      ? Promise.reject(own)
      : Promise.resolve(DATA.slice(offset, offset + Math.min(length, 90)));
  for (const size of [undefined, 1000]) {
    const next = reading(await takeSource({ size, read }).open());
    const all: number[] = [];
    while (all.length < 1000) {
      try {
        all.push(...await next(130));
      } catch (error) {
        assertStrictEquals(error, own);
      }
    }
    assertEquals(new Uint8Array(all), DATA);
  }
});

Deno.test("a byte stream that closes without a word is at its end, not a hang", async () => {
  const stream = new ReadableStream({ type: "bytes", pull: (controller) => controller.close() });
  assertEquals(await readFirst(stream as ReadableStream<Uint8Array>, 10), new Uint8Array(0));
});

/** Sources that never end by themselves, and note who lets go of them. */
function watched(told: unknown[]): UploadSource[] {
  return [
    new ReadableStream({ cancel: (reason) => void told.push(["default", reason]) }),
    new ReadableStream({ type: "bytes", cancel: (reason) => void told.push(["bytes", reason]) }),
    {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: DATA }),
        return: () => (
          told.push(["generator"]), Promise.resolve({ done: true as const, value: undefined })
        ),
      }),
    },
    { size: 1, read: () => Promise.resolve(DATA), close: () => void told.push(["source"]) },
    { read: () => Promise.resolve(DATA), close: () => void told.push(["source"]) },
  ];
}

Deno.test("releasing with a reason cancels a stream, ends a generator and closes a ByteSource; without, it only lets go", async () => {
  const told: unknown[] = [];
  for (const source of watched(told)) {
    const taken = takeSource(source);
    await taken.open();
    taken.release();
  }
  assertEquals(told.splice(0), [["source"], ["source"]]);
  for (const source of watched(told)) takeSource(source).release("why");
  assertEquals(told.splice(0), [["default", "why"], ["bytes", "why"], ["generator"], ["source"], [
    "source",
  ]]);
});

Deno.test("a source is released once, whoever does it, and what goes wrong in it is nobody's business", async () => {
  const told: unknown[] = [];
  for (const source of watched(told)) {
    const taken = takeSource(source);
    const opened = await taken.open();
    opened.release("first");
    taken.release("second");
    opened.release("third");
  }
  assertEquals(told, [["default", "first"], ["bytes", "first"], ["generator"], ["source"], [
    "source",
  ]]);
  const broken = {
    size: 1,
    read: () => Promise.resolve(DATA),
    close: () => Promise.reject(new Error("stuck")),
  };
  takeSource(broken).release("why");
});

Deno.test("what was being read when a source is let go fails with that reason; it is never an end", async () => {
  const reason = new Error("enough");
  const never = () => new Promise<never>(() => {});
  const stuck: UploadSource[] = [
    new ReadableStream({ pull: never }),
    new ReadableStream({ type: "bytes", pull: never }),
    new TransformStream<Uint8Array, Uint8Array>().readable,
  ];
  for (const source of stuck) {
    const taken = takeSource(source);
    const opened = await taken.open();
    if (opened.kind !== "sequential") throw new Error(opened.kind);
    const reading = opened.ended(10);
    await Promise.resolve();
    taken.release(reason);
    assertStrictEquals(await assertRejects(() => reading), reason);
    assertStrictEquals(await assertRejects(() => opened.read(10)), reason);
  }
});

Deno.test("a piece that two are waiting for, of whom one may have stopped waiting, is read once and lost by nobody", async () => {
  const slow = async function* () {
    for (const piece of pieces(DATA, 300)) {
      await Promise.resolve();
      yield piece;
    }
  };
  const source = await takeSource(slow()).open();
  if (source.kind !== "sequential") throw new Error("expected a sequential source");
  assertEquals(await source.read(300), DATA.subarray(0, 300));
  const given: boolean[] = await Promise.all([source.ended(1), source.ended(1), source.ended(1)]);
  assertEquals(given, [false, false, false]);
  assertEquals(await source.read(2000), DATA.subarray(300));
});
