// One request: what the transport is given, what counts as a reply, how deadlines and aborts end it, and what becomes of
// its body.

import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { InvalidResponse, UploadError } from "../../src/errors.ts";
import {
  type Failure,
  type Reply,
  send,
  type SendOptions,
  type SendRequest,
} from "../../src/net/send.ts";
import type { PieceBody } from "../../src/net/streamed_body.ts";
import { streamingInit, type Transport } from "../../src/net/transport.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { patterned } from "../support/bytes.ts";

const URL_WITH_SECRET = "https://storage.googleapis.com/x?upload_id=SECRET";
const spec: SendRequest = {
  method: "PUT",
  url: URL_WITH_SECRET,
  headers: new Headers({ a: "b" }),
  body: new Uint8Array(3),
};
const options = (signal?: AbortSignal, clock = fakeClock()): SendOptions => ({
  clock,
  deadline: 1000,
  stallTimeout: 500,
  signal,
});

/** The reply; an error where there is none. */
async function replyTo(transport: Transport, request = spec, how = options()): Promise<Reply> {
  const result = await send(transport, request, how);
  if (result.kind === "failed") throw result.error;
  return result.reply;
}

/** How it failed; an error where it did not. */
async function failureOf(transport: Transport, request = spec, how = options()): Promise<Failure> {
  const result = await send(transport, request, how);
  if (result.kind === "reply") throw new Error(`expected a failure, got ${result.reply.status}`);
  return result;
}

const hanging: Transport = () => new Promise(() => {});

Deno.test("a reply longer than its bound is none, whether it says its length or not", async () => {
  const how = { ...options(), maxReplyBytes: 10 };
  const lengths: Record<string, string>[] = [{}, { "content-length": "11" }];
  for (const headers of lengths) {
    const transport: Transport = () => Promise.resolve(new Response("x".repeat(11), { headers }));
    await assertRejects(() => send(transport, spec, how), InvalidResponse, "at most 10 bytes");
  }
});

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
  const reply = await replyTo(() => Promise.resolve(original));
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
    const reply = await replyTo(() => Promise.resolve(new Response(null, { status })));
    assertEquals([reply.status, reply.text, reply.response.status], [status, "", status]);
  });
}

Deno.test("an opaque response is handed on as it is", async () => {
  const opaque = Response.error();
  assertStrictEquals((await replyTo(() => Promise.resolve(opaque))).response, opaque);
});

Deno.test("a transport that rejects is a failure with that cause, and without the URL", async () => {
  const own = new TypeError("connection reset");
  const { error, body } = await failureOf(() => Promise.reject(own));
  assertEquals([error.code, error.cause, body], ["transport_failed", own, "not streamed"]);
  assertEquals(error.message.includes("SECRET"), false);
});

Deno.test("a transport that throws at once is a failure, too", async () => {
  const { error } = await failureOf(() => {
    throw new Error("no");
  });
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
  const { error } = await failureOf(() => Promise.resolve(new Response(broken)));
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
  const running = failureOf(
    (_, init) => (signal = init.signal, new Promise(() => {})),
    spec,
    options(undefined, clock),
  );
  clock.pass(999);
  assertEquals(signal?.aborted, false);
  clock.pass(1);
  const { error, spent } = await running;
  assertEquals([error.code, signal?.aborted, spent], ["deadline_exceeded", true, 1000]);
  assertStringIncludes(error.message, "1000 ms");
});

Deno.test("the deadline holds for the body of the reply, too", async () => {
  const clock = fakeClock();
  const running = failureOf(
    () => Promise.resolve(new Response(new ReadableStream())),
    spec,
    options(undefined, clock),
  );
  await Promise.resolve();
  clock.pass(1000);
  assertEquals((await running).error.code, "deadline_exceeded");
});

Deno.test("an attempt counts with the time that was planned for it, however long the machine slept", async () => {
  const clock = fakeClock();
  const running = failureOf(() => new Promise(() => {}), spec, options(undefined, clock));
  clock.pass(3_600_000);
  assertEquals((await running).spent, 1000);
});

Deno.test("no timer outlives its attempt", async () => {
  const clock = fakeClock();
  await replyTo(() => Promise.resolve(new Response("ok")), spec, options(undefined, clock));
  await failureOf(() => Promise.reject(new Error("no")), spec, options(undefined, clock));
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

// ---- Bodies that are made while they are sent ----

const DATA = patterned(1000);

/** The data in pieces of 100 bytes; `before` runs before each. */
function piecesOf(before?: (at: number) => Promise<void> | void): PieceBody {
  let at = 0;
  return {
    size: DATA.length,
    async next() {
      await before?.(at);
      return at === DATA.length ? undefined : DATA.slice(at, at += 100);
    },
  };
}

/** Reads a body to its end. */
const whole = async (init: RequestInit) =>
  new Uint8Array(await new Response(init.body).arrayBuffer());

/** Lets everything happen that waits for nothing. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("a body of pieces is sent as a stream of known length, in the way that this platform takes it", async () => {
  let seen: RequestInit & { duplex?: string } = {};
  let body = new Uint8Array(0);
  const transport: Transport = async (_, init) => {
    seen = init;
    body = await whole(init);
    return new Response("ok");
  };
  const taken: number[] = [];
  const onTaken = (bytes: number) => void taken.push(bytes);
  const request = { ...spec, body: piecesOf() };
  const result = await send(transport, request, { ...options(), onTaken });
  assertEquals([result.kind, result.body, body], ["reply", "all taken", DATA]);
  const headers = new Headers(seen.headers);
  assertEquals([headers.get("a"), headers.get("content-length")], ["b", "1000"]);
  assertEquals([seen.duplex, seen.redirect], ["half", streamingInit()?.redirect]);
  assertEquals(headers.get("x-guploader-no-308"), seen.redirect === "error" ? "yes" : null);
  assertEquals(spec.headers.has("content-length"), false, "the caller's headers are not changed");
  assertEquals(taken, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
});

Deno.test("a 200 in place of a 308 is a 308 for the caller", async () => {
  const headers = { "x-http-status-code-override": "308", range: "bytes=0-9" };
  const { response } = await replyTo(() => Promise.resolve(new Response(null, { headers })));
  assertEquals([response.status, response.headers.get("range")], [308, "bytes=0-9"]);
});

Deno.test("a streamed attempt is given up when it stands still, not when it takes long", async () => {
  const clock = fakeClock();
  const readFive = Promise.withResolvers<AbortSignal>();
  const transport: Transport = async (_, init) => {
    const reader = (init.body as ReadableStream).getReader();
    for (let i = 0; i < 5; i++) {
      await settled();
      clock.pass(499);
      await reader.read();
    }
    await settled();
    readFive.resolve(init.signal!);
    return await new Promise(() => {});
  };
  const running = failureOf(transport, { ...spec, body: piecesOf() }, options(undefined, clock));
  const signal = await readFive.promise;
  clock.pass(499);
  assertEquals(signal.aborted, false);
  clock.pass(1);
  const { error, body, spent } = await running;
  assertEquals([error.code, spent, body], ["deadline_exceeded", 500, "part taken"]);
  assertStringIncludes(error.message, "500 ms");
});

Deno.test("while the source makes the transport wait, no deadline runs", async () => {
  const clock = fakeClock();
  const body = piecesOf(async (at) => {
    if (at === 300) {
      await settled();
      clock.pass(3_600_000);
    }
  });
  const transport: Transport = async (_, init) => {
    assertEquals(await whole(init), DATA);
    return new Response("ok");
  };
  assertEquals((await replyTo(transport, { ...spec, body }, options(undefined, clock))).text, "ok");
});

Deno.test("a source that fails ends the attempt with its own error, and its body is never whole", async () => {
  const own = new Error("disk on fire");
  const body = piecesOf((at) => {
    if (at === 300) throw own;
  });
  const outcome = Promise.withResolvers<unknown>();
  const transport: Transport = async (_, init) => {
    const read = whole(init);
    read.then(outcome.resolve, () => outcome.resolve("failed"));
    await read;
    return new Response("ok");
  };
  assertStrictEquals(
    await assertRejects(() => send(transport, { ...spec, body }, options())),
    own,
  );
  assertEquals(await outcome.promise, "failed");
});

for (
  const [how, settle] of [
    ["a reply", () => Promise.resolve(new Response("early"))],
    ["a failure", () => Promise.reject(new Error("reset"))],
  ] as const
) {
  Deno.test(`after ${how} no piece is read any more, and the body is never whole`, async () => {
    const asked: number[] = [];
    let rest: ReadableStreamDefaultReader<Uint8Array> | undefined;
    const transport: Transport = async (_, init) => {
      rest = (init.body as ReadableStream<Uint8Array>).getReader();
      await rest.read();
      return await settle();
    };
    const body = piecesOf((at) => void asked.push(at));
    await send(transport, { ...spec, body }, options());
    const before = asked.length;
    await assertRejects(async () => {
      while (!(await rest!.read()).done) { /* read on, as some runtimes do */ }
    });
    assertEquals(asked.length, before);
  });
}

Deno.test("an abort ends a streamed attempt at once, with the signal's own reason", async () => {
  const own = new Error("enough");
  const abort = new AbortController();
  const running = send(
    () => new Promise(() => {}),
    { ...spec, body: piecesOf() },
    options(abort.signal),
  );
  await settled();
  abort.abort(own);
  assertStrictEquals(await assertRejects(() => running), own);
});

Deno.test("a transport that has not looked at a stream can be told from one that has", async () => {
  const fates: string[] = [];
  const transports: Transport[] = [
    () => Promise.reject(new Error("what is a stream?")),
    (_, init) => {
      (init.body as ReadableStream).getReader();
      return Promise.reject(new Error("reset"));
    },
    async (_, init) => {
      await (init.body as ReadableStream).getReader().read();
      throw new Error("reset");
    },
    async (_, init) => {
      await whole(init);
      throw new Error("reset");
    },
  ];
  for (const transport of transports) {
    fates.push((await failureOf(transport, { ...spec, body: piecesOf() })).body);
  }
  assertEquals(fates, ["untouched", "part taken", "part taken", "all taken"]);
});

Deno.test("a body that the transport has cancelled while the source was slow leaves the deadline running", async () => {
  const clock = fakeClock();
  let give = (_: Uint8Array<ArrayBuffer>) => {};
  let asked = 0;
  const body: PieceBody = {
    size: 3,
    next: () =>
      asked++ === 0 ? Promise.resolve(new Uint8Array(1)) : new Promise((resolve) => give = resolve),
  };
  const transport: Transport = async (_, init) => {
    const reader = (init.body as ReadableStream).getReader();
    await reader.read();
    await turn();
    assertEquals(asked, 2, "the source is being waited for");
    await reader.cancel();
    give(new Uint8Array(2));
    return await new Promise(() => {});
  };
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  const failing = failureOf(transport, { ...spec, body }, options(undefined, clock));
  await turn();
  await turn();
  assertEquals(clock.timers.size, 1, "a deadline is set");
  clock.pass(500);
  assertEquals((await failing).error.code, "deadline_exceeded");
});
