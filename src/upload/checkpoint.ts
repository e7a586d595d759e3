/** Where an upload stands, as JSON that outlives the process. */

import { isIdentity, type TakenSource } from "../bytes/source.ts";
import { UploadError } from "../errors.ts";
import { checkStartUrl, isChecksumOption, isCount } from "./check_arguments.ts";
import { CRC32C } from "../protocol/hashes.ts";
import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range/ranges.ts";
import { isMediaType } from "../protocol/media_type.ts";
import type { ChecksumOption } from "../protocol/resource.ts";
import type { UploadProtocol } from "../protocol/upload_protocol.ts";

/**
 * Where an upload stands: plain JSON, to be stored and handed to {@linkcode ResumableUpload.resume} or to
 * `upload({ checkpoint })` later, in another process too.
 *
 * It holds the session URL, with which anyone can go on with the upload for a week: keep it as you keep a password. The
 * headers of the upload are not in it.
 */
export interface Checkpoint {
  /** The version of this form. */
  readonly version: 1;
  /** Where the upload was started. */
  readonly uploadUrl: string;
  /** The session; a secret. */
  readonly sessionUrl: string;
  /** The most bytes in each request; `Infinity` stands here as the largest multiple of 256 KiB that JSON holds exactly. */
  readonly chunkSize: number;
  /** The bytes that the server had confirmed. */
  readonly persisted: number;
  /** CRC32C of these bytes, base64; absent where it is not known. */
  readonly crc32c?: string;
  /** The size of the whole in bytes; absent while it is not known. */
  readonly totalBytes?: number;
  /** The `lastModified` of the file, in milliseconds; absent for other sources. */
  readonly lastModified?: number;
  /** What the source is known by, such as a file by its inode; absent where it does not say. */
  readonly identity?: string;
  /** The media type. */
  readonly contentType: string;
  /** Which checksum is compared at the end. */
  readonly checksum: ChecksumOption;
  /** The wire protocol of the session; absent for `content-range`. */
  readonly protocol?: UploadProtocol["name"];
  /** Requests that are not the last one carry a multiple of this many bytes; absent for 262144. */
  readonly granularity?: number;
}

/** What each field of a checkpoint must be, besides its version. */
export type FieldChecks<C> = {
  readonly [Field in Exclude<keyof C, "version">]-?: (value: unknown) => boolean;
};

const CHECKS: FieldChecks<Checkpoint> = {
  uploadUrl: isStartUrl,
  sessionUrl: isUrl,
  chunkSize: (value) => isCount(value) && value > 0 && value % UPLOAD_CHUNK_SIZE === 0,
  persisted: isCount,
  crc32c: (value) => value === undefined || typeof value === "string" && CRC32C.test(value),
  totalBytes: (value) => value === undefined || isCount(value),
  lastModified: (value) => value === undefined || Number.isFinite(value),
  identity: (value) => value === undefined || isIdentity(value),
  contentType: isMediaType,
  checksum: isChecksumOption,
  protocol: (value) =>
    value === undefined || value === "content-range" || value === "x-goog-upload",
  granularity: (value) => value === undefined || isCount(value) && value > 0,
};

/** Checks a value that came from storage; its values are not shown, since they hold a secret. */
export function checkCheckpoint(value: unknown): Checkpoint {
  const checkpoint = checkFields<Checkpoint>(value, CHECKS);
  const { totalBytes, persisted } = checkpoint;
  if (totalBytes !== undefined && persisted > totalBytes) {
    throw refused(`expected at most ${totalBytes} persisted bytes`, `${persisted}`);
  }
  return checkpoint;
}

/** Checks the form of a checkpoint, field by field. */
export function checkFields<C>(
  value: unknown,
  checks: Readonly<Record<string, (value: unknown) => boolean>>,
): C {
  const fields = value as Record<string, unknown> | null;
  if (typeof fields !== "object" || fields === null) {
    throw refused("expected an object", typeof value);
  }
  if (fields.version !== 1) {
    throw refused("expected version 1", `version ${JSON.stringify(fields.version)?.slice(0, 20)}`);
  }
  for (const name in checks) {
    if (!checks[name](fields[name])) {
      throw refused(`expected a valid "${name}"`, `${typeof fields[name]} that is not one`);
    }
  }
  return fields as C;
}

/** The wire protocol that the session of a checkpoint speaks. */
export function checkProtocol(
  { protocol = "content-range" }: Checkpoint,
  actual: UploadProtocol,
): void {
  if (protocol === actual.name) return;
  throw new TypeError(`protocol: expected that of the checkpoint, ${protocol}, got ${actual.name}`);
}

/** Compares what a source says of itself with what a checkpoint says; lets it go where they differ. */
export function checkSameSource(
  from: Pick<Checkpoint, "identity" | "lastModified" | "totalBytes">,
  source: Partial<TakenSource>,
): void {
  const compare = <V extends number | string>(what: string, before?: V, now?: V) => {
    if (before === undefined || now === undefined || before === now) return;
    const error = new UploadError(
      "source_changed",
      `Cannot resume: expected a source with ${what} ${before}, got one with ${now}`,
    );
    source.release?.(error);
    throw error;
  };
  compare("a size in bytes of", from.totalBytes, source.size);
  compare("lastModified", from.lastModified, source.lastModified);
  compare("the identity", from.identity, source.identity);
}

/** The error of a checkpoint that is none. */
export function refused(expected: string, actual: string): UploadError {
  return new UploadError(
    "invalid_checkpoint",
    `Cannot resume from the checkpoint: ${expected}, got ${actual}`,
  );
}

function isStartUrl(value: unknown): boolean {
  try {
    return typeof value === "string" && checkStartUrl(value, "uploadUrl", "resumable") === value;
  } catch {
    return false;
  }
}

function isUrl(value: unknown): boolean {
  return typeof value === "string" && URL.canParse(value) && /^https?:/i.test(value);
}
