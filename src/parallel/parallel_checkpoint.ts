/** Where a parallel upload stands, as JSON that outlives the process. */

import { isIdentity } from "../bytes/source.ts";
import { CRC32C } from "../protocol/hashes.ts";
import { isMediaType } from "../protocol/media_type.ts";
import { isCount } from "../upload/check_arguments.ts";
import { checkFields, type FieldChecks, refused } from "../upload/checkpoint.ts";
import type { Via } from "./parallel_options.ts";
import { LARGEST_PART, MIN_PART } from "./parallel_settings.ts";

/** A part that the server has confirmed. */
export interface StoredPart {
  /** From 1 on, in the order of the source. */
  readonly number: number;
  /** In bytes. */
  readonly size: number;
  /** CRC32C of its bytes, base64: with `checksum: null` as the server reports it, absent where it does not. */
  readonly crc32c?: string;
  /** What the server calls it: the ETag of a part, the generation of a temporary object. */
  readonly tag: string;
}

/**
 * Where a parallel upload stands: plain JSON, to be stored and handed to {@linkcode uploadParallel} or to
 * {@linkcode cancelParallelUpload} later, in another process too. The headers and the metadata of the upload are not in it.
 */
export interface ParallelCheckpoint {
  /** The version of this form. */
  readonly version: 1;
  /** How parts become one object. */
  readonly via: Via;
  /** The origin of the API. */
  readonly endpoint: string;
  /** The bucket. */
  readonly bucket: string;
  /** The name of the object. */
  readonly name: string;
  /** The ID of the XML multipart upload, or what the names of the temporary objects begin with. */
  readonly uploadId: string;
  /** The size of the parts in bytes, of the first thousand where the size of the whole was not known. */
  readonly partSize: number;
  /** Whether the size of the whole was known at the start; else parts grow. */
  readonly sized: boolean;
  /** The size of the whole in bytes; absent while it is not known. */
  readonly totalBytes?: number;
  /** The `lastModified` of the file, in milliseconds; absent for other sources. */
  readonly lastModified?: number;
  /** What the source is known by, such as a file by its inode; absent where it does not say. */
  readonly identity?: string;
  /** The media type. */
  readonly contentType: string;
  /** The parts that are stored, in ascending order. */
  readonly parts: readonly StoredPart[];
}

const CHECKS: FieldChecks<ParallelCheckpoint> = {
  via: (value) => value === "multipart" || value === "compose",
  endpoint: (value) => typeof value === "string" && /^https?:/i.test(value) && URL.canParse(value),
  bucket: isText,
  name: isText,
  uploadId: isText,
  partSize: (value) => isCount(value) && value > 0 && value <= LARGEST_PART,
  sized: (value) => typeof value === "boolean",
  totalBytes: (value) => value === undefined || isCount(value),
  lastModified: (value) => value === undefined || Number.isFinite(value),
  identity: (value) => value === undefined || isIdentity(value),
  contentType: isMediaType,
  parts: (value) => Array.isArray(value) && value.every(isPart) && isAscending(value),
};

/** Checks a value that came from storage; its values are not shown. */
export function checkParallelCheckpoint(value: unknown): ParallelCheckpoint {
  const checkpoint = checkFields<ParallelCheckpoint>(value, CHECKS);
  // What is below this name is deleted: it must be one that was made for the upload.
  const isOurs = checkpoint.via !== "compose" || /.[0-9a-f]{32}\/$/s.test(checkpoint.uploadId);
  if (checkpoint.partSize < MIN_PART[checkpoint.via]) {
    throw refused('expected a valid "partSize"', `${checkpoint.partSize}`);
  }
  if (!isOurs) throw refused('expected a valid "uploadId"', "one that no upload has made");
  return checkpoint;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isPart(value: unknown): value is StoredPart {
  const { number, size, crc32c, tag } = (value ?? {}) as Record<string, unknown>;
  return isCount(number) && number > 0 && isCount(size) && isText(tag) &&
    (crc32c === undefined || (typeof crc32c === "string" && CRC32C.test(crc32c)));
}

function isAscending(parts: readonly StoredPart[]): boolean {
  return parts.every(({ number }, i) => i === 0 || number > parts[i - 1].number);
}
