// What the caller says of an object is sent, compared, or an error: never dropped, never replaced.

import {
  MultipartUpload,
  type ObjectMetadata,
  ResumableUpload,
  type Transport,
  upload,
  UploadError,
  type UploadOptions,
  type UploadSource,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { assertRefused, fakeClock } from "./retry_support.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  finish,
  pattern,
  pieces,
  startUrl,
  streamOf,
  target,
} from "./upload_support.ts";

const bytes = pattern(CHUNK + 100);

/** A signed start URL, whose signature covers these headers besides the usual ones. */
function signedUrl(...headers: string[]): string {
  const names = ["host", "x-goog-resumable", ...headers].sort().join(";");
  const query = new URLSearchParams({
    "X-Goog-Algorithm": "GOOG4-RSA-SHA256",
    "X-Goog-Credential": "a@b.iam.gserviceaccount.com/20260101/auto/storage/goog4_request",
    "X-Goog-Date": "20260101T000000Z",
    "X-Goog-Expires": "900",
    "X-Goog-SignedHeaders": names,
    "X-Goog-Signature": "51a7e0",
  });
  return `https://storage.googleapis.com/${BUCKET}/object?${query}`;
}

/** CRC32C and MD5 of the bytes, as the emulator computes them. */
async function hashes(): Promise<{ crc32c: string; md5Hash: string }> {
  const gcs = new GcsEmulator();
  await upload(bytes, target(gcs));
  const { crc32c, md5Hash } = gcs.objects[0];
  return { crc32c, md5Hash: md5Hash! };
}

const WRONG = { crc32c: "AAAAAA==", md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" };

/** Ways to upload with metadata and headers. */
const WAYS: [
  what: string,
  run: (
    transport: Transport,
    metadata: ObjectMetadata,
    options: Pick<UploadOptions, "headers" | "checksum">,
  ) => Promise<unknown>,
][] = [
  ...([
    ["bytes", () => bytes],
    ["a Blob", () => new Blob([bytes])],
    ["a stream", () => streamOf(bytes, 50_000)],
    ["an iterable", () => pieces(bytes, 50_000)],
  ] satisfies [string, () => UploadSource][]).map(([what, make]) =>
    [
      `upload() of ${what}`,
      (transport: Transport, metadata: ObjectMetadata, options: object) =>
        upload(make(), { ...target(new GcsEmulator(), options), transport, metadata }),
    ] as (typeof WAYS)[number]
  ),
  [
    "upload() in one request",
    (transport, metadata, options) =>
      upload(bytes, {
        ...target(new GcsEmulator(), options),
        chunkSize: 4 * CHUNK,
        ifGenerationMatch: 0,
        transport,
        metadata,
      }),
  ],
  [
    "uploadStream()",
    async (transport, metadata, options) => {
      const to = { bucket: BUCKET, name: "object", chunkSize: CHUNK };
      const { writable, result } = uploadStream({ ...to, transport, metadata, ...options });
      streamOf(bytes, 50_000).pipeTo(writable).catch(() => {});
      await result;
    },
  ],
  [
    "MultipartUpload",
    (transport, metadata, options) =>
      new MultipartUpload(startUrl("multipart"), options)
        .transmit(transport, bytes, metadata, "a/b"),
  ],
  [
    "ResumableUpload",
    async (transport, metadata, options) => {
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, options);
      await resumable.initiate(transport, new Blob([bytes]), metadata, "a/b");
      await finish(resumable, transport);
    },
  ],
];

/** Fails unless the call ends as it does with another source than the one that was meant, and nothing was stored. */
async function assertCompared(gcs: GcsEmulator, running: Promise<unknown>): Promise<void> {
  const error = await assertRejects(running, UploadError);
  const codes = ["data_corruption", "source_changed"];
  assert(codes.includes(error.code), `expected ${codes.join(" or ")}, got ${error}`);
  assertEquals(gcs.objects.length, 0, "the number of objects");
}

const checksums: PortableCase[] = WAYS.flatMap(([what, run]) =>
  (["crc32c", "md5Hash"] as const).flatMap((field): PortableCase[] => [
    {
      name: `${what}: ${field} in the metadata is compared with what was read`,
      async run() {
        const right = (await hashes())[field];
        for (const checksum of ["auto", null, "md5", "crc32c"] as const) {
          const gcs = new GcsEmulator();
          await run(gcs.fetch, { [field]: right }, { checksum });
          assertStored(gcs, bytes);
          const other = new GcsEmulator();
          await assertCompared(other, run(other.fetch, { [field]: WRONG[field] }, { checksum }));
        }
      },
    },
    {
      name: `${what}: ${field} in x-goog-hash is compared with what was read`,
      async run() {
        const name = field === "crc32c" ? "crc32c" : "md5";
        const right = (await hashes())[field];
        const gcs = new GcsEmulator();
        await run(gcs.fetch, {}, { headers: { "x-goog-hash": `${name}=${right}` } });
        assertStored(gcs, bytes);
        const other = new GcsEmulator();
        const headers = { "x-goog-hash": `${name}=${WRONG[field]}` };
        await assertCompared(other, run(other.fetch, {}, { headers }));
      },
    },
  ])
);

/** Metadata that neither `uploadType=media` nor a signed URL has a place for. */
const EXTRA: ObjectMetadata[] = [
  { cacheControl: "no-store" },
  { metadata: { a: "1" } },
  { storageClass: "NEARLINE" },
  { name: "another" },
];

const nowhere: PortableCase[] = EXTRA.flatMap((metadata) =>
  ([["uploadType=media", startUrl("media")], ["a signed URL", signedUrl()]] as const).map((
    [what, url],
  ): PortableCase => ({
    name: `metadata with ${what}: ${JSON.stringify(metadata)} is refused at the call`,
    async run() {
      await assertRefused((transport) => upload("a", { url, metadata, transport }), TypeError);
      if (what !== "a signed URL") return;
      await assertRefused(
        (transport) => uploadStream({ url, metadata, transport }).result,
        TypeError,
      );
      await assertRefused(
        (transport) => new ResumableUpload(url, CHUNK).initiate(transport, "a", metadata, "a/b"),
        TypeError,
      );
    },
  }))
);

/** Metadata. */
export const optionMetadata: PortableCase[] = [
  ...checksums,
  ...nowhere,
  ...([["uploadType=media", startUrl("media")], ["a signed URL", signedUrl()]] as const).map((
    [what, url],
  ): PortableCase => ({
    name: `metadata with ${what}: the name that is in the URL, and contentType, are fine`,
    async run() {
      const gcs = new GcsEmulator();
      const metadata = { name: "object", contentType: "image/png" };
      await upload("a", { url, metadata, transport: gcs.fetch });
      assertStored(gcs, new TextEncoder().encode("a"));
      assertEquals(gcs.objects[0].resource.contentType, "image/png");
    },
  })),
  {
    name: "contentType of the options and another one in the metadata are refused",
    async run() {
      const metadata = { contentType: "image/png" };
      const options = { bucket: BUCKET, name: "object", contentType: "image/gif", metadata };
      await assertRefused(
        (transport) => upload("a", { ...options, transport }),
        TypeError,
        "contentType",
      );
      await assertRefused(
        (transport) => uploadStream({ ...options, transport }).result,
        TypeError,
        "contentType",
      );
    },
  },
  {
    name: "a content-type among the headers is refused, or is the object's",
    async run() {
      const gcs = new GcsEmulator();
      const headers = { "content-type": "image/png" };
      const running = upload(bytes, target(gcs, { headers }));
      const refused = await running.then(() => undefined, (error: unknown) => error);
      if (refused === undefined) assertEquals(gcs.objects[0].resource.contentType, "image/png");
      else assert(refused instanceof TypeError && gcs.requests.length === 0, `${refused}`);
    },
  },
  {
    name: "ifGenerationMatch with a signed URL that does not cover it is refused at the call",
    async run() {
      const options = { url: signedUrl(), ifGenerationMatch: 0 };
      await assertRefused(
        (transport) => upload("a", { ...options, transport }),
        TypeError,
        "x-goog-if-generation-match",
      );
      await assertRefused((transport) => uploadStream({ ...options, transport }).result, TypeError);
    },
  },
  {
    name: "ifGenerationMatch with a signed URL that covers it is sent as the header, and holds",
    async run() {
      const gcs = new GcsEmulator();
      const url = signedUrl("x-goog-if-generation-match");
      const options = { url, ifGenerationMatch: 0, retry: { clock: fakeClock() } };
      await upload(bytes, { ...options, transport: gcs.fetch });
      assertStored(gcs, bytes);
      const [start] = gcs.requests;
      assertEquals(start.headers["x-goog-if-generation-match"], "0");
      assert(!start.url.includes("ifGenerationMatch"), "the signed query was changed");
      const error = await assertRejects(
        upload("b", { ...options, transport: gcs.fetch }),
        UploadError,
      );
      assertEquals(error.code, "precondition_failed");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "the query of a signed URL is sent as it is",
    async run() {
      const url = signedUrl();
      const seen: string[] = [];
      const gcs = new GcsEmulator();
      const transport: Transport = (input, init) => {
        seen.push(input);
        return gcs.fetch(input, init);
      };
      await upload(bytes, { url, transport });
      assertEquals(seen[0], url);
    },
  },
];
