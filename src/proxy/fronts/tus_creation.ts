/** Creation of tus uploads: with a length or without, and with their first bytes. */

import { byteCount, lengthOf } from "../request_body.ts";
import type { Core, OpenSession } from "../core.ts";
import { HookError } from "../hooks.ts";
import { badRequest, HttpError, tooLarge } from "../http_error.ts";
import { insist } from "../try_again.ts";
import type { Trace } from "../log.ts";
import { expectHash, startSession } from "../start_session.ts";
import { checkStart } from "../start_request.ts";
import { sessionUrl, type StartRequest } from "./front.ts";
import { refusalOf } from "./front_refusal.ts";
import { BelowQuantum, checkPart, type Part } from "./part.ts";
import { finishWhole } from "./store_bytes.ts";
import { storePart } from "./store_part.ts";
import { expectBytes, isBytes } from "./tus_body.ts";
import { parseUploadMetadata, startInput } from "./tus_metadata.ts";
import { sessionHeaders, tusError } from "./tus_reply.ts";

/** `POST`: a new upload, perhaps with its first bytes. */
export async function create(
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
  if (length === undefined) return isBytes(request.headers); // of another type there are most likely none
  expectBytes(request.headers);
  return true;
}
