// Headers that a browser may not see are told as what they are: CORS, not damaged data.

import {
  ResumableUpload,
  type Transport,
  upload,
  UploadError,
  type UploadSource,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { changing, crossOrigin, failureOf, settled, store } from "./sources_support.ts";
import {
  assertStored,
  CHUNK,
  finish,
  opened,
  pattern,
  startUrl,
  storedCheckpoint,
  streamOf,
  testClock,
} from "./upload_support.ts";

const bytes = pattern(3 * CHUNK + 77);

/** What CORS shows of a reply unless a bucket's settings say more. */
const SAFELISTED = [
  "cache-control",
  "content-language",
  "content-length",
  "content-type",
  "expires",
  "last-modified",
  "pragma",
];

/** Replies of another origin, without these headers; with `undefined` only what CORS shows of itself is left. */
function seenThroughCors(transport: Transport, hidden?: string[], from = 0): Transport {
  return changing(transport, (reply, _init, index) => {
    if (index < from) return crossOrigin(reply, []);
    const names = hidden ?? [...reply.headers.keys()].filter((name) => !SAFELISTED.includes(name));
    return crossOrigin(reply, names);
  });
}

/** Fails unless the error says that CORS hides that header. */
function assertToldAsCors(error: unknown, header: string, what: string): void {
  assert(error instanceof UploadError, `${what} was answered with ${error}`);
  assertEquals(error.code, "invalid_response", `${what}: ${error.message}`);
  assert(/\bCORS\b/.test(error.message), `${what}: no word on CORS in: ${error.message}`);
  const named = new RegExp(`\\b${header}\\b`, "i").test(error.message);
  assert(named, `${what}: no word on ${header} in: ${error.message}`);
}

const noReply: PortableCase = {
  name: "a server that does not reply is named, with its cause, and in a page with CORS as another",
  async run() {
    const transport = () => Promise.reject(new TypeError("no way there"));
    const endpoint = "https://storage.example:8443";
    const target = { bucket: "my-bucket", name: "a", endpoint, transport, retry: false } as const;
    const error = await failureOf(() => upload("hello", target));
    assert(error instanceof UploadError && error.code === "transport_failed", `${error}`);
    assert(error.message.includes("storage.example:8443"), error.message);
    assert(error.message.includes("no way there"), error.message);
    assertEquals(/\bCORS\b/.test(error.message), "document" in globalThis, error.message);
  },
};

const SOURCES: Readonly<Record<string, () => UploadSource>> = {
  "a Blob": () => new Blob([bytes]),
  "bytes": () => bytes,
  "a stream": () => streamOf(bytes, 50_000),
};

const hiddenRange: PortableCase[] = Object.entries(SOURCES).flatMap(([kind, make]) => [
  {
    name:
      `the upload of ${kind}: a Range that is hidden while the running hash shows bytes is told as CORS`,
    async run() {
      for (const retry of [null, { clock: testClock() }]) {
        const gcs = new GcsEmulator();
        const transport = seenThroughCors(gcs.fetch, ["range"]);
        const error = await failureOf(() => store(gcs, make(), { transport, retry }), "upload()");
        assertToldAsCors(error, "Range", `retry ${retry && "on"}`);
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
  {
    name: `the upload of ${kind}: a Range that is hidden from the second chunk on is told as CORS`,
    async run() {
      for (const hidden of [["range"], ["range", "x-goog-running-hash", "x-range-md5"]]) {
        const gcs = new GcsEmulator();
        const transport = seenThroughCors(gcs.fetch, hidden, 2); // after the start and one chunk
        const error = await failureOf(() => store(gcs, make(), { transport }), "upload()");
        assertToldAsCors(error, "Range", hidden.join());
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
  {
    name: `the upload of ${kind}: a start of which the Location is hidden is told as CORS`,
    async run() {
      for (const hidden of [["location"], ["location", "x-guploader-uploadid"], undefined]) {
        const gcs = new GcsEmulator();
        const transport = seenThroughCors(gcs.fetch, hidden);
        const error = await failureOf(() => store(gcs, make(), { transport }), "upload()");
        assertToldAsCors(error, "Location", String(hidden));
        assertEquals(gcs.requests.length, 1, "the requests");
      }
    },
  },
]);

/** Hidden headers. */
export const finishCors: PortableCase[] = [
  noReply,
  ...hiddenRange,
  {
    name: "a session of which everything is hidden but the Location is told as CORS",
    async run() {
      const gcs = new GcsEmulator();
      const clock = testClock();
      const transport = seenThroughCors(gcs.fetch, undefined, 1);
      const error = await failureOf(() => store(gcs, bytes, { transport, retry: { clock } }));
      assertToldAsCors(error, "Range", "upload()");
      assertEquals(gcs.objects.length, 0);
    },
  },
  {
    name:
      "a Range that is missing although the running hash shows bytes is no damage, without CORS, too",
    async run() {
      const gcs = new GcsEmulator();
      const transport = changing(gcs.fetch, (reply) => {
        const headers = new Headers(reply.headers);
        headers.delete("range");
        return new Response(reply.body, { status: reply.status, headers });
      });
      const error = await failureOf(() => store(gcs, bytes, { transport }));
      assert(error instanceof UploadError, `answered with ${error}`);
      assertEquals(error.code, "invalid_response", error.message);
      assert(/\bRange\b/.test(error.message), `no word on Range in: ${error.message}`);
    },
  },
  {
    name:
      "recover() and a resumed upload tell a hidden Range as CORS, since bytes are known to be stored",
    async run() {
      for (const hidden of [["range"], ["range", "x-goog-running-hash", "x-range-md5"]]) {
        const gcs = new GcsEmulator();
        const before = await opened(gcs.fetch, bytes, { retry: null });
        await before.transmitNextChunk(gcs.fetch);
        const transport = seenThroughCors(gcs.fetch, hidden);
        assertToldAsCors(
          await failureOf(() => before.recover(transport)),
          "Range",
          "recover()",
        );
        for (const retry of [null, { clock: testClock() }]) {
          const checkpoint = storedCheckpoint(before);
          const resumed = ResumableUpload.resume(checkpoint, new Blob([bytes]), { retry });
          const error = await failureOf(() => resumed.recover(transport), "recover()");
          assertToldAsCors(error, "Range", "a resumed upload");
          assertEquals(gcs.objects.length, 0);
        }
      }
    },
  },
  {
    name: "an upload that was told of CORS goes on when the header can be seen",
    async run() {
      const gcs = new GcsEmulator();
      const upload = await opened(gcs.fetch, bytes, { retry: null });
      await upload.transmitNextChunk(gcs.fetch);
      const hidden = seenThroughCors(gcs.fetch, ["range"]);
      assertToldAsCors(await failureOf(() => upload.transmitNextChunk(hidden)), "Range", "a chunk");
      await settled(upload.recover(gcs.fetch), "recover()");
      await settled(finish(upload, gcs.fetch), "the upload");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "replies of another origin that show what they must are like any other",
    async run() {
      for (const make of Object.values(SOURCES)) {
        const gcs = new GcsEmulator();
        const transport = seenThroughCors(gcs.fetch, ["x-goog-running-hash", "x-range-md5"]);
        await settled(store(gcs, make(), { transport }), "upload()");
        assertStored(gcs, bytes);
      }
    },
  },
  {
    name: "a 308 without Range where nothing is stored is no matter of CORS",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "chunk", cut: 5 }, { on: "chunk", drop: "before" });
      const transport = seenThroughCors(gcs.fetch, []);
      await settled(store(gcs, bytes, { transport }), "upload()");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a start without a Location from this origin is an invalid response",
    async run() {
      const gcs = new GcsEmulator();
      const transport = changing(gcs.fetch, () => new Response(null));
      const upload = new ResumableUpload(startUrl("resumable"), CHUNK);
      const error = await failureOf(() => upload.initiate(transport, bytes, {}, "a/b"));
      assert(error instanceof UploadError, `answered with ${error}`);
      assertEquals(error.code, "invalid_response");
      assert(/\bLocation\b/.test(error.message), error.message);
    },
  },
];
