/** What Google's replies mean. Nothing of them is said on but fields that are known, and of the form that they should be. */

import { isResumeIncomplete } from "../../protocol/content_range/content_range_replies.ts";
import { CRC32C, MD5 } from "../../protocol/hashes.ts";
import { isMediaType } from "../../protocol/media_type.ts";
import { readRefusal } from "../../protocol/refusal.ts";
import { isSuccess } from "../../protocol/reply.ts";
import { isBucketName } from "../../protocol/upload_url.ts";
import { isRecord } from "../grant.ts";
import { badGateway, forbidden, HttpError } from "../http_error.ts";
import { type FinishedObject, gap, type Outcome, type Refused } from "../outcome.ts";
import type { UpstreamReply } from "../upstream.ts";

/** Whether a text holds something that nobody may know. */
type IsSecret = (text: string) => boolean;

const NO_SECRET: IsSecret = () => false;

/** The reply to a request on a session. */
export function readSessionReply(reply: UpstreamReply, isSecret: IsSecret): Outcome {
  const { status, headers } = reply;
  if (isResumeIncomplete(reply)) return stored(headers);
  if (status === 499 || status === 204) return { kind: "cancelled" };
  if (status === 401 || status === 403) {
    refuseRateLimit(reply);
    throw forbidden("Google refused the request on this session");
  }
  return readReply(reply, isSecret);
}

/** The reply to a request with the proxy's own credentials. */
export function readObjectReply(reply: UpstreamReply): Outcome {
  if (reply.status === 401 || reply.status === 403) {
    refuseRateLimit(reply);
    throw badGateway("Google refused the proxy's credentials", false);
  }
  return readReply(reply, NO_SECRET);
}

function readReply(reply: UpstreamReply, isSecret: IsSecret): Outcome {
  const { status } = reply;
  if (status === 304) return { kind: "unmodified" };
  if (status >= 400 && status <= 599) return refused(reply);
  if (!isSuccess(status)) {
    throw badGateway(`Google answered with an unexpected status, ${status}`, false);
  }
  const object = readObject(reply.text, isSecret);
  // It may have been cut short: asked again, Google says it again.
  if (!object) throw badGateway("Google's reply shows no object");
  return { kind: "finished", object };
}

/** A 403 that is about the rate may pass; any other one names the proxy's account, and a client can do nothing about it. */
function refuseRateLimit(reply: UpstreamReply): void {
  if (readRefusal(reply).kind !== "unavailable") return;
  throw new HttpError(429, "rateLimitExceeded", "Google limits the rate of requests", {
    "retry-after": "5",
  });
}

function stored(headers: Headers): Outcome {
  const last = /^bytes=0-(\d{1,15})$/.exec(headers.get("range") ?? "")?.[1];
  const hashes = headers.get("x-goog-running-hash") ?? "";
  const md5 = headers.get("x-range-md5") ?? "";
  return {
    kind: "stored",
    persisted: last === undefined ? undefined : Number(last) + 1,
    crc32c: /(?:^|,)\s*crc32c=([A-Za-z0-9+/]{6}==)/.exec(hashes)?.[1],
    md5: /^[0-9a-f]{32}$/.test(md5) ? md5 : undefined,
  };
}

const text = (pattern: RegExp) => (value: unknown): boolean =>
  typeof value === "string" && pattern.test(value);
const number = text(/^\d{1,20}$/);
const time = text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/);
const line = text(/^\P{Cc}{0,8192}$/u);

/** The fields of an object that may be told, and what each must be. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  kind: text(/^storage#object$/),
  name: text(/^[^]{1,1024}$/),
  bucket: isBucketName,
  generation: number,
  metageneration: number,
  contentType: isMediaType,
  size: text(/^\d{1,15}$/),
  md5Hash: text(MD5),
  crc32c: text(CRC32C),
  etag: text(/^[A-Za-z0-9+/]{1,62}={0,2}$/),
  storageClass: text(/^[A-Z_]{1,32}$/),
  timeCreated: time,
  updated: time,
  timeStorageClassUpdated: time,
  timeFinalized: time,
  cacheControl: line,
  contentDisposition: line,
  contentEncoding: line,
  contentLanguage: line,
  customTime: time,
  metadata: (value) => isRecord(value) && Object.values(value).every(line),
};

/** The object that a reply shows, if it shows one. */
function readObject(json: string, isSecret: IsSecret): FinishedObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const resource: Record<string, unknown> = {};
  for (const [field, isValid] of Object.entries(FIELDS)) {
    const said = Object.hasOwn(value, field)
      ? (value as Record<string, unknown>)[field]
      : undefined;
    const isNumber = typeof said === "string" && /^\d{1,20}$/.test(said);
    if (isValid(said) && (isNumber || !isSecret(JSON.stringify(said)))) resource[field] = said;
  }
  const { bucket, name, size } = resource;
  if (typeof bucket !== "string" || typeof name !== "string" || size === undefined) {
    return undefined;
  }
  return {
    bucket,
    name,
    size: Number(size),
    generation: resource.generation as string | undefined,
    contentType: resource.contentType as string | undefined,
    crc32c: resource.crc32c as string | undefined,
    resource,
  };
}

/** The reasons that Google gives, and what they are where it gives none. */
const REASONS =
  /^(?:backendError|badRequest|conditionNotMet|conflict|deadlineExceeded|gone|internalError|invalid|invalidArgument|invalidParameter|invalidPayloadSize|notFound|notUpload|parseError|quotaExceeded|rateLimitExceeded|required|uploadTooLarge|userRateLimitExceeded|wrongUrlForUpload|BadDigest|CrcMismatch|EntityTooLarge|InvalidDigest|NoSuchBucket|NoSuchUpload|PreconditionFailed)$/;
const DEFAULT_REASONS: Readonly<Record<number, string>> = {
  404: "notFound",
  408: "requestTimeout",
  409: "conflict",
  410: "gone",
  412: "conditionNotMet",
  413: "uploadTooLarge",
  429: "rateLimitExceeded",
};

/** A refusal in the proxy's words, from Google's: statuses, reasons from a list, and numbers. */
function refused(reply: UpstreamReply): Refused {
  const { status, headers, text } = reply;
  const said = /"reason"\s*:\s*"(\w{1,64})"/.exec(text)?.[1] ??
    /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1] ?? "";
  const reason = REASONS.test(said)
    ? said
    : DEFAULT_REASONS[status] ?? (status >= 500 ? "backendError" : "invalid");
  const wait = headers.get("retry-after") ?? "";
  return {
    kind: "refused",
    status,
    reason,
    message: messageOf(reply) ?? `Google refused the request: ${status} ${reason}${hintOf(status)}`,
    retryAfter: /^\d{1,6}$/.test(wait) ? Number(wait) : status >= 500 ? 5 : undefined,
    isGap: readRefusal(reply).kind === "gap",
  };
}

/** What a client can make of a status that Google's reason does not explain. */
function hintOf(status: number): string {
  return status === 412
    ? " (an object that exists is overwritten only where the ticket allows it)"
    : "";
}

/** Google's sentences that clients act upon, put together again from the numbers in them. */
function messageOf({ text }: UpstreamReply): string | undefined {
  const corrupt =
    /Provided (CRC32C|MD5 hash) \\?"([A-Za-z0-9+/=]{1,24})\\?" doesn't match calculated (?:CRC32C|MD5 hash) \\?"([A-Za-z0-9+/=]{1,24})\\?"/
      .exec(text);
  if (corrupt) {
    const [, what, provided, calculated] = corrupt;
    return `Provided ${what} "${provided}" doesn't match calculated ${what} "${calculated}".`;
  }
  const numbers =
    /offset is (\d{1,15}) byte\(s\), which exceeds already uploaded size of (\d{1,15})/
      .exec(text);
  if (numbers) return gap(Number(numbers[1]), Number(numbers[2])).message;
  const short = /equal or greater than 262144[^]*received request contained (\d{1,15}) bytes/
    .exec(text);
  return short
    ? "Invalid request.  The number of bytes uploaded is required to be equal or greater than 262144, " +
      `except for the final request.  The received request contained ${short[1]} bytes.`
    : undefined;
}
