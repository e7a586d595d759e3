/** Where an upload goes: the options that say so, and the start URL that they mean. */

import { typeInWords } from "../errors.ts";
import {
  DEFAULT_ENDPOINT,
  parameterOf,
  signatureOf,
  type UploadType,
  uploadTypeOf,
  uploadUrl,
  withParameter,
} from "../protocol/upload_url.ts";
import type { UploadProtocol } from "../protocol/upload_protocol.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import {
  checkCarried,
  checkMetadata,
  checkOptions,
  checkStartUrl,
  checkUrl,
  refuseMetadata,
} from "./check_arguments.ts";
import { legalHeaders } from "./headers.ts";

/** An object of a bucket: one way to say where an upload goes. */
export interface BucketTarget {
  /** The bucket. */
  bucket: string;
  /** The name of the object: any legal one, not encoded. */
  name: string;
  /**
   * The origin of the API: an emulator's, a proxy's, a private endpoint's, perhaps with a path before the API's own.
   *
   * @default {"https://storage.googleapis.com"}
   */
  endpoint?: string | URL | undefined;
  /** Parameters of the start. */
  query?: ObjectQuery | undefined;
  /** Not together with `bucket` and `name`. */
  url?: undefined;
  /** Not together with `bucket` and `name`. */
  session?: undefined;
}

/**
 * Parameters of the start of an upload to a bucket.
 *
 * Source: {@link https://cloud.google.com/storage/docs/json_api/v1/objects/insert#parameters}
 */
export interface ObjectQuery {
  /** `Content-Encoding` of the bytes as they are stored. */
  contentEncoding?: string | undefined;
  /** The fields of the object that the reply has; without `size` and `crc32c` less is compared. */
  fields?: string | undefined;
  /** Store only if this is not the object's live generation. */
  ifGenerationNotMatch?: number | string | undefined;
  /** Store only if this is the live object's metageneration. */
  ifMetagenerationMatch?: number | string | undefined;
  /** Store only if this is not the live object's metageneration. */
  ifMetagenerationNotMatch?: number | string | undefined;
  /** The Cloud KMS key that encrypts the object: a key, not a version of one. */
  kmsKeyName?: string | undefined;
  /** A predefined set of access controls. */
  predefinedAcl?:
    | "authenticatedRead"
    | "bucketOwnerFullControl"
    | "bucketOwnerRead"
    | "private"
    | "projectPrivate"
    | "publicRead"
    | undefined;
  /** `full` for a reply with access controls. */
  projection?: "full" | "noAcl" | undefined;
  /** The project that is billed. */
  userProject?: string | undefined;
}

/** A start URL: another way to say where an upload goes. */
export interface UrlTarget {
  /** The start URL: an API URL or a signed URL. Its `uploadType`, if any, is obeyed. */
  url: string | URL;
  /** Not together with `url`. */
  bucket?: undefined;
  /** Not together with `url`. */
  name?: undefined;
  /** Not together with `url`. */
  endpoint?: undefined;
  /** Not together with `url`, which has a query of its own. */
  query?: undefined;
  /** Not together with `url`. */
  session?: undefined;
}

/** Where an upload goes. */
export type Target = BucketTarget | UrlTarget;

/** The names of the options that say where an upload goes. */
export const TARGET_NAMES: readonly string[] = ["bucket", "endpoint", "name", "query", "url"];

/** The URL of a start, of a session unless it says otherwise. X-Goog-Upload says so in headers. */
export function resumableUrl(url: string, protocol: UploadProtocol["name"]): string {
  if (protocol !== "content-range" || uploadTypeOf(url)) return url;
  return withParameter(url, "uploadType", "resumable");
}

/** What belongs to the start of an upload. */
export interface StartFields {
  readonly metadata?: ObjectMetadata | undefined;
  readonly headers?: HeadersInit | undefined;
  readonly ifGenerationMatch?: number | string | undefined;
}

/** The start of an upload, checked. */
export interface Start {
  readonly url: string;
  /** What its query says; `undefined` where it leaves that open. */
  readonly uploadType: UploadType | undefined;
  /** The caller's, and those that the options need; absent where there are none. */
  readonly headers: Headers | undefined;
  readonly metadata: ObjectMetadata;
}

/** The start that the options mean. */
export function startOf(target: Partial<BucketTarget> | UrlTarget, fields: StartFields): Start {
  const metadata = checkMetadata(fields.metadata ?? {});
  const bare = targetUrl(target);
  const name = target.name ?? parameterOf(bare, "name");
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name) {
    throw new TypeError("metadata.name: expected none, or the same as the name of the object");
  }
  const ownHeaders = fields.headers && legalHeaders(fields.headers);
  const { url, headers } = withGenerationMatch(bare, fields.ifGenerationMatch, ownHeaders);
  checkCarried(url, metadata);
  const uploadType = uploadTypeOf(url);
  if (uploadType === "media") {
    const allowed = name === undefined ? ["contentType"] : ["contentType", "name"];
    refuseMetadata(metadata, "uploadType=media, which carries no metadata", allowed);
  }
  return { url, uploadType, headers, metadata };
}

function targetUrl(
  { url, bucket, name, endpoint, query }: Partial<BucketTarget> | UrlTarget,
): string {
  const hasUrl = url !== undefined, hasBucket = bucket !== undefined, hasName = name !== undefined;
  if (hasBucket !== hasName || hasUrl === hasBucket) {
    const got = hasUrl ? "more" : hasBucket ? "no name" : hasName ? "no bucket" : "none";
    throw new TypeError(
      `Cannot upload: expected either \`url\`, or \`bucket\` and \`name\`, got ${got}`,
    );
  }
  if (url !== undefined) {
    if (endpoint !== undefined) {
      throw new TypeError("endpoint: expected none together with `url`, which has an origin");
    }
    if (query !== undefined) {
      throw new TypeError("query: expected none together with `url`, which has its own");
    }
    return checkStartUrl(url, "url");
  }
  const origin = endpoint === undefined ? DEFAULT_ENDPOINT : checkUrl(endpoint, "endpoint");
  if (/[?#]/.test(origin)) {
    throw new TypeError(
      "endpoint: expected an origin and perhaps a path, got a query or a fragment",
    );
  }
  return withQuery(uploadUrl(origin, bucket!, name!), query ?? {});
}

const QUERY_NAMES: readonly (keyof ObjectQuery)[] = [
  "contentEncoding",
  "fields",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
  "kmsKeyName",
  "predefinedAcl",
  "projection",
  "userProject",
];

function withQuery(url: string, query: ObjectQuery): string {
  checkOptions(query, QUERY_NAMES, "query");
  return QUERY_NAMES.reduce((start, name) => {
    const value = query[name];
    if (value === undefined) return start;
    const isNumber = name.startsWith("if");
    const text = isNumber ? checkGeneration(value, `query.${name}`) : value;
    if (typeof text !== "string" || text === "") {
      const got = value === "" ? "an empty one" : typeInWords(value);
      throw new TypeError(`query.${name}: expected a text, got ${got}`);
    }
    if (name === "kmsKeyName" && text.includes("/cryptoKeyVersions/")) {
      throw new TypeError("query.kmsKeyName: expected a key, got a version of one");
    }
    return withParameter(start, name, text);
  }, url);
}

/** Adds the precondition, where the URL can have one: in its query, or, if it is signed, in a header that was signed. */
function withGenerationMatch(
  url: string,
  ifGenerationMatch: number | string | undefined,
  headers: Headers | undefined,
): Pick<Start, "url" | "headers"> {
  if (ifGenerationMatch === undefined) return { url, headers };
  const generation = checkGeneration(ifGenerationMatch);
  const signature = signatureOf(url);
  if (signature) {
    const name = "x-goog-if-generation-match";
    if (!signature.headers?.includes(name)) {
      throw new TypeError(
        `ifGenerationMatch: expected a signed URL whose signed headers contain ${name}, got one without`,
      );
    }
    const signed = new Headers(headers);
    signed.set(name, generation);
    return { url, headers: signed };
  }
  const before = parameterOf(url, "ifGenerationMatch");
  if (before !== undefined && before !== generation) {
    throw new TypeError("ifGenerationMatch: expected none, or the same as in the URL");
  }
  const start = before === undefined ? withParameter(url, "ifGenerationMatch", generation) : url;
  return { url: start, headers };
}

function checkGeneration(value: unknown, name = "ifGenerationMatch"): string {
  const isCount = typeof value === "number"
    ? Number.isSafeInteger(value) && value >= 0
    : typeof value === "string" && /^\d{1,19}$/.test(value);
  if (isCount) return String(value);
  throw new RangeError(
    `${name}: expected a generation as a whole number, or as a decimal string, got ${
      typeof value === "string" ? JSON.stringify(value) : typeInWords(value)
    }`,
  );
}
