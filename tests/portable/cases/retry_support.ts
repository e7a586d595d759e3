// What the cases about retrying, options and secrets share: every way to upload, and a network that fails as it is told.

import {
  MultipartUpload,
  ResumableUpload,
  type RetryOptions,
  SimpleUpload,
  type Transport,
  upload,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { type FakeClock, fakeClock } from "../../support/fake_clock.ts";
import { assert, assertRejects } from "../assert.ts";
import { BUCKET, CHUNK, finish, pattern, startUrl, streamOf } from "./upload_support.ts";

export { type FakeClock, fakeClock };

/** What is uploaded: two whole chunks and a bit. */
export const BYTES: Uint8Array<ArrayBuffer> = pattern(2 * CHUNK + 100);

/** Options that every way to upload takes. */
export interface CommonOptions {
  readonly headers?: HeadersInit;
  readonly retry?: RetryOptions | false | null;
}

/** A way to upload `BYTES` as `object`. */
export interface Way {
  /** For the name of a case. */
  readonly what: string;
  /** How many bytes it uploads. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it opens a session, or sends everything in one request. */
  readonly isSession: boolean;
  run(transport: Transport, options?: CommonOptions): Promise<unknown>;
}

const TARGET = { bucket: BUCKET, name: "object", chunkSize: CHUNK };
const SMALL = BYTES.slice(0, CHUNK);
const ONCE = "name=object&ifGenerationMatch=0";

/** The ways that open a session. */
export const SESSIONS: readonly Way[] = [
  {
    what: "upload() of bytes",
    bytes: BYTES,
    isSession: true,
    run: (transport, options) => upload(BYTES, { ...TARGET, transport, ...options }),
  },
  {
    what: "upload() of a stream",
    bytes: BYTES,
    isSession: true,
    run: (transport, options) =>
      upload(streamOf(BYTES, 50_000), { ...TARGET, transport, ...options }),
  },
  {
    what: "uploadStream()",
    bytes: BYTES,
    isSession: true,
    async run(transport, options) {
      const { writable, result } = uploadStream({ ...TARGET, transport, ...options });
      streamOf(BYTES, 50_000).pipeTo(writable).catch(() => {});
      return await result;
    },
  },
  {
    what: "ResumableUpload",
    bytes: BYTES,
    isSession: true,
    async run(transport, options) {
      const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { ...options });
      await resumable.initiate(transport, new Blob([BYTES]), {}, "a/b");
      await finish(resumable, transport);
    },
  },
];

/** The ways that take one request, which a precondition makes safe to repeat. */
export const ONE_REQUEST: readonly Way[] = [
  {
    what: "upload() in one request",
    bytes: SMALL,
    isSession: false,
    run: (transport, options) =>
      upload(SMALL, { ...TARGET, transport, ifGenerationMatch: 0, ...options }),
  },
  {
    what: "SimpleUpload",
    bytes: SMALL,
    isSession: false,
    run: (transport, options) =>
      new SimpleUpload(startUrl("media", ONCE), { ...options }).transmit(transport, SMALL, "a/b"),
  },
  {
    what: "MultipartUpload",
    bytes: SMALL,
    isSession: false,
    run: (transport, options) =>
      new MultipartUpload(startUrl("multipart", ONCE), { ...options })
        .transmit(transport, new Blob([SMALL]), {}, "a/b"),
  },
];

/** Every way to upload. */
export const WAYS: readonly Way[] = [...SESSIONS, ...ONE_REQUEST];

/** A request as a transport is handed it. */
export interface Handed {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** Whether it asks a session where it stands. */
  readonly asks: boolean;
  /** Whether it is on a session, and neither asks nor cancels. */
  readonly sends: boolean;
}

/** A transport that notes what it is handed, before `send` does something with it. */
export function watched(send: Transport): { transport: Transport; handed: Handed[] } {
  const handed: Handed[] = [];
  const transport: Transport = async (input, init) => {
    handed.push(describe(input, init));
    return await send(input, init);
  };
  return { transport, handed };
}

/** What a request is for, as far as its head tells. */
export function describe(input: string, init: RequestInit): Handed {
  const headers = new Headers(init.headers);
  const method = init.method ?? "GET";
  const asks = headers.get("content-range") === "bytes */*";
  return { method, url: input, headers, asks, sends: method === "PUT" && !asks };
}

/**
 * A transport that reaches nobody for so many milliseconds by the clock, from the request with this index on.
 */
export function outage(
  send: Transport,
  clock: FakeClock,
  { from, milliseconds, status }: {
    from: number;
    milliseconds: number;
    status?: number | undefined;
  },
): Transport {
  let calls = 0;
  let end: number | undefined;
  return async (input, init) => {
    if (calls++ >= from) end ??= clock.now() + milliseconds;
    if (end === undefined || clock.now() >= end) return await send(input, init);
    if (status !== undefined) return new Response(null, { status });
    throw new TypeError("the network is unreachable");
  };
}

/** Lets everything happen that needs no more than the tasks at hand. */
export async function idle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Fails unless the call is refused with an error of the class that says this, before any request.
 */
export async function assertRefused(
  call: (transport: Transport) => unknown,
  errorClass: typeof TypeError | typeof RangeError | typeof Error,
  ...says: string[]
): Promise<Error> {
  const { transport, handed } = watched(new GcsEmulator().fetch);
  const error = await assertRejects(Promise.resolve().then(() => call(transport)), errorClass);
  assert(handed.length === 0, `${handed.length} requests were sent before: ${error.message}`);
  for (const text of says) {
    assert(error.message.includes(text), `expected a message with ${text}, got: ${error.message}`);
  }
  return error;
}
