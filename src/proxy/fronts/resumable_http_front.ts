/**
 * How clients of the IETF's resumable uploads speak (draft-ietf-httpbis-resumable-upload): interop version 8, and the older
 * ones of clients in the field.
 */

import { badRequest, HttpError } from "../http_error.ts";
import { type Core, permit } from "../core.ts";
import { askAfterLoss, openSession } from "../sealed_session.ts";
import { type Asked, endUnfinished, type Front, refuseEncoding, refuseKeys } from "./front.ts";
import { refusalOf } from "./front_refusal.ts";
import { appendPart } from "./resumable_http_append.ts";
import { create } from "./resumable_http_creation.ts";
import {
  completeName,
  completeOf,
  dialectOf,
  hasDialect,
  inDialect,
  OLDEST,
  PARTIAL,
} from "./resumable_http_dialect.ts";
import { type Exchange, explained, uploadLimit } from "./resumable_http_reply.ts";
import { finishWhole } from "./store_bytes.ts";
import { writeBoolean } from "./structured_fields.ts";

/** How clients of the IETF's resumable uploads speak. */
export const resumableHttp: Front = {
  speaks: ({ headers }) => hasDialect(headers),
  isFor,
  async answer(core, { request, token, admit, inform }, trace) {
    const exchange = { core, request, dialect: dialectOf(request.headers), trace, inform };
    try {
      return await answer(exchange, token, admit);
    } catch (error) {
      throw error instanceof HttpError ? explained(error, exchange) : error;
    }
  },
  mark({ headers }, request) {
    if (request.headers.has("tus-resumable")) return;
    inDialect(headers, dialectOf(request.headers));
  },
  discovery: (core, backend) => ({
    "accept-patch": PARTIAL,
    "upload-limit": uploadLimit(core, { backend }),
  }),
};

/**
 * Whether a request without a header of this protocol is one of it: those without a body need none. No other protocol here asks
 * by `HEAD`, and for `GET` and `DELETE` the session knows who has created it.
 */
async function isFor({ sealer }: Core, { request, token }: Asked): Promise<boolean> {
  const { method } = request;
  if (token === undefined) return false;
  if (method === "HEAD") return true;
  if (method !== "GET" && method !== "DELETE") return false;
  const session = await sealer.open(token);
  return typeof session === "object" && session.isResumableHttp === true;
}

async function answer(
  exchange: Exchange,
  token: string | undefined,
  admit: Asked["admit"],
): Promise<Response> {
  const { request: { headers, method }, dialect, trace } = exchange;
  if (dialect.version < OLDEST) {
    throw badRequest(`Upload-Draft-Interop-Version: expected ${OLDEST} or later`);
  }
  refuseKeys(headers);
  refuseEncoding(headers);
  if (token === undefined) {
    if (method !== "POST" && method !== "PUT") throw notAllowed("POST, PUT, OPTIONS");
    trace.event = "start";
    return await create(exchange, admit);
  }
  // Some clients write PATCH so, where something in between does not know it.
  const written = method === "POST" ? headers.get("x-http-method-override") ?? method : method;
  switch (written.toUpperCase()) {
    case "PATCH":
      trace.event = "chunk";
      return await appendPart(exchange, token);
    case "HEAD":
    case "GET":
      trace.event = "status";
      return await offset(exchange, token);
    case "DELETE":
      trace.event = "cancel";
      return await end(exchange, token);
    default:
      throw notAllowed("HEAD, GET, PATCH, DELETE, OPTIONS");
  }
}

function notAllowed(allow: string): HttpError {
  const message =
    "Expected POST or PUT to create an upload, or HEAD, GET, PATCH or DELETE with an upload_id";
  return new HttpError(405, "methodNotAllowed", message, { allow });
}

/** `HEAD`, `GET`: how much is stored. */
async function offset(exchange: Exchange, token: string): Promise<Response> {
  const { core, request, dialect, trace } = exchange;
  const session = exchange.session = await openSession(core, token, trace);
  const { headers } = request;
  if (
    dialect.isEarly && (headers.has("upload-offset") || completeOf(headers, dialect) !== undefined)
  ) {
    throw badRequest(
      `Expected neither Upload-Offset nor ${completeName(dialect)} when the offset is asked for`,
    );
  }
  await permit(core, session, trace, request);
  const outcome = await askAfterLoss(core, session, trace);
  if (outcome.kind !== "stored" && outcome.kind !== "finished") throw refusalOf(outcome);
  let object = outcome.kind === "finished" ? outcome.object : undefined;
  const stored = outcome.kind === "finished" ? outcome.object.size : outcome.persisted ?? 0;
  // Clients take the full offset for the object.
  if (!object && stored === session.size && !session.needsHash) {
    object = await finishWhole(core, session, { offset: stored, size: stored, request }, trace);
  }
  const size = object ? stored : session.size;
  return new Response(null, {
    status: 204,
    headers: {
      "cache-control": "no-store",
      "upload-complete": writeBoolean(object !== undefined),
      "upload-limit": uploadLimit(core, session),
      "upload-offset": String(stored),
      ...(size !== undefined && { "upload-length": String(size) }),
    },
  });
}

/** `DELETE`: ends an upload. One that is finished is an object, which no ticket allows to delete. */
async function end(exchange: Exchange, token: string): Promise<Response> {
  const { core, request, trace } = exchange;
  const session = exchange.session = await openSession(core, token, trace);
  return await endUnfinished(core, session, request, trace);
}
