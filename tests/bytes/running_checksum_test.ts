import { assertEquals } from "@std/assert";
import { continueChecksum, startChecksum } from "../../src/bytes/running_checksum.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { patterned } from "../support/bytes.ts";

const U = 262144;
const DATA = patterned(3 * U + 5);
const crcOf = (end: number) => encodeCrc32c(crc32c(DATA.subarray(0, end)));

Deno.test("the CRC32C is remembered at the end of each piece, and made from the bytes before anywhere else", async () => {
  const sum = (await startChecksum("auto"))!;
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
  assertEquals(sum.crc32c(), crcOf(DATA.length));
  assertEquals(sum.md5(), undefined);
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

Deno.test("md5 is computed beside CRC32C when it is asked for; null computes nothing", async () => {
  const sum = (await startChecksum("md5"))!;
  sum.update(new TextEncoder().encode("123456789"));
  assertEquals([sum.md5(), sum.crc32c()], ["JfnnlDI7RTiF9RgfG2JNCw==", "4waSgw=="]);
  assertEquals(await startChecksum(null), undefined);
});

Deno.test("a CRC32C goes on from a checkpoint", () => {
  const sum = continueChecksum(U, crcOf(U))!;
  assertEquals(sum.crc32cAt(U), crcOf(U));
  sum.update(DATA.subarray(U));
  assertEquals([sum.length, sum.crc32c()], [DATA.length, crcOf(DATA.length)]);
  assertEquals(continueChecksum(U, "no crc"), undefined);
});
