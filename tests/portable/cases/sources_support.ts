// What the cases about sources and endings share: sources that note what is done to them, transports that note
// what they are asked, and a limit for what must not hang.

import {
  type Checkpoint,
  type StorageObject,
  type Transport,
  upload,
  type UploadOptions,
  type UploadProgress,
  type UploadSource,
  type uploadStream,
} from "../../../mod.ts";
import type { GcsEmulator } from "../../../src/emulator/mod.ts";
import { PortableAssertionError } from "../assert.ts";
import { BUCKET, CHUNK, pattern, testClock } from "./upload_support.ts";

/** The outcome of a promise within ten seconds; what takes longer hangs, and is an error. */
export async function settled<T>(promise: PromiseLike<T>, what = "it"): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PortableAssertionError(`${what} never settled`)), 10_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a promise, or a call, ends with: the reason it is rejected with, or `undefined`. */
export async function failureOf(call: () => unknown, what = "the call"): Promise<unknown> {
  try {
    await settled(Promise.resolve(call()), what);
    return undefined;
  } catch (error) {
    if (error instanceof PortableAssertionError) throw error;
    return error;
  }
}

/** Lets everything happen that needs no more than the tasks at hand. */
export async function idle(rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** What was done to a source. */
export interface Log {
  /** Whether somebody has it: a stream is locked, another source was read. */
  taken(): boolean;
  /** With which reasons it was let go. */
  readonly released: unknown[];
  /** How often it was read. */
  reads: number;
}

/** How a source behaves when it is let go. */
export type Farewell = "quietly" | "with an error" | "never";

function answer(farewell: Farewell): Promise<void> {
  if (farewell === "never") return new Promise(() => {});
  return farewell === "quietly"
    ? Promise.resolve()
    : Promise.reject(new Error("letting go of the source failed"));
}

/** A source that notes what is done to it. */
export interface Noted<S> {
  readonly source: S;
  readonly log: Log;
}

/** What a source that notes is made of. */
export interface NotedOptions {
  readonly bytes?: Uint8Array;
  /** Bytes in a piece, or the most that one `read` gives. */
  readonly size?: number;
  readonly farewell?: Farewell;
  /** Called before each piece with its offset; may throw, or wait. */
  readonly before?: (offset: number) => void | Promise<void>;
}

const BYTES = pattern(3 * CHUNK + 77);

/** A stream that notes why it is cancelled. */
export function notedStream(options: NotedOptions = {}): Noted<ReadableStream<Uint8Array>> {
  const { bytes = BYTES, size = 100_000, farewell = "quietly", before } = options;
  const log: Log = { released: [], reads: 0, taken: () => source.locked };
  let at = 0;
  const source: ReadableStream<Uint8Array> = new ReadableStream<Uint8Array>({
    async pull(controller) {
      log.reads++;
      await before?.(at);
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
    cancel(reason) {
      log.released.push(reason);
      return answer(farewell);
    },
  }, { highWaterMark: 0 });
  return { source, log };
}

/** An async iterator that notes its `next` and `return`, as an event emitter's adapter is one. */
export function notedIterable(options: NotedOptions = {}): Noted<AsyncIterable<Uint8Array>> {
  const { bytes = BYTES, size = 100_000, farewell = "quietly", before } = options;
  const log: Log = { released: [], reads: 0, taken: () => log.reads > 0 };
  let at = 0;
  let ended = false;
  const source: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => source,
    async next() {
      log.reads++;
      if (ended) return { done: true, value: undefined };
      await before?.(at);
      if (ended || at >= bytes.length) {
        ended = true;
        return { done: true, value: undefined };
      }
      const value = bytes.slice(at, at + size);
      at += size;
      return { done: false, value };
    },
    async return(reason?: unknown) {
      ended = true;
      log.released.push(reason);
      await answer(farewell);
      return { done: true, value: undefined };
    },
  };
  return { source, log };
}

/** A source that can be read anywhere, and that notes when it is closed. */
export function notedByteSource(
  options: NotedOptions & { declared?: boolean } = {},
): Noted<
  {
    size?: number;
    read(offset: number, length: number): Promise<Uint8Array>;
    close(): Promise<void>;
  }
> {
  const { bytes = BYTES, size = Infinity, farewell = "quietly", before, declared = true } = options;
  const log: Log = { released: [], reads: 0, taken: () => log.reads > 0 };
  const source = {
    async read(offset: number, length: number) {
      log.reads++;
      await before?.(offset);
      return bytes.slice(offset, offset + Math.min(length, size));
    },
    close() {
      log.released.push(undefined);
      return answer(farewell);
    },
  };
  return { source: declared ? { size: bytes.length, ...source } : source, log };
}

/** The kinds of sources that have to be let go. */
export const NOTED: Readonly<
  Record<string, (options?: NotedOptions) => Noted<UploadSource>>
> = {
  "a stream": notedStream,
  "an iterator": notedIterable,
  "a ByteSource": (options) => notedByteSource(options),
  "a ByteSource without a size": (options) => notedByteSource({ ...options, declared: false }),
};

/** A transport whose start waits until it is let through. */
export function slowStart(transport: Transport, gate: Promise<void>): Transport {
  return async (input, init) => {
    if (init.method === "POST") await gate;
    return await transport(input, init);
  };
}

/** A transport that counts requests. */
export function counted(transport: Transport): { transport: Transport; count: () => number } {
  let requests = 0;
  return {
    transport: (input, init) => {
      requests++;
      return transport(input, init);
    },
    count: () => requests,
  };
}

/** A transport with other replies where `change` returns one; bodies are read in any case. */
export function changing(
  transport: Transport,
  change: (reply: Response, init: RequestInit, index: number) => Response | Promise<Response>,
): Transport {
  let index = 0;
  return async (input, init) => await change(await transport(input, init), init, index++);
}

/** The same reply under other headers. */
export function without(reply: Response, ...names: string[]): Response {
  const headers = new Headers(reply.headers);
  for (const name of names) headers.delete(name);
  return new Response(reply.body, { status: reply.status, headers });
}

/** A reply that came from another origin, of which a browser shows what CORS lets it show. */
export function crossOrigin(reply: Response, hidden: string[]): Response {
  return Object.defineProperty(without(reply, ...hidden), "type", { value: "cors" });
}

/** Options of every kind, right or wrong. */
export interface LooseOptions {
  transport?: Transport | undefined;
  onProgress?: ((progress: UploadProgress) => void) | undefined;
  onCheckpoint?: ((checkpoint: Checkpoint) => void | Promise<void>) | undefined;
  [name: string]: unknown;
}

/** Options of an upload, right or wrong: into the emulator, in the smallest chunks, without waiting. */
export function optionsFor(gcs: GcsEmulator, extra: LooseOptions = {}): UploadOptions {
  const place = "url" in extra ? {} : { bucket: BUCKET, name: "object" };
  const retry = { clock: testClock() };
  const options = { ...place, transport: gcs.fetch, chunkSize: CHUNK, retry, ...extra };
  return options as unknown as UploadOptions;
}

/** The same for `uploadStream()`. */
export function streamOptionsFor(
  gcs: GcsEmulator,
  extra: LooseOptions = {},
): Parameters<typeof uploadStream>[0] {
  return optionsFor(gcs, extra) as unknown as Parameters<typeof uploadStream>[0];
}

/** Uploads into the emulator. */
export function store(
  gcs: GcsEmulator,
  source: UploadSource,
  extra: LooseOptions = {},
): Promise<StorageObject> {
  return upload(source, optionsFor(gcs, extra));
}
