// The client of an upload is whoever has come last: requests with bytes that hang are ended by what comes after them.

import { assert, assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { Turns } from "../../src/proxy/session_turn.ts";
import { ask, type Setup, setup, start } from "./support.ts";
import * as ietf from "./resumable_http_support.ts";
import * as tus from "./tus_support.ts";
import { Q, sample } from "./tus_support.ts";

const bytes = sample(2 * Q);

/** A clock that can be put forward: a request with bytes is left alone in its first second. */
function clock() {
  let later = 0;
  return { now: () => Date.now() + later, pass: () => later += 1000 };
}

/** A body of which the first quantum comes, and then nothing; it hears when nobody reads it any more. */
function hanging(length: number | undefined) {
  const left = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  let isFirst = true;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (!isFirst) {
        sent.resolve();
        return await new Promise(() => {});
      }
      isFirst = false;
      controller.enqueue(bytes.slice(0, Q + 5));
    },
    cancel: () => left.resolve(),
  }, { highWaterMark: 0 });
  const headers: Record<string, string> = length === undefined
    ? {}
    : { "content-length": `${length}` };
  return { body, headers, sent: sent.promise, left: left.promise };
}

/** A request of one front. */
type Request = (
  context: Setup,
  url: string,
  body: BodyInit,
  headers?: Record<string, string>,
) => Promise<Response>;

const put: Request = (context, url, body, headers) =>
  ask(context, url, {
    method: "PUT",
    headers: { "content-range": `bytes 0-${2 * Q - 1}/${2 * Q}`, ...headers },
    body,
  });
const patch: Request = (context, url, body, headers) =>
  tus.patch(context, url, 0, body, { headers, isChunked: true });
const append: Request = (context, url, body, headers) =>
  ietf.append(context, url, 0, true, body, { headers, isChunked: true });
const command: Request = (context, url, body, headers) =>
  ask(context, url, {
    headers: {
      "x-goog-upload-command": "upload, finalize",
      "x-goog-upload-offset": "0",
      ...headers,
    },
    body,
  });

const FRONTS: readonly (readonly [front: string, send: Request])[] = [
  ["Content-Range", put],
  ["X-Goog-Upload", command],
  ["tus", patch],
  ["the IETF's", append],
];

/** The whole, from wherever it goes on, by tus; the last status. */
async function finished(context: Setup, url: string): Promise<string> {
  const head = await tus.tus(context, "HEAD", url);
  const offset = Number(head.headers.get("upload-offset"));
  return offset === 2 * Q
    ? "there"
    : await tus.told(await tus.patch(context, url, offset, bytes.subarray(offset)));
}

for (const [front, send] of FRONTS) {
  for (const [how, length] of [["with a length", 2 * Q], ["in chunks", undefined]] as const) {
    Deno.test(`by ${front}, bytes ${how} that hang are ended by the next ones, which need not wait`, async () => {
      const time = clock();
      const context = setup({ now: time.now });
      const url = await tus.created(context, 2 * Q);
      const old = hanging(length);
      const answer = send(context, url, old.body, old.headers);
      await old.sent;
      time.pass();
      const next = await send(context, url, bytes, { "content-length": `${2 * Q}` });
      const { status, headers } = await answer;
      assertEquals([status, headers.has("retry-after")], [503, true]);
      await old.left;
      assert(context.log.some(({ error }) => error?.includes("later request")));
      // A part of what hung may have been stored: then these begin at the wrong place, and their client is told so.
      if (!next.ok) assertEquals(await finished(context, url), `204 at ${2 * Q}`);
      assertEquals(context.gcs.get("my-bucket", "a")!.bytes, bytes);
    });
  }

  Deno.test(`by ${front}, bytes that hang are ended by a DELETE, and by a HEAD`, async () => {
    for (const method of ["DELETE", "HEAD"]) {
      for (const version of ["tus", "ietf"]) {
        const time = clock();
        const context = setup({ now: time.now });
        const url = await tus.created(context, 2 * Q);
        const old = hanging(2 * Q);
        const answer = send(context, url, old.body, old.headers);
        await old.sent;
        time.pass();
        const reply = version === "tus"
          ? await tus.tus(context, method, url)
          : await ietf.send(context, method, url, undefined);
        assert(reply.ok, `${reply.status}`);
        assertEquals((await answer).status, 503);
        await old.left;
        if (method === "HEAD") assertEquals(await finished(context, url), `204 at ${2 * Q}`);
        else assertEquals((await tus.tus(context, "HEAD", url)).status, 410);
      }
    }
  });
}

Deno.test("a request with bytes is left alone at first: two clients that are alive do not end each other", async () => {
  for (const method of ["HEAD", "PATCH"]) {
    const context = setup();
    const url = await tus.created(context, 2 * Q);
    const gate = Promise.withResolvers<void>(), waits = Promise.withResolvers<void>();
    let at = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        if (at === 2 * Q) return controller.close();
        if (at === Q) {
          waits.resolve();
          await gate.promise;
        }
        controller.enqueue(bytes.slice(at, at += Q));
      },
    }, { highWaterMark: 0 });
    const old = patch(context, url, body, { "content-length": `${2 * Q}` });
    await waits.promise;
    const other = method === "HEAD"
      ? tus.tus(context, "HEAD", url)
      : tus.patch(context, url, 0, bytes);
    gate.resolve();
    assertEquals(await tus.told(await old), `204 at ${2 * Q}`);
    await other;
    assertEquals(context.gcs.get("my-bucket", "a")!.bytes, bytes);
  }
});

Deno.test("a question that waits for bytes which came before it, or meanwhile, ends them when their time is over", async () => {
  for (const isFirst of [true, false]) {
    const context = setup();
    const url = await tus.created(context, 2 * Q);
    const old = hanging(2 * Q);
    const send = () => patch(context, url, old.body, old.headers);
    const begun = isFirst ? send() : undefined;
    if (isFirst) await old.sent;
    const question = tus.tus(context, "HEAD", url);
    const answer = begun ?? send();
    assert((await question).ok);
    if (!isFirst) assert((await tus.tus(context, "HEAD", url)).ok);
    assertEquals((await answer).status, 503);
    await old.left;
  }
});

Deno.test("bytes that hang are ended by the next ones, though a thousand other uploads have begun since", async () => {
  const time = clock();
  const context = setup({ now: time.now, authorize: () => ({ name: "a" }) });
  const url = await tus.created(context, 2 * Q);
  const old = hanging(2 * Q);
  const answer = patch(context, url, old.body, old.headers);
  await old.sent;
  for (let others = 0; others < 1001; others++) await start(context, "name=a", { grant: null });
  time.pass();
  await tus.tus(context, "HEAD", url);
  assertEquals((await answer).status, 503);
  await old.left;
});

Deno.test("Google's own questions end nothing: they may be asked while bytes go on", async () => {
  const gcs = new GcsEmulator();
  const context = setup({
    transport: gcs.fetch,
    // The emulator answers one request of a session after the other.
    fetch: (url, init) =>
      new Headers(init.headers).get("content-range") === "bytes */*"
        ? Promise.resolve(new Response(null, { status: 308 }))
        : gcs.fetch(url, init),
  });
  const url = await tus.created(context, 2 * Q);
  const old = hanging(2 * Q);
  let isOver = false;
  const answer = put(context, url, old.body, old.headers).finally(() => isOver = true);
  await old.sent;
  const range = { "content-range": "bytes */*" };
  assertEquals((await ask(context, url, { method: "PUT", headers: range })).status, 308);
  const query = { "x-goog-upload-command": "query" };
  assertEquals((await ask(context, url, { headers: query })).status, 200);
  assertEquals(isOver, false);
  await tus.tus(context, "DELETE", url);
  assertEquals((await answer).status, 503);
});

Deno.test("what is stored while bytes are under way is not believed when they have broken off", async () => {
  const gcs = new GcsEmulator();
  const time = clock();
  const ranges: (string | null)[] = [];
  let isHanging = true;
  const context = setup({
    now: time.now,
    transport: gcs.fetch,
    fetch(url, init) {
      const range = new Headers(init.headers).get("content-range");
      ranges.push(range);
      // The emulator answers one request of a session after the other.
      return isHanging && range === "bytes */*"
        ? Promise.resolve(new Response(null, { status: 308 }))
        : gcs.fetch(url, init);
    },
  });
  const url = await tus.created(context, 2 * Q);
  const old = hanging(2 * Q);
  const answer = put(context, url, old.body, old.headers);
  await old.sent;
  const question = { method: "PUT", headers: { "content-range": "bytes */*" } };
  assertEquals((await ask(context, url, question)).status, 308);
  isHanging = false;
  time.pass();
  ranges.length = 0;
  await put(context, url, bytes, { "content-length": `${2 * Q}` });
  await answer;
  assertEquals(ranges[0], "bytes */*");
});

Deno.test("a request that was ended sends no byte more, though it has segments left", async () => {
  const time = clock();
  const context = setup({ now: time.now });
  const url = await tus.created(context, 20 * Q);
  const all = sample(20 * Q);
  const gate = Promise.withResolvers<void>(), waits = Promise.withResolvers<void>();
  let at = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (at === 16 * Q) {
        waits.resolve();
        await gate.promise;
      }
      if (at === all.length) return controller.close();
      controller.enqueue(all.slice(at, at += 4 * Q));
    },
  }, { highWaterMark: 0 });
  const old = tus.patch(context, url, 0, body);
  await waits.promise;
  time.pass();
  assertEquals(await tus.offsetOf(context, url), `200 at ${16 * Q} of ${20 * Q}`);
  gate.resolve();
  assertEquals((await old).status, 503);
  const chunks = context.sent.filter(({ headers }) =>
    /^bytes \d/.test(headers.get("content-range") ?? "")
  );
  assertEquals(chunks.length, 1);
  const rest = all.subarray(16 * Q);
  assertEquals(await tus.told(await tus.patch(context, url, 16 * Q, rest)), `204 at ${20 * Q}`);
});

Deno.test("what is refused before its bytes are looked at ends nothing", async () => {
  const context = setup({
    onRequest: ({ request }) => {
      if (request.headers.has("x-request-id")) throw new TypeError("no");
    },
  });
  const url = await tus.created(context, 2 * Q);
  const old = hanging(2 * Q);
  let isOver = false;
  const answer = patch(context, url, old.body, old.headers).finally(() => isOver = true);
  await old.sent;
  const refused = [
    await tus.patch(context, url, 0, sample(5), { headers: { "content-type": "text/plain" } }),
    await tus.patch(context, url, 0, sample(5), { headers: { "x-request-id": "1" } }),
    await tus.tus(context, "HEAD", url, { headers: { "tus-resumable": "0.2" } }),
    await tus.tus(context, "HEAD", url, { headers: { "x-request-id": "1" } }),
  ];
  assertEquals(refused.map(({ status }) => status), [415, 503, 412, 503]);
  assertEquals(isOver, false);
  await tus.tus(context, "DELETE", url);
  await answer;
});

Deno.test("requests that do not end when they are told to are not added to without end", async () => {
  const context = setup();
  const gates: (() => void)[] = [];
  const stuck = setup({
    transport: context.gcs.fetch,
    fetch: (url, init) => {
      const range = new Headers(init.headers).get("content-range") ?? "";
      if (!/^bytes \d/.test(range)) return context.gcs.fetch(url, init);
      return new Promise((_resolve, reject) => gates.push(() => reject(new TypeError("gone"))));
    },
  });
  const url = await tus.created(stuck, 2 * Q);
  const running: Promise<Response>[] = [];
  for (let count = 1; count <= 8; count++) {
    running.push(tus.patch(stuck, url, 0, bytes));
    while (gates.length < count) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const more = await tus.patch(stuck, url, 0, bytes);
  assertEquals([more.status, more.headers.get("retry-after")], [503, "1"]);
  gates.forEach((open) => open());
  assertEquals((await Promise.all(running)).map(({ status }) => status), Array(8).fill(503));
  assertEquals(await tus.told(await tus.tus(stuck, "HEAD", url)), `200 at 0 of ${2 * Q}`);
});

Deno.test("the end of a turn is told to the work that goes on, and nothing is kept of what is done", async () => {
  const turns = new Turns();
  const turn = turns.begin(() => 0);
  const told: string[] = [];
  const wait = (name: string, until: Promise<void>) =>
    turn.during(async (ended) => {
      ended.then(() => told.push(name));
      await until;
    });
  await wait("done", Promise.resolve());
  const gate = Promise.withResolvers<void>();
  const running = [wait("first", gate.promise), wait("second", gate.promise)];
  turns.begin(() => 1000).leave();
  gate.resolve();
  await Promise.all(running);
  await wait("too late", new Promise((resolve) => setTimeout(resolve, 0)));
  assertEquals(told, ["first", "second", "too late"]);
});
