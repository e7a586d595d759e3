/**
 * MD5 (RFC 1321), which no web standard offers: the code is `@noble/hashes`, loaded only when someone
 * asks for MD5.
 *
 * @module
 */

import { loaded, type RunningHash, wrapHash } from "./running_hash.ts";

/** A running MD5. */
export type Md5 = RunningHash;

/**
 * Loads `@noble/hashes` and starts an MD5.
 *
 * @throws {Error} when the module cannot be loaded; `cause` says why.
 */
export async function createMd5(): Promise<Md5> {
  // A literal, so that bundlers and JSR see the dependency.
  const name = "@noble/hashes/legacy.js";
  const { md5 } = await loaded("MD5", name, () => import("@noble/hashes/legacy.js"));
  return wrapHash(md5.create());
}
