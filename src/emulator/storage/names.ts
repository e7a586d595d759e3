/**
 * Which names of buckets and objects are valid.
 *
 * @module
 */

import { invalid, notFound, type Refusal } from "../emulator_replies.ts";

/** Whether a bucket may be called so: 3–63 (with dots 3–222) of `a-z 0-9 - _ .`. */
export function isBucketName(name: string): boolean {
  const longest = name.includes(".") ? 222 : 63;
  return name.length >= 3 && name.length <= longest && /^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(name);
}

/** Why a bucket cannot be used; `existing` are those that exist, `null` stands for all. */
export function bucketProblem(
  bucket: string,
  existing: ReadonlySet<string> | null,
): Refusal | null {
  if (!isBucketName(bucket)) {
    return invalid(`Invalid bucket name: '${bucket}'`, "invalid", "InvalidBucketName");
  }
  return existing && !existing.has(bucket)
    ? notFound("The specified bucket does not exist.", "NoSuchBucket")
    : null;
}

/** Why an object may not be called so (a name that is not empty), or `null` if it may. */
export function objectNameProblem(name: string): string | null {
  const size = new TextEncoder().encode(name).length;
  if (size > 1024) return `Object names must be at most 1024 bytes long in UTF-8, not ${size}.`;
  if (name === "." || name === "..") return `Object names must not be '${name}'.`;
  if (/[\r\n]/.test(name)) return "Object names must not contain carriage return or line feed.";
  if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(name)) {
    return "Object names must be valid UTF-8.";
  }
  if (name.startsWith(".well-known/acme-challenge/")) {
    return "Object names must not start with '.well-known/acme-challenge/'.";
  }
  return null;
}
