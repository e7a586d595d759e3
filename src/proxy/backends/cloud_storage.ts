/** Google Cloud Storage's JSON API as the place where bytes go. */

import type { Transport } from "../../net/transport.ts";
import { UPLOAD_CHUNK_SIZE } from "../../protocol/content_range/ranges.ts";
import { isSuccess } from "../../protocol/reply.ts";
import { type Backend, type BackendTrace, type Chunk, CLOUD_STORAGE } from "../backend.ts";
import type { PassedBody } from "../request_body.ts";
import { badGateway } from "../http_error.ts";
import { frameMultipart } from "../multipart_media.ts";
import type { Outcome, Refused } from "../outcome.ts";
import { mentions } from "../session_secrets.ts";
import { sendUpstream, type UpstreamReply, type UpstreamRequest } from "../upstream.ts";
import { readObjectReply, readSessionReply } from "./cloud_storage_reply.ts";

/** What the backend works with. */
export interface CloudStorageOptions {
  /** The origin of Google's API. */
  readonly endpoint: string;
  /** Sends with the proxy's own credentials. */
  readonly transport: Transport;
  /** Sends without credentials: a session URL is authority enough. */
  readonly plain: Transport;
  /** The most bytes of a request. */
  readonly maxChunkBytes: number;
}

/** Where uploads start in the JSON API, and in that of Firebase, whose clients speak `X-Goog-Upload` there. */
const UPLOAD_PATH = /^\/(?:(?:resumable\/)?upload\/storage\/v1|v0)\/b\/([a-z0-9._-]{3,222})\/o\/?$/;

const STATUS_QUERY: Chunk = {
  range: { first: undefined, last: undefined, total: undefined },
  hash: undefined,
  no308: false,
};

/** Google Cloud Storage. */
export function cloudStorage(options: CloudStorageOptions): Backend {
  const { endpoint, transport, plain, maxChunkBytes } = options;

  const send = async (to: Transport, request: UpstreamRequest, trace: BackendTrace) => {
    const reply = await sendUpstream(to, request, maxChunkBytes);
    trace.upstreamStatus = reply.status;
    trace.upstreamMs = (trace.upstreamMs ?? 0) + reply.milliseconds;
    return reply;
  };
  const onSession = async (
    target: string,
    request: Omit<UpstreamRequest, "url">,
    trace: BackendTrace,
  ): Promise<Outcome> => {
    const reply = await send(plain, { ...request, url: endpoint + target }, trace);
    return readSessionReply(reply, mentions(target));
  };
  const append: Backend["append"] = (target, chunk, body, trace) =>
    onSession(target, { method: "PUT", headers: headersOf(chunk), body }, trace);

  return {
    name: CLOUD_STORAGE,
    granularity: UPLOAD_CHUNK_SIZE,
    takesAnySize: true,
    maxBytes: 5_497_558_138_880,
    locate(path) {
      const bucket = UPLOAD_PATH.exec(path)?.[1];
      return bucket === undefined ? undefined : { bucket };
    },
    append,
    ask: (target, trace) => append(target, STATUS_QUERY, NOTHING, trace),
    cancel: (target, trace) =>
      onSession(target, { method: "DELETE", headers: {}, body: null }, trace),
    async start({ bucket, query, metadata, contentType, size }, trace) {
      const reply = await send(transport, {
        method: "POST",
        url: startUrl(endpoint, bucket, query, "resumable"),
        headers: {
          "content-type": "application/json; charset=UTF-8",
          "x-upload-content-type": contentType,
          ...(size !== undefined && { "x-upload-content-length": String(size) }),
        },
        body: JSON.stringify(metadata),
      }, trace);
      if (!isSuccess(reply.status)) return refusedStart(reply);
      return { target: sessionTarget(endpoint, reply.headers.get("location")) };
    },
    async insert({ bucket, query, metadata, contentType }, media, trace) {
      // What a header and the query can say needs no frame, so the bytes go through as they came.
      if (Object.keys(metadata).every((field) => field === "name" || field === "contentType")) {
        const url = startUrl(endpoint, bucket, query, "media");
        const headers = { "content-type": contentType };
        const request: UpstreamRequest = { method: "POST", url, headers, body: media };
        return readObjectReply(await send(transport, request, trace));
      }
      const { contentType: framed, body } = frameMultipart(metadata, contentType, media);
      const url = startUrl(endpoint, bucket, query, "multipart");
      const headers = { "content-type": framed };
      return readObjectReply(await send(transport, { method: "POST", url, headers, body }, trace));
    },
  };
}

const NOTHING: PassedBody = { body: null, length: 0, problem: () => undefined };

/** Written anew: nothing that could change the object. */
function headersOf({ range, hash, no308 }: Chunk): Record<string, string> {
  const { first, last = "*", total = "*" } = range ?? {};
  const positions = first === undefined ? "*" : `${first}-${last}`;
  return {
    ...(range && { "content-range": `bytes ${positions}/${total}` }),
    ...(hash !== undefined && { "x-goog-hash": hash }),
    ...(no308 && { "x-guploader-no-308": "yes" }),
  };
}

function startUrl(
  endpoint: string,
  bucket: string,
  query: URLSearchParams,
  uploadType: string,
): string {
  return `${endpoint}/upload/storage/v1/b/${bucket}/o?uploadType=${uploadType}&${query}`;
}

function refusedStart(reply: UpstreamReply): Refused {
  const outcome = readObjectReply(reply);
  if (outcome.kind === "refused") return outcome;
  throw badGateway(`Google answered with an unexpected status, ${reply.status}`, false);
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
