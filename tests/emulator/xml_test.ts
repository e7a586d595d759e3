// Resumable uploads through the XML API of the emulator, with signed URLs and buckets in host names.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, ORIGIN, put, standing, U } from "./helpers.ts";

const START = { "x-goog-resumable": "start" };

async function startXml(
  gcs: GcsEmulator,
  headers: Record<string, string> = {},
  url = `${ORIGIN}/bucket/dir/n`,
): Promise<string> {
  const response = await gcs.fetch(url, { method: "POST", headers: { ...START, ...headers } });
  assertEquals(response.status, 201);
  return response.headers.get("location")!;
}

Deno.test("the XML API starts a session with 201", async () => {
  const gcs = new GcsEmulator();
  const response = await gcs.fetch(`${ORIGIN}/bucket/dir/n`, { method: "POST", headers: START });
  assertEquals([response.status, await response.text()], [201, ""]);
  assertEquals(response.headers.get("content-length"), "0");
  assertEquals(response.headers.get("content-type"), "text/html; charset=UTF-8");
  const id = response.headers.get("x-guploader-uploadid");
  assertEquals(response.headers.get("location"), `${ORIGIN}/bucket/dir/n?upload_id=${id}`);
});

Deno.test("a signed URL is accepted as it is, and stays in Location", async () => {
  const gcs = new GcsEmulator({ authorize: () => false });
  const query = "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=00";
  const location = await startXml(gcs, {}, `${ORIGIN}/bucket/n?${query}`);
  assertEquals(location.startsWith(`${ORIGIN}/bucket/n?${query}&upload_id=`), true);
  assertEquals((await put(gcs, location, null, "x")).status, 200);
  assertEquals(gcs.get("bucket", "n")?.size, 1);
  const url = gcs.requests[0].url;
  assertEquals(
    url,
    `${ORIGIN}/bucket/n?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=[redacted]`,
  );
});

Deno.test("the bucket can be in the host name, and names can be encoded", async () => {
  const gcs = new GcsEmulator();
  const url = "https://my-bucket.storage.googleapis.com/dir/%C3%A4%20b";
  const session = await startXml(gcs, {}, url);
  assertEquals(session.startsWith(`${url}?upload_id=`), true);
  await put(gcs, session, null, "x");
  assertEquals(gcs.get("my-bucket", "dir/ä b")?.size, 1);
});

Deno.test("with a bucket in the host name and an origin of its own, Location names the bucket", async () => {
  const gcs = new GcsEmulator({ origin: "http://127.0.0.1:9" });
  const session = await startXml(gcs, {}, "https://my-bucket.storage.googleapis.com/dir/a%20b");
  assertEquals(session.startsWith("http://127.0.0.1:9/my-bucket/dir/a%20b?upload_id="), true);
  await put(gcs, session, null, "x");
  assertEquals(gcs.get("my-bucket", "dir/a b")?.size, 1);
});

Deno.test("the last request of an XML upload is answered in headers, with no body", async () => {
  const gcs = new GcsEmulator({ now: () => 1_726_500_000_123 });
  const session = await startXml(gcs);
  const last = await put(gcs, session, "bytes 0-8/9", "123456789");
  for (const response of [last, await put(gcs, session, "bytes */*")]) {
    assertEquals([response.status, await response.text()], [200, ""]);
    const { "x-guploader-uploadid": _, ...headers } = Object.fromEntries(response.headers);
    assertEquals(headers, {
      "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
      "content-length": "0",
      "content-type": "text/html; charset=UTF-8",
      "etag": '"25f9e794323b453885f5181f1b624d0b"',
      "expires": "Mon, 01 Jan 1990 00:00:00 GMT",
      "pragma": "no-cache",
      "server": "UploadServer",
      "vary": "Origin, X-Origin",
      "x-goog-generation": "1726500000123000",
      "x-goog-hash": "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==",
      "x-goog-metageneration": "1",
      "x-goog-storage-class": "STANDARD",
      "x-goog-stored-content-encoding": "identity",
      "x-goog-stored-content-length": "9",
    });
  }
});

Deno.test("headers of the start describe the object", async () => {
  const gcs = new GcsEmulator();
  const session = await startXml(gcs, {
    "content-type": "image/png",
    "cache-control": "no-store",
    "content-disposition": "inline",
    "content-encoding": "gzip",
    "content-language": "de",
    "x-goog-storage-class": "COLDLINE",
    "x-goog-custom-time": "2026-01-01T00:00:00Z",
    "x-goog-meta-a": "1",
  });
  await put(gcs, session, null, "x", { "content-type": "text/css", "x-goog-meta-b": "2" });
  const { resource } = gcs.get("bucket", "dir/n")!;
  assertEquals(resource.contentType, "image/png");
  assertEquals(resource.cacheControl, "no-store");
  assertEquals(resource.contentDisposition, "inline");
  assertEquals(resource.contentEncoding, "gzip");
  assertEquals(resource.contentLanguage, "de");
  assertEquals(resource.storageClass, "COLDLINE");
  assertEquals(resource.customTime, "2026-01-01T00:00:00Z");
  assertEquals(resource.metadata, { a: "1", b: "2" });
});

Deno.test("chunks, questions and cancelling are the same as in the JSON API", async () => {
  const gcs = new GcsEmulator();
  const session = await startXml(gcs);
  const chunk = await put(gcs, session, `bytes 0-${U + 4}/*`, data(U + 5));
  assertEquals([chunk.status, chunk.headers.get("range")], [308, "bytes=0-262143"]);
  assertEquals(await standing(gcs, session), "308 bytes=0-262143");
  assertEquals((await put(gcs, session, `bytes ${U + 1}-${U + 1}/${U + 2}`, "x")).status, 503);
  assertEquals((await gcs.fetch(session, { method: "POST" })).status, 405);
  assertEquals((await gcs.fetch(session, { method: "DELETE" })).status, 499);
});

for (
  const [rule, code, status, init, last] of [
    ["the header x-goog-resumable", "InvalidArgument", 400, { "x-goog-resumable": "no" }, null],
    ["a number as a precondition", "InvalidArgument", 400, {
      "x-goog-if-generation-match": "x",
    }, null],
    ["its precondition to hold", "PreconditionFailed", 412, {
      "x-goog-if-generation-match": "1",
    }, {}],
    ["its CRC32C to match", "CrcMismatch", 400, {}, { "x-goog-hash": "crc32c=AAAAAA==" }],
    ["its MD5 to match", "BadDigest", 400, {}, { "x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA==" }],
    ["its checksums to be some", "InvalidDigest", 400, {}, { "x-goog-hash": "crc32c=A" }],
    ["the announced size", "InvalidArgument", 400, { "x-upload-content-length": "2" }, {}],
  ] as [string, string, number, Record<string, string>, Record<string, string> | null][]
) {
  Deno.test(`an XML upload needs ${rule}, else ${status} ${code}`, async () => {
    const gcs = new GcsEmulator();
    const response = last === null
      ? await gcs.fetch(`${ORIGIN}/bucket/n`, { method: "POST", headers: { ...START, ...init } })
      : await put(gcs, await startXml(gcs, init), null, "x", last);
    assertEquals(response.status, status);
    assertEquals(response.headers.get("content-type"), "application/xml; charset=UTF-8");
    const text = await response.text();
    assertMatch(
      text,
      /^<\?xml version='1\.0' encoding='UTF-8'\?><Error><Code>\w+<\/Code><Message>[^<]*<\/Message>(?:<Details>[^<]*<\/Details>)?<\/Error>$/,
    );
    assertStringIncludes(text, `<Code>${code}</Code>`);
    assertEquals(gcs.objects, []);
  });
}

Deno.test("an XML upload needs a valid name and a valid size", async () => {
  const gcs = new GcsEmulator();
  for (const [name, headers] of [["a%0Ab", {}], ["n", { "x-upload-content-length": "x" }]]) {
    const init = { method: "POST", headers: { ...START, ...headers as Record<string, string> } };
    const response = await gcs.fetch(`${ORIGIN}/bucket/${name}`, init);
    assertEquals(response.status, 400);
    assertStringIncludes(await response.text(), "<Code>InvalidArgument</Code>");
  }
});

Deno.test("a name that is not encoded correctly is taken as it is", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, await startXml(gcs, {}, `${ORIGIN}/bucket/100%`), null, "x");
  assertEquals(gcs.get("bucket", "100%")?.size, 1);
});

Deno.test("with md5: false the ETag of the XML API is opaque", async () => {
  const gcs = new GcsEmulator({ md5: false });
  const last = await put(gcs, await startXml(gcs), null, "x");
  assertMatch(last.headers.get("etag")!, /^"[\w+/=]+"$/);
  assertMatch(last.headers.get("x-goog-hash")!, /^crc32c=[\w+/=]+$/);
});

Deno.test("a precondition of an XML upload can hold", async () => {
  const gcs = new GcsEmulator();
  const session = await startXml(gcs, { "x-goog-if-generation-match": "0" });
  assertEquals((await put(gcs, session, null, "x")).status, 200);
});

Deno.test("the start of an XML upload has no body", async () => {
  const init = { method: "POST", headers: START, body: "x" };
  assertEquals((await new GcsEmulator().fetch(`${ORIGIN}/bucket/n`, init)).status, 400);
});

Deno.test("a bucket or an object that does not exist is told in XML", async () => {
  const gcs = new GcsEmulator({ buckets: ["bucket"] });
  const bucket = await gcs.fetch(`${ORIGIN}/other/n`, { method: "POST", headers: START });
  assertEquals(bucket.status, 404);
  assertStringIncludes(await bucket.text(), "<Code>NoSuchBucket</Code>");
  const object = await gcs.fetch(`${ORIGIN}/bucket/n`);
  assertEquals(object.status, 404);
  assertStringIncludes(await object.text(), "<Code>NoSuchKey</Code>");
});

Deno.test("GET /bucket/object gives the bytes", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, await startXml(gcs), null, "123456789");
  const response = await gcs.fetch(`${ORIGIN}/bucket/dir/n`);
  assertEquals([response.status, await response.text()], [200, "123456789"]);
  assertEquals(response.headers.get("etag"), '"25f9e794323b453885f5181f1b624d0b"');
});

Deno.test("messages are escaped in XML", async () => {
  const gcs = new GcsEmulator();
  const headers = { "x-goog-if-generation-match": "<&>" };
  const response = await gcs.fetch(`${ORIGIN}/bucket/n`, {
    method: "POST",
    headers: { ...START, ...headers },
  });
  assertStringIncludes(await response.text(), "&lt;&amp;&gt;");
});

const SIGNED =
  `${ORIGIN}/bucket/n?X-Goog-Signature=00&X-Goog-SignedHeaders=host%3Bx-goog-resumable`;

for (
  const [rule, headers, status] of [
    ["takes the headers that are signed", START, 201],
    ["takes other headers besides", { ...START, "content-type": "x/y" }, 201],
    ["misses a signed header", {}, 403],
    ["takes no x-goog-* header that is not signed", { ...START, "x-goog-meta-a": "1" }, 403],
  ] as [string, Record<string, string>, number][]
) {
  Deno.test(`a signed URL ${rule}`, async () => {
    const gcs = new GcsEmulator();
    const response = await gcs.fetch(SIGNED, { method: "POST", headers });
    const text = await response.text();
    assertEquals(response.status, status);
    assertEquals(text.includes("<Code>SignatureDoesNotMatch</Code>"), status === 403);
  });
}

Deno.test("verifySignature decides whether a signed URL is right, and is asked for no other request", async () => {
  const asked: string[] = [];
  const gcs = new GcsEmulator({
    verifySignature: (request) => {
      asked.push(`${request.method} ${request.headers.get("x-goog-resumable")}`);
      return asked.length > 1;
    },
  });
  const init = { method: "POST", headers: START };
  const refused = await gcs.fetch(SIGNED, init);
  assertEquals(refused.status, 403);
  assertEquals(refused.headers.get("content-type"), "application/xml; charset=UTF-8");
  assertStringIncludes(await refused.text(), "<Code>SignatureDoesNotMatch</Code><Message>The re");
  const session = (await gcs.fetch(SIGNED, init)).headers.get("location")!;
  assertEquals((await put(gcs, session, null, "x")).status, 200);
  assertEquals((await gcs.fetch(`${ORIGIN}/bucket/m`, init)).status, 201);
  assertEquals(asked, ["POST start", "POST start"]);
});

Deno.test("the XML error of a checksum says which, and in Details what was computed", async () => {
  const gcs = new GcsEmulator();
  const hash = { "x-goog-hash": "crc32c=AAAAAA==" };
  const response = await put(gcs, await startXml(gcs), null, "123456789", hash);
  assertStringIncludes(
    await response.text(),
    "<Message>The CRC32C you specified did not match what we computed.</Message><Details>" +
      `Provided CRC32C "AAAAAA==" doesn't match calculated CRC32C "4waSgw==".</Details>`,
  );
});
