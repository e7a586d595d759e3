/** What a reply of the upload endpoint means, read without regard to who asked or what happens next. */

import { PERMANENT_REDIRECT, storedBytes } from "./content_range.ts";
import { parseHashes, parseObject, type StorageObject } from "./metadata.ts";

/** The parts of a reply that carry meaning, its body read to the end. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

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
  /** The bytes were put where the server has none before them: ask where to go on. Repeating it as it is fails forever. */
  | { readonly kind: "misplaced" }
  /** Any other 4xx: the same request fails again. */
  | { readonly kind: "rejected" }
  /** A success that shows no object, cut short perhaps: ask whether there is one. */
  | { readonly kind: "unproven"; readonly problem: string }
  /** Not a reply that the protocol knows. */
  | { readonly kind: "malformed"; readonly problem: string };

/** What the reply to a chunk or to a status query means. */
export type SessionReply =
  /** The server holds the first `persisted` bytes, with this CRC32C (base64) if it says so. */
  | { readonly kind: "stored"; readonly persisted: number; readonly crc32c?: string }
  /** The upload is finished. */
  | { readonly kind: "finished"; readonly object: StorageObject }
  | Refusal;

/** What is known when a reply to a session request is read. */
export interface SessionQuestion {
  readonly asked: "chunk" | "status";
  /** What the server has confirmed before, in bytes; a chunk starts here. */
  readonly persisted: number;
  /** The end of the last byte ever sent; `Infinity` when somebody else has been sending. */
  readonly sent: number;
}

/** What is wrong with a success that shows no object. */
export const NO_OBJECT =
  "expected the object as JSON or in x-goog-* headers (which a bucket's CORS settings must expose to a browser), got neither";

/** Reads the reply to a chunk or to a status query. */
export function readSessionReply(reply: ReplyHead, question: SessionQuestion): SessionReply {
  const resumeIncomplete = reply.status === PERMANENT_REDIRECT ||
    (isSuccess(reply.status) && reply.headers.get("x-http-status-code-override") === "308");
  if (resumeIncomplete) return readStored(reply, question);
  if (isSuccess(reply.status)) {
    const object = parseObject(reply.text, reply.headers);
    return object ? { kind: "finished", object } : { kind: "unproven", problem: NO_OBJECT };
  }
  return readRefusal(reply);
}

/** 200 and 201 both mean success. */
export function isSuccess(status: number): boolean {
  return status === 200 || status === 201;
}

function readStored(reply: ReplyHead, { asked, persisted, sent }: SessionQuestion): SessionReply {
  const range = reply.headers.get("range");
  const stored = storedBytes(range);
  if (stored === undefined) {
    return {
      kind: "malformed",
      problem: `expected a Range of the form "bytes=0-{last}", got ${quote(range ?? "")}`,
    };
  }
  // A chunk's reply may leave the header out although earlier bytes are stored: only a status query settles that.
  if (range === null && asked === "chunk" && persisted > 0) return { kind: "misplaced" };
  if (stored < persisted) {
    return {
      kind: "malformed",
      problem: `expected at least the ${persisted} bytes stored before, got ${stored}`,
    };
  }
  if (stored > sent) {
    return {
      kind: "malformed",
      problem: `expected at most the ${sent} bytes sent so far, got ${stored}`,
    };
  }
  return {
    kind: "stored",
    persisted: stored,
    crc32c: parseHashes(reply.headers.get("x-goog-running-hash")).crc32c,
  };
}

/** Reads a reply that is no success. */
export function readRefusal(reply: ReplyHead): Refusal {
  const { status, text } = reply;
  if (status === 404 || status === 410) return { kind: "gone" };
  if (status === 499) return { kind: "cancelled" };
  if (status === 412 || status === 304) return { kind: "precondition" };
  if (status === 416 || isGap(reply)) return { kind: "misplaced" };
  if (status === 408 || status === 429 || (status >= 500 && status <= 599)) {
    return { kind: "unavailable" };
  }
  if (status === 403 && /ratelimitexceeded/i.test(errorOf(text)?.reason ?? "")) {
    return { kind: "unavailable" };
  }
  if (status === 400 && /doesn't match calculated/i.test(errorOf(text)?.message ?? "")) {
    return { kind: "corrupt" };
  }
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

/** The reason and the message of a Google error, whatever content type it came under. */
function errorOf(text: string): { message?: string; reason?: string } | undefined {
  try {
    const { error } = JSON.parse(text) as {
      error?: { message?: unknown; errors?: { reason?: unknown }[] };
    };
    return error && { message: textOf(error.message), reason: textOf(error.errors?.[0]?.reason) };
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A reply in one line for an error message: status, and what the server says of it, without URLs and never long. */
export function describeReply(reply: ReplyHead): string {
  const error = errorOf(reply.text);
  const type = reply.headers.get("content-type") ?? "";
  const words = error
    ? [error.reason, error.message].filter(Boolean).join(": ")
    : /^text\/plain/i.test(type)
    ? reply.text
    : "";
  return words ? `${reply.status} ${quote(words)}` : `${reply.status}`;
}

/** Quotes a server's words: one line, bounded, and without URLs, which may hold a session or a signature. */
function quote(words: string): string {
  const line = words.replace(/\bhttps?:\/\/\S+/gi, "(URL)").replace(
    /upload_id=\S+/gi,
    "upload_id=…",
  ).replace(/\s+/g, " ");
  return JSON.stringify(line.length > 300 ? `${line.slice(0, 300)}…` : line);
}
