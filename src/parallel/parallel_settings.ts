/** What callers hand in is checked here, before anything is sent. */

import type { UploadSource } from "../bytes/source.ts";
import { typeInWords } from "../errors.ts";
import type { Checksums } from "../protocol/hashes.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import type { RetryPolicy } from "../net/retry.ts";
import { defaultTransport, type Transport } from "../net/transport.ts";
import { DEFAULT_ENDPOINT } from "../protocol/upload_url.ts";
import type { ObjectLocation } from "../protocol/object_url.ts";
import { objectHeaders } from "../protocol/xml_multipart/object_headers.ts";
import { checkOptions, checkTransport, checkUpload } from "../upload/check_arguments.ts";
import { claimedChecksums } from "../upload/claimed_checksums.ts";
import { contentTypeOf } from "../upload/source_type.ts";
import { startOf } from "../upload/target.ts";
import { PARALLEL_NAMES, type ParallelOptions, type Via } from "./parallel_options.ts";

/** The least size of a part that is not the last one, in bytes. */
export const MIN_PART: Readonly<Record<Via, number>> = {
  multipart: 5 * 1024 * 1024,
  compose: 256 * 1024,
};

/** The largest size of a part, in bytes. */
export const LARGEST_PART: number = 5 * 1024 ** 3;

/** Enough for any line; more connections than this are a mistake. */
const MAX_CONCURRENCY = 256;

/** Where an upload goes and how, checked. */
export interface ParallelSetup {
  readonly location: ObjectLocation;
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

/** What the object is to be, besides its bytes. */
export function askedOf({ metadata, contentType }: ParallelSetup): ObjectMetadata {
  const { name: _, crc32c: __, ...fields } = metadata;
  return { ...fields, contentType };
}

/** Checks everything that is known at the call. */
export function setupOf(source: UploadSource, options: ParallelOptions): ParallelSetup {
  checkOptions(options, PARALLEL_NAMES, "uploadParallel");
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
    location: { endpoint: bareEndpoint(endpoint), bucket, name },
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

/** An endpoint without a slash at its end, which a URL has and a string need not have. */
export function bareEndpoint(endpoint: string | URL): string {
  return String(endpoint).replace(/\/+$/, "");
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
  if (Number.isSafeInteger(value) && value >= 1 && value <= MAX_CONCURRENCY) return value;
  throw new RangeError(
    `concurrency: expected a whole number from 1 to ${MAX_CONCURRENCY}, got ${typeInWords(value)}`,
  );
}

function checkPartSize(value: number | undefined, via: Via): number | undefined {
  const min = MIN_PART[via];
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && value >= min && value <= LARGEST_PART) return value;
  throw new RangeError(
    `partSize: expected a whole number of bytes from ${min} to ${LARGEST_PART}, got ${
      typeInWords(value)
    }`,
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
function withUserProject(baseHeaders: Headers, userProject: string | null): Headers {
  const headers = new Headers(baseHeaders);
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
