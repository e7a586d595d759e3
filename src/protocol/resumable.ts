/** The requests of a resumable upload, as values; nothing is sent here. */

import { contentRange } from "./content_range.ts";
import type { ObjectMetadata } from "./metadata.ts";

/** A request that is ready to be sent. */
export interface RequestSpec {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | Blob | null;
}

/** What starts an upload. */
export interface InitiateInput {
  readonly url: string;
  readonly headers: Headers;
  readonly metadata: ObjectMetadata;
  readonly contentType: string;
  readonly total: number | undefined;
}

/** Asks for a new session. */
export function initiateRequest(
  { url, headers: given, metadata, contentType, total }: InitiateInput,
): RequestSpec {
  const headers = new Headers(given);
  const signedHeaders = signedHeadersOf(url);
  if (signedHeaders) {
    // The XML API, to which signed URLs belong, takes the object's own type here, and the start header as it was signed.
    headers.set("content-type", contentType);
    if (signedHeaders.includes("x-goog-resumable")) headers.set("x-goog-resumable", "start");
  } else {
    headers.set("content-type", "application/json; charset=UTF-8");
    headers.set("x-upload-content-type", contentType);
  }
  if (total !== undefined) headers.set("x-upload-content-length", String(total));
  const bare = signedHeaders !== undefined && Object.keys(metadata).length === 0;
  return {
    method: "POST",
    url,
    headers,
    body: new TextEncoder().encode(bare ? "" : JSON.stringify(metadata)),
  };
}

/** The names of the headers that a signed URL covers; `undefined` for a URL that is not signed. */
function signedHeadersOf(url: string): string[] | undefined {
  const query = new Map(
    [...new URL(url).searchParams].map(([name, value]) => [name.toLowerCase(), value]),
  );
  if (!query.has("x-goog-signature")) return undefined;
  return (query.get("x-goog-signedheaders") ?? "").toLowerCase().split(";");
}

/** A piece of the upload; without bytes, and with a total, it finishes what is stored already. */
export interface ChunkInput {
  readonly url: string;
  readonly headers: Headers;
  readonly contentType: string;
  /** Where the bytes belong. */
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The size of the whole, when it is known. */
  readonly total: number | undefined;
  /** `x-goog-hash`, on the last request only. */
  readonly hash: string | undefined;
}

/** Sends a piece. */
export function chunkRequest(
  { url, headers: given, contentType, offset, bytes, total, hash }: ChunkInput,
): RequestSpec {
  const headers = new Headers(given);
  headers.set("content-type", contentType);
  headers.set("content-range", contentRange(offset, offset + bytes.length, total));
  if (hash !== undefined) headers.set("x-goog-hash", hash);
  return { method: "PUT", url, headers, body: bytes };
}

/** Asks how much of a session is stored. Unlike a total, `*` never finishes anything. */
export function statusRequest(url: string, given: Headers): RequestSpec {
  const headers = new Headers(given);
  headers.set("content-range", contentRange(0, 0, undefined));
  return { method: "PUT", url, headers, body: new Uint8Array(0) };
}

/** Gives up a session and what it stores. */
export function cancelRequest(url: string, headers: Headers): RequestSpec {
  return { method: "DELETE", url, headers: new Headers(headers), body: null };
}
