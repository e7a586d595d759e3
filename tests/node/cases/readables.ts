// Node streams that do not wait: with listeners, piped elsewhere, resumed, or not there at all.

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { ResumableUpload, type Transport, upload, type UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../../portable/assert.ts";
import { failureOf, optionsFor, settled, store } from "../../portable/cases/sources_support.ts";
import {
  assertStored,
  CHUNK,
  finish,
  opened,
  startUrl,
  storedCheckpoint,
  testClock,
} from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { asSource, bytes, distant, emitting, file, pause } from "../support.ts";

/** What an application, or its middleware, does with a stream besides uploading it. */
const LISTENERS: Readonly<Record<string, (readable: Readable) => void>> = {
  "with a data listener": (readable) => readable.on("data", () => {}),
  "that is piped to a hash": (readable) => readable.pipe(createHash("sha256")),
  "that is piped to a stream which nobody reads": (readable) =>
    readable.pipe(new PassThrough({ highWaterMark: 16_384 })),
  "that was resumed": (readable) => readable.resume(),
  "that is resumed a moment later": (readable) => void setTimeout(() => readable.resume(), 10),
  "with an end and an error listener": (readable) =>
    readable.on("end", () => {}).on("error", () => {}),
  "that nobody else looks at": () => {},
};

/** Streams of the same bytes. */
const STREAMS: Readonly<Record<string, () => Readable>> = {
  "a stream that emits at once": () => emitting(),
  "a file's stream": () => createReadStream(file()),
  "a stream from an iterable": () =>
    Readable.from([bytes.slice(0, 1_000_000), bytes.slice(1_000_000)], { objectMode: false }),
};

/** The calls that take a source, with a start or a status query that takes 60 ms. */
const CALLS: Readonly<
  Record<string, (gcs: GcsEmulator, source: UploadSource) => Promise<unknown>>
> = {
  "upload()": (gcs, source) => store(gcs, source, { transport: distant(gcs) }),
  "initiate()": async (gcs, source) => {
    const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, {
      retry: { clock: testClock() },
    });
    await resumable.initiate(distant(gcs), source, {}, "a/b");
    await finish(resumable, gcs.fetch);
  },
};

const early: NodeCase[] = Object.entries(STREAMS).flatMap(([kind, make]) =>
  Object.entries(LISTENERS).map(([what, listen]): NodeCase => ({
    name: `${kind} ${what} is stored whole, although the session takes its time`,
    async run() {
      for (const [call, start] of Object.entries(CALLS)) {
        for (const order of ["before", "after"]) {
          const gcs = new GcsEmulator({ md5: false });
          const readable = make();
          if (order === "before") listen(readable);
          const done = start(gcs, asSource(readable));
          if (order === "after") listen(readable);
          await settled(done, `${call}, ${order}`);
          assertStored(gcs, bytes);
        }
      }
    },
  }))
);

/** What a resumed upload does before it reads anything. */
const late: NodeCase[] = Object.entries(LISTENERS).map(([what, listen]) => ({
  name: `a stream ${what} is stored whole by a resumed upload`,
  async run() {
    for (const way of ["resume()", "upload()"]) {
      const gcs = new GcsEmulator({ md5: false });
      const before = await opened(gcs.fetch, bytes);
      await before.transmitNextChunk(gcs.fetch);
      const checkpoint = storedCheckpoint(before);
      const transport: Transport = async (input, init) => {
        await pause(30);
        return await gcs.fetch(input, init);
      };
      const readable = emitting();
      listen(readable);
      const source = asSource(readable);
      const retry = { clock: testClock() };
      if (way === "upload()") {
        await settled(upload(source, { checkpoint, transport, retry }), way);
      } else {
        const resumed = ResumableUpload.resume(checkpoint, source, { retry });
        await pause(30);
        await settled(finish(resumed, gcs.fetch), way);
      }
      assertStored(gcs, bytes);
    }
  },
}));

/** Ways in which an upload ends while a file's stream is not open yet. */
const MISSING: Readonly<Record<string, (gcs: GcsEmulator, source: UploadSource) => unknown>> = {
  "opens slowly": (gcs, source) => store(gcs, source, { transport: distant(gcs) }),
  "opens at once": (gcs, source) => store(gcs, source),
  "is refused": (gcs, source) => {
    gcs.inject({ on: "initiate", status: 403 });
    return store(gcs, source);
  },
  "is refused slowly": (gcs, source) => {
    gcs.inject({ on: "initiate", status: 403 });
    return store(gcs, source, { transport: distant(gcs) });
  },
  "was aborted before": (gcs, source) => store(gcs, source, { signal: AbortSignal.abort() }),
  "has options that do not fit": (gcs, source) => store(gcs, source, { chunkSize: 5 }),
  "is initiated by hand": (gcs, source) =>
    new ResumableUpload(startUrl("resumable"), CHUNK).initiate(distant(gcs), source, {}, "a/b")
      .then(() => pause(20)),
};

const missing: NodeCase[] = Object.entries(MISSING).map(([what, start]) => ({
  name: `a file that is not there ends nothing but an upload that ${what}`,
  async run() {
    const gcs = new GcsEmulator({ md5: false });
    const readable = createReadStream("/missing/file");
    await failureOf(() => start(gcs, asSource(readable)), what);
    await pause(30); // an 'error' event without a listener would end the process
    assertEquals(gcs.objects.length, 0);
  },
}));

/** Node's streams as sources. */
export const readables: NodeCase[] = [
  ...early,
  ...late,
  ...missing,
  {
    name: "a file that is not there is the stream's own error",
    async run() {
      for (const transport of [undefined, true]) {
        const gcs = new GcsEmulator({ md5: false });
        const extra = transport ? { transport: distant(gcs) } : {};
        const source = asSource(createReadStream("/missing/file"));
        const error = await failureOf(() => store(gcs, source, extra), "upload()");
        assertEquals((error as { code?: string } | undefined)?.code, "ENOENT", String(error));
      }
      const gcs = new GcsEmulator({ md5: false });
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry: null });
      const error = await failureOf(async () => {
        const source = asSource(createReadStream("/missing/file"));
        await resumable.initiate(distant(gcs), source, {}, "a/b");
        await resumable.transmitNextChunk(gcs.fetch);
      }, "the class");
      assertEquals((error as { code?: string } | undefined)?.code, "ENOENT", String(error));
    },
  },
  {
    name: "a resumed upload of a file that is not there rejects, and ends nothing else",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const before = await opened(gcs.fetch, bytes);
      await before.transmitNextChunk(gcs.fetch);
      const source = asSource(createReadStream("/missing/file"));
      const resumed = ResumableUpload.resume(storedCheckpoint(before), source);
      await pause(30);
      const error = await failureOf(() => resumed.transmitNextChunk(gcs.fetch));
      assertEquals((error as { code?: string } | undefined)?.code, "ENOENT", String(error));
      await pause(5);
    },
  },
  {
    name: "the body of a request that comes in while a session opens is stored whole",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      let stored: Promise<unknown> | undefined;
      const server = createServer((incoming, response) => {
        incoming.on("data", () => {}); // a middleware that counts
        stored = store(gcs, asSource(incoming), { transport: distant(gcs) });
        stored.then(() => response.end("stored"), () => response.writeHead(500).end());
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
      const { port } = server.address() as AddressInfo;
      const answered = new Promise<number>((resolve, reject) => {
        const sending = request({ host: "127.0.0.1", port, method: "PUT" }, (reply) => {
          reply.resume();
          resolve(reply.statusCode!);
        });
        sending.on("error", reject);
        sending.end(bytes);
      });
      try {
        assertEquals(await settled(answered, "the request"), 200);
        await stored;
        assertStored(gcs, bytes);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
  },
  {
    name: "a stream that was read, ended or destroyed before is refused before anything is sent",
    async run() {
      const read = emitting();
      await new Promise((resolve) => read.once("readable", resolve));
      read.read();
      const ended = Readable.from([Buffer.from("x")]);
      for await (const _ of ended);
      const left = createReadStream(file());
      for await (const _ of left) break;
      const destroyed = emitting();
      destroyed.destroy();
      const broken = emitting().on("error", () => {});
      broken.destroy(new Error("broken"));
      const flowing = emitting();
      await new Promise((resolve) => flowing.once("data", resolve));
      const uploaded = createReadStream(file());
      await store(new GcsEmulator({ md5: false }), asSource(uploaded));
      const refused = createReadStream(file());
      const bad = new GcsEmulator({ buckets: ["another"] });
      await failureOf(() => upload(asSource(refused), optionsFor(bad)));
      const streams = { read, ended, left, destroyed, broken, flowing, uploaded, refused };
      for (const [what, readable] of Object.entries(streams)) {
        const gcs = new GcsEmulator({ md5: false });
        const error = await failureOf(() => store(gcs, asSource(readable)), what);
        assert(error instanceof TypeError, `a stream that was ${what}: ${error}`);
        const resumable = new ResumableUpload(startUrl("resumable"), CHUNK);
        const again = await failureOf(
          () => resumable.initiate(gcs.fetch, asSource(readable), {}, "a/b"),
          what,
        );
        assert(again instanceof TypeError, `initiate(), a stream that was ${what}: ${again}`);
        assertEquals([gcs.requests.length, gcs.objects.length], [0, 0], what);
      }
      flowing.destroy();
      read.destroy();
    },
  },
  {
    name: "a fresh empty stream is an empty object",
    async run() {
      for (
        const make of [() => Readable.from([]), () => createReadStream(file(new Uint8Array(0)))]
      ) {
        const gcs = new GcsEmulator({ md5: false });
        await settled(store(gcs, asSource(make())), "upload()");
        assertStored(gcs, new Uint8Array(0));
      }
    },
  },
  {
    name: "a stream of texts is refused, never stored as something else",
    async run() {
      const readable = createReadStream(file(), { encoding: "utf8" });
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => store(gcs, asSource(readable)), "upload()");
      assert(error instanceof TypeError, `answered with ${error}`);
      assertEquals(gcs.objects.length, 0);
    },
  },
];
