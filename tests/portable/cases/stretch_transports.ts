// Transports that were written before there were long requests: whatever they make of a stream, the object is right.

import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  type UploadData,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { settled } from "./sources_support.ts";
import {
  assertStoredAt,
  long,
  manualClock,
  MIB,
  Recorder,
  send,
  streamIn,
  streams,
} from "./stretch_support.ts";
import { assertStored, BUCKET, chunks } from "./upload_support.ts";

/** More than is sent in one piece. */
const SIZE = 8 * MIB + 5;

/** Whether it is the session, or an upload in one request: a start's body is JSON. */
const carriesBytes = ({ method, headers }: RequestInit): boolean =>
  method === "PUT" || !new Headers(headers).get("content-type")?.includes("json");

/** Transports that know bytes, Blobs and strings. */
const OLD: Readonly<Record<string, (inner: Transport) => Transport>> = {
  "makes a Blob of the body": (inner) => (input, init) => {
    const isBytes = carriesBytes(init) && init.body !== null && init.body !== undefined;
    return inner(input, isBytes ? { ...init, body: new Blob([init.body as BlobPart]) } : init);
  },
  "refuses a stream with a TypeError": (inner) => (input, init) => {
    if (streamIn(init)) return Promise.reject(new TypeError("body: expected bytes"));
    return inner(input, init);
  },
  "throws at a stream": (inner) => (input, init) => {
    if (streamIn(init)) throw new TypeError("body.byteLength is undefined");
    return inner(input, init);
  },
  "makes text of what is not bytes": (inner) => (input, init) => {
    const isKnown = init.body instanceof Uint8Array || init.body instanceof Blob;
    return inner(
      input,
      isKnown ? init : { ...init, body: (init.body && String(init.body)) ?? null },
    );
  },
  "makes init anew and loses duplex, redirect and window": (inner) => (input, init) => {
    const { method = "GET", headers = {}, body = null, signal = null } = init;
    return inner(input, { method, headers, body, signal });
  },
  "reads the body whole before it sends it": (inner) => async (input, init) => {
    const stream = streamIn(init);
    const body = stream ? await new Response(stream).arrayBuffer() : init.body ?? null;
    const { method = "GET", headers = {}, signal = null } = init;
    return await inner(input, { method, headers, body, signal });
  },
  "makes a Request": (inner) => (input, init) => {
    const request = new Request(input, init as RequestInit);
    return inner(request as unknown as string, {});
  },
  "tries twice by itself with the same init": (inner) => async (input, init) => {
    try {
      return await inner(input, init);
    } catch {
      return await inner(input, init);
    }
  },
};

/** The ways to upload, each with the name of its object. */
const WAYS: Readonly<
  Record<
    string,
    (transport: Transport, start: (type: string) => string, data: UploadData) => Promise<unknown>
  >
> = {
  async session(transport, start, data) {
    const retry = { initialDelay: 1 };
    const upload = new ResumableUpload(start("resumable"), 4 * MIB, { retry });
    await upload.initiate(transport, data, {}, "a/b");
    while (!upload.finished) await upload.transmitNextChunk(transport);
  },
  async media(transport, start, data) {
    const retry = { initialDelay: 1 };
    await new SimpleUpload(start("media"), { retry }).transmit(transport, data, "a/b");
  },
  async multipart(transport, start, data) {
    const retry = { initialDelay: 1 };
    await new MultipartUpload(start("multipart"), { retry }).transmit(transport, data, {}, "a/b");
  },
};

/** The transport that all others end in: the runtime's own, whatever it is given. */
const own: Transport = (input, init) => fetch(input, init);

async function upload(
  { origin }: Context,
  name: string,
  transport: Transport,
  way: keyof typeof WAYS,
  data: UploadData,
): Promise<void> {
  const start = (type: string) =>
    `${origin}/upload/storage/v1/b/${BUCKET}/o?uploadType=${type}&name=${
      encodeURIComponent(name)
    }` +
    (type === "resumable" ? "" : "&ifGenerationMatch=0");
  await settled(WAYS[way](transport, start, data), `${name} with ${way}`);
  await assertStoredAt(origin, name, long(SIZE));
}

const old: PortableCase[] = Object.entries(OLD).map(([what, make], index) => ({
  name:
    `stretch: a transport that ${what} uploads the exact object, in a session and in one request`,
  async run(context) {
    // Where no streams are made, nothing is new to a transport.
    if (!streams(context) && index > 0) return;
    for (const way of Object.keys(WAYS)) {
      await upload(
        context,
        `old-${index}-${way}`,
        make(own),
        way,
        new Recorder().source(long(SIZE)),
      );
    }
  },
}));

/** A transport for bytes, which counts the streams that it is offered. */
function forBytes(inner: Transport): { transport: Transport; offered: () => number } {
  let streamed = 0;
  return {
    transport(input, init) {
      if (!streamIn(init)) return inner(input, init);
      streamed++;
      return Promise.reject(new TypeError("body: expected bytes"));
    },
    offered: () => streamed,
  };
}

/** Transports as they are. */
export const stretchTransports: PortableCase[] = [
  ...old,
  {
    name:
      "bytes that are sent whole are a Blob in a browser, which is slow with arrays, and bytes elsewhere",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const bodies: unknown[] = [];
      const transport: Transport = (input, init) => {
        if (carriesBytes(init)) bodies.push(init.body);
        return gcs.fetch(input, init);
      };
      const bytes = long(MIB);
      await send(gcs, new Blob([bytes]).stream(), { chunkSize: 512 * 1024, transport });
      assert(bodies.length >= 2, `${bodies.length} requests`);
      const isBrowser = "XMLHttpRequest" in globalThis;
      const expected = isBrowser ? Blob : Uint8Array;
      for (const body of bodies) assert(body instanceof expected, `${body}`);
    },
  },
  {
    name: "stretch: a transport for bytes is soon offered no streams any more",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(20 * MIB + 1);
      const { transport, offered } = forBytes(gcs.fetch);
      await send(gcs, new Recorder().source(bytes), { chunkSize: 4 * MIB, transport });
      assertStored(gcs, bytes);
      assert(offered() <= 2, `${offered()} streams were offered`);
    },
  },
  {
    name:
      "stretch: a transport for bytes that fails for other reasons, too, is retried as any other",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", cut: MIB }, { on: "chunk", skip: 1, status: 503 });
      const bytes = long(SIZE);
      const { transport } = forBytes(gcs.fetch);
      const clock = manualClock();
      await send(gcs, new Recorder().source(bytes), {
        chunkSize: 4 * MIB,
        transport,
        retry: { clock },
      });
      assertStored(gcs, bytes);
    },
  },
  {
    name: "stretch: one failure before a byte was taken does not end streaming for the upload",
    async run(context) {
      if (!streams(context)) return;
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(20 * MIB + 1);
      const streamed: boolean[] = [];
      let failures = 1;
      const transport: Transport = async (input, init) => {
        if (init.method !== "PUT") return await gcs.fetch(input, init);
        // As a connection that was kept alive and has been reset meanwhile.
        if (streamIn(init) && failures-- > 0) throw new TypeError("reset");
        streamed.push(streamIn(init) !== undefined);
        return await gcs.fetch(input, init);
      };
      await send(gcs, new Recorder().source(bytes), { chunkSize: 4 * MIB, transport });
      assertStored(gcs, bytes);
      const again = streamed.slice(0, -1).filter((isStream) => isStream).length;
      assert(again >= 3, `streamed: ${streamed}`);
    },
  },
  {
    name: "stretch: a transport that reads the length it was told, and not the end, is believed",
    async run(context) {
      if (!streams(context)) return;
      const gcs = new GcsEmulator({ md5: false });
      const bytes = long(5 * MIB + 1);
      const transport: Transport = async (input, init) => {
        const stream = streamIn(init);
        if (!stream) return await gcs.fetch(input, init);
        const headers = new Headers(init.headers);
        const length = Number(headers.get("content-length"));
        const body = new Uint8Array(length);
        const reader = stream.getReader();
        for (let at = 0; at < length;) {
          const { value } = await reader.read();
          body.set(value!, at);
          at += value!.length;
        }
        return await gcs.fetch(input, { ...init, body });
      };
      await send(gcs, new Recorder().source(bytes), { checksum: null, transport });
      assertStored(gcs, bytes);
      assertEquals(chunks(gcs).length, 1, "the number of requests");
    },
  },
  {
    name:
      "stretch: when a transport for bytes gets no reply either, the first error is thrown, and the source let go",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const recorder = new Recorder();
      const transport: Transport = (input, init) =>
        init.method === "PUT"
          ? Promise.reject(new TypeError(streamIn(init) ? "first" : "second"))
          : gcs.fetch(input, init);
      let failure: unknown;
      await send(gcs, recorder.source(long(SIZE)), { transport, retry: false })
        .catch((error) => failure = error);
      assertEquals((failure as { code?: string })?.code, "transport_failed", String(failure));
      assertEquals(recorder.closed, 1, "how often the source was closed");
    },
  },
];
