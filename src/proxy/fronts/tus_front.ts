/** How clients of tus 1.0.0 speak: creation (with and without bytes or a length), expiration and termination. */

import { byteCount, lengthOf } from "../request_body.ts";
import { type Core, type OpenSession, permit } from "../core.ts";
import { HookError } from "../hooks.ts";
import { badRequest, HttpError, tooLarge, withHeaders } from "../http_error.ts";
import { insist } from "../try_again.ts";
import type { Trace } from "../log.ts";
import { ask, endTurns, openSession } from "../sealed_session.ts";
import { expectHash, startSession } from "../start_session.ts";
import { checkStart } from "../start_request.ts";
import {
  type Asked,
  endUnfinished,
  type Front,
  refuseEncoding,
  refuseKeys,
  sessionUrl,
  type StartRequest,
} from "./front.ts";
import { refusalOf } from "./front_refusal.ts";
import { BelowQuantum, checkPart, type Part } from "./part.ts";
import { finishWhole } from "./store_bytes.ts";
import { admitPart, storePart } from "./store_part.ts";
import { parseUploadMetadata, startInput } from "./tus_metadata.ts";
import { sessionHeaders, TUS_VERSION, tusError } from "./tus_reply.ts";

/** The media type of bytes for an upload. */
const BYTES = "application/offset+octet-stream";

/** How clients of tus speak. */
export const tus: Front = {
  isFor: (_core, { request }) => isTus(request),
  async answer(core, asked, trace) {
    try {
      return await answer(core, asked, trace);
    } catch (error) {
      throw error instanceof HttpError ? tusError(error) : error;
    }
  },
  mark({ headers }, request) {
    if (isTus(request)) headers.set("tus-resumable", TUS_VERSION);
  },
  discovery: ({ limits }, backend) => ({
    "tus-resumable": TUS_VERSION,
    "tus-version": TUS_VERSION,
    "tus-extension": "creation,creation-with-upload,creation-defer-length,expiration,termination",
    "tus-max-size": String(Math.min(limits.maxBytes, backend.maxBytes)),
  }),
};

function isTus({ headers }: Request): boolean {
  return headers.has("tus-resumable") || typeOf(headers) === BYTES;
}

async function answer(
  core: Core,
  { request, token, admit }: Asked,
  trace: Trace,
): Promise<Response> {
  const { headers } = request;
  if (headers.get("tus-resumable") !== TUS_VERSION) {
    const message = `Tus-Resumable: expected ${TUS_VERSION}`;
    throw new HttpError(412, "unsupportedVersion", message, { "tus-version": TUS_VERSION });
  }
  refuseKeys(headers);
  refuseEncoding(headers);
  refuseExtensions(headers);
  const method = (headers.get("x-http-method-override") ?? request.method).toUpperCase();
  if (token === undefined && method === "POST") {
    trace.event = "start";
    return await create(core, await admit(), trace);
  }
  if (token !== undefined && method === "PATCH") {
    trace.event = "chunk";
    return await patch(core, request, token, trace);
  }
  if (token !== undefined && method === "HEAD") {
    trace.event = "status";
    return await head(core, request, token, trace);
  }
  if (token !== undefined && method === "DELETE") {
    trace.event = "cancel";
    return await terminate(core, request, token, trace);
  }
  const message = "Expected POST to create an upload, or HEAD, PATCH or DELETE with an upload_id";
  const allow = token === undefined ? "POST, OPTIONS" : "HEAD, PATCH, DELETE, OPTIONS";
  throw new HttpError(405, "methodNotAllowed", message, { allow });
}

/** `POST`: a new upload, perhaps with its first bytes. */
async function create(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
): Promise<Response> {
  const { headers } = request;
  const size = declaredSize(headers);
  const metadata = parseUploadMetadata(headers.get("upload-metadata"));
  const { backend, bucket, query } = place;
  const input = startInput(metadata, { backend, bucket, query, size }, grant, core.limits);
  const start = checkStart(input, grant, core.limits);
  if (grant.requireChecksum) expectHash(start);
  const first: Part | undefined = carriesBytes(request) ? { offset: 0, size, request } : undefined;
  if (first) {
    const { maxBytes } = start;
    checkPart(core, first, { maxBytes, granularity: backend.granularity });
  }
  const uploadMetadata = metadata.size > 0 ? headers.get("upload-metadata")! : undefined;
  const requested = { start, grant, request, uploadMetadata };
  const { opened } = await startSession(core, requested, trace);
  if ("kind" in opened) throw refusalOf(opened);
  const { token, session } = opened;
  let offset = 0;
  if (first || size === 0) {
    trace.event = "chunk";
    offset = size === 0
      ? await finishEmpty(core, session, request, trace)
      : await storeFirst(core, session, first!, trace);
    if (trace.event === "chunk") trace.event = "start"; // else it has become a finish
  }
  return new Response(null, {
    status: 201,
    headers: {
      ...sessionHeaders(session),
      location: sessionUrl(place, token),
      "upload-offset": String(offset),
    },
  });
}

/** Stores the bytes of a creation. What fails and may pass is left to the next request: an error would hide the session. */
async function storeFirst(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<number> {
  try {
    return (await storePart(core, session, part, trace)).reached;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (!(error instanceof BelowQuantum) && tusError(error).status < 500) throw error;
    trace.error = error instanceof HookError ? error.detail : error.message;
    return 0;
  }
}

/** An empty upload has no other request than its creation. */
async function finishEmpty(
  core: Core,
  session: OpenSession,
  request: Request,
  trace: Trace,
): Promise<number> {
  const { size } = await insist(
    () => finishWhole(core, session, { offset: 0, size: 0, request }, trace),
    (error) => error instanceof HttpError && tusError(error).status >= 500,
  );
  return size;
}

/** `PATCH`: bytes from where the stored ones end. */
async function patch(
  core: Core,
  request: Request,
  token: string,
  trace: Trace,
): Promise<Response> {
  const session = await openSession(core, token, trace);
  const about = sessionHeaders(session);
  try {
    const reached = await patchSession(core, session, request, trace);
    return new Response(null, {
      status: 204,
      headers: { ...about, "upload-offset": String(reached) },
    });
  } catch (error) {
    // When the upload ends is said in each reply.
    throw error instanceof HttpError ? withHeaders(error, about) : error;
  }
}

/** Stores the bytes of a `PATCH`; where the next ones begin. */
async function patchSession(
  core: Core,
  session: OpenSession,
  request: Request,
  trace: Trace,
): Promise<number> {
  const { headers } = request;
  if (typeOf(headers) !== BYTES) {
    throw new HttpError(415, "unsupportedMediaType", `Content-Type: expected ${BYTES}`);
  }
  const offset = byteCount(headers, "Upload-Offset");
  if (offset === undefined) throw badRequest("Upload-Offset: expected where the bytes begin");
  const said = byteCount(headers, "Upload-Length");
  if (said !== undefined && session.size !== undefined && said !== session.size) {
    throw badRequest(`Upload-Length: expected ${session.size} as at the creation, got ${said}`);
  }
  const part = { offset, size: session.size ?? said, request };
  trace.bytes = lengthOf(request);
  await admitPart(core, session, part, trace);
  return (await storePart(core, session, part, trace)).reached;
}

/** `HEAD`: how much is stored. */
async function head(
  core: Core,
  request: Request,
  token: string,
  trace: Trace,
): Promise<Response> {
  const session = await openSession(core, token, trace);
  await permit(core, session, trace, request);
  endTurns(core, session);
  const outcome = await ask(core, session, trace);
  if (outcome.kind !== "stored" && outcome.kind !== "finished") throw refusalOf(outcome);
  const isFinished = outcome.kind === "finished";
  let offset = isFinished ? outcome.object.size : outcome.persisted ?? 0;
  const size = isFinished ? offset : session.size;
  // A client takes the full offset for the object.
  if (!isFinished && offset === size) {
    ({ size: offset } = await finishWhole(core, session, { offset: size, size, request }, trace));
  }
  return new Response(null, {
    status: 200,
    headers: {
      ...sessionHeaders(session),
      "upload-offset": String(offset),
      ...(size === undefined ? { "upload-defer-length": "1" } : { "upload-length": String(size) }),
      ...(session.uploadMetadata !== undefined && { "upload-metadata": session.uploadMetadata }),
    },
  });
}

/** `DELETE`: ends an upload. One that is finished is an object, which no ticket allows to delete. */
async function terminate(
  core: Core,
  request: Request,
  token: string,
  trace: Trace,
): Promise<Response> {
  const session = await openSession(core, token, trace);
  return await endUnfinished(core, session, request, trace);
}

/** `Upload-Length`, or `undefined` where it comes later. */
function declaredSize(headers: Headers): number | undefined {
  if (/^\d{16,}$/.test(headers.get("upload-length") ?? "")) {
    throw tooLarge("Upload-Length: more bytes than any object can have");
  }
  const size = byteCount(headers, "Upload-Length");
  const deferred = headers.get("upload-defer-length");
  if (deferred !== null && deferred !== "1") throw badRequest("Upload-Defer-Length: expected 1");
  if ((size === undefined) === (deferred === null)) {
    throw badRequest("Expected either Upload-Length or Upload-Defer-Length");
  }
  return size;
}

/** Whether a creation comes with bytes. */
function carriesBytes(request: Request): boolean {
  const length = lengthOf(request);
  if (length === 0) return false;
  if (typeOf(request.headers) === BYTES) return true;
  if (length === undefined) return false; // most likely none
  throw new HttpError(415, "unsupportedMediaType", `Content-Type: expected ${BYTES}`);
}

function typeOf(headers: Headers): string | undefined {
  return headers.get("content-type")?.trim().toLowerCase();
}

/** Refuses what the discovery does not list: to pass it over would store something else than was meant. */
function refuseExtensions(headers: Headers): void {
  if (headers.has("upload-concat")) {
    throw badRequest(
      "Upload-Concat: uploads are not put together here; leave out the client's parallelUploads",
    );
  }
  if (headers.has("upload-checksum")) {
    throw badRequest("Upload-Checksum: checksums of requests are not compared here; leave it out");
  }
}
