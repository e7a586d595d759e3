// The library with the runtime's own fetch, against an emulated Google on a real connection.

import {
  type Checkpoint,
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  upload,
  type UploadSettings,
  uploadStream,
} from "../../../mod.ts";
import type { Fault, RequestRecord } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { ODD_NAMES } from "./upload_call.ts";
import { injectAt } from "./stretch_support.ts";
import {
  assertBytes,
  BUCKET,
  byteStreamOf,
  CHUNK,
  finish,
  pattern,
  streamOf,
} from "./upload_support.ts";

const bytes = pattern(3 * CHUNK + 1_234);

/** The bytes of an object, as the server has them. */
async function stored({ origin }: Context, name: string): Promise<Uint8Array> {
  const url = `${origin}/storage/v1/b/${BUCKET}/o/${encodeURIComponent(name)}?alt=media`;
  const response = await fetch(url);
  assertEquals(response.status, 200, `the status of ${name}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The requests of the upload of that name as the server saw them; without those that browsers add. */
async function requests({ origin }: Context, name: string): Promise<RequestRecord[]> {
  const all: RequestRecord[] = await (await fetch(`${origin}/requests`)).json();
  return all.filter(({ url, kind }) =>
    kind !== "other" && new URL(url).searchParams.get("name") === name
  );
}

const startUrl = ({ origin }: Context, type: string, name: string) =>
  `${origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=${type}&name=${name}`;

const target = ({ origin }: Context, name: string, options: UploadSettings = {}) => ({
  bucket: BUCKET,
  name,
  endpoint: origin,
  chunkSize: CHUNK,
  retry: { initialDelay: 1 },
  ...options,
});

/** Length and coding of a request, as they were on the wire. */
const framing = ({ headers }: RequestRecord) => [
  headers["content-length"],
  headers["transfer-encoding"] ?? null,
];

/** What breaks, on a real connection. */
const BROKEN: [what: string, fault: Fault][] = [
  ["a connection reset before a chunk is read", { on: "chunk", skip: 1, drop: "before" }],
  ["a connection reset in the middle of a chunk", { on: "chunk", skip: 1, cut: 100_000 }],
  ["a connection reset before the reply to a chunk", { on: "chunk", skip: 1, drop: "after" }],
  ["a connection reset before the last reply", { on: "final", drop: "after" }],
  ["a connection reset while the session is started", { on: "initiate", drop: "before" }],
  ["a 503 in the middle", { on: "chunk", skip: 1, status: 503, headers: { "retry-after": "0" } }],
  ["a 503 in the middle of a chunk", { on: "chunk", skip: 1, status: 503, afterBytes: 100_000 }],
];

/** Uploads over a real connection. */
export const network: PortableCase[] = [
  {
    name: "over a connection: small bytes arrive whole, in one request",
    async run(context) {
      const options = target(context, "small", { ifGenerationMatch: 0 });
      const object = await upload("hello", options);
      assertEquals([object.name, object.size, object.crc32c], ["small", "5", "mnG7TA=="]);
      assertBytes(await stored(context, "small"), new TextEncoder().encode("hello"), "small");
      assertEquals((await requests(context, "small")).map(({ kind }) => kind), ["multipart"]);
    },
  },
  {
    name: "over a connection: each class sends what it is given",
    async run(context) {
      const simple = new SimpleUpload(startUrl(context, "media", "class"));
      const media = await simple.transmit(fetch, bytes, "a/b");
      assertEquals((await media.json()).contentType, "a/b");
      assertBytes(await stored(context, "class"), bytes, "the simple upload");
      const multipart = new MultipartUpload(startUrl(context, "multipart", "class"));
      const metadata = { metadata: { "ключ": "🌍" } };
      const related = await multipart.transmit(fetch, new Blob([bytes]), metadata, "a/b");
      assertEquals((await related.json()).metadata, metadata.metadata);
      assertBytes(await stored(context, "class"), bytes, "the multipart upload");
      const resumable = new ResumableUpload(startUrl(context, "resumable", "class"), CHUNK);
      await resumable.initiate(fetch, streamOf(bytes, 50_000), {}, "a/b");
      await finish(resumable, fetch);
      assertBytes(await stored(context, "class"), bytes, "the resumable upload");
    },
  },
  {
    name: "over a connection: fetch hands out each 308, with its Range",
    async run(context) {
      const resumable = new ResumableUpload(startUrl(context, "resumable", "308"), CHUNK, {
        retry: null,
      });
      await resumable.initiate(fetch, bytes, {}, "a/b");
      const seen: unknown[] = [];
      while (!resumable.finished) {
        const { status, headers } = await resumable.transmitNextChunk(fetch);
        seen.push([status, headers.get("range")]);
      }
      assertEquals(seen, [
        [308, `bytes=0-${CHUNK - 1}`],
        [308, `bytes=0-${2 * CHUNK - 1}`],
        [308, `bytes=0-${3 * CHUNK - 1}`],
        [200, null],
      ]);
    },
  },
  {
    name: "over a connection: a chunk, a question and a last chunk have their exact Content-Length",
    async run(context) {
      await injectAt(context.origin, { on: "chunk", skip: 1, status: 503 });
      await upload(bytes, target(context, "lengths"));
      const log = await requests(context, "lengths");
      assertEquals(log.map(({ kind }) => kind), [
        "initiate",
        "chunk",
        "chunk",
        "status",
        "chunk",
        "chunk",
        "final",
      ]);
      assertEquals(log.map(framing), [
        ["2", null], // {}
        [`${CHUNK}`, null],
        [`${CHUNK}`, null],
        ["0", null],
        [`${CHUNK}`, null],
        [`${CHUNK}`, null],
        ["1234", null],
      ]);
    },
  },
  {
    name: "over a connection: chunks of a stream have their exact Content-Length, too",
    async run(context) {
      await upload(byteStreamOf(bytes, 40_000), target(context, "streamed"));
      const log = (await requests(context, "streamed")).filter(({ kind }) => kind === "chunk");
      assertEquals(log.map(framing), Array.from({ length: 3 }, () => [`${CHUNK}`, null]));
    },
  },
  {
    name: "over a connection: the end of an empty upload has a Content-Length of 0",
    async run(context) {
      await upload(streamOf(pattern(0), 1), target(context, "empty"));
      const log = await requests(context, "empty");
      assertEquals(log.map(({ kind }) => kind), ["initiate", "finalize"]);
      assertEquals(framing(log[1]), ["0", null]);
    },
  },
  {
    name: "over a connection: a Blob in one request has its exact Content-Length",
    async run(context) {
      const blob = new Blob([bytes]);
      const simple = new SimpleUpload(startUrl(context, "media", "blob"));
      await simple.transmit(fetch, blob, "a/b");
      const multipart = new MultipartUpload(startUrl(context, "multipart", "blob"));
      await multipart.transmit(fetch, blob, {}, "a/b");
      const [media, related] = await requests(context, "blob");
      assertEquals(framing(media), [`${bytes.length}`, null]);
      assertEquals(framing(related), [`${related.bodyBytes}`, null]);
      assert(related.bodyBytes > bytes.length, `${related.bodyBytes} bytes with metadata`);
    },
  },
  {
    name: "over a connection: a Blob, and a Blob of Blobs, arrive in chunks",
    async run(context) {
      const blob = new Blob([bytes.slice(0, 9_999), new Blob([bytes.slice(9_999)])]);
      const persisted: number[] = [];
      await upload(
        blob,
        target(context, "blobs", {
          onProgress: (progress) => void persisted.push(progress.persisted),
        }),
      );
      assertBytes(await stored(context, "blobs"), bytes, "blobs");
      assertEquals(persisted, persisted.toSorted((a, b) => a - b));
      assertEquals(persisted.at(-1), bytes.length);
    },
  },
  {
    name: "over a connection: a stream of unknown length arrives whole, with MD5 required",
    async run(context) {
      const options = target(context, "stream", { checksum: "md5" });
      assertEquals((await upload(streamOf(bytes, 50_000), options)).size, String(bytes.length));
      assertBytes(await stored(context, "stream"), bytes, "stream");
    },
  },
  ...BROKEN.map(([what, fault], i): PortableCase => ({
    name: `over a connection, survived: ${what}`,
    async run(context) {
      await injectAt(context.origin, fault);
      await upload(streamOf(bytes, 50_000), target(context, `broken-${i}`));
      assertBytes(await stored(context, `broken-${i}`), bytes, what);
      const log = await requests(context, `broken-${i}`);
      assert(log.some(({ fault }) => fault !== null), "nothing went wrong");
    },
  })),
  {
    name: "over a connection: names with every odd character arrive as they are",
    async run(context) {
      for (const name of ODD_NAMES) {
        const object = await upload("hello", target(context, name));
        assertEquals(object.name, name);
        assertEquals((await stored(context, name)).length, 5);
      }
    },
  },
  {
    name:
      "over a connection: an aborted chunk rejects with the reason, and the upload goes on later",
    async run(context) {
      await injectAt(context.origin, { on: "chunk", skip: 1, delay: 10_000_000 });
      const abort = new AbortController();
      const reason = new RangeError("enough");
      let checkpoint: Checkpoint | undefined;
      const uploading = upload(
        bytes,
        target(context, "aborted", {
          signal: abort.signal,
          onCheckpoint: (latest) => void (checkpoint = latest),
          onProgress({ sent, persisted }) {
            if (sent > CHUNK && persisted === CHUNK) setTimeout(() => abort.abort(reason), 10);
          },
        }),
      );
      assert(await uploading.catch((error) => error) === reason, "another reason");
      assertEquals(checkpoint?.persisted, CHUNK);
      await upload(bytes, { checkpoint: JSON.parse(JSON.stringify(checkpoint)) });
      assertBytes(await stored(context, "aborted"), bytes, "aborted");
    },
  },
  {
    name: "over a connection: cancel() is answered with 499",
    async run(context) {
      const resumable = new ResumableUpload(startUrl(context, "resumable", "cancelled"), CHUNK);
      await resumable.initiate(fetch, bytes, {}, "a/b");
      await resumable.transmitNextChunk(fetch);
      assertEquals((await resumable.cancel(fetch)).status, 499);
      const cancel = (await requests(context, "cancelled")).at(-1)!;
      assertEquals([cancel.method, cancel.bodyBytes], ["DELETE", 0]);
      // A DELETE without a body needs no length (RFC 9110, 8.6), and Node never sends one.
      const [length, coding] = framing(cancel);
      assert(length === undefined || length === "0", `a Content-Length of ${length}`);
      assertEquals(coding, null, "the coding of a DELETE");
    },
  },
  {
    name: "over a connection: recover() after a broken chunk, without retrying",
    async run(context) {
      await injectAt(context.origin, { on: "chunk", skip: 1, status: 500 });
      const resumable = new ResumableUpload(startUrl(context, "resumable", "manual"), CHUNK, {
        retry: null,
      });
      await resumable.initiate(fetch, streamOf(bytes, 50_000), {}, "a/b");
      let recovered = 0;
      while (!resumable.finished) {
        try {
          await resumable.transmitNextChunk(fetch);
        } catch {
          recovered++;
          await resumable.recover(fetch);
        }
      }
      assertEquals(recovered, 1);
      assertBytes(await stored(context, "manual"), bytes, "manual");
    },
  },
  {
    name: "over a connection: the body of a response is piped into an upload",
    async run(context) {
      const response = await fetch(`${context.origin}/echo`, { method: "PUT", body: bytes });
      const { writable, result } = uploadStream(target(context, "piped"));
      await response.body!.pipeTo(writable);
      assertEquals((await result).size, String(bytes.length));
      assertBytes(await stored(context, "piped"), bytes, "piped");
    },
  },
  {
    name: "over a connection: the body of a response is uploaded as a stream",
    async run(context) {
      const response = await fetch(`${context.origin}/echo`, { method: "PUT", body: bytes });
      await upload(response.body!, target(context, "body"));
      assertBytes(await stored(context, "body"), bytes, "body");
    },
  },
  {
    name: "over a connection: an aborted uploadStream cancels its session",
    async run(context) {
      const { writable, result } = uploadStream(target(context, "given-up"));
      const writer = writable.getWriter();
      await writer.write(bytes);
      const reason = new RangeError("enough");
      await writer.abort(reason);
      assert(await result.catch((error) => error) === reason, "another reason");
      const last = async () => (await requests(context, "given-up")).at(-1);
      // In the background: nobody has to wait for it.
      for (let i = 0; i < 1000 && (await last())?.kind !== "cancel"; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assertEquals((await last())?.kind, "cancel");
    },
  },
];
