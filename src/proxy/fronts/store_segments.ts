/** A body of unknown length on its way into a session: where it ends decides what may be sent. */

import { type BodyBounds, passBody, type PassedBody } from "../request_body.ts";
import type { Core, OpenSession } from "../core.ts";
import { badGateway, HttpError } from "../http_error.ts";
import { ROOM } from "../collecting_memory.ts";
import type { Trace } from "../log.ts";
import type { FinishedObject } from "../outcome.ts";
import { inTurn } from "../session_turn.ts";
import { BelowQuantum, isEnd, overChunk, type Part, type Stored, WrongLength } from "./part.ts";
import { SEGMENT_TIME, SegmentReader } from "./part_body.ts";
import { checkOffset, storeBytes, storeNothing, withLength } from "./store_bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The most that is collected of a body of unknown length before it goes on, in bytes: each segment is a request to the
 * backend. Where the granularity is larger, that.
 */
const SEGMENT = 4 * 1_048_576;

/** Stores a body of unknown length segment by segment. */
export async function storeSegments(
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
  const max = Math.max(SEGMENT, granularity);
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
      const lease = core.room.take(max, granularity, core.now(), SEGMENT_TIME);
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
    reader.cancel();
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
  const max = Math.min(room, size - at + 1, core.maxChunkBytes - (at - offset) + 1);
  const reading = reader.read(max);
  const { bytes, isLast, error } = await (part.turn ? inTurn(part.turn, reading) : reading);
  const { length } = bytes;
  const end = at + length;
  const misfit = misfitOf(core, part, { end, isOver: isLast && !error, granularity });
  if (misfit) {
    // For another place than where the stored bytes end, that is what the client hears, as of a part with a length.
    const isKnown = at > offset || core.progress.of(session.name).persisted === offset;
    if (!isKnown) await checkOffset(core, session, offset, trace);
    part.turn?.check(); // an upload that somebody else goes on with is not ended by these bytes
    throw misfit;
  }
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

/** How far a body has come. */
interface Reached {
  readonly end: number;
  /** Whether no more bytes come. */
  readonly isOver: boolean;
  readonly granularity: number;
}

/** Why a body cannot be stored that has come so far; `undefined` where it can. */
function misfitOf(
  core: Core,
  { offset, size, isLast }: Part,
  { end, isOver, granularity }: Reached,
): HttpError | undefined {
  if (size !== undefined && end > size) return new WrongLength(413, size, end);
  if (size !== undefined && end < size && isOver && isLast) return new WrongLength(400, size, end);
  const length = end - offset;
  return length > core.maxChunkBytes ? overChunk(core, granularity, length) : undefined;
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
