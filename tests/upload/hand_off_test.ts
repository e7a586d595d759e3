// A session that one side opens and another one fills: `createUploadSession()` and `uploadToSession()`.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  cancelUpload,
  type Checkpoint,
  createUploadSession,
  ResumableUpload,
  type StorageObject,
  type Transport,
  upload,
  UPLOAD_CHUNK_SIZE as U,
  UploadError,
  type UploadErrorCode,
  type UploadOptions,
  type UploadProtocol,
  uploadStream,
  uploadToSession,
  xGoogUpload,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { scripted } from "../support/scripted.ts";

const TARGET = { bucket: "my-bucket", name: "dir/a.bin" };
const START = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o";
const SESSION = `${START}?uploadType=resumable&name=a&upload_id=SECRET`;
const X_SESSION = "https://api.example/upload/files?upload_id=SECRET&upload_protocol=resumable";
const DATA = patterned(2 * U + 5);
const AUTHORIZED = { authorization: "Bearer ya29.token", cookie: "a=b", "x-goog-api-key": "key" };

const retry = () => ({ clock: fakeClock(), maxAttempts: 8 });

/** A session of the emulator, opened with credentials. */
async function sessionOf(gcs: GcsEmulator, more: object = {}): Promise<string> {
  const options = { ...TARGET, headers: AUTHORIZED, transport: gcs.fetch, ...more };
  return (await createUploadSession(options)).url;
}

async function codeOf(promise: Promise<unknown>): Promise<UploadErrorCode> {
  return (await assertRejects(() => promise, UploadError)).code;
}

const kinds = (gcs: GcsEmulator) => gcs.requests.map(({ kind }) => kind);

// The server's side.

Deno.test("createUploadSession sends one request, and says what the other side needs", async () => {
  const gcs = new GcsEmulator();
  const clock = fakeClock();
  const { url, expires, granularity } = await createUploadSession({
    ...TARGET,
    contentType: "image/png",
    totalBytes: DATA.length,
    metadata: { cacheControl: "no-store", metadata: { by: "17" } },
    origin: "https://app.example",
    ifGenerationMatch: 0,
    query: { predefinedAcl: "publicRead" as const, userProject: "my-project" },
    headers: AUTHORIZED,
    startHeaders: { "x-goog-custom-audit-reason": "why" },
    retry: { clock },
    transport: gcs.fetch,
  });
  assertEquals(granularity, U);
  assertEquals(Date.parse(expires), clock.now() + 7 * 24 * 3600 * 1000);
  assertEquals(kinds(gcs), ["initiate"]);
  const [{ url: start, headers }] = gcs.requests;
  const query = new URL(start).searchParams;
  assertEquals(Object.fromEntries(query), {
    uploadType: "resumable",
    name: TARGET.name,
    predefinedAcl: "publicRead",
    userProject: "my-project",
    ifGenerationMatch: "0",
  });
  assertEquals(headers.origin, "https://app.example");
  assertEquals(headers["x-goog-custom-audit-reason"], "why");
  assertEquals(headers["x-upload-content-length"], String(DATA.length));
  const object = await upload(DATA, { session: url, transport: gcs.fetch });
  assertEquals([object.contentType, object.cacheControl, object.metadata], [
    "image/png",
    "no-store",
    { by: "17" },
  ]);
});

Deno.test("createUploadSession reports Gemini's granularity, and 1 where there is none", async () => {
  const google = { url: "https://generativelanguage.googleapis.com/upload/v1beta/files" };
  const options = { protocol: xGoogUpload, headers: AUTHORIZED };
  const gemini = await createUploadSession({
    ...google,
    ...options,
    transport: new GcsEmulator().fetch,
  });
  assertEquals(gemini.granularity, 8 * 1024 * 1024);
  const gcs = new GcsEmulator({ granularity: null });
  const any = await createUploadSession({ ...TARGET, ...options, transport: gcs.fetch });
  assertEquals(any.granularity, 1);
});

Deno.test("createUploadSession retries what may pass, and says what does not", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "initiate", status: 503, times: 2 });
  gcs.inject({ on: "initiate", status: 403, reason: "rateLimitExceeded" });
  gcs.inject({ on: "initiate", drop: "after" });
  await createUploadSession({ ...TARGET, transport: gcs.fetch, retry: retry() });
  assertEquals(kinds(gcs), Array(5).fill("initiate"));
  gcs.inject({ on: "initiate", status: 403, reason: "forbidden" });
  const options = { ...TARGET, transport: gcs.fetch, retry: retry() };
  assertEquals(await codeOf(createUploadSession(options)), "rejected");
});

Deno.test("createUploadSession stops with its signal's reason", async () => {
  const reason = new Error("stop");
  const options = { ...TARGET, transport: scripted().transport, signal: AbortSignal.abort(reason) };
  const error = await assertRejects(() => createUploadSession(options), Error);
  assert(error === reason);
});

const BAD_STARTS: readonly [what: string, options: object, expected: string][] = [
  ["no target", {}, "url"],
  ["a bucket without a name", { bucket: "my-bucket" }, "name"],
  ["url and bucket", { ...TARGET, url: START }, "url"],
  ["a session URL", { url: SESSION }, "session"],
  ["uploadType=media", { url: `${START}?uploadType=media&name=a` }, "media"],
  ["uploadType=multipart", { url: `${START}?uploadType=multipart` }, "multipart"],
  ["an upload type that is none", { url: `${START}?uploadType=other` }, "uploadType"],
  ["query with url", { url: START, query: { fields: "name" } }, "query"],
  ["an unknown option", { ...TARGET, resource: {} }, "resource"],
  ["a checkpoint", { ...TARGET, checkpoint: {} }, "checkpoint"],
  ["an unknown parameter", { ...TARGET, query: { ifGenerationMatch: 0 } }, "ifGenerationMatch"],
  ["an origin with a path", { ...TARGET, origin: "https://app.example/" }, "origin"],
  ["an origin that is none", { ...TARGET, origin: "app.example" }, "origin"],
  ["the origin null", { ...TARGET, origin: "null" }, "origin"],
  ["any origin", { ...TARGET, origin: "*" }, "origin"],
  ["a size that is none", { ...TARGET, totalBytes: -1 }, "totalBytes"],
  ["a fraction of a byte", { ...TARGET, totalBytes: 1.5 }, "totalBytes"],
  ["a media type that is none", { ...TARGET, contentType: "png" }, "contentType"],
  ["another name in the metadata", { ...TARGET, metadata: { name: "b" } }, "metadata.name"],
  ["a method that starts nothing", { ...TARGET, method: "DELETE" }, "method"],
  ["a protocol by its name", { ...TARGET, protocol: "x-goog-upload" }, "protocol"],
  ["no protocol", { ...TARGET, protocol: null }, "protocol"],
  ["a generation that is none", { ...TARGET, ifGenerationMatch: "new" }, "ifGenerationMatch"],
  ["a transport that is none", { ...TARGET, transport: "fetch" }, "transport"],
  [
    "a header of the request's own",
    { ...TARGET, startHeaders: { "content-range": "x" } },
    "content-range",
  ],
];

for (const [what, options, expected] of BAD_STARTS) {
  Deno.test(`createUploadSession refuses at the call: ${what}`, async () => {
    const { transport, seen } = scripted();
    const given = { transport, retry: null, ...options } as never;
    const error = await assertRejects(() => createUploadSession(given));
    assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
    assert(error.message.includes(expected), error.message);
    assertEquals(seen, []);
  });
}

// The page's side.

for (
  const make of [(url: string) => url, (url: string) => new URL(url), (url: string) => () => url]
) {
  Deno.test(`a session as ${make("https://a.example").constructor.name}: asked first, then sent, without credentials`, async () => {
    const gcs = new GcsEmulator();
    const session = make(await sessionOf(gcs));
    const options = { session, transport: gcs.fetch, headers: AUTHORIZED, chunkSize: U } as const;
    const object = await upload(new Blob([DATA]), options);
    assertEquals([object.bucket, object.name, object.size], [
      TARGET.bucket,
      TARGET.name,
      String(DATA.length),
    ]);
    assertEquals(kinds(gcs), ["initiate", "status", "chunk", "chunk", "final"]);
    for (const { headers } of gcs.requests.slice(1)) {
      for (const name of Object.keys(AUTHORIZED)) assertEquals(headers[name], undefined, name);
    }
  });
}

for (const protocol of [undefined, xGoogUpload]) {
  const wire = protocol ? "X-Goog-Upload" : "Content-Range";

  Deno.test(`${wire}: a session that is new is not asked`, async () => {
    const gcs = new GcsEmulator();
    const session = await sessionOf(gcs, { protocol });
    await upload(DATA, {
      session,
      sessionIsNew: true,
      protocol,
      transport: gcs.fetch,
      chunkSize: U,
    });
    assertEquals(kinds(gcs), ["initiate", "chunk", "chunk", "final"]);
  });

  Deno.test(`${wire}: a session said to be new that is not is found out, and nothing is stored twice`, async () => {
    const gcs = new GcsEmulator();
    const session = await sessionOf(gcs, { protocol });
    const attached = ResumableUpload.attach(session, DATA, { protocol, chunkSize: U });
    await attached.transmitNextChunk(gcs.fetch);
    await upload(DATA, {
      session,
      sessionIsNew: true,
      protocol,
      transport: gcs.fetch,
      chunkSize: U,
      retry: retry(),
    });
    assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, DATA);
  });

  Deno.test(`${wire}: a function is called again when the session is gone, three times at the most`, async () => {
    for (const [gone, calls] of [[0, 1], [1, 2], [2, 3], [3, 3]]) {
      const gcs = new GcsEmulator();
      if (gone > 0) gcs.inject({ on: "chunk", expire: 410, times: gone });
      let called = 0;
      const session = async () => {
        called++;
        return await sessionOf(gcs, { protocol });
      };
      const options = { session, protocol, transport: gcs.fetch, chunkSize: U, retry: retry() };
      const result = upload(DATA, options);
      if (gone === 3) assertEquals(await codeOf(result), "session_gone");
      else assertEquals((await result as StorageObject).size, String(DATA.length));
      assertEquals(called, calls);
    }
  });

  Deno.test(`${wire}: a function is not called again for a stream, which cannot be read again`, async () => {
    const gcs = new GcsEmulator();
    gcs.inject({ on: ["chunk", "final"], expire: 410 });
    let called = 0;
    const session = async () => {
      called++;
      return await sessionOf(gcs, { protocol });
    };
    let released: unknown;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(U)),
      cancel: (reason) => void (released = reason),
    });
    const result = upload(source, {
      session,
      protocol,
      transport: gcs.fetch,
      chunkSize: U,
      retry: retry(),
    });
    assertEquals(await codeOf(result), "session_gone");
    assertEquals(called, 1);
    assert(released instanceof UploadError, "the stream was told why");
  });

  Deno.test(`${wire}: a session as text that is gone is session_gone`, async () => {
    const gcs = new GcsEmulator();
    const session = await sessionOf(gcs, { protocol });
    gcs.inject({ on: "status", expire: 404 });
    const result = upload(DATA, { session, protocol, transport: gcs.fetch, retry: retry() });
    assertEquals(await codeOf(result), "session_gone");
  });

  Deno.test(`${wire}: a page that is closed goes on after a reload, from its checkpoint`, async () => {
    const gcs = new GcsEmulator();
    const session = await sessionOf(gcs, { protocol });
    const stop = new AbortController();
    let saved = "";
    const first = upload(new Blob([DATA]), {
      session,
      protocol,
      transport: gcs.fetch,
      chunkSize: U,
      signal: stop.signal,
      onCheckpoint(checkpoint) {
        saved = JSON.stringify(checkpoint);
        if (checkpoint.persisted === U) stop.abort(new Error("The page was closed"));
      },
    });
    await assertRejects(() => first, Error, "The page was closed");
    const checkpoint: Checkpoint = JSON.parse(saved);
    assertEquals([checkpoint.persisted, checkpoint.protocol], [U, protocol?.name]);
    const progress: number[] = [];
    await upload(new Blob([DATA]), {
      checkpoint,
      protocol,
      transport: gcs.fetch,
      onProgress: ({ persisted }) => void progress.push(persisted),
    });
    assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, DATA);
    assert(progress.every((value) => value >= U), `${progress}`);
    assertEquals(gcs.sessions.length, 1);
  });

  Deno.test(`${wire}: with a checkpoint the function is called only when its session is gone`, async () => {
    const gcs = new GcsEmulator();
    const url = await sessionOf(gcs, { protocol });
    const attached = ResumableUpload.attach(url, DATA, { protocol, chunkSize: U });
    await attached.transmitNextChunk(gcs.fetch);
    const checkpoint = attached.checkpoint();
    let called = 0;
    const session = () => {
      called++;
      return sessionOf(gcs, { protocol });
    };
    gcs.inject({ on: "status", expire: 410 });
    await upload(DATA, { session, checkpoint, protocol, transport: gcs.fetch, retry: retry() });
    assertEquals([called, gcs.sessions.length], [1, 2]);
    assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, DATA);
  });

  Deno.test(`${wire}: attach is asked first, and goes on where the session stands`, async () => {
    const gcs = new GcsEmulator();
    const url = await sessionOf(gcs, { protocol });
    const first = ResumableUpload.attach(url, DATA, {
      protocol,
      chunkSize: U,
      headers: AUTHORIZED,
    });
    assertEquals([first.invalid, first.bytesUploaded, first.resumableUrl], [true, 0, url]);
    await first.transmitNextChunk(gcs.fetch);
    const second = ResumableUpload.attach(new URL(url), new Blob([DATA]), {
      protocol,
      chunkSize: U,
      retry: null,
    });
    assertEquals(await codeOf(second.transmitNextChunk(gcs.fetch)), "invalid_state");
    await second.recover(gcs.fetch);
    assertEquals([second.invalid, second.bytesUploaded], [false, U]);
    while (!second.finished) await second.transmitNextChunk(gcs.fetch);
    assertEquals((second.object as StorageObject).name, TARGET.name);
    assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, DATA);
    for (const { headers } of gcs.requests.slice(1)) assertEquals(headers.authorization, undefined);
  });

  Deno.test(`${wire}: attach to a new session sends at once, and can cancel`, async () => {
    const gcs = new GcsEmulator();
    const url = await sessionOf(gcs, { protocol });
    const attached = ResumableUpload.attach(url, DATA, {
      protocol,
      chunkSize: U,
      isNew: true,
      retry: null,
    });
    assertEquals(attached.invalid, false);
    await attached.transmitNextChunk(gcs.fetch);
    await attached.cancel(gcs.fetch);
    assertEquals(kinds(gcs), ["initiate", "chunk", "cancel"]);
    assertEquals(gcs.sessions[0].phase, "cancelled");
  });
}

Deno.test("a session answers only the origin it was opened for", async () => {
  const gcs = new GcsEmulator({
    cors: { origins: ["https://app.example", "https://other.example"] },
  });
  const session = await sessionOf(gcs, { origin: "https://app.example" });
  const asked = async (origin: string) =>
    (await gcs.fetch(session, { method: "PUT", headers: { origin, "content-range": "bytes */*" } }))
      .headers.get("access-control-allow-origin");
  assertEquals(await asked("https://app.example"), "https://app.example");
  assertEquals(await asked("https://other.example"), null);
});

Deno.test("a session of another size than the source ends in an error, never in an object", async () => {
  const gcs = new GcsEmulator();
  const session = await sessionOf(gcs, { totalBytes: DATA.length + 1 });
  await assertRejects(
    () => upload(DATA, { session, transport: gcs.fetch, retry: retry() }),
    UploadError,
  );
  assertEquals(gcs.objects.length, 0);
});

Deno.test("a precondition that was decided at the start is told to the page", async () => {
  const gcs = new GcsEmulator();
  await upload("before", { ...TARGET, transport: gcs.fetch });
  const session = await sessionOf(gcs, { ifGenerationMatch: 0 });
  const result = upload(DATA, { session, transport: gcs.fetch, retry: retry() });
  assertEquals(await codeOf(result), "precondition_failed");
});

Deno.test("after a session that was gone, progress begins at 0 again and ends at the whole", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "chunk", skip: 1, expire: 410 });
  const seen: number[] = [];
  await upload(DATA, {
    session: () => sessionOf(gcs),
    transport: gcs.fetch,
    chunkSize: U,
    retry: retry(),
    onProgress: ({ persisted }) => void seen.push(persisted),
  });
  const again = seen.lastIndexOf(0);
  assert(seen.slice(0, again).includes(U), `${seen}`);
  assertEquals(seen.at(-1), DATA.length);
});

const BAD_SESSIONS: readonly [what: string, options: object, expected: string][] = [
  ["metadata", { session: SESSION, metadata: { cacheControl: "x" } }, "metadata"],
  ["a bucket and a name", { session: SESSION, ...TARGET }, "bucket"],
  ["a bucket alone", { session: SESSION, bucket: "b" }, "bucket"],
  ["a url", { session: SESSION, url: START }, "url"],
  ["an endpoint", { session: SESSION, endpoint: "https://a.example" }, "endpoint"],
  ["a query", { session: SESSION, query: {} }, "query"],
  ["a precondition", { session: SESSION, ifGenerationMatch: 0 }, "ifGenerationMatch"],
  ["a method", { session: SESSION, method: "PUT" }, "method"],
  ["headers of the start", { session: SESSION, startHeaders: { slug: "a" } }, "startHeaders"],
  ["a function and metadata", { session: () => SESSION, metadata: {} }, "metadata"],
  ["a start URL", { session: `${START}?uploadType=resumable&name=a` }, "upload_id"],
  ["a media URL", { session: `${START}?uploadType=media&name=a` }, "upload_id"],
  ["no URL", { session: "SECRET" }, "session"],
  ["an empty text", { session: "" }, "session"],
  ["a number", { session: 7 }, "session"],
  ["null", { session: null }, "session"],
  ["another scheme", { session: "gs://bucket/name?upload_id=1" }, "session"],
  ["a password in the URL", { session: "https://a:b@a.example/?upload_id=1" }, "session"],
  ["a function that gives nothing", { session: () => undefined }, "session"],
  ["X-Goog-Upload's session for the other protocol", { session: X_SESSION }, "protocol"],
  [
    "the other protocol's session for X-Goog-Upload",
    { session: SESSION, protocol: xGoogUpload },
    "protocol",
  ],
  ["a protocol by its name", { session: X_SESSION, protocol: "x-goog-upload" }, "protocol"],
  ["a granularity of 0", { session: SESSION, granularity: 0 }, "granularity"],
  ["a granularity of 1.5", { session: SESSION, granularity: 1.5 }, "granularity"],
  ["a granularity as text", { session: SESSION, granularity: "262144" }, "granularity"],
  [
    "a chunk size below the granularity",
    { session: SESSION, granularity: 2 * U, chunkSize: U },
    "chunkSize",
  ],
  ["a chunk size that is no multiple", { session: SESSION, chunkSize: U + 1 }, "chunkSize"],
  ["another size than the source's", { session: SESSION, totalBytes: 7 }, "totalBytes"],
];

for (const [what, options, expected] of BAD_SESSIONS) {
  Deno.test(`upload to a session refuses at the call: ${what}`, async () => {
    const { transport, seen } = scripted();
    const given = { transport, retry: null, ...options } as unknown as UploadOptions;
    const error = await assertRejects(() => upload("hello", given));
    assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
    assert(error.message.includes(expected), error.message);
    assert(!error.message.includes("SECRET") || what === "no URL", "no secret is shown");
    assertEquals(seen, []);
  });
}

Deno.test("a granularity that is none is refused before a session is fetched", async () => {
  let called = 0;
  const session = () => {
    called++;
    return SESSION;
  };
  for (
    const bad of [{ granularity: 0 }, { granularity: 2 * U, chunkSize: U }, { protocol: null }]
  ) {
    const options = { session, transport: scripted().transport, ...bad } as never;
    await assertRejects(() => upload("hello", options));
  }
  assertEquals(called, 0);
});

for (
  const [what, session, options] of [
    ["a start URL", `${START}?uploadType=resumable`, {}],
    ["another protocol's session", X_SESSION, {}],
    ["another protocol", SESSION, { protocol: xGoogUpload }],
    ["a granularity of -1", SESSION, { granularity: -1 }],
    ["a chunk size below the granularity", SESSION, { granularity: 2 * U, chunkSize: U }],
    ["a method", SESSION, { method: "PUT" }],
    ["headers of a start", SESSION, { startHeaders: {} }],
    ["metadata", SESSION, { metadata: {} }],
    ["a size that is not the source's", SESSION, { totalBytes: 1 }],
  ] as const
) {
  Deno.test(`attach refuses at the call: ${what}`, () => {
    const error = assertThrows(() => ResumableUpload.attach(session, "hello", options as never));
    assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
  });
}

// Giving up.

for (
  const [what, session, options] of [
    ["X-Goog-Upload's session without its protocol", X_SESSION, {}],
    ["another protocol's session", SESSION, { protocol: xGoogUpload }],
    ["a start URL", `${START}?uploadType=resumable`, {}],
    ["a start URL for X-Goog-Upload", `${START}?uploadType=resumable`, { protocol: xGoogUpload }],
    ["an object, which a DELETE would end", `${START}/a.bin`, {}],
    ["a protocol by its name", X_SESSION, { protocol: "x-goog-upload" }],
    ["no URL", "SECRET", {}],
  ] as const
) {
  Deno.test(`cancelUpload refuses at the call: ${what}`, async () => {
    const { transport, seen } = scripted();
    const given = { transport, ...options } as never;
    await assertRejects(() => cancelUpload(session, given), TypeError);
    assertEquals(seen, []);
  });
}

Deno.test("cancelUpload takes X-Goog-Upload's session whatever its URL is, and sends no credentials", async () => {
  const cancelled = new Response(null, { headers: { "x-goog-upload-status": "cancelled" } });
  const { transport, seen } = scripted(cancelled);
  const url = "https://api.example/upload?sid=17";
  await cancelUpload(url, { protocol: xGoogUpload, transport, headers: { ...AUTHORIZED, a: "b" } });
  assertEquals([seen[0].method, seen[0].url], ["POST", url]);
  assertEquals(Object.fromEntries(seen[0].headers), { a: "b", "x-goog-upload-command": "cancel" });
});

Deno.test("a stream whose writer gives up cancels its session, whatever the URL of that is", async () => {
  const commands: string[] = [];
  const sent = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const transport: Transport = (url, { headers, signal }) => {
    const command = new Headers(headers).get("x-goog-upload-command") ?? "";
    commands.push(`${command} ${new URL(url).search}`);
    if (command === "cancel") cancelled.resolve();
    if (command !== "upload") {
      const status = command === "cancel" ? "cancelled" : "active";
      const location = "https://api.example/upload?sid=17";
      const said = { "x-goog-upload-status": status, "x-goog-upload-url": location };
      return Promise.resolve(new Response(null, { headers: said }));
    }
    sent.resolve();
    return new Promise((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason))
    );
  };
  const url = "https://api.example/upload";
  const { writable, result } = uploadStream({
    url,
    protocol: xGoogUpload,
    transport,
    chunkSize: U,
  });
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  writer.write(new Uint8Array(U + 1)).catch(() => {});
  await sent.promise;
  const reason = new Error("enough");
  writer.abort(reason).catch(() => {});
  assert(await assertRejects(() => result, Error) === reason);
  await cancelled.promise;
  assertEquals(commands, ["start ", "upload ?sid=17", "cancel ?sid=17"]);
});

Deno.test("a protocol that is none is a TypeError at the call, everywhere", async () => {
  for (const protocol of ["x-goog-upload", null, {}, 1] as never[]) {
    const { transport, seen } = scripted();
    const options = { ...TARGET, protocol, transport };
    await assertRejects(() => upload("x", options), TypeError, "protocol");
    assertThrows(() => uploadStream(options), TypeError, "protocol");
    assertThrows(() => new ResumableUpload(START, U, { protocol }), TypeError, "protocol");
    assertThrows(() => ResumableUpload.attach(SESSION, "x", { protocol }), TypeError, "protocol");
    assertEquals(seen, []);
  }
});

// Checkpoints of either protocol.

/** A checkpoint of an upload with one chunk at the server. */
async function left(
  protocol?: UploadProtocol,
): Promise<{ gcs: GcsEmulator; checkpoint: Checkpoint }> {
  const gcs = new GcsEmulator();
  const url = `${START}?uploadType=resumable&name=dir%2Fa.bin`;
  const resumable = new ResumableUpload(url, U, { protocol });
  await resumable.initiate(gcs.fetch, new Blob([DATA]), {}, "a/b");
  await resumable.transmitNextChunk(gcs.fetch);
  return { gcs, checkpoint: JSON.parse(JSON.stringify(resumable.checkpoint())) };
}

Deno.test("a checkpoint names the protocol only where it is not the first one", async () => {
  assertEquals("protocol" in (await left()).checkpoint, false);
  assertEquals((await left(xGoogUpload)).checkpoint.protocol, "x-goog-upload");
});

Deno.test("a checkpoint from before protocols had names is of the first one", async () => {
  const { gcs, checkpoint } = await left();
  const { protocol: _protocol, granularity: _granularity, ...before } = checkpoint;
  await upload(new Blob([DATA]), { checkpoint: before, transport: gcs.fetch });
  assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, DATA);
});

for (const [given, needed] of [[undefined, xGoogUpload], [xGoogUpload, undefined]]) {
  Deno.test(`a checkpoint of ${needed?.name ?? "content-range"} with another protocol is a TypeError, nothing is sent`, async () => {
    const { checkpoint } = await left(needed);
    const { transport, seen } = scripted();
    const options = { checkpoint, protocol: given, transport };
    await assertRejects(() => upload(new Blob([DATA]), options), TypeError, "protocol");
    assertThrows(
      () => ResumableUpload.resume(checkpoint, new Blob([DATA]), { protocol: given }),
      TypeError,
      "protocol",
    );
    assertEquals(seen, []);
  });
}

for (const protocol of ["tus", "", 1, null, "X-Goog-Upload"]) {
  Deno.test(`a checkpoint of the unknown protocol ${JSON.stringify(protocol)} is refused at the call`, async () => {
    const { checkpoint } = await left();
    const { transport, seen } = scripted();
    const options = { checkpoint: { ...checkpoint, protocol } as never, transport };
    assertEquals(await codeOf(upload(new Blob([DATA]), options)), "invalid_checkpoint");
    assertEquals(seen, []);
  });
}

Deno.test("X-Goog-Upload: a checkpoint goes on with the granularity of its session", async () => {
  for (const granularity of [null, 10_000, 2 * U]) {
    const gcs = new GcsEmulator({ granularity });
    const transport: Transport = gcs.fetch;
    const target = {
      url: `${START}?name=dir%2Fa.bin`,
      protocol: xGoogUpload,
      chunkSize: U,
      transport,
    };
    let saved = "";
    const stop = upload(DATA, {
      ...target,
      onCheckpoint(checkpoint) {
        saved = JSON.stringify(checkpoint);
        if (checkpoint.persisted > 0) throw new Error("enough");
      },
    });
    await assertRejects(() => stop, Error, "enough");
    const checkpoint: Checkpoint = JSON.parse(saved);
    await upload(DATA, { checkpoint, protocol: xGoogUpload, transport });
    assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, DATA);
    assertEquals(gcs.requests.filter(({ status }) => status !== 200), []);
  }
});

// The same without the rest of upload().

for (
  const [what, session, options] of [
    ["no session", undefined, {}],
    ["the URL of a start", `${START}?uploadType=resumable&name=a`, {}],
    ["no options but null", SESSION, null],
    ["a session among the options", SESSION, { session: SESSION }],
    ["a target", SESSION, TARGET],
    ["metadata", SESSION, { metadata: { cacheControl: "no-store" } }],
    ["a precondition", SESSION, { ifGenerationMatch: 0 }],
    ["a method", SESSION, { method: "PUT" }],
    ["an option that does not exist", SESSION, { chunksize: U }],
    ["a key without a store", SESSION, { key: "a" }],
  ] as [string, string, object][]
) {
  Deno.test(`uploadToSession() refuses ${what} before anything is sent, and lets the source go`, async () => {
    let reason: unknown;
    const gcs = new GcsEmulator();
    const source = new ReadableStream<Uint8Array>({ cancel: (why) => void (reason = why) });
    const given = options && { transport: gcs.fetch, ...options };
    const error = await assertRejects(() => uploadToSession(source, session, given), TypeError);
    await Promise.resolve();
    assertEquals([reason, gcs.requests.length], [error, 0]);
    assert(!error.message.includes("SECRET"), error.message);
  });
}
