/**
 * Uploads in one request: the bytes alone, or metadata and bytes in one body.
 *
 * @module
 */

import type { Destination, Endpoint, UploadStart } from "../api_endpoint.ts";
import { errorJson, invalid, isRefusal, type Refusal, refuse, reply } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import type { Content } from "../storage/content.ts";
import { readMetadata } from "./metadata.ts";
import { boundaryOf, readMultipart } from "./multipart_parser.ts";

/** What the headers of a request say of the upload; metadata is still to be read. */
export type Announcement = Omit<UploadStart, "metadata">;

/** The metadata in a body; `null` if there is none. */
function metadataOf(
  bytes: Uint8Array,
): { readonly metadata: UploadStart["metadata"] } | Refusal {
  return bytes.length === 0 ? { metadata: null } : readMetadata(bytes);
}

/** What an upload whose metadata is the whole body is to become, or why it cannot. */
export async function destinationOf(
  service: Service,
  endpoint: Endpoint,
  announced: Announcement,
  { incoming }: Exchange,
): Promise<Destination | Refusal> {
  const read = metadataOf(await incoming.body.bytes());
  return isRefusal(read) ? read : endpoint.open(service, { ...announced, ...read });
}

/** Takes a body that is the bytes, and nothing else. */
export async function takeMedia(
  service: Service,
  endpoint: Endpoint,
  announced: Announcement,
  exchange: Exchange,
): Promise<Response> {
  const { body } = exchange.incoming;
  const destination = endpoint.open(service, { ...announced, metadata: null });
  if (isRefusal(destination)) {
    await body.drain();
    return refuse(destination, endpoint.errors);
  }
  const content = await newContent(service, exchange);
  for await (const piece of body.pieces()) content.append(piece);
  return finish(destination, content);
}

/** Takes a `multipart/related` body. */
export async function takeMultipart(
  service: Service,
  endpoint: Endpoint,
  announced: Announcement,
  exchange: Exchange,
): Promise<Response> {
  const { body, headers } = exchange.incoming;
  const boundary = boundaryOf(headers.get("content-type"));
  if (boundary === null) {
    await body.drain();
    const sentence = "A multipart upload needs Content-Type: multipart/related; boundary=…";
    return refuse(invalid(sentence), endpoint.errors);
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
  if (parts < 2 || parts > 3) return refuse(wrongParts(parts), endpoint.errors);
  const read = metadataOf(new Uint8Array(await new Blob(metadata as BlobPart[]).arrayBuffer()));
  if (isRefusal(read)) return metadataReply(read);
  const destination = endpoint.open(service, { ...announced, mediaType, ...read });
  return isRefusal(destination)
    ? refuse(destination, endpoint.errors)
    : finish(destination, content);
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

async function finish(destination: Destination, content: Content): Promise<Response> {
  const finished = await destination.finish(content, {});
  return isRefusal(finished) ? refuse(finished, destination.errors) : finished.reply();
}

async function newContent(service: Service, exchange: Exchange): Promise<Content> {
  const content = await service.newContent();
  if (exchange.corrupt) content.flipNextBit();
  return content;
}
