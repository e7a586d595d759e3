/** The door: what callers hand in is checked here, before anything is sent. */

import { DataCorruption, InvalidResponse, UploadError } from "../errors.ts";
import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range.ts";
import { isMediaType } from "../protocol/media_type.ts";
import type { ChecksumOption, ObjectMetadata } from "../protocol/metadata.ts";
import { describeReply, type Refusal } from "../protocol/reply.ts";
import { type RetryPolicy, retryPolicy } from "../net/retry.ts";
import type { Reply } from "../net/transport.ts";
import type { OneShotOptions } from "./options.ts";

/** An absolute http or https URL, as a string. */
export function checkUrl(value: string | URL, name: string): string {
  const url = String(value);
  const isUrl = URL.canParse(url);
  if (!isUrl || !/^\s*https?:/i.test(url)) {
    const got = isUrl ? new URL(url).protocol : "something else";
    throw new TypeError(`${name}: expected an absolute http or https URL, got ${got}`);
  }
  return url;
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
      `metadata: expected an object such as { name }, got ${
        value === null ? "null" : typeof value
      }`,
    );
  }
  return value;
}

/** What the three kinds of upload have in common, checked. */
export interface CheckedUpload {
  readonly url: string;
  readonly headers: Headers;
  readonly policy: RetryPolicy;
  readonly checksum: ChecksumOption;
}

/** Checks what the three kinds of upload have in common. */
export function checkUpload(
  url: string | URL,
  { headers, retry, checksum }: OneShotOptions,
): CheckedUpload {
  return {
    url: checkUrl(url, "uploadUrl"),
    headers: new Headers(headers),
    policy: retryPolicy(retry),
    checksum: checkChecksum(checksum),
  };
}

/** One of the checksum options; the default is `auto`. */
function checkChecksum(value: ChecksumOption | undefined): ChecksumOption {
  const options: readonly ChecksumOption[] = ["auto", "crc32c", "md5", null];
  if (value === undefined) return "auto";
  if (!options.includes(value)) {
    throw new TypeError(
      `checksum: expected "auto", "crc32c", "md5" or null, got ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/** A function that can send requests. */
export function checkTransport(value: unknown): void {
  if (typeof value !== "function") {
    throw new TypeError(
      `transport: expected a function such as fetch, got ${value === null ? "null" : typeof value}`,
    );
  }
}

/** A size of chunks that Google accepts, in bytes. */
export function checkChunkSize(value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0 || value % UPLOAD_CHUNK_SIZE !== 0) {
    throw new RangeError(
      `chunkSize: expected a positive multiple of ${UPLOAD_CHUNK_SIZE} bytes, got ${value}`,
    );
  }
  return value;
}

/** A declared size in bytes, which must be that of the source where the source knows it. */
export function checkTotalBytes(declared: number | undefined, size: number | undefined): void {
  if (declared === undefined) return;
  if (!Number.isSafeInteger(declared) || declared < 0) {
    throw new RangeError(`totalBytes: expected a whole number of bytes, got ${declared}`);
  }
  if (size !== undefined && size !== declared) {
    throw new RangeError(
      `totalBytes: expected the size of the source, ${size} bytes, got ${declared}`,
    );
  }
}

/** The error for a call at a moment when it cannot work. */
export function invalidState(message: string): UploadError {
  return new UploadError("invalid_state", message);
}

/** The error for a refused request. `session` says whether it was about an open session. */
export function refusalError(
  action: string,
  reply: Reply,
  refusal: Refusal,
  session: boolean,
): UploadError {
  const told = `Cannot ${action}: `;
  const said = describeReply(reply);
  const fail = (code: UploadError["code"], message: string) =>
    new InvalidResponse(reply.response, told + message, code);
  switch (refusal.kind) {
    case "corrupt":
      return new DataCorruption(
        reply.response,
        `${told}the server computed another checksum: ${said}`,
      );
    case "gone":
      return session
        ? fail(
          "session_gone",
          `expected an open session, but it has expired or never existed: ${said}`,
        )
        : fail("rejected", `expected 200, got ${said}`);
    case "cancelled":
      return fail("session_cancelled", `expected an open session, but it was cancelled: ${said}`);
    case "precondition":
      return fail(
        "precondition_failed",
        `the object is not in the state that was asked for: ${said}`,
      );
    case "unavailable":
      return fail("unavailable", `expected success, but the server could not serve: ${said}`);
    case "misplaced":
      return fail(
        "invalid_response",
        `expected the bytes to fit behind those stored, but they did not: ${said}`,
      );
    case "rejected":
      return fail("rejected", `expected success, got ${said}`);
    case "unproven":
    case "malformed":
      return fail("invalid_response", `${refusal.problem} (status ${said})`);
  }
}
