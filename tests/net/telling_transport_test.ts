// A transport that tells how its request is doing: what has gone out, and that it waits for something that is no failure.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  type Transport,
  type TransportInit,
  upload,
  UploadError,
  type UploadProgress,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { uploadParallel } from "../../src/parallel/mod.ts";
import { send, type SendOptions } from "../../src/net/send.ts";
import { patterned } from "../support/bytes.ts";
import { manualClock } from "../portable/cases/stretch_support.ts";

const MIB = 1_048_576;
const ok = () => new Response("{}");

/** The request that all of these are about, and its options. */
function request(clock = manualClock(), options: Partial<SendOptions> = {}) {
  const body = patterned(1000);
  const spec = { method: "PUT" as const, url: "https://a.example/b", headers: new Headers(), body };
  const bounds = { clock, deadline: 1_000_000, stallTimeout: 1000, signal: undefined, ...options };
  return { clock, run: (transport: Transport) => send(transport, spec, bounds) };
}

/** Lets everything happen that needs no time. */
const idle = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A transport that answers when it is told to, and is told by hand how it is doing. */
function byHand() {
  const calls: TransportInit[] = [];
  let answer = (_: Response) => {};
  const transport: Transport = (_, init) => {
    calls.push(init);
    return new Promise((resolve, reject) => {
      answer = resolve;
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  };
  return { transport, init: () => calls.at(-1)!, answer: (reply: Response) => answer(reply) };
}

Deno.test("what a transport tells is told on: growing numbers, never more than there is, none after the end", async () => {
  const told: number[] = [];
  const { run } = request(undefined, { onTaken: (bytes) => void told.push(bytes) });
  const { transport, init, answer } = byHand();
  const result = run(transport);
  for (const bytes of [0, 400, 300, NaN, 400, 999]) init().onSent!(bytes);
  answer(ok());
  assertEquals((await result).kind, "reply");
  init().onSent!(1000);
  assertEquals(told, [0, 400, 999]);
  const again = run(transport);
  for (const bytes of [5000, 6000]) init().onSent!(bytes);
  answer(ok());
  await again;
  assertEquals(told, [0, 400, 999, 1000]);
});

Deno.test("a transport that tells nothing has been handed the whole body; one that tells has not", async () => {
  const handed: string[] = [];
  const { run } = request(undefined, { onHanded: () => void handed.push("handed") });
  await run(() => Promise.resolve(ok()));
  assertEquals(handed.length, 1);
  const telling: Transport = (_, init) => {
    init.onSent?.(0);
    return Promise.resolve(ok());
  };
  await run(telling);
  assertEquals(handed.length, 1);
});

Deno.test("a transport that tells late is known from its second request on", async () => {
  const handed: string[] = [];
  const { run } = request(undefined, { onHanded: () => void handed.push("handed") });
  const late: Transport = async (_, init) => {
    await idle(); // it fetches a token, say
    init.onSent?.(0);
    return ok();
  };
  await run(late);
  await run(late);
  assertEquals(handed.length, 1);
});

Deno.test("a request that is told to move is given up when it stands still, not when it is long", async () => {
  const { clock, run } = request();
  const { transport, init } = byHand();
  const result = run(transport);
  for (let sent = 0; sent <= 20; sent++, clock.advance(900)) init().onSent!(sent);
  init().onSent!(20); // says nothing new
  clock.advance(100);
  const ended = await result;
  assert(ended.kind === "failed");
  assertEquals([ended.error.code, ended.spent], ["deadline_exceeded", 1000]);
  assertEquals(clock.timers, 0);
});

Deno.test("a request of which nothing is told has the deadline of its bytes", async () => {
  const { clock, run } = request();
  const { transport } = byHand();
  const result = run(transport);
  clock.advance(999_999);
  await idle();
  clock.advance(1);
  assertEquals((await result).kind, "failed");
});

Deno.test("while a transport waits, no time passes; afterwards the whole time is there again", async () => {
  const { clock, run } = request();
  const { transport, init, answer } = byHand();
  const result = run(transport);
  init().onSent!(0);
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  clock.advance(900);
  init().waitUntil!(first.promise);
  init().waitUntil!(second.promise);
  clock.advance(1e9);
  first.reject(new Error("no matter how it ends"));
  await idle();
  clock.advance(1e9);
  second.resolve();
  await idle();
  clock.advance(900);
  await idle();
  answer(ok());
  assertEquals([(await result).kind, clock.timers], ["reply", 0]);
});

Deno.test("a failure after a wait has taken no time that counts", async () => {
  const { clock, run } = request();
  const wait = Promise.withResolvers<void>();
  const transport: Transport = async (_, init) => {
    init.waitUntil?.(wait.promise);
    await wait.promise;
    throw new TypeError("connection refused");
  };
  const result = run(transport);
  clock.advance(1e9);
  wait.resolve();
  const ended = await result;
  assert(ended.kind === "failed");
  assertEquals([ended.error.code, ended.spent, clock.timers], ["transport_failed", 0, 0]);
});

Deno.test("an abort ends a request that waits, with the signal's own reason", async () => {
  const own = new Error("enough");
  const stop = new AbortController();
  const { run } = request(undefined, { signal: stop.signal });
  const { transport, init } = byHand();
  const result = run(transport);
  init().waitUntil!(new Promise(() => {}));
  stop.abort(own);
  assertStrictEquals(await assertRejects(() => result), own);
});

Deno.test("what onProgress throws at what a transport tells ends the upload with it", async () => {
  const own = new RangeError("a mistake in the program");
  const gcs = new GcsEmulator();
  const transport: Transport = async (input, init) => {
    if (init.method === "PUT") {
      for (const bytes of [0, 100_000, 200_000]) init.onSent?.(bytes);
      await idle();
      init.signal?.throwIfAborted();
    }
    return await gcs.fetch(input, init);
  };
  const onProgress = ({ sent }: UploadProgress) => {
    if (sent === 100_000) throw own;
  };
  const target = { bucket: "my-bucket", name: "a" };
  const sending = upload(patterned(MIB), { ...target, transport, onProgress });
  assertStrictEquals(await assertRejects(() => sending), own);
  assertEquals(gcs.objects.length, 0);
});

for (const ifGenerationMatch of [undefined, 0]) {
  const how = ifGenerationMatch === undefined ? "in a session" : "in one request";
  Deno.test(`\`sent\` is what the transport tells, also when it has to begin again: ${how}`, async () => {
    const gcs = new GcsEmulator();
    let requests = 0;
    const transport: Transport = async (input, init) => {
      init.onSent?.(0);
      const carries = init.body instanceof Uint8Array && init.body.length > MIB;
      if (carries) {
        init.onSent?.(400_000);
        if (++requests === 1) throw new TypeError("the connection broke");
        init.onSent?.(1_000_000);
      }
      return await gcs.fetch(input, init);
    };
    const calls: number[] = [];
    await upload(patterned(2 * MIB), {
      ...{ bucket: "my-bucket", name: "a", ifGenerationMatch, transport },
      retry: { clock: manualClock() },
      onProgress: ({ sent, persisted }) => void calls.push(sent, persisted),
    });
    // Within a tenth of a second after another call nothing is told; a wait is longer.
    const again = ifGenerationMatch === undefined ? [] : [1_000_000];
    assertEquals(new Set(calls), new Set([400_000, 0, ...again, 2 * MIB]));
  });
}

Deno.test("`sent` of an upload in parts is what the transport tells of each part", async () => {
  const gcs = new GcsEmulator();
  const clock = manualClock();
  const bytes = patterned(5 * MIB + 100);
  const transport: Transport = async (input, init) => {
    init.onSent?.(0);
    if (init.body instanceof Uint8Array && init.body.length === 5 * MIB) {
      clock.advance(200); // more often than ten times a second nothing is told
      init.onSent?.(400_000);
    }
    return await gcs.fetch(input, init);
  };
  const calls: number[] = [];
  await uploadParallel(bytes, {
    ...{ bucket: "my-bucket", name: "a", partSize: 5 * MIB, concurrency: 1, transport },
    retry: { clock },
    onProgress: ({ sent }) => void calls.push(sent),
  });
  assertEquals([...new Set(calls)], [0, 400_000, 5 * MIB, bytes.length]);
});

Deno.test("a transport may end the upload while it waits, by an UploadError", async () => {
  const { run } = request();
  const own = new UploadError("rejected", "Nobody has signed in");
  const transport: Transport = async (_, init) => {
    const wait = idle();
    init.waitUntil?.(wait);
    await wait;
    throw own;
  };
  assertStrictEquals(await assertRejects(() => run(transport)), own);
});
