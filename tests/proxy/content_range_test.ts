// How the proxy reads `Content-Range`, and what it refuses.

import { assertEquals } from "@std/assert";
import { parseChunkRange } from "../../src/proxy/chunk_range.ts";

const good: readonly [header: string, range: ReturnType<typeof parseChunkRange>][] = [
  ["bytes 0-4/5", { first: 0, last: 4, total: 5 }],
  ["bytes 0-0/1", { first: 0, last: 0, total: 1 }],
  ["bytes 262144-524287/*", { first: 262_144, last: 524_287, total: undefined }],
  ["bytes 5-*/10", { first: 5, last: undefined, total: 10 }],
  ["bytes 5-*/*", { first: 5, last: undefined, total: undefined }],
  ["bytes */10", { first: undefined, last: undefined, total: 10 }],
  ["bytes */0", { first: undefined, last: undefined, total: 0 }],
  ["bytes */*", { first: undefined, last: undefined, total: undefined }],
  [
    "bytes 0-5497558138879/5497558138880",
    { first: 0, last: 5_497_558_138_879, total: 5_497_558_138_880 },
  ],
];
for (const [header, range] of good) {
  Deno.test(`Content-Range "${header}" is read`, () => {
    assertEquals(parseChunkRange(header), range);
  });
}

const bad: readonly [rule: string, header: string][] = [
  ["an end before the beginning", "bytes 4-0/5"],
  ["an end beyond the total", "bytes 0-5/5"],
  ["a beginning at the total", "bytes 5-*/5"],
  ["bytes of nothing", "bytes 0-0/0"],
  ["no total", "bytes 0-4"],
  ["no range", "bytes /5"],
  ["no unit", "0-4/5"],
  ["another unit", "items 0-4/5"],
  ["the form of a Range header", "bytes=0-4/5"],
  ["two ranges", "bytes 0-1,3-4/5"],
  ["two headers in one", "bytes 0-4/5, bytes 0-9/10"],
  ["a sign", "bytes +0-4/5"],
  ["hexadecimal", "bytes 0-0x4/5"],
  ["a fraction", "bytes 0-4.0/5"],
  ["an exponent", "bytes 0-4/1e3"],
  ["digits of other scripts", "bytes 0-٤/٥"],
  ["more than 15 digits", "bytes 0-4/1000000000000000"],
  ["an end without a beginning", "bytes *-4/5"],
  ["two spaces", "bytes  0-4/5"],
  ["spaces inside", "bytes 0 - 4 / 5"],
  ["a line break after it", "bytes 0-4/5\n"],
  ["nothing", ""],
];
for (const [rule, header] of bad) {
  Deno.test(`Content-Range with ${rule} is refused: ${JSON.stringify(header)}`, () => {
    assertEquals(parseChunkRange(header), undefined);
  });
}
