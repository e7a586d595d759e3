// How an object of Cloud Storage is read from a reply, and what its checksums prove.

import { assert, assertEquals } from "@std/assert";
import { formatHashes, parseHashes } from "../../src/protocol/hashes.ts";
import { compareFacts } from "../../src/protocol/resource.ts";
import { anything } from "../../src/protocol/resources/anything.ts";
import { defaultResource } from "../../src/protocol/resources/default.ts";
import {
  objectSize,
  parseObject,
  type StorageObject,
  storageObject,
} from "../../src/protocol/resources/storage_object.ts";
import { isRepeatable } from "../../src/upload/send_in_one.ts";

const CRC = "4waSgw==", MD5 = "JfnnlDI7RTiF9RgfG2JNCw==";

/** What is known of an upload besides its bytes. */
const context = (startUrl = "https://storage.googleapis.com/upload/storage/v1/b/b/o") => ({
  startUrl,
  method: "POST" as const,
  metadata: {},
});

for (
  const [header, expected] of [
    [null, {}],
    ["", {}],
    [`crc32c=${CRC}`, { crc32c: CRC }],
    [`crc32c=${CRC},md5=${MD5}`, { crc32c: CRC, md5: MD5 }],
    [`md5=${MD5}, crc32c=${CRC}`, { crc32c: CRC, md5: MD5 }],
    ["sha256=AAAA,crc32c", {}],
    ["crc32c=not base64!", {}],
  ] as const
) {
  Deno.test(`x-goog-hash ${JSON.stringify(header)} holds ${JSON.stringify(expected)}`, () => {
    assertEquals(parseHashes(header), expected);
  });
}

Deno.test("x-goog-hash is written in Google's form, and not at all without a checksum", () => {
  assertEquals(formatHashes({ crc32c: CRC }), `crc32c=${CRC}`);
  assertEquals(formatHashes({ crc32c: CRC, md5: MD5 }), `crc32c=${CRC},md5=${MD5}`);
  assertEquals(formatHashes({}), undefined);
});

/** A successful reply. */
const reply = (text: string, headers: Record<string, string> = {}, status = 200) => ({
  status,
  headers: new Headers(headers),
  text,
});

Deno.test("an object is read from JSON, from headers, and from nothing else", () => {
  assertEquals(parseObject(reply('{"size":"3"}')) as unknown, { size: "3" });
  assertEquals(
    parseObject(reply(" \n", { "x-goog-stored-content-length": "3" })) as unknown,
    { size: "3" },
  );
  assertEquals(parseObject(reply("")), undefined);
  assertEquals(parseObject(reply("", { etag: "e", "x-goog-metageneration": "1" })), undefined);
  for (const text of ["<html>", '"text"', "3", "null", "[]", "{", "{}"]) {
    assertEquals(parseObject(reply(text)), undefined, text);
  }
});

for (
  const [text, isProof] of [
    ['{"kind":"storage#object"}', true],
    ['{"id":"b/o/1"}', true],
    ['{"name":"a"}', true],
    ['{"bucket":"b"}', true],
    ['{"generation":"1"}', true],
    [`{"crc32c":"${CRC}"}`, true],
    [`{"md5Hash":"${MD5}"}`, true],
    ['{"size":"0"}', true],
    ['{"size":7}', true],
    ['{"kind":"storage#objects"}', false],
    ['{"contentType":"text/plain"}', false],
    ['{"status":"ok"}', false],
    ['{"name":5}', false],
    ['{"name":"a","size":"many"}', false],
    ['{"name":"a","size":-1}', false],
    ['{"name":"a","error":{"code":503}}', false],
  ] as const
) {
  Deno.test(`${text} ${isProof ? "is" : "is not"} a finished object`, () =>
    assertEquals(parseObject(reply(text)) !== undefined, isProof));
}

for (
  const [size, expected] of [
    ["0", 0],
    ["262147", 262147],
    [9, 9],
    ["-1", undefined],
    ["1.5", undefined],
    [undefined, undefined],
    ["1e3", undefined],
  ] as const
) {
  Deno.test(`a size of ${JSON.stringify(size)} is ${expected ?? "unknown"}`, () => {
    assertEquals(objectSize(size), expected);
  });
}

const sent = { size: 9, checksums: { crc32c: CRC, md5: MD5 } };
for (
  const [rule, object, required, expected] of [
    ["the same object agrees", { size: "9", crc32c: CRC, md5Hash: MD5 }, "auto", undefined],
    ["what is not reported is not compared", {}, "auto", undefined],
    ["a smaller object differs", { size: "8", crc32c: CRC }, "auto", "differs"],
    ["a larger object differs", { size: "10" }, null, "differs"],
    ["another CRC32C differs", { size: "9", crc32c: "AAAAAA==" }, "auto", "differs"],
    ["another MD5 differs", { size: "9", crc32c: CRC, md5Hash: "AAAA" }, "md5", "differs"],
    ["a required CRC32C must be reported", { size: "9", md5Hash: MD5 }, "crc32c", "unreported"],
    ["a required MD5 must be reported", { size: "9", crc32c: CRC }, "md5", "unreported"],
  ] as const
) {
  Deno.test(`comparing an object: ${rule}`, () => {
    const facts = storageObject.facts!(object as unknown as StorageObject, context());
    assert(facts);
    assertEquals(compareFacts(facts, sent, required)?.kind, expected);
  });
}

Deno.test("without checksums of our own only the size is compared", () => {
  const unhashed = { size: 9, checksums: {} };
  assertEquals(compareFacts({ size: 9, crc32c: "AAAAAA==" }, unhashed, null), undefined);
  assertEquals(compareFacts({ size: 8 }, unhashed, null)?.kind, "differs");
});

const repeats = (url: string, headers = {}, repeatable = false) =>
  isRepeatable({ url, startHeaders: new Headers(headers), repeatable });

Deno.test("only a generation precondition makes a request repeatable, or the caller's word", () => {
  const url = "https://storage.googleapis.com/o?name=a";
  assertEquals(repeats(url), false);
  assertEquals(repeats(`${url}&ifGenerationMatch=0`), true);
  assertEquals(repeats(`${url}&ifMetagenerationMatch=1`), false);
  assertEquals(repeats(`${url}&ifGenerationMatches=1`), false);
  assertEquals(repeats(`${url}#&ifGenerationMatch=0`), false, "it is not sent");
  assertEquals(repeats(`${url}&ifGenerationNotMatch=1`), false);
  assertEquals(repeats(url, {}, true), true);
});

Deno.test("as a header the precondition belongs to the XML API: it makes signed URLs repeatable, and no others", () => {
  const header = { "X-Goog-If-Generation-Match": "5" };
  assertEquals(repeats("https://storage.googleapis.com/o?name=a", header), false);
  assertEquals(repeats("https://storage.googleapis.com/b/o?X-Goog-Signature=a", header), true);
});

Deno.test("what a reply leaves out of an object is filled in with what is known, and nothing is replaced", () => {
  const startUrl = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?name=a%2Fb";
  const complete = (object: object) =>
    storageObject.complete!(object as StorageObject, { ...context(startUrl), size: 9 }) as unknown;
  assertEquals(complete({ crc32c: CRC }), {
    crc32c: CRC,
    size: "9",
    bucket: "my-bucket",
    name: "a/b",
  });
  const whole = { size: "9", bucket: "b", name: "n" };
  assertEquals(complete(whole), whole);
});

Deno.test("checksums travel with the metadata, but for those that it has already", () => {
  const sums = { crc32c: CRC, md5: MD5 };
  assertEquals(storageObject.withChecksums!({ name: "a" }, sums), {
    crc32c: CRC,
    md5Hash: MD5,
    name: "a",
  });
  assertEquals(storageObject.withChecksums!({ crc32c: "AAAAAA==" }, { crc32c: CRC }), {
    crc32c: "AAAAAA==",
  });
  assertEquals(storageObject.withChecksums!({ name: "a" }, {}), { name: "a" });
});

Deno.test("an object can be looked at again where it was stored", () => {
  const startUrl = "https://proxy.example/gcs/upload/storage/v1/b/my-bucket/o?uploadType=media";
  const at = (name: string) => `https://proxy.example/gcs/storage/v1/b/my-bucket/o/${name}`;
  const lookup = (startUrl: string, metadata = {}) =>
    storageObject.lookup!({ ...context(startUrl), metadata });
  assertEquals(lookup(`${startUrl}&name=a%2Fb`), at("a%2Fb"));
  assertEquals(lookup(startUrl, { name: "a b" }), at("a%20b"));
  assertEquals(lookup(startUrl), undefined);
  assertEquals(lookup("https://www.googleapis.com/upload/drive/v3/files"), undefined);
});

Deno.test("of a URL that is not Cloud Storage's, whatever the server answers is the result", () => {
  const cases: [url: string, resource: unknown][] = [
    ["https://storage.googleapis.com/upload/storage/v1/b/b/o?name=a", storageObject],
    ["https://storage.googleapis.com/resumable/upload/storage/v1/b/b/o", storageObject],
    ["https://storage.googleapis.com/b/o?X-Goog-Signature=a", storageObject],
    ["https://www.googleapis.com/upload/drive/v3/files", anything],
    ["https://example.com/upload", anything],
  ];
  for (const [url, resource] of cases) assertEquals(defaultResource(url) === resource, true, url);
});

Deno.test("anything is JSON, or text, or nothing with a 204; an empty success shows no result", () => {
  assertEquals(anything.read(reply('{"id":1}')), { id: 1 });
  assertEquals(anything.read(reply("done")), "done");
  assertEquals(anything.read(reply("", {}, 204)), null);
  assertEquals(anything.read(reply(" ")), undefined);
});
