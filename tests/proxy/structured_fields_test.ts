// The structured fields of resumable uploads, and the file name of Content-Disposition.

import { assertEquals } from "@std/assert";
import { filenameOf } from "../../src/proxy/fronts/content_disposition.ts";
import {
  booleanField,
  bytesOf,
  integerField,
  writeIntegers,
} from "../../src/proxy/fronts/structured_fields.ts";

const headers = (value: string) => new Headers({ field: value });

for (
  const [text, value] of [
    ["0", 0],
    ["007", 7],
    ["999999999999999", 999_999_999_999_999],
    ["  5  ", 5],
    ["5;a", 5],
    ['5; a=1;b=?0;c=tok/en:x;d=:AA==:;e="q\\"\\\\;";f=-1.5', 5],
    ["1000000000000000", undefined],
    ["-1", undefined],
    ["1.0", undefined],
    ["1, 2", undefined],
    ["5;A", undefined],
    ["5;a=", undefined],
    ['5;a="', undefined],
    ["5 ;a", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`the integer of \`${text}\` is ${value}`, () =>
    assertEquals(integerField(headers(text), "Field"), value));
}

for (
  const [text, value] of [
    ["?0", false],
    ["?1", true],
    ["?1;x=?0", true],
    ["?2", undefined],
    ["1", undefined],
    ["true", undefined],
    ["?1, ?1", undefined],
  ] as const
) {
  Deno.test(`the boolean of \`${text}\` is ${value}`, () =>
    assertEquals(booleanField(headers(text), "Field"), value));
}

Deno.test("a field that is missing has no value", () => {
  assertEquals(integerField(new Headers(), "Field"), undefined);
  assertEquals(booleanField(new Headers(), "Field"), undefined);
  assertEquals(bytesOf(new Headers(), "Field", "crc32c"), undefined);
});

for (
  const [text, value] of [
    ["crc32c=:AAAAAA==:", "AAAAAA=="],
    ["sha-256=:x:, crc32c=:AAAAAA==:;a", "AAAAAA=="],
    ["crc32c=:AAAAAA==:, crc32c=:BBBBBB==:", "BBBBBB=="],
    ["crc32c=AAAAAA==", undefined],
    ["crc32c=:AAAA\u00e9:", undefined],
    ["xcrc32c=:AAAAAA==:", undefined],
    ["crc32c", undefined],
  ] as const
) {
  Deno.test(`the bytes of \`crc32c\` in \`${text}\` are ${value}`, () =>
    assertEquals(bytesOf(headers(text), "Field", "crc32c"), value));
}

Deno.test("a dictionary leaves out what is not known", () =>
  assertEquals(writeIntegers({ a: 1, b: undefined, c: 0 }), "a=1, c=0"));

for (
  const [header, name] of [
    [null, undefined],
    ["inline", undefined],
    ["inline; filename=a.png", "a.png"],
    ['inline; FileName = "a b.png" ; size=5', "a b.png"],
    ['inline; filename="a \\"b\\" \\\\.png"', 'a "b" \\.png'],
    ["inline; filename*=UTF-8'en'%e2%82%ac.png; filename=x", "€.png"],
    ["inline; filename*=iso-8859-1''%e9; filename=x", "x"],
    ["inline; filename*=UTF-8''%ff", undefined],
    ['inline; filename="a', undefined],
    ["inline; filename=a b", undefined],
    [`inline; filename=${"a".repeat(4096)}`, undefined],
  ] as const
) {
  Deno.test(`the file name of \`${header?.slice(0, 60)}\` is ${name}`, () =>
    assertEquals(filenameOf(header), name));
}
