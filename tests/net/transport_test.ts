import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { InvalidResponse, UploadError } from "../../src/errors.ts";
import { send, type Transport } from "../../src/net/transport.ts";
import type { RequestSpec } from "../../src/protocol/resumable.ts";
import { fakeClock } from "../support/fake_clock.ts";

const URL_WITH_SECRET = "https://storage.googleapis.com/x?upload_id=SECRET";
const spec: RequestSpec = {
  method: "PUT",
  url: URL_WITH_SECRET,
  headers: new Headers({ a: "b" }),
  body: new Uint8Array(3),
};
const options = (signal?: AbortSignal, clock = fakeClock()) => ({ clock, deadline: 1000, signal });
const hanging: Transport = () => new Promise(() => {});

Deno.test("the transport gets method, URL, headers, body and a signal", async () => {
  let seen: unknown[] = [];
  const transport: Transport = (input, init) => {
    seen = [
      input,
      init.method,
      [...new Headers(init.headers)],
      init.body,
      init.signal instanceof AbortSignal,
    ];
    return Promise.resolve(new Response("ok"));
  };
  await send(transport, spec, options());
  assertEquals(seen, [URL_WITH_SECRET, "PUT", [["a", "b"]], new Uint8Array(3), true]);
});

Deno.test("the response can still be read by the caller, with its status, headers and URL", async () => {
  const original = new Response('{"a":1}', {
    status: 308,
    statusText: "Resume Incomplete",
    headers: { range: "bytes=0-9" },
  });
  Object.defineProperty(original, "url", { value: "https://a.example/b" });
  const reply = await send(() => Promise.resolve(original), spec, options());
  assertEquals([reply.status, reply.text, reply.headers.get("range")], [
    308,
    '{"a":1}',
    "bytes=0-9",
  ]);
  const { response } = reply;
  assertEquals(
    [response.status, response.statusText, response.url, response.headers.get("range")],
    [
      308,
      "Resume Incomplete",
      "https://a.example/b",
      "bytes=0-9",
    ],
  );
  assertEquals(await response.json(), { a: 1 });
});

for (const status of [204, 304, 499, 599]) {
  Deno.test(`a ${status} without a body is a reply`, async () => {
    const reply = await send(
      () => Promise.resolve(new Response(null, { status })),
      spec,
      options(),
    );
    assertEquals([reply.status, reply.text, reply.response.status], [status, "", status]);
  });
}

Deno.test("an opaque response is handed on as it is", async () => {
  const opaque = Response.error();
  assertStrictEquals((await send(() => Promise.resolve(opaque), spec, options())).response, opaque);
});

Deno.test("a transport that rejects is a failure with that cause, and without the URL", async () => {
  const own = new TypeError("connection reset");
  const error = await assertRejects(
    () => send(() => Promise.reject(own), spec, options()),
    UploadError,
  );
  assertEquals([error.code, error.cause], ["transport_failed", own]);
  assertEquals(error.message.includes("SECRET"), false);
});

Deno.test("a transport that throws at once is a failure, too", async () => {
  const error = await assertRejects(() =>
    send(
      () => {
        throw new Error("no");
      },
      spec,
      options(),
    ), UploadError);
  assertEquals(error.code, "transport_failed");
});

Deno.test("an UploadError of the transport is handed on as it is: it ends the upload", async () => {
  const own = new UploadError("rejected", "no credentials");
  assertStrictEquals(
    await assertRejects(() => send(() => Promise.reject(own), spec, options())),
    own,
  );
});

Deno.test("a body that breaks off is a failure: the reply is not known", async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
  const error = await assertRejects(
    () => send(() => Promise.resolve(new Response(broken)), spec, options()),
    UploadError,
  );
  assertEquals(error.code, "transport_failed");
});

// A short length says nothing of a body that is encoded; in a page, that it is may be hidden.
const bodies: [rule: string, headers: Record<string, string>, type?: ResponseType][] = [
  ["a body without end", {}],
  ["an encoded body without end", { "content-length": "100", "content-encoding": "br" }],
  ["a body without end from another origin", { "content-length": "100" }, "cors"],
];
for (const [rule, headers, type = "basic"] of bodies) {
  Deno.test(`${rule} is cut`, async () => {
    let cancelled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
      cancel: () => void (cancelled = true),
    });
    const response = new Response(endless, { headers });
    Object.defineProperty(response, "type", { value: type });
    const error = await assertRejects(
      () => send(() => Promise.resolve(response), spec, options()),
      InvalidResponse,
    );
    assertEquals([error.code, cancelled], ["invalid_response", true]);
  });
}

Deno.test("an attempt past its deadline is given up, whatever the transport does", async () => {
  const clock = fakeClock();
  let signal: AbortSignal | null | undefined;
  const running = send(
    (_, init) => (signal = init.signal, new Promise(() => {})),
    spec,
    options(undefined, clock),
  );
  clock.pass(999);
  assertEquals(signal?.aborted, false);
  clock.pass(1);
  const error = await assertRejects(() => running, UploadError, "1000 ms");
  assertEquals([error.code, signal?.aborted], ["deadline_exceeded", true]);
});

Deno.test("the deadline holds for the body of the reply, too", async () => {
  const clock = fakeClock();
  const running = send(
    () => Promise.resolve(new Response(new ReadableStream())),
    spec,
    options(undefined, clock),
  );
  await Promise.resolve();
  clock.pass(1000);
  assertEquals((await assertRejects(() => running, UploadError)).code, "deadline_exceeded");
});

Deno.test("no timer outlives its attempt", async () => {
  const clock = fakeClock();
  await send(() => Promise.resolve(new Response("ok")), spec, options(undefined, clock));
  await assertRejects(() =>
    send(() => Promise.reject(new Error("no")), spec, options(undefined, clock))
  );
  assertEquals(clock.timers.size, 0);
});

Deno.test("an abort is honoured at once with the signal's own reason, whatever the transport does", async () => {
  const own = new Error("enough");
  const abort = new AbortController();
  const running = send(hanging, spec, options(abort.signal));
  abort.abort(own);
  assertStrictEquals(await assertRejects(() => running), own);
});

Deno.test("a signal that is aborted already sends nothing", async () => {
  const own = new Error("enough");
  let sent = false;
  const transport: Transport = () => (sent = true, Promise.resolve(new Response()));
  assertStrictEquals(
    await assertRejects(() => send(transport, spec, options(AbortSignal.abort(own)))),
    own,
  );
  assertEquals(sent, false);
});

Deno.test("a reply that comes after the abort is cancelled", async () => {
  const abort = new AbortController();
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  const late = Promise.withResolvers<Response>();
  const running = send(() => late.promise, spec, options(abort.signal));
  abort.abort();
  await assertRejects(() => running);
  late.resolve(new Response(body));
  await cancelled.promise;
});
