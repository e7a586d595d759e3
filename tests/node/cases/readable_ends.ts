// How Node's streams and their descriptors are let go, and what a stream that breaks off is: never an end.

import { createReadStream } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { ResumableUpload, upload, UploadError, type UploadSource } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../../portable/assert.ts";
import { failureOf, settled, slowStart, store } from "../../portable/cases/sources_support.ts";
import {
  assertStored,
  CHUNK,
  finish,
  opened,
  pattern,
  startUrl,
  storedCheckpoint,
  testClock,
} from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { asSource, bytes, descriptors, emitting, file, pause, waiting } from "../support.ts";
import { until } from "../../support/until.ts";

const reason = new RangeError("enough");

/** What ends an upload of a stream. */
const ENDS: Readonly<Record<string, (gcs: GcsEmulator, source: UploadSource) => Promise<unknown>>> =
  {
    "success": (gcs, source) => store(gcs, source),
    "a refused start": (gcs, source) => {
      gcs.inject({ on: "initiate", status: 403 });
      return store(gcs, source);
    },
    "a refused chunk": (gcs, source) => {
      gcs.inject({ on: ["chunk", "final"], status: 403 });
      return store(gcs, source);
    },
    "an abort before the call": (gcs, source) =>
      store(gcs, source, { signal: AbortSignal.abort(reason) }),
    "an abort before the start's reply": (gcs, source) => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(reason), 5);
      const transport = slowStart(gcs.fetch, new Promise(() => {}));
      return store(gcs, source, { signal: abort.signal, transport });
    },
    "an abort between chunks": (gcs, source) => {
      const abort = new AbortController();
      return store(gcs, source, {
        signal: abort.signal,
        onCheckpoint: ({ persisted }) => {
          if (persisted > 0) abort.abort(reason);
        },
      });
    },
    "options that do not fit": (gcs, source) => store(gcs, source, { chunkSize: 5 }),
    "a session URL instead of a start URL": (gcs, source) =>
      store(gcs, source, { url: `${startUrl("resumable")}&upload_id=5` }),
    "a source that is another one": async (gcs, source) => {
      const before = await opened(gcs.fetch, pattern(bytes.length, 7));
      await before.transmitNextChunk(gcs.fetch);
      const checkpoint = storedCheckpoint(before);
      const retry = { clock: testClock() };
      return await upload(source, { checkpoint, transport: gcs.fetch, retry });
    },
    "close()": async (gcs, source) => {
      const resumable = await opened(gcs.fetch, source);
      await resumable.transmitNextChunk(gcs.fetch);
      await resumable.close(reason);
    },
    "close() before anything was sent": async (gcs, source) => {
      const resumable = await opened(gcs.fetch, source);
      await resumable.close(reason);
    },
    "cancel()": async (gcs, source) => {
      const resumable = await opened(gcs.fetch, source);
      await resumable.transmitNextChunk(gcs.fetch);
      await resumable.cancel(gcs.fetch);
    },
    "a refused initiate() and close()": async (gcs, source) => {
      gcs.inject({ on: "initiate", status: 403 });
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK);
      await failureOf(() => resumable.initiate(gcs.fetch, source, {}, "a/b"));
      await resumable.close(reason);
    },
    "resume() and close()": async (gcs, source) => {
      const before = await opened(gcs.fetch, bytes);
      await before.transmitNextChunk(gcs.fetch);
      const resumed = ResumableUpload.resume(storedCheckpoint(before), source);
      await pause(5);
      await resumed.close(reason);
    },
  };

const released: NodeCase[] = Object.entries(ENDS).flatMap(([end, run]) => [
  {
    name: `${end} leaves no descriptor open, of twenty files`,
    async run() {
      const path = file(bytes.slice(0, 600_000));
      await failureOf(() => run(new GcsEmulator({ md5: false }), asSource(createReadStream(path)))); // warm
      await pause(20);
      const before = descriptors();
      const uploads = Array.from(
        { length: 20 },
        () =>
          failureOf(
            () => run(new GcsEmulator({ md5: false }), asSource(createReadStream(path))),
            end,
          ),
      );
      await Promise.all(uploads);
      await until(
        () => descriptors() <= before,
        () => `${descriptors() - before} descriptors are open`,
      );
    },
  },
  {
    name: `${end} destroys a stream that emits, once, and leaves no error behind`,
    async run() {
      let destroyed = 0;
      const readable = emitting();
      const own = readable._destroy.bind(readable);
      readable._destroy = (error, callback) => {
        destroyed++;
        own(error, callback);
      };
      await failureOf(() => run(new GcsEmulator({ md5: false }), asSource(readable)), end);
      await until(() => readable.destroyed, () => "the stream is not destroyed");
      await pause(10);
      assertEquals(destroyed, 1, "how often it was destroyed");
    },
  },
]);

/** Where the end of the stream itself is what ends the upload, its being destroyed is a part of that. */
const endless: NodeCase[] = Object.entries(ENDS)
  .filter(([end]) => end !== "success")
  .map(([end, run]) => ({
    name: `${end} does not wait for a stream that never finishes to be destroyed`,
    async run() {
      const readable = emitting();
      readable._destroy = () => {};
      await failureOf(() => run(new GcsEmulator({ md5: false }), asSource(readable)), end);
    },
  }));

/** Places where a stream can break off. */
const PLACES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK];

/** How a stream breaks off. */
const BREAKS: Readonly<Record<string, (readable: Readable) => void>> = {
  "destroyed": (readable) => void readable.destroy(),
  "destroyed with an error": (readable) => void readable.destroy(new Error("the disk is gone")),
};

const broken: NodeCase[] = Object.entries(BREAKS).flatMap(([how, end]) =>
  PLACES.map((place): NodeCase => ({
    name: `a stream that is ${how} behind ${place} bytes makes no object, then or at a later call`,
    async run() {
      const make = () => {
        const readable = place === 0 ? new Readable({ read() {} }) : waiting(pattern(place));
        setTimeout(() => end(readable), 30);
        return asSource(readable);
      };
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => store(gcs, make()), "upload()");
      assert(error !== undefined, "upload() was fulfilled");
      const resumable = await opened(gcs.fetch, make());
      let failures = 0;
      for (let calls = 0; calls < 5; calls++) {
        if (await failureOf(() => resumable.transmitNextChunk(gcs.fetch)) !== undefined) failures++;
      }
      assert(failures >= 3, `only ${failures} of 5 calls failed`);
      assertEquals([gcs.objects.length, resumable.finished], [0, false]);
    },
  }))
);

/** Ends. */
export const readableEnds: NodeCase[] = [
  ...released,
  ...endless,
  ...broken,
  {
    name: "a request that its client breaks off is no object",
    async run() {
      for (const place of PLACES.slice(1)) {
        const gcs = new GcsEmulator({ md5: false });
        let outcome: Promise<unknown> | undefined;
        let seen = () => {};
        const came = new Promise<void>((resolve) => seen = resolve);
        const server = createServer((incoming) => {
          outcome = failureOf(() => store(gcs, asSource(incoming)), "upload()");
          seen();
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
        const { port } = server.address() as AddressInfo;
        const sending = request({ host: "127.0.0.1", port, method: "PUT" });
        sending.on("error", () => {});
        sending.write(pattern(place));
        await settled(came, "the request");
        await pause(20);
        sending.destroy();
        assert(await settled(outcome!, "the upload") !== undefined, "the upload was fulfilled");
        assertEquals(gcs.objects.length, 0, `${place} bytes`);
        server.closeAllConnections();
        server.close();
      }
    },
  },
  {
    name: "after a failed upload a file can be read again by a new stream",
    async run() {
      const path = file();
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: ["chunk", "final"], status: 403 });
      const first = await failureOf(() => store(gcs, asSource(createReadStream(path))));
      assert(first instanceof UploadError, `rejected with ${first}`);
      await settled(store(gcs, asSource(createReadStream(path))), "upload()");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a bad network does not lose a byte of a file's stream",
    async run() {
      const gcs = new GcsEmulator({ seed: 3 });
      gcs.randomFaults({ dropBefore: 0.15, dropAfter: 0.15, cut: 0.15, status: 0.1 });
      const resumable = await opened(gcs.fetch, asSource(createReadStream(file())));
      await settled(finish(resumable, gcs.fetch), "the upload");
      assertStored(gcs, bytes);
      assert(gcs.requests.some(({ fault }) => fault !== null), "nothing went wrong");
    },
  },
];
