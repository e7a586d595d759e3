/**
 * Requests on a resumable session: bytes, questions about it, its end.
 *
 * @module
 */

import { hex, readHashHeader } from "../storage/checksums.ts";
import { QUANTUM } from "../storage/content.ts";
import {
  announcedLength,
  type ContentRange,
  endsObject,
  readContentRange,
} from "./content_range_header.ts";
import { emptyReply, isRefusal, plainText, type Refusal, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import type { Session, SessionState } from "../storage/stored_session.ts";
import { speaksXGoogUpload } from "../x_goog_upload/command.ts";
import { finalReply } from "../x_goog_upload/x_goog_start.ts";
import { queryReply, serveCommand } from "../x_goog_upload/x_goog_session_routes.ts";
import { headerMetadata } from "../storage/spec.ts";

/** Serves a request on a session. */
export function serveSession(
  service: Service,
  session: Session | undefined,
  exchange: Exchange,
): Promise<Response> {
  if (!session) return afterBody(exchange, () => plainText(404, "Not Found"));
  return session.exclusive(() => {
    exchange.incoming.signal?.throwIfAborted();
    service.expire(session);
    if (exchange.expire) session.end({ phase: "ended", status: exchange.expire });
    if (exchange.refusal) session.end(refusedFor(session, exchange.refusal));
    const protocol = speaksXGoogUpload(exchange.incoming) ? "x-goog-upload" : "content-range";
    if (session.protocol !== protocol) return afterBody(exchange, () => otherProtocol(session));
    if (protocol === "x-goog-upload") return serveCommand(service, session, exchange);
    if (exchange.incoming.method === "DELETE") return cancel(session, exchange);
    const closed = closedReply(session);
    return closed ? afterBody(exchange, () => closed) : put(service, session, exchange);
  });
}

/** The reply to any request on a session that takes no more bytes. */
function closedReply(session: Session): Response | null {
  const { state } = session;
  switch (state.phase) {
    case "open":
      return null;
    case "ended":
      return plainText(state.status, state.status === 404 ? "Not Found" : "Gone");
    case "cancelled":
      return emptyReply(499, "text/plain; charset=utf-8");
    case "refused":
      return state.reply();
    case "poisoned":
      return plainText(400, tooFewBytes(state.length));
    case "finished":
      return state.finished.reply();
  }
}

/** Where a session stands, as the reply to a request of which no more is read. */
export function standingReply(
  service: Service,
  session: Session | undefined,
  exchange: Exchange,
): Response {
  if (!session) return plainText(404, "Not Found");
  if (session.protocol === "x-goog-upload") return queryReply(service, session);
  return closedReply(session) ?? progressReply(service, session, exchange);
}

function cancel(session: Session, exchange: Exchange): Promise<Response> {
  return afterBody(exchange, () => {
    const { state } = session;
    if (state.phase === "ended" || state.phase === "refused") return closedReply(session)!;
    if (state.phase !== "finished") session.end({ phase: "cancelled" });
    return emptyReply(499, "text/plain; charset=utf-8");
  });
}

function put(service: Service, session: Session, exchange: Exchange): Promise<Response> {
  const { body, headers } = exchange.incoming;
  const range = readContentRange(headers.get("content-range"));
  if (!range) {
    return afterBody(exchange, () => plainText(400, "Failed to parse Content-Range header."));
  }
  const announced = announcedLength(range);
  if (announced !== null && body.length !== null && body.length !== announced) {
    const { length } = body;
    return afterBody(exchange, () => plainText(400, wrongLength(length, range, announced)));
  }
  if (range.form === "status" || range.form === "total") {
    return question(service, session, exchange, range);
  }
  const persisted = session.persisted;
  if (range.first > persisted) {
    return afterBody(exchange, () => plainText(503, gap(range.first, persisted)));
  }
  return receive(service, session, exchange, range, announced);
}

async function question(
  service: Service,
  session: Session,
  exchange: Exchange,
  range: Extract<ContentRange, { form: "status" | "total" }>,
): Promise<Response> {
  const { body } = exchange.incoming;
  await body.drain();
  if (body.received > 0) return plainText(400, wrongLength(body.received, range, 0));
  return range.form === "total" && range.total === session.persisted
    ? finalise(session, exchange)
    : progressReply(service, session, exchange);
}

async function receive(
  service: Service,
  session: Session,
  exchange: Exchange,
  range: Extract<ContentRange, { form: "closed" | "open" }>,
  announced: number | null,
): Promise<Response> {
  const { content } = session;
  const start = content.mark();
  if (exchange.corrupt) content.flipNextBit();
  let length = 0;
  try {
    for await (const piece of exchange.incoming.body.pieces()) {
      const overlap = Math.max(0, start.size - range.first - length);
      const room = announced === null ? piece.length : Math.max(0, announced - length);
      length += piece.length;
      content.append(piece.subarray(Math.min(overlap, room), room));
    }
  } catch (error) {
    content.settle();
    throw error;
  }
  if (announced !== null && length !== announced) {
    content.rewind(start);
    return plainText(400, wrongLength(length, range, announced));
  }
  if (endsObject(range)) {
    // A total below what is stored cannot be: nothing is finished, the Range tells.
    return range.first + length < start.size
      ? progressReply(service, session, exchange)
      : finalise(session, exchange);
  }
  if (length < QUANTUM) {
    session.end({ phase: "poisoned", length });
    return plainText(400, tooFewBytes(length));
  }
  content.settle();
  return progressReply(service, session, exchange);
}

async function finalise(session: Session, exchange: Exchange): Promise<Response> {
  const { headers } = exchange.incoming;
  const { destination } = session;
  const finished = await destination.finish(session.content, {
    checksums: readHashHeader(headers.get("x-goog-hash")),
    metadata: headerMetadata(headers),
  });
  if (isRefusal(finished)) {
    session.end({ phase: "ended", status: 410 });
    return refuse(finished, destination.errors);
  }
  session.state = { phase: "finished", finished };
  return finished.reply();
}

/** 308, or 200 for a client that cannot bear it. */
function progressReply(service: Service, session: Session, exchange: Exchange): Response {
  const { content } = session;
  const persisted = session.persisted;
  const md5 = content.md5();
  const { runningHash, ignoreNo308, bareRange } = service.settings;
  const asked = exchange.incoming.headers.get("x-guploader-no-308")?.toLowerCase() === "yes";
  const no308 = asked && !ignoreNo308;
  return emptyReply(no308 ? 200 : 308, "text/plain; charset=utf-8", {
    ...(no308 && { "x-http-status-code-override": "308" }),
    ...(persisted > 0 && { "range": `${bareRange ? "" : "bytes="}0-${persisted - 1}` }),
    ...(runningHash && { "x-goog-running-hash": `crc32c=${content.crc32c}` }),
    ...(runningHash && md5 && { "x-range-md5": hex(md5) }),
  });
}

/** Answers when the whole body has arrived. */
async function afterBody(exchange: Exchange, answer: () => Response): Promise<Response> {
  await exchange.incoming.body.drain();
  return answer();
}

function refusedFor({ protocol, destination }: Session, refusal: Refusal): SessionState {
  const reply = () => refuse(refusal, destination.errors);
  return {
    phase: "refused",
    reply: protocol === "x-goog-upload" ? () => finalReply(reply()) : reply,
  };
}

function otherProtocol({ protocol }: Session): Response {
  const name = protocol === "x-goog-upload" ? "X-Goog-Upload-Command" : "Content-Range";
  return plainText(400, `This session was started for requests with ${name}.`);
}

function tooFewBytes(length: number): string {
  return "Invalid request.  The number of bytes uploaded is required to be equal or greater than " +
    `${QUANTUM}, except for the final request (it's recommended to be the exact multiple of ` +
    `${QUANTUM}).  The received request contained ${length} bytes, which does not meet this ` +
    "requirement.";
}

function gap(offset: number, persisted: number): string {
  return "Invalid request.  According to the Content-Range header, the upload offset is " +
    `${offset} byte(s), which exceeds already uploaded size of ${persisted} byte(s).`;
}

function wrongLength(length: number, range: ContentRange, announced: number): string {
  const span = range.form === "closed" || range.form === "open"
    ? ` (starting at offset ${range.first} and ending at offset ${range.first + announced - 1})`
    : "";
  return `Invalid request.  There were ${length} byte(s) in the request body.  There should have ` +
    `been ${announced} byte(s)${span} according to the Content-Range header.`;
}
