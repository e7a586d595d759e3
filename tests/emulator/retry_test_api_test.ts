// The resource `/retry_test` makes requests go wrong as Google's storage-testbench does.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, OBJECTS, ORIGIN, put, standing, start, stream, U, UPLOAD } from "./helpers.ts";

const INSERT = "storage.objects.insert";

/** Asks for faults as a client on a socket does. */
function ask(gcs: GcsEmulator, body: unknown): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return gcs.fetch(`${ORIGIN}/retry_test`, { method: "POST", body: text });
}

/** A new retry test; the headers that name it. */
async function instruct(
  gcs: GcsEmulator,
  instructions: string[],
  method = INSERT,
): Promise<{ "x-retry-test-id": string }> {
  const reply = await ask(gcs, { instructions: { [method]: instructions }, transport: "HTTP" });
  assertEquals(reply.status, 200);
  return { "x-retry-test-id": (await reply.json()).id };
}

async function show(gcs: GcsEmulator, { "x-retry-test-id": id }: { "x-retry-test-id": string }) {
  return await (await gcs.fetch(`${ORIGIN}/retry_test/${id}`)).json();
}

Deno.test("a retry test shows what is left of it, and is gone when deleted", async () => {
  const gcs = new GcsEmulator();
  const headers = await instruct(gcs, ["return-503", "return-408"]);
  const id = headers["x-retry-test-id"];
  assertEquals(await show(gcs, headers), {
    id,
    instructions: { [INSERT]: ["return-503", "return-408"] },
    completed: false,
    transport: "HTTP",
  });
  const once = () =>
    gcs.fetch(`${UPLOAD}?uploadType=resumable&name=a`, { method: "POST", headers });
  assertEquals((await once()).status, 503);
  assertEquals((await show(gcs, headers)).instructions, { [INSERT]: ["return-408"] });
  assertEquals((await once()).status, 408);
  assertEquals((await show(gcs, headers)).completed, true);
  assertEquals((await once()).status, 200);

  const gone = () => gcs.fetch(`${ORIGIN}/retry_test/${id}`, { method: "DELETE" });
  assertEquals((await gone()).status, 200);
  assertEquals((await gone()).status, 404);
  assertEquals((await gcs.fetch(`${ORIGIN}/retry_test/${id}`)).status, 404);
  assertEquals((await once()).status, 404, "a test that does not exist is never passed over");
});

Deno.test("requests for retry tests are not in the log and meet no faults", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ status: 500 });
  await show(gcs, await instruct(gcs, ["return-503"]));
  assertEquals(gcs.requests, []);
  assertEquals((await gcs.fetch(`${OBJECTS}/a`)).status, 500, "the fault is still there");
});

for (
  const [what, body] of Object.entries({
    "no JSON": "{",
    "null": "null",
    "no instructions": { instructions: {} },
    "instructions that are no lists": { instructions: { [INSERT]: "return-503" } },
    "an unknown method": { instructions: { "storage.cats.insert": ["return-503"] } },
    "an unknown instruction": { instructions: { [INSERT]: ["return-cats"] } },
    "a status that is none": { instructions: { [INSERT]: ["return-999"] } },
    "another transport": { instructions: { [INSERT]: ["return-503"] }, transport: "GRPC" },
  })
) {
  Deno.test(`a retry test is refused: ${what}`, async () => {
    assertEquals((await ask(new GcsEmulator(), body)).status, 400);
  });
}

Deno.test("only requests that name a retry test meet its instructions, and only those of its method", async () => {
  const gcs = new GcsEmulator();
  const headers = await instruct(gcs, ["return-503"], "storage.objects.list");
  const session = await start(gcs, "name=a.bin", { headers });
  assertEquals((await put(gcs, session, null, data(3), headers)).status, 200);
  assertEquals((await gcs.fetch(`${OBJECTS}`)).status, 200);
  assertEquals((await gcs.fetch(`${OBJECTS}/a.bin`, { headers })).status, 200);
  const reply = await gcs.fetch(OBJECTS, { headers });
  assertEquals(await reply.json(), { error: { code: 503, message: "Retry Test: Caused a 503" } });
});

Deno.test("return-reset-connection: nothing is read", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const headers = await instruct(gcs, ["return-reset-connection"]);
  await assertRejects(() => put(gcs, session, null, data(3), headers), TypeError);
  assertEquals(await standing(gcs, session), "308 null");
});

Deno.test("return-X-after-YK counts the bytes of the object, and keeps whole multiples of 256 KiB", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const headers = await instruct(gcs, ["return-503-after-600K", "return-408"]);
  const bytes = data(4 * U);
  assertEquals(
    (await put(gcs, session, `bytes 0-${U - 1}/*`, bytes.slice(0, U), headers)).status,
    308,
  );
  const rest = () => put(gcs, session, `bytes ${U}-${4 * U - 1}/${4 * U}`, bytes.slice(U), headers);
  assertEquals((await rest()).status, 503);
  assertEquals(gcs.requests.at(-1)!.bodyBytes, 600 * 1024 - U);
  assertEquals(await standing(gcs, session), `308 bytes=0-${2 * U - 1}`);
  assertEquals((await rest()).status, 408, "an instruction waits for those before it");
  assertEquals((await rest()).status, 200);
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, bytes);
});

Deno.test("return-X-after-YK happens on the next bytes where the object has as many already", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, `bytes 0-${2 * U - 1}/*`, data(2 * U));
  const headers = await instruct(gcs, ["return-503-after-256K"]);
  const status = await put(gcs, session, "bytes */*", undefined, headers);
  assertEquals(status.status, 308, "a question has no bytes");
  const reply = await put(gcs, session, `bytes ${2 * U}-${2 * U}/${2 * U + 1}`, data(1), headers);
  assertEquals([reply.status, await standing(gcs, session)], [503, `308 bytes=0-${2 * U - 1}`]);
});

Deno.test("return-broken-stream: done, but the reply breaks, where it would have a body", async () => {
  const gcs = new GcsEmulator();
  const headers = await instruct(gcs, ["return-broken-stream"]);
  const session = await start(gcs, "name=a.bin", { headers });
  await assertRejects(() => put(gcs, session, null, data(3), headers), TypeError);
  assertEquals(gcs.get("bucket", "a.bin")?.size, 3);
});

Deno.test("return-broken-stream-final-chunk-after-YB: stored, and half of the reply comes", async () => {
  const gcs = new GcsEmulator();
  const headers = await instruct(gcs, ["return-broken-stream-final-chunk-after-10B"]);
  const session = await start(gcs, "name=a.bin", { headers });
  assertEquals((await put(gcs, session, `bytes 0-${U - 1}/*`, data(U), headers)).status, 308);
  const reply = await put(gcs, session, `bytes ${U}-${U}/${U + 1}`, data(1), headers);
  assertEquals([reply.status, reply.headers.get("content-length")], [200, "10"]);
  assertEquals((await reply.text()).length, 10);
  assertEquals(gcs.get("bucket", "a.bin")?.size, U + 1);
});

for (const kind of ["bytes", "a stream"]) {
  Deno.test(`stall-for-Ts-after-YK waits in the middle of ${kind}; who does not wait finds what came before`, async () => {
    const waits: number[] = [];
    const gone = new AbortController();
    const gcs = new GcsEmulator({
      sleep: (milliseconds, signal) => {
        waits.push(milliseconds);
        return new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          gone.abort(new Error("enough"));
        });
      },
    });
    const session = await start(gcs);
    const headers = await instruct(gcs, ["stall-for-9s-after-300K"]);
    const body = kind === "bytes" ? data(3 * U) : stream([data(U / 2), data(3 * U - U / 2)]);
    await assertRejects(
      () =>
        gcs.fetch(session, {
          method: "PUT",
          headers: { ...headers, "content-range": `bytes 0-${3 * U - 1}/${3 * U}` },
          body,
          signal: gone.signal,
          ...{ duplex: "half" },
        }),
      Error,
      "enough",
    );
    assertEquals(waits, [9000]);
    assertEquals(await standing(gcs, session), `308 bytes=0-${U - 1}`);
  });
}

Deno.test("a stall that is waited for changes nothing", async () => {
  const waits: number[] = [];
  const gcs = new GcsEmulator({ sleep: (ms) => Promise.resolve(void waits.push(ms)) });
  const headers = await instruct(gcs, ["stall-for-1s-after-256K"]);
  const session = await start(gcs, "name=a.bin", { headers });
  const bytes = data(2 * U);
  assertEquals((await put(gcs, session, null, bytes, headers)).status, 200);
  assertEquals(waits, [1000]);
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, bytes);
});

Deno.test("reset forgets retry tests", async () => {
  const gcs = new GcsEmulator();
  const { "x-retry-test-id": id } = await instruct(gcs, ["return-503"]);
  gcs.reset();
  assertEquals((await gcs.fetch(`${ORIGIN}/retry_test/${id}`)).status, 404);
});

Deno.test("shorten and stall are faults like the others", async () => {
  const gcs = new GcsEmulator({ sleep: () => Promise.resolve() });
  gcs.inject({ on: "media", shorten: 5 }, { on: "media", stall: 1, delay: 5 });
  const send = () =>
    gcs.fetch(`${UPLOAD}?uploadType=media&name=a`, { method: "POST", body: "abc" });
  assertEquals((await (await send()).text()).length, 5);
  assert((await (await send()).text()).length > 5);
  assertEquals(gcs.requests.map(({ fault }) => fault), ["shorten", "stall"]);
  assertEquals(gcs.get("bucket", "a")?.size, 3);
});
