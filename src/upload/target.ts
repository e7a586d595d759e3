/** Where an upload goes: the options that say so, and the start URL that they mean. */

import { uploadUrl } from "../protocol/upload_url.ts";
import {
  DEFAULT_ENDPOINT,
  parameterOf,
  signatureOf,
  uploadTypeOf,
  withParameter,
} from "../protocol/upload_url.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import {
  checkCarried,
  checkMetadata,
  checkStartUrl,
  checkUrl,
  legalHeaders,
  refuseMetadata,
} from "./checks.ts";

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
  /** Not together with `bucket` and `name`. */
  url?: undefined;
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
}

/** Where an upload goes. */
export type Target = BucketTarget | UrlTarget;

/** What belongs to the start of an upload. */
export interface StartFields {
  readonly metadata?: ObjectMetadata | undefined;
  readonly headers?: HeadersInit | undefined;
  readonly ifGenerationMatch?: number | string | undefined;
}

/** The start of an upload, checked. */
export interface Start {
  readonly url: string;
  readonly headers: Headers;
  readonly metadata: ObjectMetadata;
}

/** The start that the options mean. */
export function startOf(target: Partial<BucketTarget> | UrlTarget, fields: StartFields): Start {
  const metadata = checkMetadata(fields.metadata ?? {});
  const headers = legalHeaders(fields.headers);
  const bare = targetUrl(target);
  const name = target.name ?? parameterOf(bare, "name");
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name) {
    throw new TypeError("metadata.name: expected none, or the same as the name of the object");
  }
  const url = withGenerationMatch(bare, fields.ifGenerationMatch, headers);
  checkCarried(url, metadata);
  if (uploadTypeOf(url) === "media") {
    const allowed = name === undefined ? ["contentType"] : ["contentType", "name"];
    refuseMetadata(metadata, "uploadType=media, which carries no metadata", allowed);
  }
  return { url, headers, metadata };
}

function targetUrl({ url, bucket, name, endpoint }: Partial<BucketTarget> | UrlTarget): string {
  const [hasUrl, hasBucket, hasName] = [url, bucket, name].map((value) => value !== undefined);
  if (hasBucket !== hasName || hasUrl === hasBucket) {
    throw new TypeError("Cannot upload: expected either `url`, or `bucket` and `name`");
  }
  if (url !== undefined) {
    if (endpoint !== undefined) {
      throw new TypeError("endpoint: expected none together with `url`, which has an origin");
    }
    return checkStartUrl(url, "url");
  }
  const origin = checkUrl(endpoint ?? DEFAULT_ENDPOINT, "endpoint");
  if (/[?#]/.test(origin)) {
    throw new TypeError(
      "endpoint: expected an origin and perhaps a path, got a query or a fragment",
    );
  }
  return uploadUrl(origin, bucket!, name!);
}

/** Adds the precondition, where the URL can have one: in its query, or, if it is signed, in a header that was signed. */
function withGenerationMatch(
  url: string,
  given: number | string | undefined,
  headers: Headers,
): string {
  if (given === undefined) return url;
  const generation = checkGeneration(given);
  const signature = signatureOf(url);
  if (signature) {
    const header = "x-goog-if-generation-match";
    if (!signature.headers?.includes(header)) {
      throw new TypeError(
        `ifGenerationMatch: expected a signed URL whose signed headers contain ${header}, got one without`,
      );
    }
    headers.set(header, generation);
    return url;
  }
  const before = parameterOf(url, "ifGenerationMatch");
  if (before === undefined) return withParameter(url, "ifGenerationMatch", generation);
  if (before !== generation) {
    throw new TypeError("ifGenerationMatch: expected none, or the same as in the URL");
  }
  return url;
}

function checkGeneration(value: number | string): string {
  const isCount = typeof value === "number"
    ? Number.isSafeInteger(value) && value >= 0
    : typeof value === "string" && /^\d{1,19}$/.test(value);
  if (isCount) return String(value);
  throw new RangeError(
    `ifGenerationMatch: expected a generation as a whole number, or as a decimal string, got ${
      JSON.stringify(value) ?? String(value)
    }`,
  );
}
