// Faults of `X-Goog-Upload`, those that both protocols know and the scenarios of Google's reference server; sessions that
// move.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { data, put, standing, start, stream, U } from "./helpers.ts";
import { command, openSession, said, SHOWCASE, startHeaders } from "./x_goog_helpers.ts";

Deno.test("errors can hit the start, chunks and queries alone, as often as wanted", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "initiate", status: 503, times: 2 }, { on: "chunk", status: 500 });
  gcs.inject({ on: "status", status: 504, headers: { "x-goog-upload-status": "active" } });
  const init = { method: "POST", headers: startHeaders() };
  assertEquals((await gcs.fetch(SHOWCASE, init)).status, 503);
  assertEquals((await gcs.fetch(SHOWCASE, init)).status, 503);
  const session = await openSession(gcs);
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "500 null null");
  assertEquals(said(await command(gcs, session, "query")), "504 active null");
  assertEquals(said(await command(gcs, session, "query")), "200 active 0");
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "200 active null");
});

Deno.test("the final reply can be lost: a query then says final", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  gcs.inject({ on: "final", drop: "after" });
  await assertRejects(() => command(gcs, session, "upload, finalize", 0, data(3)), TypeError);
  const reply = await command(gcs, session, "query");
  assertEquals([said(reply), (await reply.json()).size], ["200 final null", 3]);
  assertEquals(gcs.uploads.length, 1);
});

Deno.test("rewrite takes headers from the real reply, or changes them; the request is done", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "initiate", rewrite: { "x-goog-upload-chunk-granularity": "many" } });
  const reply = await gcs.fetch(SHOWCASE, { method: "POST", headers: startHeaders() });
  assertEquals(reply.headers.get("x-goog-upload-chunk-granularity"), "many");
  const session = reply.headers.get("x-goog-upload-url")!;
  gcs.inject({ on: "chunk", rewrite: { "x-goog-upload-status": null } });
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "200 null null");
  gcs.inject({ on: "status", rewrite: { "x-goog-upload-status": "paused" } });
  assertEquals(said(await command(gcs, session, "query")), `200 paused ${U}`);
  gcs.inject({ on: "final", rewrite: { "x-goog-upload-status": null } });
  assertEquals(said(await command(gcs, session, "upload, finalize", U, data(1))), "200 null null");
  assertEquals(said(await command(gcs, session, "query")), "200 final null");
  assertEquals(gcs.requests.map(({ fault }) => fault), [
    "rewrite",
    "rewrite",
    "rewrite",
    "rewrite",
    null,
  ]);
});

Deno.test("refuse ends a session with final and another status than 200, and so does each later reply", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  await command(gcs, session, "upload", 0, data(U));
  gcs.inject({ on: "final", refuse: 403, reason: "RATE_LIMIT_EXCEEDED" });
  const reply = await command(gcs, session, "upload, finalize", U, data(1));
  assertEquals(said(reply), "403 final null");
  const { error } = await reply.json();
  assertEquals([error.status, error.details[0].reason], [
    "PERMISSION_DENIED",
    "RATE_LIMIT_EXCEEDED",
  ]);
  for (const commands of ["query", "upload", "finalize", "cancel"]) {
    assertEquals(said(await command(gcs, session, commands)), "403 final null");
  }
  assertEquals([gcs.uploads.length, gcs.sessions[0].phase], [0, "refused"]);
});

Deno.test("refuse ends a Content-Range session likewise", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  gcs.inject({ on: "final", refuse: 400 });
  assertEquals((await put(gcs, session, null, "x")).status, 400);
  assertEquals(await standing(gcs, session), "400 null");
  assertEquals((await gcs.fetch(session, { method: "DELETE" })).status, 400);
  assertEquals(gcs.objects, []);
});

Deno.test("early: a chunk is answered before it has come, with what is stored", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  gcs.inject({ on: "chunk", early: U + 9 });
  const body = stream([data(U), data(U), data(U), data(U)]);
  assertEquals(said(await command(gcs, session, "upload", 0, body)), `200 active ${U}`);
  assertEquals(said(await command(gcs, session, "query")), `200 active ${U}`);
});

Deno.test("cut, expire and corrupt hit this protocol as the other", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  gcs.inject({ on: "final", cut: U + 1 });
  const cut = command(gcs, session, "upload, finalize", 0, data(2 * U));
  await assertRejects(() => cut, TypeError);
  assertEquals(said(await command(gcs, session, "query")), `200 active ${U}`);
  gcs.inject({ corrupt: true });
  await command(gcs, session, "upload, finalize", U, new Uint8Array(1));
  assertEquals(gcs.uploads[0].bytes?.at(-1), 1);
  const other = await openSession(gcs);
  gcs.inject({ on: "chunk", expire: 404 });
  assertEquals(said(await command(gcs, other, "upload", 0, data(U))), "404 null null");
  assertEquals(said(await command(gcs, other, "query")), "404 null null");
});

Deno.test("a session that moves is told by Location in the 308, and the old URL is a 404", async () => {
  for (const no308 of [false, true]) {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    gcs.inject({ on: "chunk", move: true });
    const headers: Record<string, string> = no308 ? { "x-guploader-no-308": "yes" } : {};
    const reply = await put(gcs, session, `bytes 0-${U - 1}/*`, data(U), headers);
    assertEquals(reply.status, no308 ? 200 : 308);
    const moved = reply.headers.get("location")!;
    assertEquals(new URL(moved).searchParams.get("name"), "a.bin");
    assertEquals(await standing(gcs, session), "404 null");
    assertEquals(await standing(gcs, moved), "308 bytes=0-262143");
    assertEquals([gcs.sessions.length, gcs.requests.at(-1)!.session], [1, 0]);
  }
});

Deno.test("move changes nothing where the reply is no 308, and does not apply to X-Goog-Upload", async () => {
  const gcs = new GcsEmulator();
  const xGoog = await openSession(gcs);
  gcs.inject({ move: true });
  await command(gcs, xGoog, "query");
  const session = await start(gcs);
  assertEquals((await put(gcs, session, null, "x")).headers.get("location"), null);
  assertEquals(await standing(gcs, session), "200 null");
  assertEquals(gcs.requests.map(({ fault }) => fault), [null, null, null, "move", null]);
});

Deno.test("with bareRange, the Range of a 308 has no unit", async () => {
  const gcs = new GcsEmulator({ bareRange: true });
  const session = await start(gcs);
  assertEquals(await standing(gcs, session), "308 null");
  await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
  assertEquals(await standing(gcs, session), "308 0-262143");
});

for (
  const fault of [{ refuse: 308 }, { refuse: 600 }, {
    refuse: 400,
    status: 500,
  }] as unknown as Fault[]
) {
  Deno.test(`the fault ${JSON.stringify(fault)} is refused`, () => {
    const type = "status" in fault ? TypeError : RangeError;
    assertThrows(() => new GcsEmulator().inject(fault), type);
  });
}

for (const options of [{ granularity: 0 }, { granularity: 1.5 }]) {
  Deno.test(`the options ${JSON.stringify(options)} are refused`, () => {
    assertThrows(() => new GcsEmulator(options), RangeError);
  });
}

Deno.test("a finalQuery that is none is refused", () => {
  assertThrows(() => new GcsEmulator({ finalQuery: "all" as "size" }), TypeError);
});

// The scenarios of Google's reference server, asked for with its headers.

function scenario(name: string, config: Record<string, unknown> = {}): Record<string, string> {
  return {
    "x-goog-test-scenario": name,
    "x-goog-test-scenario-config": JSON.stringify(config),
  };
}

Deno.test("non_fatal_error_on_start fails so often for one client, then starts", async () => {
  const gcs = new GcsEmulator();
  const config = { error_code: 429, failure_count: 2, client_uuid: "a" };
  const init = {
    method: "POST",
    headers: startHeaders(scenario("non_fatal_error_on_start", config)),
  };
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push(said(await gcs.fetch(SHOWCASE, init)));
  assertEquals(statuses, ["429 null null", "429 null null", "200 active null", "429 null null"]);
  const other = scenario("non_fatal_error_on_start", { ...config, client_uuid: "b" });
  const reply = await gcs.fetch(SHOWCASE, { method: "POST", headers: startHeaders(other) });
  assertEquals(reply.status, 429);
});

Deno.test("fatal_error_on_start fails each time", async () => {
  const gcs = new GcsEmulator();
  const headers = startHeaders(scenario("fatal_error_on_start", { error_code: 403 }));
  for (let i = 0; i < 3; i++) {
    assertEquals((await gcs.fetch(SHOWCASE, { method: "POST", headers })).status, 403);
  }
  assertEquals(gcs.sessions, []);
});

Deno.test("non_fatal_error_on_chunk_upload fails chunks from an offset on, then takes them", async () => {
  const gcs = new GcsEmulator();
  const config = { failure_count: 2, after_offset: U };
  const headers = scenario("non_fatal_error_on_chunk_upload", config);
  const session = await openSession(gcs, SHOWCASE, headers);
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "200 active null");
  for (let i = 0; i < 2; i++) {
    assertEquals(said(await command(gcs, session, "upload", U, data(U))), "503 active null");
    assertEquals(said(await command(gcs, session, "query")), `200 active ${U}`);
  }
  const last = await command(gcs, session, "upload, finalize", U, data(U));
  assertEquals([said(last), gcs.requests[2].fault], ["200 final null", "status"]);
});

Deno.test("with terminate, chunks go on to fail with 500 and no status", async () => {
  const gcs = new GcsEmulator();
  const config = { action_after_failures: "terminate" };
  const headers = scenario("non_fatal_error_on_chunk_upload", config);
  const session = await openSession(gcs, SHOWCASE, headers);
  const replies = [];
  for (let i = 0; i < 3; i++) {
    replies.push(said(await command(gcs, session, "upload", 0, data(U))));
  }
  assertEquals(replies, ["503 active null", "500 null null", "500 null null"]);
});

Deno.test("non_fatal_error_on_query fails queries only", async () => {
  const gcs = new GcsEmulator();
  const headers = scenario("non_fatal_error_on_query", { error_code: 500 });
  const session = await openSession(gcs, SHOWCASE, headers);
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "200 active null");
  assertEquals(said(await command(gcs, session, "query")), "500 active null");
  assertEquals(said(await command(gcs, session, "query")), `200 active ${U}`);
});

Deno.test("chunk_granularity is 256 bytes, and chunks are held to it", async () => {
  const gcs = new GcsEmulator();
  const headers = startHeaders(scenario("chunk_granularity"));
  const reply = await gcs.fetch(SHOWCASE, { method: "POST", headers });
  assertEquals(reply.headers.get("x-goog-upload-chunk-granularity"), "256");
  const session = reply.headers.get("x-goog-upload-url")!;
  assertEquals(said(await command(gcs, session, "upload", 0, data(255))), "400 active null");
  assertEquals(said(await command(gcs, session, "upload", 0, data(256))), "200 active null");
});

Deno.test("happy_path and no scenario at all are the same", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs, SHOWCASE, scenario("happy_path"));
  const reply = await command(gcs, session, "upload, finalize", 0, data(1));
  assertEquals(said(reply), "200 final null");
});
