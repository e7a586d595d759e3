/**
 * The wire protocol of `X-Goog-Upload-*` headers: that of Gemini Files, Photos and Firebase, and of Google's generated
 * clients.
 */

import { sessionUrl } from "./content_range/content_range_replies.ts";
import { readRefusal, type Refusal } from "./refusal.ts";
import { isSuccess, type ReplyHead } from "./reply.ts";
import type {
  ChunkInput,
  OpenedSession,
  RequestHead,
  SessionAnswer,
  SessionQuestion,
  StartInput,
  UploadProtocol,
} from "./upload_protocol.ts";

/** Statuses without a final word after which the session is asked where it stands. */
const ASK_AFTER = [400, 408, 409, 412, 416, 429, 499, 500, 502, 503, 504];

/** Statuses of a start after which it is sent again. */
const START_AGAIN = [408, 409, 429, 499, 500, 502, 503, 504];

function request(url: string, baseHeaders: Headers, command: string): RequestHead {
  const headers = new Headers(baseHeaders);
  headers.set("x-goog-upload-command", command);
  return { method: "POST", url, headers };
}

/** The server's word for how the upload stands. */
function statusWord(headers: Headers): string | undefined {
  return headers.get("x-goog-upload-status")?.trim().toLowerCase();
}

function start({ method, url, headers, metadata, contentType, total }: StartInput): RequestHead {
  const { headers: sent } = request(url, headers, "start");
  sent.set("x-goog-upload-protocol", "resumable");
  sent.set("x-goog-upload-header-content-type", contentType);
  if (total !== undefined) sent.set("x-goog-upload-header-content-length", String(total));
  if (metadata !== undefined) sent.set("content-type", "application/json; charset=UTF-8");
  return { method, url, headers: sent };
}

function opened(reply: ReplyHead, startUrl: string): OpenedSession | Refusal {
  const { status, headers } = reply;
  const word = statusWord(headers);
  if (word === "final" || word === "cancelled") return { kind: "refused" };
  if (START_AGAIN.includes(status)) return { kind: "unavailable" };
  if (!isSuccess(status)) return readRefusal(reply);
  const location = headers.get("x-goog-upload-url");
  // Something in between has taken the headers away, or has answered by itself.
  if (location === null || word === undefined) return { kind: "unavailable" };
  const url = sessionUrl(location, reply.url || startUrl, startUrl);
  if (word !== "active" || url === undefined) {
    return {
      kind: "malformed",
      problem: "expected an active session with a URL in X-Goog-Upload-URL, got another reply",
    };
  }
  const granularity = countOf(headers, "x-goog-upload-chunk-granularity") || 1;
  return { kind: "opened", url, granularity, maxRequestBytes: undefined };
}

function chunk({ url, headers, offset, size, last, hash }: ChunkInput): RequestHead {
  const words = size > 0 || offset === 0 ? ["upload", ...(last ? ["finalize"] : [])] : ["finalize"];
  const head = request(url, headers, words.join(", "));
  head.headers.set("x-goog-upload-offset", String(offset));
  if (hash !== undefined) head.headers.set("x-goog-hash", hash);
  return head;
}

/** The status header decides before the status code does. */
function answer(reply: ReplyHead, question: SessionQuestion): SessionAnswer {
  const { status, headers } = reply;
  const word = statusWord(headers);
  switch (word) {
    case "final":
      // What a chunk's reply does not show, cut short perhaps, a query may show still.
      return isSuccess(status) || status === 204
        ? { kind: "finished", isCertain: question.asked === "status" }
        : ended(readRefusal(reply));
    case "cancelled":
      return { kind: "cancelled" };
    case "active":
      return isSuccess(status) ? stored(headers, question) : unfinished(reply);
    case undefined:
      return isSuccess(status) ? stripped() : unfinished(reply);
    default:
      return {
        kind: "malformed",
        problem: "expected X-Goog-Upload-Status to be active, final or cancelled, got another word",
      };
  }
}

/** A success that has lost its headers says nothing: the session has to be asked. */
function stripped(): Refusal {
  return {
    kind: "no_result",
    problem: "expected X-Goog-Upload-Status to say how the upload stands, got none " +
      "(a page sees it only where CORS settings expose it)",
  };
}

/** What a refusal means that ends the session. */
function ended(refusal: Refusal): Refusal {
  const mayPass = ["unavailable", "gap", "rejected", "too_large", "malformed", "gone"];
  return mayPass.includes(refusal.kind) ? { kind: "refused" } : refusal;
}

/** A refusal after which the session may still stand. */
function unfinished(reply: ReplyHead): Refusal {
  if (ASK_AFTER.includes(reply.status)) return { kind: "unavailable" };
  const refusal = readRefusal(reply);
  const isRateLimit = reply.status === 403 && refusal.kind === "unavailable";
  const isKept = isRateLimit || refusal.kind === "gone" || refusal.kind === "malformed";
  return isKept ? refusal : { kind: "refused" };
}

/** `active`: all bytes of a chunk are stored unless the reply says how many; a query must say it. */
function stored(
  headers: Headers,
  { asked, persisted, sent, end }: SessionQuestion,
): SessionAnswer {
  const malformed = (problem: string): Refusal => ({ kind: "malformed", problem });
  const received = headers.get("x-goog-upload-size-received");
  if (received === null && asked === "chunk") {
    // What was sent before does not count: it may have been more, and be lost.
    if (end !== undefined) return { kind: "stored", persisted: end };
    return {
      kind: "no_result",
      problem: "expected the server to take the whole chunk, but it answered before",
    };
  }
  const count = countOf(headers, "x-goog-upload-size-received");
  if (count === undefined) {
    return malformed("expected X-Goog-Upload-Size-Received to be a number of bytes, got none");
  }
  if (count < persisted) {
    return malformed(`expected at least the ${persisted} bytes stored before, got ${count}`);
  }
  if (count > sent) {
    return malformed(`expected at most the ${sent} bytes sent so far, got ${count}`);
  }
  return { kind: "stored", persisted: count };
}

function countOf(headers: Headers, name: string): number | undefined {
  const value = headers.get(name)?.trim() ?? "";
  const count = Number(value);
  return /^\d{1,16}$/.test(value) && Number.isSafeInteger(count) ? count : undefined;
}

/**
 * The protocol of `X-Goog-Upload-*` headers, for the option `protocol`.
 *
 * Source: {@link https://developers.google.com/photos/library/guides/resumable-uploads}, and Google's own clients.
 *
 * @example A file for Gemini
 * ```ts
 * import { geminiFile, upload, xGoogUpload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const { file } = await upload(new Blob(["%PDF-1.7"], { type: "application/pdf" }), {
 *   url: "https://generativelanguage.googleapis.com/upload/v1beta/files",
 *   metadata: { file: { displayName: "paper" } },
 *   protocol: xGoogUpload,
 *   resource: geminiFile,
 *   headers: { "x-goog-api-key": "key" },
 *   transport: new GcsEmulator().fetch, // leave it out to reach Google
 * });
 * console.log(file.sizeBytes); // 8
 * ```
 */
export const xGoogUpload: UploadProtocol = {
  name: "x-goog-upload",
  start,
  opened,
  chunk,
  status: (url, headers) => request(url, headers, "query"),
  cancel: (url, headers) => request(url, headers, "cancel"),
  isCancelled: ({ status, headers }) =>
    statusWord(headers) === "cancelled" || [404, 410, 499].includes(status),
  answer,
};
