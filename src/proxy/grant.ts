/** Who may upload what: what a ticket allows, and whether a request stays within it. */

import { isBucketName } from "../protocol/upload_url.ts";
import { badRequest, forbidden, quote, tooLarge } from "./http_error.ts";
import { checkChosenName, checkName, checkType, isOpenable, isTypePattern } from "./policy.ts";

/**
 * What somebody may upload.
 *
 * Without `name` and `prefix` nothing may be uploaded; with both, the name must be that one and have that prefix.
 */
export interface UploadGrant {
  /** Who it is, for the log and for hooks; never sent to Google. */
  subject?: string | undefined;
  /**
   * Where the bytes may go: the name of a backend, such as `gemini`. It is there only where the proxy has it.
   *
   * @default {"cloud-storage"}
   */
  backend?: string | undefined;
  /** The bucket; without it, the one the proxy is set up for. */
  bucket?: string | undefined;
  /** The exact name of the object. */
  name?: string | undefined;
  /** What the name must begin with; `""` allows any name. */
  prefix?: string | undefined;
  /** The most bytes an object may have. */
  maxBytes?: number | undefined;
  /** The fewest bytes an object may have. */
  minBytes?: number | undefined;
  /**
   * Whether the client must send a CRC32C or an MD5 of the object, so that Google refuses damaged bytes: with the metadata, or
   * in `X-Goog-Hash` with the request that finishes the upload. `uploadType=media`, which has no place for one, is refused.
   *
   * @default {false}
   */
  requireChecksum?: boolean | undefined;
  /**
   * The media types, such as `image/png` or `image/*`; without it, any. A kind does not cover what browsers run, such as
   * `image/svg+xml`: name that itself.
   */
  contentTypes?: readonly string[] | undefined;
  /**
   * What of the object's fields the client may set besides name, type and checksums: `cacheControl`, `contentDisposition`,
   * `contentEncoding`, `contentLanguage`, `customTime`, `metadata` (any key of custom metadata) or `metadata.KEY` (that one).
   *
   * @default {[]} or what the proxy's setting opens
   */
  fields?: readonly string[] | undefined;
  /**
   * Whether an object that exists may be overwritten.
   *
   * @default {false}
   */
  overwrite?: boolean | undefined;
  /** Fields of the object resource that the proxy sets and the client cannot. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
  /** What `onStart`, `onRequest` and `onFinish` get along with it: any JSON of at most 2 KiB. Clients do not see it. */
  payload?: unknown;
  /**
   * How long an upload that is started with it can go on, in seconds. The default is until a day after `expires`; the proxy's
   * own limit holds in any case.
   */
  sessionTtl?: number | undefined;
  /** When the grant itself ends, in seconds since 1970: the `exp` of a ticket. */
  expires?: number | undefined;
}

/** Limits for every upload, whatever a grant says. */
export interface UploadLimits {
  readonly bucket: string | undefined;
  /** All buckets there may be; `undefined` for the one above, and those that grants name. */
  readonly buckets?: readonly string[] | undefined;
  readonly maxBytes: number;
  readonly contentTypes: readonly string[] | undefined;
  /** Fields that clients may set, where a grant does not say. */
  readonly fields?: readonly string[] | undefined;
}

/** A grant that is none. The message names the field, and shows no value. */
export class GrantError extends TypeError {
  /** The name of the class, for logs. */
  override readonly name: string = "GrantError";
  /** The field. */
  readonly field: string;

  /** An error that says what is expected of a field. */
  constructor(field: string, expected: string) {
    super(`grant.${field}: expected ${expected}`);
    this.field = field;
  }
}

/** Whether a value can be the name of a backend. */
export function isBackendName(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9][a-z0-9-]{0,31}$/.test(value);
}

type Rule = readonly [isValid: (value: unknown) => boolean, expected: string];

const isText = (value: unknown): boolean => typeof value === "string";
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const listOf = (isItem: (value: unknown) => boolean) => (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 100 && value.every(isItem);

/** Whether a value is an object with fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isResource = (value: unknown): boolean => isRecord(value) && isRecord(value.metadata ?? {});

/** The most bytes of a payload as JSON, since it travels with each request of an upload. */
const MAX_PAYLOAD = 2048;

function isPayload(value: unknown): boolean {
  try {
    const json = JSON.stringify(value);
    return json !== undefined && new TextEncoder().encode(json).length <= MAX_PAYLOAD;
  } catch {
    return false;
  }
}

/** The most bytes of a subject, which travels as a payload does. */
const MAX_SUBJECT = 1024;

function isSubject(value: unknown): boolean {
  return typeof value === "string" && value !== "" &&
    new TextEncoder().encode(value).length <= MAX_SUBJECT;
}

/** What each field of a grant must be. */
const RULES: Readonly<Record<keyof UploadGrant, Rule>> = {
  subject: [isSubject, `a text that is not empty, of at most ${MAX_SUBJECT} bytes`],
  backend: [isBackendName, "the name of a backend"],
  bucket: [isBucketName, "the name of a bucket"],
  name: [isText, "a text"],
  prefix: [isText, "a text"],
  maxBytes: [isCount, "a whole number of bytes"],
  minBytes: [isCount, "a whole number of bytes"],
  requireChecksum: [(value) => typeof value === "boolean", "true or false"],
  contentTypes: [listOf(isTypePattern), "a list of media types such as image/png or image/*"],
  fields: [
    listOf(isOpenable),
    "a list of fields such as cacheControl, metadata or metadata.author",
  ],
  overwrite: [(value) => typeof value === "boolean", "true or false"],
  metadata: [isResource, "an object, with custom metadata as an object"],
  payload: [isPayload, `JSON of at most ${MAX_PAYLOAD} bytes`],
  sessionTtl: [(value) => isCount(value) && value !== 0, "a whole number of seconds"],
  expires: [isCount, "a whole number of seconds since 1970"],
};

/**
 * Reads a grant, wherever it comes from: a field that is not known, or not what it should be, is an error, since passing it
 * over would drop a limit without a word. Fields that are `undefined` or missing are the same; those of a class or of another
 * object that this one is made from count as its own.
 *
 * @throws {GrantError}
 */
export function readGrant(value: unknown): UploadGrant {
  if (!isRecord(value)) throw new TypeError("grant: expected an object");
  const grant: Record<string, unknown> = {};
  const unknown = Object.keys(value).find((field) => !Object.hasOwn(RULES, field));
  if (unknown !== undefined) {
    throw new GrantError(
      quote(unknown),
      `no such field; there are ${Object.keys(RULES).join(", ")}`,
    );
  }
  for (const [field, [isValid, expected]] of Object.entries(RULES)) {
    const found = value[field];
    if (found === undefined) continue;
    if (!isValid(found)) throw new GrantError(field, expected);
    grant[field] = found;
  }
  return grant;
}

/** The object that a request asks for. */
export interface RequestedObject {
  readonly bucket: string;
  readonly name: string;
  readonly contentType: string;
  /** In bytes, when it is declared. */
  readonly size: number | undefined;
}

/** Refuses what a grant and the limits do not cover; returns the most bytes the object may have. */
export function checkGrant(
  grant: UploadGrant,
  limits: UploadLimits,
  requested: RequestedObject,
): number {
  const bucket = grant.bucket ?? limits.bucket;
  if (bucket === undefined || requested.bucket !== bucket || !isAllowedBucket(limits, bucket)) {
    throw forbidden(`The ticket does not cover the bucket ${quote(requested.bucket)}`);
  }
  return checkFile(grant, limits, requested);
}

/** The same without the bucket. */
export function checkFile(
  grant: UploadGrant,
  limits: UploadLimits,
  requested: Omit<RequestedObject, "bucket">,
): number {
  const { name, prefix } = grant;
  const named = (name !== undefined || prefix !== undefined) &&
    (name === undefined || requested.name === name) &&
    (prefix === undefined || requested.name.startsWith(prefix));
  if (!named) throw forbidden(`The ticket does not cover the object name ${quote(requested.name)}`);
  checkName(requested.name);
  if (name === undefined) checkChosenName(requested.name);
  checkType(requested.contentType, grant.contentTypes);
  checkType(requested.contentType, limits.contentTypes);
  const { minBytes = 0 } = grant;
  if (requested.size !== undefined && requested.size < minBytes) {
    throw badRequest(`At least ${minBytes} bytes are expected, got ${requested.size}`);
  }
  const maxBytes = Math.min(grant.maxBytes ?? Infinity, limits.maxBytes);
  if (requested.size !== undefined && requested.size > maxBytes) {
    throw tooLarge(`At most ${maxBytes} bytes are allowed, got ${requested.size}`);
  }
  return maxBytes;
}

/** Whether uploads to a bucket may be started, and go on. */
export function isAllowedBucket({ buckets }: UploadLimits, bucket: string): boolean {
  return buckets === undefined || buckets.includes(bucket);
}
