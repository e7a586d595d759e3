/** The commands of `X-Goog-Upload` on a session: query, upload, finalize, cancel. */

import { byteCount, emptied, lengthOf, passBody } from "../request_body.ts";
import { type Core, type OpenSession, permit } from "../core.ts";
import { badRequest, HttpError } from "../http_error.ts";
import type { Trace } from "../log.ts";
import { ask, cancel, WrongOffset } from "../sealed_session.ts";
import { readHash } from "./front.ts";
import { drain } from "./part_body.ts";
import { refusalOf } from "./front_refusal.ts";
import type { Part } from "./part.ts";
import { finishedAllTheSame, finishWhole } from "./store_bytes.ts";
import { admitPart, storePart } from "./store_part.ts";
import {
  activeResponse,
  cancelledResponse,
  notWhole,
  objectFinal,
  STATUS,
} from "./x_goog_upload_reply.ts";

/** A request of a session. */
export interface SessionRequest {
  readonly request: Request;
  readonly session: OpenSession;
}

/** `query`: how much is stored, or the result. */
export async function query(
  core: Core,
  { request, session }: SessionRequest,
  trace: Trace,
): Promise<Response> {
  await permit(core, session, trace, request);
  const outcome = await ask(core, session, trace);
  switch (outcome.kind) {
    case "stored":
      return activeResponse(outcome.persisted ?? 0, session.granularity);
    case "finished":
      return objectFinal(outcome.object, session);
    case "cancelled":
      return cancelledResponse(410);
    default:
      throw refusalOf(outcome);
  }
}

/** `cancel`: ends an upload that is not finished. */
export async function end(
  core: Core,
  { request, session }: SessionRequest,
  trace: Trace,
): Promise<Response> {
  const outcome = await cancel(core, session, request, trace, { unlessFinished: true });
  if (outcome.kind === "cancelled") return cancelledResponse(200);
  if (outcome.kind === "finished") {
    const message = "The upload is finished; the proxy does not delete objects";
    throw new HttpError(400, "invalid", message, { [STATUS]: "final" });
  }
  if (outcome.kind === "stored") throw notWhole(503, outcome.persisted ?? 0, "It goes on");
  throw refusalOf(outcome);
}

/**
 * `upload`, with `finalize` or without. A client takes a success without more for all of its bytes, so there is none for a part
 * of them.
 */
export async function take(
  core: Core,
  { request, session }: SessionRequest,
  trace: Trace,
  isLast: boolean,
): Promise<Response> {
  const { headers } = request;
  const { granularity } = session;
  const offset = byteCount(headers, "X-Goog-Upload-Offset");
  if (offset === undefined) {
    throw badRequest("X-Goog-Upload-Offset: expected where the bytes begin");
  }
  const length = lengthOf(request);
  trace.bytes = length;
  const part: Part = { offset, size: session.size, request, isLast, hash: readHash(headers) };
  await admitPart(core, session, part, trace);
  if (!isLast && length !== undefined && length % granularity !== 0) {
    await drain(request.body);
    throw ragged(granularity, length);
  }
  try {
    const { reached, end, object } = await storePart(core, session, part, trace);
    if (object && isLast) return objectFinal(object, session);
    if (reached < end || isLast) {
      throw length === undefined && !isLast
        ? notWhole(400, reached, ragged(granularity, end - offset).message)
        : notWhole(503, reached, "Google has stored a part of these bytes; ask where to go on");
    }
    return activeResponse(reached, granularity);
  } catch (error) {
    if (!isLast || !(error instanceof HttpError)) throw error;
    if (error instanceof WrongOffset) {
      if (!error.isFinished) throw error;
      return await finishedBefore(core, { request, session }, error, trace);
    }
    // Another request of this session may have finished it, with other bytes.
    if (length === undefined) throw error;
    const object = await finishedAllTheSame(core, session, offset + length, error, trace);
    if (!object) throw error;
    return objectFinal(object, session);
  }
}

/** The last bytes once more, since the reply to the first time was lost: if they end where the upload does, it is that. */
async function finishedBefore(
  core: Core,
  { request, session }: SessionRequest,
  error: WrongOffset,
  trace: Trace,
): Promise<Response> {
  const length = lengthOf(request);
  if (length === undefined || error.provided + length !== error.persisted) throw error;
  const outcome = await ask(core, session, trace);
  if (outcome.kind !== "finished") throw error;
  await drain(request.body);
  return objectFinal(outcome.object, session);
}

/** `finalize` alone: what is stored is the whole. */
export async function finalize(
  core: Core,
  { request, session }: SessionRequest,
  trace: Trace,
): Promise<Response> {
  const { headers } = request;
  const offset = byteCount(headers, "X-Goog-Upload-Offset");
  if (lengthOf(request)) {
    throw badRequest("Expected no bytes with finalize alone: add upload to it");
  }
  await emptied(passBody(request, { max: 0 }), core.startTimeout);
  await permit(core, session, trace, request);
  const outcome = await ask(core, session, trace);
  if (outcome.kind === "finished") return objectFinal(outcome.object, session);
  if (outcome.kind !== "stored") throw refusalOf(outcome);
  const { persisted = 0 } = outcome;
  if (offset !== undefined && offset !== persisted) throw new WrongOffset(offset, persisted);
  const { size = persisted } = session;
  if (persisted !== size) {
    throw notWhole(400, persisted, `Expected ${size} bytes before finalize, got ${persisted}`);
  }
  const part: Part = { offset: persisted, size, request, hash: readHash(headers) };
  return objectFinal(await finishWhole(core, session, part, trace), session);
}

function ragged(granularity: number, length: number): HttpError {
  return badRequest(
    `Expected a multiple of X-Goog-Upload-Chunk-Granularity, ${granularity} bytes, in a request ` +
      `that does not finalize the upload, got ${length}`,
  );
}
