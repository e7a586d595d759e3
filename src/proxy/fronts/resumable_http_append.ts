/** Bytes of the IETF's resumable uploads: what a request says of them, and what its client hears when they are stored. */

import { lengthOf } from "../request_body.ts";
import { badGateway, badRequest, HttpError } from "../http_error.ts";
import type { FinishedObject } from "../outcome.ts";
import type { OpenSession } from "../core.ts";
import { cancelUnfinished, openSession, WrongOffset } from "../sealed_session.ts";
import { objectResponse } from "./front.ts";
import { completeName, completeOf, essenceOf, PARTIAL } from "./resumable_http_dialect.ts";
import { type Exchange, inconsistentLength, progressOf } from "./resumable_http_reply.ts";
import { type Part, type Stored, WrongLength } from "./part.ts";
import { admitPart, storePart } from "./store_part.ts";
import { bytesOf, integerField } from "./structured_fields.ts";

/** `PATCH`: bytes from where the stored ones end. */
export async function appendPart(exchange: Exchange, token: string): Promise<Response> {
  const { core, request, dialect, trace } = exchange;
  const { headers } = request;
  const session = exchange.session = await openSession(core, token, trace);
  if (dialect.needsType && essenceOf(headers) !== PARTIAL) {
    throw new HttpError(415, "unsupportedMediaType", `Content-Type: expected ${PARTIAL}`, {
      "accept-patch": PARTIAL,
    });
  }
  const offset = integerField(headers, "Upload-Offset");
  if (offset === undefined) throw badRequest("Upload-Offset: expected where the bytes begin");
  // Some clients leave it out where they have no more bytes: the upload ends then where its length is reached.
  const isLast = dialect.isEarly ? completeOf(headers, dialect) : isLastOf(exchange);
  const said = integerField(headers, "Upload-Length");
  if (said !== undefined && session.size !== undefined && said !== session.size) {
    throw inconsistentLength(
      `Upload-Length: expected ${session.size} as at the creation, got ${said}`,
    );
  }
  const needsHash = session.needsHash === true;
  const part = partOf(exchange, { offset, size: session.size ?? said, isLast, needsHash });
  trace.bytes = lengthOf(request);
  const { reached, end, object } = await storeAppended(exchange, session, part);
  if (object && isLast !== false) return completed(exchange, session, object);
  if (object && end === offset) return alreadyCompleted(exchange, session, object);
  if (isLast) throw onlyInPart();
  // These clients take another offset than theirs, with a success, for a failed upload.
  if (dialect.isEarly && reached < end) throw onlyInPart();
  return new Response(null, {
    status: dialect.isEarly ? 201 : 204,
    headers: { "cache-control": "no-store", "upload-offset": String(reached) },
  });
}

async function storeAppended(
  exchange: Exchange,
  session: OpenSession,
  part: Part,
): Promise<Stored> {
  const { core, trace } = exchange;
  try {
    await admitPart(core, session, part, trace);
    return await storePart(core, session, part, trace);
  } catch (error) {
    await endIfBeyond(exchange, session, error);
    throw error;
  }
}

/** Bytes beyond the length of an upload end it, as the drafts have it: nobody can know any more which file it is of. */
export async function endIfBeyond(
  { core, trace }: Exchange,
  session: OpenSession,
  error: unknown,
): Promise<void> {
  const isBeyond = error instanceof WrongLength && error.isBeyond;
  if (isBeyond && session.size !== undefined) await cancelUnfinished(core, session, trace);
}

/** The upload takes no more, also nothing: its client is told what was made of it, or in the first versions that it is over. */
function alreadyCompleted(
  exchange: Exchange,
  session: OpenSession,
  object: FinishedObject,
): Response {
  if (exchange.dialect.isEarly) throw new WrongOffset(object.size, object.size, true);
  return completed(exchange, session, object);
}

/** Whether a request says that the upload ends with it. */
export function isLastOf({ request, dialect }: Exchange): boolean {
  const isLast = completeOf(request.headers, dialect);
  if (isLast === undefined) throw badRequest(`${completeName(dialect)}: expected ?0 or ?1`);
  return isLast;
}

/** What a request says of its bytes, and what the upload wants. */
interface Extent extends Pick<Part, "offset" | "size" | "isLast"> {
  /** Whether the upload cannot end without a checksum. */
  readonly needsHash: boolean;
}

/**
 * The bytes of a request. Where the length of the upload is known, it ends there, though the client may have yet to say that
 * this was all: Google takes a last piece that is no whole quantum only so, and some clients end with the full offset. Only where
 * a checksum has to come, its request is waited for.
 */
export function partOf(exchange: Exchange, { offset, size, isLast, needsHash }: Extent): Part {
  const { request } = exchange;
  const hash = isLast === false ? undefined : hashOf(request.headers);
  return {
    offset,
    size,
    request,
    isLast: isLast || (needsHash && hash === undefined ? false : undefined),
    hash,
    onStored: progressOf(exchange),
  };
}

/** `X-Goog-Hash` of the whole upload, if the client says what Google compares. */
function hashOf(headers: Headers): string | undefined {
  const { crc32c, md5Hash } = checksumsOf(headers, ["Repr-Digest"]);
  if (crc32c !== undefined) return `crc32c=${crc32c}`;
  return md5Hash === undefined ? undefined : `md5=${md5Hash}`;
}

/** Checksums that Google compares, by the fields of an object; others are no reason to refuse anything. */
export function checksumsOf(
  headers: Headers,
  names: readonly string[],
): { crc32c?: string; md5Hash?: string } {
  const said = (key: string, length: number) =>
    names.map((name) => bytesOf(headers, name, key)).find((value) => value?.length === length);
  const crc32c = said("crc32c", 8), md5Hash = said("md5", 24);
  return {
    ...(crc32c !== undefined && { crc32c }),
    ...(md5Hash !== undefined && { md5Hash }),
  };
}

/** The reply of what was made of the upload. */
export function completed(
  { dialect }: Exchange,
  session: OpenSession,
  object: FinishedObject,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const response = objectResponse(object, session, dialect.isEarly ? 201 : 200);
  const own = { "upload-complete": "?1", "upload-offset": String(object.size), ...headers };
  for (const [name, value] of Object.entries(own)) response.headers.set(name, value);
  return response;
}

/** Not a success: clients would take all that they have sent for stored. */
export function onlyInPart(): HttpError {
  return badGateway("Not all of these bytes are stored; ask for the offset, and go on from there");
}
