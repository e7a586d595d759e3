// Each injected fault does what it says, to the requests it is meant for.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Fault, GcsEmulator, type RandomFaults } from "../../src/emulator/mod.ts";
import { data, OBJECTS, put, standing, start, stream, U, UPLOAD } from "./helpers.ts";

/** What became of a request: its status, or the name of the error. */
async function outcome(request: Promise<Response>): Promise<string> {
  return await request.then((response) => String(response.status), (error) => error.name);
}

Deno.test("drop before: nothing of the request is read or done", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ on: "final", drop: "before" });
  let [pulled, cancelled] = [0, false];
  const body = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(data(10));
    },
    cancel: () => void (cancelled = true),
  }, { highWaterMark: 0 });
  assertEquals(await outcome(put(gcs, session, null, body)), "TypeError");
  assertEquals([pulled, cancelled], [0, true]);
  assertEquals(await standing(gcs, session), "308 null");
  const { status, fault, bodyBytes } = gcs.requests[1];
  assertEquals([status, fault, bodyBytes], [null, "drop before", 0]);
});

Deno.test("drop after: the request is done, its reply is lost", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ on: "final", drop: "after" });
  const error = await assertRejects(() => put(gcs, session, null, data(10)), TypeError);
  assertEquals(
    error.message,
    "fetch failed: an injected fault broke the connection before the reply",
  );
  assertEquals(gcs.get("bucket", "a.bin")?.size, 10);
  assertEquals(await standing(gcs, session), "200 null");
  assertEquals([gcs.requests[1].fault, gcs.requests[1].bodyBytes], ["drop after", 10]);
});

for (const form of ["known", "streamed"] as const) {
  for (
    const [cut, kept] of [
      [0, 0],
      [U - 1, 0],
      [U, U],
      [300_000, U],
      [3 * U - 1, 2 * U],
      [3 * U, 3 * U],
      [99 * U, 3 * U],
    ]
  ) {
    Deno.test(`a final body (${form} length) that is cut after ${cut} bytes keeps ${kept}`, async () => {
      for (const action of [{ cut }, { status: 503, afterBytes: cut }]) {
        const gcs = new GcsEmulator();
        const session = await start(gcs);
        const bytes = data(3 * U + 5);
        gcs.inject({ on: "final", ...action } as Fault);
        const pieces = [
          bytes.slice(0, 100_000),
          bytes.slice(100_000, 500_000),
          bytes.slice(500_000),
        ];
        const body = form === "known" ? bytes : stream(pieces);
        const range = `bytes 0-${bytes.length - 1}/${bytes.length}`;
        const became = await outcome(put(gcs, session, range, body));
        assertEquals(became, "cut" in action ? "TypeError" : "503");
        assertEquals(gcs.requests[1].bodyBytes, Math.min(cut, bytes.length));
        assertEquals(gcs.objects, []);
        assertEquals(await standing(gcs, session), `308 ${kept ? `bytes=0-${kept - 1}` : null}`);
        const rest = `bytes ${kept}-${bytes.length - 1}/${bytes.length}`;
        assertEquals((await put(gcs, session, rest, bytes.slice(kept))).status, 200);
        assertEquals(gcs.get("bucket", "a.bin")?.bytes, bytes);
      }
    });
  }
}

Deno.test("a body that fails before it is cut fails as it does without a fault", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ on: "final", status: 503, afterBytes: 2 * U });
  const body = stream([data(U)], new Error("cut"));
  assertEquals(await outcome(put(gcs, session, "bytes 0-*/*", body)), "TypeError");
  assertEquals(await standing(gcs, session), "308 bytes=0-262143");
});

Deno.test("corrupt does not apply to requests that store nothing", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ corrupt: true });
  await put(gcs, session, "bytes */*");
  await put(gcs, session, null, "123456789");
  assertEquals(gcs.requests.map((request) => request.fault), [null, null, "corrupt"]);
});

Deno.test("random faults that make no sense for a request do not count", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.randomFaults({ expire: 1, limit: 1 });
  assertEquals((await gcs.fetch(OBJECTS)).status, 200);
  assertEquals(await standing(gcs, session), "410 null");
});

Deno.test("a chunk that is cut is neither too small nor of the wrong length", async () => {
  for (const [length, range] of [[10, "bytes 0-9/*"], [10, "bytes 0-8/9"], [10, "nonsense"]]) {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    gcs.inject({ on: ["chunk", "final"], cut: 5 });
    assertEquals(
      await outcome(put(gcs, session, range as string, data(length as number))),
      "TypeError",
    );
    assertEquals(await standing(gcs, session), "308 null");
  }
});

Deno.test("a cut of a request without a body does nothing of it", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ on: "cancel", cut: 0 }, { on: "finalize", cut: 9 }, { on: "status", cut: 0 });
  assertEquals(await outcome(gcs.fetch(session, { method: "DELETE" })), "TypeError");
  assertEquals(await outcome(put(gcs, session, "bytes */0")), "TypeError");
  assertEquals(await outcome(put(gcs, session, "bytes */*")), "TypeError");
  assertEquals([gcs.sessions[0].phase, gcs.objects.length], ["open", 0]);
});

for (const uploadType of ["media", "multipart"] as const) {
  Deno.test(`a ${uploadType} upload that is cut stores nothing`, async () => {
    const gcs = new GcsEmulator();
    gcs.inject({ on: uploadType, cut: 20 });
    const init = {
      method: "POST",
      body: "--B\r\n\r\n{}\r\n--B\r\n\r\nx\r\n--B--",
      headers: { "content-type": "multipart/related; boundary=B" },
    };
    const url = `${UPLOAD}?uploadType=${uploadType}&name=n`;
    assertEquals(await outcome(gcs.fetch(url, init)), "TypeError");
    assertEquals(gcs.objects, []);
    assertEquals(await outcome(gcs.fetch(url, init)), "200");
  });
}

Deno.test("an injected reply has the status, headers and body of the fault", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ status: 429, headers: { "retry-after": "7", "content-type": "x/y" }, body: "slow" });
  gcs.inject({ status: 502 }, { status: 204 });
  const response = await gcs.fetch(OBJECTS);
  assertEquals([response.status, await response.text()], [429, "slow"]);
  assertEquals(response.headers.get("retry-after"), "7");
  assertEquals(response.headers.get("content-type"), "x/y");
  assertEquals((await gcs.fetch(OBJECTS)).status, 502);
  assertEquals((await gcs.fetch(OBJECTS)).status, 204);
  assertEquals((await gcs.fetch(OBJECTS)).status, 200);
  assertEquals(gcs.requests.map((request) => request.fault), ["status", "status", "status", null]);
});

for (const status of [404, 410] as const) {
  Deno.test(`expire ends the session with ${status}`, async () => {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    gcs.inject({ expire: status });
    await gcs.fetch(OBJECTS);
    assertEquals(gcs.requests[1].fault, null);
    assertEquals((await put(gcs, session, `bytes 0-${U - 1}/*`, data(U))).status, status);
    assertEquals(await standing(gcs, session), `${status} null`);
    assertEquals(gcs.sessions[0].phase, "ended");
  });
}

Deno.test("corrupt changes one bit, and reports the checksums of what is stored", async () => {
  const bytes = data(U + 3);
  const changed = bytes.slice();
  changed[U] ^= 1;
  const reference = new GcsEmulator();
  await put(reference, await start(reference), null, changed);
  const { crc32c, md5Hash } = reference.get("bucket", "a.bin")!;
  for (const store of ["keep", "discard"] as const) {
    const gcs = new GcsEmulator({ store });
    const session = await start(gcs);
    gcs.inject({ on: "final", corrupt: true });
    await put(gcs, session, `bytes 0-${U - 1}/*`, bytes.slice(0, U));
    const sent = bytes.slice();
    const last = await put(gcs, session, `bytes 0-${U + 2}/${U + 3}`, sent);
    assertEquals(sent, bytes);
    const object = await last.json();
    assertEquals([object.crc32c, object.md5Hash], [crc32c, md5Hash]);
    if (store === "keep") assertEquals(gcs.get("bucket", "a.bin")?.bytes, changed);
  }
});

Deno.test("corrupt is caught by a declared checksum", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ corrupt: true });
  const hash = { "x-goog-hash": "crc32c=4waSgw==" };
  assertEquals((await put(gcs, session, null, "123456789", hash)).status, 400);
  assertEquals(gcs.requests.map((request) => request.fault), [null, "corrupt"]);
});

Deno.test("corrupt hits simple and multipart uploads too", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ corrupt: true, times: 2 });
  const headers = { "content-type": "multipart/related; boundary=B" };
  const body = "--B\r\n\r\n{}\r\n--B\r\n\r\nx\r\n--B--";
  for (const [uploadType, expected] of [["media", ",-B"], ["multipart", "y"]]) {
    const url = `${UPLOAD}?uploadType=${uploadType}&name=n`;
    assertEquals((await gcs.fetch(url, { method: "POST", headers, body })).status, 200);
    const stored = new TextDecoder().decode(gcs.get("bucket", "n")?.bytes);
    assertEquals(stored.slice(0, expected.length), expected);
  }
});

Deno.test("a delay waits before the request, with or without another action", async () => {
  const waits: number[] = [];
  const gcs = new GcsEmulator({ sleep: (ms) => Promise.resolve(void waits.push(ms)) });
  gcs.inject({ delay: 50 }, { delay: 70, status: 500 });
  assertEquals((await gcs.fetch(OBJECTS)).status, 200);
  assertEquals((await gcs.fetch(OBJECTS)).status, 500);
  assertEquals((await gcs.fetch(OBJECTS)).status, 200);
  assertEquals(waits, [50, 70]);
  assertEquals(gcs.requests.map((request) => request.fault), ["delay", "status", null]);
});

Deno.test("a delay really waits, and ends with the signal's reason, with no timer left", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ delay: 20 }, { delay: 1_000_000 });
  const before = performance.now();
  await gcs.fetch(OBJECTS);
  assertEquals(performance.now() - before >= 15, true);
  const abort = new AbortController();
  const session = gcs.fetch(`${UPLOAD}?uploadType=media&name=n`, {
    method: "POST",
    body: "x",
    signal: abort.signal,
  });
  abort.abort("enough");
  assertEquals(await session.catch((reason) => reason), "enough");
  assertEquals(gcs.objects, []);
});

Deno.test("on, skip and times pick the requests", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "status", skip: 1, times: 2, status: 500 });
  const session = await start(gcs);
  const seen: string[] = [];
  for (let i = 0; i < 4; i++) {
    await gcs.fetch(OBJECTS);
    seen.push(await standing(gcs, session));
  }
  assertEquals(seen, ["308 null", "500 null", "500 null", "308 null"]);
});

Deno.test("each request gets the first fault that applies, in the order of injection", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: ["list", "get"], status: 500 }, { status: 501 }, { on: "list", status: 502 });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await gcs.fetch(OBJECTS)).status);
  assertEquals(statuses, [500, 501, 502, 200]);
});

Deno.test("skip counts all requests that match since the injection, hit by another fault or not", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ status: 500 }, { skip: 2, status: 501 });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await gcs.fetch(OBJECTS)).status);
  assertEquals(statuses, [500, 200, 501, 200]);
});

Deno.test("a function can pick the requests by their record", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({
    on: ({ contentRange }) => contentRange === `bytes ${U}-${2 * U - 1}/*`,
    times: Infinity,
    drop: "before",
  });
  const session = await start(gcs);
  await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
  for (let i = 0; i < 3; i++) {
    const second = put(gcs, session, `bytes ${U}-${2 * U - 1}/*`, data(U));
    assertEquals(await outcome(second), "TypeError");
  }
});

for (
  const [rule, fault, type] of [
    ["no action", {}, TypeError],
    ["two actions", { drop: "before", cut: 1 }, TypeError],
    ["an unknown kind of request", { on: "chunks", drop: "before" }, TypeError],
    ["an unknown kind among others", { on: ["chunk", "end"], drop: "before" }, TypeError],
    ["an unknown way to drop", { drop: "middle" }, TypeError],
    ["a status of 199", { status: 199 }, RangeError],
    ["a status of 600", { status: 600 }, RangeError],
    ["a negative cut", { cut: -1 }, RangeError],
    ["half a byte", { status: 500, afterBytes: 0.5 }, RangeError],
    ["another expiry", { expire: 499 }, RangeError],
    ["no times", { drop: "before", times: 0 }, RangeError],
    ["a negative skip", { drop: "before", skip: -1 }, RangeError],
    ["a negative delay", { delay: -1 }, RangeError],
  ] as const
) {
  Deno.test(`a fault with ${rule} is refused, and no other is injected with it`, async () => {
    const gcs = new GcsEmulator();
    assertThrows(() => gcs.inject({ status: 500 }, fault as unknown as Fault), type);
    assertEquals((await gcs.fetch(OBJECTS)).status, 200);
  });
}

Deno.test("the types refuse a fault with two actions, or with none", () => {
  // @ts-expect-error two actions
  const two: Fault = { drop: "before", cut: 1 };
  // @ts-expect-error no action
  const none: Fault = { on: "chunk" };
  // @ts-expect-error a body without a status
  const body: Fault = { cut: 1, body: "x" };
  assertEquals([two, none, body].length, 3);
});

/** The faults of 200 requests. */
async function randomly(options: RandomFaults, seed?: number): Promise<(string | null)[]> {
  const gcs = new GcsEmulator({
    seed,
    store: "discard",
    md5: false,
    sleep: () => Promise.resolve(),
  });
  gcs.randomFaults(options);
  for (let i = 0; i < 200; i++) {
    const url = `${UPLOAD}?uploadType=media&name=n`;
    await gcs.fetch(url, { method: "POST", body: data(9) }).catch(() => {});
  }
  return gcs.requests.map((request) => request.fault);
}

Deno.test("random faults are the same for the same seed, and different for another", async () => {
  const options = {
    dropBefore: 0.1,
    dropAfter: 0.1,
    cut: 0.1,
    status: 0.1,
    corrupt: 0.1,
    delay: 0.1,
  };
  const first = await randomly(options, 7);
  assertEquals(await randomly(options, 7), first);
  assertEquals(first.join() === (await randomly(options, 8)).join(), false);
  const kinds = ["drop before", "drop after", "cut", "status", "corrupt", "delay", null];
  for (const kind of kinds) assertEquals(first.includes(kind as string | null), true, String(kind));
});

Deno.test("random faults have their rates and their limit", async () => {
  assertEquals((await randomly({ status: 1 })).every((fault) => fault === "status"), true);
  assertEquals((await randomly({ status: 0 })).every((fault) => fault === null), true);
  const some = (await randomly({ status: 0.25 })).filter((fault) => fault !== null).length;
  assertEquals(some > 25 && some < 80, true, String(some));
  const few = (await randomly({ status: 1, limit: 3 })).filter((fault) => fault !== null);
  assertEquals(few.length, 3);
});

Deno.test("random faults hit the kinds that they are for, and stop", async () => {
  const gcs = new GcsEmulator();
  gcs.randomFaults({ on: "list", status: 1, statuses: [418] });
  assertEquals((await gcs.fetch(OBJECTS)).status, 418);
  assertEquals((await gcs.fetch(`${OBJECTS}/n`)).status, 404);
  gcs.randomFaults(null);
  assertEquals((await gcs.fetch(OBJECTS)).status, 200);
});

Deno.test("scripted faults come before random ones", async () => {
  const gcs = new GcsEmulator();
  gcs.randomFaults({ status: 1, statuses: [500] });
  gcs.inject({ status: 418 });
  assertEquals((await gcs.fetch(OBJECTS)).status, 418);
  assertEquals((await gcs.fetch(OBJECTS)).status, 500);
});

for (
  const rates of [{ cut: 1.1 }, { cut: -1 }, { cut: 0.6, status: 0.6 }, { statuses: [] }, {
    statuses: [99],
  }]
) {
  Deno.test(`random faults ${JSON.stringify(rates)} are refused`, () => {
    assertThrows(() => new GcsEmulator().randomFaults(rates), RangeError);
  });
}

Deno.test("an upload survives any random faults if its client asks where it stands", async () => {
  const bytes = data(5 * U + 77);
  for (let seed = 1; seed <= 20; seed++) {
    const gcs = new GcsEmulator({ seed, sleep: () => Promise.resolve() });
    const session = await start(gcs);
    gcs.randomFaults({ dropBefore: 0.1, dropAfter: 0.15, cut: 0.25, status: 0.2, delay: 0.1 });
    for (let tries = 0; !gcs.get("bucket", "a.bin"); tries++) {
      assertEquals(tries < 500, true);
      const status = await put(gcs, session, "bytes */*").catch(() => null);
      if (status?.status !== 308) continue;
      const range = status.headers.get("range");
      const from = range ? Number(range.split("-")[1]) + 1 : 0;
      const to = Math.min(from + 2 * U, bytes.length);
      const total = to === bytes.length ? to : "*";
      await put(gcs, session, `bytes ${from}-${to - 1}/${total}`, bytes.slice(from, to))
        .catch(() => null);
    }
    assertEquals(gcs.get("bucket", "a.bin")?.bytes, bytes);
  }
});

for (
  const [what, make] of [
    ["an option", () => new GcsEmulator({ bucket: "b" } as unknown as object)],
    ["a fault", (gcs) => gcs.inject({ on: "chunk", cutAfter: 5, drop: "after" } as Fault)],
    ["random faults", (gcs) => gcs.randomFaults({ drop: 0.5 } as RandomFaults)],
    ["a cut with headers", (gcs) => gcs.inject({ cut: 5, headers: {} } as Fault)],
    ["a refusal with a body", (gcs) => gcs.inject({ refuse: 400, body: "x" } as Fault)],
  ] as [string, (gcs: GcsEmulator) => unknown][]
) {
  Deno.test(`${what} that means nothing is a TypeError`, () => {
    assertThrows(() => make(new GcsEmulator()), TypeError);
  });
}
