/**
 * The list of a bucket's unfinished multipart uploads.
 *
 * @module
 */

import { invalid, isRefusal, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import type { MultipartUpload } from "../storage/xml_multipart_upload.ts";
import { compare } from "../storage/store.ts";
import { countOf, LONGEST_PAGE } from "./list_parts.ts";
import { xmlReply } from "./xml_replies.ts";
import { document, type XmlChild } from "./write.ts";

/** An upload, or a prefix that stands for all uploads below it. */
interface Entry {
  readonly key: string;
  readonly upload: MultipartUpload | null;
}

/** Serves `GET /{bucket}?uploads`. */
export function listUploads(service: Service, bucket: string, { incoming }: Exchange): Response {
  const query = incoming.url.searchParams;
  const max = countOf(query, "max-uploads", LONGEST_PAGE);
  if (isRefusal(max)) return refuse(max, "xml");
  const encoding = query.get("encoding-type");
  if (encoding !== null && encoding !== "url") {
    return refuse(invalid(`Invalid value for encoding-type: ${encoding}`), "xml");
  }
  const [prefix, delimiter, keyMarker, idMarker] = [
    "prefix",
    "delimiter",
    "key-marker",
    "upload-id-marker",
  ].map((name) => query.get(name) ?? "");
  const entries = grouped(service.multipartUploads.inBucket(bucket), prefix, delimiter);
  const later = entriesAfter(entries, keyMarker, idMarker);
  const page = later.slice(0, Math.min(max.value, LONGEST_PAGE));
  const isTruncated = page.length < later.length;
  const last = page.at(-1);
  const shown = (text: string) => encoding === null ? text : encodeURIComponent(text);
  return xmlReply(document("ListMultipartUploadsResult", [
    ["Bucket", bucket],
    ["KeyMarker", shown(keyMarker)],
    ["UploadIdMarker", idMarker],
    ...(isTruncated && last ? nextMarkers(last, shown) : []),
    ["MaxUploads", max.value],
    ...(delimiter === "" ? [] : [["Delimiter", shown(delimiter)] as const]),
    ...(prefix === "" ? [] : [["Prefix", shown(prefix)] as const]),
    ...(encoding === null ? [] : [["EncodingType", encoding] as const]),
    ["IsTruncated", String(isTruncated)],
    ...page.flatMap((entry) => entry.upload ? [uploadElement(entry.upload, shown)] : []),
    ...page.flatMap(({ key, upload }): XmlChild[] =>
      upload ? [] : [["CommonPrefixes", [["Prefix", shown(key)]]]]
    ),
  ]));
}

function nextMarkers(last: Entry, shown: (text: string) => string): XmlChild[] {
  return [["NextKeyMarker", shown(last.key)], ["NextUploadIdMarker", last.upload?.id ?? ""]];
}

function uploadElement({ id, spec, started }: MultipartUpload, shown: (key: string) => string) {
  return ["Upload", [
    ["Key", shown(spec.name)],
    ["UploadId", id],
    ["StorageClass", spec.fields.storageClass ?? "STANDARD"],
    ["Initiated", new Date(started).toISOString()],
  ]] satisfies XmlChild;
}

/** By key, and those of one key in the order of their start. */
function grouped(
  uploads: readonly MultipartUpload[],
  prefix: string,
  delimiter: string,
): Entry[] {
  const entries: Entry[] = [];
  const prefixes = new Set<string>();
  for (const upload of uploads) {
    const { name } = upload.spec;
    if (!name.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    if (at < 0) entries.push({ key: name, upload });
    else prefixes.add(name.slice(0, at + delimiter.length));
  }
  for (const key of prefixes) entries.push({ key, upload: null });
  return entries.sort((a, b) => compare(a.key, b.key));
}

/** What follows the markers. Without an id, all uploads of the marked key are passed. */
function entriesAfter(entries: Entry[], keyMarker: string, idMarker: string): Entry[] {
  if (keyMarker === "") return entries;
  const marked = idMarker === ""
    ? -1
    : entries.findIndex(({ key, upload }) => key === keyMarker && upload?.id === idMarker);
  if (marked >= 0) return entries.slice(marked + 1);
  return entries.filter(({ key }) => compare(key, keyMarker) > 0);
}
