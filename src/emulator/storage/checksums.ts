/**
 * The checksums that a client declares for an object.
 *
 * @module
 */

import type { Content } from "./content.ts";
import { invalid, type Refusal } from "../emulator_replies.ts";

/** Declared checksums, in base64 as sent. */
export interface DeclaredChecksums {
  readonly md5Hash?: string;
  readonly crc32c?: string;
}

/** Reads `X-Goog-Hash: crc32c=…,md5=…`. */
export function readHashHeader(header: string | null): DeclaredChecksums {
  const found: { md5Hash?: string; crc32c?: string } = {};
  for (const part of (header ?? "").split(",")) {
    const [, name, value] = /^([a-z0-9]+)=(.*)$/i.exec(part.trim()) ?? [];
    if (name?.toLowerCase() === "crc32c") found.crc32c = value;
    if (name?.toLowerCase() === "md5") found.md5Hash = value;
  }
  return found;
}

/** What is wrong with the form of declared checksums. */
export function malformedChecksum(declared: DeclaredChecksums): Refusal | null {
  const { md5Hash, crc32c } = declared;
  if (md5Hash !== undefined && base64Length(md5Hash) !== 16) {
    return invalid(
      `Provided value (${md5Hash}) is not a base64-encoded 128-bit MD5 hash.`,
      "invalid",
      "InvalidDigest",
    );
  }
  if (crc32c !== undefined && base64Length(crc32c) !== 4) {
    return invalid("Invalid argument.", "invalid", "InvalidDigest");
  }
  return null;
}

/** Compares declared checksums with content. An MD5 is not compared if none is computed. */
export function checkChecksums(declared: DeclaredChecksums, content: Content): Refusal | null {
  const malformed = malformedChecksum(declared);
  if (malformed) return malformed;
  const digest = content.md5();
  if (declared.md5Hash !== undefined && digest) {
    const md5 = base64(digest);
    if (declared.md5Hash !== md5) {
      return mismatch(
        `Provided MD5 hash "${declared.md5Hash}" doesn't match calculated MD5 hash "${md5}".`,
        "BadDigest",
        "MD5",
      );
    }
  }
  if (declared.crc32c !== undefined && declared.crc32c !== content.crc32c) {
    return mismatch(
      `Provided CRC32C "${declared.crc32c}" doesn't match calculated CRC32C "${content.crc32c}".`,
      "CrcMismatch",
      "CRC32C",
    );
  }
  return null;
}

function mismatch(message: string, xmlCode: string, what: string): Refusal {
  const xmlMessage = `The ${what} you specified did not match what we computed.`;
  return { ...invalid(message, "invalid", xmlCode), xmlMessage };
}

/** Bytes in base64. */
export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Bytes in lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The number of bytes that padded base64 stands for, or -1 if it is not base64. */
function base64Length(text: string): number {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return -1;
  return atob(text).length;
}
