/**
 * Replies of the XML API; objects are shown in headers.
 *
 * @module
 */

import type { EmulatedObject } from "../storage/object.ts";
import { emptyReply, NO_CACHE, reply } from "../emulator_replies.ts";

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
    etag: object.xmlEtag,
  });
}

/** A reply in XML from the service that lists. */
export function xmlReply(document: string): Response {
  return reply(200, "application/xml; charset=UTF-8", document, NO_CACHE);
}

/**
 * A reply in XML from the service that takes uploads, which calls everything it says HTML. It is deduced: Google's client for
 * Node reads the id of an upload from nothing but `text/*`.
 */
export function uploadReply(
  document: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return reply(200, "text/html; charset=UTF-8", document, { ...NO_CACHE, ...headers });
}
