// How large requests become: as much as the line carries in ten seconds, between two bounds.

import { assertEquals } from "@std/assert";
import { type Transport, upload, UploadError } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { retryPolicy } from "../../src/net/retry.ts";
import { PartSender } from "../../src/upload/part_sender.ts";
import { fakeClock } from "../support/fake_clock.ts";

const MiB = 1024 * 1024;
const HEAD = { method: "PUT", url: "https://a.example/", headers: new Headers() } as const;
const WATCHER = { signal: undefined, onHanded() {}, onTaken() {} };

/** A sender, and a way to let it send a request of the size it wants, which takes so long. */
function sender(bounds: { readonly maxBytes: number; readonly growsTo: number }) {
  const clock = fakeClock();
  const policy = retryPolicy({ clock });
  const parts = new PartSender({ policy, granularity: MiB / 4, ...bounds });
  const send = async (milliseconds: number, status?: number) => {
    const { maxBytes: size } = parts.limits(false);
    const transport: Transport = () => {
      clock.pass(milliseconds);
      if (status === undefined) return Promise.reject(new TypeError("reset"));
      return Promise.resolve(new Response(null, { status }));
    };
    const part = { offset: 0, size, last: false, body: new Uint8Array(1) };
    const result = await parts.send(transport, HEAD, part, WATCHER);
    parts.noteResult(result);
    if (status === 308) parts.noteWhole();
    return parts.limits(false).maxBytes / MiB;
  };
  return { send, parts };
}

Deno.test("a request grows to what the line has carried in ten seconds, up to the bound", async () => {
  const { send } = sender({ maxBytes: 64 * MiB, growsTo: 1024 * MiB });
  assertEquals(await send(3200, 308), 200); // 20 MiB a second
  assertEquals(await send(40_000, 308), 64); // 5 MiB a second: less than it begins with
  assertEquals(await send(10, 308), 1024);
});

Deno.test("after a failure requests are as short as at the beginning", async () => {
  const { send } = sender({ maxBytes: 64 * MiB, growsTo: 1024 * MiB });
  assertEquals(await send(640, 308), 1000);
  assertEquals(await send(640), 64);
});

for (const [code, most] of [["deadline_exceeded", 1], ["transport_failed", 64]] as const) {
  Deno.test(`two long requests that end with ${code}: the next one has ${most} MiB at the most`, async () => {
    const { send, parts } = sender({ maxBytes: 64 * MiB, growsTo: 1024 * MiB });
    const error = new UploadError(code, "Cannot transmit a chunk");
    const lost = { kind: "failed", error, spent: 60_000, body: "part taken" } as const;
    parts.noteResult(lost);
    assertEquals(parts.limits(true).maxBytes, 64 * MiB);
    parts.noteResult(lost);
    assertEquals(parts.limits(true), { maxBytes: most * MiB, streamed: false });
    parts.noteProgress();
    assertEquals(await send(1, 308), 1024);
  });
}

Deno.test("a request that has failed does not wait for what is read beside it", async () => {
  const policy = retryPolicy({ clock: fakeClock() });
  const parts = new PartSender({ policy, granularity: MiB / 4, maxBytes: MiB, growsTo: MiB });
  const beside = { size: 5, next: () => new Promise<undefined>(() => {}) };
  const part = { offset: 0, size: 5, last: true, body: new Blob(["hello"]), beside };
  const transport: Transport = () => Promise.reject(new TypeError("reset"));
  assertEquals((await parts.send(transport, HEAD, part, WATCHER)).kind, "failed");
});

Deno.test("where the caller or the server says how large a request may be, it stays so", async () => {
  const fixed = sender({ maxBytes: 8 * MiB, growsTo: 8 * MiB });
  assertEquals(await fixed.send(1, 308), 8);
  const { send, parts } = sender({ maxBytes: 64 * MiB, growsTo: 1024 * MiB });
  assertEquals(parts.shrink(10 * MiB), true);
  assertEquals(await send(1, 308), 10);
});

Deno.test("without chunkSize requests of a stream grow to 16 MiB, and those of bytes beyond 64", async () => {
  const sizes = async (source: Parameters<typeof upload>[0], chunkSize?: number) => {
    const gcs = new GcsEmulator({ store: "discard" });
    const to = { bucket: "my-bucket", name: "a", transport: gcs.fetch, chunkSize };
    await upload(source, to);
    const sent = gcs.requests.filter(({ kind }) => kind === "chunk");
    return sent.map(({ bodyBytes }) => bodyBytes / MiB);
  };
  const zeros = (size: number) => ({
    size,
    read: (_: number, length: number) => Promise.resolve(new Uint8Array(length)),
  });
  const stream = async function* (mebibytes: number) {
    for (let i = 0; i < mebibytes; i++) yield await Promise.resolve(new Uint8Array(MiB));
  };
  assertEquals(await sizes(stream(60)), [8, 8, 16, 16]);
  assertEquals(await sizes(stream(33), 8 * MiB), [8, 8, 8, 8]);
  const [first, second] = await sizes(zeros(140 * MiB));
  assertEquals([first, second > 64], [64, true]);
  assertEquals(await sizes(zeros(20 * MiB), 8 * MiB), [8, 8]);
});
