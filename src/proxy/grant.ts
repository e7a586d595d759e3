/** Who may upload what: what a ticket allows, and whether a request stays within it. */

import { forbidden, quote, tooLarge } from "./http_error.ts";

/**
 * What somebody may upload.
 *
 * Without `name` and `prefix` nothing may be uploaded; with both, the name must be that one and have that prefix.
 */
export interface UploadGrant {
  /** Who it is, for the log; never sent to Google. */
  subject?: string;
  /** The bucket; without it, the one the proxy is set up for. */
  bucket?: string;
  /** The exact name of the object. */
  name?: string;
  /** What the name must begin with; `""` allows any name. */
  prefix?: string;
  /** The most bytes an object may have. */
  maxBytes?: number;
  /** The media types, such as `image/png` or `image/*`; without it, any. */
  contentTypes?: readonly string[];
  /**
   * Whether an object that exists may be overwritten.
   *
   * @default {false}
   */
  overwrite?: boolean;
  /** Fields of the object resource that the proxy sets and the client cannot. */
  metadata?: Readonly<Record<string, unknown>>;
}

/** Limits for every upload, whatever a grant says. */
export interface UploadLimits {
  readonly bucket: string | undefined;
  readonly maxBytes: number;
  readonly contentTypes: readonly string[] | undefined;
}

/** The object that a request asks for. */
export interface WantedObject {
  readonly bucket: string;
  readonly name: string;
  readonly contentType: string;
  /** In bytes, when it is declared. */
  readonly size: number | undefined;
}

/** Refuses what a grant and the limits do not cover; returns the most bytes the object may have. */
export function checkGrant(grant: UploadGrant, limits: UploadLimits, wanted: WantedObject): number {
  const bucket = grant.bucket ?? limits.bucket;
  if (bucket === undefined || wanted.bucket !== bucket) {
    throw forbidden(`The ticket does not cover the bucket ${quote(wanted.bucket)}`);
  }
  const { name, prefix } = grant;
  const named = (name !== undefined || prefix !== undefined) &&
    (name === undefined || wanted.name === name) &&
    (prefix === undefined || wanted.name.startsWith(prefix));
  if (!named) throw forbidden(`The ticket does not cover the object name ${quote(wanted.name)}`);
  // Below a prefix, a path that leads out of it again is left to nobody: tools that copy a bucket to a disk follow it.
  if (
    name === undefined && wanted.name.split(/[/\\]/).some((part) => part === "." || part === "..")
  ) {
    throw forbidden(`The object name ${quote(wanted.name)} has a part that is a relative path`);
  }
  checkType(wanted.contentType, grant.contentTypes);
  checkType(wanted.contentType, limits.contentTypes);
  const maxBytes = Math.min(grant.maxBytes ?? Infinity, limits.maxBytes);
  if (wanted.size !== undefined && wanted.size > maxBytes) {
    throw tooLarge(`At most ${maxBytes} bytes are allowed, got ${wanted.size}`);
  }
  return maxBytes;
}

/** Refuses a media type that is none of those allowed. */
export function checkType(contentType: string, types: readonly string[] | undefined): void {
  if (types && !types.some((type) => matchesType(type, contentType))) {
    throw forbidden(`The media type ${quote(contentType)} is not allowed`);
  }
}

/** Whether a media type is `pattern`, or of its kind when that ends in `/*`; parameters and case do not count. */
function matchesType(pattern: string, contentType: string): boolean {
  const [wanted, actual] = [pattern, contentType].map((type) =>
    type.split(";")[0].trim().toLowerCase()
  );
  return wanted.endsWith("/*") ? actual.startsWith(wanted.slice(0, -1)) : actual === wanted;
}
