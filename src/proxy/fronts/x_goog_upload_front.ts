/** How clients of `X-Goog-Upload` speak: sessions by commands, and objects in one request. */

import { byteCount } from "../request_body.ts";
import type { Core } from "../core.ts";
import { badRequest, HttpError, quote, withHeaders } from "../http_error.ts";
import type { Trace } from "../log.ts";
import { openSession } from "../sealed_session.ts";
import { same } from "../said_twice.ts";
import { startSession } from "../start_session.ts";
import { checkStart } from "../start_request.ts";
import {
  type Asked,
  type Front,
  refuseEncoding,
  refuseKeys,
  sessionUrl,
  type StartRequest,
} from "./front.ts";
import { media, multipart } from "./one_request_start.ts";
import { refusalOf, RefusedError } from "./front_refusal.ts";
import { readMetadata } from "./start_body.ts";
import { end, finalize, query, type SessionRequest, take } from "./x_goog_upload_session.ts";
import { finalResponse, isPassing, STATUS } from "./x_goog_upload_reply.ts";

/** How clients of `X-Goog-Upload` speak. */
export const xGoogUpload: Front = {
  speaks,
  async answer(core, asked, trace) {
    try {
      return await answer(core, asked, trace);
    } catch (error) {
      // What the backend has refused is refused for good; it would say the same to each of the client's attempts.
      const isOver = error instanceof RefusedError && !isPassing(error.status, false);
      throw isOver ? withHeaders(error, { [STATUS]: "final" }) : error;
    }
  },
  mark({ headers, status }, request) {
    if (headers.has(STATUS)) return;
    headers.set(STATUS, isPassing(status, hasSession(request.url)) ? "active" : "final");
  },
};

function speaks({ headers, url }: Request): boolean {
  if (headers.has("x-goog-upload-command") || headers.has("x-goog-upload-protocol")) return true;
  return /[?&]upload_protocol=/.test(url) && !hasSession(url);
}

/** As text: a URL that cannot be read gets an answer, too. */
function hasSession(url: string): boolean {
  return /[?&]upload_id=/.test(url);
}

async function answer(
  core: Core,
  { request, token, admit }: Asked,
  trace: Trace,
): Promise<Response> {
  const { method, headers } = request;
  if (method !== "POST" && method !== "PUT") {
    const message = "Expected POST with X-Goog-Upload-Command or X-Goog-Upload-Protocol";
    throw new HttpError(405, "methodNotAllowed", message, { allow: "POST, PUT, OPTIONS" });
  }
  refuseKeys(headers);
  const command = commandOf(headers);
  if (token === undefined) return await begin(core, request, command, admit, trace);
  const way = COMMANDS.get(command);
  if (!way) {
    throw badRequest(
      "X-Goog-Upload-Command: expected query, cancel, upload, finalize, or upload and finalize, " +
        `got ${quote(command)}`,
    );
  }
  trace.event = way.event;
  refuseEncoding(headers);
  const session = await openSession(core, token, trace);
  return await way.answer(core, { request, session }, trace);
}

/** What may be asked of a session, and what it is in the log. */
const COMMANDS = new Map<
  string,
  {
    readonly event: string;
    readonly answer: (core: Core, asked: SessionRequest, trace: Trace) => Promise<Response>;
  }
>([
  ["query", { event: "status", answer: query }],
  ["cancel", { event: "cancel", answer: end }],
  ["upload", { event: "chunk", answer: (...all) => take(...all, false) }],
  ["upload, finalize", { event: "chunk", answer: (...all) => take(...all, true) }],
  ["finalize", { event: "finish", answer: finalize }],
]);

/** The command in one spelling. */
function commandOf(headers: Headers): string {
  const header = headers.get("x-goog-upload-command") ?? "";
  return header.toLowerCase().split(",").map((word) => word.trim()).join(", ");
}

/** A request that is of no session: it starts one, or brings a whole object. */
async function begin(
  core: Core,
  request: Request,
  command: string,
  admit: () => Promise<StartRequest>,
  trace: Trace,
): Promise<Response> {
  const { headers, url } = request;
  const named = headers.get("x-goog-upload-protocol") ??
    new URL(url).searchParams.get("upload_protocol");
  const protocol = named?.trim().toLowerCase();
  if (protocol === "raw" && command === "") {
    trace.event = "media";
    const { outcome, start } = await media(core, await admit(), trace, mediaType(headers));
    return finalResponse(outcome, start);
  }
  if (protocol === "multipart" && command === "") {
    trace.event = "multipart";
    const { outcome, start } = await multipart(core, await admit(), trace);
    return finalResponse(outcome, start);
  }
  if (protocol === "resumable" && command === "start") {
    trace.event = "start";
    return await startUpload(core, await admit(), trace);
  }
  throw badRequest(
    "X-Goog-Upload-Protocol: expected resumable with the command start, or raw or multipart " +
      `without one, got ${quote(protocol ?? "none")} and ${quote(command)}`,
  );
}

/** `start`: a session, whose URL is the sealed one that every protocol has here. */
async function startUpload(
  core: Core,
  { request, place, grant }: StartRequest,
  trace: Trace,
): Promise<Response> {
  const { headers } = request;
  const contentType = mediaType(headers);
  const size = same(
    "size",
    byteCount(headers, "X-Goog-Upload-Header-Content-Length"),
    byteCount(headers, "X-Goog-Upload-Raw-Size"),
  );
  const metadata = await readMetadata(core, request);
  const { backend, bucket, query } = place;
  const input = { backend, bucket, query, metadata, contentType, size };
  const requested = { start: checkStart(input, grant, core.limits), grant, request };
  const { opened } = await startSession(core, requested, trace);
  if ("kind" in opened) throw refusalOf(opened);
  const { token, session } = opened;
  const url = sessionUrl(place, token);
  return new Response(null, {
    status: 200,
    headers: {
      "cache-control": "no-store",
      "content-length": "0",
      [STATUS]: "active",
      "x-goog-upload-url": url,
      "x-goog-upload-control-url": url,
      "x-goog-upload-chunk-granularity": String(session.granularity),
      "x-goog-upload-size-received": "0",
    },
  });
}

/** The media type, in each of the spellings that there are. */
function mediaType(headers: Headers): string | undefined {
  return same(
    "media type",
    headers.get("x-goog-upload-header-content-type") ?? undefined,
    headers.get("x-goog-upload-content-type") ?? undefined,
  );
}
