/** Bytes of a part that go to the backend in one request, and the end of an upload that has none. */

import type { Chunk } from "../backend.ts";
import { type BodyBounds, passBody, type PassedBody } from "../request_body.ts";
import type { Core, OpenSession } from "../core.ts";
import { HookError } from "../hooks.ts";
import { badGateway, type HttpError } from "../http_error.ts";
import type { Trace } from "../log.ts";
import type { FinishedObject } from "../outcome.ts";
import { append, ask, WrongOffset } from "../sealed_session.ts";
import { EndedTurn } from "../session_turn.ts";
import { isEnd, type Part, type Stored } from "./part.ts";
import { refusalOf, retriable } from "./front_refusal.ts";

/** Makes the object of a session whose bytes are all there: those before the part. */
export async function finishWhole(
  core: Core,
  session: OpenSession,
  { offset, request, hash }: Part,
  trace: Trace,
): Promise<FinishedObject> {
  const range = { first: undefined, last: undefined, total: offset };
  const take = (bounds: BodyBounds) => passBody({ headers: withLength(0), body: null }, bounds);
  const options = { take, isPermitted: true };
  const outcome = await append(core, session, chunkOf(range, hash), request, trace, options);
  if (outcome.kind === "finished") return outcome.object;
  throw outcome.kind === "stored"
    ? badGateway("Google has not made the object yet")
    : refusalOf(outcome);
}

/**
 * The object of an upload whose last bytes have failed, where only the backend's reply to them was lost: some clients know no
 * place to ask at, and others cannot make anything of what they would hear there. Where a later request has ended this one, that
 * one's client hears of the object.
 *
 * @param end how many bytes it must have; `undefined` where nobody else can have finished it
 */
export async function finishedAllTheSame(
  core: Core,
  session: OpenSession,
  end: number | undefined,
  error: HttpError,
  trace: Trace,
): Promise<FinishedObject | undefined> {
  const isUnclear = retriable(error).status >= 500 && !(error instanceof HookError) &&
    !(error instanceof EndedTurn);
  const known = isUnclear ? await ask(core, session, trace).catch(() => undefined) : undefined;
  return known?.kind === "finished" && known.object.size === (end ?? known.object.size)
    ? known.object
    : undefined;
}

/** A part without bytes: it may be the end of an upload whose size was not known. */
export async function storeNothing(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<Stored> {
  const { offset } = part;
  const finished = await checkOffset(core, session, offset, trace);
  const object = finished ??
    (isEnd(part, offset) ? await finishWhole(core, session, part, trace) : undefined);
  return { reached: offset, end: offset, object };
}

/** Asks whether so much is stored; gives the object if the upload is finished there. */
export async function checkOffset(
  core: Core,
  session: OpenSession,
  offset: number,
  trace: Trace,
): Promise<FinishedObject | undefined> {
  const outcome = await ask(core, session, trace);
  if (outcome.kind !== "stored" && outcome.kind !== "finished") throw refusalOf(outcome);
  const object = outcome.kind === "finished" ? outcome.object : undefined;
  const reached = outcome.kind === "finished" ? outcome.object.size : outcome.persisted ?? 0;
  if (reached !== offset) throw new WrongOffset(offset, reached, object !== undefined);
  return object;
}

/** Bytes that go to the backend in one request. */
export interface Portion {
  readonly part: Part;
  /** Where they begin, if that is not where the part does. */
  readonly from?: number;
  /** Where they end. */
  readonly end: number;
  /** Whether the upload ends there. */
  readonly isFinal: boolean;
  readonly take?: ((bounds: BodyBounds) => PassedBody) | undefined;
}

/** Sends bytes to the backend in one request. */
export async function storeBytes(
  core: Core,
  session: OpenSession,
  { part, from = part.offset, end, isFinal, take }: Portion,
  trace: Trace,
): Promise<Stored> {
  const { request, turn } = part;
  // A size that was not known when the session began is told to the backend as soon as it is: nothing else remembers it.
  const isNewSize = session.size === undefined && end < (part.size ?? 0);
  const total = isFinal ? end : isNewSize ? part.size : undefined;
  const range = { first: from, last: end - 1, total };
  const chunk = chunkOf(range, isFinal ? part.hash : undefined);
  const options = { isStrict: true, isPermitted: true, turn, ...(take && { take }) };
  const outcome = await append(core, session, chunk, request, trace, options);
  if (outcome.kind === "finished") {
    const { size } = outcome.object;
    // Somebody else has finished it.
    if (!isFinal || size !== end) throw new WrongOffset(from, size, true);
    return { reached: end, end, object: outcome.object };
  }
  if (outcome.kind !== "stored") throw refusalOf(outcome);
  const { persisted = 0 } = outcome;
  // A client that hears of success without progress sends the same at once, again and again.
  if (persisted <= from) throw badGateway("Google has stored none of these bytes; send them again");
  if (persisted > end) throw new WrongOffset(end, persisted);
  if (!isFinal || persisted < end) return { reached: persisted, end };
  const object = await finishWhole(core, session, { ...part, offset: end }, trace);
  return { reached: end, end, object };
}

function chunkOf(range: Chunk["range"], hash: string | undefined): Chunk {
  return { range, hash, no308: false };
}

/** The head of a body of so many bytes. */
export function withLength(length: number): Headers {
  return new Headers({ "content-length": String(length) });
}
