// Streamed bodies at the emulator, and 308 replies that are sent as 200 for clients that ask for it.

import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { data, ORIGIN, put, standing, start, stream, U, UPLOAD } from "./helpers.ts";

/** A session of either API. */
async function startWith(gcs: GcsEmulator, api: "json" | "xml"): Promise<string> {
  if (api === "json") return start(gcs);
  const init = { method: "POST", headers: { "x-goog-resumable": "start" } };
  return (await gcs.fetch(`${ORIGIN}/bucket/a.bin`, init)).headers.get("location")!;
}

/** A long body, and what has been taken of it. */
function longBody(length: number): { body: ReadableStream<Uint8Array>; taken: () => number } {
  let taken = 0;
  const bytes = data(length);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (taken >= length) return controller.close();
      const piece = bytes.subarray(taken, taken + 65_536);
      taken += piece.length;
      controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
  return { body, taken: () => taken };
}

const NO_308 = { "x-guploader-no-308": "yes" };

for (const api of ["json", "xml"] as const) {
  for (
    const [what, range, body] of [
      ["a chunk", `bytes 0-${U + 4}/*`, data(U + 5)],
      ["a status query", "bytes */*", undefined],
      ["a total that is not reached", "bytes */9", undefined],
      ["a final request with a total below what is stored", "bytes 0-0/1", data(1)],
    ] as const
  ) {
    Deno.test(`${api}: with X-GUploader-No-308, ${what} is answered with 200 and what a 308 says`, async () => {
      const answers = [];
      for (const headers of [{}, NO_308] as Record<string, string>[]) {
        const gcs = new GcsEmulator();
        const session = await startWith(gcs, api);
        await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
        const response = await put(gcs, session, range, body, headers);
        assertEquals(await response.text(), "");
        const { "x-guploader-uploadid": _, ...seen } = Object.fromEntries(response.headers);
        answers.push({ status: response.status, seen });
      }
      const [with308, without] = answers;
      assertEquals([with308.status, without.status], [308, 200]);
      const { "x-http-status-code-override": override, ...rest } = without.seen;
      assertEquals(override, "308");
      assertEquals(rest, with308.seen);
      assertEquals(rest.range, "bytes=0-262143");
    });
  }

  Deno.test(`${api}: with ignoreNo308, the header changes nothing`, async () => {
    const gcs = new GcsEmulator({ ignoreNo308: true });
    const session = await startWith(gcs, api);
    for (const [range, body] of [[`bytes 0-${U - 1}/*`, data(U)], ["bytes */*"]] as const) {
      const response = await put(gcs, session, range, body, NO_308);
      assertEquals(response.status, 308);
      assertEquals(response.headers.get("x-http-status-code-override"), null);
    }
  });

  Deno.test(`${api}: with X-GUploader-No-308, a finished session says so without the override`, async () => {
    const gcs = new GcsEmulator();
    const session = await startWith(gcs, api);
    const response = await put(gcs, session, null, "x", NO_308);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("x-http-status-code-override"), null);
  });
}

for (const redirect of ["error", "follow", "manual"] as const) {
  Deno.test(`a streamed body is taken with redirect: ${redirect} and window: null`, async () => {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    const init = { method: "PUT", redirect, window: null, duplex: "half" } as RequestInit;
    const response = await gcs.fetch(session, {
      ...init,
      body: stream([data(U)]),
      headers: { ...NO_308, "content-range": `bytes 0-${U - 1}/*` },
    });
    assertEquals(response.headers.get("range"), "bytes=0-262143");
    const query = { ...init, headers: { "content-range": "bytes */*" } };
    if (redirect !== "error") return assertEquals((await gcs.fetch(session, query)).status, 308);
    await assertRejects(() => gcs.fetch(session, query), TypeError);
  });
}

for (const length of ["with", "without"] as const) {
  for (const form of ["a-b/N", "a-b/*", "a-*/*", "absent"] as const) {
    Deno.test(`a body ${length} Content-Length, Content-Range ${form}, that errors keeps whole quanta and finishes nothing`, async () => {
      const gcs = new GcsEmulator();
      const session = await start(gcs);
      const last = 3 * U - 1;
      const range = {
        "a-b/N": `bytes 0-${last}/${last + 1}`,
        "a-b/*": `bytes 0-${last}/*`,
        "a-*/*": "bytes 0-*/*",
        "absent": null,
      }[form];
      const headers: Record<string, string> = length === "with"
        ? { "content-length": String(last + 1) }
        : {};
      const broken = stream([data(U + 7), data(U)], new Error("source failed"));
      await assertRejects(() => put(gcs, session, range, broken, headers), TypeError);
      assertEquals(await standing(gcs, session), `308 bytes=0-${2 * U - 1}`);
      assertEquals([gcs.objects.length, gcs.sessions[0].phase], [0, "open"]);
    });
  }
}

Deno.test("a streamed body is taken one piece at a time, never more than is processed", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  let pulls = 0;
  let most = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      most = Math.max(most, pulls - Math.ceil(gcs.requests[1].bodyBytes / 65_536));
      if (pulls++ === 64) return controller.close();
      controller.enqueue(data(65_536));
    },
  }, { highWaterMark: 0 });
  assertEquals((await put(gcs, session, "bytes 0-*/*", body)).status, 200);
  assertEquals([pulls, most], [65, 0]);
});

for (const at of [0, 100_000, U, 3 * U + 1]) {
  Deno.test(`early: after ${at} bytes the 308 of what is stored comes, and no more is read`, async () => {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    gcs.inject({ on: "final", early: at });
    const { body, taken } = longBody(64 * U);
    const range = `bytes 0-${64 * U - 1}/${64 * U}`;
    const response = await put(gcs, session, range, body);
    const kept = Math.floor(at / U) * U;
    assertEquals(response.status, 308);
    assertEquals(response.headers.get("range"), kept === 0 ? null : `bytes=0-${kept - 1}`);
    assertEquals(taken() < at + 2 * 65_536, true);
    assertEquals([gcs.requests[1].bodyBytes, gcs.requests[1].fault], [at, "early"]);
    assertEquals(await standing(gcs, session), `308 ${response.headers.get("range")}`);
  });
}

Deno.test("early obeys X-GUploader-No-308", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ early: U });
  const response = await put(gcs, session, "bytes 0-*/*", data(2 * U), NO_308);
  assertEquals([response.status, response.headers.get("range")], [200, "bytes=0-262143"]);
  assertEquals(response.headers.get("x-http-status-code-override"), "308");
});

Deno.test("early on a session that is over, or that never was, says that", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, null, "x");
  gcs.inject({ early: 1, times: 2 });
  assertEquals((await put(gcs, session, "bytes 0-9/10", data(10))).status, 200);
  assertEquals((await put(gcs, `${UPLOAD}?upload_id=none`, null, data(10))).status, 404);
});

for (const status of [308, 403, 503]) {
  Deno.test(`a ${status} after some bytes of a long body comes without the rest being read`, async () => {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    gcs.inject({ on: "chunk", status, afterBytes: U + 1 });
    const { body, taken } = longBody(64 * U);
    const response = await put(gcs, session, `bytes 0-${64 * U - 1}/*`, body);
    assertEquals(response.status, status);
    assertEquals(taken() < U + 3 * 65_536, true);
    assertEquals(await standing(gcs, session), "308 bytes=0-262143");
  });
}

Deno.test("stall with an endless delay reads no more, and makes room for the next request of the session", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ on: "chunk", stall: U + 9, delay: Infinity });
  const { body, taken } = longBody(64 * U);
  const stalled = put(gcs, session, `bytes 0-${64 * U - 1}/*`, body).catch((error) => error.name);
  while (gcs.requests.length < 2 || gcs.sessions[0].persisted < U) {
    await new Promise((done) => setTimeout(done, 1));
  }
  const before = taken();
  await new Promise((done) => setTimeout(done, 20));
  assertEquals([taken(), before < 64 * U], [before, true]);
  assertEquals(await standing(gcs, session), "308 bytes=0-262143");
  assertEquals(await stalled, "TypeError");
});

Deno.test("stall with an endless delay ends with the abort of the request", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ stall: U, delay: Infinity });
  const abort = new AbortController();
  const pending = gcs.fetch(session, { method: "PUT", body: data(2 * U), signal: abort.signal });
  setTimeout(() => abort.abort("enough"), 5);
  assertEquals(await pending.catch((reason) => reason), "enough");
  assertEquals(await standing(gcs, session), "308 bytes=0-262143");
});

for (const [hang, finished] of [["before", "308 null"], ["after", "200 null"]] as const) {
  Deno.test(`hang ${hang}: no reply comes until the request is aborted`, async () => {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    gcs.inject({ on: "final", hang });
    const abort = new AbortController();
    let settled = false;
    let cancelled: unknown;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(data(10));
        if (hang === "after") controller.close();
      },
      cancel: (reason) => void (cancelled = reason),
    }, { highWaterMark: 0 });
    const init = { method: "PUT", body, duplex: "half", signal: abort.signal } as RequestInit;
    const pending = gcs.fetch(session, init).catch((reason) => reason)
      .finally(() => settled = true);
    await new Promise((done) => setTimeout(done, 20));
    assertEquals(settled, false);
    // The session is not held up by it.
    assertEquals(await standing(gcs, session), finished);
    const reason = new Error("waited enough");
    abort.abort(reason);
    assertStrictEquals(await pending, reason);
    assertStrictEquals(cancelled, hang === "before" ? reason : undefined);
    assertEquals([gcs.requests[1].fault, gcs.requests[1].status], [`hang ${hang}`, null]);
  });
}

Deno.test("an endless delay waits until the request is aborted", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ delay: Infinity });
  const abort = new AbortController();
  setTimeout(() => abort.abort("enough"), 5);
  const reason = await gcs.fetch(UPLOAD, { method: "POST", signal: abort.signal }).catch((e) => e);
  assertEquals([reason, gcs.objects], ["enough", []]);
});

Deno.test("an injected reason comes in the error form of the request's API", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ status: 403, reason: "userRateLimitExceeded", times: 2 });
  const json = await gcs.fetch(`${UPLOAD}?uploadType=media&name=n`, { method: "POST", body: "x" });
  assertEquals(json.headers.get("content-type"), "application/json; charset=UTF-8");
  assertEquals((await json.json()).error.errors[0].reason, "userRateLimitExceeded");
  const xml = await gcs.fetch(`${ORIGIN}/bucket/n`, { method: "POST" });
  assertEquals(xml.headers.get("content-type"), "application/xml; charset=UTF-8");
  assertEquals((await xml.text()).includes("<Code>userRateLimitExceeded</Code>"), true);
});

for (
  const [fault, error] of [
    [{ hang: "never" }, TypeError],
    [{ status: 403, body: "x", reason: "y" }, TypeError],
    [{ early: -1 }, RangeError],
    [{ early: 1, hang: "after" }, TypeError],
  ] as unknown as [Fault, typeof TypeError | typeof RangeError][]
) {
  Deno.test(`the fault ${JSON.stringify(fault)} is refused`, () => {
    assertThrows(() => new GcsEmulator().inject(fault), error);
  });
}
