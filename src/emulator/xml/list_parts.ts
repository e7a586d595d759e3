/**
 * The list of a multipart upload's parts.
 *
 * @module
 */

import { invalid, isRefusal, type Refusal, refuse } from "../emulator_replies.ts";
import type { MultipartUpload } from "../storage/xml_multipart_upload.ts";
import { xmlReply } from "./xml_replies.ts";
import { document, type XmlChild } from "./write.ts";

/** The longest page. */
export const LONGEST_PAGE = 1000;

/** Serves `GET /{bucket}/{object}?uploadId=…`. */
export function listParts(upload: MultipartUpload, query: URLSearchParams): Response {
  const max = countOf(query, "max-parts", LONGEST_PAGE);
  if (isRefusal(max)) return refuse(max, "xml");
  const after = countOf(query, "part-number-marker", 0);
  if (isRefusal(after)) return refuse(after, "xml");
  const later = upload.parts.filter(({ number }) => number > after.value);
  const page = later.slice(0, Math.min(max.value, LONGEST_PAGE));
  const { bucket, name, fields } = upload.spec;
  return xmlReply(document("ListPartsResult", [
    ["Bucket", bucket],
    ["Key", name],
    ["UploadId", upload.id],
    ["StorageClass", fields.storageClass ?? "STANDARD"],
    ["PartNumberMarker", after.value],
    ["NextPartNumberMarker", page.at(-1)?.number ?? after.value],
    ["MaxParts", max.value],
    ["IsTruncated", String(page.length < later.length)],
    ...page.map(({ number, modified, etag, size }): XmlChild => ["Part", [
      ["PartNumber", number],
      ["LastModified", new Date(modified).toISOString()],
      ["ETag", etag],
      ["Size", size],
    ]]),
  ]));
}

/** Reads a number from the query. An object, since a refusal is one. */
export function countOf(
  query: URLSearchParams,
  name: string,
  otherwise: number,
): { readonly value: number } | Refusal {
  const text = query.get(name);
  if (text === null || text === "") return { value: otherwise };
  if (/^\d{1,9}$/.test(text)) return { value: Number(text) };
  return { ...invalid(`Invalid value for ${name}: ${text}`), xmlMessage: "Invalid argument." };
}
