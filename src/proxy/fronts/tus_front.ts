/** How clients of tus 1.0.0 speak: creation (with and without bytes or a length), expiration and termination. */

import { byteCount, lengthOf } from "../request_body.ts";
import { type Core, type OpenSession, permit } from "../core.ts";
import { badRequest, HttpError, withHeaders } from "../http_error.ts";
import type { Trace } from "../log.ts";
import { askAfterLoss, openSession } from "../sealed_session.ts";
import { type Asked, endUnfinished, type Front, refuseEncoding, refuseKeys } from "./front.ts";
import { refusalOf } from "./front_refusal.ts";
import { finishWhole } from "./store_bytes.ts";
import { admitPart, storePart } from "./store_part.ts";
import { create } from "./tus_creation.ts";
import { expectBytes, isBytes } from "./tus_body.ts";
import { sessionHeaders, TUS_VERSION, tusError } from "./tus_reply.ts";

/** How clients of tus speak. */
export const tus: Front = {
  speaks: ({ headers }) => headers.has("tus-resumable") || isBytes(headers),
  async answer(core, asked, trace) {
    try {
      return await answer(core, asked, trace);
    } catch (error) {
      throw error instanceof HttpError ? tusError(error) : error;
    }
  },
  mark: ({ headers }) => headers.set("tus-resumable", TUS_VERSION),
  discovery: ({ limits }, backend) => ({
    "tus-resumable": TUS_VERSION,
    "tus-version": TUS_VERSION,
    "tus-extension": "creation,creation-with-upload,creation-defer-length,expiration,termination",
    "tus-max-size": String(Math.min(limits.maxBytes, backend.maxBytes)),
  }),
};

/** What tus calls the method of a request: whatever overrides it. */
export function tusMethod({ headers, method }: Request): string {
  const written = headers.has("tus-resumable") ? headers.get("x-http-method-override") : null;
  return (written ?? method).toUpperCase();
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
  const method = tusMethod(request);
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
  expectBytes(headers);
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
  const outcome = await askAfterLoss(core, session, trace);
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
