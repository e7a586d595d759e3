// The three classes, one by one.

import {
  InvalidResponse,
  MultipartUpload,
  PERMANENT_REDIRECT,
  ResumableUpload,
  SimpleUpload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertCode,
  assertStored,
  BUCKET,
  CHUNK,
  kinds,
  opened,
  pattern,
  ranges,
  startUrl,
  testClock,
} from "./upload_support.ts";

/** An upload in one request that may be repeated, since there must be no object before. */
const once = "name=object&ifGenerationMatch=0";

/** The three classes. */
export const classes: PortableCase[] = [
  {
    name: "the constants are those of the protocol",
    run() {
      assertEquals([UPLOAD_CHUNK_SIZE, PERMANENT_REDIRECT], [262_144, 308]);
    },
  },
  {
    name: "a simple upload sends bytes and media type in one POST",
    async run() {
      const gcs = new GcsEmulator();
      const upload = new SimpleUpload(startUrl("media"), { headers: { "x-custom": "1" } });
      assertEquals([upload.finished, upload.object], [false, undefined]);
      const response = await upload.transmit(gcs.fetch, pattern(1000), "image/png");
      assertEquals([upload.finished, upload.object?.size], [true, "1000"]);
      assertEquals((await response.json()).contentType, "image/png", "the response, read again");
      assertStored(gcs, pattern(1000));
      const [{ method, headers }] = gcs.requests;
      assertEquals([method, headers["content-type"], headers["x-custom"]], [
        "POST",
        "image/png",
        "1",
      ]);
    },
  },
  {
    name: "a multipart upload sends metadata, checksum and bytes in one POST",
    async run() {
      const gcs = new GcsEmulator();
      const upload = new MultipartUpload(startUrl("multipart", ""));
      const metadata = {
        name: 'ordner/ä "b".bin',
        cacheControl: "no-store",
        metadata: { sprache: "Français 🌍" },
      };
      const response = await upload.transmit(gcs.fetch, pattern(70_000), metadata, "image/png");
      assertEquals((await response.json()).cacheControl, "no-store");
      assertEquals(upload.object?.metadata, metadata.metadata);
      assertStored(gcs, pattern(70_000), metadata.name);
      assertEquals(gcs.get(BUCKET, metadata.name)?.contentType, "image/png");
      assertEquals(kinds(gcs), ["multipart"]);
      assertEquals(Object.keys(metadata).length, 3, "the caller's own metadata");
    },
  },
  {
    name: "bytes that look like the framing of a multipart body arrive unchanged",
    async run() {
      const gcs = new GcsEmulator();
      const body = "\r\n--\r\n--=\r\ncontent-type: text/plain\r\n\r\nx\r\n----\r\n";
      const upload = new MultipartUpload(startUrl("multipart"));
      await upload.transmit(gcs.fetch, body, {}, "text/plain");
      assertStored(gcs, new TextEncoder().encode(body));
    },
  },
  {
    name:
      "a Blob of more than 8 MiB is never read into memory for one request; a smaller one is read once",
    async run() {
      for (const size of [5000, 8 * 1024 * 1024 + 1]) {
        const gcs = new GcsEmulator();
        const bodies: unknown[] = [];
        const transport = (input: string, init: RequestInit) => {
          bodies.push(init.body);
          return gcs.fetch(input, init);
        };
        const blob = new Blob([pattern(size)]);
        await new SimpleUpload(startUrl("media")).transmit(transport, blob, "a/b");
        assertStored(gcs, pattern(size));
        await new MultipartUpload(startUrl("multipart")).transmit(transport, blob, {}, "a/b");
        assertStored(gcs, pattern(size));
        const inMemory = bodies.map((body) => body instanceof Uint8Array);
        assertEquals(inMemory, size === 5000 ? [true, true] : [false, false]);
      }
    },
  },
  {
    name: "a one-request upload can be used once",
    async run() {
      const { fetch } = new GcsEmulator();
      const simple = new SimpleUpload(startUrl("media"));
      await simple.transmit(fetch, "a", "text/plain");
      await assertCode(simple.transmit(fetch, "a", "text/plain"), "invalid_state");
      const multipart = new MultipartUpload(startUrl("multipart"));
      await multipart.transmit(fetch, "a", {}, "text/plain");
      await assertCode(multipart.transmit(fetch, "a", {}, "text/plain"), "invalid_state");
    },
  },
  {
    name: "a one-request upload is not repeated where that could overwrite something",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ status: 503 });
      const upload = new SimpleUpload(startUrl("media"), { retry: { clock: testClock() } });
      await assertCode(upload.transmit(gcs.fetch, "a", "text/plain"), "unavailable");
      assertEquals(kinds(gcs), ["media"]);
    },
  },
  {
    name: "a one-request upload with a generation precondition is repeated",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ status: 503 }, { drop: "before" }, { cut: 3 });
      const retry = { clock: testClock() };
      const upload = new MultipartUpload(startUrl("multipart", once), { retry });
      await upload.transmit(gcs.fetch, new Blob(["hello"]), {}, "text/plain");
      assertEquals([upload.object?.crc32c, gcs.requests.length], ["mnG7TA==", 4]);
    },
  },
  {
    name: "a repeated upload that meets its own object has succeeded",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ drop: "after" });
      const upload = new SimpleUpload(startUrl("media", once), { retry: { clock: testClock() } });
      await upload.transmit(gcs.fetch, "hello", "text/plain");
      assertEquals([upload.object?.crc32c, kinds(gcs).at(-1)], ["mnG7TA==", "get"]);
    },
  },
  {
    name: "a repeated upload that meets another object fails, with the lost request as its cause",
    async run() {
      const gcs = new GcsEmulator();
      await new SimpleUpload(startUrl("media", once)).transmit(gcs.fetch, "other", "text/plain");
      gcs.inject({ drop: "before" });
      const upload = new SimpleUpload(startUrl("media", once), { retry: { clock: testClock() } });
      const error = await assertCode(
        upload.transmit(gcs.fetch, "hello", "text/plain"),
        "precondition_failed",
      );
      assert(error.cause instanceof UploadError, `the cause is ${error.cause}`);
      assertEquals(error.cause.code, "transport_failed");
    },
  },
  {
    name: "a resumable upload says at each step where it stands",
    async run() {
      const gcs = new GcsEmulator();
      const bytes = pattern(2 * CHUNK + 5);
      const upload = new ResumableUpload(startUrl("resumable", ""), CHUNK);
      assertEquals([upload.bytesUploaded, upload.finished, upload.invalid], [0, false, false]);
      assertEquals([upload.resumableUrl, upload.totalBytes], [undefined, undefined]);
      const started = await upload.initiate(gcs.fetch, bytes, { name: "object" }, "a/b");
      assertEquals(started.headers.get("location"), upload.resumableUrl);
      assertEquals(upload.totalBytes, bytes.length);
      const seen: [number, number, boolean][] = [];
      while (!upload.finished) {
        const { status } = await upload.transmitNextChunk(gcs.fetch);
        seen.push([status, upload.bytesUploaded, upload.finished]);
      }
      assertEquals(seen, [
        [308, CHUNK, false],
        [308, 2 * CHUNK, false],
        [200, bytes.length, true],
      ]);
      assertEquals(upload.object?.contentType, "a/b");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "calls at the wrong moment are refused and send nothing",
    async run() {
      const gcs = new GcsEmulator();
      const early = new ResumableUpload(startUrl("resumable"), CHUNK);
      await assertCode(early.transmitNextChunk(gcs.fetch), "invalid_state");
      await assertCode(early.recover(gcs.fetch), "invalid_state");
      await assertCode(early.cancel(gcs.fetch), "invalid_state");
      const upload = await opened(gcs.fetch, "abc");
      await assertCode(upload.initiate(gcs.fetch, "abc", {}, "a/b"), "invalid_state");
      const first = upload.transmitNextChunk(gcs.fetch);
      await assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state");
      await first;
      await assertCode(upload.transmitNextChunk(gcs.fetch), "invalid_state");
      assertEquals(kinds(gcs), ["initiate", "final"]);
    },
  },
  {
    name: "wrong arguments are refused at the call",
    async run() {
      const gcs = new GcsEmulator();
      for (const size of [0, -CHUNK, CHUNK + 1, 1.5, NaN, -Infinity]) {
        const make = () => Promise.resolve().then(() => new ResumableUpload("http://a", size));
        await assertRejects(make(), RangeError);
      }
      for (const url of ["", "/path", "ftp://a/b"]) {
        const make = () => Promise.resolve().then(() => new SimpleUpload(url));
        await assertRejects(make(), TypeError);
      }
      const simple = new SimpleUpload(startUrl("media"));
      await assertRejects(simple.transmit(gcs.fetch, "a", "no media type"), TypeError);
      await assertRejects(simple.transmit(gcs.fetch, "a", "text/plain\r\nx: y"), TypeError);
      assertEquals(gcs.requests.length, 0);
    },
  },
  {
    name: "a refused request is an InvalidResponse whose response can be read",
    async run() {
      const gcs = new GcsEmulator({ buckets: ["another"] });
      const upload = new ResumableUpload(startUrl("resumable"), CHUNK);
      const start = upload.initiate(gcs.fetch, "abc", {}, "text/plain");
      const error = await assertRejects(start, InvalidResponse);
      assertEquals([error.code, error.response.status], ["rejected", 404]);
      assertEquals((await error.response.json()).error.code, 404);
    },
  },
  {
    name: "a precondition is met or missed when the upload is finished",
    async run() {
      const gcs = new GcsEmulator();
      await new SimpleUpload(startUrl("media")).transmit(gcs.fetch, "old", "text/plain");
      const upload = new ResumableUpload(startUrl("resumable", once), CHUNK);
      await upload.initiate(gcs.fetch, pattern(CHUNK + 1), {}, "a/b");
      await upload.transmitNextChunk(gcs.fetch);
      await assertCode(upload.transmitNextChunk(gcs.fetch), "precondition_failed");
      assertEquals(upload.finished, false);
      assertStored(gcs, new TextEncoder().encode("old"));
    },
  },
  {
    name: "with streamFinal false the size is not declared, even where it is known",
    async run() {
      const gcs = new GcsEmulator();
      const upload = new ResumableUpload(startUrl("resumable"), CHUNK);
      await upload.initiate(gcs.fetch, pattern(CHUNK + 1), {}, "a/b", { streamFinal: false });
      while (!upload.finished) await upload.transmitNextChunk(gcs.fetch);
      assertEquals(gcs.requests[0].headers["x-upload-content-length"], undefined);
      assertEquals(ranges(gcs)[0], `bytes 0-${CHUNK - 1}/*`);
    },
  },
];
