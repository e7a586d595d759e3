// The operator's hooks with clients of tus: when they are called, and what the client hears.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type FinishEvent,
  HttpError,
  type RequestEvent,
  type UploadProxy,
} from "../../src/worker.ts";
import { send } from "./resumable_http_support.ts";
import { ask, type Setup, setup } from "./support.ts";
import { create, created, offsetOf, patch, Q, sample, told, tus } from "./tus_support.ts";

const grant = { name: "a", payload: { order: 17 } };
const BYTES = { "content-type": "application/offset+octet-stream" };

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
  const url = await created(context, 5, { grant });
  assertEquals(await told(await patch(context, url, 0, sample(5))), "204 at 5");
  assert(done);
  await offsetOf(context, url);
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

Deno.test("when onFinish fails the last PATCH is a 503, and HEAD runs it again before it tells the full offset", async () => {
  const ids: string[] = [];
  const context = setup({
    onFinish: ({ id }) => {
      if (ids.push(id) < 3) throw new Error("the database is down");
    },
  });
  const url = await created(context, 5, { grant });
  assertMatch(
    await told(await patch(context, url, 0, sample(5))),
    /^503 The object is stored, but/,
  );
  assertStringIncludes(context.log.at(-1)!.error!, "onFinish has failed");
  assertEquals((await tus(context, "HEAD", url)).status, 503);
  assertEquals(await offsetOf(context, url), "200 at 5 of 5");
  assertEquals([ids.length, new Set(ids).size], [3, 1]);
});

Deno.test("when onFinish fails for bytes that came with the creation, the client is not told of success but goes on to ask", async () => {
  let calls = 0;
  const context = setup({
    onFinish: () => {
      if (++calls < 2) throw new Error("the database is down");
    },
  });
  const headers = { ...BYTES, "upload-length": "5" };
  const reply = await create(context, { grant, headers, body: sample(5) });
  assertEquals(await told(reply), "201 at 0");
  assertStringIncludes(context.log.at(-1)!.error!, "the database is down");
  const url = reply.headers.get("location")!;
  assertMatch(await told(await patch(context, url, 0, sample(5))), /^409 /);
  assertEquals(await offsetOf(context, url), "200 at 5 of 5");
  assertEquals(calls, 2);
});

Deno.test("for an empty upload, which nobody asks about, onFinish is tried three times", async () => {
  let calls = 0;
  const context = setup({
    onFinish: () => {
      if (++calls < 3) throw new Error();
    },
  });
  await created(context, 0, { grant });
  assertEquals(calls, 3);
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
  const url = await created(context, 40 * Q, { grant });
  await patch(context, url, 0, sample(17 * Q), { isChunked: true });
  await tus(context, "HEAD", url);
  stopped = true;
  const before = context.sent.length;
  for (
    const reply of [
      await patch(context, url, 17 * Q, sample(Q)),
      await tus(context, "HEAD", url),
      await tus(context, "DELETE", url),
      await create(context, { grant }),
    ]
  ) assertEquals(reply.status, 403);
  assertEquals(context.sent.length, before);
  assertEquals(
    events.map(({ event, bytes }) => `${event} ${bytes}`),
    ["start", "chunk", "status", "chunk", "status", "cancel", "start"].map((event, at) =>
      `${event} ${at === 3 ? Q : undefined}`
    ),
  );
  for (const { payload, bucket } of events) {
    assertEquals([payload, bucket], [grant.payload, "my-bucket"]);
  }
});

Deno.test("onStart may refuse a creation, and what fails in it is a 503", async () => {
  const refusing = setup({
    onStart: () => {
      throw new HttpError(409, "conflict", "There is one of that name");
    },
  });
  const failing = setup({ onStart: () => Promise.reject(new Error("secret detail")) });
  const replies = [await create(refusing, { grant }), await create(failing, { grant })];
  assertEquals(replies.map(({ status }) => status), [409, 503]);
  assertEquals((await replies[1].text()).includes("secret detail"), false);
  assertEquals(refusing.sent.length + failing.sent.length, 0);
});

Deno.test("a refusal with 429 becomes a 503: tus clients take it for final otherwise", async () => {
  const context = setup({
    onRequest: ({ event }) => {
      if (event === "chunk") throw new HttpError(429, "quota", "Slower", { "retry-after": "9" });
    },
  });
  const reply = await patch(context, await created(context, 5), 0, sample(5));
  assertEquals([reply.status, reply.headers.get("retry-after")], [503, "9"]);
});

Deno.test("an object that a tus client has made is counted, however many requests it took", async () => {
  const context = setup();
  await patch(context, await created(context, 5, { grant: { name: "a" } }), 0, sample(5));
  await create(context, {
    grant: { name: "b" },
    headers: { ...BYTES, "upload-length": "7" },
    body: sample(7),
  });
  const text = (context.proxy as UploadProxy).metrics();
  for (const line of ["upload_proxy_objects_total 2", "upload_proxy_object_bytes_total 12"]) {
    assert(text.split("\n").includes(line), text);
  }
});

Deno.test("an object is counted once, however often its upload is asked about, here and by an instance that comes later", async () => {
  const context = setup();
  const { gcs } = context;
  const counted = ({ proxy }: Pick<Setup, "proxy">) =>
    /^upload_proxy_objects_total (\d+)$/m.exec((proxy as UploadProxy).metrics())![1];
  const url = await created(context, 5);
  await patch(context, url, 0, sample(5));
  const other = setup({ transport: gcs.fetch, fetch: gcs.fetch });
  for (const instance of [context, other]) {
    for (let time = 0; time < 2; time++) {
      assertEquals(await offsetOf(instance, url), "200 at 5 of 5");
      const range = { "content-range": "bytes */*" };
      await ask(instance, url, { method: "PUT", headers: range });
      await ask(instance, url, { headers: { "x-goog-upload-command": "query" } });
      await send(instance, "HEAD", url, undefined);
      await patch(instance, url, 0, sample(5));
      await tus(instance, "DELETE", url);
    }
  }
  assertEquals([counted(context), counted(other)], ["1", "0"]);
});

Deno.test("an object whose reply was lost is counted with the question that finds it", async () => {
  const context = setup();
  const url = await created(context, 5);
  context.gcs.inject({ on: "final", drop: "after" });
  assertEquals((await patch(context, url, 0, sample(5))).status, 503);
  for (let time = 0; time < 2; time++) assertEquals(await offsetOf(context, url), "200 at 5 of 5");
  const text = (context.proxy as UploadProxy).metrics();
  assert(text.split("\n").includes("upload_proxy_objects_total 1"), text);
});

Deno.test("bytes that were not passed on are not counted as such", async () => {
  const context = setup();
  const url = await created(context, 3 * Q, { grant: { name: "a" } });
  assertEquals((await patch(context, url, Q, sample(Q))).status, 409);
  const text = (context.proxy as UploadProxy).metrics();
  assert(text.split("\n").includes("upload_proxy_request_bytes_total 0"), text);
});
