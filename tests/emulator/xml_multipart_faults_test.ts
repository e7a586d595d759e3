// Multipart uploads of the XML API: what goes wrong on demand, and what is left of the upload then.

import { assertEquals, assertRejects } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, stream } from "./helpers.ts";
import {
  abort,
  complete,
  initiate,
  OBJECT,
  putPart,
  refusal,
  stored,
  valueOf,
} from "./multipart_helpers.ts";

const NO_UPLOAD = "404 NoSuchUpload: The requested upload was not found.";

/** The sizes of the parts that the only upload has. */
function sizes(gcs: GcsEmulator): number[] {
  return gcs.multipartUploads[0].parts.map(({ size }) => size);
}

Deno.test("the log names each request of a multipart upload", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const etag = await stored(gcs, id, 1, "x");
  await gcs.fetch(`${OBJECT}?uploadId=${id}`);
  await gcs.fetch("https://bucket.storage.googleapis.com/?uploads");
  await complete(gcs, id, [[1, etag]]);
  await abort(gcs, id);
  assertEquals(gcs.requests.map(({ kind, status }) => `${kind} ${status}`), [
    "initiate 200",
    "part 200",
    "list parts 200",
    "list uploads 200",
    "complete 200",
    "abort 404",
  ]);
  assertEquals(gcs.requests.every(({ session }) => session === null), true);
});

Deno.test("a part whose body breaks is not stored, and the one before stays", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  await stored(gcs, id, 1, "before");
  gcs.inject({ on: "part", cut: 100 }, { on: "part", status: 503, afterBytes: 100 });
  await assertRejects(() => putPart(gcs, id, 1, data(300)), TypeError);
  assertEquals((await putPart(gcs, id, 1, data(300))).status, 503);
  await assertRejects(() => putPart(gcs, id, 1, stream([data(9)], new Error("broken"))), TypeError);
  assertEquals(sizes(gcs), [6]);
  assertEquals(gcs.requests.slice(2).map(({ fault, bodyBytes }) => [fault, bodyBytes]), [
    ["cut", 100],
    ["status", 100],
    [null, 9],
  ]);
});

Deno.test("a lost reply leaves what the request did: a part, an object, nothing to abort", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: ["initiate", "part", "complete", "abort"], drop: "after", times: Infinity });
  await assertRejects(() => initiate(gcs), TypeError);
  const { uploadId } = gcs.multipartUploads[0];
  await assertRejects(() => putPart(gcs, uploadId, 1, "x"), TypeError);
  const { etag } = gcs.multipartUploads[0].parts[0];
  await assertRejects(() => complete(gcs, uploadId, [[1, etag]]), TypeError);
  assertEquals([gcs.objects.length, gcs.multipartUploads[0].phase], [1, "completed"]);
  await assertRejects(() => initiate(gcs), TypeError);
  await assertRejects(() => abort(gcs, gcs.multipartUploads[1].uploadId), TypeError);
  assertEquals(gcs.multipartUploads[1].phase, "aborted");
});

Deno.test("an injected error is in XML, also one that comes with 200", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const etag = await stored(gcs, id, 1, "x");
  gcs.inject({ on: "complete", status: 503, reason: "SlowDown" });
  gcs.inject({ on: "complete", status: 200, reason: "InternalError" });
  assertEquals(await refusal(complete(gcs, id, [[1, etag]])), "503 SlowDown: Injected: SlowDown");
  const reply = await complete(gcs, id, [[1, etag]]);
  assertEquals([reply.status, valueOf(await reply.text(), "Code")], [200, "InternalError"]);
  assertEquals([gcs.objects.length, sizes(gcs)], [0, [1]]);
});

Deno.test("corrupt changes a byte of a part, and the checksums tell", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  gcs.inject({ on: "part", corrupt: true, times: 2 });
  const headers = { "x-goog-hash": "crc32c=4waSgw==" };
  assertEquals(
    await refusal(putPart(gcs, id, 1, "123456789", headers)),
    "400 CrcMismatch: The CRC32C you specified did not match what we computed.",
  );
  const reply = await putPart(gcs, id, 1, "123456789");
  assertEquals(reply.headers.get("x-goog-hash")?.startsWith("crc32c=4waSgw=="), false);
});

Deno.test("expire: 404 ends an upload as a lifecycle rule would; other ends do not apply", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  gcs.inject({ expire: 410 }, { refuse: 403 }, { move: true }, { on: "part", early: 1 });
  await stored(gcs, id, 1, "x");
  gcs.inject({ on: "part", expire: 404 });
  assertEquals(await refusal(putPart(gcs, id, 2, "x")), NO_UPLOAD);
  assertEquals(await refusal(gcs.fetch(`${OBJECT}?uploadId=${id}`)), NO_UPLOAD);
  assertEquals([gcs.multipartUploads[0].phase, sizes(gcs)], ["lost", []]);
});

Deno.test("parts that come at once are stored each, and one that is late finds no upload", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const replies = await Promise.all([3, 1, 2].map((n) => putPart(gcs, id, n, data(n * 1000))));
  assertEquals(replies.map(({ status }) => status), [200, 200, 200]);
  assertEquals(sizes(gcs), [1000, 2000, 3000]);
  let go = () => {};
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise<void>((resolve) => go = resolve);
      controller.close();
    },
  });
  const late = putPart(gcs, id, 4, body);
  while (gcs.requests.length < 5) await Promise.resolve();
  assertEquals((await abort(gcs, id)).status, 204);
  go();
  assertEquals(await refusal(late), NO_UPLOAD);
  assertEquals(sizes(gcs), []);
});

Deno.test("a shortened reply to complete has lost its end, and the object is there", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const etag = await stored(gcs, id, 1, "x");
  gcs.inject({ on: "complete", shorten: 60 });
  const reply = await complete(gcs, id, [[1, etag]]);
  assertEquals([(await reply.text()).length, gcs.objects.length], [60, 1]);
});
