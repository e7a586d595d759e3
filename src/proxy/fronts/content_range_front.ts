/** How clients of Google's JSON API speak: sessions with `Content-Range`, and objects in one request. */

import type { Chunk } from "../backend.ts";
import { byteCount, checkLength } from "../request_body.ts";
import { parseChunkRange } from "../chunk_range.ts";
import type { Core } from "../core.ts";
import { badRequest, errorResponse, HttpError, quote } from "../http_error.ts";
import type { Trace } from "../log.ts";
import type { Outcome } from "../outcome.ts";
import { append, cancel, openSession } from "../sealed_session.ts";
import { startSession } from "../start_session.ts";
import { checkStart } from "../start_request.ts";
import { alignedChunk } from "./aligned.ts";
import {
  type Front,
  objectResponse,
  readHash,
  refuseEncoding,
  refuseKeys,
  sessionUrl,
  type ShownTo,
  type StartRequest,
} from "./front.ts";
import { media, multipart, type OneRequest } from "./one_request_start.ts";
import { readMetadata } from "./start_body.ts";

/** How clients of Google's JSON API speak: whatever is none of another protocol's. */
export const contentRange: Front = {
  isFor: () => true,
  async answer(core, { request, url, token, admit }, trace) {
    const { method } = request;
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
    const way = STARTS.get(url.searchParams.get("uploadType") ?? "");
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
  ["media", { event: "media", begin: inOneRequest(media) }],
  ["multipart", { event: "multipart", begin: inOneRequest(multipart) }],
]);

/** An object in one request. */
function inOneRequest(make: OneRequest) {
  return async (core: Core, asked: StartRequest, trace: Trace): Promise<Response> => {
    const { outcome, start } = await make(core, asked, trace);
    return render(outcome, start);
  };
}

/** `uploadType=resumable`: starts a session, and hands out a sealed one in the place of Google's. */
async function startUpload(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  const size = byteCount(request.headers, "X-Upload-Content-Length");
  const contentType = request.headers.get("x-upload-content-type") ?? undefined;
  const metadata = await readMetadata(core, request);
  const { backend, bucket, query } = place;
  const input = { backend, bucket, query, metadata, contentType, size };
  const requested = { start: checkStart(input, grant, core.limits), grant, request };
  const { start, opened } = await startSession(core, requested, trace);
  if ("kind" in opened) return render(opened, start);
  return new Response(null, {
    status: 200,
    headers: { location: sessionUrl(place, opened.token), "content-length": "0", ...NO_STORE },
  });
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
  const aligned = await alignedChunk(core, session, chunk, request);
  try {
    const outcome = await append(core, session, aligned.chunk, request, trace, aligned.options);
    return render(outcome, session, chunk.no308);
  } finally {
    await aligned.drain();
  }
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
  return render(await cancel(core, session, request, trace), session);
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
  return { range, hash: readHash(headers), no308: headers.get("x-guploader-no-308") === "yes" };
}

const NO_STORE = { "cache-control": "no-store" };

/** An outcome as Google would say it. */
function render(outcome: Outcome, upload: ShownTo, no308 = false): Response {
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
      return objectResponse(outcome.object, upload);
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
