import { assertEquals } from "@std/assert";
import {
  compareObject,
  formatHashes,
  isRepeatable,
  objectSize,
  parseHashes,
  parseObject,
} from "../../src/protocol/metadata.ts";

const CRC = "4waSgw==", MD5 = "JfnnlDI7RTiF9RgfG2JNCw==";

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

Deno.test("an object is read from JSON, from headers, and from nothing else", () => {
  const none = new Headers();
  assertEquals(parseObject('{"size":"3"}', none), { size: "3" });
  assertEquals(parseObject(" \n", new Headers({ "x-goog-stored-content-length": "3" })), {
    size: "3",
  });
  const empty = new Headers({ etag: "e", "x-goog-metageneration": "1" });
  for (const headers of [none, empty]) assertEquals(parseObject("", headers), undefined);
  for (const text of ["<html>", '"text"', "3", "null", "[]", "{"]) {
    assertEquals(parseObject(text, none), undefined);
  }
});

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
    assertEquals(objectSize({ size: size as string }), expected);
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
  Deno.test(`comparing an object: ${rule}`, () =>
    assertEquals(compareObject(object, sent, required)?.kind, expected));
}

Deno.test("without checksums of our own only the size is compared", () => {
  const unhashed = { size: 9, checksums: {} };
  assertEquals(compareObject({ size: "9", crc32c: "AAAAAA==" }, unhashed, null), undefined);
});

Deno.test("only a generation precondition makes a request repeatable", () => {
  const none = new Headers(), url = "https://storage.googleapis.com/o?name=a";
  assertEquals(isRepeatable(url, none), false);
  assertEquals(isRepeatable(`${url}&ifGenerationMatch=0`, none), true);
  assertEquals(isRepeatable(`${url}&ifMetagenerationMatch=1`, none), false);
  assertEquals(isRepeatable(`${url}&ifGenerationMatches=1`, none), false);
  assertEquals(isRepeatable(`${url}#&ifGenerationMatch=0`, none), false, "it is not sent");
  assertEquals(isRepeatable(`${url}&ifGenerationNotMatch=1`, none), false);
  assertEquals(isRepeatable(url, new Headers({ "X-Goog-If-Generation-Match": "5" })), true);
});
