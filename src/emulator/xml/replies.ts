/**
 * Objects as the XML API shows them: in headers.
 *
 * @module
 */

import { hex } from "../storage/checksums.ts";
import type { EmulatedObject } from "../storage/object.ts";
import { emptyReply, NO_CACHE } from "../replies.ts";

/** The headers that both APIs send along with an object's bytes. */
export function objectHeaders(object: EmulatedObject): Record<string, string> {
  const { resource } = object;
  const hashes = [`crc32c=${object.crc32c}`];
  if (object.md5Hash !== undefined) hashes.push(`md5=${object.md5Hash}`);
  return {
    "x-goog-generation": object.generation,
    "x-goog-metageneration": object.metageneration,
    "x-goog-hash": hashes.join(","),
    "x-goog-storage-class": resource.storageClass,
    "x-goog-stored-content-encoding": resource.contentEncoding ?? "identity",
    "x-goog-stored-content-length": String(object.size),
  };
}

/** The reply to the request that finished an upload through the XML API. */
export function xmlObjectReply(object: EmulatedObject): Response {
  return emptyReply(200, "text/html; charset=UTF-8", {
    ...NO_CACHE,
    ...objectHeaders(object),
    etag: xmlEtag(object),
  });
}

/** In the XML API the entity tag is the MD5, or anything opaque without it. */
export function xmlEtag(object: EmulatedObject): string {
  if (object.md5Hash === undefined) return `"${object.resource.etag}"`;
  return `"${hex(Uint8Array.from(atob(object.md5Hash), (c) => c.charCodeAt(0)))}"`;
}
