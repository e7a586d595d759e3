// What uploadParallel takes, and what it refuses at the call; how sources are cut into parts.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { UploadError } from "../../mod.ts";
import { randomAccess } from "../../src/bytes/random_access.ts";
import { fromReads } from "../../src/bytes/sequential.ts";
import {
  cancelParallelUpload,
  type ParallelCheckpoint,
  type ParallelOptions,
  uploadParallel,
} from "../../src/parallel/mod.ts";
import { partRanges, partSizeOf, planFor } from "../../src/parallel/plan.ts";
import { emulator, target } from "./support.ts";

const MiB = 1024 * 1024;

Deno.test("wrong arguments throw at the call, before anything is sent", async () => {
  const wrong: [object, ErrorConstructor | typeof UploadError, string][] = [
    [{ chunkSize: 1 }, TypeError, '"chunkSize" is not an option'],
    [{ url: "https://a" }, TypeError, '"url" is not an option'],
    [{ concurrency: 0 }, RangeError, "concurrency"],
    [{ concurrency: Infinity }, RangeError, "concurrency"],
    [{ partSize: 5 * MiB - 1 }, RangeError, "partSize"],
    [{ partSize: 5 * 1024 * MiB + 1 }, RangeError, "partSize"],
    [{ partSize: 256 * 1024 - 1, via: "compose" }, RangeError, "partSize"],
    [{ via: "grpc" }, TypeError, "via"],
    [{ via: "multipart", ifGenerationMatch: 0 }, TypeError, "precondition"],
    [{ checksum: "md5" }, TypeError, "checksum"],
    [{ metadata: { md5Hash: "1B2M2Y8AsgTpgAmY7PhCfg==" } }, TypeError, "md5"],
    [{ metadata: { eventBasedHold: true } }, TypeError, "compose"],
    [{ query: { fields: "name" } }, TypeError, "query.fields"],
    [{ query: { ifGenerationNotMatch: 1 } }, TypeError, "query.ifGenerationNotMatch"],
    [{ temporaryPrefix: "" }, RangeError, "temporaryPrefix"],
    [{ temporaryPrefix: "a\n" }, RangeError, "temporaryPrefix"],
    [{ onCheckpoint: 1 }, TypeError, "onCheckpoint"],
    [{ transport: 1 }, TypeError, "transport"],
    [{ bucket: undefined }, TypeError, "bucket"],
    [{ totalBytes: 4 }, RangeError, "totalBytes"],
    [{ checkpoint: {} }, UploadError, "checkpoint"],
  ];
  const gcs = emulator();
  for (const [more, kind, words] of wrong) {
    const options = { ...target(gcs), ...more } as ParallelOptions;
    await assertRejects(() => uploadParallel("hello", options), kind, words, JSON.stringify(more));
  }
  assertEquals(gcs.requests.length, 0);
});

Deno.test("a checkpoint of another upload is refused, and its values are not shown", async () => {
  const gcs = emulator();
  const checkpoint: ParallelCheckpoint = {
    version: 1,
    via: "multipart",
    endpoint: "https://storage.googleapis.com",
    bucket: "my-bucket",
    name: "object",
    uploadId: "SECRET",
    partSize: 5 * MiB,
    sized: true,
    contentType: "text/plain",
    parts: [],
  };
  const others: Partial<ParallelOptions>[] = [
    { name: "b" },
    { bucket: "other" },
    { endpoint: "https://example.com" },
    { via: "compose" },
    { partSize: 6 * MiB },
    { contentType: "a/b" },
  ];
  for (const more of others) {
    const options = target(gcs, { checkpoint, ...more });
    await assertRejects(() => uploadParallel("hello", options), TypeError, Object.keys(more)[0]);
  }
  const part = { number: 1, size: 1, tag: '"a"', crc32c: "SECRET" };
  for (const parts of [[part], [{ ...part, crc32c: undefined, number: 0 }], {}]) {
    const broken = { ...checkpoint, parts } as unknown as ParallelCheckpoint;
    const error = await assertRejects(() => cancelParallelUpload(broken), UploadError);
    assertEquals(error.code, "invalid_checkpoint");
    assert(!error.message.includes("SECRET"));
  }
});

Deno.test("the parameters of a start become headers, or parameters of the composition", async () => {
  const gcs = emulator();
  const query = {
    kmsKeyName: "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    predefinedAcl: "publicRead",
    userProject: "my-project",
  } as const;
  const bytes = new Uint8Array(300_000);
  await uploadParallel(bytes, target(gcs, { via: "multipart", query }));
  const [{ headers }] = gcs.requests;
  assertEquals(headers["x-goog-encryption-kms-key-name"], query.kmsKeyName);
  assertEquals(headers["x-goog-acl"], "public-read");
  await uploadParallel(bytes, target(gcs, { via: "compose", query, partSize: 262_144 }));
  const { searchParams } = new URL(gcs.requests.at(-1)!.url);
  assertEquals(searchParams.get("kmsKeyName"), query.kmsKeyName);
  assertEquals(searchParams.get("destinationPredefinedAcl"), "publicRead");
  for (const { headers } of gcs.requests) {
    assertEquals(headers["x-goog-user-project"], "my-project");
  }
});

const sized = (size: number) => randomAccess({ size, read: () => new Uint8Array(0) });
const unsized = fromReads(() => Promise.resolve(new Uint8Array(0)), undefined);

Deno.test("parts are as large as it takes to need no more than 10,000 of them", () => {
  const GiB = 1024 * MiB;
  assertEquals(planFor(sized(GiB), "multipart", undefined, undefined).partSize, 32 * MiB);
  const large = planFor(sized(5 * 1024 * GiB), "multipart", undefined, undefined);
  assert(Math.ceil(5 * 1024 * GiB / large.partSize) <= 10_000);
  const wanted = planFor(sized(100 * GiB), "multipart", 5 * MiB, undefined);
  assert(Math.ceil(100 * GiB / wanted.partSize) <= 10_000);
  assertEquals(planFor(sized(2 * GiB), "compose", undefined, undefined).partSize, 64 * MiB);
});

Deno.test("parts of a stream of unknown size grow, so that the largest object fits", () => {
  const plan = planFor(unsized, "multipart", undefined, undefined);
  assertEquals([plan.partSize, plan.sized], [8 * MiB, false]);
  let total = 0;
  for (let number = 1; number <= 10_000; number++) total += partSizeOf(plan, number);
  assert(total >= 5 * 1024 ** 4, `${total} bytes`);
  assertEquals(planFor(unsized, "multipart", undefined, 1024 ** 3).sized, true);
});

Deno.test("parts are neighbours, and add up to the source", () => {
  for (const size of [0, 1, 10, 11, 19_999, 20_000]) {
    for (const sized of [true, false]) {
      let end = 0;
      for (const range of partRanges({ partSize: 10, sized }, size)) {
        assertEquals(range.offset, end);
        end += range.size;
      }
      assertEquals(end, size);
    }
  }
});
