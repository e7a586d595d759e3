// What a server may say of long requests: a 308 that it was asked not to send, and how many bytes one may carry.

import { ResumableUpload } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf } from "./sources_support.ts";
import {
  anotherServer,
  assertReadOnce,
  assertStoredAt,
  injectAt,
  long,
  MIB,
  rangeOf,
  Recorder,
  requestsAt,
  send,
  sendTo,
  streams,
} from "./stretch_support.ts";
import { assertStored, BUCKET, CHUNK, chunks } from "./upload_support.ts";

const SIZE = 12 * MIB + 7;

/** Two requests of 3 MiB and a last one. */
const SHORT = 6 * MIB + 7;

/** The most bytes that any request had. */
const largest = (gcs: GcsEmulator): number =>
  Math.max(...chunks(gcs).map(({ bodyBytes }) => bodyBytes));

/** What servers say of long requests. */
export const stretchLimits: PortableCase[] = [
  {
    name:
      "stretch: from a server that ignores X-GUploader-No-308 long requests are taken all the same, each byte once",
    async run(context) {
      const origin = await anotherServer(context, { ignoreNo308: true });
      const recorder = new Recorder();
      await sendTo(origin, "object", recorder.source(long(SHORT)), { chunkSize: 3 * MIB });
      await assertStoredAt(origin, "object", long(SHORT));
      assertReadOnce(recorder, SHORT);
      const log = await requestsAt(origin, "object");
      const carried = log.filter(({ contentRange }) => rangeOf(contentRange));
      assertEquals(
        carried.map(({ contentRange }) => contentRange),
        [0, 3].map((first) => `bytes ${first * MIB}-${(first + 3) * MIB - 1}/${SHORT}`)
          .concat(`bytes ${6 * MIB}-${SHORT - 1}/${SHORT}`),
      );
      // Where a 308 is a rejection, each costs a question.
      const questions = log.filter(({ kind }) => kind === "status").length;
      assert(questions <= 2, `${questions} questions`);
    },
  },
  {
    name:
      "stretch: whoever calls transmitNextChunk sees a 308 with its Range, whatever the server sent",
    async run(context) {
      for (const ignoreNo308 of [false, true]) {
        const origin = await anotherServer(context, { ignoreNo308 });
        const url = `${origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable&name=object`;
        const upload = new ResumableUpload(url, 3 * MIB, { retry: null });
        await upload.initiate(fetch, new Recorder().source(long(SHORT)), {}, "a/b");
        const seen: unknown[] = [];
        while (!upload.finished) {
          const { status, headers } = await upload.transmitNextChunk(fetch);
          seen.push([status, headers.get("range")]);
        }
        assertEquals(seen, [
          [308, `bytes=0-${3 * MIB - 1}`],
          [308, `bytes=0-${6 * MIB - 1}`],
          [200, null],
        ]);
      }
    },
  },
  {
    name: "stretch: X-Max-Chunk-Bytes of the start bounds every request",
    async run() {
      for (const limit of [4 * MIB, 4 * MIB + 1000, CHUNK]) {
        const gcs = new GcsEmulator({ md5: false });
        gcs.inject({ on: "initiate", rewrite: { "x-max-chunk-bytes": String(limit) } });
        const recorder = new Recorder();
        await send(gcs, recorder.source(long(SIZE)));
        assertStored(gcs, long(SIZE));
        assertReadOnce(recorder, SIZE);
        assert(largest(gcs) <= limit, `${largest(gcs)} bytes in a request, allowed are ${limit}`);
        const expected = Math.ceil(SIZE / (Math.floor(limit / CHUNK) * CHUNK));
        assertEquals(chunks(gcs).length, expected, "the number of requests");
      }
    },
  },
  {
    name:
      "stretch: a 413 that says how much is allowed makes requests shorter, and costs no budget",
    async run() {
      for (const afterBytes of [undefined, 0, MIB + 1]) {
        const gcs = new GcsEmulator({ md5: false });
        const headers = { "x-max-chunk-bytes": String(3 * MIB) };
        gcs.inject({
          on: "chunk",
          status: 413,
          headers,
          ...(afterBytes !== undefined && { afterBytes }),
        });
        const recorder = new Recorder();
        await send(gcs, recorder.source(long(SIZE)), { retry: { maxAttempts: 1 } });
        assertStored(gcs, long(SIZE));
        const [, ...after] = chunks(gcs);
        const most = Math.max(...after.map(({ bodyBytes }) => bodyBytes));
        assert(most <= 3 * MIB, `${most} bytes in a request`);
        assertEquals(recorder.closed, 1, "how often the source was closed");
      }
    },
  },
  {
    name: "stretch: a 413 that does not say how much is allowed is an error",
    async run(context) {
      const { origin } = context;
      await injectAt(origin, { on: "chunk", status: 413, times: 1 });
      const recorder = new Recorder();
      const error = await failureOf(() => sendTo(origin, "too large", recorder.source(long(SIZE))));
      assertEquals((error as { status?: number })?.status, 413, String(error));
      assertEquals(recorder.closed, 1, "how often the source was closed");
    },
  },
  {
    name:
      "stretch: a 413 that allows as much as was sent, or less than the least chunk, is an error",
    async run() {
      for (const limit of [64 * MIB, CHUNK - 1, 0]) {
        const gcs = new GcsEmulator({ md5: false });
        const headers = { "x-max-chunk-bytes": String(limit) };
        gcs.inject({ on: "chunk", status: 413, headers, times: 8 });
        const error = await failureOf(() => send(gcs, new Recorder().source(long(SIZE))));
        assertEquals((error as { status?: number })?.status, 413, `${limit}: ${error}`);
        assert(chunks(gcs).length <= 2, `${limit}: ${chunks(gcs).length} requests`);
      }
    },
  },
  {
    name: "stretch: a chunkSize that is no multiple of what the server wants is rounded to one",
    async run(context) {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "initiate", rewrite: { "x-max-chunk-bytes": String(5 * MIB - 1) } });
      await send(gcs, new Recorder().source(long(SIZE)), { chunkSize: 64 * MIB });
      const sizes = chunks(gcs).slice(0, -1).map(({ bodyBytes }) => bodyBytes);
      assert(sizes.every((size) => size % CHUNK === 0), `${context.runtime}: ${sizes}`);
      assertStored(gcs, long(SIZE));
    },
  },
  {
    name: "stretch: an early 308 of a long request is believed, and the rest sent from there",
    async run(context) {
      if (!streams(context)) return;
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", early: 3 * MIB + 5 });
      const recorder = new Recorder();
      await send(gcs, recorder.source(long(SIZE)));
      assertStored(gcs, long(SIZE));
      const kinds = gcs.requests.map(({ kind }) => kind);
      assert(!kinds.includes("status"), `${kinds}`);
      assertEquals(rangeOf(chunks(gcs)[1].contentRange)?.first, 3 * MIB, "the second request");
    },
  },
];
