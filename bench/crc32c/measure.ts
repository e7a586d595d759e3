/**
 * Measures an implementation of CRC32C, in any runtime.
 *
 * @module
 */

import { bytewise } from "./bytewise.ts";

/** CRC32C of bytes, as an unsigned 32-bit number. */
export type Crc32c = (bytes: Uint8Array) => number;

/** Bytes of one call. */
export const SIZES: readonly number[] = [4 * 1024, 256 * 1024, 8 * 1024 ** 2];

/** The shortest time that is measured, in milliseconds; clocks in browsers and in workerd are coarse. */
const LEAST = 50;

/** How often it is measured; the best counts, because compilers replace code for a while. */
const TIMES = 4;

/** More calls than any implementation makes in this time. */
const MAX_CALLS = 2 ** 24;

/**
 * Bytes a second, one number for each of {@linkcode SIZES}; throws if what it computes is not CRC32C.
 *
 * What compilers make of a bytewise loop depends on which inputs come first, by up to a half. A few short ones, then the
 * long ones, and the short ones at last: so each implementation is about as fast as it ever is, in every runtime.
 */
export function measure(crc32c: Crc32c): number[] {
  expect(crc32c(new TextEncoder().encode("123456789")), 0xe3069283, 9); // a published value
  const [short, ...long] = SIZES;
  speed(crc32c, input(short));
  const speeds = long.map((size) => best(crc32c, size));
  return [best(crc32c, short), ...speeds];
}

function best(crc32c: Crc32c, size: number): number {
  const bytes = input(size);
  expect(crc32c(bytes), bytewise(bytes), size);
  return Math.round(Math.max(...Array.from({ length: TIMES }, () => speed(crc32c, bytes))));
}

function input(size: number): Uint8Array {
  return new Uint8Array(size).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
}

/** Makes twice as many calls each time, until they take long enough. */
function speed(crc32c: Crc32c, bytes: Uint8Array): number {
  for (let calls = 1; calls <= MAX_CALLS; calls *= 2) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) crc32c(bytes);
    const milliseconds = performance.now() - start;
    if (milliseconds >= LEAST) return bytes.length * calls / milliseconds * 1000;
  }
  throw new Error("The clock stands still while something is computed");
}

function expect(actual: number, expected: number, size: number): void {
  if (actual === expected) return;
  throw new Error(`The CRC32C of ${size} bytes is ${expected}, and not ${actual}`);
}
