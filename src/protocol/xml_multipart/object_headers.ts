/** An object's metadata as headers, which is how the XML API takes them. */

import type { ObjectMetadata } from "../resources/storage_object.ts";

/** Fields of the resource with a header of their own. */
const HEADERS: Readonly<Record<string, string>> = {
  cacheControl: "cache-control",
  contentDisposition: "content-disposition",
  contentEncoding: "content-encoding",
  contentLanguage: "content-language",
  customTime: "x-goog-custom-time",
  storageClass: "x-goog-storage-class",
};

/** Fields that go another way: in the request itself, or by being compared. */
const ELSEWHERE = ["bucket", "contentType", "crc32c", "name"];

/** What can be written in a header as it is: printable ASCII without blanks around it. */
const VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;

/** A key of the user's own metadata that a header carries as it is: names of headers are in lower case. */
const KEY = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/**
 * Metadata as headers.
 *
 * @throws {TypeError} a field that headers cannot carry: it would be lost, or become another
 */
export function objectHeaders(metadata: ObjectMetadata): Headers {
  const headers = new Headers();
  for (const [field, value] of Object.entries(metadata)) {
    if (value === undefined || ELSEWHERE.includes(field)) continue;
    if (field === "metadata") addOwn(headers, value);
    else if (HEADERS[field] === undefined) throw notCarried(`metadata.${field}`, "none");
    else headers.set(HEADERS[field], valueOf(value, `metadata.${field}`));
  }
  return headers;
}

function addOwn(headers: Headers, own: unknown): void {
  if (typeof own !== "object" || own === null) {
    throw new TypeError(`metadata.metadata: expected an object, got ${typeof own}`);
  }
  for (const [key, value] of Object.entries(own)) {
    if (value === undefined) continue;
    if (!KEY.test(key)) throw notCarried(`metadata.metadata: ${JSON.stringify(key)}`, "lower case");
    headers.set(`x-goog-meta-${key}`, valueOf(value, `metadata.metadata.${key}`));
  }
}

function valueOf(value: unknown, name: string): string {
  if (typeof value === "string" && VALUE.test(value)) return value;
  throw notCarried(name, "printable ASCII without blanks at its ends");
}

function notCarried(name: string, expected: string): TypeError {
  return new TypeError(
    `${name}: expected ${expected}, which is what the headers of an XML multipart upload can carry; ` +
      'with `via: "compose"` it is sent as JSON',
  );
}
