/** Where objects are, in the JSON API and in the XML API. */

import { isBucketName, uploadUrl } from "./upload_url.ts";

/** An object, by the API's origin (perhaps with a path before the API's own), its bucket and its name. */
export interface ObjectLocation {
  readonly endpoint: string;
  readonly bucket: string;
  readonly name: string;
}

/** The URL of an object in the XML API, path style; its slashes stay, but where a URL would resolve what is between them. */
export function xmlObjectUrl({ endpoint, bucket, name }: ObjectLocation): string {
  uploadUrl(endpoint, bucket, name); // checks both names
  const encoded = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const isResolved = name.split("/").some((segment) => /^\.{1,2}$/.test(segment));
  const path = isResolved ? encoded : encoded.replaceAll("%2F", "/");
  return `${base(endpoint)}/${bucket}/${path}`;
}

/** The URL of an object in the JSON API. */
export function jsonObjectUrl({ endpoint, bucket, name }: ObjectLocation): string {
  return `${jsonObjectsUrl({ endpoint, bucket })}/${encodeURIComponent(name)}`;
}

/** The URL of the objects of a bucket in the JSON API. */
export function jsonObjectsUrl({ endpoint, bucket }: Omit<ObjectLocation, "name">): string {
  return `${base(endpoint)}/storage/v1/b/${bucket}/o`;
}

/** The object that a URL of the XML API names, path style; `undefined` for another URL. */
export function locationOfXmlUrl(url: string): ObjectLocation | undefined {
  const { origin, pathname } = new URL(url);
  const match = /^\/([^/]+)\/(.+)$/.exec(pathname);
  if (!match || !isBucketName(match[1])) return undefined;
  try {
    return { endpoint: origin, bucket: match[1], name: decodeURIComponent(match[2]) };
  } catch {
    return undefined;
  }
}

function base(endpoint: string): string {
  return endpoint.replace(/\/+$/, "");
}
