/** Which resource a URL stands for where the caller says none. */

import type { Resource } from "../resource.ts";
import { isStorageStart, signatureOf } from "../upload_url.ts";
import { anything } from "./anything.ts";
import { storageObject } from "./storage_object.ts";

/** Objects of the XML API: what sessions of signed URLs are. */
const XML_API = /^https:\/\/(?:[^/?#]+\.)?storage\.googleapis\.com\/(?!upload\/|resumable\/)/;

/**
 * Cloud Storage's object for its URLs and for signed URLs, else whatever the server answers. `T` is what the caller takes
 * that for.
 */
export function defaultResource<T>(url: string): Resource<T> {
  const isStorage = signatureOf(url) !== undefined || isStorageStart(url) ||
    XML_API.test(url);
  return (isStorage ? storageObject : anything) as unknown as Resource<T>;
}
