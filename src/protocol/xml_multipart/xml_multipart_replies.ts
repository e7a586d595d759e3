/** What the replies of an XML multipart upload say. */

import { parseHashes } from "../hashes.ts";
import { readRefusal, type Refusal } from "../refusal.ts";
import type { ReplyHead } from "../reply.ts";
import { parseXml, textOf, type XmlElement } from "./xml.ts";

/** An upload is open. */
export interface Initiated {
  readonly kind: "initiated";
  readonly uploadId: string;
}

/** A part is stored. */
export interface PartStored {
  readonly kind: "stored";
  readonly etag: string;
  /** CRC32C of what is stored, base64, where the server says it. */
  readonly crc32c: string | undefined;
  /** MD5 of what is stored, base64, where the server says it. */
  readonly md5: string | undefined;
}

/** A part as the listing has it. */
export interface ListedPart {
  readonly number: number;
  readonly etag: string;
  /** In bytes. */
  readonly size: number;
}

/** Some of the parts. */
export interface PartsListed {
  readonly kind: "listed";
  readonly parts: readonly ListedPart[];
  /** Behind which number the next page begins; `undefined` for the last one. */
  readonly next: number | undefined;
}

/** The object is made. */
export interface Completed {
  readonly kind: "completed";
  readonly bucket: string | undefined;
  readonly name: string | undefined;
  readonly etag: string | undefined;
  readonly generation: string | undefined;
  /** CRC32C of the whole object, base64, where the server says it. */
  readonly crc32c: string | undefined;
}

/** Reads the reply to an initiation. */
export function readInitiated(reply: ReplyHead): Initiated | Refusal {
  if (reply.status !== 200) return readRefusal(reply);
  const root = rootOf(reply, "InitiateMultipartUploadResult");
  const uploadId = root && textOf(root, "UploadId")?.trim();
  if (!uploadId) return malformed("expected the ID of an upload");
  return { kind: "initiated", uploadId };
}

/** Reads the reply to a part. */
export function readPart(reply: ReplyHead): PartStored | Refusal {
  if (reply.status !== 200) return readRefusal(reply);
  const etag = reply.headers.get("etag");
  if (!etag) {
    return malformed(
      "expected the ETag of the part (which a bucket's CORS settings must expose to a browser)",
    );
  }
  const { crc32c, md5 } = parseHashes(reply.headers.get("x-goog-hash"));
  return { kind: "stored", etag, crc32c, md5 };
}

/** Reads a page of the parts that are stored. */
export function readParts(reply: ReplyHead): PartsListed | Refusal {
  if (reply.status !== 200) return readRefusal(reply);
  const root = rootOf(reply, "ListPartsResult");
  if (!root) return malformed("expected a list of parts");
  const parts: ListedPart[] = [];
  for (const element of root.children.filter(({ name }) => name === "Part")) {
    const number = countOf(element, "PartNumber");
    const size = countOf(element, "Size");
    const etag = textOf(element, "ETag")?.trim();
    if (number === undefined || size === undefined || !etag) {
      return malformed("expected number, size and ETag of each part");
    }
    parts.push({ number, size, etag });
  }
  if (textOf(root, "IsTruncated")?.trim() !== "true") {
    return { kind: "listed", parts, next: undefined };
  }
  const next = countOf(root, "NextPartNumberMarker") ?? parts.at(-1)?.number;
  const before = countOf(root, "PartNumberMarker") ?? 0;
  if (next === undefined || next <= before) return malformed("expected where the list goes on");
  return { kind: "listed", parts, next };
}

/**
 * Reads the reply to a completion. Servers of this kind may send 200 and then an error: the body decides, and a body that is
 * cut short decides nothing.
 */
export function readCompleted(reply: ReplyHead): Completed | Refusal {
  if (reply.status !== 200) return readRefusal(reply);
  const root = parseXml(reply.text);
  if (root?.name === "Error") return readRefusal({ ...reply, status: statusOf(root) });
  if (root?.name !== "CompleteMultipartUploadResult") {
    return { kind: "no_result", problem: "expected the result of a completion" };
  }
  return {
    kind: "completed",
    bucket: textOf(root, "Bucket"),
    name: textOf(root, "Key"),
    etag: textOf(root, "ETag"),
    generation: reply.headers.get("x-goog-generation") ?? undefined,
    crc32c: parseHashes(reply.headers.get("x-goog-hash")).crc32c,
  };
}

/** Reads the reply to an abort: an upload that is gone already is aborted. */
export function readAborted(reply: ReplyHead): { readonly kind: "aborted" } | Refusal {
  return [200, 204, 404, 410].includes(reply.status) ? { kind: "aborted" } : readRefusal(reply);
}

/** The statuses that belong to errors which come after a 200; any other is a fault of the server. */
const STATUSES: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  BadDigest: 400,
  CrcMismatch: 400,
  EntityTooSmall: 400,
  InvalidArgument: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  MalformedCompleteMultipartUploadRequest: 400,
  NoSuchUpload: 404,
  PreconditionFailed: 412,
  SlowDown: 503,
};

function statusOf(error: XmlElement): number {
  return STATUSES[textOf(error, "Code")?.trim() ?? ""] ?? 500;
}

function rootOf({ text }: ReplyHead, name: string): XmlElement | undefined {
  const root = parseXml(text);
  return root?.name === name ? root : undefined;
}

function countOf(element: XmlElement, name: string): number | undefined {
  const text = textOf(element, name)?.trim() ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function malformed(problem: string): Refusal {
  return { kind: "malformed", problem };
}
