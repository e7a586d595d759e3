/** The requests of a session that speaks of bytes by `Content-Range`, as values; nothing is sent here. */

import type { ChunkInput, RequestHead, StartInput } from "../upload_protocol.ts";
import { signatureOf } from "../upload_url.ts";
import { contentRange } from "./ranges.ts";

/** Asks for a new session. */
export function startRequest(
  { method, url, headers: baseHeaders, metadata, contentType, total }: StartInput,
): RequestHead {
  const headers = new Headers(baseHeaders);
  const signature = signatureOf(url);
  if (signature) {
    // The XML API, to which signed URLs belong, takes the object's own type here, and the start header as it was signed.
    headers.set("content-type", contentType);
    headers.set("x-goog-resumable", "start");
  } else {
    if (metadata !== undefined) headers.set("content-type", "application/json; charset=UTF-8");
    headers.set("x-upload-content-type", contentType);
  }
  if (total !== undefined) headers.set("x-upload-content-length", String(total));
  return { method, url, headers };
}

/** Sends a piece. */
export function chunkRequest(
  { url, headers: baseHeaders, contentType, offset, size, total, hash }: ChunkInput,
): RequestHead {
  const headers = new Headers(baseHeaders);
  headers.set("content-type", contentType);
  headers.set("content-range", contentRange(offset, offset + size, total));
  if (hash !== undefined) headers.set("x-goog-hash", hash);
  return { method: "PUT", url, headers };
}

/** Asks how much of a session is stored. Unlike a total, `*` never finishes anything. */
export function statusRequest(url: string, baseHeaders: Headers): RequestHead {
  const headers = new Headers(baseHeaders);
  headers.set("content-range", contentRange(0, 0, undefined));
  return { method: "PUT", url, headers };
}

/** Gives up a session and what it stores. */
export function cancelRequest(url: string, headers: Headers): RequestHead {
  return { method: "DELETE", url, headers: new Headers(headers) };
}
