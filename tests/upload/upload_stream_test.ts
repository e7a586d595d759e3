// `uploadStream()`: bytes that are written arrive, writing waits for the network, and an abort ends the session.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { InvalidResponse, type Transport, UPLOAD_CHUNK_SIZE, uploadStream } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { defaultStream, patterned, pieces } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";

const U = UPLOAD_CHUNK_SIZE;
const place = { bucket: "my-bucket", name: "a", chunkSize: U };

/** Waits until the session was cancelled, which happens in the background. */
async function cancelled(emulator: GcsEmulator): Promise<void> {
  while (emulator.requests.at(-1)?.kind !== "cancel" || emulator.requests.at(-1)?.status === null) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

for (const size of [0, 1, U, 3 * U, 3 * U + 5]) {
  Deno.test(`${size} bytes piped into it arrive, and pipeTo ends when they have`, async () => {
    const emulator = new GcsEmulator(), data = patterned(size);
    const { writable, result } = uploadStream({ ...place, transport: emulator.fetch });
    await defaultStream(pieces(data, 100_000, 1)).pipeTo(writable);
    assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
    assertEquals((await result).size, String(size));
  });
}

Deno.test("a response can be compressed on its way", async () => {
  const emulator = new GcsEmulator(), data = patterned(2 * U);
  const { writable, result } = uploadStream({
    ...place,
    transport: emulator.fetch,
    contentType: "application/gzip",
  });
  await new Response(data).body!.pipeThrough(new CompressionStream("gzip")).pipeTo(writable);
  const { bytes } = emulator.get("my-bucket", (await result).name!)!;
  const back = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(
    new DecompressionStream("gzip"),
  );
  assertEquals(new Uint8Array(await new Response(back).arrayBuffer()), data);
});

Deno.test("writing waits for the network: at most two chunks and a piece are taken", async () => {
  const emulator = new GcsEmulator();
  const gate = Promise.withResolvers<void>();
  const chunkSent = Promise.withResolvers<void>();
  const transport: Transport = async (input, init) => {
    if (init.method === "PUT") {
      chunkSent.resolve();
      await gate.promise;
    }
    return await emulator.fetch(input, init);
  };
  const { writable, result } = uploadStream({ ...place, transport });
  const writer = writable.getWriter();
  let accepted = 0;
  const writing = (async () => {
    for (let i = 0; i < 40; i++) {
      await writer.write(patterned(U / 4));
      accepted += U / 4;
    }
    await writer.close();
  })();
  await chunkSent.promise;
  for (let i = 0; i < 1000; i++) await Promise.resolve();
  assert(accepted <= 2 * U + U / 2, `${accepted} bytes were taken`);
  gate.resolve();
  await writing;
  assertEquals((await result).size, String(10 * U));
});

Deno.test("aborting it cancels the session; result rejects with the reason", async () => {
  const emulator = new GcsEmulator(), own = new Error("changed my mind");
  const { writable, result } = uploadStream({ ...place, transport: emulator.fetch });
  const writer = writable.getWriter();
  for (let i = 0; i < 3; i++) await writer.write(patterned(U));
  await writer.abort(own);
  assertStrictEquals(await assertRejects(() => result), own);
  await cancelled(emulator);
  assertEquals(emulator.requests.at(-1)?.status, 499);
  assertEquals(emulator.get("my-bucket", "a"), undefined);
});

Deno.test("an abort does not wait for a request that hangs", async () => {
  const emulator = new GcsEmulator(), own = new Error("changed my mind");
  const hanging = Promise.withResolvers<void>();
  const transport: Transport = (input, init) => {
    if (init.method !== "PUT") return emulator.fetch(input, init);
    hanging.resolve();
    return new Promise(() => {});
  };
  const { writable, result } = uploadStream({ ...place, transport });
  const writer = writable.getWriter();
  const writing = (async () => {
    for (;;) await writer.write(patterned(U));
  })();
  await hanging.promise;
  const aborted = writer.abort(own);
  assertStrictEquals(await assertRejects(() => result), own);
  await aborted;
  await assertRejects(() => writing);
  await cancelled(emulator);
});

Deno.test("a failing source, piped in, cancels the session and surfaces its own error", async () => {
  const emulator = new GcsEmulator(), own = new Error("disk on fire");
  const { writable, result } = uploadStream({ ...place, transport: emulator.fetch });
  let pulls = 0;
  const source = new ReadableStream({
    pull: (controller) => ++pulls < 4 ? controller.enqueue(patterned(U)) : controller.error(own),
  });
  assertStrictEquals(await assertRejects(() => source.pipeTo(writable)), own);
  assertStrictEquals(await assertRejects(() => result), own);
  await cancelled(emulator);
});

for (const on of ["initiate", "chunk", "final"] as const) {
  Deno.test(`when the server refuses at ${on}, whoever pipes learns of it, and the source is cancelled`, async () => {
    const emulator = new GcsEmulator();
    emulator.inject({ on, status: 403 });
    const { writable, result } = uploadStream({ ...place, transport: emulator.fetch });
    let cancelled: unknown;
    let pulls = 0;
    const source = new ReadableStream({
      pull: (controller) =>
        on === "final" && ++pulls > 3 ? controller.close() : controller.enqueue(patterned(U)),
      cancel: (reason) => void (cancelled = reason),
    });
    const error = await assertRejects(() => source.pipeTo(writable), InvalidResponse);
    assertStrictEquals(await assertRejects(() => result), error);
    if (on !== "final") assertStrictEquals(cancelled, error);
  });
}

Deno.test("nobody has to look at result when the pipe has failed already", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ on: "initiate", status: 403 });
  await assertRejects(() =>
    defaultStream(pieces(patterned(9 * U), U)).pipeTo(
      uploadStream({ ...place, transport: emulator.fetch }).writable,
    )
  );
  // An unhandled rejection would fail this test.
});

Deno.test("a signal stops the upload, and leaves the session open", async () => {
  const emulator = new GcsEmulator(), own = new Error("enough"), abort = new AbortController();
  const { writable, result } = uploadStream({
    ...place,
    transport: emulator.fetch,
    signal: abort.signal,
  });
  const writer = writable.getWriter();
  for (let i = 0; i < 3; i++) await writer.write(patterned(U));
  abort.abort(own);
  assertStrictEquals(await assertRejects(() => result), own);
  assertStrictEquals(await assertRejects(() => writer.closed), own);
  assertEquals(emulator.requests.some(({ kind }) => kind === "cancel"), false);

  const late = uploadStream({
    ...place,
    transport: emulator.fetch,
    signal: AbortSignal.abort(own),
  });
  assertStrictEquals(await assertRejects(() => late.result), own);
});

Deno.test("failures that may pass are retried, as in every upload", async () => {
  const emulator = new GcsEmulator(), clock = fakeClock(), data = patterned(3 * U + 5);
  emulator.inject({ on: "chunk", cut: 5 }, { on: "final", drop: "after" });
  const { writable, result } = uploadStream({
    ...place,
    transport: emulator.fetch,
    retry: { clock },
  });
  await defaultStream(pieces(data, 99_999)).pipeTo(writable);
  await result;
  assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
});

Deno.test("a declared size that the stream does not keep is an error on both ends", async () => {
  const emulator = new GcsEmulator();
  const { writable, result } = uploadStream({ ...place, transport: emulator.fetch, totalBytes: U });
  const error = await assertRejects(() =>
    defaultStream(pieces(patterned(U - 1), 999)).pipeTo(writable)
  );
  assertStrictEquals(await assertRejects(() => result), error);
  assertEquals(emulator.get("my-bucket", "a"), undefined);
});

Deno.test("a stream cannot go in one request: uploadType media is refused", () => {
  const url =
    "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a";
  assertThrows(() => uploadStream({ url }), TypeError, "resumable");
});
