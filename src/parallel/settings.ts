/** Options of a parallel upload, checked. */

import type { UploadSource } from "../bytes/source.ts";
import type { Checksums } from "../protocol/hashes.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import type { RetryPolicy } from "../net/retry.ts";
import { defaultTransport, type Transport } from "../net/transport.ts";
import { DEFAULT_ENDPOINT } from "../protocol/upload_url.ts";
import type { ObjectPlace } from "../protocol/object_url.ts";
import { objectHeaders } from "../protocol/xml_multipart/object_headers.ts";
import { checkOptions, checkTransport, checkUpload } from "../upload/checks.ts";
import { claimedChecksums } from "../upload/claims.ts";
import type { StreamSettings } from "../upload/settings.ts";
import { contentTypeOf } from "../upload/source_type.ts";
import { type BucketTarget, startOf } from "../upload/target.ts";
import type { ParallelCheckpoint } from "./checkpoint.ts";

/** How parts become one object; see {@linkcode ParallelSettings.via}. */
export type Via = "multipart" | "compose";

/** How a parallel upload is made: options of {@linkcode uploadParallel}. */
export interface ParallelSettings extends
  Pick<
    StreamSettings,
    | "contentType"
    | "headers"
    | "metadata"
    | "onProgress"
    | "retry"
    | "signal"
    | "totalBytes"
    | "transport"
  > {
  /**
   * How many parts are on their way at the same time, each on a connection of its own.
   *
   * @default {4}
   */
  concurrency?: number | undefined;
  /**
   * The size of a part in bytes: 5 MiB to 5 GiB in an XML multipart upload, at least 256 KiB with `via: "compose"`. A part
   * that fails is sent again as a whole.
   *
   * By default 32 MiB of a source that can be read anywhere, which is read while it is sent; 8 MiB of one that is read once
   * (a stream, an iterable), and where the platform cannot stream. Parts grow as far as it takes to need no more than 10,000
   * of them.
   */
  partSize?: number | undefined;
  /**
   * How parts become one object. `multipart` is an XML multipart upload. `compose` uploads temporary objects and composes them:
   * what preconditions need, and metadata that headers cannot carry; it takes the permission to delete objects.
   *
   * @default {"multipart"}, or {"compose"} with `ifGenerationMatch`
   */
  via?: Via | undefined;
  /**
   * What the names of temporary objects begin with. A lifecycle rule for it removes what a process that died has left.
   *
   * @default {"resumable-media-tmp/"}
   */
  temporaryPrefix?: string | undefined;
  /**
   * Store only if this is the object's live generation; `0` means that there must be none. Parts are composed then: an XML
   * multipart upload has no preconditions.
   */
  ifGenerationMatch?: number | string | undefined;
  /**
   * Which checksum is compared: `auto` compares the CRC32C of each part and of the whole where the server reports it, `crc32c`
   * requires that of the whole, `null` computes none. Objects made of parts have no MD5.
   *
   * @default {"auto"}
   */
  checksum?: "auto" | "crc32c" | null | undefined;
  /**
   * Called with a new checkpoint when the upload is open and whenever parts were confirmed; the next part waits for it. With it
   * an upload that fails is kept, so that the checkpoint can go on with it; without it nothing is left behind. An upload of one
   * part has no checkpoints.
   */
  onCheckpoint?: ((checkpoint: ParallelCheckpoint) => void | Promise<void>) | undefined;
  /**
   * Goes on with the upload that this checkpoint speaks of, which was interrupted, maybe in another process. `bucket`, `name` and
   * whatever else was said at the start must be the same.
   */
  checkpoint?: ParallelCheckpoint | undefined;
  /**
   * Whether the parts that a checkpoint says are stored are read again from the source and compared. `false` trusts a source
   * that can be read anywhere; others are read in any case.
   *
   * @default {true}
   */
  verifyPrefix?: boolean | undefined;
}

/** Options of {@linkcode uploadParallel}: where to, and how. */
export type ParallelOptions = ParallelSettings & BucketTarget;

const NAMES: readonly string[] = [
  "bucket",
  "checkpoint",
  "checksum",
  "concurrency",
  "contentType",
  "endpoint",
  "headers",
  "ifGenerationMatch",
  "metadata",
  "name",
  "onCheckpoint",
  "onProgress",
  "partSize",
  "query",
  "retry",
  "signal",
  "temporaryPrefix",
  "totalBytes",
  "transport",
  "verifyPrefix",
  "via",
];

/** The least size of a part that is not the last one, in bytes. */
export const LEAST_PART: Readonly<Record<Via, number>> = {
  multipart: 5 * 1024 * 1024,
  compose: 256 * 1024,
};

/** The largest size of a part, in bytes. */
export const LARGEST_PART: number = 5 * 1024 ** 3;

/** Enough for any line; more connections than this are a mistake. */
const MOST_CONCURRENCY = 256;

/** Where an upload goes and how, checked. */
export interface ParallelSetup {
  readonly place: ObjectPlace;
  readonly via: Via;
  readonly contentType: string;
  readonly metadata: ObjectMetadata;
  /** Headers of the object, for an XML multipart upload. */
  readonly objectHeaders: Headers;
  /** The caller's headers, for every request: each one needs credentials. */
  readonly headers: Headers;
  /** Parameters of the request that makes the object, where parts are composed. */
  readonly composeQuery: Readonly<Record<string, string>>;
  readonly temporaryPrefix: string;
  readonly claimed: Checksums;
  readonly checksum: "auto" | "crc32c" | null;
  readonly policy: RetryPolicy;
  readonly transport: Transport;
  readonly concurrency: number;
  /** As the caller wants it. */
  readonly partSize: number | undefined;
}

/** Checks everything that is known at the call. */
export function setupOf(source: UploadSource, options: ParallelOptions): ParallelSetup {
  checkOptions(options, NAMES, "uploadParallel");
  const { bucket, name, endpoint = DEFAULT_ENDPOINT, transport = defaultTransport } = options;
  checkTransport(transport);
  const checksum = checkChecksum(options.checksum);
  const via = checkVia(options);
  const start = startOf(options, options);
  const upload = checkUpload<unknown>(start.url, {
    headers: options.headers,
    retry: options.retry,
    checksum,
  });
  const claimed = claimedChecksums(upload, start.metadata);
  if (claimed.md5 !== undefined) {
    throw new TypeError("md5: expected none, since objects made of parts have no MD5, got one");
  }
  const query = new URL(start.url).searchParams;
  query.delete("name");
  const metadata = withEncoding(start.metadata, query);
  return {
    place: { endpoint: String(endpoint), bucket, name },
    via,
    contentType: contentTypeOf(source, options),
    metadata,
    objectHeaders: via === "multipart" ? multipartHeaders(metadata, query) : new Headers(),
    headers: withUserProject(upload.startHeaders, query.get("userProject")),
    composeQuery: via === "compose" ? composeQuery(query) : {},
    temporaryPrefix: checkPrefix(options.temporaryPrefix),
    claimed,
    checksum,
    policy: upload.policy,
    transport,
    concurrency: checkConcurrency(options.concurrency),
    partSize: checkPartSize(options.partSize, via),
  };
}

function checkVia({ via, ifGenerationMatch, query }: ParallelOptions): Via {
  if (via !== undefined && via !== "multipart" && via !== "compose") {
    throw new TypeError(`via: expected "multipart" or "compose", got ${JSON.stringify(via)}`);
  }
  const isConditional = ifGenerationMatch !== undefined ||
    Object.entries(query ?? {}).some(([name, value]) => /^if/.test(name) && value !== undefined);
  if (isConditional && via === "multipart") {
    throw new TypeError(
      'via: expected "compose" with a precondition, which XML multipart uploads do not have, got "multipart"',
    );
  }
  return via ?? (isConditional ? "compose" : "multipart");
}

function checkChecksum(value: unknown): "auto" | "crc32c" | null {
  if (value === undefined) return "auto";
  if (value === "auto" || value === "crc32c" || value === null) return value;
  throw new TypeError(
    `checksum: expected "auto", "crc32c" or null, which objects made of parts have, got ${
      JSON.stringify(value)
    }`,
  );
}

function checkConcurrency(value = 4): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= MOST_CONCURRENCY) return value;
  throw new RangeError(
    `concurrency: expected a whole number from 1 to ${MOST_CONCURRENCY}, got ${value}`,
  );
}

function checkPartSize(value: number | undefined, via: Via): number | undefined {
  const least = LEAST_PART[via];
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && value >= least && value <= LARGEST_PART) return value;
  throw new RangeError(
    `partSize: expected a whole number of bytes from ${least} to ${LARGEST_PART}, got ${value}`,
  );
}

/** Long enough names for temporary objects must be left: a prefix of 500 bytes leaves them. */
function checkPrefix(value: unknown = "resumable-media-tmp/"): string {
  const isText = typeof value === "string" && value !== "" && !/[\r\n\p{Surrogate}]/u.test(value);
  if (isText && new TextEncoder().encode(value).length <= 500) return value;
  throw new RangeError(
    `temporaryPrefix: expected a text of 1 to 500 bytes without line breaks, got ${
      JSON.stringify(value)?.slice(0, 100)
    }`,
  );
}

/** What the query of a start in the JSON API is in the XML API. */
function multipartHeaders(metadata: ObjectMetadata, query: URLSearchParams): Headers {
  const headers = objectHeaders(metadata);
  for (const [name, value] of query) {
    if (name === "kmsKeyName") headers.set("x-goog-encryption-kms-key-name", value);
    else if (name === "predefinedAcl") headers.set("x-goog-acl", XML_ACLS[value] ?? value);
    else if (!CARRIED.includes(name)) throw notInQuery(name, "an XML multipart upload");
  }
  return headers;
}

const XML_ACLS: Readonly<Record<string, string>> = {
  authenticatedRead: "authenticated-read",
  bucketOwnerFullControl: "bucket-owner-full-control",
  bucketOwnerRead: "bucket-owner-read",
  projectPrivate: "project-private",
  publicRead: "public-read",
};

/** What the query of a start is when an object is composed. */
function composeQuery(query: URLSearchParams): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of query) {
    if (name === "predefinedAcl") found.destinationPredefinedAcl = value;
    else if (COMPOSE_QUERY.includes(name)) found[name] = value;
    else if (!CARRIED.includes(name)) throw notInQuery(name, "composing");
  }
  return found;
}

const COMPOSE_QUERY = ["ifGenerationMatch", "ifMetagenerationMatch", "kmsKeyName"];

/** Parameters that go another way: as metadata, and in a header of every request. */
const CARRIED = ["contentEncoding", "userProject"];

/** The project that is billed, where both APIs take it. */
function withUserProject(given: Headers, userProject: string | null): Headers {
  const headers = new Headers(given);
  if (userProject !== null) headers.set("x-goog-user-project", userProject);
  return headers;
}

/** The metadata with what the query says of the bytes. */
function withEncoding(metadata: ObjectMetadata, query: URLSearchParams): ObjectMetadata {
  const contentEncoding = query.get("contentEncoding");
  return contentEncoding === null ? metadata : { ...metadata, contentEncoding };
}

function notInQuery(name: string, what: string): TypeError {
  return new TypeError(`query.${name}: expected none, since ${what} has no such parameter`);
}
