import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { prepareSource, type SourceReader, type UploadSource } from "../../src/bytes/source.ts";
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

async function readAll(reader: SourceReader, step: number): Promise<Uint8Array> {
  const all: number[] = [];
  while (!(await reader.ended(step))) {
    const bytes = await reader.read(step);
    assertEquals(
      bytes.length,
      Math.min(step, 1000 - all.length),
      "fewer bytes than asked for before the end",
    );
    all.push(...bytes);
  }
  assertEquals((await reader.read(step)).length, 0);
  return new Uint8Array(all);
}

for (const [kind, size, make] of sources) {
  Deno.test(`${kind} knows its size, or that it does not`, () =>
    assertEquals(prepareSource(make()).size, size));
  for (const step of [1, 33, 100, 999, 1000, 1001, 5000]) {
    Deno.test(`${kind} is read in order, ${step} bytes at a time`, async () => {
      const reader = prepareSource(make()).open();
      assertEquals(await readAll(reader, step), DATA);
      await reader.close();
    });
  }
}

Deno.test("a string is UTF-8", async () => {
  const prepared = prepareSource("aä€😀");
  assertEquals(prepared.size, 10);
  assertEquals(await prepared.open().read(99), new TextEncoder().encode("aä€😀"));
});

Deno.test("bytes in memory are not copied", async () => {
  const bytes = await prepareSource(DATA).open().read(500);
  assertStrictEquals(bytes.buffer, DATA.buffer);
});

Deno.test("a byte stream is read into the memory that is handed out, which is not copied", async () => {
  const seen = new Set<number>();
  let at = 0;
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const view = controller.byobRequest!.view as Uint8Array;
      seen.add(view.byteOffset);
      view.fill(at++);
      controller.byobRequest!.respond(Math.min(view.byteLength, 100));
    },
  });
  const reader = prepareSource(stream as ReadableStream<Uint8Array>).open();
  const bytes = await reader.read(300);
  assertEquals(bytes.buffer.byteLength, 300);
  assertEquals([...seen], [0, 100, 200]);
  await reader.close(new Error("enough"));
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
  const reader = prepareSource(blob).open();
  await reader.read(400);
  await reader.read(400);
  assertEquals(asked, [[0, 400], [400, 800]]);
});

Deno.test("a Blob of a file that has become shorter since is never filled up", async () => {
  const now = new Blob([DATA.subarray(0, 700)]);
  const blob = Object.assign(new Blob([DATA]), {
    slice: (start?: number, end?: number) => now.slice(start, end),
  });
  const reader = prepareSource(blob).open();
  assertEquals(await reader.read(400), DATA.subarray(0, 400));
  assertEquals(await reader.read(400), DATA.subarray(400, 700));
});

Deno.test("a File's lastModified is known", () => {
  assertEquals(prepareSource(new File([], "a", { lastModified: 7 })).lastModified, 7);
  assertEquals(prepareSource(new Blob([])).lastModified, undefined);
});

for (
  const [what, source, words] of [
    ["undefined", undefined, "got Undefined"],
    ["null", null, "got Null"],
    ["a number", 5, "got Number"],
    ["a plain object", {}, "got Object"],
    ["a Response", new Response("x"), "got Response; pass its `body`"],
    [
      "an open file",
      { readable: new ReadableStream(), read: () => {} },
      "got Object; pass its `readable`",
    ],
  ] as const
) {
  Deno.test(`${what} is no source, and the error says so`, () => {
    assertThrows(() => prepareSource(source as unknown as UploadSource), TypeError, words);
  });
}

Deno.test("a stream that somebody reads is refused at the door", () => {
  const stream = defaultStream([]);
  stream.getReader();
  assertThrows(() => prepareSource(stream), TypeError, "locked");
});

for (const size of [-1, 1.5, NaN, Infinity]) {
  Deno.test(`a ByteSource of size ${size} is refused`, () => {
    assertThrows(
      () => prepareSource({ size, read: () => Promise.resolve(new Uint8Array()) }),
      RangeError,
      String(size),
    );
  });
}

Deno.test("a ByteSource that returns too much, or no bytes at all, is an error", async () => {
  for (const piece of [new Uint8Array(11), "text", undefined]) {
    const reader = prepareSource({ size: 100, read: () => Promise.resolve(piece as Uint8Array) })
      .open();
    await assertRejects(() => reader.read(10), TypeError, "at most 10 bytes");
  }
});

Deno.test("a stream of anything but bytes is an error", async () => {
  const reader = prepareSource(defaultStream(["text"] as unknown as Uint8Array<ArrayBuffer>[]))
    .open();
  await assertRejects(() => reader.read(10), TypeError, "pieces of Uint8Array, got String");
});

Deno.test("a source that throws surfaces its own error", async () => {
  const own = new Error("disk on fire");
  const failing: UploadSource[] = [
    new ReadableStream({ pull: (controller) => controller.error(own) }),
    new ReadableStream({ type: "bytes", pull: (controller) => controller.error(own) }),
    { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(own) }) },
    { read: () => Promise.reject(own) },
  ];
  for (const source of failing) {
    assertStrictEquals(await assertRejects(() => prepareSource(source).open().read(10)), own);
  }
});

Deno.test("a byte stream that closes and leaves a read unanswered is an error, not a hang", async () => {
  const stream = new ReadableStream({ type: "bytes", pull: (controller) => controller.close() });
  const reader = prepareSource(stream as ReadableStream<Uint8Array>).open();
  await assertRejects(() => reader.read(10), TypeError, "BYOB request");
});

Deno.test("closing with a reason cancels a stream, ends a generator and closes a ByteSource; without, it only lets go", async () => {
  const told: unknown[] = [];
  const open = () => [
    prepareSource(new ReadableStream({ cancel: (reason) => void told.push(["default", reason]) }))
      .open(),
    prepareSource(
      new ReadableStream({ type: "bytes", cancel: (reason) => void told.push(["bytes", reason]) }),
    ).open(),
    prepareSource({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: DATA }),
        return:
          () => (told.push(["generator"]),
            Promise.resolve({ done: true as const, value: undefined })),
      }),
    }).open(),
    prepareSource({
      size: 1,
      read: () => Promise.resolve(DATA),
      close: () => void told.push(["source"]),
    }).open(),
  ];
  for (const reader of open()) await reader.close();
  assertEquals(told.splice(0), [["source"]]);
  for (const reader of open()) await reader.close("why");
  assertEquals(told, [["default", "why"], ["bytes", "why"], ["generator"], ["source"]]);
});
