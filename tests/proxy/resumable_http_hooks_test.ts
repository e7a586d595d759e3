// The operator's hooks, the log and the numbers, for clients of the IETF's resumable uploads; and Google's failures.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import {
  type FinishEvent,
  HttpError,
  type RequestEvent,
  type StartEvent,
  type UploadProxy,
} from "../../src/worker.ts";
import { setup } from "./support.ts";
import {
  append,
  assertStored,
  create,
  created,
  offsetOf,
  Q,
  sample,
  send,
  told,
} from "./resumable_http_support.ts";

const grant = { name: "a", payload: { order: 17 } };

Deno.test("onStart hears of size, name and type, and may rename the object", async () => {
  const events: StartEvent[] = [];
  const context = setup({
    onStart: (event) => {
      events.push(event);
      return { name: "renamed" };
    },
  });
  const headers = { "content-type": "image/png", "content-disposition": "inline; filename=b.png" };
  const reply = await create(context, true, { grant: { prefix: "p/" }, headers, body: sample(5) });
  assertEquals(await told(reply), "200 at 5 complete");
  const [{ uploadType, name, size, contentType }] = events;
  assertEquals([uploadType, name, size, contentType], ["resumable", "p/b.png", 5, "image/png"]);
  assertStored(context, sample(5), "renamed");
});

Deno.test("onFinish hears of the object once, before the client does", async () => {
  const events: FinishEvent[] = [];
  let done = false;
  const context = setup({
    onFinish: async (event) => {
      events.push(event);
      await new Promise((resolve) => setTimeout(resolve, 20));
      done = true;
    },
  });
  const url = await created(context, { grant });
  assertEquals(await told(await append(context, url, 0, true, sample(5))), "200 at 5 complete");
  assert(done);
  await offsetOf(context, url);
  await append(context, url, 5, true);
  const [{ name, size, payload, subject, session }, ...others] = events;
  assertEquals([name, size, payload, subject, others.length], [
    "a",
    5,
    { order: 17 },
    "user-17",
    0,
  ]);
  assertEquals(session, context.log[0].session);
});

Deno.test("when onFinish fails the end is a 503, and asking runs it again before it says that the upload is complete", async () => {
  const ids: string[] = [];
  const context = setup({
    onFinish: ({ id }) => {
      if (ids.push(id) < 3) throw new Error("the database is down");
    },
  });
  const url = await created(context, { grant });
  assertEquals(await told(await append(context, url, 0, true, sample(5))), "503 backendError");
  assertStringIncludes(context.log.at(-1)!.error!, "onFinish has failed");
  assertEquals((await send(context, "HEAD", url, undefined)).status, 503);
  assertEquals(await offsetOf(context, url), "204 at 5 of 5 complete");
  assertEquals([ids.length, new Set(ids).size], [3, 1]);
});

Deno.test("when onFinish fails for all bytes in one request, the 503 says where to ask", async () => {
  let calls = 0;
  const context = setup({
    onFinish: () => {
      if (++calls < 2) throw new Error("the database is down");
    },
  });
  const reply = await create(context, true, { grant, body: sample(5) });
  const url = reply.headers.get("location")!;
  assertEquals(await told(reply), "503 backendError");
  assertEquals(await offsetOf(context, url), "204 at 5 of 5 complete");
  assertEquals(calls, 2);
});

Deno.test("onRequest hears of each request once, and may refuse it before a byte goes on", async () => {
  const events: RequestEvent[] = [];
  let stopped = false;
  const context = setup({
    onRequest: (event) => {
      events.push(event);
      if (stopped) throw new HttpError(403, "forbidden", "Your account is closed");
    },
  });
  const url = await created(context, { grant });
  await append(context, url, 0, false, sample(17 * Q), { isChunked: true });
  await send(context, "HEAD", url, undefined);
  stopped = true;
  const before = context.sent.length;
  for (
    const reply of [
      await append(context, url, 17 * Q, true, sample(Q)),
      await send(context, "HEAD", url, undefined),
      await send(context, "DELETE", url, undefined),
      await create(context, true, { grant, body: sample(5) }),
    ]
  ) assertEquals(reply.status, 403);
  assertEquals(context.sent.length, before);
  assertEquals(
    events.map(({ event }) => event),
    ["start", "chunk", "status", "chunk", "status", "cancel", "start"],
  );
  for (const { payload, bucket } of events) {
    assertEquals([payload, bucket], [grant.payload, "my-bucket"]);
  }
});

Deno.test("a refusal of the operator's keeps its status, but for 429, which becomes a 503: clients take it for final otherwise", async () => {
  for (const [status, expected] of [[409, 409], [402, 402], [429, 503]] as const) {
    const context = setup({
      onRequest: ({ event }) => {
        if (event === "chunk") {
          throw new HttpError(status, "quota", "Slower", { "retry-after": "9" });
        }
      },
    });
    const reply = await append(context, await created(context), 0, true, sample(5));
    assertEquals([reply.status, reply.headers.get("retry-after")], [expected, "9"]);
  }
});

Deno.test("an object is counted, and its line of the log says what it is", async () => {
  const context = setup({ logNames: true });
  await append(context, await created(context), 0, true, sample(5));
  await create(context, true, { grant: { name: "b" }, body: sample(7) });
  assertEquals(context.log.map(({ event, name, size }) => [event, name, size]), [
    ["start", undefined, undefined],
    ["finish", "a", 5],
    ["finish", "b", 7],
  ]);
  const text = (context.proxy as UploadProxy).metrics();
  for (const line of ["upload_proxy_objects_total 2", "upload_proxy_object_bytes_total 12"]) {
    assert(text.split("\n").includes(line), text);
  }
});

Deno.test("a creation that brought bytes is a start in the log, also where they were not stored", async () => {
  const context = setup();
  await create(context, false, { body: sample(Q) });
  context.gcs.inject({ on: "chunk", status: 503 });
  const reply = await create(context, false, { grant: { name: "b" }, body: sample(Q) });
  assertEquals(await told(reply), "201 at 0");
  assertEquals(context.log.map(({ event, bytes }) => `${event} ${bytes}`), [
    `start ${Q}`,
    `start ${Q}`,
  ]);
  assertMatch(context.log[1].error!, /503/);
  const url = reply.headers.get("location")!;
  assertEquals(await told(await append(context, url, 0, true, sample(Q))), `200 at ${Q} complete`);
});

Deno.test("where only Google's reply to all bytes was lost, the client hears of the object", async () => {
  const context = setup();
  context.gcs.inject({ on: "final", drop: "after" });
  assertEquals(await told(await create(context, true, { body: sample(5) })), "200 at 5 complete");
  assertStored(context, sample(5));
});

Deno.test("when Google keeps a part of all bytes only, the client is told where to ask, and of no success", async () => {
  const context = setup();
  context.gcs.inject({ on: "final", cut: Q + 5 });
  const reply = await create(context, true, { body: sample(3 * Q) });
  const url = reply.headers.get("location")!;
  assertEquals(await told(reply), "503 backendError");
  assertEquals(await offsetOf(context, url), `204 at ${Q} of ${3 * Q}`);
  const rest = sample(3 * Q).subarray(Q);
  assertEquals(await told(await append(context, url, Q, true, rest)), `200 at ${3 * Q} complete`);
  assertStored(context, sample(3 * Q));
});

Deno.test("when Google takes a part of the last bytes only, that is no success", async () => {
  const gcs = new GcsEmulator();
  let isLess = true;
  const context = setup({
    transport: gcs.fetch,
    async fetch(url, init) {
      const headers = new Headers(init.headers);
      if (!isLess || !/^bytes \d/.test(headers.get("content-range") ?? "")) {
        return await gcs.fetch(url, init);
      }
      isLess = false;
      const bytes = new Uint8Array(await new Response(init.body).arrayBuffer()).subarray(0, Q);
      headers.set("content-range", `bytes 0-${Q - 1}/*`);
      headers.delete("content-length");
      return await gcs.fetch(url, { ...init, headers, body: bytes });
    },
  });
  const url = await created(context);
  const reply = await append(context, url, 0, true, sample(2 * Q));
  assertEquals(await told(reply), "503 backendError");
  assertEquals(await offsetOf(context, url), `204 at ${Q}`);
  const rest = sample(2 * Q).subarray(Q);
  assertEquals(await told(await append(context, url, Q, true, rest)), `200 at ${2 * Q} complete`);
  assertStored({ gcs }, sample(2 * Q));
});

Deno.test("when Google cannot say how much is stored, asking may be repeated, and is not the end of the upload", async () => {
  const context = setup();
  const url = await created(context);
  for (const [status, expected] of [[429, 503], [500, 500], [503, 503]] as const) {
    context.gcs.inject({ on: "status", status });
    assertEquals((await send(context, "HEAD", url, undefined)).status, expected);
  }
  assertEquals(await offsetOf(context, url), "204 at 0");
});

Deno.test("an upload that Google knows no more is gone", async () => {
  const context = setup();
  const url = await created(context);
  context.gcs.inject({ on: "status", expire: 410 });
  assertEquals((await send(context, "HEAD", url, undefined)).status, 410);
});

Deno.test("of two clients at once one is told the offset of the other, and all bytes are there once", async () => {
  const context = setup();
  const url = await created(context);
  const bytes = sample(2 * Q);
  const said = await Promise.all(
    [0, 1].map(async () => (await append(context, url, 0, true, bytes)).status),
  );
  assert(said.includes(200), said.join());
  assert(said.every((status) => [200, 409, 503].includes(status)), said.join());
  assertStored(context, bytes);
  assertEquals(await offsetOf(context, url), `204 at ${2 * Q} of ${2 * Q} complete`);
});
