// The emulator on a socket: bytes arrive, connections break where a fault says so, and clients may leave.

import { assertEquals, assertRejects } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import { data, U } from "./helpers.ts";

/** Runs with an emulator on a real socket. */
async function served(
  run: (gcs: GcsEmulator, origin: string) => Promise<void>,
  options?: GcsEmulatorOptions,
): Promise<void> {
  const gcs = new GcsEmulator(options);
  const server = await serveEmulator(gcs);
  try {
    await run(gcs, server.origin);
  } finally {
    await server.close();
  }
}

async function start(origin: string): Promise<string> {
  const url = `${origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=n`;
  return (await fetch(url, { method: "POST" })).headers.get("location")!;
}

function put(url: string, range: string, body: BodyInit | null = null): Promise<Response> {
  return fetch(url, { method: "PUT", body, headers: { "content-range": range } });
}

/** Waits until the emulator has seen the end of its requests. */
async function settled(gcs: GcsEmulator, requests: number, bytes: number): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    const last = gcs.requests[requests - 1];
    if (last && last.bodyBytes >= bytes) return;
    await new Promise((done) => setTimeout(done, 5));
  }
  throw new Error(`The emulator has seen ${JSON.stringify(gcs.requests)}`);
}

/** Speaks HTTP by hand: sends `head` and `body`, gives back all that comes until the connection ends. */
async function raw(origin: string, head: string[], body?: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = await Deno.connect({ hostname, port: Number(port) });
  const text = [...head, `Host: ${hostname}:${port}`, "Connection: close", "", ""].join("\r\n");
  await socket.write(new TextEncoder().encode(text));
  if (body) await socket.write(body);
  return await new Response(socket.readable).text();
}

Deno.test("on a socket: an upload in chunks, byte for byte", () =>
  served(async (gcs, origin) => {
    const session = await start(origin);
    const bytes = data(3 * U + 9);
    const first = await put(session, `bytes 0-${2 * U - 1}/*`, bytes.slice(0, 2 * U));
    assertEquals([first.status, first.headers.get("range")], [308, `bytes=0-${2 * U - 1}`]);
    assertEquals([await first.text(), first.headers.get("content-length")], ["", "0"]);
    const range = `bytes ${2 * U}-${3 * U + 8}/${3 * U + 9}`;
    const last = await put(session, range, bytes.slice(2 * U));
    const { size, selfLink } = await last.json();
    assertEquals([last.status, size], [200, String(3 * U + 9)]);
    assertEquals(gcs.get("bucket", "n")?.bytes, bytes);
    const read = await fetch(`${selfLink}?alt=media`);
    assertEquals(read.headers.get("content-length"), String(3 * U + 9));
    assertEquals(new Uint8Array(await read.arrayBuffer()), bytes);
  }));

Deno.test("on a socket: a stream as a body, with chunked coding", () =>
  served(async (gcs, origin) => {
    const bytes = data(5 * U + 1);
    const body = new Blob([bytes]).stream();
    const init = { method: "PUT", headers: { "content-range": "bytes 0-*/*" }, body };
    assertEquals((await fetch(await start(origin), init)).status, 200);
    assertEquals(gcs.get("bucket", "n")?.bytes, bytes);
  }));

Deno.test("on a socket: a dropped request resets the connection", () =>
  served(async (gcs, origin) => {
    const session = await start(origin);
    for (const drop of ["before", "after"] as const) {
      gcs.inject({ on: "final", drop });
      await assertRejects(() => put(session, "bytes 0-8/9", "123456789"), TypeError);
      assertEquals(gcs.get("bucket", "n")?.size, drop === "after" ? 9 : undefined);
    }
  }));

Deno.test("on a socket: a cut request keeps whole quanta", () =>
  served(async (gcs, origin) => {
    const session = await start(origin);
    gcs.inject({ cut: 2 * U + 5 });
    const total = 8 * U;
    await assertRejects(
      () => put(session, `bytes 0-${total - 1}/${total}`, data(total)),
      TypeError,
    );
    const status = await put(session, "bytes */*");
    assertEquals(status.headers.get("range"), `bytes=0-${2 * U - 1}`);
  }));

Deno.test("on a socket: an early reply reaches a client that is still sending", () =>
  served(async (gcs, origin) => {
    const session = await start(origin);
    gcs.inject({ status: 503, headers: { "retry-after": "1" }, body: "busy" });
    const reply = await put(session, `bytes 0-${8 * U - 1}/*`, data(8 * U));
    assertEquals([reply.status, await reply.text()], [503, "busy"]);
    assertEquals(reply.headers.get("content-length"), "4");
    assertEquals((await put(session, "bytes */*")).status, 308);
  }));

Deno.test("on a socket: what a client sent before it went away is kept in whole quanta", () =>
  served(async (gcs, origin) => {
    const session = await start(origin);
    const abort = new AbortController();
    const bytes = data(2 * U + 1000);
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(bytes);
        await settled(gcs, 2, 0);
        await new Promise((done) => setTimeout(done, 100));
        abort.abort("enough");
      },
    });
    const range = `bytes 0-${4 * U - 1}/*`;
    const init = { method: "PUT", headers: { "content-range": range }, body, signal: abort.signal };
    assertEquals(await fetch(session, init).catch((reason) => reason), "enough");
    await settled(gcs, 2, 2 * U);
    const status = await put(session, "bytes */*");
    assertEquals(status.headers.get("range"), `bytes=0-${2 * U - 1}`);
  }));

Deno.test("on a socket: a client that leaves while it waits ends the wait", () =>
  served(async (gcs, origin) => {
    gcs.inject({ delay: 1_000_000 });
    const signal = AbortSignal.timeout(50);
    await fetch(`${origin}/storage/v1/b/bucket/o`, { signal }).catch(() => {});
    assertEquals((await fetch(`${origin}/storage/v1/b/bucket/o`)).status, 200);
  }));

Deno.test("on a socket: a POST without any length is a 411", () =>
  served(async (_gcs, origin) => {
    const path = "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=n";
    const without = await raw(origin, [`POST ${path} HTTP/1.1`]);
    assertEquals(without.split("\r\n")[0], "HTTP/1.1 411 Length Required");
    const zero = await raw(origin, [`POST ${path} HTTP/1.1`, "Content-Length: 0"]);
    assertEquals(zero.split("\r\n")[0], "HTTP/1.1 200 OK");
  }));

Deno.test("on a socket: a request may name its whole URL, as one to a proxy does", () =>
  served(async (gcs, origin) => {
    const url = "http://google.example/upload/storage/v1/b/bucket/o?uploadType=media&name=n";
    const reply = await raw(origin, [`POST ${url} HTTP/1.1`, "Content-Length: 0"]);
    assertEquals(reply.split("\r\n")[0], "HTTP/1.1 200 OK");
    assertEquals(gcs.get("bucket", "n")?.size, 0);
  }));

Deno.test("on a socket: a connection that is kept has no time limit, which a client could miss by a moment", async () => {
  const server = await serveEmulator(new GcsEmulator(), { keepAlive: true });
  try {
    const response = await fetch(server.origin);
    await response.body?.cancel();
    assertEquals(response.headers.get("connection"), "keep-alive");
    assertEquals(response.headers.get("keep-alive"), null);
  } finally {
    await server.close();
  }
});

Deno.test("on a socket: a body that ends before its Content-Length keeps whole quanta", () =>
  served(async (gcs, origin) => {
    const session = new URL(await start(origin));
    const socket = await Deno.connect({ hostname: session.hostname, port: Number(session.port) });
    const head = [
      `PUT ${session.pathname}${session.search} HTTP/1.1`,
      `Host: ${session.host}`,
      `Content-Length: ${3 * U}`,
      `Content-Range: bytes 0-${3 * U - 1}/${3 * U}`,
    ];
    await socket.write(new TextEncoder().encode(head.join("\r\n") + "\r\n\r\n"));
    for (let rest: Uint8Array = data(U + 10); rest.length > 0;) {
      rest = rest.subarray(await socket.write(rest));
    }
    await settled(gcs, 2, U + 10);
    socket.close();
    assertEquals(
      (await put(session.href, "bytes */*")).headers.get("range"),
      `bytes=0-${U - 1}`,
    );
    assertEquals(gcs.objects, []);
  }));

Deno.test("on a socket: a body is read no faster than the emulator takes it", async () => {
  let release = (): void => {};
  const gate = new Promise<void>((done) => release = done);
  await served(async (gcs, origin) => {
    gcs.inject({ on: "final", delay: 1 });
    const session = await start(origin);
    let sent = 0;
    const piece = data(U);
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ === 200) controller.close();
        else controller.enqueue(piece);
      },
    }, { highWaterMark: 0 });
    const init = { method: "PUT", headers: { "content-range": "bytes 0-*/*" }, body };
    const pending = fetch(session, init);
    await new Promise((done) => setTimeout(done, 300));
    const unread = sent;
    release();
    assertEquals((await (await pending).json()).size, String(200 * U));
    assertEquals(unread < 100, true, `${unread} pieces were sent while nobody read`);
  }, { store: "discard", md5: false, sleep: () => gate });
});

Deno.test("on a socket: an early reply comes while the client has not sent everything", () =>
  served(async (gcs, origin) => {
    const session = await start(origin);
    gcs.inject({ on: "final", early: U + 5 });
    let replied = (): void => {};
    const reply = new Promise<void>((done) => replied = done);
    let given = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        // If the reply waited for the end of the body, neither would ever come.
        if (given === 2 * U) {
          await reply;
          return controller.close();
        }
        controller.enqueue(new Uint8Array(65_536));
        given += 65_536;
      },
    });
    const headers = { "content-range": "bytes 0-*/*", "x-guploader-no-308": "yes" };
    const response = await fetch(session, { method: "PUT", body, headers });
    replied();
    assertEquals([response.status, response.headers.get("range")], [200, `bytes=0-${U - 1}`]);
    assertEquals(gcs.requests[1].bodyBytes, U + 5);
    await response.body?.cancel();
  }));

Deno.test("on a socket: no reply comes to a request that hangs, and the client gives up", () =>
  served(async (gcs, origin) => {
    const session = await start(origin);
    gcs.inject({ on: "final", hang: "after" });
    const leave = new AbortController();
    const pending = fetch(session, { method: "PUT", body: "x", signal: leave.signal });
    for (let i = 0; i < 2000 && !gcs.get("bucket", "n"); i++) {
      await new Promise((done) => setTimeout(done, 5));
    }
    await new Promise((done) => setTimeout(done, 20)); // for a reply that must not come
    leave.abort();
    assertEquals((await assertRejects(() => pending, DOMException)).name, "AbortError");
    assertEquals(gcs.get("bucket", "n")?.size, 1);
    assertEquals((await put(session, "bytes */*")).status, 200);
  }));

Deno.test("on a socket: X-Goog-Upload, to another API", () =>
  served(async (gcs, origin) => {
    const headers = { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start" };
    const begun = await fetch(`${origin}/v1/uploads`, { method: "POST", headers });
    await begun.body?.cancel();
    const session = begun.headers.get("x-goog-upload-url")!;
    assertEquals(session.startsWith(`${origin}/v1/uploads?upload_id=`), true);
    const last = { "x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0" };
    const reply = await fetch(session, { method: "POST", body: data(U + 1), headers: last });
    assertEquals(reply.headers.get("x-goog-upload-status"), "final");
    assertEquals([await reply.text(), gcs.uploads[0].size], [gcs.uploads[0].id, U + 1]);
  }));

for (
  const [what, emulator, options, kind] of [
    ["something that is no emulator", {}, {}, TypeError],
    ["no emulator", null, {}, TypeError],
    ["null for options", new GcsEmulator(), null, TypeError],
    ["an option that does not exist", new GcsEmulator(), { prot: 1 }, TypeError],
    ["a port that is none", new GcsEmulator(), { port: 65_536 }, RangeError],
    ["a port as a text", new GcsEmulator(), { port: "8085" }, RangeError],
  ] as [string, GcsEmulator, object, typeof TypeError | typeof RangeError][]
) {
  Deno.test(`${what} is refused, and nothing is served`, async () => {
    await assertRejects(
      () => serveEmulator(emulator, options),
      kind,
      kind === RangeError ? "port: expected" : "serveEmulator: ",
    );
  });
}
