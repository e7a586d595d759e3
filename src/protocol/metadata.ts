/** The object resource: what is asked of Google, what Google answers, and whether the two agree. */

import { hasGenerationMatch } from "./upload_url.ts";

/**
 * An object resource, as Google returns it for a finished upload.
 *
 * `size`, `generation` and `metageneration` are decimal strings, since they do not fit a number. Fields are absent when
 * the server leaves them out, or when `fields=` on the URL does; an upload by a signed URL answers with headers only, of
 * which the fields they speak of are filled in.
 *
 * Source: {@link https://cloud.google.com/storage/docs/json_api/v1/objects#resource}
 */
export interface StorageObject {
  /** `storage#object`. */
  kind?: string;
  /** Bucket, name and generation in one string. */
  id?: string;
  /** The URL of this resource. */
  selfLink?: string;
  /** The URL of the object's bytes. */
  mediaLink?: string;
  /** The name of the object. */
  name?: string;
  /** The name of the bucket. */
  bucket?: string;
  /** The version of the object's bytes, a decimal string. */
  generation?: string;
  /** The version of the object's metadata, a decimal string. */
  metageneration?: string;
  /** The media type. */
  contentType?: string;
  /** `STANDARD`, `NEARLINE`, `COLDLINE`, `ARCHIVE`. */
  storageClass?: string;
  /** The number of bytes, a decimal string. */
  size?: string;
  /** MD5 of the bytes, base64. */
  md5Hash?: string;
  /** CRC32C of the bytes, four bytes in network order, base64. */
  crc32c?: string;
  /** An opaque tag of this version. */
  etag?: string;
  /** When the object was made, RFC 3339. */
  timeCreated?: string;
  /** When its metadata changed last, RFC 3339. */
  updated?: string;
  /** The user's own metadata. */
  metadata?: Record<string, string>;
  /** Any other field of the resource. */
  [field: string]: unknown;
}

/**
 * What a new object shall be: any field of the object resource that can be written (`name`, `contentType`,
 * `cacheControl`, `metadata`, `storageClass` and so on).
 *
 * Source: {@link https://cloud.google.com/storage/docs/json_api/v1/objects/insert#request-body}
 */
export type ObjectMetadata = Readonly<Record<string, unknown>>;

/** The checksums of a whole object, in base64; absent where unknown. */
export interface Checksums {
  readonly crc32c?: string;
  readonly md5?: string;
}

/** Which checksum an upload compares; `auto` compares CRC32C whenever the server reports one. */
export type ChecksumOption = "auto" | "crc32c" | "md5" | null;

/** Reads `crc32c=…,md5=…`, the form of `x-goog-hash` and `x-goog-running-hash`. */
export function parseHashes(header: string | null): Checksums {
  const found: { crc32c?: string; md5?: string } = {};
  for (const part of header?.split(",") ?? []) {
    const match = /^\s*(crc32c|md5)=([A-Za-z0-9+/]+={0,2})\s*$/.exec(part);
    if (match) found[match[1] as keyof Checksums] ??= match[2];
  }
  return found;
}

/** Writes `x-goog-hash`; `undefined` when there is nothing to write. */
export function formatHashes({ crc32c, md5 }: Checksums): string | undefined {
  const parts = [crc32c && `crc32c=${crc32c}`, md5 && `md5=${md5}`].filter(Boolean);
  return parts.length > 0 ? parts.join(",") : undefined;
}

/**
 * Reads a finished object from a reply: the JSON body whatever its `Content-Type`, or, with an empty body, the headers
 * with which the XML API answers. `undefined` when it is neither: an empty success by itself proves nothing, it may come
 * from something in between.
 */
export function parseObject(text: string, headers: Headers): StorageObject | undefined {
  if (text.trim() !== "") {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        return value as StorageObject;
      }
    } catch { /* not JSON: not an object */ }
    return undefined;
  }
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
  return proven == null
    ? undefined
    : Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

/** The size an object reports, in bytes; `undefined` when it reports none that is a whole number. */
export function objectSize(object: StorageObject): number | undefined {
  const size: unknown = object.size;
  const isCount = typeof size === "number" || (typeof size === "string" && /^\d{1,16}$/.test(size));
  return isCount && Number.isSafeInteger(Number(size)) && Number(size) >= 0
    ? Number(size)
    : undefined;
}

/** How a finished object differs from what was sent. */
export type ObjectProblem =
  /** Another size or checksum. */
  | { readonly kind: "differs"; readonly message: string }
  /** The checksum that was required is not reported. */
  | { readonly kind: "unreported"; readonly message: string };

/** Compares a finished object with what was sent; `undefined` when they agree. */
export function compareObject(
  object: StorageObject,
  sent: { readonly size: number; readonly checksums: Checksums },
  required: ChecksumOption,
): ObjectProblem | undefined {
  const size = objectSize(object);
  if (size !== undefined && size !== sent.size) {
    return {
      kind: "differs",
      message: `expected an object of ${sent.size} bytes, got one of ${size}`,
    };
  }
  const reported: Checksums = { crc32c: object.crc32c, md5: object.md5Hash };
  for (const kind of ["crc32c", "md5"] as const) {
    const expected = sent.checksums[kind], actual = reported[kind];
    if (actual !== undefined && typeof actual !== "string") {
      return {
        kind: "unreported",
        message: `expected the object's ${kind} as text, got ${typeof actual}`,
      };
    }
    if (expected !== undefined && actual !== undefined && expected !== actual) {
      return {
        kind: "differs",
        message: `expected ${kind} ${expected} (the bytes read), got ${actual} (the object)`,
      };
    }
    if (required === kind && actual === undefined) {
      return { kind: "unreported", message: `expected the object to report its ${kind}, got none` };
    }
  }
  return undefined;
}

/** Whether repeating a one-request upload is safe: a generation precondition makes the second one fail, not overwrite. */
export function isRepeatable(url: string, headers: Headers): boolean {
  return hasGenerationMatch(url) ||
    headers.has("x-goog-if-generation-match");
}
