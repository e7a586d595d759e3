/** What a reply that is no success means, and how to say it. */

import type { ReplyHead } from "./reply.ts";
import { withoutSecretWords } from "./quoted_text.ts";

/** What a failed request means for the one who sent it. */
export type Refusal =
  /** 404 or 410. */
  | { readonly kind: "gone" }
  /** 499. */
  | { readonly kind: "cancelled" }
  /** 412, or the empty 304 of a "not match" precondition. */
  | { readonly kind: "precondition" }
  /** 400: the checksum sent along is not the one that the server computed. */
  | { readonly kind: "corrupt" }
  /** 408, 429, 5xx, or a 403 that speaks of a rate limit: the same request may succeed later. */
  | { readonly kind: "unavailable" }
  /** The bytes begin behind those that the server has: ask where to go on. Repeating it as it is fails forever. */
  | { readonly kind: "gap" }
  /** 413 of a server that says how much it takes in one request. */
  | { readonly kind: "too_large"; readonly maxBytes: number }
  /** Any other 4xx: the same request fails again. */
  | { readonly kind: "rejected" }
  /** The server has ended the session with a refusal: nothing more can come of it. */
  | { readonly kind: "refused" }
  /** A success that shows no result, cut short perhaps: ask whether there is one. */
  | { readonly kind: "no_result"; readonly problem: string }
  /** Not a reply that the protocol knows. */
  | { readonly kind: "malformed"; readonly problem: string };

/** The header in which a server says how much it takes in one request, in bytes. */
const MAX_CHUNK_BYTES = "x-max-chunk-bytes";

/** The reasons of a 403 after which the same request may succeed; any other quota is spent for long. */
const RATE_LIMITS = [
  "rateLimitExceeded",
  "userRateLimitExceeded",
  "RATE_LIMIT_EXCEEDED",
  "USER_RATE_LIMIT_EXCEEDED",
];

/** How much a server says it takes in one request, in bytes; `undefined` where it says nothing. */
export function maxChunkBytes(headers: Headers): number | undefined {
  const value = headers.get(MAX_CHUNK_BYTES);
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** Reads a reply that is no success. */
export function readRefusal(reply: ReplyHead): Refusal {
  const { status, headers, text } = reply;
  if (status === 404 || status === 410) return { kind: "gone" };
  if (status === 499) return { kind: "cancelled" };
  if (status === 412 || status === 304) return { kind: "precondition" };
  if (status === 416 || isGap(reply)) return { kind: "gap" };
  if (status === 408 || status === 429 || (status >= 500 && status <= 599)) {
    return { kind: "unavailable" };
  }
  const { reason, message } = serverError(text) ?? {};
  if (status === 403 && RATE_LIMITS.includes(reason ?? "")) return { kind: "unavailable" };
  const damaged = reason === "CrcMismatch" || reason === "BadDigest" ||
    /doesn't match calculated/i.test(message ?? "");
  if (status === 400 && damaged) return { kind: "corrupt" };
  const maxBytes = maxChunkBytes(headers);
  if (status === 413 && maxBytes !== undefined) return { kind: "too_large", maxBytes };
  if (status >= 400 && status <= 499) return { kind: "rejected" };
  return {
    kind: "malformed",
    problem: status === 0
      ? "expected a readable reply, got an opaque one (a transport must not change `redirect` to manual in a browser)"
      : "expected 200, 201, 308 or an error",
  };
}

/**
 * Google answers bytes behind the end of what it has with a 503 in plain text. It is no outage: the message names the
 * Content-Range. (One that speaks of an "earlier request" is about conflicting totals.)
 */
function isGap({ status, headers, text }: ReplyHead): boolean {
  return status === 503 && /^text\/plain/i.test(headers.get("content-type") ?? "") &&
    /content-range/i.test(text) && !/earlier/i.test(text);
}

/** What a server says of an error: its own word for it, and a sentence. */
export interface ServerError {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/** The reason and the message of a Google error, JSON or XML, whatever content type it came under. */
export function serverError(text: string): ServerError | undefined {
  const error = text.trimStart().startsWith("<") ? xmlError(text) : jsonError(text);
  // A reason is a word; anything else may be anything.
  return error &&
    { ...error, reason: /^\w{1,64}$/.test(error.reason ?? "") ? error.reason : undefined };
}

function jsonError(text: string): ServerError | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error !== "object" || error === null) return undefined;
    const { message, errors, details, status } = error as Record<string, unknown>;
    const entries = [...listOf(errors).slice(0, 1), ...listOf(details)];
    const reasons = entries.map((entry) => textOf(entry.reason));
    return {
      message: textOf(message),
      reason: reasons.find((reason) => reason !== undefined) ?? textOf(status),
    };
  } catch {
    return undefined;
  }
}

/** `<Error><Code>…</Code><Message>…</Message>`, of the XML API. */
function xmlError(text: string): ServerError | undefined {
  const element = (name: string) => {
    const start = text.indexOf(`<${name}>`);
    const end = text.indexOf(`</${name}>`, start);
    if (start < 0 || end < 0) return undefined;
    return text.slice(start + name.length + 2, end).replace(/&(lt|gt|quot|apos|amp);/g, entity);
  };
  const reason = element("Code");
  return reason === undefined ? undefined : { reason, message: element("Message") };
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
};

function entity(_: string, name: string): string {
  return ENTITIES[name];
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const list = Array.isArray(value) ? value : [];
  return list.map((entry) => typeof entry === "object" && entry !== null ? entry : {});
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A reply in one line for an error message: status, and what the server says of it, without URLs and never long. */
export function describeReply(reply: ReplyHead): string {
  const error = serverError(reply.text);
  const type = reply.headers.get("content-type") ?? "";
  const words = error
    ? [error.reason, error.message].filter(Boolean).join(": ")
    : /^text\/plain/i.test(type)
    ? reply.text
    : "";
  return words ? `${reply.status} ${quote(words)}` : `${reply.status}`;
}

/** Quotes a server's words. */
export function quote(words: string): string {
  return JSON.stringify(withoutSecretWords(words));
}
