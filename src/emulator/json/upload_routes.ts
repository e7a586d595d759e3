/**
 * The three ways to start an upload through the JSON API.
 *
 * @module
 */

import type { Content } from "../storage/content.ts";
import { readMetadata } from "./metadata.ts";
import { boundaryOf, readMultipart } from "./multipart.ts";
import {
  emptyReply,
  errorJson,
  invalid,
  isRefusal,
  NO_CACHE,
  type Refusal,
  refuse,
  reply,
  required,
} from "../replies.ts";
import type { Exchange, Service } from "../service.ts";
import { jsonSpec, type Target, type UploadSpec } from "../storage/spec.ts";
import { objectReply } from "./view.ts";

/** Serves `POST /upload/storage/v1/b/{bucket}/o`. */
export function serveUpload(
  service: Service,
  bucket: string,
  exchange: Exchange,
): Promise<Response> {
  const { url, headers } = exchange.incoming;
  const target: Target = { bucket, query: url.searchParams, headers, origin: exchange.origin };
  switch (target.query.get("uploadType")) {
    case "media":
      return media(service, target, exchange);
    case "multipart":
      return multipart(service, target, exchange);
    case "resumable":
      return initiate(service, target, exchange);
    default:
      return refuseUploadType(target, exchange);
  }
}

async function refuseUploadType({ query }: Target, exchange: Exchange): Promise<Response> {
  await exchange.incoming.body.drain();
  const type = query.get("uploadType");
  return refuse(
    type === null ? required("uploadType") : invalid(`Invalid value for uploadType: ${type}`),
  );
}

async function initiate(
  service: Service,
  target: Target,
  exchange: Exchange,
): Promise<Response> {
  const { url, headers, body } = exchange.incoming;
  const read = readMetadata(await body.bytes());
  if (isRefusal(read)) return refuse(read);
  const spec = jsonSpec(target, read.metadata, headers.get("x-upload-content-type"));
  if (isRefusal(spec)) return refuse(spec);
  const session = await service.startSession(spec, headers.get("origin"));
  const location = `${exchange.origin}${url.pathname}${url.search}&upload_id=${session.id}`;
  return emptyReply(200, "text/plain; charset=utf-8", {
    ...NO_CACHE,
    "location": location,
    "x-guploader-uploadid": session.id,
  });
}

async function media(service: Service, target: Target, exchange: Exchange): Promise<Response> {
  const { body, headers } = exchange.incoming;
  const spec = jsonSpec(target, {}, headers.get("content-type"));
  if (isRefusal(spec)) {
    await body.drain();
    return refuse(spec);
  }
  const content = await newContent(service, exchange);
  for await (const piece of body.pieces()) content.append(piece);
  return finish(service, spec, content);
}

async function multipart(
  service: Service,
  target: Target,
  exchange: Exchange,
): Promise<Response> {
  const { body, headers } = exchange.incoming;
  const boundary = boundaryOf(headers.get("content-type"));
  if (boundary === null) {
    await body.drain();
    return refuse(invalid("A multipart upload needs Content-Type: multipart/related; boundary=…"));
  }
  const content = await newContent(service, exchange);
  const metadata: Uint8Array[] = [];
  let mediaType: string | null = null;
  const parts = await readMultipart(body.pieces(), boundary, (partHeaders, index) => {
    if (index === 0) return { write: (piece) => void metadata.push(piece.slice()) };
    if (index > 1) return { write() {} };
    mediaType = partHeaders.get("content-type");
    return { write: (piece) => content.append(piece) };
  });
  if (parts < 2 || parts > 3) return refuse(wrongParts(parts));
  const read = readMetadata(new Uint8Array(await new Blob(metadata as BlobPart[]).arrayBuffer()));
  if (isRefusal(read)) return metadataReply(read);
  const spec = jsonSpec(target, read.metadata, mediaType);
  return isRefusal(spec) ? refuse(spec) : finish(service, spec, content);
}

/** Multipart metadata that cannot be parsed is refused in JSON that claims to be HTML. */
function metadataReply(refusal: Refusal): Response {
  return reply(
    refusal.code,
    "text/html; charset=UTF-8",
    errorJson({ ...refusal, reason: "invalid" }),
  );
}

function wrongParts(parts: number): Refusal {
  return invalid(
    `Payload size invalid. Expected 2-3 payloads. Actual size: ${parts}`,
    "invalidPayloadSize",
  );
}

function finish(service: Service, spec: UploadSpec, content: Content): Response {
  const object = service.finalise(spec, content);
  return isRefusal(object) ? refuse(object) : objectReply(object, spec.view);
}

async function newContent(service: Service, exchange: Exchange): Promise<Content> {
  const content = await service.newContent();
  if (exchange.corrupt) content.flipNextBit();
  return content;
}
