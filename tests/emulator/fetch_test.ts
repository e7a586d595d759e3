// The `fetch` of the emulator takes what a real one takes, and fails as it does.

import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, OBJECTS, put, standing, start, stream, U, UPLOAD } from "./helpers.ts";

const MEDIA = `${UPLOAD}?uploadType=media&name=n`;

for (
  const [what, body, type] of [
    ["a string", "ä1", "text/plain;charset=UTF-8"],
    ["bytes", new TextEncoder().encode("ä1"), "application/octet-stream"],
    [
      "part of a buffer",
      new TextEncoder().encode("xä1x").subarray(1, 4),
      "application/octet-stream",
    ],
    ["an ArrayBuffer", new TextEncoder().encode("ä1").buffer, "application/octet-stream"],
    ["a DataView", new DataView(new TextEncoder().encode("ä1").buffer), "application/octet-stream"],
    ["a Blob", new Blob(["ä1"], { type: "image/png" }), "image/png"],
    ["a Blob without a type", new Blob(["ä1"]), "application/octet-stream"],
    ["a stream", stream([new TextEncoder().encode("ä1")]), "application/octet-stream"],
    ["an async iterable", iterable(), "application/octet-stream"],
    [
      "URLSearchParams",
      new URLSearchParams("a=1"),
      "application/x-www-form-urlencoded;charset=UTF-8",
    ],
  ] as [string, BodyInit, string][]
) {
  Deno.test(`a body can be ${what}, with its content type`, async () => {
    const gcs = new GcsEmulator();
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    assertEquals((await gcs.fetch(MEDIA, init)).status, 200);
    const object = gcs.get("bucket", "n")!;
    const expected = what === "URLSearchParams" ? "a=1" : "ä1";
    assertEquals(new TextDecoder().decode(object.bytes), expected);
    assertEquals(object.contentType, type);
  });
}

async function* iterable(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode("ä"));
  yield new TextEncoder().encode("1");
}

Deno.test("a body can be FormData", async () => {
  const gcs = new GcsEmulator();
  const body = new FormData();
  body.set("a", "1");
  await gcs.fetch(MEDIA, { method: "POST", body });
  assertEquals(
    gcs.get("bucket", "n")?.contentType.startsWith("multipart/form-data; boundary="),
    true,
  );
});

Deno.test("input can be a string, a URL or a Request, and init overrides the Request", async () => {
  const gcs = new GcsEmulator();
  const request = new Request(MEDIA, {
    method: "POST",
    body: "from request",
    headers: { "content-type": "x/y" },
  });
  assertEquals((await gcs.fetch(request)).status, 200);
  assertEquals(new TextDecoder().decode(gcs.get("bucket", "n")?.bytes), "from request");
  assertEquals(gcs.get("bucket", "n")?.contentType, "x/y");
  assertEquals((await gcs.fetch(new URL(OBJECTS))).status, 200);
  const other = new Request(OBJECTS, { headers: { a: "1" } });
  await gcs.fetch(other, { method: "delete", headers: { b: "2" } });
  const { method, headers } = gcs.requests[2];
  assertEquals([method, headers], ["DELETE", { b: "2" }]);
});

Deno.test("fetch can be passed around alone", async () => {
  const { fetch } = new GcsEmulator();
  assertEquals((await fetch(OBJECTS)).status, 200);
});

for (
  const [what, run] of [
    ["a relative URL", (gcs) => gcs.fetch("/storage/v1/b/bucket/o")],
    ["a body with GET", (gcs) => gcs.fetch(OBJECTS, { body: "x" })],
    ["a stream without duplex", (gcs) => gcs.fetch(MEDIA, { method: "POST", body: stream([]) })],
    [
      "a content-length above the body's",
      (gcs) => gcs.fetch(MEDIA, { method: "POST", body: "x", headers: { "content-length": "2" } }),
    ],
    [
      "a content-length that is none",
      (gcs) => gcs.fetch(MEDIA, { method: "POST", body: "x", headers: { "content-length": "x" } }),
    ],
    [
      "a stream of strings",
      (gcs) => put(gcs, MEDIA.replace("media", "x"), null, stream(["x" as unknown as Uint8Array])),
    ],
    ["a used Request", async (gcs) => {
      const request = new Request(MEDIA, { method: "POST", body: "x" });
      await request.text();
      return gcs.fetch(request);
    }],
    ["a locked stream", (gcs) => {
      const body = stream([data(3)]);
      body.getReader();
      return put(gcs, MEDIA, null, body);
    }],
  ] as [string, (gcs: GcsEmulator) => Promise<Response>][]
) {
  Deno.test(`${what} is a TypeError`, async () => {
    await assertRejects(() => run(new GcsEmulator()), TypeError);
  });
}

Deno.test("redirect: error refuses a 308, as fetch does", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const init: RequestInit = { method: "PUT", headers: { "content-range": "bytes */*" } };
  await assertRejects(() => gcs.fetch(session, { ...init, redirect: "error" }), TypeError);
  assertEquals((await gcs.fetch(session, { ...init, redirect: "follow" })).status, 308);
});

Deno.test("a stream that does not have its content-length breaks, keeping whole quanta", async () => {
  for (const announced of [U + 1, U + 3]) {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    const headers = { "content-length": String(announced) };
    const range = `bytes 0-${announced - 1}/${announced}`;
    const body = stream([data(U), data(2)]);
    await assertRejects(() => put(gcs, session, range, body, headers), TypeError);
    assertEquals(await standing(gcs, session), "308 bytes=0-262143");
  }
});

Deno.test("a signal that is aborted already rejects with its reason, and nothing is logged", async () => {
  const gcs = new GcsEmulator();
  const reason = new Error("no");
  const signal = AbortSignal.abort(reason);
  const error = await gcs.fetch(MEDIA, { method: "POST", body: "x", signal }).catch((e) => e);
  assertStrictEquals(error, reason);
  assertEquals([gcs.requests, gcs.objects], [[], []]);
});

Deno.test("an abort rejects at once, ends the body, and keeps its whole quanta", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const abort = new AbortController();
  const reason = new Error("enough");
  let cancelled: unknown;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < 3) controller.enqueue(data(200_000));
      else return new Promise<void>(() => abort.abort(reason));
    },
    cancel: (why) => void (cancelled = why),
  }, { highWaterMark: 0 });
  const error = await gcs.fetch(session, {
    method: "PUT",
    headers: { "content-range": "bytes 0-*/*" },
    body,
    signal: abort.signal,
    duplex: "half",
  } as RequestInit).catch((error) => error);
  assertStrictEquals(error, reason);
  assertEquals(await standing(gcs, session), "308 bytes=0-524287");
  assertStrictEquals(cancelled, reason);
});

Deno.test("an iterable that is not read to its end is told so", async () => {
  let told = false;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield await Promise.resolve(data(1000));
    } finally {
      told = true;
    }
  }
  const gcs = new GcsEmulator();
  gcs.inject({ cut: 5000 });
  const init = { method: "POST", body: pieces(), duplex: "half" } as unknown as RequestInit;
  await assertRejects(() => gcs.fetch(MEDIA, init), TypeError);
  assertEquals([told, gcs.requests[0].bodyBytes], [true, 5000]);
});

Deno.test("a Request's own signal counts", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ delay: 1_000_000 });
  const abort = new AbortController();
  const pending = gcs.fetch(new Request(OBJECTS, { signal: abort.signal }));
  abort.abort();
  assertEquals((await pending.catch((error) => error)).name, "AbortError");
});

Deno.test("a request that is aborted while it waits for another is not done", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  let release = (): void => {};
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => new Promise((done) => release = () => done(controller.close())),
  }, { highWaterMark: 0 });
  const first = put(gcs, session, "bytes 0-262143/*", body);
  const abort = new AbortController();
  const second = gcs.fetch(session, { method: "PUT", body: "x", signal: abort.signal });
  await new Promise((done) => setTimeout(done, 1));
  abort.abort("enough");
  assertEquals(await second.catch((reason) => reason), "enough");
  release();
  assertEquals((await first).status, 400);
  assertEquals(await standing(gcs, session), "308 null");
});

Deno.test("the caller can reuse its buffer after the reply", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const buffer = data(U);
  await put(gcs, session, `bytes 0-${U - 1}/*`, buffer);
  const expected = buffer.slice();
  buffer.fill(0);
  await put(gcs, session, `bytes */${U}`);
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, expected);
});

Deno.test("a stream can reuse its buffer after each piece", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const buffer = new Uint8Array(1000);
  let pieces = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pieces === 3) return controller.close();
      controller.enqueue(buffer.fill(++pieces));
    },
  }, { highWaterMark: 0 });
  await put(gcs, session, null, body);
  const bytes = gcs.get("bucket", "a.bin")!.bytes!;
  assertEquals([bytes[0], bytes[1000], bytes[2000], bytes.length], [1, 2, 3, 3000]);
});

Deno.test("the log shows each request without its secrets", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs, "name=n", {
    headers: { authorization: "Bearer secret", "x-goog-encryption-key": "secret" },
  });
  await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
  await put(gcs, session, "bytes */*");
  await put(gcs, session, `bytes */${U}`);
  await gcs.fetch(session, { method: "DELETE" });
  const secret = new URL(session).searchParams.get("upload_id")!;
  assertEquals(JSON.stringify(gcs.requests).includes(secret), false);
  assertEquals(JSON.stringify(gcs.requests).includes("secret"), false);
  assertEquals(gcs.requests[0].headers["authorization"], "[redacted]");
  assertEquals(gcs.requests[1], {
    index: 1,
    method: "PUT",
    url: `${UPLOAD}?uploadType=resumable&name=n&upload_id=[redacted]`,
    kind: "chunk",
    session: 0,
    contentRange: `bytes 0-${U - 1}/*`,
    headers: { "content-range": `bytes 0-${U - 1}/*` },
    bodyBytes: U,
    status: 308,
    fault: null,
  });
  assertEquals(
    gcs.requests.map(({ kind, status }) => `${kind} ${status}`),
    ["initiate 200", "chunk 308", "status 308", "finalize 200", "cancel 499"],
  );
});

for (
  const [method, url, range, kind] of [
    ["POST", `${UPLOAD}?uploadType=resumable&name=n`, null, "initiate"],
    ["POST", "https://storage.googleapis.com/bucket/n", null, "initiate"],
    ["POST", `${UPLOAD}?uploadType=media&name=n`, null, "media"],
    ["POST", `${UPLOAD}?uploadType=multipart`, null, "multipart"],
    ["PUT", `${UPLOAD}?upload_id=x`, "bytes 0-9/*", "chunk"],
    ["PUT", `${UPLOAD}?upload_id=x`, "bytes 0-9/20", "chunk"],
    ["PUT", `${UPLOAD}?upload_id=x`, "nonsense", "chunk"],
    ["PUT", `${UPLOAD}?upload_id=x`, "bytes 0-9/10", "final"],
    ["PUT", `${UPLOAD}?upload_id=x`, "bytes 0-*/*", "final"],
    ["PUT", `${UPLOAD}?upload_id=x`, null, "final"],
    ["POST", `${UPLOAD}?upload_id=x&uploadType=resumable`, "bytes */*", "status"],
    ["PUT", `${UPLOAD}?upload_id=x`, "bytes */0", "status"],
    ["PUT", "https://storage.googleapis.com/bucket/n?upload_id=x", "bytes */*", "status"],
    ["DELETE", `${UPLOAD}?upload_id=x`, null, "cancel"],
    ["GET", `${UPLOAD}?upload_id=x`, null, "other"],
    ["GET", `${OBJECTS}/n`, null, "get"],
    ["HEAD", `${OBJECTS}/n?alt=media`, null, "get"],
    ["GET", OBJECTS, null, "list"],
    ["DELETE", `${OBJECTS}/n`, null, "delete"],
    ["OPTIONS", OBJECTS, null, "other"],
    ["GET", "https://storage.googleapis.com/", null, "other"],
  ] as const
) {
  Deno.test(`${method} ${url} with Content-Range ${range} is taken as ${kind}`, async () => {
    const gcs = new GcsEmulator();
    const headers: Record<string, string> = range ? { "content-range": range } : {};
    await gcs.fetch(url, { method, headers });
    assertEquals(gcs.requests[0].kind, kind);
  });
}

Deno.test("reset forgets objects, sessions, requests and faults", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, null, "x");
  gcs.inject({ status: 500, times: Infinity });
  gcs.randomFaults({ status: 1 });
  gcs.reset();
  assertEquals([gcs.objects, gcs.sessions, gcs.requests], [[], [], []]);
  assertEquals(await standing(gcs, session), "404 null");
});

for (
  const [options, type] of [
    [{ buckets: ["No"] }, TypeError],
    [{ origin: "nowhere" }, TypeError],
    [{ store: "drop" as "keep" }, TypeError],
    [{ sessionTtl: 0 }, RangeError],
  ] as const
) {
  Deno.test(`options ${JSON.stringify(options)} are refused`, () => {
    assertThrows(() => new GcsEmulator(options), type);
  });
}

Deno.test("with store: discard a large upload is counted and hashed, its bytes are not kept", async () => {
  const gcs = new GcsEmulator({ store: "discard", md5: false });
  const session = await start(gcs);
  const piece = data(1_048_576);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ === 64) controller.close();
      else controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
  const response = await put(gcs, session, "bytes 0-*/*", body);
  assertEquals((await response.json()).size, String(64 * 1_048_576));
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, undefined);
});
