/** A part on its way into a session of the backend, which takes whole quanta until the last bytes. */

import { type BodyBounds, lengthOf, passBody } from "../request_body.ts";
import { type Core, type OpenSession, permit } from "../core.ts";
import { HttpError } from "../http_error.ts";
import type { Trace } from "../log.ts";
import { beginTurn } from "../sealed_session.ts";
import { BelowQuantum, checkPart, isEnd, type Part, type Stored, WrongLength } from "./part.ts";
import { drain, firstBytes } from "./part_body.ts";
import { checkOffset, storeBytes, storeNothing, withLength } from "./store_bytes.ts";
import { storeSegments } from "./store_segments.ts";

/**
 * Refuses a part that may not go on, before a byte of it does. One that does not fit may be for another place than where the
 * stored bytes end; then that is what its client hears, since it can go on from there.
 */
export async function admitPart(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<void> {
  const { granularity } = session;
  const maxBytes = Math.min(session.maxBytes, core.limits.maxBytes);
  let misfit: unknown;
  try {
    checkPart(core, part, { maxBytes, granularity });
  } catch (error) {
    const mayBeElsewhere = error instanceof HttpError && error.status === 413;
    if (!mayBeElsewhere && !(error instanceof WrongLength)) throw error;
    misfit = error;
  }
  await permit(core, session, trace, part.request);
  if (misfit === undefined) return;
  await checkOffset(core, session, part.offset, trace);
  throw misfit;
}

/** Stores a part, or what of it can be. Requests of the same upload that came before are ended. */
export async function storePart(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<Stored> {
  const turn = beginTurn(core, session);
  try {
    return await store(core, session, { ...part, turn }, trace);
  } finally {
    turn.leave();
  }
}

async function store(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<Stored> {
  const { offset, request } = part;
  const length = lengthOf(request);
  if (length === undefined) return await storeSegments(core, session, part, trace);
  if (length === 0) return await storeNothing(core, session, part, trace);
  const { body } = request;
  if (isEnd(part, offset + length)) {
    return await storeBytes(core, session, { part, end: offset + length, isFinal: true }, trace);
  }
  const { granularity } = session;
  const whole = length - length % granularity;
  if (whole === 0) {
    await drain(body);
    await checkOffset(core, session, offset, trace); // a client that is wrong about it may still go on
    throw new BelowQuantum(granularity, length);
  }
  const end = offset + whole;
  if (whole === length) {
    return await storeBytes(core, session, { part, end, isFinal: false }, trace);
  }
  const first = firstBytes(body!, whole);
  const take = (bounds: BodyBounds) => ({
    ...passBody({ headers: withLength(whole), body: first.body }, bounds),
    problem: first.problem,
  });
  try {
    const stored = await storeBytes(core, session, { part, end, isFinal: false, take }, trace);
    return { ...stored, end: offset + length };
  } finally {
    await first.drain();
  }
}
