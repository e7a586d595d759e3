/** Creation of the IETF's resumable uploads: with no bytes, with the first ones, or with all of them. */

import { lengthOf } from "../request_body.ts";
import { HookError } from "../hooks.ts";
import { HttpError, withHeaders } from "../http_error.ts";
import type { OpenSession } from "../core.ts";
import { expectHash, startSession } from "../start_session.ts";
import { checkStart, type Start } from "../start_request.ts";
import { filenameOf } from "./content_disposition.ts";
import { sessionUrl, type StartRequest } from "./front.ts";
import { refusalOf, retriable } from "./front_refusal.ts";
import {
  checksumsOf,
  completed,
  endIfBeyond,
  isLastOf,
  onlyInPart,
  partOf,
} from "./resumable_http_append.ts";
import { essenceOf, PARTIAL } from "./resumable_http_dialect.ts";
import { type Exchange, inform, uploadLimit } from "./resumable_http_reply.ts";
import { checkPart, checkQuantum, type Part } from "./part.ts";
import { finishedAllTheSame, finishWhole } from "./store_bytes.ts";
import { storePart } from "./store_part.ts";
import { integerField } from "./structured_fields.ts";
import { parseUploadMetadata, startInput } from "./tus_metadata.ts";

/** `POST`, `PUT`: a new upload, perhaps with its first bytes. */
export async function create(
  exchange: Exchange,
  admit: () => Promise<StartRequest>,
): Promise<Response> {
  const { core, request, trace } = exchange;
  const { place, grant } = await admit();
  exchange.backend = place.backend;
  const isLast = isLastOf(exchange);
  const length = lengthOf(request);
  const size = integerField(request.headers, "Upload-Length") ?? (isLast ? length : undefined);
  const { crc32c, md5Hash } = checksumsOf(request.headers, ["Repr-Digest"]);
  const needsHash = grant.requireChecksum === true && (crc32c ?? md5Hash) === undefined;
  const part = partOf(exchange, { offset: 0, size, isLast, needsHash });
  const requested = requestedOf({ request, place, grant }, part, exchange);
  if (grant.requireChecksum && isLast) expectHash(requested.start);
  const { maxBytes, backend: { granularity } } = requested.start;
  checkPart(core, part, { maxBytes, granularity });
  checkQuantum(part, granularity);
  const { opened } = await startSession(core, requested, trace);
  if ("kind" in opened) throw refusalOf(opened);
  const { token, session } = opened;
  exchange.session = session;
  const location = sessionUrl(place, token);
  const created = { location, "upload-limit": uploadLimit(core, session) };
  if (length !== 0) inform(exchange, created);
  if (isLast) return await storeAll(exchange, session, part, created);
  // Of an upload of no bytes some clients send no more than its creation.
  if (size === 0 && !needsHash) await storeAll(exchange, session, part, created);
  const offset = length === 0 ? 0 : await storeFirst(exchange, session, part, created);
  return new Response(null, {
    status: 201,
    headers: { ...created, "cache-control": "no-store", "upload-offset": String(offset) },
  });
}

function requestedOf(
  { request, place, grant }: StartRequest,
  { size, isLast }: Part,
  { core: { limits } }: Exchange,
) {
  const { headers } = request;
  const { backend, bucket, query } = place;
  const uploadMetadata = headers.get("upload-metadata") ?? undefined;
  // With all bytes in one request, what is said of its content is said of the whole.
  const digests = isLast ? ["Repr-Digest", "Content-Digest"] : ["Repr-Digest"];
  const asked = {
    backend,
    bucket,
    query,
    size,
    filename: filenameOf(headers.get("content-disposition")),
    contentType: typeOf(headers),
    checksums: checksumsOf(headers, digests),
  };
  const input = startInput(parseUploadMetadata(uploadMetadata ?? null), asked, grant, limits);
  const start: Start = checkStart(input, grant, limits);
  return { start, grant, request, uploadMetadata, isResumableHttp: true };
}

/** What the client says that its bytes are. The type of bytes that are appended is none of a whole. */
function typeOf(headers: Headers): string | undefined {
  return essenceOf(headers) === PARTIAL ? undefined : headers.get("content-type") ?? undefined;
}

/** Stores all bytes. Whatever fails, the client is told where the upload is, and never that it has succeeded. */
async function storeAll(
  exchange: Exchange,
  session: OpenSession,
  part: Part,
  created: Readonly<Record<string, string>>,
): Promise<Response> {
  const { core, request, trace } = exchange;
  trace.event = "chunk";
  try {
    const object = lengthOf(request) === 0
      ? await finishWhole(core, session, part, trace)
      : (await storePart(core, session, part, trace)).object;
    if (!object) throw onlyInPart();
    return completed(exchange, session, object, created);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    await endIfBeyond(exchange, session, error);
    const object = await finishedAllTheSame(core, session, lengthOf(request), error, trace);
    if (object) return completed(exchange, session, object, created);
    throw withHeaders(error, created);
  }
}

/** Stores the first bytes. What fails and may pass is left to the next request: an error would hide the upload. */
async function storeFirst(
  exchange: Exchange,
  session: OpenSession,
  part: Part,
  created: Readonly<Record<string, string>>,
): Promise<number> {
  const { core, trace } = exchange;
  trace.event = "chunk";
  try {
    return (await storePart(core, session, part, trace)).reached;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    await endIfBeyond(exchange, session, error);
    if (retriable(error).status < 500) throw withHeaders(error, created);
    trace.error = error instanceof HookError ? error.detail : error.message;
    return 0;
  } finally {
    if (trace.event === "chunk") trace.event = "start"; // else it has become a finish
  }
}
