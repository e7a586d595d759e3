// Whole objects through the XML API: stored and removed in one request, as clients of S3 do with small ones.

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, stream } from "./helpers.ts";
import { OBJECT, refusal } from "./multipart_helpers.ts";

function put(
  gcs: GcsEmulator,
  body: BodyInit,
  headers: Record<string, string> = {},
  url: string = OBJECT,
): Promise<Response> {
  const duplex = body instanceof ReadableStream ? { duplex: "half" } : {};
  return gcs.fetch(url, { method: "PUT", body, headers, ...duplex } as RequestInit);
}

const remove = (gcs: GcsEmulator, headers: Record<string, string> = {}, query = "") =>
  gcs.fetch(`${OBJECT}${query}`, { method: "DELETE", headers });

Deno.test("a PUT stores the object that its headers describe, and is answered in headers", async () => {
  const gcs = new GcsEmulator();
  const reply = await put(gcs, "123456789", {
    "content-type": "image/png",
    "cache-control": "no-store",
    "x-goog-meta-by": "me",
    "x-amz-meta-too": "yes",
    "content-md5": "JfnnlDI7RTiF9RgfG2JNCw==",
  });
  assertEquals([reply.status, await reply.text()], [200, ""]);
  assertEquals(reply.headers.get("etag"), '"25f9e794323b453885f5181f1b624d0b"');
  assertEquals(reply.headers.get("x-goog-hash"), "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==");
  const { resource, generation } = gcs.get("bucket", "dir/n")!;
  assertEquals(reply.headers.get("x-goog-generation"), generation);
  assertEquals([resource.contentType, resource.cacheControl], ["image/png", "no-store"]);
  assertEquals(resource.metadata, { by: "me", too: "yes" });
  assertEquals(gcs.requests.map(({ kind }) => kind), ["media"]);
});

Deno.test("a PUT of a stream, in the host's bucket, of a signed URL", async () => {
  const gcs = new GcsEmulator({ authorize: () => false });
  const query = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00&x-id=PutObject";
  const url = `https://bucket.storage.googleapis.com/dir/n${query}`;
  assertEquals((await put(gcs, stream([data(1000), data(9)]), {}, url)).status, 200);
  assertEquals(gcs.get("bucket", "dir/n")?.size, 1009);
  assertEquals(gcs.requests[0].url.includes("X-Amz-Signature=[redacted]"), true);
});

Deno.test("a PUT that does not hold what it says stores nothing", async () => {
  const gcs = new GcsEmulator();
  const cases: [headers: Record<string, string>, refused: RegExp][] = [
    [{ "x-goog-if-generation-match": "1" }, /^412 PreconditionFailed/],
    [{ "x-goog-hash": "crc32c=AAAAAA==" }, /^400 CrcMismatch/],
    [{ "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }, /^400 BadDigest/],
    [{ "content-encoding": "aws-chunked" }, /^501 NotImplemented/],
    [{ "x-goog-copy-source": "/bucket/other" }, /^501 NotImplemented/],
    [{ "x-amz-copy-source": "/bucket/other" }, /^501 NotImplemented/],
    [{ "content-range": "bytes 0-8/9" }, /^400 InvalidArgument/],
  ];
  for (const [headers, refused] of cases) {
    assertMatch(await refusal(put(gcs, "123456789", headers)), refused, JSON.stringify(headers));
  }
  for (const query of ["?acl", "?compose", "?tagging", "?partNumber=1"]) {
    assertMatch(await refusal(put(gcs, "x", {}, OBJECT + query)), /^501 NotImplemented/, query);
  }
  gcs.inject({ on: "media", cut: 5 });
  await assertRejects(() => put(gcs, "123456789"), TypeError);
  assertEquals(gcs.objects, []);
});

Deno.test("a precondition of a PUT can hold", async () => {
  const gcs = new GcsEmulator();
  const first = await put(gcs, "first", { "x-goog-if-generation-match": "0" });
  const generation = first.headers.get("x-goog-generation")!;
  const headers = { "x-goog-if-generation-match": generation };
  assertEquals((await put(gcs, "second", headers)).status, 200);
  assertEquals((await put(gcs, "third", headers)).status, 412);
  assertEquals(gcs.get("bucket", "dir/n")?.size, 6);
});

Deno.test("a DELETE removes the object, if its generation and its preconditions hold", async () => {
  const gcs = new GcsEmulator();
  assertMatch(await refusal(remove(gcs)), /^404 NoSuchKey/);
  const generation = (await put(gcs, "x")).headers.get("x-goog-generation")!;
  assertMatch(await refusal(remove(gcs, {}, "?generation=1")), /^404 NoSuchKey/);
  const headers = { "x-goog-if-generation-match": "1" };
  assertMatch(await refusal(remove(gcs, headers)), /^412 PreconditionFailed/);
  assertEquals(gcs.objects.length, 1);
  const held = { "x-goog-if-generation-match": generation };
  const reply = await remove(gcs, held, `?generation=${generation}`);
  assertEquals([reply.status, await reply.text(), gcs.objects.length], [204, "", 0]);
  assertEquals(gcs.requests.at(-1)?.kind, "delete");
});
