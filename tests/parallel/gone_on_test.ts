// Parallel uploads that are gone on with: what became of them meanwhile, what a checkpoint may be trusted with, and lists without end.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Transport, UploadError } from "../../mod.ts";
import {
  cancelParallelUpload,
  inParts,
  type ParallelCheckpoint,
  type ParallelOptions,
  uploadMany,
  type UploadManyResult,
  uploadParallel,
} from "../../src/parallel/mod.ts";
import type { GcsEmulator } from "../../src/emulator/mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { count, emulator, PART, SMALL, target } from "./support.ts";

const bytes = patterned(3 * PART + 100);
const small = patterned(5 * SMALL + 100);

/** What both ways of uploading in parts are tried with. */
const WAYS = [
  { via: "multipart", file: bytes, partSize: PART },
  { via: "compose", file: small, partSize: SMALL },
] as const;

/** Whether that is what is stored, by its CRC32C: to compare and to show all bytes takes long. */
function assertStored(gcs: GcsEmulator, file: Uint8Array<ArrayBuffer>): void {
  const { size, crc32c: sum } = gcs.get("my-bucket", "object") ?? {};
  assertEquals([size, sum], [file.length, encodeCrc32c(crc32c(file))]);
}

/** The checkpoints of an upload, from the first to the last; `after` ends it once so many parts are stored. */
async function checkpointsOf(
  file: Uint8Array<ArrayBuffer>,
  options: ParallelOptions,
  after = Infinity,
): Promise<ParallelCheckpoint[]> {
  const all: ParallelCheckpoint[] = [];
  const onCheckpoint = (checkpoint: ParallelCheckpoint) => {
    all.push(structuredClone(checkpoint));
    if (checkpoint.parts.length >= after) throw new Error("The process ends");
  };
  await uploadParallel(file, { ...options, concurrency: 1, onCheckpoint }).catch((error) => {
    if (error.message !== "The process ends") throw error;
  });
  return all;
}

for (const { via, file, partSize } of WAYS) {
  Deno.test(`an upload that was finished after the checkpoint that was kept is found, and nothing is sent: ${via}`, async () => {
    const gcs = emulator();
    const options = target(gcs, { via, partSize });
    const checkpoints = await checkpointsOf(file, options);
    const { generation } = gcs.get("my-bucket", "object")!;
    for (const checkpoint of checkpoints.slice(via === "multipart" ? 0 : 1)) {
      const before = gcs.requests.length;
      const progress: number[] = [];
      const onProgress = ({ persisted }: { persisted: number }) => void progress.push(persisted);
      const object = await uploadParallel(file, { ...options, checkpoint, onProgress });
      assertEquals([object.size, object.generation], [String(file.length), generation]);
      const sent = gcs.requests.slice(before).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
      assertEquals([sent, progress.at(-1)], [0, file.length]);
    }
    assertEquals(gcs.objects.map(({ name }) => name), ["object"]);
  });

  Deno.test(`an object that is not what the source is now is none of a finished upload: ${via}`, async () => {
    const other = file.slice();
    other[file.length - 1] ^= 1;
    for (const there of [other, file.slice(1)]) {
      const gcs = emulator();
      const options = target(gcs, { via, partSize });
      const [, checkpoint] = await checkpointsOf(file, options);
      await uploadParallel(there, target(gcs, { via, partSize })); // somebody has replaced it
      const outcome = await uploadParallel(file, { ...options, checkpoint }).catch((e) => e);
      if (via === "multipart") assertEquals(outcome.code, "session_gone");
      else assertStored(gcs, file); // it was sent once more
    }
  });
}

/** Metadata of this call, and what an older object of the same bytes has instead. */
const DIFFERENCES: readonly {
  readonly now: Partial<ParallelOptions>;
  readonly before: Partial<ParallelOptions>;
}[] = [
  { now: { contentType: "image/png" }, before: { contentType: "text/plain" } },
  { now: { metadata: { cacheControl: "no-store" } }, before: {} },
  { now: { metadata: { contentEncoding: "gzip" } }, before: {} },
  { now: { metadata: { contentDisposition: "inline" } }, before: {} },
  { now: { metadata: { contentLanguage: "en" } }, before: {} },
  { now: { metadata: { storageClass: "NEARLINE" } }, before: {} },
  {
    now: { metadata: { metadata: { author: "a" } } },
    before: { metadata: { metadata: { author: "b" } } },
  },
];

for (const { via, file, partSize } of WAYS) {
  Deno.test(`an older object of the same bytes, but with other metadata, is not what an upload that is gone has made: ${via}`, async () => {
    for (const { now, before } of DIFFERENCES) {
      for (const stored of [1, Infinity]) {
        const gcs = emulator();
        const options = target(gcs, { via, partSize, ...now });
        const checkpoint = (await checkpointsOf(file, options, stored)).at(-1)!;
        if (stored === 1) await cancelParallelUpload(checkpoint, { transport: gcs.fetch });
        await uploadParallel(file, target(gcs, { via, partSize, ...before }));
        const { generation } = gcs.get("my-bucket", "object")!;
        const outcome = await uploadParallel(file, { ...options, checkpoint }).catch((e) => e);
        if (via === "multipart") assertEquals(outcome.code, "session_gone", JSON.stringify(now));
        else {
          assert(outcome.generation !== generation, JSON.stringify(now));
          const { resource } = gcs.get("my-bucket", "object")!;
          for (const [field, value] of Object.entries({ ...now.metadata, ...now })) {
            if (field !== "metadata") assertEquals((resource as never)[field], value);
          }
        }
      }
    }
  });

  Deno.test(`an older object of the same bytes and metadata is as good as that of the upload: ${via}`, async () => {
    const gcs = emulator();
    const metadata = { cacheControl: "no-store", metadata: { author: "a" } };
    const options = target(gcs, { via, partSize, metadata, contentType: "image/png" });
    const checkpoint = (await checkpointsOf(file, options, 1)).at(-1)!;
    await cancelParallelUpload(checkpoint, { transport: gcs.fetch });
    await uploadParallel(file, options);
    const before = gcs.get("my-bucket", "object")!.generation;
    const { generation } = await uploadParallel(file, { ...options, checkpoint });
    assertEquals(generation, before);
  });
}

Deno.test("the object that an upload replaces is not what it has made, though it has the same bytes", async () => {
  const gcs = emulator();
  await uploadParallel(small, target(gcs));
  const before = gcs.get("my-bucket", "object")!.generation;
  const options = target(gcs, { partSize: SMALL, ifGenerationMatch: before });
  const checkpoint = (await checkpointsOf(small, options, 2)).at(-1)!;
  await cancelParallelUpload(checkpoint, { transport: gcs.fetch });
  const { generation } = await uploadParallel(small, { ...options, checkpoint });
  assert(generation !== before);
  assertStored(gcs, small);
});

Deno.test("an upload that another process finishes meanwhile ends with its object", async () => {
  const gcs = emulator();
  const options = target(gcs, { partSize: PART, concurrency: 1 });
  const checkpoint = (await checkpointsOf(bytes, options, 1)).at(-1)!;
  let other: Promise<unknown> | undefined;
  const transport: Transport = async (url, init) => {
    if (url.includes("partNumber=3")) {
      await (other ??= uploadParallel(bytes, { ...options, checkpoint }));
    }
    return await gcs.fetch(url, init);
  };
  const object = await uploadParallel(bytes, { ...options, checkpoint, transport });
  assertEquals(object.size, String(bytes.length));
  assertStored(gcs, bytes);
  assertEquals(gcs.multipartUploads.map(({ phase }) => phase), ["completed"]);
});

Deno.test("without a checksum, or for a stream that cannot be read again, an upload that is gone is an error", async () => {
  const gcs = emulator();
  const options = target(gcs, { partSize: PART });
  const [, checkpoint] = await checkpointsOf(bytes, options);
  const trying = [
    uploadParallel(bytes, { ...options, checkpoint, checksum: null }),
    uploadParallel(new Blob([bytes]).stream(), { ...options, checkpoint }),
  ];
  for (const upload of trying) {
    const error = await assertRejects(() => upload, UploadError);
    assertEquals(error.code, "session_gone");
  }
});

Deno.test("of many files one that was finished before a kill is not sent again, however old its checkpoint is", async () => {
  const gcs = emulator();
  const store = new Map<string, ParallelCheckpoint>();
  const [, old] = await checkpointsOf(bytes, target(gcs, { partSize: PART }));
  store.set("my-bucket/object", old);
  const { uploaded } = await uploadMany([{ name: "object", source: bytes }], {
    bucket: "my-bucket",
    transport: gcs.fetch,
    retry: { clock: fakeClock() },
    large: inParts({ above: PART, partSize: PART }),
    checkpoints: store as never,
  });
  assertEquals([uploaded, count(gcs).initiate, store.size], [1, 1, 0]);
});

Deno.test("of many files one goes on in the parts in which it was begun, whatever size is wanted now", async () => {
  const gcs = emulator();
  const store = new Map<string, ParallelCheckpoint>();
  const checkpoint = (await checkpointsOf(bytes, target(gcs, { partSize: PART }), 2)).at(-1)!;
  store.set("my-bucket/object", checkpoint);
  const resumed: unknown[] = [];
  await uploadMany([{ name: "object", source: bytes }], {
    bucket: "my-bucket",
    transport: gcs.fetch,
    retry: { clock: fakeClock() },
    large: inParts({ above: PART, partSize: 2 * PART }),
    checkpoints: store as never,
    onResume: (event) => void resumed.push(event),
  });
  assertEquals([count(gcs).initiate, resumed], [1, [{ resumed: true, persisted: 2 * PART }]]);
  assertStored(gcs, bytes);
});

Deno.test("a file that another one has replaced is not gone on with, even where its stored parts are not read again", async () => {
  const gcs = emulator();
  const file = (content: Uint8Array<ArrayBuffer>, identity: string) => ({
    size: content.length,
    lastModified: 1,
    identity,
    read: async (offset: number, length: number) =>
      await Promise.resolve(content.subarray(offset, offset + length)),
  });
  const options = target(gcs, { partSize: PART, concurrency: 1, verifyPrefix: false });
  let saved: ParallelCheckpoint | undefined;
  const onCheckpoint = (checkpoint: ParallelCheckpoint) => {
    saved = structuredClone(checkpoint);
    if (checkpoint.parts.length === 1) throw new Error("The process ends");
  };
  await uploadParallel(file(bytes, "inode 1"), { ...options, onCheckpoint }).catch(() => {});
  const other = bytes.slice().reverse();
  const error = await assertRejects(
    () => uploadParallel(file(other, "inode 2"), { ...options, checkpoint: saved }),
    UploadError,
  );
  assertEquals([error.code, gcs.objects.length], ["source_changed", 0]);
  await uploadParallel(file(bytes, "inode 1"), { ...options, checkpoint: saved });
  assertStored(gcs, bytes);
});

Deno.test("a file whose parts had to be larger than wanted is gone on with by the same call", async () => {
  for (const { via, partSize } of WAYS) {
    const gcs = emulator();
    const size = 10_000 * partSize + 1;
    const source = { size, read: () => Promise.reject(new Error("It is read")) };
    let checkpoint: ParallelCheckpoint | undefined;
    const onCheckpoint = (saved: ParallelCheckpoint) => {
      checkpoint = structuredClone(saved);
    };
    const options = target(gcs, { via, partSize, onCheckpoint, retry: false });
    await assertRejects(() => uploadParallel(source, options), Error, "It is read");
    assert(checkpoint!.partSize > partSize && size <= 10_000 * checkpoint!.partSize);
    const again = () => uploadParallel(source, { ...options, checkpoint });
    await assertRejects(again, Error, "It is read");
    const other = () => uploadParallel(source, { ...options, checkpoint, partSize: 2 * partSize });
    await assertRejects(other, TypeError, "partSize: ");
  }
});

/** An emulator with objects of somebody else, and the checkpoint of an upload by compose. */
async function amongOthers(): Promise<{ gcs: GcsEmulator; checkpoint: ParallelCheckpoint }> {
  const gcs = emulator();
  for (const name of ["photos/1", "photos/1-1", "resumable-media-tmp/mine"]) {
    await uploadParallel(name, target(gcs, { name }));
  }
  const options = target(gcs, { via: "compose", partSize: SMALL });
  const checkpoint = (await checkpointsOf(small, options, 2)).at(-1)!;
  return { gcs, checkpoint };
}

const others = (gcs: GcsEmulator) =>
  gcs.objects.map(({ name }) => name).filter((name) =>
    name.includes("photos") || /mine$/.test(name)
  );

Deno.test("a checkpoint that names what no upload has made deletes nothing", async () => {
  const { gcs, checkpoint } = await amongOthers();
  const transport = gcs.fetch;
  for (const uploadId of ["photos/", "p", "resumable-media-tmp/", "/"]) {
    const wrong = { ...checkpoint, uploadId };
    const options = { ...target(gcs, { via: "compose" }), checkpoint: wrong };
    for (
      const call of [
        () => cancelParallelUpload(wrong, { transport }),
        () => uploadParallel(small, options),
      ]
    ) {
      const error = await assertRejects(call, UploadError);
      assertEquals(error.code, "invalid_checkpoint");
    }
  }
  assertEquals(others(gcs).length, 3);
});

Deno.test("a checkpoint of parts that no upload can have sends nothing", async () => {
  for (const { via, file, partSize } of WAYS) {
    const gcs = emulator();
    const options = target(gcs, { via, partSize });
    const checkpoint = (await checkpointsOf(file, options, 2)).at(-1)!;
    const before = gcs.requests.length;
    for (const size of [0, 1, partSize - 1, 5 * 1024 ** 3 + 1, 1.5, NaN, "5242880", null]) {
      const wrong = { ...checkpoint, partSize: size } as ParallelCheckpoint;
      const error = await assertRejects(
        () => uploadParallel(file, target(gcs, { via, checkpoint: wrong })),
        UploadError,
      );
      assertEquals([error.code, gcs.requests.length], ["invalid_checkpoint", before]);
    }
  }
});

Deno.test("a server that overlooks the prefix of a list makes nobody delete what is not of the upload", async () => {
  for (const action of ["cancel", "go on"]) {
    const { gcs, checkpoint } = await amongOthers();
    const foreign = checkpoint.uploadId.replace(/[0-9a-f]{32}/, "0".repeat(32));
    await uploadParallel("of another upload", target(gcs, { name: `${foreign}1-1` }));
    const transport: Transport = (url, init) =>
      gcs.fetch(url.replace(/([?&])prefix=[^&]*/, "$1"), init);
    if (action === "cancel") await cancelParallelUpload(checkpoint, { transport });
    else await uploadParallel(small, target(gcs, { via: "compose", checkpoint, transport }));
    assertEquals(others(gcs).length, 3, action);
    const left = gcs.objects.map(({ name }) => name).filter((name) => name.startsWith("resumable"));
    assertEquals(left, [`${foreign}1-1`, "resumable-media-tmp/mine"].sort(), action);
    if (action === "go on") assertStored(gcs, small);
  }
});

Deno.test("a list whose next page is one that was read is an error, and no loop", async () => {
  for (const { via, file, partSize } of WAYS) {
    const gcs = emulator();
    const options = target(gcs, { via, partSize });
    const checkpoint = (await checkpointsOf(file, options, 2)).at(-1)!;
    let lists = 0;
    const transport: Transport = async (url, init) => {
      const isList = init.method === "GET" && (via === "multipart" || /[?&]prefix=/.test(url));
      if (!isList) return await gcs.fetch(url, init);
      assert(++lists < 10, "an endless list");
      const text =
        await (await gcs.fetch(url.replace(/[?&](part-number-marker|pageToken)=[^&]*/, ""), init))
          .text();
      return new Response(
        via === "multipart"
          ? text.replace("<IsTruncated>false", "<IsTruncated>true")
          : JSON.stringify({ ...JSON.parse(text), nextPageToken: "again" }),
      );
    };
    const error = await assertRejects(
      () => uploadParallel(file, { ...options, checkpoint, transport }),
      UploadError,
    );
    assertEquals(error.code, "invalid_response");
    await uploadParallel(file, { ...options, checkpoint });
    assertStored(gcs, file);
  }
});

Deno.test("of a file that is skipped because its object is there, nothing is kept or stored any more", async () => {
  const file = patterned(9 * 1024 * 1024);
  for (const isInParts of [true, false]) {
    const gcs = emulator();
    const stop = new AbortController();
    const store = new Map<string, never>();
    const { set } = store;
    let sets = 0;
    store.set = (key, checkpoint) => {
      if (++sets === 2) stop.abort(new Error("The process ends"));
      return set.call(store, key, checkpoint);
    };
    const options = (signal?: AbortSignal) => ({
      bucket: "my-bucket",
      transport: gcs.fetch,
      chunkSize: 1024 * 1024,
      retry: { clock: fakeClock() },
      skipExisting: true,
      checkpoints: store,
      ...(isInParts && { large: inParts({ above: PART, partSize: PART, connections: 1 }) }),
      signal,
    });
    const files = [{ name: "object", source: file }];
    await uploadMany(files, options(stop.signal)).catch(() => {});
    assertEquals([store.size, gcs.get("my-bucket", "object")?.size], [1, undefined]);
    if (isInParts) assertEquals(gcs.objects.length, 1, "a part is stored");
    await uploadParallel("somebody else's", target(gcs));
    const { skipped } = await uploadMany(files, options());
    assertEquals([skipped, store.size], [1, 0]);
    assertEquals(gcs.objects.map(({ name }) => name), ["object"]);
  }
});

/** A file in parts among many that must not exist, over a transport; what became of it. */
async function unlessThere(gcs: GcsEmulator, transport: Transport): Promise<UploadManyResult> {
  let result: UploadManyResult | undefined;
  await uploadMany([{ name: "object", source: patterned(40 * SMALL + 1) }], {
    bucket: "my-bucket",
    transport,
    retry: { clock: fakeClock(), maxAttempts: 4 },
    skipExisting: true,
    large: inParts({ above: PART, partSize: SMALL }),
    onResult: (ended) => void (result = ended),
  });
  assertEquals(gcs.objects.length, result!.status === "uploaded" ? 1 : 0, "nothing is left");
  return result!;
}

const refused = () =>
  Response.json({ error: { code: 412, errors: [{ reason: "conditionNotMet" }] } }, { status: 412 });

Deno.test("a part that somebody else has stored and removed again is sent again", async () => {
  const gcs = emulator();
  let refusals = 0;
  const result = await unlessThere(gcs, async (url, init) => {
    if (/name=[^&]*7-7/.test(url) && init.method === "POST" && refusals++ === 0) return refused();
    return await gcs.fetch(url, init);
  });
  assertEquals([result.status, refusals], ["uploaded", 2]);
});

Deno.test("what is wrong with temporary objects does not say that the object exists: the file fails, and is not skipped", async () => {
  const isOfPart = (url: string) => /uploadType=multipart.*7-7|7-7.*uploadType=multipart/.test(url);
  const isOfGroup = (url: string) => /[^0-9]1-32\/compose/.test(decodeURIComponent(url));
  for (const isRefused of [isOfPart, isOfGroup]) {
    const gcs = emulator();
    let refusals = 0;
    const result = await unlessThere(gcs, async (url, init) => {
      if (isRefused(url) && ++refusals > 0) return refused();
      return await gcs.fetch(url, init);
    });
    assert(refusals > 0);
    assert(result.status === "failed" && result.error instanceof UploadError, result.status);
    assertEquals(result.error.code, "session_gone");
  }
});
