// The library in a realm of its own, with the platform's classes of the main one: what Jest and jsdom set up.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

const [library, emulator] = process.argv.slice(2);
const { GcsEmulator } = await import(pathToFileURL(emulator).href);

// What a test environment hands in. The language's own classes, Uint8Array and ArrayBuffer among them, are the realm's.
const handed = [
  "AbortController",
  "AbortSignal",
  "Blob",
  "DOMException",
  "File",
  "Headers",
  "ReadableStream",
  "Request",
  "Response",
  "TextDecoder",
  "TextEncoder",
  "TransformStream",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "atob",
  "btoa",
  "clearTimeout",
  "crypto",
  "fetch",
  "performance",
  "queueMicrotask",
  "setTimeout",
  "structuredClone",
];
const realm = vm.createContext({
  ...Object.fromEntries(handed.map((name) => [name, globalThis[name]])),
  module: { exports: {} },
});
vm.runInContext("globalThis.exports = module.exports", realm);
vm.runInContext(await readFile(library, "utf8"), realm);
const { MultipartUpload, SimpleUpload, upload, uploadStream } = realm.module.exports;

const CHUNK = 262_144;
const bytes = new Uint8Array(2 * CHUNK + 77).map((_, i) => (i * 31 + (i >>> 9)) & 255);
realm.outer = bytes;
const inner = vm.runInContext("new Uint8Array(outer)", realm);
const text = "héllo wörld, 世界 🌍\n".repeat(20_000);
const encoded = new TextEncoder().encode(text);

async function* pieces(of) {
  for (let at = 0; at < of.length; at += 100_000) yield of.slice(at, at + 100_000);
}

const streamOf = (of) =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(of);
      controller.close();
    },
  });

const read = (of) => (offset, length) => Promise.resolve(of.slice(offset, offset + length));

const sources = {
  "a string": [() => text, encoded],
  "a Blob": [() => new Blob([bytes])],
  "bytes of outside": [() => bytes.slice()],
  "an ArrayBuffer of outside": [() => bytes.slice().buffer],
  "a DataView of outside": [() => new DataView(bytes.slice().buffer)],
  "bytes of this realm": [() => inner.slice()],
  "a Node Buffer": [() => Buffer.from(bytes)],
  "a stream of outside": [() => streamOf(bytes.slice())],
  "the stream of a Blob": [() => new Blob([bytes]).stream()],
  "a stream of bytes of this realm": [() => streamOf(inner.slice())],
  "a generator of outside": [() => pieces(bytes)],
  "a generator of bytes of this realm": [() => pieces(inner)],
  "a Node stream": [() => Readable.from([Buffer.from(bytes)])],
  "a ByteSource of outside": [() => ({ size: bytes.length, read: read(bytes) })],
  "a ByteSource of bytes of this realm": [() => ({ read: read(inner) })],
};

const isOne = (name) => !/stream|generator|ByteSource/.test(name);
const start = (type) =>
  `https://storage.googleapis.com/upload/storage/v1/b/realms/o?uploadType=${type}&name=object`;

const ways = {
  "upload()": (gcs, source) =>
    upload(source, { bucket: "realms", name: "object", transport: gcs.fetch, chunkSize: CHUNK }),
  "upload() in one request": (gcs, source) =>
    upload(source, {
      bucket: "realms",
      name: "object",
      transport: gcs.fetch,
      chunkSize: 16 * CHUNK,
      ifGenerationMatch: 0,
    }),
  "a SimpleUpload": (gcs, source) =>
    new SimpleUpload(start("media")).transmit(gcs.fetch, source, "a/b"),
  "a MultipartUpload": (gcs, source) =>
    new MultipartUpload(start("multipart")).transmit(gcs.fetch, source, {}, "a/b"),
  "uploadStream()": async (gcs, source) => {
    const target = { bucket: "realms", name: "object", transport: gcs.fetch, chunkSize: CHUNK };
    const { writable, result } = uploadStream(target);
    const writer = writable.getWriter();
    await writer.write(source);
    await writer.close();
    await result;
  },
};

const failures = [];
for (const [name, [make, expected = bytes]] of Object.entries(sources)) {
  for (const [way, send] of Object.entries(ways)) {
    if (/^a (Simple|Multipart)/.test(way) && !isOne(name)) continue;
    if (way === "uploadStream()" && !/^bytes|^a Node Buffer/.test(name)) continue;
    const gcs = new GcsEmulator();
    let failure;
    try {
      await Promise.race([
        send(gcs, make()),
        new Promise((_, reject) =>
          setTimeout(reject, 20_000, new Error("it never settled")).unref()
        ),
      ]);
      const stored = gcs.get("realms", "object")?.bytes;
      if (!stored || Buffer.compare(stored, expected) !== 0) failure = "other bytes are stored";
    } catch (error) {
      failure = `${error?.name}: ${error?.message}`;
    }
    if (failure) failures.push(`${way} of ${name}: ${failure}`);
  }
}
console.log(JSON.stringify(failures));
process.exit(0);
