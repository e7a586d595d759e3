// Gemini Files behind the proxy: what tickets bound, what its clients see and the operator hears, and that the key goes
// nowhere but to Gemini's starts.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { geminiFile, upload, xGoogUpload } from "../../mod.ts";
import {
  createUploadProxy,
  type FinishEvent,
  geminiFiles,
  HttpError,
  SettingError,
  type UploadGrant,
} from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { ask, bearer, inPieces, outcome, SESSION_SECRET, setup, UPLOAD } from "./support.ts";
import { metadata, patch, Q, told, tus } from "./tus_support.ts";
import {
  begin,
  begun,
  command,
  G,
  GEMINI,
  GEMINI_KEY,
  geminiSetup,
  said,
  sample,
  stands,
} from "./x_goog_support.ts";

const GRANT: UploadGrant = { backend: "gemini", prefix: "" };
const named = (displayName: string, more = {}) => ({ file: { displayName, ...more } });

Deno.test("the key goes with starts only, and to nobody else; the ticket goes nowhere", async () => {
  const context = geminiSetup({ allowedOrigins: ["https://app.example"] });
  const ticket = await bearer(GRANT);
  const key = ticket.replace("Bearer ", "");
  const replies = [
    await begin(context, { to: GEMINI, grant: null, headers: { "x-goog-api-key": key } }),
  ];
  const url = replies[0].headers.get("x-goog-upload-url")!;
  const headers = { "x-goog-api-key": "anything", authorization: ticket };
  replies.push(
    await command(context, url, "query", { headers }),
    await command(context, url, "upload, finalize", { offset: 0, body: sample(5), headers }),
    await command(context, url, "query", { headers }),
  );
  assertEquals(replies.map(({ status }) => status), [200, 200, 200, 200]);
  assertEquals(
    context.toGemini.map(({ headers, url }) => [
      headers.get("x-goog-api-key"),
      headers.get("authorization"),
      new URL(url).origin,
    ]),
    [[GEMINI_KEY, null], [null, null], [null, null], [null, null]].map((all) => [
      ...all,
      "https://generativelanguage.googleapis.com",
    ]),
  );
  const secret = new URL(context.toGemini[1].url).searchParams.get("upload_id")!;
  const told = JSON.stringify([
    context.log,
    ...await Promise.all(replies.map(async (reply) => [...reply.headers, await reply.text()])),
  ]);
  for (const word of [GEMINI_KEY, secret, key]) assert(!told.includes(word));
});

Deno.test("the client gets the file as Gemini writes it; onFinish its name and URI, and an id that stays the same", async () => {
  const events: FinishEvent[] = [];
  const context = geminiSetup({ onFinish: (event) => void events.push(event) });
  const grant = { ...GRANT, payload: { order: 1 } };
  const url = await begun(context, { to: GEMINI, grant, metadata: named("paper") });
  const reply = await command(context, url, "upload, finalize", {
    offset: 0,
    body: sample(5),
  });
  const { file } = await reply.json();
  const [stored] = context.gcs.uploads;
  assertEquals(file, stored.resource);
  assertEquals([stored.id, file.displayName, file.sizeBytes], [file.name, "paper", "5"]);
  const [{ id, backend, bucket, name, uri, size, payload, resource, contentType }] = events;
  assertEquals({ backend, bucket, name, uri, size, payload, resource, contentType }, {
    backend: "gemini",
    bucket: "",
    name: file.name,
    uri: file.uri,
    size: 5,
    payload: { order: 1 },
    resource: { file },
    contentType: "application/octet-stream",
  });
  assertMatch(id, /^upload_[0-9a-f]{32}$/);
  assertEquals(
    context.log.map(({ event, backend, bucket, size }) => [event, backend, bucket, size]),
    [["start", "gemini", undefined, undefined], ["finish", "gemini", undefined, 5]],
  );
});

Deno.test("a ticket for Cloud Storage, which is what one of before is, opens nothing here, nor the other way round", async () => {
  const context = geminiSetup();
  assertEquals(
    await stands(await begin(context, { to: GEMINI, grant: { prefix: "" } })),
    "403 final",
  );
  assertEquals(await stands(await begin(context, { to: UPLOAD, grant: GRANT })), "403 final");
  const other = { ...GRANT, backend: "drive" };
  assertEquals(await stands(await begin(context, { to: GEMINI, grant: other })), "403 final");
  assertEquals([context.sent.length, context.toGemini.length], [0, 0]);
});

Deno.test("an anonymous worker lets nobody upload to Gemini", async () => {
  const context = geminiSetup({ authorize: () => ({ subject: "anonymous", prefix: "" }) });
  assertEquals(await stands(await begin(context, { to: GEMINI, grant: null })), "403 final");
  assertEquals(context.toGemini.length, 0);
});

const refused: readonly [
  what: string,
  grant: UploadGrant,
  metadata: unknown,
  size?: number,
  type?: string,
][] = [
  ["another display name than the ticket's", { ...GRANT, name: "a" }, named("b")],
  ["a display name without the ticket's prefix", { ...GRANT, prefix: "u/" }, named("a")],
  ["none where a prefix is wanted", { ...GRANT, prefix: "u/" }, {}],
  ["a display name with a line break", GRANT, named("a\nb")],
  ["a display name that turns the direction of text", GRANT, named("a\u202eb")],
  ["another media type", { ...GRANT, contentTypes: ["image/*"] }, {}, 5, "application/pdf"],
  [
    "a media type that the metadata say differently",
    GRANT,
    named("a", { mimeType: "a/b" }),
    5,
    "a/c",
  ],
  ["too many bytes", { ...GRANT, maxBytes: 4 }, {}, 5],
  ["too few bytes", { ...GRANT, minBytes: 6 }, {}, 5],
  ["more bytes than Gemini takes", GRANT, {}, 2 ** 31 + 1],
  ["two sizes", GRANT, named("a", { sizeBytes: "4" }), 5],
  ["the ID of a file", GRANT, named("a", { name: "files/mine" })],
  ["a field of the API that nobody listed", GRANT, named("a", { state: "ACTIVE" })],
  ["a field beside the file", GRANT, { file: {}, model: "gemini" }],
  ["a field that objects inherit", GRANT, { file: JSON.parse('{"__proto__": 1}') }],
  ["one name in two spellings", GRANT, named("a", { display_name: "a" })],
  ["a file that is none", GRANT, { file: [] }],
  ["a ticket that names a bucket", { ...GRANT, bucket: "my-bucket" }, {}],
  ["a ticket that wants a checksum", { ...GRANT, requireChecksum: true }, {}],
  ["a ticket that sets fields of objects", { ...GRANT, metadata: { cacheControl: "no" } }, {}],
  ["a ticket that opens fields of objects", { ...GRANT, fields: ["metadata"] }, {}],
];

for (const [what, grant, metadata, size, type] of refused) {
  Deno.test(`a start is refused for good, before Gemini hears of it: ${what}`, async () => {
    const context = geminiSetup();
    const headers = type === undefined ? undefined : { "x-goog-upload-header-content-type": type };
    const reply = await begin(context, {
      to: GEMINI,
      grant,
      metadata,
      ...(size !== undefined && { size }),
      ...(headers && { headers }),
    });
    assertMatch(await stands(reply), /^4\d\d final$/);
    assertEquals(context.toGemini.length, 0);
  });
}

Deno.test("a ticket with the exact name gives it to a file that has none", async () => {
  const context = geminiSetup();
  const url = await begun(context, { to: GEMINI, grant: { backend: "gemini", name: "the paper" } });
  await command(context, url, "upload, finalize", { offset: 0, body: sample(1) });
  assertEquals(context.gcs.uploads[0].metadata, {
    file: { displayName: "the paper", mimeType: "application/octet-stream" },
  });
});

Deno.test("onStart may give another name and type, and no fields that Gemini has not", async () => {
  let decision: Record<string, unknown> = { name: "b", metadata: { contentType: "text/plain" } };
  const context = geminiSetup({ onStart: () => decision });
  const url = await begun(context, { to: GEMINI, metadata: named("a") });
  await command(context, url, "upload, finalize", { offset: 0, body: sample(1) });
  const { displayName, mimeType } = context.gcs.uploads[0].resource as Record<string, unknown>;
  assertEquals([displayName, mimeType], ["b", "text/plain"]);
  decision = { metadata: { cacheControl: "no-store" } };
  assertEquals(await stands(await begin(context, { to: GEMINI })), "503 active");
});

Deno.test("nothing but uploads can be reached: files, prompts and lists are not served", async () => {
  const context = geminiSetup();
  const authorization = await bearer(GRANT);
  const paths = [
    ["GET", "/v1beta/files/abc"],
    ["GET", "/v1beta/files"],
    ["DELETE", "/v1beta/files/abc"],
    ["POST", "/v1beta/models/gemini:generateContent"],
    ["GET", "/upload/v1beta/files"],
    ["POST", "/upload/v1beta/files/../models"],
    ["POST", "/upload/v1beta/filesx"],
    ["POST", "/upload/v1beta/fileSearchStores/a:uploadToFileSearchStore"],
  ];
  for (const [method, path] of paths) {
    const request = new Request(new URL(path, GEMINI), { method, headers: { authorization } });
    assertMatch(await outcome(await context.proxy.fetch(request)), /^4/, path);
  }
  assertEquals(context.toGemini.length, 0);
});

const google = (
  setup: ReturnType<typeof geminiSetup>,
  url: string,
  range: string,
  body: BodyInit,
) => ask(setup, url, { method: "PUT", headers: { "content-range": range }, body });

Deno.test("Google's protocol: a chunk of which 8 MiB can be kept says so, and the rest is sent again", async () => {
  const context = geminiSetup();
  const bytes = sample(G + 1000);
  const start = await ask(context, `${GEMINI}?uploadType=resumable`, { grant: GRANT });
  const url = start.headers.get("location")!;
  const whole = `bytes 0-${G + 499}/*`;
  const one = await google(context, url, whole, bytes.subarray(0, G + 500));
  assertEquals([one.status, one.headers.get("range")], [308, `bytes=0-${G - 1}`]);
  const last = await google(context, url, `bytes ${G}-${G + 999}/${G + 1000}`, bytes.subarray(G));
  assertEquals((await last.json()).file.sizeBytes, String(G + 1000));
  assertEquals(difference(context.gcs.uploads[0].bytes!, bytes), -1);
});

Deno.test("Google's protocol: a chunk of less than 8 MiB is refused in Google's words, and the session goes on", async () => {
  const context = geminiSetup();
  const start = await ask(context, `${GEMINI}?uploadType=resumable`, { grant: GRANT });
  const url = start.headers.get("location")!;
  for (const isStream of [false, true]) {
    const body = isStream ? inPieces(sample(Q), 1000) : sample(Q);
    const reply = await google(context, url, `bytes 0-${Q - 1}/*`, body);
    assertMatch(await reply.text(), /equal or greater than 8388608/);
    assertEquals(reply.status, 400);
  }
  const last = await google(context, url, `bytes 0-${Q - 1}/${Q}`, sample(Q));
  assertEquals(last.status, 200);
});

for (
  const [what, range, isStream] of [
    ["without a range", undefined, false],
    ["with an open end", "bytes 0-*/*", false],
    ["with an open end and a known size", "bytes 0-*/100000", false],
    ["with an open end, and a body of unknown length", "bytes 0-*/*", true],
  ] as const
) {
  Deno.test(`Google's protocol: the whole in one request, ${what}, finishes the upload`, async () => {
    const context = geminiSetup();
    const start = await ask(context, `${GEMINI}?uploadType=resumable`, { grant: GRANT });
    const reply = await ask(context, start.headers.get("location")!, {
      method: "PUT",
      ...(range && { headers: { "content-range": range } }),
      body: isStream ? inPieces(sample(100_000), 999) : sample(100_000),
    });
    assertEquals((await reply.json()).file.sizeBytes, "100000");
  });
}

Deno.test("Google's protocol: a chunk whose length is not that of its range, or beyond the limit, is refused before a byte goes on", async () => {
  const context = geminiSetup({ maxChunkBytes: G });
  const start = await ask(context, `${GEMINI}?uploadType=resumable`, { grant: GRANT });
  const url = start.headers.get("location")!;
  const put = (range: string, body: Uint8Array<ArrayBuffer>) =>
    ask(context, url, {
      method: "PUT",
      headers: { "content-range": range, "content-length": String(body.length) },
      body,
    });
  assertEquals(await outcome(await put(`bytes 0-${G + 5}/*`, sample(G))), "413 uploadTooLarge");
  assertEquals(await outcome(await put(`bytes 0-${G - 2}/*`, sample(G))), "400 invalid");
  assertEquals(await outcome(await put(`bytes 0-${G - 1}/*`, sample(G - 1))), "400 invalid");
  assertEquals(context.toGemini.length, 1);
});

Deno.test("Google's protocol: a finish with another size than is stored finishes nothing", async () => {
  const context = geminiSetup();
  const start = await ask(context, `${GEMINI}?uploadType=resumable`, { grant: GRANT });
  const url = start.headers.get("location")!;
  await google(context, url, `bytes 0-${G - 1}/*`, sample(G));
  for (const total of [0, G - 1, G + 1]) {
    const reply = await google(context, url, `bytes */${total}`, "");
    assertEquals([reply.status, reply.headers.get("range")], [308, `bytes=0-${G - 1}`]);
  }
  assertEquals((await google(context, url, `bytes */${G}`, "")).status, 200);
  assertEquals(context.gcs.uploads.length, 1);
});

Deno.test("tus: small chunks are refused in words, larger ones stored as far as 8 MiB go, and the end finishes it", async () => {
  const context = geminiSetup();
  const bytes = sample(G + 5);
  const created = await tus(context, "POST", GEMINI, {
    headers: {
      authorization: await bearer(GRANT),
      "upload-length": String(bytes.length),
      "upload-metadata": metadata({ filename: "paper.pdf", filetype: "application/pdf" }),
    },
  });
  const url = created.headers.get("location")!;
  const small = await told(await patch(context, url, 0, bytes.subarray(0, Q)));
  assertMatch(small, /^400.*set the client's chunkSize to a multiple of 8388608/);
  assertEquals(await told(await patch(context, url, 0, bytes.subarray(0, G + 3))), `204 at ${G}`);
  assertEquals(await told(await tus(context, "HEAD", url)), `200 at ${G} of ${G + 5}`);
  assertEquals(await told(await patch(context, url, G, bytes.subarray(G))), `204 at ${G + 5}`);
  assertEquals(await told(await tus(context, "HEAD", url)), `200 at ${G + 5} of ${G + 5}`);
  const [{ bytes: stored, resource }] = context.gcs.uploads;
  assertEquals(difference(stored!, bytes), -1);
  const { displayName, mimeType } = resource as Record<string, unknown>;
  assertEquals([displayName, mimeType], ["paper.pdf", "application/pdf"]);
  // What tus has no words for, any client of the session can ask for.
  const result = await google(context, url, "bytes */*", "");
  assertEquals((await result.json()).file, resource);
});

Deno.test("tus: a body of unknown length is stored in 8 MiB, and its tail is sent again or ends the upload", async () => {
  const context = geminiSetup();
  const bytes = sample(2 * G + 5);
  const headers = { authorization: await bearer(GRANT), "upload-defer-length": "1" };
  const named = { ...headers, "upload-metadata": metadata({ filename: "a" }) };
  const created = await tus(context, "POST", GEMINI, { headers: named });
  const url = created.headers.get("location")!;
  const stream = inPieces(bytes.subarray(0, G + 100), 100_000);
  assertEquals(await told(await patch(context, url, 0, stream)), `204 at ${G}`);
  const rest = inPieces(bytes.subarray(G), 100_000);
  const size = { headers: { "upload-length": String(bytes.length) } };
  assertEquals(await told(await patch(context, url, G, rest, size)), `204 at ${bytes.length}`);
  assertEquals(difference(context.gcs.uploads[0].bytes!, bytes), -1);
});

Deno.test("our own client uploads with its defaults, and compares size and SHA-256", async () => {
  const context = geminiSetup();
  const authorization = await bearer(GRANT);
  const { file } = await upload(new Blob([sample(2 * G + 1)]), {
    url: GEMINI,
    protocol: xGoogUpload,
    resource: geminiFile,
    metadata: named("paper"),
    checksum: "sha256",
    headers: { authorization },
    transport: (url, init) => context.proxy.fetch(new Request(url, init)),
  });
  assertEquals(file.sizeBytes, String(2 * G + 1));
});

Deno.test("a key that Gemini refuses is the operator's trouble: 502, and the client hears nothing of it", async () => {
  const context = geminiSetup({}, { apiKeys: ["another"] });
  const reply = await begin(context, { to: GEMINI });
  assertEquals(await said(reply), "502 active: The API refused the proxy's credentials");
});

Deno.test("a session somewhere else than at Gemini is none", async () => {
  const elsewhere = geminiFiles({
    apiKey: GEMINI_KEY,
    fetch: () =>
      Promise.resolve(
        new Response(null, {
          headers: {
            "x-goog-upload-status": "active",
            "x-goog-upload-url": "https://attacker.example/upload?upload_id=1",
          },
        }),
      ),
  });
  const context = setup({ backends: [elsewhere] });
  assertEquals(await stands(await begin(context, { to: GEMINI })), "502 active");
});

Deno.test("a file that mentions the key, or fields that nobody knows, are told without them", async () => {
  const file = {
    name: "files/a",
    sizeBytes: "1",
    displayName: `x${GEMINI_KEY}x`,
    uri: `https://generativelanguage.googleapis.com/v1beta/files/a?key=${GEMINI_KEY}`,
    secretField: "x",
  };
  const liar = geminiFiles({
    apiKey: GEMINI_KEY,
    fetch: (_url, init) => {
      const isStart = new Headers(init.headers).get("x-goog-upload-command") === "start";
      const url = "https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id=1";
      return Promise.resolve(
        Response.json({ file }, {
          headers: {
            "x-goog-upload-status": isStart ? "active" : "final",
            "x-goog-upload-url": url,
          },
        }),
      );
    },
  });
  const context = setup({ backends: [liar] });
  const url = await begun(context, { to: GEMINI });
  const reply = await command(context, url, "query");
  assertEquals(await reply.json(), { file: { name: "files/a", sizeBytes: "1" } });
});

Deno.test("a proxy without Cloud Storage serves Gemini only; one with neither is a mistake", async () => {
  const only = {
    sessionSecrets: [SESSION_SECRET],
    authorize: () => GRANT,
    backends: [geminiFiles({ apiKey: "k" })],
  };
  const proxy = createUploadProxy(only);
  const reply = await proxy.fetch(new Request(`${UPLOAD}?uploadType=media`, { method: "POST" }));
  assertEquals(await outcome(reply), "404 notFound");
  assertThrows(() => createUploadProxy({ ...only, backends: [] }), TypeError, "transport");
});

Deno.test("a session whose backend is there no more is none", async () => {
  const context = geminiSetup();
  const url = await begun(context, { to: GEMINI });
  const without = setup();
  assertEquals(
    await stands(await command(without, url.replace(GEMINI, UPLOAD), "query")),
    "404 final",
  );
});

Deno.test("what cannot be a key, an origin or a limit of requests is refused at once, and not shown", () => {
  for (const apiKey of ["", "a b", "a\nb", "ü", 5 as unknown as string]) {
    const error = assertThrows(() => geminiFiles({ apiKey }), TypeError, "API key");
    assert(apiKey === "" || !(error as Error).message.includes(`${apiKey}x`));
  }
  for (const endpoint of ["nowhere", "https://a.example/path", "https://u:p@a.example"]) {
    assertThrows(() => geminiFiles({ apiKey: "k", endpoint }), TypeError, "endpoint");
  }
  const options = { maxChunkBytes: G - 1, backends: [geminiFiles({ apiKey: "k" })] };
  assertThrows(() => setup(options), SettingError, "MAX_CHUNK_BYTES");
});

Deno.test("a hook that refuses a start to Gemini knows where it would go", async () => {
  const context = geminiSetup({
    onStart({ backend, bucket, name }) {
      throw new HttpError(409, "conflict", `${backend} "${bucket}" ${name}`);
    },
  });
  const reply = await begin(context, { to: GEMINI, metadata: named("a") });
  assertEquals(await said(reply), '409 active: gemini "" a');
});
