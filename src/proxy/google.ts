/** Google's upload protocol, between a client and Google: what is checked, what goes on, what comes back. */

import type { Transport } from "../net/transport.ts";
import { isSuccess, readRefusal } from "../protocol/reply.ts";
import { byteCount, passBody, type PassedBody, readText } from "./body.ts";
import { parseChunkRange } from "./content_range.ts";
import { badGateway, badRequest, forbidden, HttpError, quote, tooLarge } from "./http_error.ts";
import { isAllowedBucket, type UploadGrant, type UploadLimits } from "./grant.ts";
import { frameMultipart, readMultipart } from "./multipart_body.ts";
import { scrubber } from "./scrub.ts";
import { type SealedSession, sessionName, type SessionSealer } from "./session_token.ts";
import { sendUpstream, type UpstreamReply } from "./upstream.ts";
import { checkStart, type Start } from "./wanted.ts";

/** What the proxy works with. */
export interface GoogleSide {
  /** The origin of Google's API. */
  readonly endpoint: string;
  /** Sends with the proxy's own credentials. */
  readonly transport: Transport;
  /** Sends without credentials: a session URL is authority enough. */
  readonly plain: Transport;
  readonly sealer: SessionSealer;
  readonly limits: UploadLimits;
  readonly maxChunkBytes: number;
  /** How long a session can be used, in seconds. */
  readonly sessionTtl: number;
  readonly now: () => number;
}

/** What a request did, for the log. */
export interface Trace {
  event: string;
  session?: string;
  bucket?: string;
  subject?: string;
  range?: string;
  bytes?: number;
  upstreamStatus?: number;
  upstreamMs?: number;
}

/** In seconds. */
const DAY = 86_400;

/** The most bytes of metadata, as JSON. */
const MAX_METADATA = 65_536;

/** Headers of Google's replies that clients need. `X-GUploader-UploadID` is not among them: it is the session's secret. */
const REPLY_HEADERS = [
  "content-type",
  "etag",
  "range",
  "retry-after",
  "x-goog-generation",
  "x-goog-hash",
  "x-goog-metageneration",
  "x-goog-running-hash",
  "x-goog-stored-content-encoding",
  "x-goog-stored-content-length",
  "x-http-status-code-override",
  "x-range-md5",
];

/** A `Range` of what is stored: numbers only, whatever the session's secret is. */
const STORED = /^bytes=0-\d+$/;

/** Starts a session at Google, and hands out a sealed one in its place. */
export async function startSession(
  side: GoogleSide,
  request: Request,
  place: Place,
  grant: UploadGrant,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  const size = byteCount(request.headers, "X-Upload-Content-Length");
  const contentType = request.headers.get("x-upload-content-type") ?? undefined;
  const metadata = await readText(request.body, MAX_METADATA);
  const start = checkStart(
    { bucket: place.bucket, query: place.query, metadata, contentType, size },
    grant,
    side.limits,
  );
  const reply = await sendUpstream(side.transport, {
    method: "POST",
    url: startUrl(side, place.bucket, start, "resumable"),
    headers: {
      "content-type": "application/json; charset=UTF-8",
      "x-upload-content-type": String(start.metadata.contentType),
      ...(size !== undefined && { "x-upload-content-length": String(size) }),
    },
    body: JSON.stringify(start.metadata),
  }, 0);
  note(trace, reply);
  if (!isSuccess(reply.status)) return answer(reply, (status) => status >= 400);
  const token = await side.sealer.seal({
    target: sessionTarget(side.endpoint, reply.headers.get("location")),
    bucket: place.bucket,
    maxBytes: start.maxBytes,
    size,
    expires: sessionEnd(side, grant),
  });
  const location = new URL(`${place.origin}${place.path}`);
  location.search = new URLSearchParams({ uploadType: "resumable", upload_id: token }).toString();
  trace.session = sessionName(token);
  return new Response(null, {
    status: 200,
    headers: { location: location.href, "content-length": "0", ...noStore() },
  });
}

/** When a session ends, in seconds since 1970: it outlives its ticket by a day, unless the ticket says otherwise. */
function sessionEnd({ now, sessionTtl }: GoogleSide, grant: UploadGrant): number {
  const start = Math.floor(now() / 1000);
  const byTicket = grant.sessionTtl !== undefined
    ? start + grant.sessionTtl
    : grant.expires !== undefined
    ? grant.expires + DAY
    : Infinity;
  return Math.min(start + sessionTtl, byTicket);
}

/** Passes a chunk, a status query or the finish on to the session, if it keeps to the limits. */
export async function continueSession(
  side: GoogleSide,
  request: Request,
  token: string,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  const session = await openSession(side, token, trace);
  const header = request.headers.get("content-range");
  const range = header === null ? undefined : parseChunkRange(header);
  if (header !== null && !range) {
    throw badRequest(`Failed to parse Content-Range header ${quote(header)}`);
  }
  trace.range = header ?? undefined;
  const { first = 0, last, total } = range ?? {};
  if (total !== undefined && session.size !== undefined && total !== session.size) {
    throw badRequest(
      `Expected an object of ${session.size} bytes as declared at the start, got ${total}`,
    );
  }
  const most = Math.min(session.maxBytes, side.limits.maxBytes, session.size ?? Infinity);
  if ((total ?? 0) > most || (last ?? first - 1) >= most) {
    throw tooLarge(`At most ${most} bytes are allowed for this object`);
  }
  const carries = !range || range.first !== undefined;
  trace.event = carries ? "chunk" : total === undefined ? "status" : "finish";
  const end = last === undefined ? total : last + 1;
  const exact = !carries ? 0 : range && end !== undefined ? end - first : undefined;
  if ((exact ?? 0) > side.maxChunkBytes) {
    throw tooLarge(`At most ${side.maxChunkBytes} bytes are allowed in a request, got ${exact}`);
  }
  const body = passBody(request, { exact, most: Math.min(side.maxChunkBytes, most - first) });
  trace.bytes = body.length;
  const reply = await sendUpstream(side.plain, {
    method: "PUT",
    url: side.endpoint + session.target,
    headers: { ...(header !== null && { "content-range": header }), ...picked(request.headers) },
    body,
  }, side.maxChunkBytes);
  note(trace, reply);
  return answer(reply, isSessionReply, scrubber(side.endpoint, session.target));
}

/** Cancels the session. */
export async function cancelSession(
  side: GoogleSide,
  token: string,
  trace: Trace,
): Promise<Response> {
  const session = await openSession(side, token, trace);
  const url = side.endpoint + session.target;
  const reply = await sendUpstream(
    side.plain,
    { method: "DELETE", url, headers: {}, body: null },
    0,
  );
  note(trace, reply);
  return answer(reply, isSessionReply, scrubber(side.endpoint, session.target));
}

/** Uploads an object in one request, without metadata. */
export async function uploadMedia(
  side: GoogleSide,
  request: Request,
  place: Place,
  grant: UploadGrant,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  const contentType = request.headers.get("content-type") ?? undefined;
  const size = byteCount(request.headers, "Content-Length");
  const start = checkStart(
    { bucket: place.bucket, query: place.query, metadata: "", contentType, size },
    grant,
    side.limits,
  );
  const body = passBody(request, { most: mostInOne(side, start) });
  return await sendWhole(side, place, start, body, trace);
}

/** Uploads an object and its metadata in one request. */
export async function uploadMultipart(
  side: GoogleSide,
  request: Request,
  place: Place,
  grant: UploadGrant,
  trace: Trace,
): Promise<Response> {
  refuseKeys(request.headers);
  const { metadata, contentType, media, problem } = await readMultipart(request, MAX_METADATA);
  let start: Start;
  try {
    const input = {
      bucket: place.bucket,
      query: place.query,
      metadata,
      contentType,
      size: undefined,
    };
    start = checkStart(input, grant, side.limits);
  } catch (error) {
    await media.cancel(error);
    throw error;
  }
  const body = passBody({ headers: new Headers(), body: media }, { most: mostInOne(side, start) });
  return await sendWhole(side, place, start, {
    ...body,
    problem: () => problem() ?? body.problem(),
  }, trace);
}

/** The most bytes of an object that comes in one request. */
function mostInOne(side: GoogleSide, start: Start): number {
  return Math.min(start.maxBytes, side.maxChunkBytes);
}

/** Sends an object in one request, with the metadata as it was checked. */
async function sendWhole(
  side: GoogleSide,
  place: Place,
  start: Start,
  media: PassedBody,
  trace: Trace,
): Promise<Response> {
  const { contentType, body } = frameMultipart(
    start.metadata,
    String(start.metadata.contentType),
    media,
  );
  trace.bytes = media.length;
  const reply = await sendUpstream(side.transport, {
    method: "POST",
    url: startUrl(side, place.bucket, start, "multipart"),
    headers: { "content-type": contentType },
    body,
  }, mostInOne(side, start));
  note(trace, reply);
  return answer(reply, isObjectReply);
}

/** Where a request is about. */
export interface Place {
  /** The origin under which clients reach the proxy, and the path of this request. */
  readonly origin: string;
  readonly path: string;
  readonly bucket: string;
  readonly query: URLSearchParams;
}

function startUrl(side: GoogleSide, bucket: string, start: Start, uploadType: string): string {
  const query = new URLSearchParams({ uploadType, ...Object.fromEntries(start.query) });
  return `${side.endpoint}/upload/storage/v1/b/${bucket}/o?${query}`;
}

/** The session URL without its origin, which must be the endpoint's. */
function sessionTarget(endpoint: string, location: string | null): string {
  const url = location !== null && URL.canParse(location, endpoint)
    ? new URL(location, endpoint)
    : undefined;
  if (url?.origin !== endpoint) {
    throw badGateway("Google opened no session, or one somewhere else", false);
  }
  return url.pathname + url.search;
}

async function openSession(side: GoogleSide, token: string, trace: Trace): Promise<SealedSession> {
  const session = await side.sealer.open(token);
  if (session !== "unknown") trace.session = sessionName(token);
  if (session === "expired") {
    throw new HttpError(410, "gone", "The upload session has expired; start a new upload");
  }
  if (session === "unknown") {
    throw new HttpError(404, "notFound", "There is no such upload session; start a new upload");
  }
  trace.bucket = session.bucket;
  if (!isAllowedBucket(side.limits, session.bucket)) {
    throw forbidden("Uploads to this bucket are not allowed any more");
  }
  return session;
}

/** What of a chunk's headers goes on: nothing that could change the object. */
function picked(headers: Headers): Record<string, string> {
  const hash = headers.get("x-goog-hash");
  if (
    hash !== null &&
    !/^(?:(?:crc32c|md5)=[A-Za-z0-9+/]+={0,2})(?:, ?(?:crc32c|md5)=[A-Za-z0-9+/]+={0,2})*$/.test(
      hash,
    )
  ) {
    throw badRequest("X-Goog-Hash: expected crc32c=… or md5=… in base64");
  }
  return {
    ...(hash !== null && { "x-goog-hash": hash }),
    ...(headers.get("x-guploader-no-308") === "yes" && { "x-guploader-no-308": "yes" }),
  };
}

function note(trace: Trace, reply: UpstreamReply): void {
  trace.upstreamStatus = reply.status;
  trace.upstreamMs = reply.milliseconds;
}

const isObjectReply = (status: number) => isSuccess(status) || status === 304 || status >= 400;
const isSessionReply = (status: number) =>
  isObjectReply(status) || status === 308 || status === 204;

/** Google's reply for the client, if it is one that may come here, and without what the client must not know. */
function answer(
  reply: UpstreamReply,
  expected: (status: number) => boolean,
  hide?: (text: string) => string,
): Response {
  const { status, text } = reply;
  // Google's words name the proxy's account, and a client can do nothing about it.
  if (status === 401 || status === 403) {
    if (readRefusal(reply).kind === "unavailable") {
      throw new HttpError(429, "rateLimitExceeded", "Google limits the rate of requests", {
        "retry-after": "5",
      });
    }
    if (hide) throw forbidden("Google refused the request on this session");
    throw badGateway("Google refused the proxy's credentials", false);
  }
  if (!expected(status)) {
    throw badGateway(`Google answered with an unexpected status, ${status}`, false);
  }
  const headers = new Headers(noStore());
  for (const name of REPLY_HEADERS) {
    const value = reply.headers.get(name);
    const isSafe = value !== null && (!hide || STORED.test(value) || hide(value) === value);
    if (isSafe) headers.set(name, value);
  }
  if (status >= 500 && !headers.has("retry-after")) headers.set("retry-after", "5");
  return new Response(text === "" ? null : hide ? hide(text) : text, { status, headers });
}

function noStore(): Record<string, string> {
  return { "cache-control": "no-store" };
}

/** Customer-supplied keys are refused: dropping them would store an object without them, silently. */
function refuseKeys(headers: Headers): void {
  const key = [...headers.keys()].find((name) => name.startsWith("x-goog-encryption-"));
  if (key !== undefined) {
    throw badRequest(`The header ${key} is not allowed here`, "invalidParameter");
  }
}
