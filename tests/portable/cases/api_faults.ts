// X-Goog-Upload: what goes wrong on the way, and how the upload ends all the same, or does not.

import {
  cancelUpload,
  json,
  ResumableUpload,
  upload,
  type UploadErrorCode,
  type UploadSource,
  uploadStream,
  xGoogUpload,
} from "../../../mod.ts";
import { type Fault, GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertUploaded,
  commands,
  leftAt,
  putXGoog,
  quick,
  SHOWCASE,
  type Stored,
} from "./api_support.ts";
import { assertCode, CHUNK, pattern, pieces, streamOf } from "./upload_support.ts";

const BYTES = pattern(3 * CHUNK + 11);

const SOURCES: Readonly<Record<string, () => UploadSource>> = {
  "a Blob": () => new Blob([BYTES]),
  "a stream": () => streamOf(BYTES, 70_001),
};

const STRIPPED = { "x-goog-upload-status": null };
const ACTIVE = { "x-goog-upload-status": "active" };
const ASK = [400, 408, 409, 412, 416, 429, 499, 500, 502, 503, 504];

/** Faults that pass: the upload ends with every byte, once. */
const PASSING: Readonly<Record<string, readonly Fault[]>> = {
  "starts that find no one at home": [
    { on: "initiate", status: 503 },
    { on: "initiate", status: 429, headers: { "retry-after": "1" } },
    { on: "initiate", status: 409 },
    { on: "initiate", status: 499 },
  ],
  "a start whose reply is lost": [{ on: "initiate", drop: "after" }],
  "a start whose reply has lost its headers": [
    { on: "initiate", rewrite: { ...STRIPPED, "x-goog-upload-url": null } },
    { on: "initiate", rewrite: STRIPPED },
  ],
  "a start that is limited in its rate": [
    { on: "initiate", status: 403, reason: "userRateLimitExceeded" },
  ],
  "a chunk that does not arrive": [{ on: "chunk", skip: 1, drop: "before", times: 2 }],
  "a chunk of which a part arrives": [{ on: "chunk", skip: 1, cut: CHUNK / 2 }],
  "a chunk's reply that is lost": [{ on: "chunk", drop: "after" }],
  "a chunk's reply that has lost its status": [{ on: "chunk", rewrite: STRIPPED, times: 2 }],
  "a chunk and its query both without a status": [
    { on: "chunk", rewrite: STRIPPED },
    { on: "status", rewrite: STRIPPED, times: 2 },
  ],
  "a chunk, then its queries": [
    { on: "chunk", status: 503 },
    { on: "status", status: 503 },
    { on: "status", drop: "before" },
    { on: "status", status: 504, headers: ACTIVE },
  ],
  "a chunk that is limited in its rate": [
    { on: "chunk", status: 403, reason: "rateLimitExceeded" },
  ],
  "the last bytes do not arrive": [{ on: "final", drop: "before" }],
  "the final reply is lost": [{ on: "final", drop: "after" }],
  "the final reply is cut short": [{ on: "final", shorten: 5 }],
  "the final reply has lost its status": [{ on: "final", rewrite: STRIPPED }],
  "the final reply is lost, and the query after it": [
    { on: "final", drop: "after" },
    { on: "status", drop: "after" },
    { on: "status", rewrite: STRIPPED },
  ],
  "everything fails once": [
    { on: "initiate", status: 500 },
    { on: "chunk", status: 500, headers: ACTIVE },
    { on: "status", status: 500 },
    { on: "final", status: 500, headers: ACTIVE },
  ],
};

const passing = Object.entries(PASSING).flatMap(([what, faults]) =>
  Object.entries(SOURCES).map(([kind, source]): PortableCase => ({
    name: `api: X-Goog-Upload of ${kind} survives: ${what}`,
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject(...faults);
      const result = await putXGoog(gcs, source(), { resource: json() }) as Stored;
      assertEquals(result.size, BYTES.length);
      assertUploaded(gcs, BYTES);
    },
  }))
);

const answered = [ACTIVE, {}].map((headers): PortableCase => ({
  name: `api: after ${"x-goog-upload-status" in headers ? "active" : "no status"} with ` +
    `${ASK.join(", ")} a chunk is asked about, and nothing is sent twice`,
  async run() {
    for (const status of ASK) {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", skip: 1, status, headers });
      await putXGoog(gcs, new Blob([BYTES]));
      assertUploaded(gcs, BYTES);
      const log = commands(gcs);
      assertEquals(log.slice(1, 5), [
        `upload @0+${CHUNK} 200`,
        `upload @${CHUNK}+0 ${status}`,
        "query 200",
        `upload @${CHUNK}+${CHUNK} 200`,
      ], `${status}`);
    }
  },
}));

/** Faults that do not pass, the code they end in, and what may be asked after them. */
const LASTING: readonly [what: string, fault: Fault, code: UploadErrorCode, requests: number][] = [
  ["401 in a chunk", { on: "chunk", status: 401 }, "rejected", 2],
  ["403 in a chunk", { on: "chunk", status: 403, headers: ACTIVE }, "rejected", 2],
  ["405 in a chunk", { on: "chunk", status: 405 }, "rejected", 2],
  ["413 in a chunk", { on: "chunk", status: 413, headers: ACTIVE }, "rejected", 2],
  ["415 in a chunk", { on: "chunk", status: 415 }, "rejected", 2],
  ["501 in a chunk", { on: "chunk", status: 501, headers: ACTIVE }, "rejected", 2],
  ["404 in a chunk", { on: "chunk", expire: 404 }, "session_gone", 2],
  ["410 in a chunk", { on: "chunk", expire: 410 }, "session_gone", 2],
  ["a final refusal in a chunk", { on: "chunk", refuse: 400 }, "rejected", 2],
  ["a final 503 at the end", { on: "final", refuse: 503 }, "rejected", 5],
  ["a final 412 at the end", { on: "final", refuse: 412 }, "precondition_failed", 5],
  [
    "an unknown status",
    {
      on: "chunk",
      rewrite: { "x-goog-upload-status": "paused" },
    },
    "invalid_response",
    2,
  ],
  [
    "cancelled by someone else",
    {
      on: "chunk",
      rewrite: { "x-goog-upload-status": "cancelled" },
    },
    "session_cancelled",
    2,
  ],
  ["a start that is refused", { on: "initiate", status: 403, reason: "forbidden" }, "rejected", 1],
  [
    "a start that is final",
    {
      on: "initiate",
      rewrite: { "x-goog-upload-status": "final" },
    },
    "rejected",
    1,
  ],
  [
    "a session URL in the clear",
    {
      on: "initiate",
      rewrite: { "x-goog-upload-url": "http://showcase.googleapis.com/s" },
    },
    "invalid_response",
    1,
  ],
];

const lasting = LASTING.flatMap(([what, fault, code, requests]) =>
  Object.entries(SOURCES).map(([kind, source]): PortableCase => ({
    name: `api: X-Goog-Upload of ${kind} ends in ${code}, and nothing more is sent: ${what}`,
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject(fault);
      await assertCode(putXGoog(gcs, source()), code);
      assertEquals(gcs.requests.length, requests, commands(gcs).join("; "));
      assertEquals(gcs.uploads.length, 0);
    },
  }))
);

/** The cases. */
export const apiFaults: PortableCase[] = [
  ...passing,
  ...answered,
  ...lasting,
  {
    name: "api: X-Goog-Upload through the stream to write into, over faults",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", skip: 1, drop: "after" }, { on: "final", drop: "after" });
      const options = { ...quick<Stored>(gcs, { resource: json<Stored>() }), url: SHOWCASE };
      const { writable, result } = uploadStream({ ...options, protocol: xGoogUpload });
      await streamOf(BYTES, 50_021).pipeTo(writable);
      assertEquals((await result).size, BYTES.length);
      assertUploaded(gcs, BYTES);
    },
  },
  {
    name: "api: X-Goog-Upload step by step: a failure makes it invalid, recover makes it valid",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const resumable = new ResumableUpload(SHOWCASE, CHUNK, {
        protocol: xGoogUpload,
        resource: json<Stored>(),
        retry: null,
      });
      await resumable.initiate(gcs.fetch, new Blob([BYTES]), {}, "a/b");
      gcs.inject({ on: "chunk", drop: "after" });
      await assertCode(resumable.transmitNextChunk(gcs.fetch), "transport_failed");
      assertEquals([resumable.invalid, resumable.bytesUploaded], [true, 0]);
      await resumable.recover(gcs.fetch);
      assertEquals([resumable.invalid, resumable.bytesUploaded], [false, CHUNK]);
      while (!resumable.finished) await resumable.transmitNextChunk(gcs.fetch);
      assertEquals(resumable.object?.size, BYTES.length);
      assertUploaded(gcs, BYTES);
    },
  },
  {
    name:
      "api: X-Goog-Upload goes on from a checkpoint, in another process, with every kind of source",
    async run() {
      for (const granularity of [null, 10_000, CHUNK, 2 * CHUNK]) {
        for (const again of [() => new Blob([BYTES]), () => pieces(BYTES, 40_009)]) {
          const gcs = new GcsEmulator({ granularity, md5: false });
          const checkpoint = await leftAt(
            1,
            (onCheckpoint) => putXGoog(gcs, new Blob([BYTES]), { onCheckpoint }),
          );
          assertEquals(checkpoint.protocol, "x-goog-upload");
          const options = { ...quick<unknown>(gcs, { chunkSize: undefined }), checkpoint };
          await upload(again(), { ...options, protocol: xGoogUpload });
          assertUploaded(gcs, BYTES);
          assert(commands(gcs).includes("query 200"), "it was asked first");
        }
      }
    },
  },
  {
    name: "api: X-Goog-Upload finds out a source that is another one",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const checkpoint = await leftAt(
        CHUNK,
        (onCheckpoint) => putXGoog(gcs, new Blob([BYTES]), { onCheckpoint }),
      );
      const other = BYTES.slice();
      other[9] ^= 1;
      const options = { ...quick<unknown>(gcs), checkpoint, protocol: xGoogUpload };
      await assertCode(upload(new Blob([other]), options), "source_changed");
      assertEquals(gcs.uploads.length, 0);
    },
  },
  {
    name: "api: X-Goog-Upload is cancelled without its source, and takes no more then",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const checkpoint = await leftAt(
        CHUNK,
        (onCheckpoint) => putXGoog(gcs, new Blob([BYTES]), { onCheckpoint }),
      );
      const options = { transport: gcs.fetch, protocol: xGoogUpload };
      await cancelUpload(checkpoint, options);
      await cancelUpload(checkpoint, options);
      assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
      const again = { ...quick<unknown>(gcs), checkpoint, protocol: xGoogUpload };
      await assertCode(upload(new Blob([BYTES]), again), "session_cancelled");
    },
  },
];
