/**
 * Commands on a session of `X-Goog-Upload`: upload, finalize, query, cancel.
 *
 * @module
 */

import { emptyReply, isRefusal, plainText, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { readHashHeader } from "../storage/checksums.ts";
import type { Session } from "../storage/stored_session.ts";
import { headerMetadata } from "../storage/spec.ts";
import { commandsOf } from "./command.ts";
import { finalReply } from "./x_goog_start.ts";

/** Serves a command on an open session, or one that is over. */
export async function serveCommand(
  service: Service,
  session: Session,
  exchange: Exchange,
): Promise<Response> {
  const { headers, body } = exchange.incoming;
  const commands = commandsOf(headers);
  const has = (command: string) => commands.has(command);
  const { phase } = session.state;
  if (has("query")) {
    await body.drain();
    return queryReply(service, session);
  }
  if (has("cancel")) {
    await body.drain();
    return cancel(session);
  }
  if (phase === "finished" && has("finalize") && !has("upload")) {
    await body.drain();
    return finishedReply(session);
  }
  if (!has("upload") && !has("finalize")) {
    await body.drain();
    return plainText(400, `Unsupported command: ${headers.get("x-goog-upload-command")}`);
  }
  if (phase !== "open") {
    await body.drain();
    return overReply(session);
  }
  const problem = has("upload") ? await append(session, exchange, !has("finalize")) : null;
  if (!has("upload")) await body.drain();
  if (problem) return problem;
  return has("finalize")
    ? finalise(session, headers)
    : withStatus(emptyReply(200, "text/plain; charset=utf-8"), session);
}

/** Where a session stands, as the reply to a query. */
export function queryReply(service: Service, session: Session): Response {
  const { state } = session;
  const size = { "x-goog-upload-size-received": String(session.persisted) };
  switch (state.phase) {
    case "open":
      return withStatus(emptyReply(200, "text/plain; charset=utf-8", size), session);
    case "cancelled":
      return withStatus(emptyReply(410, "text/plain; charset=utf-8"), session);
    case "finished": {
      const kind = service.settings.finalQuery ?? session.endpoint.finalQuery;
      return kind === "result"
        ? finishedReply(session)
        : withStatus(emptyReply(200, "text/plain; charset=utf-8", size), session);
    }
    default:
      return overReply(session);
  }
}

/** Adds bytes; the reply that refuses them, or `null`. */
async function append(
  session: Session,
  { incoming, corrupt }: Exchange,
  moreFollow: boolean,
): Promise<Response | null> {
  const { content, granularity } = session;
  const { body, headers } = incoming;
  const offset = headers.get("x-goog-upload-offset") ?? "0";
  const start = content.mark();
  if (!/^\d+$/.test(offset) || Number(offset) !== start.size) {
    await body.drain();
    return /^\d+$/.test(offset)
      ? withStatus(plainText(409, `Invalid offset: expected ${start.size}, got ${offset}`), session)
      : withStatus(plainText(400, "Invalid X-Goog-Upload-Offset header"), session);
  }
  if (corrupt) content.flipNextBit();
  try {
    for await (const piece of body.pieces()) content.append(piece);
  } catch (error) {
    content.settle();
    throw error;
  }
  const length = content.size - start.size;
  if (moreFollow && granularity !== null && length % granularity !== 0) {
    content.rewind(start);
    const sentence = `Chunk size ${length} is not a multiple of granularity ${granularity}`;
    return withStatus(plainText(400, sentence), session);
  }
  content.keep();
  return null;
}

async function finalise(session: Session, headers: Headers): Promise<Response> {
  const { destination } = session;
  const finished = await destination.finish(session.content, {
    checksums: readHashHeader(headers.get("x-goog-hash")),
    metadata: headerMetadata(headers),
  });
  if (isRefusal(finished)) {
    session.end({
      phase: "refused",
      reply: () => finalReply(refuse(finished, destination.errors)),
    });
    return overReply(session);
  }
  session.state = { phase: "finished", finished };
  return finishedReply(session);
}

function cancel(session: Session): Response {
  const { phase } = session.state;
  if (phase === "open" || phase === "cancelled") {
    session.end({ phase: "cancelled" });
    return withStatus(emptyReply(200, "text/plain; charset=utf-8"), session);
  }
  return phase === "finished"
    ? withStatus(plainText(400, "Cannot cancel a finalized session"), session)
    : overReply(session);
}

function finishedReply({ state }: Session): Response {
  if (state.phase !== "finished") throw new Error("The session is not finished");
  return finalReply(state.finished.reply());
}

/** The reply to bytes for a session that takes no more. */
function overReply(session: Session): Response {
  const { state } = session;
  if (state.phase === "refused") return state.reply();
  if (state.phase === "ended") return plainText(state.status, "Invalid or missing session ID");
  const status = statusOf(session);
  return withStatus(plainText(400, `Cannot upload to session with status ${status}`), session);
}

function withStatus(reply: Response, session: Session): Response {
  reply.headers.set("x-goog-upload-status", statusOf(session));
  return reply;
}

function statusOf({ state }: Session): "active" | "final" | "cancelled" {
  switch (state.phase) {
    case "open":
      return "active";
    case "cancelled":
      return "cancelled";
    default:
      return "final";
  }
}
