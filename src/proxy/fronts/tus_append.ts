/** Bytes of tus clients on their way into a session of the backend, which takes whole quanta until the last bytes. */

import { UPLOAD_CHUNK_SIZE as QUANTUM } from "../../protocol/content_range/ranges.ts";
import type { Chunk } from "../backend.ts";
import { type BodyBounds, checkLength, lengthOf, passBody, type PassedBody } from "../body.ts";
import { badGateway, HttpError, tooLarge } from "../http_error.ts";
import type { Trace } from "../log.ts";
import type { Outcome } from "../outcome.ts";
import { append, ask, type Core, type OpenSession, wrongOffset } from "../session.ts";
import { drain, firstBytes, SEGMENT_TIME, SegmentReader } from "./tus_body.ts";
import { BelowQuantum, refusalOf } from "./tus_reply.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The most that is collected of a body of unknown length before it goes on: each segment is a request to the backend. */
const SEGMENT = 16 * QUANTUM;

/** Bytes for a session. */
export interface Part {
  /** Where they begin. */
  readonly offset: number;
  /** The size of the whole upload, if it is known by now. */
  readonly size: number | undefined;
  readonly request: Request;
}

/** Refuses a part that does not fit, before anything is done. */
export function checkPart(core: Core, { offset, size, request }: Part, maxBytes: number): void {
  checkLength(request, core.requireLength);
  const length = lengthOf(request);
  if ((size ?? 0) > maxBytes) {
    throw tooLarge(`At most ${maxBytes} bytes are allowed for this object, got ${size}`);
  }
  const end = offset + (length ?? 0);
  if (end > (size ?? maxBytes)) throw beyondEnd(size ?? maxBytes, end);
  if ((length ?? 0) > core.maxChunkBytes) throw overChunk(core, length!);
}

/** Stores a part, or what of it can be; returns where the next one begins. */
export async function storePart(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<number> {
  const { offset, size, request } = part;
  const length = lengthOf(request);
  if (length === undefined) return await storeSegments(core, session, part, trace);
  if (length === 0) return await storeNothing(core, session, part, trace);
  const { body } = request;
  if (offset + length === size) {
    return await storeBytes(core, session, { part, end: size, isFinal: true }, trace);
  }
  const whole = length - length % QUANTUM;
  if (whole === 0) {
    await drain(body);
    await expectOffset(core, session, offset, trace); // a client that is wrong about it may still go on
    throw new BelowQuantum(QUANTUM, length);
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
    return await storeBytes(core, session, { part, end, isFinal: false, take }, trace);
  } finally {
    await first.drain();
  }
}

/** Makes the object of a session whose bytes are all there, without anybody having said that it is the end; returns its size. */
export async function finishWhole(
  core: Core,
  session: OpenSession,
  size: number,
  request: Request,
  trace: Trace,
): Promise<number> {
  const range = { first: undefined, last: undefined, total: size };
  const take = (bounds: BodyBounds) => passBody({ headers: withLength(0), body: null }, bounds);
  const options = { take, isPermitted: true };
  const outcome = await append(core, session, chunkOf(range), request, trace, options);
  if (outcome.kind === "finished") return outcome.object.size;
  throw outcome.kind === "stored"
    ? badGateway("Google has not made the object yet")
    : refusalOf(outcome);
}

/** A part without bytes: it may be the end of an upload whose size was not known. */
async function storeNothing(
  core: Core,
  session: OpenSession,
  { offset, size, request }: Part,
  trace: Trace,
): Promise<number> {
  const outcome = await expectOffset(core, session, offset, trace);
  if (outcome.kind === "stored" && offset === size) {
    await finishWhole(core, session, size, request, trace);
  }
  return offset;
}

/** Asks where the stored bytes end: any other offset is a 409. */
async function expectOffset(
  core: Core,
  session: OpenSession,
  offset: number,
  trace: Trace,
): Promise<Outcome> {
  const outcome = await ask(core, session, trace);
  if (outcome.kind !== "stored" && outcome.kind !== "finished") throw refusalOf(outcome);
  const reached = outcome.kind === "stored" ? outcome.persisted ?? 0 : outcome.object.size;
  if (reached !== offset) throw wrongOffset(offset, reached);
  return outcome;
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
): Promise<number> {
  const { request } = part;
  const range = { first: from, last: end - 1, total: isFinal ? end : undefined };
  const options = { isStrict: true, isPermitted: true, ...(take && { take }) };
  const outcome = await append(core, session, chunkOf(range), request, trace, options);
  if (outcome.kind === "finished") {
    const { size } = outcome.object;
    if (!isFinal || size !== end) throw wrongOffset(from, size); // somebody else has finished it
    return end;
  }
  if (outcome.kind !== "stored") throw refusalOf(outcome);
  const { persisted = 0 } = outcome;
  // A client that hears of success without progress sends the same at once, again and again.
  if (persisted <= from) throw badGateway("Google has stored none of these bytes; send them again");
  if (persisted > end) throw wrongOffset(end, persisted);
  if (isFinal && persisted === end) await finishWhole(core, session, end, request, trace);
  return persisted;
}

/** A body of unknown length goes on in segments: where it ends decides what may be sent. */
async function storeSegments(
  core: Core,
  session: OpenSession,
  part: Part,
  trace: Trace,
): Promise<number> {
  const reader = new SegmentReader(part.request.body!);
  const progress: SegmentProgress = { at: part.offset, sent: 0, isOver: false };
  try {
    while (!progress.isOver) {
      const lease = core.room.take(SEGMENT, QUANTUM, core.now(), SEGMENT_TIME);
      if (!lease) throw badGateway("Too many bodies without a Content-Length at once");
      try {
        await storeSegment(core, session, { part, reader, progress, room: lease.bytes }, trace);
      } finally {
        lease.end();
      }
    }
    return progress.at;
  } finally {
    trace.bytes = progress.sent;
    await reader.cancel();
  }
}

/** How far a body of unknown length has come. */
interface SegmentProgress {
  /** Where its next bytes go. */
  at: number;
  /** How many bytes have gone on. */
  sent: number;
  isOver: boolean;
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
  const { at } = progress;
  // One byte more than there can be shows a body that is too long.
  const most = Math.min(room, size - at + 1, core.maxChunkBytes - (at - offset) + 1);
  const { bytes, isLast, error } = await reader.read(most);
  const { length } = bytes;
  const end = at + length;
  if (end > size) throw beyondEnd(size, end);
  if (end - offset > core.maxChunkBytes) throw overChunk(core, end - offset);
  progress.isOver = isLast;
  if (isLast && end === offset && !error) {
    await storeNothing(core, session, part, trace);
    return;
  }
  const isFinal = isLast && !error && end === size;
  const whole = isFinal ? length : length - length % QUANTUM;
  if (whole > 0) {
    const take = taking(bytes.subarray(0, whole));
    const portion = { part, from: at, end: at + whole, isFinal, take };
    progress.at = await storeBytes(core, session, portion, trace);
    progress.sent += whole;
  } else if (isFinal) { // the last bytes have gone as a whole segment
    await storeNothing(core, session, { ...part, offset: at }, trace);
    return;
  }
  if (error) throw error instanceof HttpError ? error : badGateway("The request broke off");
  if (isLast && progress.at === offset) {
    await expectOffset(core, session, offset, trace);
    throw new BelowQuantum(QUANTUM, length);
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
  return (bounds) => passBody({ headers: withLength(bytes.length), body }, bounds);
}

function chunkOf(range: Chunk["range"]): Chunk {
  return { range, hash: undefined, no308: false };
}

function withLength(length: number): Headers {
  return new Headers({ "content-length": String(length) });
}

function overChunk({ maxChunkBytes }: Core, length: number): HttpError {
  const most = maxChunkBytes - maxChunkBytes % QUANTUM;
  return tooLarge(
    `At most ${maxChunkBytes} bytes are allowed in a request, got ${length}: ` +
      `set the client's chunkSize to ${most} or less`,
  );
}

function beyondEnd(most: number, end: number): HttpError {
  return tooLarge(`The upload has at most ${most} bytes, the request ends at ${end}`);
}
