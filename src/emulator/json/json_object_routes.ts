/**
 * Requests about objects: metadata, bytes, lists, removal.
 *
 * @module
 */

import { base64 } from "../storage/checksums.ts";
import type { EmulatedObject } from "../storage/object.ts";
import { queryPreconditions } from "../storage/preconditions.ts";
import {
  emptyReply,
  type ErrorForm,
  invalidParameter,
  isRefusal,
  NO_CACHE,
  notFound,
  type Refusal,
  refuse,
  reply,
} from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { objectReply, readView, seen, viewReply } from "./json_view.ts";
import { objectHeaders } from "../xml/xml_replies.ts";

/** Serves `GET /storage/v1/b/{bucket}/o/{object}` and its `alt=media`. */
export function getObject(
  service: Service,
  bucket: string,
  name: string,
  exchange: Exchange,
): Response {
  const { url, headers } = exchange.incoming;
  const media = url.searchParams.get("alt") === "media";
  const object = liveObject(service, bucket, name, url.searchParams);
  if (isRefusal(object)) {
    return media && object.code === 404
      ? reply(404, "text/html; charset=UTF-8", object.message)
      : refuse(object);
  }
  if (media) return mediaReply(object, headers.get("range"), "json");
  const view = readView(url.searchParams);
  return isRefusal(view) ? refuse(view) : objectReply(object, view);
}

/** Serves `DELETE /storage/v1/b/{bucket}/o/{object}`. */
export function deleteObject(
  service: Service,
  bucket: string,
  name: string,
  exchange: Exchange,
): Response {
  const object = liveObject(service, bucket, name, exchange.incoming.url.searchParams);
  if (isRefusal(object)) return refuse(object);
  service.store.delete(bucket, name);
  return new Response(null, {
    status: 204,
    headers: { ...NO_CACHE, "content-type": "application/json" },
  });
}

/** Serves `GET /{bucket}/{object}` of the XML API. */
export function getXmlObject(
  service: Service,
  bucket: string,
  name: string,
  exchange: Exchange,
): Response {
  const object = service.store.get(bucket, name);
  return object
    ? mediaReply(object, exchange.incoming.headers.get("range"), "xml")
    : refuse(notFound("The specified key does not exist.", "NoSuchKey"), "xml");
}

/** Serves `GET /storage/v1/b/{bucket}/o`. */
export function listObjects(service: Service, bucket: string, exchange: Exchange): Response {
  const query = exchange.incoming.url.searchParams;
  const view = readView(query);
  if (isRefusal(view)) return refuse(view);
  const max = Number(query.get("maxResults") ?? 1000);
  if (!Number.isInteger(max) || max < 0) {
    return refuse(invalidParameter("maxResults", "Invalid value for maxResults"));
  }
  const after = readToken(query.get("pageToken"));
  if (after === null) return refuse(invalidParameter("pageToken", "Invalid page token"));
  const entries = grouped(service.store.list(bucket), query);
  const start = after === "" ? 0 : entries.findIndex(([key]) => key === after) + 1;
  const page = entries.slice(start, start + Math.min(max || 1000, 1000));
  const items = page.flatMap(([, object]) => object ? [seen(object, view)] : []);
  const prefixes = page.flatMap(([key, object]) => object ? [] : [key]);
  const more = start + page.length < entries.length;
  return viewReply({
    kind: "storage#objects",
    ...(more && { nextPageToken: writeToken(page[page.length - 1][0]) }),
    ...(prefixes.length > 0 && { prefixes }),
    ...(items.length > 0 && { items }),
  }, view);
}

type Entry = readonly [key: string, object: EmulatedObject | null];

/** The objects under a prefix; those with a delimiter after it become one entry without an object. */
function grouped(objects: readonly EmulatedObject[], query: URLSearchParams): Entry[] {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const entries = new Map<string, EmulatedObject | null>();
  for (const object of objects) {
    if (!object.name.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : object.name.indexOf(delimiter, prefix.length);
    if (at < 0) entries.set(object.name, object);
    else entries.set(object.name.slice(0, at + delimiter.length), null);
  }
  return [...entries];
}

function writeToken(key: string): string {
  return base64(new TextEncoder().encode(key));
}

function readToken(token: string | null): string | null {
  if (token === null) return "";
  try {
    const bytes = Uint8Array.from(atob(token), (c) => c.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The live object that a request is about, if it is as the request wants it. */
export function liveObject(
  service: Service,
  bucket: string,
  name: string,
  query: URLSearchParams,
): EmulatedObject | Refusal {
  const object = service.store.get(bucket, name);
  const generation = query.get("generation");
  if (!object || (generation !== null && generation !== object.generation)) {
    return notFound(`No such object: ${bucket}/${name}`, "NoSuchKey");
  }
  const conditions = queryPreconditions(query);
  if (isRefusal(conditions)) return conditions;
  return service.store.check(bucket, name, conditions) ?? object;
}

function mediaReply(object: EmulatedObject, rangeHeader: string | null, form: ErrorForm): Response {
  const { bytes, resource } = object;
  if (!bytes) return refuse(discarded(object), form);
  const headers: Record<string, string> = {
    ...objectHeaders(object),
    "accept-ranges": "bytes",
    "content-disposition": resource.contentDisposition ?? "attachment",
    "content-type": resource.contentType,
    "etag": form === "xml" ? object.xmlEtag : resource.etag,
    "last-modified": new Date(resource.updated).toUTCString(),
  };
  if (resource.contentEncoding) headers["content-encoding"] = resource.contentEncoding;
  if (resource.contentLanguage) headers["content-language"] = resource.contentLanguage;
  if (resource.cacheControl) headers["cache-control"] = resource.cacheControl;
  const range = readRange(rangeHeader, bytes.length);
  if (range === null) {
    headers["content-length"] = String(bytes.length);
    return new Response(bytes, { headers });
  }
  const [start, end] = range;
  if (start >= end) {
    return emptyReply(416, "text/html; charset=UTF-8", {
      "content-range": `bytes */${bytes.length}`,
    });
  }
  headers["content-range"] = `bytes ${start}-${end - 1}/${bytes.length}`;
  headers["content-length"] = String(end - start);
  return new Response(bytes.slice(start, end), { status: 206, headers });
}

function discarded({ bucket, name }: EmulatedObject): Refusal {
  return {
    code: 501,
    reason: "notImplemented",
    message: `The bytes of ${bucket}/${name} were not kept: the emulator has store: "discard".`,
    xmlCode: "NotImplemented",
  };
}

/** Start and end of one byte range; `null` for the whole object, an empty range if it cannot be. */
function readRange(header: string | null, size: number): [start: number, end: number] | null {
  const match = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/.exec(header ?? "");
  if (!match) return null;
  if (match[3] !== undefined) return [Math.max(0, size - Number(match[3])), size];
  const start = Number(match[1]);
  const end = match[2] === "" ? size : Math.min(size, Number(match[2]) + 1);
  return match[2] !== "" && Number(match[2]) < start ? null : [start, end];
}
