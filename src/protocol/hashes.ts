/** Checksums as headers carry them: `crc32c=…,md5=…`. */

/** The checksums of a whole object, in base64; absent where unknown. */
export interface Checksums {
  /** CRC32C, four bytes in network order. */
  readonly crc32c?: string | undefined;
  /** MD5. */
  readonly md5?: string | undefined;
  /** SHA-256. */
  readonly sha256?: string | undefined;
}

/** The kinds of checksums. */
export const CHECKSUM_KINDS: readonly (keyof Checksums)[] = ["crc32c", "md5", "sha256"];

/** A CRC32C in base64. */
export const CRC32C: RegExp = /^[A-Za-z0-9+/]{6}==$/;

/** An MD5 in base64. */
export const MD5: RegExp = /^[A-Za-z0-9+/]{22}==$/;

/** Reads the form of `x-goog-hash` and `x-goog-running-hash`. */
export function parseHashes(header: string | null): Checksums {
  const found: { crc32c?: string; md5?: string } = {};
  for (const part of header?.split(",") ?? []) {
    const match = /^\s*(crc32c|md5)=([A-Za-z0-9+/]+={0,2})\s*$/.exec(part);
    if (match) found[match[1] as "crc32c" | "md5"] ??= match[2];
  }
  return found;
}

/** Writes `x-goog-hash`; `undefined` when there is nothing to write. */
export function formatHashes({ crc32c, md5 }: Checksums): string | undefined {
  const parts = [crc32c && `crc32c=${crc32c}`, md5 && `md5=${md5}`].filter(Boolean);
  return parts.length > 0 ? parts.join(",") : undefined;
}
