/** A part of an upload, as a client's request brings it: what is refused before a byte of it goes on. */

import { checkLength, lengthOf } from "../request_body.ts";
import type { Core } from "../core.ts";
import { HttpError, tooLarge } from "../http_error.ts";
import type { FinishedObject } from "../outcome.ts";
import type { Turn } from "../session_turn.ts";

/** Bytes for a session. */
export interface Part {
  /** Where they begin. */
  readonly offset: number;
  /** The size of the whole upload, if it is known by now. */
  readonly size: number | undefined;
  readonly request: Request;
  /** Whether the upload ends with it. The default is that it ends where its size is reached. */
  readonly isLast?: boolean | undefined;
  /** `X-Goog-Hash` of the whole upload, for the backend to compare at its end. */
  readonly hash?: string | undefined;
  /** The request's turn among those of its upload, once it has begun. */
  readonly turn?: Turn | undefined;
  /** Hears how much is stored before the body has come to its end. */
  readonly onStored?: ((persisted: number) => void) | undefined;
}

/** What has become of a part. */
export interface Stored {
  /** Where the next one begins. */
  readonly reached: number;
  /** Where the bytes end that came. */
  readonly end: number;
  /** The object, if the upload ended. */
  readonly object?: FinishedObject | undefined;
}

/** Refuses a part that does not fit, before anything is done. */
export function checkPart(
  core: Core,
  { offset, size, isLast, request }: Part,
  { maxBytes, granularity }: { readonly maxBytes: number; readonly granularity: number },
): void {
  checkLength(request, core.requireLength);
  const length = lengthOf(request);
  if ((size ?? 0) > maxBytes) {
    throw tooLarge(`At most ${maxBytes} bytes are allowed for this object, got ${size}`);
  }
  const end = offset + (length ?? 0);
  if (end > (size ?? maxBytes)) throw beyondEnd(size, maxBytes, end);
  if (isLast && length !== undefined && size !== undefined && end < size) {
    throw new WrongLength(400, size, end);
  }
  if ((length ?? 0) > core.maxChunkBytes) throw overChunk(core, granularity, length!);
}

/** Refuses a part of which nothing can be stored. */
export function checkQuantum(part: Part, granularity: number): void {
  const length = lengthOf(part.request);
  if (!length || length >= granularity || isEnd(part, part.offset + length)) return;
  throw new BelowQuantum(granularity, length);
}

/** Whether the upload ends where a part does. */
export function isEnd({ size, isLast }: Part, end: number): boolean {
  return isLast ?? end === size;
}

/** More bytes than a request may have. */
export function overChunk(
  { maxChunkBytes }: Core,
  granularity: number,
  length: number,
): HttpError {
  const max = maxChunkBytes - maxChunkBytes % granularity;
  return tooLarge(
    `At most ${maxChunkBytes} bytes are allowed in a request, got ${length}: ` +
      `set the client's chunkSize to ${max} or less`,
  );
}

/** More bytes than the upload has, if its size is known, or may have. */
function beyondEnd(size: number | undefined, maxBytes: number, end: number): HttpError {
  if (size !== undefined) return new WrongLength(413, size, end);
  return tooLarge(`The upload has at most ${maxBytes} bytes, the request ends at ${end}`);
}

/** A part that does not end where the upload does. */
export class WrongLength extends HttpError {
  /** Whether it ends behind the upload's end, and not before it. */
  readonly isBeyond: boolean;

  /** An error that names both places. */
  constructor(status: 400 | 413, size: number, end: number) {
    const words = status === 413 ? "at most " : "";
    const message = `The upload has ${words}${size} bytes, the request ends at ${end}`;
    super(status, status === 413 ? "uploadTooLarge" : "invalid", message);
    this.isBeyond = status === 413;
  }
}

/** Too few bytes: Google would end the session. */
export class BelowQuantum extends HttpError {
  /** An error that names the client's option. */
  constructor(quantum: number, length: number) {
    super(
      400,
      "invalid",
      `Expected at least ${quantum} bytes in a request that does not finish the upload, got ${length}: ` +
        `set the client's chunkSize to a multiple of ${quantum}`,
    );
  }
}
