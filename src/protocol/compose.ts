/** Composing an object of others: the requests, the replies, and in which order many become one. */

import { jsonObjectsUrl, jsonObjectUrl, type ObjectLocation } from "./object_url.ts";
import { readRefusal, type Refusal } from "./refusal.ts";
import type { ReplyHead } from "./reply.ts";
import { objectSize } from "./resources/storage_object.ts";
import type { ObjectMetadata } from "./resources/storage_object.ts";
import type { RequestHead } from "./upload_protocol.ts";
import { withParameter } from "./upload_url.ts";

/** The most objects that one request composes. */
export const MAX_SOURCES = 32;

/** An object that others are composed of. */
export interface ComposeSource {
  readonly name: string;
  readonly generation: string;
}

/** What is composed of what. */
export interface Composition {
  readonly location: ObjectLocation;
  readonly sources: readonly ComposeSource[];
  readonly destination: ObjectMetadata;
  /** Parameters of the request. */
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Headers;
}

/** Composes an object, and deletes what it was composed of. */
export function composeRequest(
  { location, sources, destination, query, headers: baseHeaders }: Composition,
): RequestHead & { readonly body: string } {
  const headers = new Headers(baseHeaders);
  headers.set("content-type", "application/json");
  const url = Object.entries(query).reduce(
    (url, [name, value]) => withParameter(url, name, value),
    `${jsonObjectUrl(location)}/compose`,
  );
  const body = JSON.stringify({
    sourceObjects: sources.map(({ name, generation }) => ({ name, generation })),
    destination,
    deleteSourceObjects: true,
  });
  return { method: "POST", url, headers, body };
}

/** An object as a listing has it. */
export interface ListedObject {
  readonly name: string;
  readonly generation: string;
  readonly size: number;
  readonly crc32c: string | undefined;
}

/** Some of the objects below a prefix. */
export interface ObjectsListed {
  readonly kind: "listed";
  readonly objects: readonly ListedObject[];
  /** The token of the next page; `undefined` for the last one. */
  readonly next: string | undefined;
}

/** Asks for the objects below a prefix. */
export function listObjectsRequest(
  bucket: Omit<ObjectLocation, "name">,
  prefix: string,
  headers: Headers,
  page?: string,
): RequestHead {
  let url = withParameter(jsonObjectsUrl(bucket), "prefix", prefix);
  url = withParameter(url, "fields", "nextPageToken,items(name,generation,size,crc32c)");
  if (page !== undefined) url = withParameter(url, "pageToken", page);
  return { method: "GET", url, headers };
}

/** Reads a page of objects. */
export function readObjects(reply: ReplyHead): ObjectsListed | Refusal {
  if (reply.status !== 200) return readRefusal(reply);
  const malformed: Refusal = { kind: "malformed", problem: "expected a list of objects" };
  let value: { items?: unknown; nextPageToken?: unknown };
  try {
    value = JSON.parse(reply.text);
  } catch {
    return malformed;
  }
  const items = value?.items ?? [];
  if (typeof value !== "object" || value === null || !Array.isArray(items)) return malformed;
  const objects: ListedObject[] = [];
  for (const item of items) {
    const { name, generation, size, crc32c } = item ?? {};
    const bytes = objectSize(size);
    if (typeof name !== "string" || bytes === undefined) return malformed;
    const sum = typeof crc32c === "string" ? crc32c : undefined;
    objects.push({ name, generation: String(generation), size: bytes, crc32c: sum });
  }
  const token = value.nextPageToken;
  return { kind: "listed", objects, next: typeof token === "string" && token ? token : undefined };
}

/** Deletes an object; with its generation nothing but that, whoever has made another one meanwhile. */
export function deleteRequest(
  location: ObjectLocation,
  headers: Headers,
  generation?: string,
): RequestHead {
  const url = jsonObjectUrl(location);
  return {
    method: "DELETE",
    url: generation === undefined ? url : withParameter(url, "generation", generation),
    headers,
  };
}

/** Reads the reply to a deletion: what is gone already is deleted. */
export function readDeleted(reply: ReplyHead): { readonly kind: "deleted" } | Refusal {
  return [200, 204, 404, 410].includes(reply.status) ? { kind: "deleted" } : readRefusal(reply);
}

/** Neighbours, in groups that one request can compose; a group of one needs none. */
export function composeGroups<T>(all: readonly T[]): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (let at = 0; at < all.length; at += MAX_SOURCES) {
    groups.push(all.slice(at, at + MAX_SOURCES));
  }
  return groups;
}
