// Uploads over real sockets: broken connections, restarted servers, connections that are used again.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ServedEmulator, serveEmulator } from "../../src/emulator/serve.ts";
import {
  type Clock,
  ResumableUpload,
  type RetryOptions,
  type Transport,
  upload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
} from "../../mod.ts";
import { type Fault, GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import { difference, pattern } from "./support.ts";
import { type Wire, wire } from "./wire.ts";

const U = UPLOAD_CHUNK_SIZE;
const MIB = 1024 * 1024;

/** Runs with an emulator at the other end of a wire. */
async function connected(
  test: (place: { gcs: GcsEmulator; network: Wire }) => Promise<void>,
  options?: GcsEmulatorOptions,
): Promise<void> {
  const gcs = new GcsEmulator(options);
  const server = await serveEmulator(gcs, { keepAlive: true });
  try {
    await using network = wire(server.origin);
    await test({ gcs, network });
  } finally {
    await server.close();
  }
}

/** The platform's clock, but waits end at once, when `then` is done. */
const impatient = (then: () => Promise<void> = () => Promise.resolve()): Clock => ({
  now: () => Date.now(),
  random: () => 0,
  setTimer(callback, milliseconds) {
    const id = setTimeout(callback, milliseconds);
    return () => clearTimeout(id);
  },
  sleep: then,
});

const target = (origin: string, retry: RetryOptions = { clock: impatient() }) => ({
  bucket: "bucket",
  name: "object",
  endpoint: origin,
  chunkSize: 4 * U,
  retry,
});

/** `fetch` with connections of a test's own. On a used one Deno repeats by itself what is reset. */
const over = (client: Deno.HttpClient): Transport => (input, init) =>
  fetch(input, { ...init, client });

const startUrl = (origin: string) =>
  `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object`;

function assertStored(gcs: GcsEmulator, bytes: Uint8Array): void {
  const stored = gcs.get("bucket", "object")?.bytes;
  assert(stored, "there is no object");
  assertEquals(difference(stored, bytes), -1, "the place of the first byte that differs");
}

/** A byte stream that fills what it is given. */
function byteStream(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: 65_536,
    pull(controller) {
      const request = controller.byobRequest!;
      const view = new Uint8Array(
        request.view!.buffer,
        request.view!.byteOffset,
        request.view!.byteLength,
      );
      const piece = bytes.subarray(at, at + view.length);
      view.set(piece);
      at += piece.length;
      if (piece.length === 0) controller.close();
      request.respond(piece.length);
    },
  });
}

/** What a server can do to its connections. */
const FAULTS: [what: string, fault: Fault][] = [
  ["before a chunk is read", { on: "chunk", skip: 1, drop: "before" }],
  ["in the middle of a chunk", { on: "chunk", skip: 1, cut: 2 * U + 1000 }],
  ["before the reply to a chunk", { on: "chunk", skip: 1, drop: "after" }],
  ["in the middle of the last chunk", { on: "final", cut: U }],
  ["before the reply to the last chunk", { on: "final", drop: "after" }],
];

for (const [what, fault] of FAULTS) {
  for (const reused of [true, false]) {
    const how = reused ? "that was used before" : "of its own";
    Deno.test(`a connection ${how} is reset by the server ${what}: the object is whole`, () =>
      connected(async ({ gcs, network }) => {
        using client = Deno.createHttpClient(reused ? {} : { poolMaxIdlePerHost: 0 });
        gcs.inject(fault);
        const bytes = pattern(3 * 4 * U + 99);
        const options = { ...target(network.origin), transport: over(client) };
        await upload(byteStream(bytes), options);
        assertStored(gcs, bytes);
        assertEquals(gcs.requests.filter(({ fault }) => fault !== null).length, 1);
      }));
  }
}

Deno.test("a network that breaks in the middle of a body: what arrived is not sent again, a full chunk follows it", () =>
  connected(async ({ gcs, network }) => {
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const transport = over(client);
    const bytes = pattern(3 * 4 * U);
    const resumable = new ResumableUpload(startUrl(network.origin), 4 * U, { retry: null });
    await resumable.initiate(transport, bytes, {}, "a/b");
    network.breakAfter(3 * U + 100_000);
    await assertRejects(() => resumable.transmitNextChunk(transport), UploadError);
    await resumable.recover(transport);
    assertEquals([resumable.bytesUploaded % U, resumable.bytesUploaded > 0], [0, true]);
    const stored = resumable.bytesUploaded;
    await resumable.transmitNextChunk(transport);
    const { bodyBytes, contentRange } = gcs.requests.at(-1)!;
    assertEquals(contentRange, `bytes ${stored}-${stored + 4 * U - 1}/${bytes.length}`);
    assertEquals(bodyBytes, 4 * U);
    while (!resumable.finished) await resumable.transmitNextChunk(transport);
    assertStored(gcs, bytes);
    assertEquals(network.breaks, 1);
  }));

Deno.test("a network that breaks before a reply: the chunk is not sent again", () =>
  connected(async ({ gcs, network }) => {
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const transport = over(client);
    const bytes = pattern(2 * 4 * U);
    const resumable = new ResumableUpload(startUrl(network.origin), 4 * U, { retry: null });
    await resumable.initiate(transport, bytes, {}, "a/b");
    network.loseReply();
    await assertRejects(() => resumable.transmitNextChunk(transport), UploadError);
    await resumable.recover(transport);
    assertEquals(resumable.bytesUploaded, 4 * U);
    network.loseReply();
    await assertRejects(() => resumable.transmitNextChunk(transport), UploadError);
    await resumable.recover(transport);
    assertEquals(resumable.finished, true);
    const sent = gcs.requests.filter(({ kind }) => kind === "chunk" || kind === "final");
    assertEquals(sent.map(({ bodyBytes }) => bodyBytes), [4 * U, 4 * U]);
    assertStored(gcs, bytes);
  }));

Deno.test("a network that breaks again and again gets 64 MiB from a byte stream there", () =>
  connected(async ({ gcs, network }) => {
    const bytes = pattern(64 * MIB);
    network.breakAfter(...Array.from({ length: 9 }, (_, i) => (i + 2) * MIB + 12_345));
    const options = { ...target(network.origin), chunkSize: 8 * MIB, totalBytes: bytes.length };
    await upload(byteStream(bytes), options);
    assertEquals(network.breaks, 9);
    assertStored(gcs, bytes);
  }, { md5: false }));

Deno.test("all requests of an upload share one connection", () =>
  connected(async ({ gcs, network }) => {
    using client = Deno.createHttpClient({});
    const bytes = pattern(40 * U);
    await upload(bytes, { ...target(network.origin), transport: over(client) });
    assertEquals(gcs.requests.length, 11);
    assertEquals(network.connections, 1);
    assertStored(gcs, bytes);
  }));

Deno.test("a server that is restarted between two chunks is found again", async () => {
  const gcs = new GcsEmulator();
  const bytes = pattern(3 * 4 * U + 5);
  let server: ServedEmulator = await serveEmulator(gcs);
  const port = Number(new URL(server.origin).port);
  let waits = 0;
  // The server is away until the upload waits for the second time.
  const clock = impatient(async () => {
    if (++waits === 2) server = await serveEmulator(gcs, { port });
  });
  try {
    const resumable = new ResumableUpload(startUrl(server.origin), 4 * U, { retry: { clock } });
    await resumable.initiate(fetch, byteStream(bytes), {}, "a/b");
    await resumable.transmitNextChunk(fetch);
    await server.close();
    while (!resumable.finished) await resumable.transmitNextChunk(fetch);
    assertEquals(waits, 2);
    assertStored(gcs, bytes);
  } finally {
    await server.close().catch(() => {});
  }
});

Deno.test("a server that stays away is an error whose cause says what fetch's own says, without the URL", async () => {
  const server = await serveEmulator(new GcsEmulator());
  const { origin } = server;
  await server.close();
  const retry = { clock: impatient(), maxAttempts: 3 };
  const error = await assertRejects(() => upload("hello", target(origin, retry)), UploadError);
  assertEquals(error.code, "transport_failed");
  const cause = error.cause as Error;
  assertEquals(cause.name, "TypeError");
  assert(!`${cause.message} ${cause.stack}`.includes(origin), cause.message);
});

Deno.test("an abort in the middle of a body ends the request at the server, too", () =>
  connected(async ({ gcs, network }) => {
    const abort = new AbortController();
    const reason = new RangeError("enough");
    const bytes = pattern(32 * MIB + 1);
    const resumable = new ResumableUpload(startUrl(network.origin), 32 * MIB);
    await resumable.initiate(fetch, bytes, {}, "a/b");
    const arrived = new Promise<void>((resolve) => {
      gcs.inject({ on: () => (resolve(), false), delay: 0 }); // applies to nothing, sees everything
    });
    const sending = resumable.transmitNextChunk(fetch, { signal: abort.signal });
    sending.catch(() => {});
    await arrived;
    abort.abort(reason);
    assertEquals(await sending.catch((error) => error), reason);
    await resumable.recover(fetch); // is answered when the request before it has ended
    const { kind, status, bodyBytes } = gcs.requests[1];
    assertEquals([kind, status], ["chunk", null]);
    assert(bodyBytes < 32 * MIB, `${bodyBytes} bytes arrived`);
    while (!resumable.finished) await resumable.transmitNextChunk(fetch);
    assertStored(gcs, bytes);
  }, { md5: false }));
