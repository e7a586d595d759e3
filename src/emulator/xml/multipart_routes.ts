/**
 * Multipart uploads through the XML API: their start, their parts, their end.
 *
 * @module
 */

import { base64 } from "../storage/checksums.ts";
import { Content } from "../storage/content.ts";
import {
  joinedTag,
  LARGEST_PART,
  makePart,
  MAX_PARTS,
  type MultipartUpload,
  type Part,
  SMALLEST_PART,
} from "../storage/xml_multipart_upload.ts";
import { MAX_OBJECT_SIZE, xmlSpec } from "../storage/spec.ts";
import {
  emptyReply,
  invalid,
  isRefusal,
  methodNotAllowed,
  NO_CACHE,
  notFound,
  type Refusal,
  refuse,
  reply,
} from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { type NamedPart, readCompleteBody, unquoted } from "./complete_body.ts";
import { checksumProblem, framingProblem } from "./body_headers.ts";
import { listParts } from "./list_parts.ts";
import { uploadReply } from "./xml_replies.ts";
import { document } from "./write.ts";

/** The object that a request is about. */
export interface XmlObject {
  readonly bucket: string;
  readonly name: string;
}

const HTML = "text/html; charset=UTF-8";

/** Whether the query is that of a multipart upload's start, or of a request on one. */
export function isMultipartUpload({ searchParams }: URL): boolean {
  return searchParams.has("uploads") || searchParams.has("uploadId");
}

/** Serves `/{bucket}/{object}` with `?uploads` or `?uploadId=…`. */
export async function serveMultipartUpload(
  service: Service,
  object: XmlObject,
  exchange: Exchange,
): Promise<Response> {
  const { method, url, body } = exchange.incoming;
  const id = url.searchParams.get("uploadId");
  if (id === null) {
    await body.drain();
    return method === "POST"
      ? initiate(service, object, exchange)
      : refuse(methodNotAllowed(), "xml");
  }
  const find = () => service.multipartUploads.open(object.bucket, object.name, id);
  if (exchange.expire) find()?.end("lost");
  const upload = find();
  if (method === "PUT" && upload) return uploadPart(service, upload, exchange);
  if (method === "POST" && upload) return complete(service, upload, exchange);
  await body.drain();
  if (!["PUT", "POST", "GET", "DELETE"].includes(method)) return refuse(methodNotAllowed(), "xml");
  if (!upload) return refuse(NO_SUCH_UPLOAD, "xml");
  if (method === "GET") return listParts(upload, url.searchParams);
  upload.end("aborted");
  return new Response(null, { status: 204, headers: { ...NO_CACHE, "content-type": HTML } });
}

const NO_SUCH_UPLOAD: Refusal = notFound("The requested upload was not found.", "NoSuchUpload");

/** Preconditions are not supported for these uploads: here they hold whatever they say. */
function initiate(service: Service, { bucket, name }: XmlObject, exchange: Exchange): Response {
  const { url, headers, body } = exchange.incoming;
  if (body.received > 0) {
    return refuse(invalid("The start of a multipart upload must have no body."), "xml");
  }
  const { origin } = exchange;
  const target = { bucket, query: url.searchParams, headers, origin, size: null };
  const spec = xmlSpec(target, name);
  if (isRefusal(spec)) return refuse(spec, "xml");
  const upload = service.multipartUploads.start(spec, service.settings.now());
  return uploadReply(document("InitiateMultipartUploadResult", [
    ["Bucket", bucket],
    ["Key", name],
    ["UploadId", upload.id],
  ]));
}

async function uploadPart(
  service: Service,
  upload: MultipartUpload,
  { incoming, corrupt }: Exchange,
): Promise<Response> {
  const { url, headers, body } = incoming;
  const { settings } = service;
  const number = partNumberOf(url.searchParams.get("partNumber") ?? "");
  if (body.length === null && !settings.chunkedParts) {
    body.cancel();
    return reply(411, HTML, "PUT requests require a Content-length header.");
  }
  const tooLong = body.length !== null && body.length > LARGEST_PART;
  const problem = partNumberProblem(number) ?? framingProblem(headers);
  if (problem || tooLong) {
    // Nobody sends 5 GiB to learn that they are too many.
    tooLong ? body.cancel() : await body.drain();
    return refuse(problem ?? tooLarge("A part", LARGEST_PART), "xml");
  }
  const content = await service.newContent();
  if (corrupt) content.flipNextBit();
  for await (const piece of body.pieces()) {
    if (content.size <= LARGEST_PART) content.append(piece);
  }
  if (content.size > LARGEST_PART) return refuse(tooLarge("A part", LARGEST_PART), "xml");
  const mismatch = checksumProblem(headers, content);
  if (mismatch) return refuse(mismatch, "xml");
  if (upload.phase !== "open") return refuse(NO_SUCH_UPLOAD, "xml");
  const part = makePart(number, content, settings.now());
  upload.keep(part);
  const md5 = content.md5();
  const hashes = [`crc32c=${part.crc32c}`, ...(md5 ? [`md5=${base64(md5)}`] : [])];
  return emptyReply(200, HTML, {
    ...NO_CACHE,
    "etag": part.etag,
    "x-goog-hash": hashes.join(","),
  });
}

/** A part's number, or 0 for what is none. */
function partNumberOf(text: string): number {
  return /^\d{1,5}$/.test(text) && Number(text) <= MAX_PARTS ? Number(text) : 0;
}

function partNumberProblem(number: number): Refusal | null {
  if (number > 0) return null;
  const details = `The part number must be an integer from 1 to ${MAX_PARTS}.`;
  return { ...invalid(details), xmlMessage: "Invalid argument." };
}

async function complete(
  service: Service,
  upload: MultipartUpload,
  { incoming, origin }: Exchange,
): Promise<Response> {
  const bytes = await incoming.body.bytes();
  const [body, tag] = await Promise.all([service.newHashes(), service.newHashes()]);
  body.append(bytes);
  const mismatch = checksumProblem(incoming.headers, body);
  if (mismatch) return refuse(mismatch, "xml");
  // Another request may have ended it while the body came.
  if (upload.phase !== "open") return refuse(NO_SUCH_UPLOAD, "xml");
  const named = readCompleteBody(bytes);
  if (isRefusal(named)) return refuse(named, "xml");
  const parts = chosenParts(upload, named);
  if (isRefusal(parts)) return refuse(parts, "xml");
  const { bucket, name, fields } = upload.spec;
  const xmlEtag = `"${joinedTag(parts, tag)}-${parts.length}"`;
  const object = service.store.put({
    bucket,
    name,
    fields,
    origin,
    content: Content.joined(parts.map((part) => part.content)),
    xmlEtag,
  });
  upload.end("completed");
  return uploadReply(
    document("CompleteMultipartUploadResult", [
      ["Location", locationOf(origin, bucket, name)],
      ["Bucket", bucket],
      ["Key", name],
      ["ETag", xmlEtag],
    ]),
    { "x-goog-hash": `crc32c=${object.crc32c}` },
  );
}

/** The stored parts that a client names, if they can be an object. */
function chosenParts(upload: MultipartUpload, named: readonly NamedPart[]): Part[] | Refusal {
  const parts: Part[] = [];
  let size = 0;
  for (const [index, { number, etag }] of named.entries()) {
    if (index > 0 && number <= named[index - 1].number) {
      return invalid("The parts must be in ascending order.", "invalid", "InvalidPartOrder");
    }
    const part = upload.part(number);
    if (!part || unquoted(part.etag) !== etag) {
      return invalid("The requested upload part was not found.", "invalid", "InvalidPart");
    }
    size += part.size;
    parts.push(part);
  }
  if (parts.some((part, index) => part.size < SMALLEST_PART && index < parts.length - 1)) {
    const message = `Every part but the last must have at least ${SMALLEST_PART} bytes.`;
    return invalid(message, "invalid", "EntityTooSmall");
  }
  return size > MAX_OBJECT_SIZE ? tooLarge("An object", MAX_OBJECT_SIZE) : parts;
}

function tooLarge(what: string, max: number): Refusal {
  return invalid(`${what} can have at most ${max} bytes.`, "invalid", "EntityTooLarge");
}

/** Google names the bucket in the host; where the emulator has another address, that would lead nowhere. */
function locationOf(origin: string, bucket: string, name: string): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  const { hostname } = new URL(origin);
  return hostname.endsWith("storage.googleapis.com")
    ? `http://${bucket}.storage.googleapis.com/${path}`
    : `${origin}/${bucket}/${path}`;
}
