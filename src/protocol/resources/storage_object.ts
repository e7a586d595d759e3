/** Cloud Storage's object: what is asked of Google, and what Google answers. */

import { parseHashes } from "../hashes.ts";
import type { ReplyHead } from "../reply.ts";
import type { Resource, ResourceFacts } from "../resource.ts";
import { storageTargetOf } from "../upload_url.ts";

/**
 * An object resource, as Google returns it for a finished upload.
 *
 * `size`, `generation` and `metageneration` are decimal strings, since they do not fit a number. `size` is always there:
 * where a reply leaves it out, it is the number of bytes that were sent and that the server has called finished. Other
 * fields are absent when the server leaves them out, or when `fields=` on the URL does; an upload by a signed URL answers
 * with headers only, of which the fields they speak of are filled in.
 *
 * Source: {@link https://cloud.google.com/storage/docs/json_api/v1/objects#resource}
 */
export interface StorageObject {
  /** `storage#object`. */
  kind?: string | undefined;
  /** Bucket, name and generation in one string. */
  id?: string | undefined;
  /** The URL of this resource. */
  selfLink?: string | undefined;
  /** The URL of the object's bytes. */
  mediaLink?: string | undefined;
  /** The name of the object. */
  name?: string | undefined;
  /** The name of the bucket. */
  bucket?: string | undefined;
  /** The version of the object's bytes, a decimal string. */
  generation?: string | undefined;
  /** The version of the object's metadata, a decimal string. */
  metageneration?: string | undefined;
  /** The media type. */
  contentType?: string | undefined;
  /** `Cache-Control` of downloads. */
  cacheControl?: string | undefined;
  /** `Content-Disposition` of downloads. */
  contentDisposition?: string | undefined;
  /** `Content-Encoding` of the bytes as they are stored, such as `gzip`. */
  contentEncoding?: string | undefined;
  /** `Content-Language` of the bytes, such as `en`. */
  contentLanguage?: string | undefined;
  /** A time for lifecycle rules, RFC 3339. */
  customTime?: string | undefined;
  /** `STANDARD`, `NEARLINE`, `COLDLINE`, `ARCHIVE`. */
  storageClass?: string | undefined;
  /** The number of bytes, a decimal string. */
  size: string;
  /** MD5 of the bytes, base64. */
  md5Hash?: string | undefined;
  /** CRC32C of the bytes, four bytes in network order, base64. */
  crc32c?: string | undefined;
  /** An opaque tag of this version. */
  etag?: string | undefined;
  /** When the object was made, RFC 3339. */
  timeCreated?: string | undefined;
  /** When its metadata changed last, RFC 3339. */
  updated?: string | undefined;
  /** When its bytes were complete, RFC 3339. */
  timeFinalized?: string | undefined;
  /** Of how many objects it was composed; absent where it was not. */
  componentCount?: number | undefined;
  /** The Cloud KMS key that encrypts it. */
  kmsKeyName?: string | undefined;
  /** Whether an event-based hold is on it. */
  eventBasedHold?: boolean | undefined;
  /** Whether a temporary hold is on it. */
  temporaryHold?: boolean | undefined;
  /** Until when it cannot be deleted, RFC 3339. */
  retentionExpirationTime?: string | undefined;
  /** The user's own metadata. */
  metadata?: Record<string, string> | undefined;
  /** Any other field of the resource. */
  [field: string]: unknown;
}

/**
 * What a new object shall be: the fields of the object resource that can be written.
 *
 * Source: {@link https://cloud.google.com/storage/docs/json_api/v1/objects/insert#request-body}
 */
export interface ObjectMetadata {
  /** The name of the object, unless the URL has it. */
  readonly name?: string | undefined;
  /** The media type. */
  readonly contentType?: string | undefined;
  /** `Cache-Control` of downloads. */
  readonly cacheControl?: string | undefined;
  /** `Content-Disposition` of downloads. */
  readonly contentDisposition?: string | undefined;
  /** `Content-Encoding` of the bytes as they are stored, such as `gzip`. */
  readonly contentEncoding?: string | undefined;
  /** `Content-Language` of the bytes, such as `en`. */
  readonly contentLanguage?: string | undefined;
  /** A time for lifecycle rules, RFC 3339. */
  readonly customTime?: string | undefined;
  /** `STANDARD`, `NEARLINE`, `COLDLINE`, `ARCHIVE`; the default is the bucket's. */
  readonly storageClass?: string | undefined;
  /** Your own keys and values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** CRC32C that the bytes must have, base64; compared with what is read, and by Google with what is stored. */
  readonly crc32c?: string | undefined;
  /** MD5 that the bytes must have, base64; compared by Google, and with what is read where `checksum` is `md5`. */
  readonly md5Hash?: string | undefined;
  /** Whether an event-based hold is on the object. */
  readonly eventBasedHold?: boolean | undefined;
  /** Whether a temporary hold is on the object. */
  readonly temporaryHold?: boolean | undefined;
  /** Any other field of the resource, and any field of the resources of other APIs. */
  readonly [field: string]: unknown;
}

/** What tells an object from any other JSON: its kind, its size, or one of these fields as text. */
const PROVING_FIELDS = ["id", "name", "bucket", "generation", "md5Hash", "crc32c"] as const;

/**
 * Reads a finished object from a reply: the JSON body whatever its `Content-Type`, or, with an empty body, the headers
 * with which the XML API answers. `undefined` when it is neither: a success by itself proves nothing, it may come from
 * something in between.
 */
export function parseObject({ text, headers }: ReplyHead): StorageObject | undefined {
  if (text.trim() === "") return fromHeaders(headers);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is StorageObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  if (typeof fields.error === "object" && fields.error !== null) return false;
  const hasSize = fields.size !== undefined;
  if (hasSize && objectSize(fields.size) === undefined) return false;
  const known = PROVING_FIELDS.filter((name) => fields[name] !== undefined);
  const isProven = hasSize || known.length > 0 || fields.kind === "storage#object";
  return isProven && known.every((name) => typeof fields[name] === "string");
}

function fromHeaders(headers: Headers): StorageObject | undefined {
  const { crc32c, md5: md5Hash } = parseHashes(headers.get("x-goog-hash"));
  const fields = {
    generation: headers.get("x-goog-generation"),
    metageneration: headers.get("x-goog-metageneration"),
    size: headers.get("x-goog-stored-content-length"),
    md5Hash,
    crc32c,
    etag: headers.get("etag"),
  };
  const proven = fields.size ?? fields.generation ?? crc32c ?? md5Hash;
  if (proven == null) return undefined;
  if (fields.size !== null && objectSize(fields.size) === undefined) return undefined;
  const present = Object.entries(fields).filter(([, value]) => value != null);
  return Object.fromEntries(present) as unknown as StorageObject;
}

/** A size as an object reports it, in bytes; `undefined` when it is no whole number. */
export function objectSize(size: unknown): number | undefined {
  const isCount = typeof size === "number" || (typeof size === "string" && /^\d{1,16}$/.test(size));
  return isCount && Number.isSafeInteger(Number(size)) && Number(size) >= 0
    ? Number(size)
    : undefined;
}

function factsOf(object: StorageObject): ResourceFacts {
  return { size: objectSize(object.size), crc32c: object.crc32c, md5: object.md5Hash };
}

/**
 * Cloud Storage's object: the default for `bucket`, for start URLs of Cloud Storage and for signed URLs. Size, CRC32C and
 * MD5 are compared, and checksums travel with the upload.
 */
export const storageObject: Resource<StorageObject> = {
  read: parseObject,
  facts: factsOf,
  takesHash: true,
  reports: ["crc32c", "md5"],
  expected:
    "the object as JSON or in x-goog-* headers (which a bucket's CORS settings must expose to a browser)",
  complete(object, { size, startUrl }) {
    const { size: reported, bucket, name } = object;
    if (reported !== undefined && bucket !== undefined && name !== undefined) return object;
    const target = storageTargetOf(startUrl);
    const known = { size: String(size), bucket: target?.bucket, name: target?.name };
    const missing = Object.entries(known).filter(([field, value]) =>
      object[field] === undefined && value !== undefined
    );
    return { ...object, ...Object.fromEntries(missing) };
  },
  withChecksums: (metadata, { crc32c, md5 }) => ({
    ...(crc32c !== undefined && { crc32c }),
    ...(md5 !== undefined && { md5Hash: md5 }),
    ...metadata,
  }),
  lookup({ startUrl, metadata }) {
    const target = storageTargetOf(startUrl);
    const name = target?.name ?? metadata.name;
    if (!target || typeof name !== "string") return undefined;
    return `${target.base}${target.api}/b/${target.bucket}/o/${encodeURIComponent(name)}`;
  },
};
