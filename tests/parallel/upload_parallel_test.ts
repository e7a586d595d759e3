// uploadParallel: its requests, its results, and what it leaves behind.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataCorruption, type Transport, UploadError, type UploadProgress } from "../../mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import {
  type ParallelCheckpoint,
  PartsLeftBehind,
  uploadParallel,
} from "../../src/parallel/mod.ts";
import { patterned, pieces } from "../support/bytes.ts";
import { count, emulator, kinds, PART, SMALL, target } from "./support.ts";

const bytes = patterned(2 * PART + 100);
const small = patterned(5 * SMALL + 100);
const SUM = encodeCrc32c(crc32c(bytes));

Deno.test("an XML multipart upload takes one request for each part, one before and one behind", async () => {
  const gcs = emulator();
  const object = await uploadParallel(bytes, target(gcs, { partSize: PART }));
  assertEquals(kinds(gcs), ["initiate", "part", "part", "part", "complete"]);
  const { bucket, name, size, crc32c, contentType } = object;
  const expected = ["my-bucket", "object", String(bytes.length), SUM, "application/octet-stream"];
  assertEquals([bucket, name, size, crc32c, contentType], expected);
});

Deno.test("a source that fits one part takes an ordinary upload", async () => {
  const gcs = emulator();
  await uploadParallel("hello", target(gcs, { ifGenerationMatch: 0 }));
  assertEquals(kinds(gcs), ["multipart"]);
  await uploadParallel(new Blob(["hello"]).stream(), target(gcs, { name: "b" }));
  assertEquals(gcs.get("my-bucket", "b")?.size, 5);
  assertEquals(gcs.multipartUploads, []);
});

Deno.test("an empty source becomes an empty object, by each way", async () => {
  const gcs = emulator();
  for (const via of [undefined, "multipart", "compose"] as const) {
    await uploadParallel(new Uint8Array(0), target(gcs, { via, name: `${via}` }));
    assertEquals(gcs.get("my-bucket", `${via}`)?.size, 0);
  }
  assertEquals(gcs.objects.length, 3);
});

Deno.test("metadata travel as headers, or as JSON where parts are composed", async () => {
  const gcs = emulator();
  const metadata = { cacheControl: "no-store", metadata: { owner: "Ada" } };
  const options = { metadata, contentType: "text/plain" };
  await uploadParallel(bytes, target(gcs, { ...options, partSize: PART }));
  await uploadParallel(
    small,
    target(gcs, { ...options, partSize: SMALL, via: "compose", name: "b" }),
  );
  for (const name of ["object", "b"]) {
    const { contentType, metadata, resource } = gcs.get("my-bucket", name)!;
    assertEquals([contentType, metadata.owner], ["text/plain", "Ada"]);
    assertEquals(resource.cacheControl, "no-store");
  }
});

Deno.test("a part that is answered before it was taken is not stored, though no checksum is computed", async () => {
  const gcs = emulator();
  const transport: Transport = async (url, init) =>
    url.includes("partNumber=")
      ? new Response(null, { headers: { etag: '"a"' } })
      : await gcs.fetch(url, init);
  const options = target(gcs, { partSize: PART, checksum: null, transport });
  const error = await assertRejects(() => uploadParallel(bytes, options), UploadError);
  assertEquals([error.code, gcs.objects.length], ["invalid_response", 0]);
});

Deno.test("what a part's server stores otherwise is sent again: three times in all at the most", async () => {
  const gcs = emulator();
  gcs.inject({ on: "part", corrupt: true, times: 2 });
  await uploadParallel(bytes, target(gcs, { partSize: PART }));
  assertEquals(count(gcs).part, 5);
  gcs.inject({ on: "part", corrupt: true, times: Infinity });
  const failing = uploadParallel(bytes, target(gcs, { partSize: PART, concurrency: 1 }));
  await assertRejects(() => failing, DataCorruption);
  assertEquals(count(gcs).part, 5 + 3);
});

Deno.test("a streamed part whose reply tells another checksum is sent again, and a composed one removed before", async () => {
  const gcs = emulator();
  const large = patterned(9 * 1024 * 1024 + 5); // more than what is hashed before it is sent
  let damaged = 0;
  const transport: Transport = async (url, init) => {
    const reply = await gcs.fetch(url, init);
    if (!url.includes("uploadType") || init.method !== "POST" || damaged++ > 0) return reply;
    const object = await reply.json();
    return Response.json({ ...object, crc32c: "AAAAAA==" });
  };
  await uploadParallel(large, target(gcs, { via: "compose", partSize: large.length, transport }));
  assertEquals(kinds(gcs), ["multipart", "delete", "multipart", "compose"]);
  assertEquals(gcs.objects.map(({ name }) => name), ["object"]);
});

Deno.test("a part that is refused for its token is sent once more, since a stream cannot be sent again by the transport", async () => {
  const gcs = emulator();
  gcs.inject({ on: "part", status: 401 });
  await uploadParallel(bytes, target(gcs, { partSize: PART }));
  gcs.inject({ on: "part", status: 401, times: Infinity });
  const failing = uploadParallel(bytes, target(gcs, { partSize: PART }));
  const error = await assertRejects(() => failing, UploadError);
  assertEquals([error.code, error.status], ["rejected", 401]);
});

Deno.test("no message and no printed error shows the ID of an upload", async () => {
  const gcs = emulator();
  const transport: Transport = async (url, init) => {
    if (!url.includes("uploadId")) return await gcs.fetch(url, init);
    if (init.method === "DELETE") {
      return new Response(`<Error><Code>A</Code><Message>${url}</Message></Error>`, {
        status: 400,
      });
    }
    throw new TypeError(`cannot reach ${url}`);
  };
  const options = target(gcs, { partSize: PART, transport, retry: false });
  const error = await assertRejects(() => uploadParallel(bytes, options), PartsLeftBehind);
  const [{ uploadId }] = gcs.multipartUploads;
  assert(!Deno.inspect(error, { depth: 20 }).includes(uploadId), "the ID is shown");
});

Deno.test("an object whose CRC32C is not that of all parts is a damaged one", async () => {
  const gcs = emulator();
  const transport: Transport = async (url, init) => {
    const reply = await gcs.fetch(url, init);
    if (init.method !== "POST" || url.endsWith("uploads")) return reply;
    return new Response(await reply.text(), { headers: { "x-goog-hash": "crc32c=AAAAAA==" } });
  };
  const uploading = uploadParallel(bytes, target(gcs, { partSize: PART, transport }));
  await assertRejects(() => uploading, DataCorruption, "AAAAAA==");
});

Deno.test("a checksum that the caller gives is compared before anything is finished", async () => {
  const gcs = emulator();
  const metadata = { crc32c: "AAAAAA==" };
  const uploading = uploadParallel(bytes, target(gcs, { partSize: PART, metadata }));
  const error = await assertRejects(() => uploading, UploadError);
  assertEquals(error.code, "source_changed");
  assertEquals([kinds(gcs).at(-1), gcs.objects.length], ["abort", 0]);
});

Deno.test("a completion whose reply is cut short is asked about, and sent again while the upload is open", async () => {
  const gcs = emulator();
  let completions = 0;
  const transport: Transport = async (url, init) => {
    const isCompletion = init.method === "POST" && !url.endsWith("uploads");
    if (isCompletion && completions++ === 0) return new Response("<CompleteMultipart");
    return await gcs.fetch(url, init);
  };
  await uploadParallel(bytes, target(gcs, { partSize: PART, transport }));
  assertEquals(kinds(gcs).slice(-2), ["list parts", "complete"]);
});

Deno.test("an error in a completion that began with 200 is an error", async () => {
  const gcs = emulator();
  const transport: Transport = async (url, init) => {
    const isCompletion = init.method === "POST" && !url.endsWith("uploads");
    if (!isCompletion) return await gcs.fetch(url, init);
    return new Response("<Error><Code>InvalidPart</Code><Message>gone</Message></Error>");
  };
  const uploading = uploadParallel(bytes, target(gcs, { partSize: PART, transport }));
  const error = await assertRejects(() => uploading, UploadError);
  assertEquals([error.code, error.reason], ["rejected", "InvalidPart"]);
});

Deno.test("a failure removes the parts, and an error says where that could not be", async () => {
  const gcs = emulator();
  gcs.inject({ on: "part", skip: 1, status: 403 });
  const first = uploadParallel(bytes, target(gcs, { partSize: PART }));
  assertEquals((await assertRejects(() => first, UploadError)).code, "rejected");
  assertEquals(gcs.multipartUploads.map(({ phase }) => phase), ["aborted"]);

  gcs.inject({ on: "part", skip: 1, status: 403 }, { on: "abort", status: 403, times: Infinity });
  const second = uploadParallel(bytes, target(gcs, { partSize: PART }));
  const error = await assertRejects(() => second, PartsLeftBehind);
  assertEquals(error.code, "parts_left_behind");
  assert(error.cause instanceof UploadError && error.cause.code === "rejected");
  assertEquals(error.checkpoint.uploadId, gcs.multipartUploads[1].uploadId);
  assert(!Deno.inspect(error).includes(error.checkpoint.uploadId), "the ID is shown");
});

Deno.test("a failure of a composed upload removes its temporary objects", async () => {
  const gcs = emulator();
  gcs.inject({ on: "compose", status: 403 });
  const options = target(gcs, { via: "compose", partSize: SMALL });
  await assertRejects(() => uploadParallel(small, options), UploadError);
  assertEquals([gcs.objects.length, count(gcs).delete], [0, 6]);
});

Deno.test("an upload with checkpoints keeps its parts when it fails, but not after a failed precondition", async () => {
  const gcs = emulator();
  await uploadParallel("other", target(gcs));
  const saved: ParallelCheckpoint[] = [];
  const options = target(gcs, {
    ifGenerationMatch: 0,
    partSize: SMALL,
    onCheckpoint: (checkpoint) => void saved.push(checkpoint),
  });
  gcs.inject({ on: "compose", status: 403 });
  await assertRejects(() => uploadParallel(small, options), UploadError);
  assertEquals(gcs.objects.length, 7);
  const resumed = uploadParallel(small, { ...options, checkpoint: saved.at(-1) });
  assertEquals((await assertRejects(() => resumed, UploadError)).code, "precondition_failed");
  assertEquals(gcs.objects.map(({ name }) => name), ["object"]);
});

Deno.test("a composition whose reply is lost is settled by looking, with a precondition and without", async () => {
  for (const ifGenerationMatch of [undefined, 0]) {
    const gcs = emulator();
    gcs.inject({ on: "compose", drop: "after" });
    const options = target(gcs, { via: "compose", partSize: SMALL, ifGenerationMatch });
    const object = await uploadParallel(small, options);
    assertEquals(object.generation, gcs.get("my-bucket", "object")?.generation);
    assertEquals([gcs.objects.length, count(gcs).compose], [1, 2]);
  }
});

Deno.test("an object that is composed counts, though what it was composed of cannot be removed", async () => {
  const gcs = emulator();
  gcs.inject({ on: "compose", drop: "after" });
  const transport: Transport = async (url, init) =>
    init.method === "DELETE" ? new Response(null, { status: 403 }) : await gcs.fetch(url, init);
  const object = await uploadParallel(
    small,
    target(gcs, { via: "compose", partSize: SMALL, transport }),
  );
  assertEquals(object.generation, gcs.get("my-bucket", "object")?.generation);
});

Deno.test("an object that was there before is none of ours, even if it is the same", async () => {
  const gcs = emulator();
  await uploadParallel(small, target(gcs));
  const options = target(gcs, { partSize: SMALL, ifGenerationMatch: 0 });
  const error = await assertRejects(() => uploadParallel(small, options), UploadError);
  assertEquals([error.code, gcs.objects.length], ["precondition_failed", 1]);
});

Deno.test("more than 32 parts are composed in a tree, and nothing is left of it", async () => {
  const gcs = emulator();
  const many = patterned(70 * SMALL + 1);
  await uploadParallel(many, target(gcs, { via: "compose", partSize: SMALL }));
  assertEquals(count(gcs), { multipart: 71, compose: 4 });
  assertEquals(gcs.objects.map(({ name, size }) => [name, size]), [["object", many.length]]);
});

Deno.test("parts are compared with what is listed, page by page, never counted", async () => {
  const gcs = emulator();
  const saved: ParallelCheckpoint[] = [];
  const options = target(gcs, {
    partSize: PART,
    concurrency: 1,
    onCheckpoint: (checkpoint) => void saved.push(checkpoint),
  });
  gcs.inject({ on: "complete", status: 403 });
  await assertRejects(() => uploadParallel(bytes, options), UploadError);
  const last = saved.at(-1)!;
  // Somebody has stored other bytes as part 2 meanwhile.
  const [{ uploadId }] = gcs.multipartUploads;
  const url = `https://storage.googleapis.com/my-bucket/object?partNumber=2&uploadId=${uploadId}`;
  await gcs.fetch(url, { method: "PUT", body: new Uint8Array(PART) });
  const paged: Transport = (url, init) =>
    gcs.fetch(init.method === "GET" ? `${url}&max-parts=1` : url, init);
  const before = gcs.requests.length;
  await uploadParallel(bytes, { ...options, checkpoint: last, transport: paged });
  assertEquals(kinds(gcs).slice(before), [
    "list parts",
    "list parts",
    "list parts",
    "part",
    "complete",
  ]);
  assertEquals(gcs.get("my-bucket", "object")?.crc32c, SUM);
});

Deno.test("an upload goes on at the same endpoint, as a URL and as a string", async () => {
  const gcs = emulator();
  const saved: ParallelCheckpoint[] = [];
  const onCheckpoint = (checkpoint: ParallelCheckpoint) => void saved.push(checkpoint);
  const endpoint = new URL("https://storage.googleapis.com");
  await uploadParallel(bytes, target(gcs, { partSize: PART, endpoint, onCheckpoint }));
  const [checkpoint] = saved.slice(-1);
  const object = await uploadParallel(bytes, target(gcs, { checkpoint }));
  assertEquals([object.crc32c, count(gcs).complete], [SUM, 1]);
});

Deno.test("a checkpoint of an upload that was finished finds the object, if it is the one", async () => {
  const gcs = emulator();
  const saved: ParallelCheckpoint[] = [];
  const onCheckpoint = (checkpoint: ParallelCheckpoint) => void saved.push(checkpoint);
  const options = target(gcs, { partSize: PART, onCheckpoint });
  await uploadParallel(bytes, options);
  const checkpoint = saved.at(-1);
  const object = await uploadParallel(bytes, { ...options, checkpoint });
  assertEquals([object.crc32c, count(gcs).complete], [SUM, 1]);
  await uploadParallel("other", target(gcs));
  const failing = uploadParallel(bytes, { ...options, checkpoint });
  assertEquals((await assertRejects(() => failing, UploadError)).code, "session_gone");
});

Deno.test("another source than that of the checkpoint is refused, and the parts are kept", async () => {
  const gcs = emulator();
  const saved: ParallelCheckpoint[] = [];
  const onCheckpoint = (checkpoint: ParallelCheckpoint) => void saved.push(checkpoint);
  const options = target(gcs, { partSize: PART, onCheckpoint });
  gcs.inject({ on: "complete", status: 403 });
  await assertRejects(() => uploadParallel(bytes, options), UploadError);
  const checkpoint = saved.at(-1);
  const other = bytes.slice();
  other[PART + 7] ^= 1;
  for (const source of [other, new Blob([other]).stream(), bytes.subarray(1)]) {
    const resumed = uploadParallel(source, { ...options, checkpoint });
    assertEquals((await assertRejects(() => resumed, UploadError)).code, "source_changed");
  }
  await uploadParallel(other, { ...options, checkpoint, verifyPrefix: false });
  assertEquals(gcs.get("my-bucket", "object")?.crc32c, SUM, "a source that is trusted is not read");
});

Deno.test("checkpoints are handed out one at a time, and parts wait for them", async () => {
  const gcs = emulator();
  let [now, most] = [0, 0];
  const sizes: number[] = [];
  await uploadParallel(
    small,
    target(gcs, {
      via: "compose",
      partSize: SMALL,
      async onCheckpoint({ parts }) {
        most = Math.max(most, ++now);
        sizes.push(parts.length);
        await new Promise((resolve) => setTimeout(resolve, 1));
        now--;
      },
    }),
  );
  assertEquals([most, sizes[0], sizes.at(-1)], [1, 0, 6]);
  assertEquals([...sizes].sort((a, b) => a - b), sizes);
});

Deno.test("progress counts all parts, and never goes down", async () => {
  const gcs = emulator();
  gcs.inject({ on: "part", cut: 1_000_000, times: 2 });
  const seen: UploadProgress[] = [];
  const onProgress = (progress: UploadProgress) => void seen.push(progress);
  await uploadParallel(bytes, target(gcs, { partSize: PART, onProgress }));
  const total = bytes.length;
  assertEquals(seen[0], { sent: 0, persisted: 0, total, resumedFrom: 0 });
  assertEquals(seen.at(-1), { sent: total, persisted: total, total, resumedFrom: 0 });
  for (const [i, { sent, persisted }] of seen.entries()) {
    assert(persisted <= sent && sent <= total);
    if (i > 0) assert(sent >= seen[i - 1].sent && persisted >= seen[i - 1].persisted);
  }
});

Deno.test("of a stream no more is read than the parts that are on their way", async () => {
  const gcs = emulator();
  let [read, stored, most] = [0, 0, 0];
  const source = async function* () {
    for (const piece of pieces(small, 50_000)) {
      await Promise.resolve();
      read += piece.length;
      most = Math.max(most, read - stored);
      yield piece;
    }
  };
  const options = target(gcs, { via: "compose", partSize: SMALL, concurrency: 2 });
  await uploadParallel(source(), {
    ...options,
    onProgress: ({ persisted }) => void (stored = persisted),
  });
  assert(most <= 2 * SMALL + 50_000, `${most} bytes`);
});

Deno.test("of a source that can be read anywhere a part in flight holds two pieces, however large it is", async () => {
  const gcs = emulator();
  const MiB = 1024 * 1024;
  let read = 0;
  const source = {
    size: 64 * MiB,
    read(_offset: number, length: number) {
      read += length;
      return Promise.resolve(new Uint8Array(length));
    },
  };
  const stop = new AbortController();
  const waiting: (() => void)[] = [];
  // A line on which nothing moves.
  const transport: Transport = async (url, init) => {
    if (!url.includes("partNumber")) return await gcs.fetch(url, init);
    return await new Promise<Response>((_, reject) => {
      init.signal!.addEventListener("abort", () => reject(init.signal!.reason));
      waiting.push(() => {});
    });
  };
  const options = target(gcs, { partSize: 16 * MiB, concurrency: 4, transport });
  const uploading = uploadParallel(source, { ...options, signal: stop.signal });
  while (waiting.length < 4) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert(read <= 4 * 2 * MiB, `${read} bytes`);
  stop.abort(new Error("enough"));
  await assertRejects(() => uploading, Error, "enough");
});

Deno.test("a part that is read again must be what it was", async () => {
  const gcs = emulator();
  const MiB = 1024 * 1024;
  gcs.inject({ on: "part", cut: 4 * MiB });
  let fill = 1;
  const source = {
    size: 10 * MiB,
    read: (_offset: number, length: number) => Promise.resolve(new Uint8Array(length).fill(fill)),
  };
  const changing: Transport = (url, init) => gcs.fetch(url, init).finally(() => void fill++);
  const options = target(gcs, { via: "multipart", partSize: 10 * MiB, transport: changing });
  const error = await assertRejects(() => uploadParallel(source, options), UploadError);
  assertEquals([error.code, gcs.objects.length], ["source_changed", 0]);
});

Deno.test("a `read` of the caller's is called for one place at a time", async () => {
  const gcs = emulator();
  let [now, most] = [0, 0];
  const source = {
    size: bytes.length,
    async read(offset: number, length: number) {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      return bytes.subarray(offset, offset + length);
    },
  };
  await uploadParallel(source, target(gcs, { partSize: PART }));
  assertEquals([most, gcs.get("my-bucket", "object")?.crc32c], [1, SUM]);
});

Deno.test("a source that is let go is told why, once", async () => {
  const gcs = emulator();
  gcs.inject({ on: "part", status: 403 });
  let closed = 0;
  const read = (offset: number, length: number) =>
    Promise.resolve(bytes.subarray(offset, offset + length));
  const source = { size: bytes.length, read, close: () => void closed++ };
  await assertRejects(() => uploadParallel(source, target(gcs, { partSize: PART })), UploadError);
  assertEquals(closed, 1);
  await uploadParallel(source, target(gcs));
  assertEquals(closed, 2);
  gcs.inject({ on: "multipart", status: 403 });
  const inOne = uploadParallel({ ...source, size: 5 }, target(gcs, { ifGenerationMatch: 0 }));
  await assertRejects(() => inOne, UploadError);
  assertEquals(closed, 3);
});

Deno.test("a stream that is not as long as declared is an error, and no object", async () => {
  for (const totalBytes of [small.length - 1, small.length + 1]) {
    for (const parts of [{ via: "compose", partSize: SMALL }, {}] as const) { // or all of it in one
      const gcs = emulator();
      const options = target(gcs, { ...parts, totalBytes });
      const error = await assertRejects(
        () => uploadParallel(new Blob([small]).stream(), options),
        UploadError,
      );
      assertEquals([error.code, gcs.objects.length], ["source_size_mismatch", 0]);
    }
  }
});

Deno.test("a source's own error comes out as it is, and nothing is left behind", async () => {
  const gcs = emulator();
  const broken = new Error("the disk is broken");
  const source = async function* () {
    yield bytes.slice(0, PART + 5);
    await Promise.resolve();
    throw broken;
  };
  const failing = uploadParallel(source(), target(gcs, { partSize: PART }));
  assertEquals(await failing.catch((error) => error), broken);
  assertEquals(gcs.multipartUploads.map(({ phase }) => phase), ["aborted"]);
});

Deno.test("a bucket that does not exist is no session that is gone, by each way", async () => {
  for (const via of ["multipart", "compose"] as const) {
    const gcs = emulator();
    gcs.inject({ on: ["initiate", "multipart"], status: 404, times: Infinity });
    const options = target(gcs, { via, partSize: PART });
    const error = await assertRejects(() => uploadParallel(bytes, options), UploadError);
    assertEquals([error.code, error.status], ["rejected", 404]);
  }
});

Deno.test("a stream that ends before parts that are stored is another source", async () => {
  const gcs = emulator();
  const saved: ParallelCheckpoint[] = [];
  const options = target(gcs, {
    via: "compose",
    partSize: SMALL,
    concurrency: 1,
    onCheckpoint: (checkpoint) => void saved.push(checkpoint),
  });
  gcs.inject({ on: "multipart", skip: 4, status: 403 });
  await assertRejects(() => uploadParallel(new Blob([small]).stream(), options), UploadError);
  const shorter = new Blob([small.subarray(0, 2 * SMALL)]).stream();
  const resumed = uploadParallel(shorter, { ...options, checkpoint: saved.at(-1) });
  const error = await assertRejects(() => resumed, UploadError);
  assertEquals([error.code, gcs.get("my-bucket", "object")], ["source_changed", undefined]);
});

Deno.test("a composed upload that is stopped at any request leaves no temporary object behind", async () => {
  for (let at = 0; at < 8; at++) {
    const gcs = emulator();
    const stop = new AbortController();
    const reason = new Error("stopped");
    const underWay: Promise<unknown>[] = [];
    let requests = 0;
    // What is on its way arrives, whether or not anybody waits for it.
    const transport: Transport = (url, init) => {
      const isLast = requests++ === at;
      const reply = gcs.fetch(url, { ...init, signal: null });
      underWay.push(reply.catch(() => {}));
      if (isLast) stop.abort(reason);
      return reply;
    };
    const options = target(gcs, {
      via: "compose",
      partSize: SMALL,
      concurrency: 3,
      transport,
      signal: stop.signal,
    });
    const error = await uploadParallel(small, options).then(() => undefined, (thrown) => thrown);
    await Promise.all(underWay);
    if (at < 7) assertEquals(error, reason, `at request ${at}`);
    assertEquals(gcs.objects.filter(({ name }) => name !== "object"), [], `at request ${at}`);
  }
});
