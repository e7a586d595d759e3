// What the upload cases share: data, sources, a clock that does not wait, an emulator to look into.

import {
  type BucketTarget,
  type Checkpoint,
  type Clock,
  ResumableUpload,
  type ResumableUploadOptions,
  type StorageObject,
  type Transport,
  upload,
  UploadError,
  type UploadErrorCode,
  type UploadSettings,
  type UploadSource,
} from "../../../mod.ts";
import type { GcsEmulator, RequestRecord } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

/** The smallest chunk, in bytes. */
export const CHUNK = 262_144;

/** The bucket of all cases. */
export const BUCKET = "portable";

/** Bytes that differ from one 256 KiB to the next, so that misplaced ones show. */
export function pattern(length: number, seed = 31): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * seed + (i >>> 9) + (i >>> 18) * 5) & 255;
  return bytes;
}

/** The place of the first byte that differs, or -1. A plain loop: a callback for each byte takes ten times as long. */
export function difference(actual: Uint8Array, expected: Uint8Array): number {
  for (let i = 0; i < actual.length; i++) if (actual[i] !== expected[i]) return i;
  return -1;
}

/** Fails at the first byte that differs. */
export function assertBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array,
  what: string,
): void {
  assert(actual, `${what}: expected ${expected.length} bytes, got nothing`);
  assertEquals(actual.length, expected.length, `${what}: the number of bytes`);
  assertEquals(
    difference(actual, expected),
    -1,
    `${what}: the place of the first byte that differs`,
  );
}

/** Fails unless the emulator has exactly these bytes under that name. */
export function assertStored(gcs: GcsEmulator, bytes: Uint8Array, name = "object"): void {
  assertBytes(gcs.get(BUCKET, name)?.bytes, bytes, name);
}

/** Fails unless the promise rejects with the library's own error of that code; resolves to it. */
export async function assertCode(
  promise: PromiseLike<unknown>,
  code: UploadErrorCode,
): Promise<UploadError> {
  const error = await assertRejects(promise, UploadError);
  assertEquals(error.code, code, error.message);
  return error;
}

/** A clock that stands still until somebody sleeps, who then does not wait. */
export interface TestClock extends Clock {
  /** How long was slept, in milliseconds. */
  readonly delays: number[];
}

/** A clock whose timers never fire. Chance is always a half. */
export function testClock(): TestClock {
  const delays: number[] = [];
  let now = 0;
  return {
    delays,
    now: () => now,
    random: () => 0.5,
    setTimer: () => () => {},
    sleep(milliseconds, signal) {
      delays.push(milliseconds);
      now += milliseconds;
      return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve();
    },
  };
}

/** Options that say anew where an upload goes, or nothing of it. */
export type MoreOptions = UploadSettings & {
  readonly bucket?: string | undefined;
  readonly name?: string | undefined;
  readonly endpoint?: string | URL | undefined;
  readonly url?: string | URL | undefined;
  readonly session?: unknown;
};

/** Where an upload goes unless the case says otherwise: into the emulator, in the smallest chunks, without waiting. */
export function target(gcs: GcsEmulator, options: MoreOptions = {}): UploadSettings & BucketTarget {
  return {
    bucket: BUCKET,
    name: "object",
    transport: gcs.fetch,
    chunkSize: CHUNK,
    retry: { clock: testClock() },
    ...options,
  } as UploadSettings & BucketTarget;
}

/** Uploads into the emulator. */
export function put(
  gcs: GcsEmulator,
  source: UploadSource,
  options: MoreOptions = {},
): Promise<StorageObject> {
  return upload(source, target(gcs, options));
}

/** The start URL of an upload at Google. */
export function startUrl(type: "media" | "multipart" | "resumable", query = "name=object"): string {
  return `https://storage.googleapis.com/upload/storage/v1/b/${BUCKET}/o?uploadType=${type}&${query}`;
}

/** An upload with an open session. */
export async function opened(
  transport: Transport,
  source: UploadSource,
  options: ResumableUploadOptions & { chunkSize?: number } = {},
): Promise<ResumableUpload> {
  const { chunkSize = CHUNK, ...rest } = options;
  const retry = rest.retry === undefined ? { clock: testClock() } : rest.retry;
  const resumable = new ResumableUpload(startUrl("resumable"), chunkSize, { ...rest, retry });
  await resumable.initiate(transport, source, {}, "application/octet-stream");
  return resumable;
}

/** Sends chunks until the upload is finished. */
export async function finish(resumable: ResumableUpload, transport: Transport): Promise<void> {
  while (!resumable.finished) await resumable.transmitNextChunk(transport);
}

/** A checkpoint as it comes back from storage. */
export function storedCheckpoint(resumable: ResumableUpload): Checkpoint {
  return JSON.parse(JSON.stringify(resumable.checkpoint()));
}

/** The kinds of all requests, in order. */
export function kinds({ requests }: GcsEmulator): string[] {
  return requests.map(({ kind }) => kind);
}

/** The requests that carry bytes of a session. */
export function chunks({ requests }: GcsEmulator): RequestRecord[] {
  return requests.filter(({ kind }) => kind === "chunk" || kind === "final");
}

/** The Content-Range of all requests that carry bytes of a session. */
export function ranges(gcs: GcsEmulator): (string | null)[] {
  return chunks(gcs).map(({ contentRange }) => contentRange);
}

/** The bytes in pieces. */
export async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.slice(at, at + size);
  }
}

/** The bytes as a stream of pieces. */
export function streamOf(
  bytes: Uint8Array,
  size: number,
  onCancel: (reason: unknown) => void = () => {},
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at += size));
      else controller.close();
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

/** The bytes as a byte stream, which fills the memory of whoever reads. */
export function byteStreamOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const request = controller.byobRequest;
      if (at >= bytes.length) {
        controller.close();
        request?.respond(0);
        return;
      }
      const piece = bytes.slice(at, at + Math.min(size, request?.view?.byteLength ?? size));
      at += piece.length;
      if (!request?.view) return controller.enqueue(piece);
      new Uint8Array(request.view.buffer, request.view.byteOffset).set(piece);
      request.respond(piece.length);
    },
  });
}

/** A promise with its ends. */
export interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => resolve = done);
  return { promise, resolve };
}
