/** What callers hand in is checked here, before anything is sent. */

import { typeInWords, UploadError } from "../errors.ts";
import { type RetryPolicy, retryPolicy } from "../net/retry.ts";
import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range/ranges.ts";
import { CHECKSUM_KINDS } from "../protocol/hashes.ts";
import { isMediaType } from "../protocol/media_type.ts";
import type { ChecksumOption, Resource } from "../protocol/resource.ts";
import { defaultResource } from "../protocol/resources/default.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import {
  isSessionUrl,
  signatureOf,
  type UploadType,
  uploadTypeOf,
} from "../protocol/upload_url.ts";
import { type CheckedHeaders, checkHeaders } from "./headers.ts";
import type { OneShotOptions, StartMethod } from "./upload_options.ts";

/** An absolute http or https URL without credentials, as a string. */
export function checkUrl(value: string | URL, name: string): string {
  const url = String(value);
  const parsed = parseUrl(url);
  if (!parsed || !/^\s*https?:/i.test(url)) {
    const got = parsed ? parsed.protocol : "something else";
    throw new TypeError(`${name}: expected an absolute http or https URL, got ${got}`);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new TypeError(
      `${name}: expected a URL without user name and password, got one with them`,
    );
  }
  return url;
}

function parseUrl(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** Where an upload is started, by a class that takes URLs of one type. */
export function checkStartUrl(
  value: string | URL,
  name: string,
  type?: UploadType,
  method?: StartMethod,
): string {
  const url = checkUrl(value, name);
  if (isSessionUrl(url)) {
    throw new TypeError(
      `${name}: expected where uploads are started, got a session URL (with upload_id); a session is taken up with ` +
        "the option `session`, by ResumableUpload.attach(), or from a checkpoint",
    );
  }
  const signature = signatureOf(url);
  if (signature && type === "media" && method === "PUT") return url; // a signed PUT carries the whole object
  const actual = uploadTypeOf(url);
  if (type !== undefined && actual !== undefined && actual !== type) {
    const got = signature
      ? "a signed URL, which starts a resumable one (or, with `method` PUT, takes media)"
      : actual;
    throw new TypeError(`${name}: expected a URL for uploadType ${type}, got ${got}`);
  }
  if (signature?.headers && !signature.headers.includes("x-goog-resumable")) {
    throw new TypeError(
      `${name}: expected a signed URL whose signed headers contain x-goog-resumable, which starts an upload, got one without`,
    );
  }
  return url;
}

/** A URL where sessions are started, if it says what is started there. */
export function checkResumable(type: string | undefined, what: string): void {
  if (type === undefined || type === "resumable") return;
  throw new TypeError(`url: expected uploadType resumable for ${what}, got ${type}`);
}

/** A media type that can stand in a header and in a multipart body. */
export function checkContentType(value: string): string {
  if (!isMediaType(value)) {
    throw new TypeError(
      `contentType: expected a media type such as "image/png", got ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/** An object resource. */
export function checkMetadata(value: ObjectMetadata): ObjectMetadata {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(
      `metadata: expected an object such as { name }, got ${typeInWords(value)}`,
    );
  }
  return value;
}

/** No option that nobody knows: it would be a wish that is dropped without a word. */
export function checkOptions(
  options: object,
  names: readonly string[],
  what: string,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `${what}: expected options as an object, got ${typeInWords(options)}`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!names.includes(name)) {
      // `contentType` for `contenttype`, `bucket` for `bucketName`, `onProgress` for `progress`.
      const [given, ...known] = [name, ...names].map((name) => name.toLowerCase());
      const near = names[known.findIndex((name) => name.includes(given) || given.includes(name))];
      const hint = near ? `; did you mean "${near}"?` : "";
      const all = [...names].sort().join(", ");
      throw new TypeError(`${what}: "${name}" is not an option${hint}; there are ${all}`);
    }
    checkUsedLater(name, value);
  }
}

/** What is used while the upload goes on, so that a mistake would show only then. */
function checkUsedLater(name: string, value: unknown): void {
  if (/^on[A-Z]/.test(name) && typeof value !== "function") {
    throw new TypeError(`${name}: expected a function, got ${typeof value}`);
  }
  if (name === "signal" && !(value as AbortSignal | null)?.addEventListener) {
    throw new TypeError(`signal: expected an AbortSignal, got ${typeof value}`);
  }
}

/** What the kinds of upload have in common, checked. */
export interface CheckedUpload<T> extends CheckedHeaders {
  readonly url: string;
  /** The method of the first request. */
  readonly method: StartMethod;
  readonly policy: RetryPolicy;
  readonly checksum: ChecksumOption;
  readonly resource: Resource<T>;
  /** Whether one request may be sent twice, as the caller says. */
  readonly repeatable: boolean;
}

/** Checks what the kinds of upload have in common; the URL has been checked, and may need more headers than the options have. */
export function checkUpload<T>(
  url: string,
  options: OneShotOptions<T>,
  baseHeaders: HeadersInit | undefined = options.headers,
): CheckedUpload<T> {
  const resource = checkResource(options.resource) ?? defaultResource<T>(url);
  resource.check?.(url);
  const checksum = checkChecksum(options.checksum);
  checkReported(checksum, resource);
  const { claimed, headers, startHeaders } = checkHeaders(baseHeaders, options.startHeaders);
  return {
    claimed,
    headers,
    startHeaders,
    url,
    method: checkMethod(options.method),
    policy: retryPolicy(options.retry),
    checksum,
    resource,
    repeatable: options.repeatable === true,
  };
}

/** How an upload is started. */
function checkMethod(method: StartMethod = "POST"): StartMethod {
  if (["POST", "PUT", "PATCH"].includes(method)) return method;
  throw new TypeError(`method: expected POST, PUT or PATCH, got ${JSON.stringify(method)}`);
}

function checkResource<T>(resource: Resource<T> | undefined): Resource<T> | undefined {
  if (resource === undefined || typeof resource?.read === "function") return resource;
  throw new TypeError(
    `resource: expected an object with read(), such as storageObject, got ${
      typeof resource === "function" ? "a function: is it to be called?" : typeof resource
    }`,
  );
}

/** Whether a value is one of the checksum options. */
export function isChecksumOption(value: unknown): value is ChecksumOption {
  return [null, "auto", ...CHECKSUM_KINDS].some((option) => option === value);
}

/** One of the checksum options; the default is `auto`. */
function checkChecksum(value: ChecksumOption | undefined): ChecksumOption {
  if (value === undefined) return "auto";
  if (!isChecksumOption(value)) {
    throw new TypeError(
      `checksum: expected "auto", "crc32c", "md5", "sha256" or null, got ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/** What is required must be something that the API reports: after the upload it would be too late. */
function checkReported<T>(checksum: ChecksumOption, { facts, reports }: Resource<T>): void {
  if (checksum === null || checksum === "auto") return;
  const reported = facts ? reports : []; // a resource without facts says nothing of the bytes
  if (!reported || reported.includes(checksum)) return;
  throw new TypeError(
    `checksum: expected one that the API reports (${
      reported.join(", ") || "none"
    }), "auto" or null, got "${checksum}"`,
  );
}

/** A function that can send requests. */
export function checkTransport(value: unknown): void {
  if (typeof value === "function") return;
  const hint = Object(value).fetch ? "; pass its `fetch`" : "";
  throw new TypeError(
    `transport: expected a function such as fetch, got ${typeInWords(value)}${hint}`,
  );
}

/** The largest size of a chunk that a checkpoint can carry: what `Infinity` stands for. */
const MAX_CHUNK_SIZE = Number.MAX_SAFE_INTEGER - Number.MAX_SAFE_INTEGER % UPLOAD_CHUNK_SIZE;

/** Whether a size of chunks stands for `Infinity`. */
export function isUnbounded(chunkSize: number): boolean {
  return chunkSize >= MAX_CHUNK_SIZE;
}

/** A size of chunks that Google accepts, in bytes. */
export function checkChunkSize(value: number): number {
  if (value === Infinity) return MAX_CHUNK_SIZE;
  if (!Number.isSafeInteger(value) || value <= 0 || value % UPLOAD_CHUNK_SIZE !== 0) {
    throw new RangeError(
      `chunkSize: expected a positive multiple of ${UPLOAD_CHUNK_SIZE} bytes, or Infinity, got ${
        typeInWords(value)
      }`,
    );
  }
  return value;
}

/** Metadata that the upload can carry: a signed URL belongs to the XML API, which takes none in the body. */
export function checkCarried(url: string, metadata: ObjectMetadata): void {
  if (!signatureOf(url)) return;
  const { pathname } = new URL(url);
  const isOwnName = metadata.name !== undefined &&
    decodeURIComponent(pathname).endsWith(`/${metadata.name}`);
  const allowed = isOwnName ? ["contentType", "name"] : ["contentType"];
  refuseMetadata(metadata, "a signed URL, which carries no metadata", allowed);
}

/** No fields but those that the request has another place for. */
export function refuseMetadata(
  metadata: ObjectMetadata,
  expected: string,
  allowed: readonly string[],
): void {
  const field = Object.keys(metadata).find((name) =>
    metadata[name] !== undefined && !allowed.includes(name)
  );
  if (field === undefined) return;
  throw new TypeError(`metadata.${field}: expected none with ${expected}, got some`);
}

/** A declared size in bytes, which must be that of the source where the source knows it. */
export function checkTotalBytes(declared: number | undefined, size: number | undefined): void {
  if (declared === undefined) return;
  if (!isCount(declared)) {
    throw new RangeError(
      `totalBytes: expected a whole number of bytes, got ${typeInWords(declared)}`,
    );
  }
  if (size !== undefined && size !== declared) {
    throw new RangeError(
      `totalBytes: expected the size of the source, ${size} bytes, got ${declared}`,
    );
  }
}

/** Whether it is a whole number of bytes, or of something else. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The error for a call at a moment when it cannot work. */
export function invalidState(message: string): UploadError {
  return new UploadError("invalid_state", message);
}
