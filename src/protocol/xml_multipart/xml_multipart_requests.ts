/** The requests of an XML multipart upload: initiate, upload a part, list the parts, complete, abort. */

import { type Checksums, formatHashes } from "../hashes.ts";
import type { RequestHead } from "../upload_protocol.ts";
import { withParameter } from "../upload_url.ts";
import { escapeXml } from "./xml.ts";

/** A part as the request to complete an upload names it. */
export interface CompletedPart {
  /** From 1 to 10,000. */
  readonly number: number;
  /** As the server gave it, with its quotes. */
  readonly etag: string;
}

/** An upload that was initiated. */
export interface MultipartUploadId {
  /** The URL of the object in the XML API, without a query of the upload. */
  readonly objectUrl: string;
  readonly uploadId: string;
}

/** Starts an upload; the headers carry the metadata of the object. */
export function initiateRequest(
  objectUrl: string,
  contentType: string,
  baseHeaders: Headers,
): RequestHead {
  const headers = new Headers(baseHeaders);
  headers.set("content-type", contentType);
  return { method: "POST", url: withFlag(objectUrl, "uploads"), headers };
}

/** Stores a part, in place of one with the same number. */
export function partRequest(
  upload: MultipartUploadId,
  number: number,
  baseHeaders: Headers,
  sums: Checksums = {},
): RequestHead {
  const headers = new Headers(baseHeaders);
  const hash = formatHashes(sums);
  if (hash !== undefined) headers.set("x-goog-hash", hash);
  const url = withParameter(upload.objectUrl, "partNumber", String(number));
  return { method: "PUT", url: withParameter(url, "uploadId", upload.uploadId), headers };
}

/** Asks which parts are stored behind that number, so many at the most. */
export function listPartsRequest(
  upload: MultipartUploadId,
  headers: Headers,
  { after = 0, max }: { readonly after?: number | undefined; readonly max?: number | undefined } =
    {},
): RequestHead {
  let url = uploadUrlOf(upload);
  if (max !== undefined) url = withParameter(url, "max-parts", String(max));
  if (after > 0) url = withParameter(url, "part-number-marker", String(after));
  return { method: "GET", url, headers };
}

/** Makes the object of the parts, in the order of their numbers. */
export function completeRequest(
  upload: MultipartUploadId,
  parts: readonly CompletedPart[],
  baseHeaders: Headers,
): RequestHead & { readonly body: string } {
  const headers = new Headers(baseHeaders);
  headers.set("content-type", "application/xml");
  const listed = [...parts].sort((a, b) => a.number - b.number).map(({ number, etag }) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`
  );
  const body = `<CompleteMultipartUpload>${listed.join("")}</CompleteMultipartUpload>`;
  return { method: "POST", url: uploadUrlOf(upload), headers, body };
}

/** Ends an upload and removes its parts. */
export function abortRequest(upload: MultipartUploadId, headers: Headers): RequestHead {
  return { method: "DELETE", url: uploadUrlOf(upload), headers };
}

function uploadUrlOf({ objectUrl, uploadId }: MultipartUploadId): string {
  return withParameter(objectUrl, "uploadId", uploadId);
}

/** `?uploads`, without a value: with one, signatures of some servers differ. */
function withFlag(url: string, name: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${name}`;
}
