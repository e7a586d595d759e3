// The checksums have their published values in every runtime.

import { crc32c, encodeCrc32c } from "../../../src/bytes/crc32c.ts";
import { createMd5 } from "../../../src/bytes/md5.ts";
import { assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";

const digits = new TextEncoder().encode("123456789");

/** Checksums against published values. */
export const bytes: PortableCase[] = [
  {
    name: "CRC32C of the nine digits is the check value of RFC 3720",
    run() {
      assertEquals(crc32c(digits), 0xe3069283);
      assertEquals(encodeCrc32c(crc32c(digits)), "4waSgw==");
    },
  },
  {
    name: "CRC32C of two parts is that of the whole, with a crc over 2^31 in between",
    run() {
      for (let cut = 0; cut <= digits.length; cut++) {
        const sum = crc32c(digits.subarray(cut), crc32c(digits.subarray(0, cut)));
        assertEquals(sum, 0xe3069283, `cut at ${cut}`);
      }
    },
  },
  {
    name: "MD5 is loaded on demand, and its digest can be taken before the end",
    async run() {
      const hex = (bytes: Uint8Array) =>
        Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      const md5 = await createMd5();
      assertEquals(hex(md5.digest()), "d41d8cd98f00b204e9800998ecf8427e");
      md5.update(new TextEncoder().encode("abc"));
      assertEquals(hex(md5.digest()), "900150983cd24fb0d6963f7d28e17f72");
    },
  },
];
