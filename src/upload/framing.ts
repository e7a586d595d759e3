/** How one request carries the bytes: as they are, or with metadata around them. */

import { type Bytes, concat } from "../bytes/bytes.ts";
import type { PieceBody } from "../net/streamed_body.ts";
import type { Checksums } from "../protocol/hashes.ts";
import { multipartFrame } from "../protocol/multipart_related.ts";
import type { Resource } from "../protocol/resource.ts";
import type { ObjectMetadata } from "../protocol/resources/storage_object.ts";
import type { Part } from "./feed.ts";

/** How one request carries the bytes. */
export interface Framing {
  readonly metadata: ObjectMetadata;
  /** Whether checksums that are known before go along, so that the server compares them. */
  readonly carriesChecksums: boolean;
  /** The request's media type, and what comes before and after the bytes. */
  frame(sums: Checksums): {
    readonly contentType: string;
    readonly head?: Bytes | undefined;
    readonly tail?: Bytes | undefined;
  };
}

/** The bytes and nothing else. */
export function asMedia(contentType: string): Framing {
  return { metadata: {}, carriesChecksums: false, frame: () => ({ contentType }) };
}

/** Metadata and bytes; checksums travel with the metadata. */
export function asMultipart(
  metadata: ObjectMetadata,
  contentType: string,
  resource: Resource<unknown>,
): Framing {
  const boundary = newBoundary(); // the same in every attempt: what is repeated is the same request
  return {
    metadata,
    carriesChecksums: resource.withChecksums !== undefined,
    frame(sums) {
      const fields = resource.withChecksums?.(metadata, sums) ?? metadata;
      return multipartFrame(fields, contentType, boundary);
    },
  };
}

/** What occurs in no data: random bits. `crypto.randomUUID`, which is faster, is missing in pages without https. */
function newBoundary(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const random = crypto.getRandomValues(new Uint8Array(16));
  return [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The body of the request, whose `Content-Type` is set in `headers`. Its length is known. */
export function framedBody(
  { body }: Part,
  framing: Framing,
  sums: Checksums,
  headers: Headers,
): Bytes | Blob | PieceBody {
  const { contentType, head, tail } = framing.frame(sums);
  headers.set("content-type", contentType);
  if (!head || !tail) return body;
  if (body instanceof Blob) return new Blob([head, body, tail]);
  if ("next" in body) return framedPieces(head, body, tail);
  return concat([head, body, tail]);
}

function framedPieces(head: Bytes, body: PieceBody, tail: Bytes): PieceBody {
  let at: "head" | "body" | "end" = "head";
  return {
    size: head.length + body.size + tail.length,
    async next() {
      if (at === "head") {
        at = "body";
        return head;
      }
      if (at === "end") return undefined;
      const piece = await body.next();
      if (piece) return piece;
      at = "end";
      return tail;
    },
  };
}
