// Checksums: what is sent along, and what is noticed.

import {
  type ChecksumOption,
  DataCorruption,
  InvalidResponse,
  MultipartUpload,
  SimpleUpload,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  kinds,
  opened,
  pattern,
  put,
  startUrl,
  streamOf,
} from "./upload_support.ts";

const DIGITS = "123456789";
const CRC32C = "4waSgw==";
const MD5 = "JfnnlDI7RTiF9RgfG2JNCw==";

const SENT: [ChecksumOption, string | undefined][] = [
  ["auto", `crc32c=${CRC32C}`],
  ["crc32c", `crc32c=${CRC32C}`],
  ["md5", `crc32c=${CRC32C},md5=${MD5}`],
  [null, undefined],
];

/** An upload in two chunks, of which the bytes are changed on their way as `fault` says. */
async function corrupted(
  on: "chunk" | "final",
  checksum: ChecksumOption,
  runningHash: boolean,
): Promise<{ gcs: GcsEmulator; upload: Promise<unknown> }> {
  const gcs = new GcsEmulator({ runningHash });
  gcs.inject({ on, corrupt: true });
  const upload = put(gcs, streamOf(pattern(2 * CHUNK + 9), 50_000), { checksum });
  upload.catch(() => {});
  await Promise.resolve();
  return { gcs, upload };
}

/** Checksums. */
export const checksums: PortableCase[] = [
  ...SENT.map(([checksum, header]): PortableCase => ({
    name: `checksum ${checksum}: the last request carries ${header ?? "none"}`,
    async run() {
      const gcs = new GcsEmulator();
      const upload = await opened(gcs.fetch, DIGITS, { checksum });
      await upload.transmitNextChunk(gcs.fetch);
      assertEquals([upload.object?.crc32c, upload.object?.md5Hash], [CRC32C, MD5]);
      assertEquals(gcs.requests.map(({ headers }) => headers["x-goog-hash"]), [undefined, header]);
    },
  })),
  {
    name: "a hash is sent with the last chunk only, and is that of the whole",
    async run() {
      const gcs = new GcsEmulator();
      const object = await put(gcs, pattern(2 * CHUNK + 1), { checksum: "md5" });
      assertEquals(gcs.requests.map(({ headers }) => headers["x-goog-hash"]), [
        undefined,
        undefined,
        undefined,
        `crc32c=${object.crc32c},md5=${object.md5Hash}`,
      ]);
    },
  },
  {
    name: "a multipart upload carries its checksums with the metadata",
    async run() {
      for (const [checksum, header] of SENT) {
        let sent = "";
        const gcs = new GcsEmulator();
        const transport = async (input: string, init: RequestInit) => {
          sent = await new Response(init.body).text();
          return await gcs.fetch(input, init);
        };
        const upload = new MultipartUpload(startUrl("multipart"), { checksum });
        await upload.transmit(transport, DIGITS, {}, "text/plain");
        assertEquals(sent.includes(CRC32C), header?.includes(CRC32C) ?? false, `${checksum}`);
        assertEquals(sent.includes(MD5), header?.includes(MD5) ?? false, `${checksum}`);
      }
    },
  },
  {
    name: "a required checksum that the server does not report is an error; with auto it is not",
    async run() {
      const silent = () => new GcsEmulator({ md5: false });
      const error = await assertRejects(
        put(silent(), DIGITS, { checksum: "md5" }),
        InvalidResponse,
      );
      assertEquals(error.code, "invalid_response");
      const upload = await opened(silent().fetch, DIGITS, { checksum: "md5" });
      await assertRejects(upload.transmitNextChunk(silent().fetch), InvalidResponse);
      await put(silent(), DIGITS, { checksum: "auto" });
    },
  },
  {
    name: "bytes that change on their way in a middle chunk are noticed with that chunk",
    async run() {
      const { gcs, upload } = await corrupted("chunk", "auto", true);
      await assertRejects(upload, DataCorruption);
      assertEquals(kinds(gcs), ["initiate", "chunk"]);
    },
  },
  {
    name:
      "bytes that change on their way are never an object, where the server keeps its sums to itself",
    async run() {
      for (const on of ["chunk", "final"] as const) {
        for (const checksum of ["auto", "crc32c", "md5"] as const) {
          const { gcs, upload } = await corrupted(on, checksum, false);
          await assertRejects(upload, DataCorruption);
          assertEquals(gcs.objects.length, 0, `${on}, ${checksum}`);
        }
      }
    },
  },
  {
    name: "without a checksum nothing is compared but the size",
    async run() {
      const { gcs, upload } = await corrupted("chunk", null, true);
      await upload;
      assertEquals(gcs.get(BUCKET, "object")?.size, 2 * CHUNK + 9);
    },
  },
  {
    name:
      "a multipart upload that is damaged is refused by the server, a simple one noticed after it",
    async run() {
      const gcs = new GcsEmulator();
      gcs.inject({ corrupt: true, times: 2 });
      const multipart = new MultipartUpload(startUrl("multipart"));
      await assertRejects(multipart.transmit(gcs.fetch, DIGITS, {}, "a/b"), DataCorruption);
      assertEquals(gcs.objects.length, 0);
      const simple = new SimpleUpload(startUrl("media"));
      const error = await assertRejects(simple.transmit(gcs.fetch, DIGITS, "a/b"), DataCorruption);
      assertEquals([simple.finished, gcs.objects.length], [false, 1]);
      assert(error.message.includes(CRC32C), error.message);
    },
  },
  {
    name: "an object of another size is not trusted, with or without a checksum",
    async run() {
      for (const checksum of ["auto", null] as const) {
        const gcs = new GcsEmulator();
        const transport = async (input: string, init: RequestInit) => {
          const response = await gcs.fetch(input, init);
          if (init.method !== "PUT") return response;
          return Response.json({ ...await response.json(), size: "8", crc32c: undefined });
        };
        const upload = await opened(transport, DIGITS, { checksum });
        await assertRejects(upload.transmitNextChunk(transport), DataCorruption);
        assertEquals(upload.finished, false);
      }
    },
  },
  {
    name: "a string is hashed as it is sent",
    async run() {
      const gcs = new GcsEmulator();
      await put(gcs, "héllo", { checksum: "md5" });
      assertStored(gcs, new TextEncoder().encode("héllo"));
    },
  },
];
