/** Hashes that are computed piece by piece, around those of `@noble/hashes`. */

/** A running hash. */
export interface RunningHash {
  /** Adds bytes. */
  update(bytes: Uint8Array): void;
  /** The digest of what was added so far; more can be added afterwards. */
  digest(): Uint8Array<ArrayBuffer>;
  /** An independent copy. */
  clone(): RunningHash;
}

/** What `@noble/hashes` makes. */
interface NobleHash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
  clone(): NobleHash;
}

/** The hash that this library works with. */
export function wrapHash(hash: NobleHash): RunningHash {
  return {
    update: (bytes) => void hash.update(bytes),
    // digest() ends a hash, so a copy is ended instead.
    digest: () => new Uint8Array(hash.clone().digest()),
    clone: () => wrapHash(hash.clone()),
  };
}

/** A module that is loaded when it is needed, or an error that says what to do. */
export async function loaded<T>(
  what: string,
  name: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new Error(
      `Cannot compute ${what}: the module "${name}" cannot be loaded; ` +
        'install or bundle "@noble/hashes", or use CRC32C',
      { cause },
    );
  }
}
