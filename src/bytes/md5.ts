/**
 * MD5 (RFC 1321), which no web standard offers: the code is `@noble/hashes`, loaded only when someone
 * asks for MD5.
 *
 * @module
 */

/** A running MD5. */
export interface Md5 {
  /** Adds bytes. */
  update(bytes: Uint8Array): void;
  /** The 16 bytes of the digest of what was added so far; more can be added afterwards. */
  digest(): Uint8Array<ArrayBuffer>;
  /** An independent copy. */
  clone(): Md5;
}

/**
 * Loads `@noble/hashes` and starts an MD5.
 *
 * @throws {Error} when the module cannot be loaded; `cause` says why.
 */
export async function createMd5(): Promise<Md5> {
  const { md5 } = await load();
  return wrap(md5.create());
}

type Legacy = typeof import("@noble/hashes/legacy.js");

async function load(): Promise<Legacy> {
  try {
    // A literal, so that bundlers and JSR see the dependency.
    return await import("@noble/hashes/legacy.js");
  } catch (cause) {
    throw new Error(
      'Cannot compute MD5: the module "@noble/hashes/legacy.js" cannot be loaded; ' +
        'install or bundle "@noble/hashes", or use CRC32C',
      { cause },
    );
  }
}

function wrap(hash: ReturnType<Legacy["md5"]["create"]>): Md5 {
  return {
    update: (bytes) => void hash.update(bytes),
    // digest() ends a hash, so a copy is ended instead.
    digest: () => new Uint8Array(hash.clone().digest()),
    clone: () => wrap(hash.clone()),
  };
}
