// One request for everything: its body is made while it is sent, and each byte read once.

import {
  MultipartUpload,
  SimpleUpload,
  type UploadData,
  type UploadProgress,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { failureOf } from "./sources_support.ts";
import {
  assertReadOnce,
  assertStoredAt,
  long,
  manualClock,
  MIB,
  RecordedBlob,
  Recorder,
  requestsAt,
  send,
  streams,
} from "./stretch_support.ts";
import { assertStored, BUCKET, kinds, startUrl } from "./upload_support.ts";

const SIZE = 10 * MIB + 3;

const DATA: Readonly<
  Record<string, (bytes: Uint8Array<ArrayBuffer>, recorder: Recorder) => UploadData>
> = {
  "{ size, read }": (bytes, recorder) => recorder.source(bytes),
  "a Blob": (bytes, recorder) => new RecordedBlob(bytes, recorder),
};

const TYPES = ["media", "multipart"] as const;

/** Sends data in one request of that kind, over a connection. */
async function transmit(
  { origin }: Context,
  type: typeof TYPES[number],
  name: string,
  data: UploadData,
): Promise<void> {
  const url = `${origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=${type}&name=` +
    encodeURIComponent(name);
  if (type === "media") await new SimpleUpload(url).transmit(fetch, data, "a/b");
  else await new MultipartUpload(url).transmit(fetch, data, { metadata: { a: "ü" } }, "a/b");
}

const once: PortableCase[] = TYPES.flatMap((type) =>
  Object.entries(DATA).map(([kind, make]) => ({
    name:
      `stretch: ${kind} of 10 MiB in one ${type} request is read once, in pieces, and arrives whole`,
    async run(context: Context) {
      const recorder = new Recorder();
      const name = `one ${type} ${kind}`;
      await transmit(context, type, name, make(long(SIZE), recorder));
      await assertStoredAt(context.origin, name, long(SIZE));
      const log = await requestsAt(context.origin, name);
      assertEquals(log.filter(({ kind }) => kind === type).length, 1, "the number of requests");
      if (!streams(context)) return; // a slice is the body there, and read beside
      assertReadOnce(recorder, SIZE);
      const most = Math.max(...recorder.reads.map(({ length }) => length));
      assert(most <= MIB, `${most} bytes were read at once`);
      const [{ headers, bodyBytes }] = log;
      if (context.runtime === "deno") return; // sends every stream in pieces
      assertEquals(headers["content-length"], String(bodyBytes), "Content-Length");
    },
  }))
);

/** Uploads in one request. */
export const stretchOneRequests: PortableCase[] = [
  ...once,
  ...TYPES.map((type): PortableCase => ({
    name:
      `stretch: a ${type} request that breaks is repeated from the first byte, where a precondition makes it safe`,
    async run(context) {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: type, cut: 9 * MIB }, { on: type, status: 503, afterBytes: 2 * MIB });
      const recorder = new Recorder();
      const bytes = long(10 * MIB + 1);
      const url = startUrl(type, "name=object&ifGenerationMatch=0");
      const options = { retry: { clock: manualClock() } };
      const source = recorder.source(bytes);
      if (type === "media") await new SimpleUpload(url, options).transmit(gcs.fetch, source, "a/b");
      else await new MultipartUpload(url, options).transmit(gcs.fetch, source, {}, "a/b");
      assertStored(gcs, bytes);
      assertEquals(kinds(gcs), [type, type, type]);
      if (!streams(context)) return;
      // Read as far as each request came, and one piece ahead.
      const most = bytes.length + (9 + 2) * MIB + 2 * 3 * MIB;
      assert(recorder.bytesRead <= most, `${recorder.bytesRead} bytes were read`);
    },
  })),
  {
    name: "stretch: a media request that breaks is not repeated without a precondition",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "media", cut: 9 * MIB });
      const recorder = new Recorder();
      const upload = new SimpleUpload(startUrl("media"), { retry: { clock: manualClock() } });
      const source = recorder.source(long(10 * MIB));
      const error = await failureOf(() => upload.transmit(gcs.fetch, source, "a/b"));
      assertEquals((error as { code?: string }).code, "transport_failed", String(error));
      assertEquals([kinds(gcs).length, recorder.closed], [1, 1], "requests, and calls of close()");
    },
  },
  {
    name:
      "stretch: bytes that were damaged on their way are found out by what was hashed while they were sent",
    async run() {
      for (const on of TYPES) {
        const gcs = new GcsEmulator({ md5: false });
        gcs.inject({ on, corrupt: true });
        const options = { retry: { clock: manualClock() } };
        const source = new Recorder().source(long(10 * MIB));
        const error = await failureOf(() =>
          on === "media"
            ? new SimpleUpload(startUrl(on), options).transmit(gcs.fetch, source, "a/b")
            : new MultipartUpload(startUrl(on), options).transmit(gcs.fetch, source, {}, "a/b")
        );
        assertEquals((error as { code?: string })?.code, "data_corruption", `${on}: ${error}`);
      }
    },
  },
  {
    name: "stretch: upload() to a media URL tells how much was taken while it is sent",
    async run(context) {
      if (!streams(context)) return;
      const clock = manualClock();
      const gcs = new GcsEmulator({ md5: false });
      const calls: UploadProgress[] = [];
      const source = new Recorder().source(long(SIZE), { before: () => clock.advance(100) });
      const onProgress = (progress: UploadProgress) => void calls.push(progress);
      await send(gcs, source, { url: startUrl("media"), retry: { clock }, onProgress });
      const sent = calls.map(({ sent }) => sent);
      assertEquals(sent, sent.toSorted((a, b) => a - b));
      assert(new Set(sent).size >= 8, `${sent}`);
      assertEquals(calls.at(-1), {
        sent: SIZE,
        persisted: SIZE,
        total: SIZE,
        resumedFrom: 0,
      });
    },
  },
];
