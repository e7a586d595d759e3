/** Bytes on their way into a session of the backend, which takes whole quanta until the last bytes. */

import type { Chunk } from "../backend.ts";
import { type BodyBounds, lengthOf, passBody, type PassedBody } from "../request_body.ts";
import { type Core, type OpenSession, permit } from "../core.ts";
import { badGateway, HttpError } from "../http_error.ts";
import { ROOM } from "../collecting_memory.ts";
import type { Trace } from "../log.ts";
import type { FinishedObject } from "../outcome.ts";
import { append, ask, beginTurn, WrongOffset } from "../sealed_session.ts";
import { inTurn } from "../session_turn.ts";
import {
  BelowQuantum,
  checkPart,
  isEnd,
  overChunk,
  type Part,
  type Stored,
  WrongLength,
} from "./part.ts";
import { drain, firstBytes, SEGMENT_TIME, SegmentReader } from "./part_body.ts";
import { refusalOf } from "./front_refusal.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The most that is collected of a body of unknown length before it goes on, in bytes: each segment is a request to the
 * backend. Where the granularity is larger, that.
 */
const SEGMENT = 4 * 1_048_576;

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

/** A part without bytes: it may be the end of an upload whose size was not known. */
async function storeNothing(
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
async function checkOffset(
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
interface Portion {
  readonly part: Part;
  /** Where they begin, if that is not where the part does. */
  readonly from?: number;
  /** Where they end. */
  readonly end: number;
  /** Whether the upload ends there. */
  readonly isFinal: boolean;
  readonly take?: ((bounds: BodyBounds) => PassedBody) | undefined;
}

async function storeBytes(
  core: Core,
  session: OpenSession,
  { part, from = part.offset, end, isFinal, take }: Portion,
  trace: Trace,
): Promise<Stored> {
  const { request, turn } = part;
  // A size that the session did not begin with is told as soon as it is known: it is all that remembers it.
  const isNews = session.size === undefined && end < (part.size ?? 0);
  const total = isFinal ? end : isNews ? part.size : undefined;
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

/** A body of unknown length goes on in segments: where it ends decides what may be sent. */
async function storeSegments(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<Stored> {
  const { granularity } = session;
  if (granularity > ROOM) {
    const message =
      `Expected a Content-Length: ${granularity} bytes, of which multiples are stored, ` +
      "are too many to collect";
    throw new HttpError(411, "lengthRequired", message);
  }
  const most = Math.max(SEGMENT, granularity);
  const reader = new SegmentReader(part.request.body!);
  const { offset } = part;
  const progress: SegmentProgress = {
    at: offset,
    end: offset,
    sent: 0,
    isOver: false,
    object: undefined,
  };
  try {
    while (!progress.isOver) {
      const lease = core.room.take(most, granularity, core.now(), SEGMENT_TIME);
      if (!lease) throw badGateway("Too many bodies without a Content-Length at once");
      try {
        await storeSegment(core, session, { part, reader, progress, room: lease.bytes }, trace);
      } finally {
        lease.end();
      }
    }
    const { at, end, object } = progress;
    return { reached: at, end, object };
  } finally {
    trace.bytes = progress.sent;
    await reader.cancel();
  }
}

/** How far a body of unknown length has come. */
interface SegmentProgress {
  /** Where its next bytes go. */
  at: number;
  /** Where the bytes end that have come. */
  end: number;
  /** How many bytes have gone on. */
  sent: number;
  isOver: boolean;
  object: FinishedObject | undefined;
}

/** The next segment of a body. */
interface NextSegment {
  readonly part: Part;
  readonly reader: SegmentReader;
  readonly progress: SegmentProgress;
  /** The most bytes that it may have, a multiple of the quantum. */
  readonly room: number;
}

async function storeSegment(
  core: Core,
  session: OpenSession,
  { part, reader, progress, room }: NextSegment,
  trace: Trace,
): Promise<void> {
  const { offset, size = Infinity } = part;
  const { granularity } = session;
  const { at } = progress;
  // One byte more than there can be shows a body that is too long.
  const most = Math.min(room, size - at + 1, core.maxChunkBytes - (at - offset) + 1);
  const reading = reader.read(most);
  const { bytes, isLast, error } = await (part.turn ? inTurn(part.turn, reading) : reading);
  const { length } = bytes;
  const end = at + length;
  if (end > size) throw new WrongLength(413, size, end);
  if (isLast && !error && part.isLast && part.size !== undefined && end < size) {
    throw new WrongLength(400, size, end);
  }
  if (end - offset > core.maxChunkBytes) throw overChunk(core, granularity, end - offset);
  Object.assign(progress, { end, isOver: isLast });
  if (isLast && end === offset && !error) {
    progress.object = (await storeNothing(core, session, part, trace)).object;
    return;
  }
  const isFinal = isLast && !error && isEnd(part, end);
  const whole = isFinal ? length : length - length % granularity;
  if (whole > 0) {
    const take = taking(bytes.subarray(0, whole));
    const portion = { part, from: at, end: at + whole, isFinal, take };
    const { reached, object } = await storeBytes(core, session, portion, trace);
    Object.assign(progress, { at: reached, object, sent: progress.sent + whole });
    if (!progress.isOver) part.onStored?.(reached);
  } else if (isFinal) { // the last bytes have gone as a whole segment
    progress.object = (await storeNothing(core, session, { ...part, offset: at }, trace)).object;
    return;
  }
  if (error) throw error instanceof HttpError ? error : badGateway("The request broke off");
  if (isLast && progress.at === offset) {
    await checkOffset(core, session, offset, trace);
    throw new BelowQuantum(granularity, length);
  }
  if (progress.at < offset + progress.sent) progress.isOver = true;
}

function taking(bytes: Bytes): (bounds: BodyBounds) => PassedBody {
  const body = new ReadableStream<Bytes>({
    pull(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  }, { highWaterMark: 0 });
  return (bounds) => ({
    ...passBody({ headers: withLength(bytes.length), body }, bounds),
    bytes,
  });
}

function chunkOf(range: Chunk["range"], hash: string | undefined): Chunk {
  return { range, hash, no308: false };
}

function withLength(length: number): Headers {
  return new Headers({ "content-length": String(length) });
}
