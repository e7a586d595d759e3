/**
 * SHA-256 of bytes that come piece by piece, which no web standard offers: the code is `@noble/hashes`, loaded only when
 * someone asks for it.
 *
 * @module
 */

import { loaded, type RunningHash, wrapHash } from "./running_hash.ts";

/**
 * Loads `@noble/hashes` and starts a SHA-256.
 *
 * @throws {Error} when the module cannot be loaded; `cause` says why.
 */
export async function createSha256(): Promise<RunningHash> {
  // A literal, so that bundlers and JSR see the dependency.
  const name = "@noble/hashes/sha2.js";
  const { sha256 } = await loaded("SHA-256", name, () => import("@noble/hashes/sha2.js"));
  return wrapHash(sha256.create());
}
