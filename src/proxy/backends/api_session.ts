/** The requests of a session at an API, in the protocol that it speaks. */

import type { Transport } from "../../net/transport.ts";
import type { RequestHead, UploadProtocol } from "../../protocol/upload_protocol.ts";
import type { Backend, BackendTrace, Chunk } from "../backend.ts";
import type { PassedBody } from "../request_body.ts";
import type { Outcome } from "../outcome.ts";
import { sendUpstream, type UpstreamReply } from "../upstream.ts";
import { outcomeOf, type ResultReader } from "./api_reply.ts";

/** An API whose sessions are open. */
interface Api {
  readonly origin: string;
  readonly protocol: UploadProtocol;
  /** Sends without credentials: a session URL is authority enough. */
  readonly transport: Transport;
  readonly read: ResultReader;
}

/** The requests of its sessions. */
export function sessionRequests(api: Api): Pick<Backend, "append" | "ask" | "cancel"> {
  const { protocol, origin } = api;
  return {
    ask: (target, trace) => ask(api, target, trace),
    async append(target, chunk, body, trace) {
      const span = spanOf(chunk, body);
      if (span) return await sendBytes(api, { target, span, body }, trace);
      const { total } = chunk.range!;
      return total === undefined
        ? await ask(api, target, trace)
        : await finish(api, target, total, trace);
    },
    async cancel(target, trace) {
      const reply = await onSession(
        api,
        protocol.cancel(origin + target, new Headers()),
        null,
        trace,
      );
      if (protocol.isCancelled(reply)) return { kind: "cancelled" };
      return outcomeOf(protocol, reply, STATUS, api.read);
    },
  };
}

/** What is known when a session is asked about: nothing, since somebody else may have been sending. */
const STATUS = { asked: "status", persisted: 0, known: 0, sent: Infinity } as const;

async function ask(api: Api, target: string, trace: BackendTrace): Promise<Outcome> {
  const { protocol, origin, read } = api;
  const reply = await onSession(api, protocol.status(origin + target, new Headers()), null, trace);
  return outcomeOf(protocol, reply, STATUS, read);
}

/** Finishes what is stored, if that is exactly so much. */
async function finish(
  api: Api,
  target: string,
  total: number,
  trace: BackendTrace,
): Promise<Outcome> {
  const { protocol, origin, read } = api;
  const known = await ask(api, target, trace);
  if (known.kind !== "stored" || (known.persisted ?? 0) !== total) return known;
  const head = chunkHead(protocol, origin + target, { first: total, end: total, total });
  const question = { ...STATUS, persisted: total, sent: total };
  return outcomeOf(protocol, await onSession(api, head, null, trace), question, read);
}

/** Where bytes go. */
interface Span {
  readonly first: number;
  /** Where they end; `undefined` where nobody knows before the body ends. */
  readonly end: number | undefined;
  /** The size of the whole, where these bytes are its end or it is known otherwise. */
  readonly total: number | undefined;
}

/** Where the bytes of a chunk go; `undefined` where there are none. */
function spanOf({ range }: Chunk, { length }: PassedBody): Span | undefined {
  if (!range) return { first: 0, end: length, total: length };
  const { first, last, total } = range;
  if (first === undefined) return undefined;
  if (last !== undefined) return { first, end: last + 1, total };
  const end = total ?? (length === undefined ? undefined : first + length);
  return { first, end, total: end };
}

/** Bytes for a session. */
interface Sending {
  readonly target: string;
  readonly span: Span;
  readonly body: PassedBody;
}

async function sendBytes(api: Api, sending: Sending, trace: BackendTrace): Promise<Outcome> {
  const { protocol, origin, read } = api;
  const { target, span, body } = sending;
  const head = chunkHead(protocol, origin + target, span);
  const { first: persisted, end: sent = Infinity } = span;
  const question = { asked: "chunk", persisted, known: persisted, sent } as const;
  try {
    const outcome = outcomeOf(protocol, await onSession(api, head, body, trace), question, read);
    if (outcome.kind === "refused") return await arrived(api, sending, trace) ?? outcome;
    // A success that does not say how much is stored may have come before all bytes were read.
    return outcome.kind === "stored" && outcome.persisted === undefined
      ? await ask(api, target, trace)
      : outcome;
  } catch (error) {
    const outcome = body.problem() ? undefined : await arrived(api, sending, trace);
    if (outcome) return outcome;
    throw error;
  }
}

/** Whether bytes have arrived all the same: the reply may be all that was lost, and some clients, Google's own too, do not ask. */
async function arrived(
  api: Api,
  { target, span: { end } }: Sending,
  trace: BackendTrace,
): Promise<Outcome | undefined> {
  const known = await ask(api, target, trace).catch(() => undefined);
  const isThere = known?.kind === "finished" ||
    (known?.kind === "stored" && end !== undefined && known.persisted === end);
  return isThere ? known : undefined;
}

function chunkHead(
  protocol: UploadProtocol,
  url: string,
  { first: offset, end, total }: Span,
): RequestHead {
  const head = protocol.chunk({
    url,
    headers: new Headers(),
    contentType: "application/octet-stream",
    offset,
    size: (end ?? offset + 1) - offset,
    total,
    last: end === total,
    hash: undefined,
  });
  // No value of the protocol says that the end of the body is the end of the whole.
  if (end === undefined && protocol.name === "content-range") {
    head.headers.set("content-range", `bytes ${offset}-*/*`);
  }
  return head;
}

function onSession(
  { transport }: Api,
  head: RequestHead,
  body: PassedBody | null,
  trace: BackendTrace,
): Promise<UpstreamReply> {
  return sendHead(transport, head, body, trace);
}

/** Sends a request, and notes what became of it. */
export async function sendHead(
  to: Transport,
  { method, url, headers }: RequestHead,
  body: PassedBody | string | null,
  trace: BackendTrace,
): Promise<UpstreamReply> {
  const request = { method, url, headers: Object.fromEntries(headers), body };
  const reply = await sendUpstream(to, request);
  trace.upstreamStatus = reply.status;
  trace.upstreamMs = (trace.upstreamMs ?? 0) + reply.milliseconds;
  return reply;
}
