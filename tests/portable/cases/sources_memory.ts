// Memory: until when it must stay as it is, and that bytes are bytes whatever realm and whatever kind of buffer they are of.

import {
  MultipartUpload,
  SimpleUpload,
  type Transport,
  type UploadData,
  type UploadSource,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { settled, store, streamOptionsFor } from "./sources_support.ts";
import {
  assertBytes,
  assertStored,
  BUCKET,
  CHUNK,
  finish,
  opened,
  pattern,
  startUrl,
} from "./upload_support.ts";

const bytes = pattern(2 * CHUNK + 77);

/** Writes the bytes out of one buffer, which is filled again as soon as each write has settled. */
async function writeFromOneBuffer(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  sizes: readonly number[],
  after: (buffer: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
): Promise<void> {
  let buffer = new Uint8Array(Math.max(...sizes));
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.min(sizes[i % sizes.length], bytes.length - at);
    buffer.set(bytes.subarray(at, at + size));
    at += size;
    await writer.write(buffer.subarray(0, size));
    buffer = after(buffer);
  }
  await writer.close();
}

const SIZES: readonly number[][] = [
  [100_000],
  [CHUNK],
  [CHUNK + 1],
  [2 * CHUNK + 50],
  [1, CHUNK - 1, 70_001],
];

/** What an application does with a buffer that is its own again. */
const REUSES: Readonly<
  Record<string, (buffer: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>>
> = {
  "filled with something else": (buffer) => buffer.fill(0xaa),
  "given away": (buffer) => new Uint8Array(structuredClone(buffer, { transfer: [buffer.buffer] })),
};

const writers: PortableCase[] = Object.entries(REUSES).flatMap(([what, after]) =>
  SIZES.map((sizes): PortableCase => ({
    name: `a buffer can be ${what} as soon as its write has settled, in pieces of ${sizes}`,
    async run() {
      const gcs = new GcsEmulator();
      const { writable, result } = uploadStream(streamOptionsFor(gcs));
      await settled(writeFromOneBuffer(writable.getWriter(), sizes, after), "writing");
      await settled(result, "the result");
      assertStored(gcs, bytes);
    },
  }))
);

/**
 * The same memory as another realm's object: nothing is inherited from this realm's classes, but all of the methods are
 * there. It is what a frame, a Jest environment or a `node:vm` context hands over, in runtimes with a single realm, too.
 */
function foreign<T extends object>(value: T): T {
  const copy = (prototype: object | null): object | null => {
    if (prototype === null || prototype === Object.prototype) return prototype;
    const parent = copy(Object.getPrototypeOf(prototype));
    return Object.create(parent, Object.getOwnPropertyDescriptors(prototype));
  };
  return Object.setPrototypeOf(value, copy(Object.getPrototypeOf(value)));
}

/** The classes of a realm. */
interface Realm {
  Uint8Array: Uint8ArrayConstructor;
  ArrayBuffer: ArrayBufferConstructor;
  DataView: DataViewConstructor;
  Blob?: typeof Blob;
}

/** A second realm where the runtime has one: a context of `node:vm`, or a frame; it is left again at the end. */
async function otherRealm(): Promise<{ realm: Realm; leave(): void } | undefined> {
  const page = (globalThis as {
    document?: {
      createElement(name: string): { contentWindow: Realm; remove(): void };
      body: { append(node: unknown): void };
    };
  }).document;
  if (page) {
    const frame = page.createElement("iframe");
    page.body.append(frame);
    return { realm: frame.contentWindow, leave: () => frame.remove() };
  }
  try {
    const name = "node:vm"; // not a literal, which a bundler for browsers would refuse
    const vm = await import(name) as { runInNewContext(code: string): Realm };
    const realm = vm.runInNewContext("({ Uint8Array, ArrayBuffer, DataView })");
    return { realm, leave() {} };
  } catch {
    return undefined; // workerd has one realm
  }
}

/** Bytes as pieces of streams and iterables, and what `read` returns. */
type Made = Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array>>;

const FOREIGN: Made = {
  "a Uint8Array of another realm": (bytes) => foreign(bytes.slice()),
  "a Uint8Array of this realm on a buffer of another one": (bytes) =>
    new Uint8Array(foreign(bytes.slice().buffer)),
  "a view into a buffer of another realm": (bytes) => {
    const buffer = new Uint8Array(bytes.length + 300).fill(255);
    buffer.set(bytes, 123);
    return foreign(buffer.subarray(123, 123 + bytes.length));
  },
};

/** Memory that several threads share, where the runtime has such. */
function shared(length: number): ArrayBufferLike | undefined {
  if (typeof SharedArrayBuffer !== "undefined") return new SharedArrayBuffer(length);
  try {
    const pages = Math.ceil(length / 65_536) + 1; // browsers hide the class, and leave this way to it
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  } catch {
    return undefined;
  }
}

const UNUSUAL: Made = {
  ...FOREIGN,
  "a Uint8Array on a resizable buffer": (bytes) => {
    const buffer = new ArrayBuffer(bytes.length, { maxByteLength: 2 * bytes.length + 1 });
    const view = new Uint8Array(buffer);
    view.set(bytes);
    return view;
  },
  "a Uint8Array on shared memory": (bytes) => {
    const buffer = shared(bytes.length) ?? new ArrayBuffer(bytes.length);
    const view = new Uint8Array(buffer, 0, bytes.length);
    view.set(bytes);
    return view;
  },
};

/** Fails where `fetch` would: a body of which the memory is shared or can change its size. */
function strict(gcs: GcsEmulator): Transport {
  return async (input, init) => {
    const { body } = init;
    const buffer = ArrayBuffer.isView(body) ? body.buffer : body;
    const tag = Object.prototype.toString.call(buffer).slice(8, -1);
    assert(tag !== "SharedArrayBuffer", "the body is shared memory");
    const resizable = tag === "ArrayBuffer" && (buffer as ArrayBuffer).resizable;
    assert(!resizable, "the body is a resizable buffer");
    return await gcs.fetch(input, init);
  };
}

/** Every way that bytes come in, as a source. */
const WAYS: Readonly<
  Record<string, (transport: Transport, gcs: GcsEmulator, piece: Uint8Array) => Promise<unknown>>
> = {
  "upload()": (transport, gcs, piece) =>
    store(gcs, piece as Uint8Array<ArrayBuffer>, { transport }),
  "upload() in one request": (transport, gcs, piece) =>
    store(gcs, piece as Uint8Array<ArrayBuffer>, {
      transport,
      chunkSize: 8 * CHUNK,
      ifGenerationMatch: 0,
    }),
  "a SimpleUpload": (transport, _gcs, piece) =>
    new SimpleUpload(startUrl("media")).transmit(transport, piece as UploadData, "a/b"),
  "a SimpleUpload without a checksum": (transport, _gcs, piece) =>
    new SimpleUpload(startUrl("media"), { checksum: null })
      .transmit(transport, piece as UploadData, "a/b"),
  "a MultipartUpload": (transport, _gcs, piece) =>
    new MultipartUpload(startUrl("multipart")).transmit(transport, piece as UploadData, {}, "a/b"),
  "a ResumableUpload": async (transport, _gcs, piece) =>
    await finish(await opened(transport, piece as Uint8Array<ArrayBuffer>), transport),
  "the pieces of a stream": (transport, gcs, piece) =>
    store(
      gcs,
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(piece);
          controller.close();
        },
      }),
      { transport },
    ),
  "the pieces of a generator": (transport, gcs, piece) =>
    store(
      gcs,
      (async function* () {
        await Promise.resolve();
        yield piece;
      })(),
      { transport },
    ),
  "what read() returns": (transport, gcs, piece) => {
    // All of it as it is where that much is asked for, and else a part, which `subarray` makes of the same kind.
    const read = (offset: number, length: number) =>
      Promise.resolve(
        offset === 0 && length >= piece.length ? piece : piece.subarray(offset, offset + length),
      );
    return store(gcs, { read }, { transport, chunkSize: 16 * CHUNK });
  },
  "what is written to uploadStream()": async (transport, gcs, piece) => {
    const { writable, result } = uploadStream(streamOptionsFor(gcs, { transport }));
    const writer = writable.getWriter();
    await writer.write(piece);
    await writer.close();
    return await result;
  },
};

const unusual: PortableCase[] = Object.entries(UNUSUAL).flatMap(([kind, make]) =>
  Object.entries(WAYS).map(([way, send]): PortableCase => ({
    name: `${way}: ${kind} is bytes`,
    async run() {
      for (const size of [1, bytes.length]) {
        const gcs = new GcsEmulator();
        await settled(send(strict(gcs), gcs, make(bytes.slice(0, size))), way);
        assertStored(gcs, bytes.slice(0, size));
      }
    },
  }))
);

const buffers: PortableCase[] = Object.entries<(bytes: Uint8Array<ArrayBuffer>) => unknown>({
  "an ArrayBuffer of another realm": (bytes) => foreign(bytes.slice().buffer),
  "a DataView of another realm": (bytes) => foreign(new DataView(bytes.slice().buffer)),
  "a resizable ArrayBuffer": (bytes) => UNUSUAL["a Uint8Array on a resizable buffer"](bytes).buffer,
  "a Float32Array": (bytes) => new Float32Array(bytes.slice(0, bytes.length & ~3).buffer),
  "a SharedArrayBuffer": (bytes) => {
    if (typeof SharedArrayBuffer === "undefined") return bytes;
    const buffer = new SharedArrayBuffer(bytes.length);
    new Uint8Array(buffer).set(bytes);
    return buffer;
  },
}).map(([kind, make]) => ({
  name: `${kind} is bytes, in every class`,
  async run() {
    const even = bytes.slice(0, 2 * CHUNK);
    for (const [way, send] of Object.entries(WAYS)) {
      if (!way.includes("pload()") && !way.startsWith("a ")) continue;
      const gcs = new GcsEmulator();
      await settled(send(strict(gcs), gcs, make(even) as Uint8Array), way);
      assertBytes(gcs.get(BUCKET, "object")?.bytes, even, way);
    }
  },
}));

/** Memory and realms. */
export const sourcesMemory: PortableCase[] = [
  ...writers,
  ...unusual,
  ...buffers,
  {
    name: "a generator may fill its buffer again when the next piece is asked for",
    async run() {
      for (const size of [100_000, CHUNK, CHUNK + 1]) {
        const gcs = new GcsEmulator();
        const source = (async function* () {
          const buffer = new Uint8Array(size);
          for (let at = 0; at < bytes.length; at += size) {
            await Promise.resolve();
            const piece = bytes.subarray(at, at + size);
            buffer.set(piece);
            yield buffer.subarray(0, piece.length);
            buffer.fill(0xaa);
          }
        })();
        await settled(store(gcs, source), "upload()");
        assertStored(gcs, bytes);
      }
    },
  },
  {
    name: "a buffer that is written again under a bad network was the caller's all the same",
    async run() {
      const gcs = new GcsEmulator({ seed: 4 });
      gcs.randomFaults({ dropBefore: 0.2, dropAfter: 0.2, cut: 0.2, status: 0.1 });
      const { writable, result } = uploadStream(streamOptionsFor(gcs));
      const reuse = REUSES["filled with something else"];
      await settled(writeFromOneBuffer(writable.getWriter(), [60_000], reuse), "writing");
      await settled(result, "the result");
      assertStored(gcs, bytes);
      assert(gcs.requests.some(({ fault }) => fault !== null), "nothing went wrong");
    },
  },
  {
    name: "a resizable buffer is copied by the call: what becomes of it later does not matter",
    async run() {
      const gcs = new GcsEmulator();
      const view = UNUSUAL["a Uint8Array on a resizable buffer"](bytes);
      const done = store(gcs, view as Uint8Array<ArrayBuffer>);
      (view.buffer as ArrayBuffer).resize(0);
      await settled(done, "upload()");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "what another realm calls bytes or a Blob is bytes, in every class",
    async run() {
      const other = await otherRealm();
      if (!other) return assertBytes(foreign(bytes.slice()), bytes, "the only realm");
      const { realm, leave } = other;
      try {
        const view = () => {
          const made = new realm.Uint8Array(bytes.length);
          made.set(bytes);
          return made;
        };
        const values: Record<string, unknown> = {
          "its Uint8Array": view(),
          "its ArrayBuffer": view().buffer,
          "its DataView": new realm.DataView(view().buffer),
          ...(realm.Blob && { "its Blob": new realm.Blob([bytes]) }),
        };
        for (const [kind, value] of Object.entries(values)) {
          for (const [way, send] of Object.entries(WAYS)) {
            const isPiece = kind === "its Uint8Array";
            if (!isPiece && !way.includes("pload()") && !way.startsWith("a ")) continue;
            const gcs = new GcsEmulator();
            await settled(send(strict(gcs), gcs, value as Uint8Array), `${way} of ${kind}`);
            assertBytes(gcs.get(BUCKET, "object")?.bytes, bytes, `${way} of ${kind}`);
          }
        }
      } finally {
        leave();
      }
    },
  },
  {
    name: "a string is sent although its encoder belongs to another realm",
    async run() {
      const own = globalThis.TextEncoder;
      const text = "héllo wörld, 世界 🌍\0".repeat(2_000);
      const expected = new own().encode(text);
      globalThis.TextEncoder = class extends own {
        override encode(input?: string) {
          return foreign(super.encode(input));
        }
      };
      try {
        for (const [way, send] of Object.entries(WAYS)) {
          if (!way.includes("pload()") && !way.startsWith("a ")) continue;
          const gcs = new GcsEmulator();
          await settled(send(strict(gcs), gcs, text as unknown as Uint8Array), way);
          assertBytes(gcs.get(BUCKET, "object")?.bytes, expected, way);
        }
      } finally {
        globalThis.TextEncoder = own;
      }
    },
  },
  {
    name: "what only looks like bytes or a Blob is refused before anything is sent",
    async run() {
      const looks: unknown[] = [
        [1, 2, 3],
        { length: 3, 0: 1, 1: 2, 2: 3 },
        { byteLength: 3, buffer: new ArrayBuffer(3) },
        { size: 3, type: "a/b" },
        { [Symbol.toStringTag]: "Uint8Array" },
        { [Symbol.toStringTag]: "Blob" },
      ];
      for (const value of looks) {
        const gcs = new GcsEmulator();
        await settled(assertRejects(store(gcs, value as UploadSource), TypeError), "upload()");
        const simple = new SimpleUpload(startUrl("media"));
        await settled(
          assertRejects(simple.transmit(gcs.fetch, value as UploadData, "a/b"), TypeError),
          "transmit()",
        );
        assertEquals(gcs.requests.length, 0);
      }
    },
  },
  {
    name: "pieces that are no bytes are refused, wherever they come from",
    async run() {
      for (const piece of ["text", 5, null, undefined, [1], new Blob(["x"])]) {
        const values = [
          new ReadableStream({
            start(controller) {
              controller.enqueue(piece);
              controller.close();
            },
          }),
          (async function* () {
            await Promise.resolve();
            yield piece;
          })(),
          { read: () => Promise.resolve(piece) },
        ];
        for (const source of values) {
          const gcs = new GcsEmulator();
          await settled(
            assertRejects(store(gcs, source as unknown as UploadSource), TypeError),
            "upload()",
          );
          assertEquals(gcs.objects.length, 0);
        }
        const gcs = new GcsEmulator();
        const { writable, result } = uploadStream(streamOptionsFor(gcs));
        const piping = new ReadableStream({
          start(controller) {
            controller.enqueue(piece);
            controller.close();
          },
        }).pipeTo(writable);
        await settled(assertRejects(piping, TypeError), "the pipe");
        await settled(assertRejects(result, TypeError), "the result");
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
  {
    name: "over a connection: resizable and shared memory is sent",
    async run({ origin, runtime }) {
      for (const [kind, make] of Object.entries(UNUSUAL)) {
        const url =
          `${origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${runtime}-memory`;
        const simple = new SimpleUpload(url, { retry: null });
        const sent = make(bytes) as Uint8Array<ArrayBuffer>;
        await settled(simple.transmit(fetch, sent, "a/b"), kind);
        assertEquals(simple.object?.size, String(bytes.length), kind);
        const object = await settled(
          store(new GcsEmulator(), sent, {
            endpoint: origin,
            transport: fetch.bind(globalThis),
            name: `${runtime}-memory`,
          }),
          kind,
        );
        assertEquals(object.size, String(bytes.length), kind);
      }
    },
  },
];
