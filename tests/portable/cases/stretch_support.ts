// What the cases about long streamed requests share: a source and a transport that write down what is done to them, in one
// list; the test server; the rule that nothing is sent twice that the server has.

import {
  type ByteSource,
  type Clock,
  type StorageObject,
  type Transport,
  upload,
  type UploadOptions,
  type UploadSource,
} from "../../../mod.ts";
import type { Fault, GcsEmulator, RequestRecord } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context } from "../case.ts";
import type { ServerOptions } from "../server.ts";
import { type LooseOptions, optionsFor } from "./sources_support.ts";
import { assertBytes, BUCKET, CHUNK, pattern } from "./upload_support.ts";

export const MIB = 1_048_576;

/** The most that a random-access source is asked for at once. */
export const PIECE: number = MIB;

/** Whether this runtime sends a body while it is made; a page on HTTP/1.1 does not. */
export function streams({ runtime }: Context): boolean {
  return runtime !== "chromium";
}

let whole = pattern(0);

/** The first bytes of one long pattern, which is made once. */
export function long(length: number): Uint8Array<ArrayBuffer> {
  if (whole.length < length) whole = pattern(length);
  return whole.subarray(0, length);
}

/** What was done to a source or asked of a transport. */
export type Event =
  | { readonly what: "read"; readonly offset: number; readonly length: number }
  | { readonly what: "close" }
  | { readonly what: "request"; readonly range: string | null }
  | { readonly what: "end"; readonly status: number | undefined };

/** How a source behaves that is written down. */
export interface RecordedOptions {
  /** Called before each read; may throw, or wait. */
  readonly before?: (offset: number, length: number) => void | Promise<void>;
  /** What is there when it is read; the default is the bytes it was made with. */
  readonly content?: (recorder: Recorder) => Uint8Array;
}

/** A list of everything that was done, in the order of happening. */
export class Recorder {
  readonly events: Event[] = [];

  /** A source of known size that can be read anywhere. */
  source(bytes: Uint8Array, options: RecordedOptions = {}): ByteSource & { readonly size: number } {
    const { before, content = () => bytes } = options;
    return {
      size: bytes.length,
      read: async (offset, length) => {
        this.events.push({ what: "read", offset, length });
        await before?.(offset, length);
        return content(this).slice(offset, offset + length);
      },
      close: () => void this.events.push({ what: "close" }),
    };
  }

  /** The same transport, whose requests on a session are written down. */
  transport(inner: Transport): Transport {
    return async (input, init) => {
      const range = new Headers(init.headers).get("content-range");
      if (range !== null) this.events.push({ what: "request", range });
      let status: number | undefined;
      try {
        const reply = await inner(input, init);
        status = reply.status;
        return reply;
      } finally {
        if (range !== null) this.events.push({ what: "end", status });
      }
    };
  }

  /** How often the source was closed. */
  get closed(): number {
    return this.events.filter(({ what }) => what === "close").length;
  }

  /** The places and lengths of all reads. */
  get reads(): { readonly offset: number; readonly length: number }[] {
    return this.events.filter((event) => event.what === "read");
  }

  /** How many bytes were read in all. */
  get bytesRead(): number {
    return this.reads.reduce((sum, { length }) => sum + length, 0);
  }

  /** The `Content-Range` of all requests on the session. */
  get ranges(): (string | null)[] {
    return this.events.flatMap((event) => event.what === "request" ? [event.range] : []);
  }
}

/** Fails unless every byte was read, and none twice. */
export function assertReadOnce(recorder: Recorder, size: number): void {
  let end = 0;
  for (const { offset, length } of recorder.reads.toSorted((a, b) => a.offset - b.offset)) {
    assertEquals(offset, end, "where the next read begins");
    end += length;
  }
  assertEquals(end, size, "how many bytes were read");
}

/** A Blob that writes down which parts of it are asked for. */
export class RecordedBlob extends Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #recorder: Recorder;

  constructor(bytes: Uint8Array<ArrayBuffer>, recorder: Recorder) {
    super([bytes]);
    this.#bytes = bytes;
    this.#recorder = recorder;
  }

  override slice(start = 0, end: number = this.size): Blob {
    this.#recorder.events.push({ what: "read", offset: start, length: end - start });
    return new Blob([this.#bytes.subarray(start, end)]);
  }
}

/** The first byte, the end and the size that a `Content-Range` speaks of; `undefined` for a question. */
export function rangeOf(
  header: string | null,
):
  | { readonly first: number; readonly end: number; readonly total: number | undefined }
  | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header ?? "");
  if (!match) return undefined;
  const [, first, last, total] = match;
  return {
    first: Number(first),
    end: Number(last) + 1,
    total: total === "*" ? undefined : Number(total),
  };
}

/** What a server keeps of so many bytes that do not end the object. */
export function kept(bytes: number): number {
  return Math.floor(bytes / CHUNK) * CHUNK;
}

/** Uploads into an emulator in this process, with the chunk size that suits the source, without waiting. */
export function send(
  gcs: GcsEmulator,
  source: UploadSource,
  extra: LooseOptions = {},
): Promise<StorageObject> {
  return upload(source, optionsFor(gcs, { chunkSize: undefined, ...extra }));
}

/** Uploads to the test server over a real connection, with the chunk size that suits the source. */
export function sendTo(
  origin: string,
  name: string,
  source: UploadSource,
  extra: LooseOptions = {},
): Promise<StorageObject> {
  const options = { bucket: BUCKET, name, endpoint: origin, retry: { initialDelay: 1 }, ...extra };
  return upload(source, options as unknown as UploadOptions);
}

/** Asks the test server, once more where a connection that was kept alive is gone. */
export async function ask(url: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    return await fetch(url, init);
  }
}

/** Fails unless the server has exactly these bytes under that name. */
export async function assertStoredAt(
  origin: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const url = `${origin}/storage/v1/b/${BUCKET}/o/${encodeURIComponent(name)}?alt=media`;
  const response = await ask(url);
  assertEquals(response.status, 200, `the status of ${name}`);
  assertBytes(new Uint8Array(await response.arrayBuffer()), bytes, name);
}

/** Makes requests to come go wrong. */
export async function injectAt(origin: string, ...faults: Fault[]): Promise<void> {
  const body = JSON.stringify(faults, (_, value) => value === Infinity ? "Infinity" : value);
  const init = { method: "POST", body };
  assertEquals((await ask(`${origin}/inject`, init)).status, 204, "the status of /inject");
}

/** The requests of the upload of that name as the server saw them; without those that browsers add. */
export async function requestsAt(origin: string, name: string): Promise<RequestRecord[]> {
  const all: RequestRecord[] = await (await ask(`${origin}/requests`)).json();
  return all.filter(({ url, kind }) =>
    kind !== "other" && new URL(url).searchParams.get("name") === name
  );
}

/** Another server, with options. It ends with the first one. */
export async function anotherServer(
  { origin }: Context,
  options: ServerOptions,
): Promise<string> {
  const init = { method: "POST", body: JSON.stringify(options) };
  const response = await ask(`${origin}/servers`, init);
  assertEquals(response.status, 200, "the status of /servers");
  return await response.text();
}

/**
 * Fails unless each request that carries bytes begins where the server stood: behind what it kept of the requests before.
 *
 * @param sent the `Content-Range` of every request that the client made. Where the server saw one more, the runtime has repeated
 * it by itself: all but Node do that when a connection breaks that was used before, if they have the body
 */
export function assertNothingTwice(
  log: readonly RequestRecord[],
  what = "",
  sent: readonly (string | null)[] = log.map(({ contentRange }) => contentRange),
): void {
  const isMore = (range: string | null) =>
    log.filter(({ contentRange }) => contentRange === range).length >
      sent.filter((other) => other === range).length;
  let stored = 0;
  let broken: string | null = null;
  for (const { kind, contentRange, bodyBytes, status, fault } of log) {
    if (kind !== "chunk" && kind !== "final") continue;
    const range = rangeOf(contentRange);
    assert(range, `${what}: the Content-Range ${contentRange}`);
    const isRepeated = contentRange === broken && isMore(contentRange);
    const place = isRepeated ? range.first : stored;
    const rule = "where a request begins, which is where the server stands";
    assertEquals(range.first, place, `${what}: ${rule}`);
    const end = range.first + bodyBytes;
    const isTaken = fault === null || fault === "drop after" || fault === "hang after";
    const isFinished = kind === "final" && isTaken && end === range.end;
    stored = Math.max(stored, isFinished ? end : kept(end));
    broken = status === null ? contentRange : null;
  }
}

/** A clock that goes on when it is told to. */
export interface ManualClock extends Clock {
  /** How long was slept, in milliseconds. */
  readonly delays: readonly number[];
  /** How many timers are set. */
  readonly timers: number;
  /** Lets so many milliseconds pass; what is due by then is called back. */
  advance(milliseconds: number): void;
}

/** A clock that goes on when it is told to; who sleeps does not wait. Chance is always a half. */
export function manualClock(): ManualClock {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const delays: number[] = [];
  let now = 0;
  const advance = (milliseconds: number) => {
    now += milliseconds;
    for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
      if (timer.at <= now && timers.delete(timer)) timer.callback();
    }
  };
  return {
    delays,
    get timers() {
      return timers.size;
    },
    advance,
    now: () => now,
    random: () => 0.5,
    setTimer(callback, milliseconds) {
      const timer = { at: now + milliseconds, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    sleep(milliseconds, signal) {
      delays.push(milliseconds);
      advance(milliseconds);
      return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve();
    },
  };
}

/** The body of a request as a stream; `undefined` where it is none. */
export function streamIn(init: RequestInit): ReadableStream<Uint8Array> | undefined {
  const body: unknown = init.body;
  return body instanceof ReadableStream ? body : undefined;
}

/**
 * A transport that hands on streamed bodies piece by piece, and does something after each; `after` may throw, which breaks
 * the connection, and may never settle.
 */
export function pacing(
  inner: Transport,
  after: (taken: number, init: RequestInit) => unknown,
): Transport {
  return async (input, init) => {
    const stream = streamIn(init);
    if (!stream) return await inner(input, init);
    const reader = stream.getReader();
    let taken = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const piece = await reader.read();
        if (piece.done) return controller.close();
        taken += piece.value.length;
        controller.enqueue(piece.value);
        await after(taken, init);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
    const whole = { ...init, body, duplex: "half" } as RequestInit;
    return await inner(input, whole);
  };
}
