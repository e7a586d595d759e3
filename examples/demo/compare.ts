/**
 * Compares what is stored with the file, without any help of the library: other code reads, hashes and compares.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { EmulatedObject } from "@resumable-media/upload/emulator";

/** How the file and the object compare. */
export interface Comparison {
  /** Whether they are the same. */
  readonly same: boolean;
  /** How that is known. */
  readonly how: string;
  /** MD5 of the file, base64. */
  readonly md5: string;
}

/** Reads the file once more, from its first byte to its last. */
export async function compare(path: string, object: EmulatedObject): Promise<Comparison> {
  const md5 = createHash("md5");
  const stored = object.bytes;
  let length = 0;
  let same = true;
  using file = await Deno.open(path);
  const buffer = new Uint8Array(1024 * 1024);
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    const piece = buffer.subarray(0, count);
    md5.update(piece);
    if (stored) same &&= Buffer.compare(piece, stored.subarray(length, length + count)) === 0;
    length += count;
  }
  const digest = md5.digest("base64");
  same &&= length === object.size;
  if (!stored) {
    const how = "size and MD5 (node:crypto for the file, the emulator for what it was sent)";
    return { same: same && digest === object.md5Hash, how, md5: digest };
  }
  const storedMd5 = createHash("md5").update(stored).digest("base64");
  const how = "byte by byte, and by MD5 (node:crypto for both)";
  return { same: same && digest === storedMd5, how, md5: digest };
}
