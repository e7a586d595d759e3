// Running checksums go back, go on from a checkpoint, and find out bytes that have changed.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UploadError } from "../../src/errors.ts";
import { continueChecksum, startChecksum } from "../../src/bytes/running_checksum.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { patterned } from "../support/bytes.ts";

const U = 262144;
const DATA = patterned(3 * U + 5);
const crcOf = (end: number) => encodeCrc32c(crc32c(DATA.subarray(0, end)));

Deno.test("the CRC32C is remembered at the end of each piece, and made from the bytes before anywhere else", async () => {
  const sum = (await startChecksum("crc32c"))!;
  sum.update(DATA.subarray(0, U + 100));
  sum.update(DATA.subarray(U + 100));
  assertEquals(sum.length, DATA.length);
  for (const offset of [0, U + 100, 3 * U + 5]) {
    assertEquals(sum.crc32cAt(offset), crcOf(offset));
  }
  assertEquals(sum.crc32cAt(U), undefined);
  assertEquals(sum.crc32cAt(U, DATA.subarray(0, U)), crcOf(U));
  assertEquals(sum.crc32cAt(U), crcOf(U), "remembered from then on");
  assertEquals(sum.crc32cAt(2 * U, DATA.subarray(U + 100, 2 * U)), crcOf(2 * U));
  assertEquals(
    sum.crc32cAt(3 * U, DATA.subarray(2 * U + 1, 3 * U)),
    undefined,
    "from no such place",
  );
  sum.forget(2 * U);
  assertEquals(sum.crc32cAt(3 * U, DATA.subarray(U, 3 * U)), crcOf(3 * U), "from the nearest one");
  assertEquals(sum.sums().crc32c, crcOf(DATA.length));
  assertEquals(sum.sums().md5, undefined);
});

Deno.test("what lies before confirmed bytes is forgotten", async () => {
  const sum = (await startChecksum("crc32c"))!;
  sum.update(DATA.subarray(0, U));
  sum.update(DATA.subarray(U, 2 * U));
  sum.update(DATA.subarray(2 * U));
  sum.forget(2 * U);
  assertEquals(sum.crc32cAt(U), undefined);
  assertEquals(sum.crc32cAt(2 * U), crcOf(2 * U));
});

Deno.test("SHA-256 is computed beside CRC32C when it is asked for, and goes back with it", async () => {
  const sum = (await startChecksum("sha256"))!;
  sum.update(DATA.subarray(0, U));
  await sum.rewind(100, (at, length) => Promise.resolve(DATA.slice(at, at + length)));
  sum.update(DATA.subarray(100));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", DATA));
  assertEquals(sum.sums(), {
    crc32c: crcOf(DATA.length),
    sha256: btoa(String.fromCharCode(...digest)),
  });
});

Deno.test("md5 is computed beside CRC32C when it is asked for; null computes nothing", async () => {
  const sum = (await startChecksum("md5"))!;
  sum.update(new TextEncoder().encode("123456789"));
  assertEquals([sum.sums().md5, sum.sums().crc32c], ["JfnnlDI7RTiF9RgfG2JNCw==", "4waSgw=="]);
  assertEquals(await startChecksum(null), undefined);
});

Deno.test("a CRC32C goes on from a checkpoint", () => {
  const sum = continueChecksum(U, crcOf(U))!;
  assertEquals(sum.crc32cAt(U), crcOf(U));
  sum.update(DATA.subarray(U));
  assertEquals([sum.length, sum.sums().crc32c], [DATA.length, crcOf(DATA.length)]);
  assertEquals(continueChecksum(U, "no crc"), undefined);
});

/** Reads a place of the data. */
const read = (offset: number, length: number) =>
  Promise.resolve(DATA.slice(offset, offset + length));

for (const to of [0, 100, U, U + 1, 2 * U - 1, 2 * U]) {
  Deno.test(`after going back to byte ${to} the same bytes add up to the same`, async () => {
    const sum = (await startChecksum("md5"))!;
    sum.update(DATA.subarray(0, U));
    sum.update(DATA.subarray(U, 2 * U));
    await sum.rewind(to, read);
    assertEquals([sum.length, sum.sums().crc32c], [to, crcOf(to)]);
    sum.update(DATA.subarray(to, 3 * U));
    sum.update(DATA.subarray(3 * U));
    assertEquals(sum.sums().crc32c, crcOf(DATA.length));
    const once = (await startChecksum("md5"))!;
    once.update(DATA);
    assertEquals(sum.sums().md5, once.sums().md5, "MD5 is that of each byte once");
  });
}

Deno.test("bytes that are others when they are read again are found out where a piece ended before", async () => {
  const sum = (await startChecksum("crc32c"))!;
  sum.update(DATA.subarray(0, U));
  sum.update(DATA.subarray(U, 2 * U));
  await sum.rewind(100, read);
  const changed = DATA.slice(100, 2 * U);
  changed[5] ^= 1;
  sum.update(changed.subarray(0, 1000));
  const error = assertThrows(() => sum.update(changed.subarray(1000)), UploadError);
  assertEquals(error.code, "source_changed");
});

Deno.test("what is found out to have changed is looked at across several ways back", async () => {
  const sum = (await startChecksum("crc32c"))!;
  for (let at = 0; at < 2 * U; at += U / 2) sum.update(DATA.subarray(at, at + U / 2));
  await sum.rewind(U + 7, read);
  sum.update(DATA.subarray(U + 7, U + 9));
  await sum.rewind(U / 4, read);
  sum.update(DATA.subarray(U / 4, U + 9));
  assertThrows(() => sum.update(new Uint8Array(U)), UploadError, "changed");
});

Deno.test("there is no way back before what was forgotten", async () => {
  const sum = (await startChecksum("crc32c"))!;
  sum.update(DATA.subarray(0, U));
  sum.update(DATA.subarray(U));
  sum.forget(U);
  await assertRejects(() => sum.rewind(U - 1, read), RangeError, "forgotten");
});

Deno.test("however many pieces there are, the marks stay bounded and every way back works", async () => {
  const sum = (await startChecksum("crc32c"))!;
  const step = 64;
  for (let at = 0; at < U; at += step) sum.update(DATA.subarray(at, at + step));
  assertEquals(sum.sums().crc32c, crcOf(U));
  for (const to of [U - 1, U / 2 + 3, 5]) {
    await sum.rewind(to, read);
    assertEquals(sum.sums().crc32c, crcOf(to));
  }
  sum.update(DATA.subarray(5));
  assertEquals(sum.sums().crc32c, crcOf(DATA.length));
});

Deno.test("bytes that are read again are compared as often as they are read: what differed once is not let through then", async () => {
  const sum = (await startChecksum("crc32c"))!;
  sum.update(DATA.subarray(0, U));
  await sum.rewind(0, (at, length) => Promise.resolve(DATA.slice(at, at + length)));
  const changed = DATA.slice(0, U);
  changed[5] ^= 1;
  for (let i = 0; i < 2; i++) {
    const error = assertThrows(() => sum.update(changed), UploadError);
    assertEquals(error.code, "source_changed");
  }
  sum.update(DATA.subarray(0, U));
  assertEquals(sum.sums().crc32c, crcOf(U), "the right ones are right");
});
