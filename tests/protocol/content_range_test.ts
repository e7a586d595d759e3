// `Content-Range` as it is written and `Range` as it is read.

import { assertEquals } from "@std/assert";
import {
  contentRange,
  PERMANENT_REDIRECT,
  storedBytes,
  UPLOAD_CHUNK_SIZE,
} from "../../src/protocol/content_range/ranges.ts";

Deno.test("the constants are those of Google's protocol", () => {
  assertEquals(UPLOAD_CHUNK_SIZE, 262144);
  assertEquals(PERMANENT_REDIRECT, 308);
});

for (
  const [rule, start, end, total, expected] of [
    ["a piece of a whole of unknown size", 0, 262144, undefined, "bytes 0-262143/*"],
    ["a piece of a whole of known size", 262144, 524288, 700000, "bytes 262144-524287/700000"],
    ["the last byte", 9, 10, 10, "bytes 9-9/10"],
    ["no bytes, size known: finish", 10, 10, 10, "bytes */10"],
    ["an empty object", 0, 0, 0, "bytes */0"],
    ["no bytes, size unknown: only ask", 0, 0, undefined, "bytes */*"],
    [
      "positions beyond 32 bits",
      5497558138879,
      5497558138880,
      5497558138880,
      "bytes 5497558138879-5497558138879/5497558138880",
    ],
  ] as const
) {
  Deno.test(`Content-Range for ${rule} is "${expected}"`, () => {
    assertEquals(contentRange(start, end, total), expected);
  });
}

for (
  const [range, expected] of [
    [null, 0],
    ["bytes=0-0", 1],
    ["bytes=0-262143", 262144],
    ["Bytes=0-9", 10],
    ["0-9", 10],
    [" bytes=0-9 ", 10],
    ["bytes=0-9007199254740990", 9007199254740991],
    ["bytes=0-9007199254740991", undefined],
    ["bytes=0-99999999999999999999", undefined],
    ["bytes=1-9", undefined],
    ["bytes 0-9", undefined],
    ["bytes=0-9/10", undefined],
    ["bytes=0-", undefined],
    ["bytes=-9", undefined],
    ["bytes=0--1", undefined],
    ["bytes=0-9,20-29", undefined],
    ["items=0-9", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`a Range of ${JSON.stringify(range)} says ${expected ?? "nothing that can be read"}`, () => {
    assertEquals(storedBytes(range), expected);
  });
}
