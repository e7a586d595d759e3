/** A running MD5. */
export interface Md5 {
  /** Adds bytes. */
  update(bytes: Uint8Array): void;
  /** The 16 bytes of the digest of what was added so far; more can be added afterwards. */
  digest(): Uint8Array<ArrayBuffer>;
  /** An independent copy. */
  clone(): Md5;
}

/** Loads `@noble/hashes` and starts an MD5. */
export async function createMd5(): Promise<Md5> {
  const { md5 } = await import("@noble/hashes/legacy.js");
  const wrap = (hash: ReturnType<typeof md5.create>): Md5 => ({
    update: (bytes) => void hash.update(bytes),
    digest: () => new Uint8Array(hash.clone().digest()),
    clone: () => wrap(hash.clone()),
  });
  return wrap(md5.create());
}
