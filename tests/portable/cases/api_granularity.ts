// X-Goog-Upload: how much each request carries, whatever the server wants chunks to be a multiple of.

import { upload, type UploadSource, xGoogUpload } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertUploaded,
  commands,
  GEMINI,
  MIB,
  putXGoog,
  quick,
  type Stored,
} from "./api_support.ts";
import { CHUNK, pattern, pieces, streamOf } from "./upload_support.ts";

/** Every kind of source. */
const SOURCES: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => UploadSource>> = {
  "a Blob": (bytes) => new Blob([bytes]),
  bytes: (bytes) => bytes,
  "an ArrayBuffer": (bytes) => bytes.buffer,
  "{ size, read }": (bytes) => ({
    size: bytes.length,
    read: (at, length) => Promise.resolve(bytes.slice(at, at + length)),
  }),
  "{ read } without a size": (bytes) => ({
    read: (at, length) => Promise.resolve(bytes.slice(at, at + length)),
  }),
  "a stream": (bytes) => streamOf(bytes, 99_991),
  "an iterable": (bytes) => pieces(bytes, 65_537),
};

/** The offset and the number of bytes of each request that carries some. */
function parts(gcs: GcsEmulator): { kind: string; offset: number; bytes: number }[] {
  return gcs.requests.filter(({ kind }) => ["chunk", "final", "finalize"].includes(kind))
    .map(({ kind, headers, bodyBytes }) => ({
      kind,
      offset: Number(headers["x-goog-upload-offset"]),
      bytes: bodyBytes,
    }));
}

/** Fails unless requests follow each other, only the last one ends the upload, and the others are whole. */
function assertRequests(gcs: GcsEmulator, size: number, granularity: number, most: number): void {
  const sent = parts(gcs);
  let end = 0;
  for (const [i, { kind, offset, bytes }] of sent.entries()) {
    const isLast = i === sent.length - 1;
    assertEquals(offset, end, `request ${i}: where it begins`);
    assertEquals(kind === "chunk", !isLast, `request ${i}: what it is (${kind})`);
    assert(bytes <= most, `request ${i}: expected at most ${most} bytes, got ${bytes}`);
    if (!isLast) assertEquals(bytes % granularity, 0, `request ${i}: a multiple of ${granularity}`);
    end += bytes;
  }
  assertEquals(end, size, "the bytes of all requests");
  assertEquals(gcs.requests.every(({ status }) => status === 200), true, "every reply is a 200");
}

const GRANULARITIES: readonly (number | null)[] = [null, 10_000, CHUNK, 300_000];

/** The most bytes of a request at the chunk size of 512 KiB. */
function most(granularity: number): number {
  return Math.max(granularity, Math.floor(2 * CHUNK / granularity) * granularity);
}

const sizes = Object.entries(SOURCES).map(([what, make]): PortableCase => ({
  name: `api: X-Goog-Upload of ${what}, all sizes around what chunks must be a multiple of`,
  async run() {
    for (const granularity of GRANULARITIES) {
      const g = granularity ?? 1;
      const chunk = most(g);
      for (const size of [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk]) {
        const gcs = new GcsEmulator({ granularity, md5: false });
        const bytes = pattern(size);
        const result = await putXGoog(gcs, make(bytes), { chunkSize: 2 * CHUNK }) as Stored;
        assertEquals(result.size, size, `${granularity}: the size`);
        assertUploaded(gcs, bytes);
        assertRequests(gcs, size, g, chunk);
      }
    }
  },
}));

/** The cases. */
export const apiGranularity: PortableCase[] = [
  ...sizes,
  {
    name:
      "api: a stream of exactly whole chunks ends with the last of them, or with a command alone",
    async run() {
      for (const chunks of [1, 2, 3]) {
        const gcs = new GcsEmulator();
        const bytes = pattern(chunks * CHUNK);
        await putXGoog(gcs, streamOf(bytes, CHUNK));
        assertUploaded(gcs, bytes);
        const last = commands(gcs).at(-1) ?? "";
        assert(/^(upload, )?finalize @?/.test(last), `the last command: ${last}`);
      }
    },
  },
  {
    name: "api: an empty upload is one request with both commands, at the offset 0",
    async run() {
      for (const source of ["", new Blob([]), streamOf(new Uint8Array(0), 1)]) {
        const gcs = new GcsEmulator();
        await putXGoog(gcs, source);
        assertEquals(commands(gcs), ["start 200", "upload, finalize @0+0 200"]);
      }
    },
  },
  {
    name: "api: Gemini's chunks are of 8 MiB, whatever smaller chunk size is asked for",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const bytes = pattern(17 * MIB);
      await upload(new Blob([bytes]), {
        ...quick(gcs),
        url: GEMINI,
        protocol: xGoogUpload,
        headers: { "x-goog-api-key": "key" },
      });
      assertUploaded(gcs, bytes);
      assertEquals(parts(gcs).map(({ bytes }) => bytes), [8 * MIB, 8 * MIB, MIB]);
    },
  },
  {
    name:
      "api: active without a size means the bytes of this chunk, not those of a longer one before",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const bytes = pattern(17 * MIB);
      gcs.inject({ on: "chunk", cut: 200_000, times: 2 });
      const source: UploadSource = {
        size: bytes.length,
        read: (at, length) => Promise.resolve(bytes.slice(at, at + length)),
      };
      await putXGoog(gcs, source, { chunkSize: 16 * MIB });
      assertUploaded(gcs, bytes);
      assert(!commands(gcs).some((line) => line.endsWith("409")), "no offset was wrong");
    },
  },
  {
    name: "api: a stream goes on with whole chunks from wherever the server stands",
    async run() {
      for (const granularity of [10_000, 300_001, MIB]) {
        const gcs = new GcsEmulator({ granularity, md5: false });
        const bytes = pattern(4 * MIB + 3);
        gcs.inject({ on: "chunk", cut: 270_000 }, { on: "chunk", skip: 1, cut: 530_000 });
        await putXGoog(gcs, streamOf(bytes, 77_777), { chunkSize: MIB });
        assertUploaded(gcs, bytes);
        assert(!commands(gcs).some((line) => line.endsWith("400")), commands(gcs).join("; "));
      }
    },
  },
];
