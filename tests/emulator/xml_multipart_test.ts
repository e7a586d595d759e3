// Multipart uploads of the XML API: what comes of them when they are used as they should be.

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, OBJECTS, ORIGIN } from "./helpers.ts";
import {
  abort,
  complete,
  completeBody,
  initiate,
  OBJECT,
  PART,
  putPart,
  refusal,
  stored,
  valueOf,
} from "./multipart_helpers.ts";

const NO_UPLOAD = "404 NoSuchUpload: The requested upload was not found.";

Deno.test("parts in any order become one object in the order of their numbers", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const bytes = data(2 * PART + 29);
  const third = await stored(gcs, id, 9, bytes.slice(2 * PART));
  const first = await stored(gcs, id, 1, bytes.slice(0, PART));
  const second = await stored(gcs, id, 4, bytes.slice(PART, 2 * PART));
  const reply = await complete(gcs, id, [[1, first], [4, second], [9, third]]);
  assertEquals(reply.status, 200);
  const object = gcs.get("bucket", "dir/n")!;
  assertEquals(object.bytes, bytes);
  assertEquals(reply.headers.get("x-goog-hash"), `crc32c=${object.crc32c}`);
  assertEquals(reply.headers.get("content-type"), "text/html; charset=UTF-8");
  const again = new GcsEmulator();
  await again.fetch(`${ORIGIN}/upload/storage/v1/b/bucket/o?uploadType=media&name=n`, {
    method: "POST",
    body: bytes,
  });
  assertEquals(object.crc32c, again.get("bucket", "n")!.crc32c);
  const { phase, parts } = gcs.multipartUploads[0];
  assertEquals([phase, parts], ["completed", []]);
});

Deno.test("the replies have the shape and the namespace of S3", async () => {
  const gcs = new GcsEmulator();
  const begun = await gcs.fetch(`${OBJECT}?uploads`, { method: "POST" });
  const text = await begun.text();
  const id = valueOf(text, "UploadId");
  assertMatch(id, /^[\w=-]{40,}$/);
  assertEquals(
    text,
    "<?xml version='1.0' encoding='UTF-8'?><InitiateMultipartUploadResult " +
      "xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Bucket>bucket</Bucket><Key>dir/n</Key>" +
      `<UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
  );
  const etag = await stored(gcs, id, 1, "123456789");
  const reply = await complete(gcs, id, [[1, etag]]);
  assertEquals(reply.headers.get("x-goog-generation"), null);
  const end = await reply.text();
  const tag = gcs.get("bucket", "dir/n")!.xmlEtag;
  const md5 = (bytes: Uint8Array | string) => createHash("md5").update(bytes);
  assertEquals(tag, `"${md5(md5("123456789").digest()).digest("hex")}-1"`);
  assertEquals(
    end,
    "<?xml version='1.0' encoding='UTF-8'?><CompleteMultipartUploadResult " +
      "xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>" +
      "<Location>http://bucket.storage.googleapis.com/dir/n</Location>" +
      `<Bucket>bucket</Bucket><Key>dir/n</Key><ETag>${tag}</ETag></CompleteMultipartUploadResult>`,
  );
});

Deno.test("a part is answered with its MD5 and both of its checksums, in headers", async () => {
  const gcs = new GcsEmulator();
  const reply = await putPart(gcs, await initiate(gcs), 1, "123456789");
  assertEquals([reply.status, await reply.text()], [200, ""]);
  assertEquals(reply.headers.get("etag"), '"25f9e794323b453885f5181f1b624d0b"');
  assertEquals(reply.headers.get("x-goog-hash"), "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==");
});

Deno.test("an object of parts has no MD5, and its metadata is that of the start", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs, {
    "content-type": "video/mp4",
    "cache-control": "no-store",
    "content-disposition": "inline",
    "content-encoding": "identity",
    "content-language": "de",
    "x-goog-storage-class": "NEARLINE",
    "x-goog-custom-time": "2026-01-01T00:00:00Z",
    "x-goog-meta-by": "me",
    "x-goog-user-project": "a-project",
    "x-goog-encryption-algorithm": "AES256",
  });
  const etag = await stored(gcs, id, 1, "x");
  await complete(gcs, id, [[1, etag]], { "content-type": "application/xml" });
  const { resource, metadata } = gcs.get("bucket", "dir/n")!;
  assertEquals(metadata, { by: "me" });
  assertEquals([resource.contentType, resource.cacheControl], ["video/mp4", "no-store"]);
  assertEquals([resource.contentDisposition, resource.contentLanguage], ["inline", "de"]);
  assertEquals([resource.storageClass, resource.customTime], ["NEARLINE", "2026-01-01T00:00:00Z"]);
  const shown = await (await gcs.fetch(`${OBJECTS}/dir%2Fn`)).json();
  assertEquals(["md5Hash" in shown, shown.contentEncoding], [false, "identity"]);
  const media = await gcs.fetch(`${OBJECTS}/dir%2Fn?alt=media`);
  assertEquals(media.headers.get("x-goog-hash"), `crc32c=${resource.crc32c}`);
  assertEquals(await media.text(), "x");
});

Deno.test("a part that is sent again replaces the one before, whose tag is gone", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const before = await stored(gcs, id, 1, "before");
  const after = await stored(gcs, id, 1, "after");
  assertNotEquals(before, after);
  assertEquals(
    await refusal(complete(gcs, id, [[1, before]])),
    "400 InvalidPart: The requested upload part was not found.",
  );
  assertEquals((await complete(gcs, id, [[1, after]])).status, 200);
  assertEquals(gcs.get("bucket", "dir/n")!.size, 5);
});

Deno.test("only the parts that are named become the object", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  await stored(gcs, id, 1, "left out");
  const etag = await stored(gcs, id, 2, "named");
  assertEquals((await complete(gcs, id, [[2, etag]])).status, 200);
  assertEquals(new TextDecoder().decode(gcs.get("bucket", "dir/n")!.bytes), "named");
});

Deno.test("one part of 0 bytes is an object of 0 bytes", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const etag = await stored(gcs, id, 1, "");
  const reply = await complete(gcs, id, [[1, etag]]);
  assertEquals([reply.status, reply.headers.get("x-goog-hash")], [200, "crc32c=AAAAAA=="]);
  assertEquals(gcs.get("bucket", "dir/n")!.bytes, new Uint8Array());
});

Deno.test("after its end or its abort, an upload is not known to any request", async () => {
  const gcs = new GcsEmulator();
  const ended = await initiate(gcs);
  const etag = await stored(gcs, ended, 1, "x");
  await complete(gcs, ended, [[1, etag]]);
  const aborted = await initiate(gcs);
  await stored(gcs, aborted, 1, "x");
  const reply = await abort(gcs, aborted);
  assertEquals([reply.status, await reply.text()], [204, ""]);
  for (const id of [ended, aborted, "unknown"]) {
    assertEquals(await refusal(putPart(gcs, id, 1, "x")), NO_UPLOAD);
    assertEquals(await refusal(complete(gcs, id, [[1, etag]])), NO_UPLOAD);
    assertEquals(await refusal(gcs.fetch(`${OBJECT}?uploadId=${id}`)), NO_UPLOAD);
    assertEquals(await refusal(abort(gcs, id)), NO_UPLOAD);
  }
  assertEquals(gcs.multipartUploads.map(({ phase }) => phase), ["completed", "aborted"]);
  assertEquals(gcs.objects.length, 1);
});

Deno.test("an upload belongs to its object: another name does not know it", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  assertEquals(await refusal(putPart(gcs, id, 1, "x", {}, `${ORIGIN}/bucket/other`)), NO_UPLOAD);
  assertEquals(await refusal(putPart(gcs, id, 1, "x", {}, `${ORIGIN}/others/dir/n`)), NO_UPLOAD);
});

Deno.test("the bucket can be in the host name, and the name can come without encoding", async () => {
  const urls: [url: string, name: string][] = [
    ["https://bucket.storage.googleapis.com/dir/a b&c+d%.bin", "dir/a b&c+d%.bin"],
    ["https://bucket.storage.googleapis.com/dir/%C3%A4%20b", "dir/ä b"],
    ["http://bucket.localhost:8085/ä", "ä"],
    [`${ORIGIN}/bucket/a'%26%3C%3E%0B`, "a'&<>\v"],
  ];
  for (const [url, name] of urls) {
    const gcs = new GcsEmulator();
    const id = await initiate(gcs, {}, url);
    const etag = await stored(gcs, id, 1, "x", url);
    assertEquals((await complete(gcs, id, [[1, etag]], {}, url)).status, 200);
    assertEquals(gcs.get("bucket", name)?.size, 1, name);
  }
});

Deno.test("a precondition does not keep an upload from replacing an object", async () => {
  const gcs = new GcsEmulator();
  const headers = { "x-goog-if-generation-match": "0" };
  for (const text of ["first", "second"]) {
    const id = await initiate(gcs, headers);
    const etag = await stored(gcs, id, 1, text);
    assertEquals((await complete(gcs, id, [[1, etag]], headers)).status, 200);
  }
  assertEquals(new TextDecoder().decode(gcs.get("bucket", "dir/n")!.bytes), "second");
});

Deno.test("the tags can come without quotes or with references, and the body with the namespace", async () => {
  const gcs = new GcsEmulator();
  for (const form of ["bare", "references", "namespace", "prefix"]) {
    const id = await initiate(gcs);
    const etag = await stored(gcs, id, 1, form);
    const bare = etag.slice(1, -1);
    const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
    const bodies: Record<string, string> = {
      bare: completeBody([[1, bare]]),
      references: completeBody([[1, `&quot;${bare}&#34;`]]),
      namespace: completeBody([[1, etag]]).replace(/Upload>/, `Upload xmlns="${namespace}">`),
      prefix: completeBody([[1, etag]]).replace(/(<\/?)/g, "$1s:")
        .replace(/Upload>/, `Upload xmlns:s='${namespace}'>`),
    };
    assertEquals((await complete(gcs, id, bodies[form])).status, 200, form);
  }
});

Deno.test("without MD5 and without bytes, parts are counted and compared all the same", async () => {
  const gcs = new GcsEmulator({ md5: false, store: "discard" });
  const id = await initiate(gcs);
  const first = await stored(gcs, id, 1, data(PART));
  const last = await stored(gcs, id, 2, "end");
  assertNotEquals(first, last);
  assertEquals((await complete(gcs, id, [[1, first], [2, last]])).status, 200);
  assertEquals(gcs.get("bucket", "dir/n")!.size, PART + 3);
});

Deno.test("AWS's headers mean the same as Google's, and so does its authorization", async () => {
  const gcs = new GcsEmulator();
  const authorization = "AWS4-HMAC-SHA256 Credential=GOOG1E/20260101/auto/s3/aws4_request, " +
    "SignedHeaders=host;x-amz-date, Signature=00";
  const id = await initiate(gcs, {
    authorization,
    "x-amz-meta-by": "me",
    "x-amz-storage-class": "COLDLINE",
  });
  const etag = await stored(gcs, id, 1, "x");
  await complete(gcs, id, [[1, etag]]);
  const { resource } = gcs.get("bucket", "dir/n")!;
  assertEquals([resource.metadata, resource.storageClass], [{ by: "me" }, "COLDLINE"]);
  assertEquals(gcs.requests[0].headers.authorization, "[redacted]");
});

Deno.test("reset forgets multipart uploads", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  gcs.reset();
  assertEquals(gcs.multipartUploads, []);
  assertEquals(await refusal(putPart(gcs, id, 1, "x")), NO_UPLOAD);
});
