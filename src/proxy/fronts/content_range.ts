/** How clients of Google's JSON API speak: sessions with `Content-Range`, and objects in one request. */

import type { Chunk } from "../backend.ts";
import { type BodyBounds, byteCount, checkLength, passBody, readText } from "../body.ts";
import { parseChunkRange } from "../content_range.ts";
import { badRequest, errorResponse, HttpError, quote } from "../http_error.ts";
import type { Trace } from "../log.ts";
import { readMultipart } from "../multipart_body.ts";
import type { Outcome } from "../outcome.ts";
import {
  append,
  boundsInOne,
  cancel,
  type Core,
  decide,
  insertObject,
  openSession,
  startSession,
} from "../session.ts";
import type { ObjectView } from "../view.ts";
import { checkStart, type Start } from "../wanted.ts";
import {
  type Front,
  NO_VIEW,
  objectResponse,
  refuseEncoding,
  refuseKeys,
  sessionUrl,
  type StartRequest,
} from "./front.ts";

/** The most bytes of metadata, as JSON. */
const MAX_METADATA = 65_536;

/** How clients of Google's JSON API speak: whatever is none of another protocol's. */
export const contentRange: Front = {
  isFor: () => true,
  async answer(core, { request, token, admit }, trace) {
    const { method, url } = request;
    if (token !== undefined && method === "DELETE") return await end(core, request, token, trace);
    if (token !== undefined && (method === "PUT" || method === "POST")) {
      return await proceed(core, request, token, trace);
    }
    if (method !== "POST") {
      const message = "Expected POST to start an upload, or PUT or DELETE with an upload_id";
      throw new HttpError(405, "methodNotAllowed", message, {
        allow: "POST, PUT, DELETE, OPTIONS",
      });
    }
    const way = STARTS.get(new URL(url).searchParams.get("uploadType") ?? "");
    if (!way) {
      throw badRequest("uploadType: expected resumable, media or multipart", "invalidParameter");
    }
    trace.event = way.event;
    return await way.begin(core, await admit(), trace);
  },
};

/** The ways to start an upload. */
const STARTS = new Map([
  ["resumable", { event: "start", begin: startUpload }],
  ["media", { event: "media", begin: media }],
  ["multipart", { event: "multipart", begin: multipart }],
]);

/** `uploadType=resumable`: starts a session, and hands out a sealed one in the place of Google's. */
async function startUpload(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  const size = byteCount(request.headers, "X-Upload-Content-Length");
  const contentType = request.headers.get("x-upload-content-type") ?? undefined;
  const metadata = await readText(decoded(request), MAX_METADATA, core.startTimeout);
  const { bucket, query } = place;
  const input = { bucket, query, metadata, contentType, size };
  const wanted = { start: checkStart(input, grant, core.limits), grant, size, request };
  const start = await decide(core, "resumable", wanted);
  const opened = await startSession(core, { ...wanted, start }, trace);
  if ("kind" in opened) return render(opened, NO_VIEW);
  return new Response(null, {
    status: 200,
    headers: { location: sessionUrl(place, opened.token), "content-length": "0", ...NO_STORE },
  });
}

/** `uploadType=media`: an object in one request, without metadata. */
async function media(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  refuseEncoding(request.headers);
  const contentType = request.headers.get("content-type") ?? undefined;
  checkLength(request, core.requireLength);
  const size = byteCount(request.headers, "Content-Length");
  const { bucket, query } = place;
  const input = { bucket, query, metadata: "", contentType, size };
  const wanted = { start: checkStart(input, grant, core.limits), grant, size, request };
  const body = passBody(request, boundsInOne(core, wanted.start, grant));
  const start = await decide(core, "media", wanted);
  return render(await insertObject(core, { start, grant }, body, trace), start.view);
}

/** `uploadType=multipart`: an object and its metadata in one request. */
async function multipart(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  refuseEncoding(request.headers);
  checkLength(request, core.requireLength);
  const { metadata, contentType, media, problem } = await readMultipart(
    request,
    MAX_METADATA,
    core.startTimeout,
  );
  const { bucket, query } = place;
  let start: Start, bounds: BodyBounds;
  try {
    const input = { bucket, query, metadata, contentType, size: undefined };
    const wanted = {
      start: checkStart(input, grant, core.limits),
      grant,
      size: undefined,
      request,
    };
    bounds = boundsInOne(core, wanted.start, grant);
    start = await decide(core, "multipart", wanted);
  } catch (error) {
    await media.cancel(error);
    throw error;
  }
  const body = passBody({ headers: new Headers(), body: media }, bounds);
  const passed = { ...body, problem: () => problem() ?? body.problem() };
  return render(await insertObject(core, { start, grant }, passed, trace), start.view);
}

/** A chunk, a status query or the finish. */
async function proceed(
  core: Core,
  request: Request,
  token: string,
  trace: Trace,
): Promise<Response> {
  trace.event = "chunk";
  refuseKeys(request.headers);
  refuseEncoding(request.headers);
  const session = await openSession(core, token, trace);
  const chunk = chunkOf(request, trace);
  const { range } = chunk;
  const isEmpty = range !== undefined && range.first === undefined;
  if (!isEmpty) checkLength(request, core.requireLength);
  const isQuery = isEmpty && range.total === undefined;
  trace.event = isQuery ? "status" : isEmpty ? "finish" : "chunk";
  const outcome = await append(core, session, chunk, request, trace);
  return render(outcome, session.view ?? NO_VIEW, chunk.no308);
}

/** `DELETE`. */
async function end(
  core: Core,
  request: Request,
  token: string,
  trace: Trace,
): Promise<Response> {
  trace.event = "cancel";
  const session = await openSession(core, token, trace);
  return render(await cancel(core, session, request, trace), session.view ?? NO_VIEW);
}

/** What the head of a request says of its bytes. */
function chunkOf({ method, headers }: Request, trace: Trace): Chunk {
  const header = headers.get("content-range");
  const range = header === null ? undefined : parseChunkRange(header);
  if (header !== null && !range) {
    throw badRequest(`Failed to parse Content-Range header ${quote(header)}`);
  }
  // A form that is sent to the URL of a session is no object.
  if (!range && method === "POST") {
    throw badRequest("Expected a Content-Range: bytes for a session come with one", "required");
  }
  trace.range = header ?? undefined;
  const hash = headers.get("x-goog-hash") ?? undefined;
  if (hash !== undefined && !HASHES.test(hash)) {
    throw badRequest("X-Goog-Hash: expected crc32c=… or md5=… in base64");
  }
  return { range, hash, no308: headers.get("x-guploader-no-308") === "yes" };
}

const HASHES =
  /^(?:crc32c=[A-Za-z0-9+/]{6}==|md5=[A-Za-z0-9+/]{22}==)(?:, ?(?:crc32c=[A-Za-z0-9+/]{6}==|md5=[A-Za-z0-9+/]{22}==))*$/;

const NO_STORE = { "cache-control": "no-store" };

/** An outcome as Google would say it. */
function render(outcome: Outcome, view: ObjectView, no308 = false): Response {
  switch (outcome.kind) {
    case "stored": {
      const { persisted, crc32c, md5 } = outcome;
      return new Response(null, {
        status: no308 ? 200 : 308,
        headers: {
          ...NO_STORE,
          ...(no308 && { "x-http-status-code-override": "308" }),
          ...(persisted && { range: `bytes=0-${persisted - 1}` }),
          ...(crc32c && { "x-goog-running-hash": `crc32c=${crc32c}` }),
          ...(md5 && { "x-range-md5": md5 }),
        },
      });
    }
    case "finished":
      return objectResponse(outcome.object, view);
    case "unmodified":
      return new Response(null, { status: 304, headers: NO_STORE });
    case "cancelled":
      return new Response(null, { status: 499, headers: NO_STORE });
    case "refused":
      return renderRefusal(outcome);
  }
}

function renderRefusal(
  { status, reason, message, retryAfter, isGap }: Extract<Outcome, { kind: "refused" }>,
): Response {
  const headers = retryAfter === undefined ? undefined : { "retry-after": String(retryAfter) };
  // Google says this one in plain text, by which clients know it from an outage.
  if (isGap && status === 503) {
    const type = { "content-type": "text/plain; charset=utf-8" };
    return new Response(message, { status, headers: { ...NO_STORE, ...type, ...headers } });
  }
  return errorResponse(new HttpError(status, reason, message, headers));
}

/** The body of a start, which some clients pack. */
function decoded({ headers, body }: Request): Request["body"] {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase();
  if (encoding !== "gzip" && encoding !== "deflate") {
    refuseEncoding(headers);
    return body;
  }
  return body?.pipeThrough(inSlices()).pipeThrough(new DecompressionStream(encoding)) ?? null;
}

/** What is unpacked at once, in bytes: a thousand times as much may come of it, and it all has to be held. */
const SLICE = 512;

/** The same bytes in slices, so that no more is unpacked than is read. */
function inSlices(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(piece, controller) {
      for (let at = 0; at < piece.length; at += SLICE) {
        controller.enqueue(piece.slice(at, at + SLICE));
      }
    },
  });
}
