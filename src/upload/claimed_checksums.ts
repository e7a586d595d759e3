/** Checksums that the caller claims, and those that are computed to compare with them. */

import { decodeCrc32c } from "../bytes/crc32c.ts";
import { UploadError } from "../errors.ts";
import { CHECKSUM_KINDS, type Checksums, MD5 } from "../protocol/hashes.ts";
import type { ChecksumOption, Resource } from "../protocol/resource.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";

/** The checksums that metadata and headers claim; those of both must agree. */
export function claimedChecksums(
  { claimed }: { readonly claimed: Checksums },
  { crc32c, md5Hash: md5 }: ObjectMetadata,
): Checksums {
  checkCrc32c(crc32c, "metadata.crc32c");
  if (md5 !== undefined && !(typeof md5 === "string" && MD5.test(md5))) {
    throw new TypeError("metadata.md5Hash: expected an MD5 in base64, got something else");
  }
  const other = firstDifference(claimed, { crc32c, md5 });
  if (other) {
    throw new TypeError(`x-goog-hash: expected the same ${other.kind} as in metadata, got another`);
  }
  return { crc32c: claimed.crc32c ?? crc32c, md5: claimed.md5 ?? md5 };
}

/** What the caller says that the whole has must be what was read, before anything is finished. */
export function compareClaims(claimed: Checksums, actual: Checksums): void {
  const other = firstDifference(claimed, actual);
  if (!other) return;
  const { kind, expected, got } = other;
  throw new UploadError(
    "source_changed",
    `Cannot finish the upload: expected a source with ${kind} ${expected}, as was given, got ${got}; nothing was finished`,
  );
}

/** A checksum that two places say, and say differently. */
export interface Difference {
  readonly kind: "crc32c" | "md5";
  readonly expected: string;
  readonly got: string;
}

/** The first checksum, of those that callers can claim, in which two places differ. */
export function firstDifference(claimed: Checksums, actual: Checksums): Difference | undefined {
  for (const kind of ["crc32c", "md5"] as const) {
    const [expected, got] = [claimed[kind], actual[kind]];
    if (expected !== undefined && got !== undefined && expected !== got) {
      return { kind, expected, got };
    }
  }
  return undefined;
}

/** What has to be computed: what is asked for, what the API reports, and what the caller claims. */
export function computedKind<T>(
  { checksum, resource }: { readonly checksum: ChecksumOption; readonly resource: Resource<T> },
  claimed: Checksums,
): "crc32c" | "md5" | "sha256" | null {
  if (checksum !== "auto") return checksum;
  return claimed.md5 !== undefined ? "md5" : resource.auto ?? "crc32c";
}

/** Checksums with those that are missing filled in. */
export function filled(sums: Checksums, more: Checksums): Checksums {
  const all: { -readonly [Kind in keyof Checksums]: Checksums[Kind] } = {};
  for (const kind of CHECKSUM_KINDS) {
    const value = sums[kind] ?? more[kind];
    if (value !== undefined) all[kind] = value;
  }
  return all;
}

/** A CRC32C as Google writes it. */
export function checkCrc32c(value: unknown, name: string): void {
  if (value === undefined) return;
  if (typeof value !== "string" || decodeCrc32c(value) === undefined) {
    throw new TypeError(`${name}: expected a CRC32C in base64, got something else`);
  }
}
