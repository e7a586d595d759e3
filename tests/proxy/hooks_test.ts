// When the operator's hooks are called, with what, and what follows when they refuse or fail.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type FinishEvent,
  HttpError,
  type RequestEvent,
  signUploadTicket,
  type StartDecision,
  type StartEvent,
} from "../../src/worker.ts";
import { ask, bearer, multipart, outcome, setup, start, TICKET_SECRET } from "./support.ts";

const grant = { prefix: "", payload: { order: 17, tags: ["a"] } };
const put = (body: string, headers: Record<string, string> = {}) => ({
  method: "PUT",
  body,
  headers,
});

/** Timers of up to half a minute go off a thousand times sooner, as long as this lasts. */
function hastened(): Disposable {
  const original = globalThis.setTimeout;
  const hasten = (handler: () => void, delay = 0) =>
    original(handler, delay <= 30_000 ? delay / 1000 : delay);
  globalThis.setTimeout = hasten as typeof original;
  return { [Symbol.dispose]: () => void (globalThis.setTimeout = original) };
}

/** Keeps what a hook has got. */
function listener<T>() {
  const events: T[] = [];
  return { events, hear: (event: T) => void events.push(event) };
}

Deno.test("onFinish gets what Google said, who it is for, and what the ticket carried, whatever the client asked to see", async () => {
  const { events, hear } = listener<FinishEvent>();
  const context = setup({ onFinish: hear });
  const url = await start(context, "name=a&fields=kind", { grant });
  const reply = await ask(context, url, put("123456789"));
  assertEquals(await reply.json(), { kind: "storage#object" });
  const [{ id, generation, session, resource, ...event }] = events;
  const { generation: made } = context.gcs.get("my-bucket", "a")!;
  assertEquals(event, {
    bucket: "my-bucket",
    name: "a",
    size: 9,
    contentType: "application/octet-stream",
    crc32c: "4waSgw==",
    subject: "user-17",
    payload: grant.payload,
  });
  assertEquals([events.length, generation, session], [1, made, context.log[0].session]);
  assertMatch(id, /^upload_[0-9a-f]{32}$/);
  assertEquals(resource.md5Hash, "JfnnlDI7RTiF9RgfG2JNCw==");
});

Deno.test("what a hook does to the payload is not seen by the next one", async () => {
  const seen: unknown[] = [];
  const hear = ({ payload }: { payload: unknown }) => {
    const { tags } = payload as { tags: string[] };
    seen.push([...tags]);
    tags.push("changed");
  };
  const context = setup({ onRequest: hear, onFinish: hear });
  const url = await start(context, "name=a", { grant });
  await ask(context, url, put("", { "content-range": "bytes */*" }));
  await ask(context, url, put("123456789"));
  assertEquals(seen, Array(seen.length).fill(["a"]));
  assert(seen.length > 2);
});

Deno.test("onFinish is awaited before the client hears of success", async () => {
  let done = false;
  const context = setup({
    onFinish: () =>
      new Promise((resolve) =>
        setTimeout(() => {
          done = true;
          resolve();
        }, 20)
      ),
  });
  await (await ask(context, await start(context), put("x"))).body?.cancel();
  assert(done);
});

for (
  const [what, ask_] of [
    ["a status query", put("", { "content-range": "bytes */*", "content-length": "0" })],
    ["the last chunk again", put("12345", { "content-range": "bytes 0-4/5" })],
  ] as const
) {
  Deno.test(`when onFinish fails the client gets a 503, and ${what} runs it again, with the same id`, async () => {
    const ids: string[] = [];
    const context = setup({
      onFinish(event) {
        ids.push(event.id);
        if (ids.length < 3) throw new Error("the database is down");
      },
    });
    const url = await start(context);
    const first = await ask(context, url, put("12345", { "content-range": "bytes 0-4/5" }));
    assertEquals(first.headers.get("retry-after"), "5");
    assertEquals(await outcome(first), "503 backendError");
    assertStringIncludes(context.log.at(-1)!.error!, "onFinish has failed: Error: the database");
    assertEquals(await outcome(await ask(context, url, ask_)), "503 backendError");
    assertEquals(await outcome(await ask(context, url, ask_)), "200");
    assertEquals(await outcome(await ask(context, url, ask_)), "200");
    assertEquals([ids.length, new Set(ids).size], [3, 1], "and not once it has succeeded");
  });
}

Deno.test("onFinish runs when the reply to the last chunk was lost, and a status query at another instance finds the object", async () => {
  const { events, hear } = listener<FinishEvent>();
  const context = setup();
  const url = await start(context, "name=a", { grant });
  await (await ask(context, url, put("12345"))).body?.cancel();
  const { gcs } = context;
  const other = setup({ transport: gcs.fetch, fetch: gcs.fetch, onFinish: hear });
  const query = put("", { "content-range": "bytes */*", "content-length": "0" });
  assertEquals(await outcome(await ask(other, url, query)), "200");
  assertEquals([events[0].name, events[0].payload], ["a", grant.payload]);
});

for (const uploadType of ["media", "multipart"]) {
  Deno.test(`for ${uploadType}, which cannot be asked about, onFinish is tried three times`, async () => {
    let calls = 0;
    const context = setup({
      onFinish({ payload, name }) {
        assertEquals([payload, name], [grant.payload, "a"]);
        if (++calls < 3) throw new Error();
      },
    });
    const body = uploadType === "media" ? { body: "x" } : multipart({ name: "a" }, "x");
    const query = `?uploadType=${uploadType}&name=a`;
    assertEquals(await outcome(await ask(context, query, { ...body, grant })), "200");
    assertEquals(calls, 3);
  });
}

Deno.test("onStart may refuse, with what it throws as the reply", async () => {
  const { events, hear } = listener<StartEvent>();
  const context = setup({
    onStart(event) {
      hear(event);
      throw new HttpError(409, "conflict", "There is one of that name");
    },
  });
  const headers = { "x-upload-content-length": "5", "x-upload-content-type": "image/png" };
  const reply = await ask(context, "?uploadType=resumable&name=a", { grant, headers });
  assertEquals(await outcome(reply), "409 conflict");
  assertEquals(context.sent.length, 0);
  const { request, metadata, ...event } = events[0];
  assertEquals(event, {
    uploadType: "resumable",
    subject: "user-17",
    payload: grant.payload,
    bucket: "my-bucket",
    name: "a",
    contentType: "image/png",
    size: 5,
  });
  assertEquals([metadata.name, request.method], ["a", "POST"]);
});

for (const uploadType of ["resumable", "media", "multipart"]) {
  Deno.test(`onStart may choose another name and add metadata that the client does not see: ${uploadType}`, async () => {
    const { events, hear } = listener<FinishEvent>();
    const context = setup({
      onFinish: hear,
      onStart: ({ name }) => ({
        name: `2026/${name}-x7f`,
        metadata: { cacheControl: "no-store", metadata: { owner: "17" } },
      }),
    });
    const parts = uploadType === "multipart" ? multipart({ name: "a" }, "x") : { body: "x" };
    const own = { prefix: "a", fields: ["metadata"] };
    const reply = uploadType === "resumable"
      ? await ask(context, await start(context, "name=a", { grant: own }), put("x"))
      : await ask(context, `?uploadType=${uploadType}&name=a`, { ...parts, grant: own });
    const object = await reply.json();
    assertEquals([object.name, object.metadata, object.cacheControl], [
      "2026/a-x7f",
      undefined,
      undefined,
    ]);
    const stored = context.gcs.get("my-bucket", "2026/a-x7f")!;
    assertEquals([stored.metadata, stored.resource.cacheControl], [{ owner: "17" }, "no-store"]);
    assertEquals(events[0].name, "2026/a-x7f");
  });
}

Deno.test("an onStart that throws something else, or answers nonsense, starts nothing", async () => {
  const broken = setup({ onStart: () => Promise.reject(new Error("secret detail")) });
  const reply = await ask(broken, "?uploadType=resumable&name=a");
  assertEquals((await reply.clone().text()).includes("secret detail"), false);
  assertEquals([await outcome(reply), broken.sent.length], ["503 backendError", 0]);
});

// What is passed over would be a rename, or a refusal, that does not happen.
const nonsense: readonly unknown[] = [
  { name: "" },
  { name: 42 },
  { name: "a\nb" },
  { naem: "b" },
  { bucket: "quarantine" },
  { metadata: "abc" },
  { metadata: ["abc"] },
  { metadata: { metadata: "abc" } },
  { metadata: { contentType: "image/png, text/html" } },
  "another-name",
  ["another-name"],
  false,
  42,
];
for (const answer of nonsense) {
  Deno.test(`an onStart that answers ${JSON.stringify(answer)} starts nothing, and the log says why`, async () => {
    const context = setup({ onStart: () => answer as StartDecision });
    const reply = await ask(context, "?uploadType=resumable&name=a");
    assertEquals([await outcome(reply), context.sent.length], ["503 backendError", 0]);
    assertStringIncludes(context.log[0].error!, "onStart has failed: TypeError: expected");
  });
}

for (const answer of [undefined, null, {}, { name: undefined }]) {
  Deno.test(`an onStart that answers ${JSON.stringify(answer)} changes nothing`, async () => {
    const context = setup({ onStart: () => answer as StartDecision });
    await start(context, "name=a");
    assertEquals(context.sent[0].url.searchParams.get("name"), "a");
  });
}

Deno.test("an onRequest that answers false allows nothing: it has to throw to be understood", async () => {
  const context = setup({ onRequest: () => false as unknown as void });
  const reply = await ask(context, "?uploadType=resumable&name=a");
  assertEquals([await outcome(reply), context.sent.length], ["503 backendError", 0]);
  assertStringIncludes(
    context.log[0].error!,
    "onRequest has failed: TypeError: expected an HttpError",
  );
});

for (const hook of ["authorize", "once", "onStart", "onRequest"] as const) {
  Deno.test(`a client does not wait for ever for ${hook}`, async () => {
    using _time = hastened();
    const hang = () => new Promise<never>(() => {});
    const context = setup(
      hook === "once" ? { tickets: { secret: TICKET_SECRET, once: hang } } : { [hook]: hang },
    );
    const ticket = await signUploadTicket(
      TICKET_SECRET,
      { subject: "a", prefix: "" },
      { expiresIn: 60, id: "1" },
    );
    const reply = await ask(context, "?uploadType=resumable&name=a", {
      grant: null,
      headers: { authorization: `Bearer ${ticket}` },
    });
    assertEquals([await outcome(reply), context.sent.length], ["503 backendError", 0]);
  });
}

Deno.test("an onFinish that does not end has failed after 25 seconds: the client gets a 503, and asks again", async () => {
  using _time = hastened();
  let calls = 0;
  const context = setup({
    onFinish: () => ++calls === 1 ? new Promise<never>(() => {}) : undefined,
  });
  const url = await start(context);
  assertEquals(await outcome(await ask(context, url, put("x"))), "503 backendError");
  assertStringIncludes(context.log.at(-1)!.error!, "took longer than 25000 ms");
  const query = put("", { "content-range": "bytes */*" });
  assertEquals([await outcome(await ask(context, url, query)), calls], ["200", 2]);
});

Deno.test("an upload of one request whose onFinish fails three times is a 503, and the object is stored", async () => {
  let calls = 0;
  const context = setup({
    onFinish() {
      calls++;
      throw new Error();
    },
  });
  const reply = await ask(context, "?uploadType=media&name=a", { body: "x" });
  assertEquals([await outcome(reply), calls], ["503 backendError", 3]);
  assertEquals(context.gcs.get("my-bucket", "a")?.size, 1);
});

Deno.test("onRequest hears of every request, and may refuse it before a byte goes on", async () => {
  const { events, hear } = listener<RequestEvent>();
  let stopped = false;
  const context = setup({
    onRequest(event) {
      hear(event);
      if (stopped) throw new HttpError(403, "forbidden", "Your account is closed");
    },
  });
  const url = await start(context, "name=a", { grant });
  await outcome(
    await ask(context, url, put("x".repeat(262_144), { "content-range": "bytes 0-262143/*" })),
  );
  await outcome(await ask(context, url, put("", { "content-range": "bytes */*" })));
  stopped = true;
  const before = context.sent.length;
  assertEquals(await outcome(await ask(context, url, put("x"))), "403 forbidden");
  assertEquals(await outcome(await ask(context, url, { method: "DELETE" })), "403 forbidden");
  const media = await ask(context, "?uploadType=media&name=b", { body: "x", grant });
  assertEquals(await outcome(media), "403 forbidden");
  assertEquals(context.sent.length, before);
  assertEquals(events.map(({ event }) => event), [
    "start",
    "chunk",
    "status",
    "chunk",
    "cancel",
    "media",
  ]);
  for (const { subject, payload, bucket } of events) {
    assertEquals([subject, payload, bucket], ["user-17", grant.payload, "my-bucket"]);
  }
});

for (const payload of ["x".repeat(2047), () => {}, 1n]) {
  Deno.test(`a payload of ${typeof payload} beyond 2 KiB, or that is no JSON, is refused when it is signed`, async () => {
    let failed = false;
    await bearer({ prefix: "", payload }).catch(() => failed = true);
    assert(failed);
  });
}

Deno.test("onRequest is told how many bytes a chunk has, also where only its Content-Range says so", async () => {
  const { events, hear } = listener<RequestEvent>();
  const context = setup({ onRequest: hear });
  const url = await start(context, "name=a", { grant });
  for (const [range, size] of [["bytes 0-262143/*", 262_144], ["bytes 262144-*/*", 5]] as const) {
    const body = new Blob([new Uint8Array(size)]).stream();
    await outcome(
      await ask(context, url, { method: "PUT", headers: { "content-range": range }, body }),
    );
  }
  assertEquals(events.map(({ bytes }) => bytes), [undefined, 262_144, undefined]);
});
