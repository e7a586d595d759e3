/**
 * What the headers of a request through the XML API say of its body.
 *
 * @module
 */

import { checkChecksums, type DeclaredChecksums, readHashHeader } from "../storage/checksums.ts";
import type { Content } from "../storage/content.ts";
import type { Refusal } from "../emulator_replies.ts";

/** Compares the checksums in `Content-MD5` and `x-goog-hash` with what came. */
export function checksumProblem(headers: Headers, content: Content): Refusal | null {
  const md5Hash = headers.get("content-md5")?.trim();
  const declared: DeclaredChecksums = md5Hash === undefined ? {} : { md5Hash };
  return checkChecksums(declared, content) ??
    checkChecksums(readHashHeader(headers.get("x-goog-hash")), content);
}

/** The chunks of AWS's own framing would be stored as if they were bytes of the object. */
export function framingProblem(headers: Headers): Refusal | null {
  const encodings = (headers.get("content-encoding") ?? "").toLowerCase().split(/[\s,]+/);
  const hash = headers.get("x-amz-content-sha256") ?? "";
  if (!encodings.includes("aws-chunked") && !hash.startsWith("STREAMING-")) return null;
  return notImplemented("The framing aws-chunked is not understood here.");
}

/** A refusal of something that Google knows and the emulator does not. */
export function notImplemented(message: string): Refusal {
  return { code: 501, reason: "notImplemented", message, xmlCode: "NotImplemented" };
}
