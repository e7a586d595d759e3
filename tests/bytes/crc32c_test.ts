// CRC32C is right by every method, at every length and alignment, and each method is used where it should be.

import { assert, assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { combineCrc32c, crc32c, decodeCrc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
// Each query makes a copy of the module with a state of its own: it chooses anew how to fold.
import * as onServer from "../../src/bytes/crc32c.ts?server";
import * as inPage from "../../src/bytes/crc32c.ts?page";
import * as onBigEndian from "../../src/bytes/crc32c.ts?bigEndian";
import * as forbidden from "../../src/bytes/crc32c.ts?forbidden";

const utf8 = new TextEncoder();

/** The definition, bit by bit: shares nothing with the tables or the folding. */
function reference(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Reproducible random numbers below `limit`; a failure's message names the seed. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  };
}

function randomBytes(length: number, random: (limit: number) => number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random(256));
}

const seed = Math.floor(Math.random() * 2 ** 32);

Deno.test("CRC32C has the published check values", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  // RFC 3720, B.4: an iSCSI SCSI Read (10) command.
  const read10 = new Uint8Array(48);
  read10.set([0x01, 0xc0]);
  read10.set([0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28], 16);
  read10.set([0x02], 40);
  const vectors: [string, Uint8Array, number][] = [
    ["empty", new Uint8Array(0), 0],
    ["123456789", utf8.encode("123456789"), 0xe3069283],
    ["32 bytes 00", new Uint8Array(32), 0x8a9136aa],
    ["32 bytes ff", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["32 bytes ascending", ascending, 0x46dd794e],
    ["32 bytes descending", ascending.toReversed(), 0x113fdb5c],
    ["iSCSI read", read10, 0xd9963a56],
    ["a", utf8.encode("a"), 0xc1d04330],
  ];
  for (const [name, bytes, expected] of vectors) {
    assertStrictEquals(crc32c(bytes), expected, name);
    assertStrictEquals(reference(bytes), expected, `${name}, by the reference`);
  }
});

/** Everything that must hold of every way there is to compute a CRC32C. */
function itIsRight(how: string, crc32c: (bytes: Uint8Array, previous?: number) => number): void {
  const seeded = `seed ${seed}, ${how}`;

  Deno.test(`CRC32C is right for every short length at every alignment (${how})`, () => {
    const random = randomNumbers(seed);
    const bytes = randomBytes(16 + 200, random);
    for (let offset = 0; offset < 16; offset++) {
      for (let length = 0; length <= 200; length++) {
        const view = bytes.subarray(offset, offset + length);
        assertStrictEquals(crc32c(view), reference(view), `${offset}+${length}, ${seeded}`);
      }
    }
  });

  Deno.test(`CRC32C is right where one method hands over to the next (${how})`, () => {
    const random = randomNumbers(seed);
    const bytes = randomBytes(16 + 200_000, random);
    // 65536: folding begins. 44416: one block of it; 21100: its remainder.
    const lengths = [4096, 21100, 44416, 65536, 65568, 21100 + 2 * 44416, 21100 + 3 * 44416];
    for (const boundary of lengths) {
      for (let delta = -9; delta <= 40; delta++) {
        const offset = random(16);
        const length = boundary + delta;
        const view = bytes.subarray(offset, offset + length);
        assertStrictEquals(crc32c(view), reference(view), `${offset}+${length}, ${seeded}`);
      }
    }
    for (let offset = 0; offset < 16; offset++) {
      const view = bytes.subarray(offset, offset + 150_001);
      assertStrictEquals(crc32c(view), reference(view), `${offset}+150001, ${seeded}`);
    }
  });

  Deno.test(`every single bit matters, in its place (${how})`, () => {
    const zeros = new Uint8Array(100_003);
    const random = randomNumbers(seed);
    const seen = new Set([crc32c(zeros)]);
    for (let i = 0; i < 100; i++) {
      const at = i < 50 ? Math.floor(i * zeros.length / 50) : random(zeros.length);
      const bit = 1 << random(8);
      zeros[at] = bit;
      const expected = reference(zeros.subarray(at), reference(zeros.subarray(0, at)));
      assertStrictEquals(crc32c(zeros), expected, `byte ${at}, bit ${bit}, ${seeded}`);
      seen.add(expected);
      zeros[at] = 0;
    }
    assert(seen.size > 90, `only ${seen.size} different values, ${seeded}`);
  });

  Deno.test(`CRC32C in parts is the CRC32C of the whole (${how})`, () => {
    const random = randomNumbers(seed);
    const bytes = randomBytes(500_000, random);
    const whole = reference(bytes);
    for (let round = 0; round < 20; round++) {
      const sizes: number[] = [];
      let crc = 0;
      for (let at = 0; at < bytes.length;) {
        const size = random([2, 40, 5_000, 300_000][random(4)]);
        sizes.push(size);
        crc = crc32c(bytes.subarray(at, at + size), crc);
        at += size;
      }
      assertStrictEquals(crc, whole, `${seeded}, sizes ${sizes.slice(0, 50)}`);
    }
  });

  Deno.test(`one call leaves nothing behind for the next, and never writes its input (${how})`, () => {
    const random = randomNumbers(seed);
    const first = randomBytes(131_071, random), second = randomBytes(90_001, random);
    const copy = first.slice();
    const before = crc32c(first);
    crc32c(second);
    assertStrictEquals(crc32c(first), before, seeded);
    assertStrictEquals(before, reference(first), seeded);
    assertEquals(first, copy);
  });

  Deno.test(`shared memory is read like any other (${how})`, () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(70_001));
    bytes.set(randomBytes(bytes.length, randomNumbers(seed)));
    assertStrictEquals(crc32c(bytes.subarray(1)), reference(bytes.subarray(1)));
  });

  Deno.test(`64 MiB and some bytes are right in one call (${how})`, () => {
    // The reference would take seconds: 64 times the same MiB, combined, takes none.
    const mebibyte = randomBytes(2 ** 20, randomNumbers(seed));
    const one = reference(mebibyte);
    const bytes = new Uint8Array(64 * 2 ** 20 + 5);
    let expected = 0;
    for (let i = 0; i < 64; i++) {
      bytes.set(mebibyte, i * 2 ** 20 + 1);
      expected = combineCrc32c(expected, one, 2 ** 20);
    }
    assertStrictEquals(crc32c(bytes.subarray(1, -4)), expected, seeded);
  });
}

/** Has `crc32c` choose its way of folding; returns how often it tried to compile WebAssembly. */
function firstUse(crc32c: (bytes: Uint8Array) => number, compilerWorks: boolean): number {
  const real = WebAssembly.Module;
  let attempts = 0;
  WebAssembly.Module = class extends real {
    constructor(bytes: BufferSource) {
      attempts++;
      if (!compilerWorks) throw new WebAssembly.CompileError("forbidden by the embedder");
      super(bytes);
    }
  };
  try {
    const zeros = new Uint8Array(100_000);
    assertStrictEquals(crc32c(zeros), reference(zeros));
  } finally {
    WebAssembly.Module = real;
  }
  return attempts;
}

Deno.test("on a server WebAssembly is compiled once, for the first long input only", () => {
  onServer.crc32c(new Uint8Array(65_535));
  assertStrictEquals(firstUse(onServer.crc32c, true), 1);
  assertStrictEquals(firstUse(onServer.crc32c, true), 0);
});

Deno.test("in a page WebAssembly is not even tried: its policy may forbid and report it", () => {
  Object.assign(globalThis, { document: {} });
  try {
    assertStrictEquals(firstUse(inPage.crc32c, true), 0);
  } finally {
    Reflect.deleteProperty(globalThis, "document");
  }
});

Deno.test("where WebAssembly is forbidden JavaScript takes over, without trying again", () => {
  assertStrictEquals(firstUse(forbidden.crc32c, false), 1);
  assertStrictEquals(firstUse(forbidden.crc32c, false), 0);
});

Deno.test("a big-endian machine gets the same CRC32C: its words are not used", () => {
  const { of } = Int32Array;
  Int32Array.of = () => Int32Array.from([1 << 24]); // what the bytes of 1 would be there
  try {
    assertStrictEquals(firstUse(onBigEndian.crc32c, true), 0);
  } finally {
    Int32Array.of = of;
  }
});

itIsRight("WebAssembly", onServer.crc32c);
itIsRight("JavaScript", inPage.crc32c);

Deno.test("combining needs only both CRCs and the second length", () => {
  const random = randomNumbers(seed);
  for (let round = 0; round < 300; round++) {
    const limit = [4, 100, 70_000][round % 3];
    const a = randomBytes(random(limit), random), b = randomBytes(random(limit), random);
    const joined = new Uint8Array([...a, ...b]);
    assertStrictEquals(
      combineCrc32c(crc32c(a), crc32c(b), b.length),
      reference(joined),
      `seed ${seed}, round ${round}, ${a.length} + ${b.length} bytes`,
    );
  }
});

Deno.test("combining is associative up to 2^53 - 1 bytes", () => {
  const random = randomNumbers(seed);
  const crc = () => random(2 ** 32);
  for (let round = 0; round < 100; round++) {
    const [a, b, c] = [crc(), crc(), crc()];
    const half = Number.MAX_SAFE_INTEGER / 2;
    const [n, m] = [random(half), random(half)];
    assertStrictEquals(
      combineCrc32c(combineCrc32c(a, b, n), c, m),
      combineCrc32c(a, combineCrc32c(b, c, m), n + m),
      `seed ${seed}, round ${round}, ${n} and ${m} bytes`,
    );
  }
  // The generator is (x + 1) times a primitive polynomial of degree 31, so x^(2^31 - 1) = 1: that
  // many bytes later everything is where it was.
  assertStrictEquals(combineCrc32c(0x12345678, 0, 2 ** 31 - 1), 0x12345678);
  assertStrictEquals(combineCrc32c(0x12345678, 0, (2 ** 31 - 1) * 2 ** 22), 0x12345678);
  combineCrc32c(1, 1, Number.MAX_SAFE_INTEGER);
});

Deno.test("combining with nothing changes nothing", () => {
  assertStrictEquals(combineCrc32c(0xe3069283, 0, 0), 0xe3069283);
  assertStrictEquals(combineCrc32c(0, 0xe3069283, 9), 0xe3069283);
});

Deno.test("a length that is not a whole number of bytes is refused", () => {
  for (const length of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => combineCrc32c(1, 2, length), RangeError, "secondLength");
  }
});

Deno.test("a CRC32C is written most significant byte first, in base64, as Google writes it", () => {
  assertStrictEquals(encodeCrc32c(0xe3069283), "4waSgw==");
  assertStrictEquals(encodeCrc32c(0), "AAAAAA==");
  assertStrictEquals(encodeCrc32c(0xffffffff), "/////w==");
  assertStrictEquals(encodeCrc32c(0x00000001), "AAAAAQ==");
});

Deno.test("what is written can be read", () => {
  const random = randomNumbers(seed);
  for (let round = 0; round < 500; round++) {
    const crc = random(2 ** 32);
    const text = encodeCrc32c(crc);
    assertMatch(text, /^.{6}==$/);
    assertStrictEquals(decodeCrc32c(text), crc, `seed ${seed}, round ${round}`);
  }
});

Deno.test("text that is not the base64 of four bytes is not a CRC32C", () => {
  const wrong = [
    "",
    "4waSgw",
    "4waSgw=",
    "4waSgw===",
    " 4waSgw==",
    "4waSgw==\n",
    "4waSg-==",
    "_waSgw==",
    "4waSgx==", // bits beyond the 32nd
    "AAAAAAA=", // five bytes
    "AAAA",
    "crc32c=4waSgw==",
    "e3069283",
    "4wa gw==",
  ];
  for (const text of wrong) assertStrictEquals(decodeCrc32c(text), undefined, JSON.stringify(text));
});
