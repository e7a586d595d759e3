// tus 1.0.0 in front of the proxy, request by request.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { difference } from "../e2e/support.ts";
import { ask, bearer, inPieces, ORIGIN, outcome, type Setup, setup, UPLOAD } from "./support.ts";
import { create, created, offsetOf, patch, Q, sample, told, tus } from "./tus_support.ts";

const stored = ({ gcs }: Setup, name = "a") => gcs.get("my-bucket", name)?.bytes;

/** The object is there and has these bytes; to show all that differ would take minutes. */
function assertStored(context: Setup, bytes: Uint8Array): void {
  const found = stored(context);
  assert(found, "there is no object");
  assertEquals(difference(found, bytes), -1, "the place of the first byte that differs");
}

Deno.test("OPTIONS says which version and extensions there are, to anybody and whatever version is asked for", async () => {
  const context = setup({ maxUploadBytes: 1000 });
  for (const headers of [{}, { "tus-resumable": "0.2.2" }] as Record<string, string>[]) {
    const reply = await ask(context, UPLOAD, { method: "OPTIONS", grant: null, headers });
    assertEquals(reply.status, 204);
    assertEquals(
      ["tus-resumable", "tus-version", "tus-extension", "tus-max-size"].map((name) =>
        reply.headers.get(name)
      ),
      [
        "1.0.0",
        "1.0.0",
        "creation,creation-with-upload,creation-defer-length,expiration,termination",
        "1000",
      ],
    );
  }
});

Deno.test("a page may send and read what a tus client needs", async () => {
  const context = setup({ allowedOrigins: ["https://app.example"] });
  const origin = { origin: "https://app.example" };
  const preflight = await ask(context, UPLOAD, { method: "OPTIONS", headers: origin, grant: null });
  const list = (reply: Response, name: string) => reply.headers.get(name)!.split(", ");
  const allowed = list(preflight, "access-control-allow-headers");
  const sent = [
    "authorization",
    "content-type",
    "tus-resumable",
    "upload-defer-length",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "x-http-method-override",
    "x-request-id",
    "x-requested-with",
  ];
  assertEquals(sent.filter((name) => !allowed.includes(name)), []);
  for (const method of ["PATCH", "HEAD", "DELETE"]) {
    assert(list(preflight, "access-control-allow-methods").includes(method), method);
  }
  const reply = await create(context, { headers: origin });
  const exposed = list(reply, "access-control-expose-headers");
  const read = [
    "location",
    "tus-extension",
    "tus-max-size",
    "tus-resumable",
    "tus-version",
    "upload-defer-length",
    "upload-expires",
    "upload-length",
    "upload-metadata",
    "upload-offset",
  ];
  assertEquals(read.filter((name) => !exposed.includes(name)), []);
});

Deno.test("an upload is created, sent in two requests, and asked about between and after them", async () => {
  const context = setup();
  const bytes = sample(Q + 5);
  const reply = await create(context, { headers: { "upload-length": String(bytes.length) } });
  assertEquals(await told(reply), "201 at 0");
  const url = reply.headers.get("location")!;
  assert(url.startsWith(`${UPLOAD}?uploadType=resumable&upload_id=`), url);
  assertEquals(await offsetOf(context, url), `200 at 0 of ${Q + 5}`);
  assertEquals(await told(await patch(context, url, 0, bytes.subarray(0, Q))), `204 at ${Q}`);
  assertEquals(await offsetOf(context, url), `200 at ${Q} of ${Q + 5}`);
  assertEquals(await told(await patch(context, url, Q, bytes.subarray(Q))), `204 at ${Q + 5}`);
  assertEquals(await offsetOf(context, url), `200 at ${Q + 5} of ${Q + 5}`);
  assertStored(context, bytes);
  assertEquals(context.log.map(({ event, status }) => `${event} ${status}`), [
    "start 201",
    "status 200",
    "chunk 204",
    "status 200",
    "finish 204",
    "finish 200",
  ]);
});

Deno.test("each reply names the version, errors too; HEAD is never kept", async () => {
  const context = setup();
  const url = await created(context, 5);
  const replies = [
    await create(context),
    await create(context, { grant: null }),
    await patch(context, url, 3, sample(2)),
    await tus(context, "HEAD", url),
    await tus(context, "GET", url),
    await tus(context, "HEAD", `${UPLOAD}?upload_id=x`),
  ];
  assertEquals(replies.map(({ status }) => status), [201, 401, 409, 200, 405, 404]);
  for (const { headers } of replies) {
    assertEquals(headers.get("tus-resumable"), "1.0.0");
    assertEquals(headers.get("cache-control"), "no-store");
  }
  assertEquals(replies.map(({ headers }) => headers.has("upload-offset")), [
    true,
    false,
    false,
    true,
    false,
    false,
  ]);
});

for (const version of ["0.2.2", "1.0.0, 1.0.0", ""]) {
  Deno.test(`another version than 1.0.0 is a 412 that says so, and nothing is done: "${version}"`, async () => {
    const context = setup();
    const url = await created(context, 5);
    const before = context.sent.length;
    const headers = { "tus-resumable": version };
    for (
      const reply of [
        await create(context, { headers }),
        await patch(context, url, 0, sample(5), { headers }),
        await tus(context, "DELETE", url, { headers }),
      ]
    ) assertEquals([reply.status, reply.headers.get("tus-version")], [412, "1.0.0"]);
    assertEquals(context.sent.length, before);
  });
}

Deno.test("bytes of a tus client that says no version are a 412, and not Google's protocol", async () => {
  const context = setup();
  const headers = { "content-type": "application/offset+octet-stream", "upload-offset": "0" };
  const request = new Request(await created(context, 5), {
    method: "PATCH",
    headers,
    body: "12345",
  });
  assertEquals((await context.proxy.fetch(request)).status, 412);
});

const malformed: readonly [rule: string, headers: Record<string, string>, answer: string][] = [
  ["no length", { "upload-defer-length": "" }, "Upload-Defer-Length: expected 1"],
  ["a deferred length that is not 1", { "upload-defer-length": "2" }, "Upload-Defer-Length"],
  [
    "two lengths",
    { "upload-length": "5", "upload-defer-length": "1" },
    "Expected either Upload-Length or Upload-Defer-Length",
  ],
  ["a length that is no number", { "upload-length": "five" }, "Upload-Length: expected a number"],
  ["a negative length", { "upload-length": "-1" }, "Upload-Length: expected a number"],
  ["concatenation", { "upload-concat": "partial", "upload-length": "5" }, "parallelUploads"],
  ["a checksum", { "upload-checksum": "sha1 eA==", "upload-length": "5" }, "Upload-Checksum"],
];
for (const [rule, headers, words] of malformed) {
  Deno.test(`a creation with ${rule} is a 400 in words, and starts nothing`, async () => {
    const context = setup();
    const said = await told(await create(context, { headers }));
    assertMatch(said, /^400 /);
    assertStringIncludes(said, words);
    assertEquals(context.sent.length, 0);
  });
}

Deno.test("a creation with neither length is a 400", async () => {
  const context = setup();
  const headers = { authorization: await bearer({ name: "a" }) };
  assertMatch(await told(await tus(context, "POST", UPLOAD, { headers })), /^400 Expected either/);
});

Deno.test("more bytes than the ticket or the proxy allows are a 413 at the creation", async () => {
  const context = setup({ maxUploadBytes: 100 });
  const ticket = await create(context, {
    grant: { name: "a", maxBytes: 4 },
    headers: { "upload-length": "5" },
  });
  for (const length of ["101", String(2 ** 50), "9".repeat(30)]) {
    assertEquals((await create(context, { headers: { "upload-length": length } })).status, 413);
  }
  assertEquals([ticket.status, context.sent.length], [413, 0]);
});

Deno.test("a creation wants a ticket; what goes on with it does not", async () => {
  const context = setup();
  assertEquals((await create(context, { grant: null })).status, 401);
  assertEquals((await create(context, { grant: { name: "b" }, query: "?name=a" })).status, 403);
  assertEquals(context.sent.length, 0);
});

Deno.test("an empty upload is finished by its creation", async () => {
  const context = setup();
  const url = await created(context, 0);
  assertStored(context, new Uint8Array());
  assertEquals(context.log.at(-1)!.event, "finish");
  assertEquals(await offsetOf(context, url), "200 at 0 of 0");
});

Deno.test("an empty upload is finished although Google is busy at first", async () => {
  const context = setup();
  context.gcs.inject({ on: "final", status: 503 });
  await created(context, 0);
  assertStored(context, new Uint8Array());
});

Deno.test("an upload may come with its creation as a whole", async () => {
  const context = setup();
  const headers = { "content-type": "application/offset+octet-stream", "upload-length": "5" };
  const reply = await create(context, { headers, body: sample(5) });
  assertEquals(await told(reply), "201 at 5");
  assertStored(context, sample(5));
  assertEquals(context.log.at(-1)!.event, "finish");
});

Deno.test("of first bytes that come with the creation whole quanta are stored, and the offset says so", async () => {
  const context = setup();
  const bytes = sample(2 * Q + 9);
  const headers = {
    "content-type": "application/offset+octet-stream",
    "upload-length": String(bytes.length),
  };
  const reply = await create(context, { headers, body: bytes.subarray(0, Q + 100) });
  assertEquals([await told(reply), context.log.at(-1)!.event], [`201 at ${Q}`, "start"]);
  const url = reply.headers.get("location")!;
  assertEquals(
    await told(await patch(context, url, Q, bytes.subarray(Q))),
    `204 at ${bytes.length}`,
  );
  assertStored(context, bytes);
});

Deno.test("first bytes that are too few, or that Google does not take at the moment, leave a session to go on with", async () => {
  const context = setup();
  const headers = { "content-type": "application/offset+octet-stream", "upload-length": "300000" };
  const few = await create(context, { headers, body: sample(1000) });
  assertEquals(await told(few), "201 at 0");
  context.gcs.inject({ on: "final", status: 503 });
  const busy = await create(context, { headers, body: sample(300_000) });
  assertEquals(await told(busy), "201 at 0");
  assert(context.log.at(-1)!.error);
  const url = busy.headers.get("location")!;
  assertEquals(await told(await patch(context, url, 0, sample(300_000))), "204 at 300000");
});

for (
  const [rule, size, body, status] of [
    ["more than the upload has", 4, sample(5), 413],
    ["to an empty one", 0, sample(5), 413],
  ] as const
) {
  Deno.test(`a creation with bytes, ${rule}, is a ${status}, and starts nothing`, async () => {
    const context = setup();
    const headers = {
      "content-type": "application/offset+octet-stream",
      "upload-length": String(size),
    };
    const reply = await create(context, { headers, body });
    assertEquals([reply.status, context.sent.length], [status, 0]);
  });
}

Deno.test("a creation with a body of another type is a 415, and starts nothing", async () => {
  const context = setup();
  const headers = { "content-type": "application/json", "upload-length": "2" };
  const reply = await create(context, { headers, body: new TextEncoder().encode("{}") });
  assertEquals([reply.status, context.sent.length], [415, 0]);
});

Deno.test("a length that was deferred comes with the last bytes", async () => {
  const context = setup();
  const url = await created(context);
  const before = await tus(context, "HEAD", url);
  assertEquals(
    [before.headers.get("upload-defer-length"), before.headers.get("upload-length")],
    ["1", null],
  );
  const bytes = sample(Q + 7);
  assertEquals(await told(await patch(context, url, 0, bytes.subarray(0, Q))), `204 at ${Q}`);
  const headers = { "upload-length": String(bytes.length) };
  const last = await patch(context, url, Q, bytes.subarray(Q), { headers });
  assertEquals(await told(last), `204 at ${Q + 7}`);
  const after = await tus(context, "HEAD", url);
  assertEquals(after.headers.has("upload-defer-length"), false);
  assertEquals(await told(after), `200 at ${Q + 7} of ${Q + 7}`);
  assertStored(context, bytes);
});

for (const size of [0, Q]) {
  Deno.test(`a length that was deferred may come after ${size} bytes, without any more`, async () => {
    const context = setup();
    const url = await created(context);
    if (size > 0) await patch(context, url, 0, sample(size));
    const headers = { "upload-length": String(size) };
    assertEquals(
      await told(await patch(context, url, size, undefined, { headers })),
      `204 at ${size}`,
    );
    assertStored(context, sample(size));
  });
}

Deno.test("a length that says something else than the creation is a 400", async () => {
  const context = setup();
  const url = await created(context, 5);
  const headers = { "upload-length": "6" };
  assertEquals(
    await told(await patch(context, url, 0, sample(6), { headers })),
    "400 Upload-Length: expected 5 as at the creation, got 6",
  );
});

Deno.test("a length that was deferred, and is above the ticket's, is a 413 before a byte is passed", async () => {
  const context = setup();
  const url = await created(context, undefined, { grant: { name: "a", maxBytes: 4 } });
  const headers = { "upload-length": "5" };
  assertEquals((await patch(context, url, 0, sample(5), { headers })).status, 413);
  assertEquals((await patch(context, url, 0, sample(Q))).status, 413);
  assert(context.sent.slice(1).every(({ body }) => body().length === 0), "bytes were passed on");
});

const wrong: readonly [rule: string, headers: Record<string, string>, status: number][] = [
  ["without an offset", { "upload-offset": "" }, 400],
  ["with an offset that is none", { "upload-offset": "0x0" }, 400],
  ["of another type", { "content-type": "application/octet-stream" }, 415],
  ["with an encoding", { "content-encoding": "gzip" }, 415],
  ["with a key of the client's", { "x-goog-encryption-key": "AAAA" }, 400],
  ["with a checksum that nobody compares", { "upload-checksum": "sha1 eA==" }, 400],
];
for (const [rule, headers, status] of wrong) {
  Deno.test(`a PATCH ${rule} is a ${status}, and no byte goes on`, async () => {
    const context = setup();
    const url = await created(context, 5);
    assertEquals((await patch(context, url, 0, sample(5), { headers })).status, status);
    assertEquals(context.sent.length, 1);
  });
}

Deno.test("a PATCH for another offset is a 409, and no byte goes on", async () => {
  const context = setup();
  const url = await created(context, 2 * Q);
  await patch(context, url, 0, sample(Q));
  for (const offset of [0, Q - 1, Q + 1]) {
    const reply = await patch(context, url, offset, sample(100), {
      headers: { "upload-length": String(2 * Q) },
    });
    // The one too few for a chunk does not even ask.
    assertEquals([409, 400].includes(reply.status), true);
  }
  const reply = await patch(context, url, 0, sample(2 * Q));
  assertEquals(
    await told(reply),
    `409 Expected bytes from offset ${Q}, where the stored ones end, got 0`,
  );
  const ranges = context.sent.map(({ headers }) => headers.get("content-range"));
  assertEquals(ranges.filter((range) => range && range !== "bytes */*"), [`bytes 0-${Q - 1}/*`]);
  assertEquals(await offsetOf(context, url), `200 at ${Q} of ${2 * Q}`);
});

Deno.test("an instance that does not know the upload compares the offset with Google's", async () => {
  const context = setup();
  const { gcs } = context;
  const bytes = sample(2 * Q);
  const url = await created(context, bytes.length);
  await patch(context, url, 0, bytes.subarray(0, Q));
  const other = setup({ transport: gcs.fetch, fetch: gcs.fetch });
  assertMatch(await told(await patch(other, url, 0, bytes)), /^409 /);
  assertEquals(await told(await patch(other, url, Q, bytes.subarray(Q))), `204 at ${2 * Q}`);
  assertStored(context, bytes);
});

Deno.test("an instance that remembers less than there is asks before it refuses, and stores nothing twice", async () => {
  const context = setup();
  const { gcs } = context;
  const bytes = sample(3 * Q);
  const url = await created(context, bytes.length);
  await patch(context, url, 0, bytes.subarray(0, Q));
  const other = setup({ transport: gcs.fetch, fetch: gcs.fetch });
  await patch(other, url, Q, bytes.subarray(Q, 2 * Q));
  const twice = await patch(context, url, Q, bytes.subarray(Q, 2 * Q));
  assertEquals(await told(twice), `204 at ${2 * Q}`);
  assertEquals(
    await told(await patch(other, url, 2 * Q, bytes.subarray(2 * Q))),
    `204 at ${3 * Q}`,
  );
  assertMatch(await told(await patch(context, url, 0, bytes)), /^409 /);
  assertStored(context, bytes);
});

Deno.test("bytes for a place that another instance has passed by are a 409, though this one does not know", async () => {
  const context = setup();
  const { gcs } = context;
  const bytes = sample(4 * Q);
  const url = await created(context, bytes.length);
  await patch(context, url, 0, bytes.subarray(0, Q));
  const other = setup({ transport: gcs.fetch, fetch: gcs.fetch });
  await patch(other, url, Q, bytes.subarray(Q, 3 * Q));
  assertMatch(await told(await patch(context, url, Q, bytes.subarray(Q, 2 * Q))), /^409 /);
});

for (
  const [rule, length, headers] of [
    ["its end at another place", 9, { "upload-length": String(Q + 9) }],
    ["more bytes and no end", Q, {}],
  ] as const
) {
  Deno.test(`an upload that another instance has finished is a 409 for ${rule}, though this one does not know`, async () => {
    const context = setup();
    const { gcs } = context;
    const url = await created(context);
    await patch(context, url, 0, sample(Q));
    const other = setup({ transport: gcs.fetch, fetch: gcs.fetch });
    const end = { "upload-length": String(Q + 5) };
    await patch(other, url, Q, sample(5), { headers: end });
    assertMatch(await told(await patch(context, url, Q, sample(length), { headers })), /^409 /);
    assertEquals(await offsetOf(context, url), `200 at ${Q + 5} of ${Q + 5}`);
  });
}

Deno.test("where Google has all bytes and goes on as if there were more, the object is made before the client hears of it", async () => {
  const context = setup();
  const url = await created(context, 2 * Q);
  context.gcs.inject({ on: "final", early: 2 * Q });
  assertEquals(await told(await patch(context, url, 0, sample(2 * Q))), `204 at ${2 * Q}`);
  assertStored(context, sample(2 * Q));
});

Deno.test("where Google keeps less of a segment than it was sent, the next one is not sent", async () => {
  const context = setup();
  const bytes = sample(33 * Q);
  const url = await created(context, bytes.length);
  context.gcs.inject({ on: "chunk", early: Q });
  assertEquals(await told(await patch(context, url, 0, inPieces(bytes, 65_536))), `204 at ${Q}`);
  assertEquals(
    await told(await patch(context, url, Q, inPieces(bytes.subarray(Q), 65_536))),
    `204 at ${bytes.length}`,
  );
  assertStored(context, bytes);
});

Deno.test("bytes that break off just where the upload would end do not end it: whole quanta of them are stored", async () => {
  const context = setup();
  const url = await created(context, Q + 5);
  let sent = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (sent) return controller.error(new TypeError("gone"));
      sent = true;
      controller.enqueue(sample(Q + 5));
    },
  }, { highWaterMark: 0 });
  assertMatch(await told(await patch(context, url, 0, body)), /^503 The request broke off/);
  assertEquals(context.gcs.objects.length, 0);
  assertEquals(await offsetOf(context, url), `200 at ${Q} of ${Q + 5}`);
});

Deno.test("of bytes that do not finish the upload whole quanta go on, and the rest is read over", async () => {
  const context = setup();
  const bytes = sample(3 * Q);
  const url = await created(context, bytes.length);
  assertEquals(
    await told(await patch(context, url, 0, bytes.subarray(0, 2 * Q - 1))),
    `204 at ${Q}`,
  );
  const { headers, body } = context.sent.at(-1)!;
  assertEquals(
    [headers.get("content-range"), headers.get("content-length"), body().length],
    [`bytes 0-${Q - 1}/*`, String(Q), Q],
  );
  assertEquals(await told(await patch(context, url, Q, bytes.subarray(Q))), `204 at ${3 * Q}`);
  assertStored(context, bytes);
});

Deno.test("the offset is read from Google's Range, not computed", async () => {
  const context = setup();
  const bytes = sample(4 * Q);
  const url = await created(context, bytes.length);
  context.gcs.inject({ on: "chunk", early: Q });
  assertEquals(await told(await patch(context, url, 0, bytes.subarray(0, 3 * Q))), `204 at ${Q}`);
  assertEquals(await told(await patch(context, url, Q, bytes.subarray(Q))), `204 at ${4 * Q}`);
  assertStored(context, bytes);
});

Deno.test("where Google stores nothing, the answer is a 503: success without progress would be repeated without end", async () => {
  const context = setup();
  const url = await created(context, 2 * Q);
  context.gcs.inject({ on: "chunk", early: 1 });
  const reply = await patch(context, url, 0, sample(Q));
  assertEquals([reply.status, reply.headers.get("retry-after")], [503, "5"]);
});

Deno.test("a PATCH of less than a quantum that does not finish the upload is a 400 that names chunkSize, and a 409 at another offset", async () => {
  const context = setup();
  const url = await created(context, 2 * Q);
  for (const isChunked of [false, true]) {
    assertEquals(
      await told(await patch(context, url, 0, sample(100_000), { isChunked })),
      "400 Expected at least 262144 bytes in a request that does not finish the upload, got 100000: " +
        "set the client's chunkSize to a multiple of 262144",
    );
  }
  for (const isChunked of [false, true]) {
    assertMatch(
      await told(await patch(context, url, 7, sample(100), { isChunked })),
      /^409 Expected bytes from offset 0/,
    );
  }
  assert(context.sent.slice(1).every(({ body }) => body().length === 0), "bytes were passed on");
  assertEquals(await told(await patch(context, url, 0, sample(2 * Q))), `204 at ${2 * Q}`);
});

Deno.test("a request above the proxy's limit is a 413 that names chunkSize", async () => {
  const context = setup({ maxChunkBytes: Q + 5 });
  const url = await created(context, 3 * Q);
  for (const isChunked of [false, true]) {
    const said = await told(await patch(context, url, 0, sample(2 * Q), { isChunked }));
    assertMatch(said, /^413 At most 262149 bytes .* set the client's chunkSize to 262144 or less$/);
  }
});

for (
  const [rule, offset, options] of [
    ["at its end", 5, {}],
    ["beyond its end", 7, {}],
    ["more than a request may have", 1, { maxChunkBytes: Q }],
  ] as const
) {
  Deno.test(`bytes that are ${rule}, and for another place than where the stored ones end, are a 409, after which a client goes on`, async () => {
    const context = setup(options);
    const url = await created(context, 5);
    const body = sample("maxChunkBytes" in options ? 2 * Q : 3);
    assertEquals(
      await told(await patch(context, url, offset, body)),
      `409 Expected bytes from offset 0, where the stored ones end, got ${offset}`,
    );
    assertEquals(await told(await patch(context, url, 0, sample(5))), "204 at 5");
  });
}

Deno.test("a length that comes before the last bytes is told to Google, which alone can remember it", async () => {
  const context = setup();
  const url = await created(context);
  const headers = { "upload-length": `${2 * Q + 5}` };
  const reply = await patch(context, url, 0, sample(Q + 9), { headers });
  assertEquals(await told(reply), `204 at ${Q}`);
  assertEquals(
    context.sent.at(-1)!.headers.get("content-range"),
    `bytes 0-${Q - 1}/${2 * Q + 5}`,
  );
  // No reply of Google's says it again, and none to a PATCH can change the upload's URL.
  const { headers: after } = await tus(context, "HEAD", url);
  assertEquals([after.get("upload-defer-length"), after.get("upload-length")], ["1", null]);
});

Deno.test("a length beyond what Google was told before is Google's to refuse, and that is no success", async () => {
  const gcs = new GcsEmulator();
  const isOther = (range: string | null) => range?.endsWith(`/${3 * Q}`) === true;
  const context = setup({
    transport: gcs.fetch,
    fetch: (url, init) =>
      isOther(new Headers(init.headers).get("content-range"))
        ? Promise.resolve(new Response("Invalid request.", { status: 400 }))
        : gcs.fetch(url, init),
  });
  const url = await created(context);
  await patch(context, url, 0, sample(Q), { headers: { "upload-length": `${2 * Q}` } });
  const other = { headers: { "upload-length": `${3 * Q}` } };
  assertMatch(await told(await patch(context, url, Q, sample(Q), other)), /^400 /);
  const right = { headers: { "upload-length": `${2 * Q}` } };
  assertEquals(await told(await patch(context, url, Q, sample(Q), right)), `204 at ${2 * Q}`);
});

Deno.test("a PATCH beyond the length is a 413", async () => {
  const context = setup();
  const url = await created(context, 5);
  for (const isChunked of [false, true]) {
    assertMatch(await told(await patch(context, url, 0, sample(6), { isChunked })), /^413 /);
  }
  assertEquals(await offsetOf(context, url), "200 at 0 of 5");
});

Deno.test("a finished upload answers a PATCH without bytes at its end, and no other", async () => {
  const context = setup();
  const url = await created(context, 5);
  await patch(context, url, 0, sample(5));
  assertEquals(await told(await patch(context, url, 5, undefined)), "204 at 5");
  assertMatch(await told(await patch(context, url, 0, sample(5))), /^409 /);
  assertMatch(await told(await patch(context, url, 0, undefined)), /^409 /);
  assertMatch(await told(await patch(context, url, 5, sample(1))), /^413 /);
});

const sizes: readonly number[] = [1, Q - 1, Q, Q + 1, 16 * Q - 1, 16 * Q, 16 * Q + 1, 33 * Q + 5];
for (const size of sizes) {
  for (const piece of [65_536, 300_000]) {
    Deno.test(`${size} bytes without a Content-Length, in pieces of ${piece}, are finished by their last`, async () => {
      const context = setup();
      const url = await created(context, size);
      const reply = await patch(context, url, 0, inPieces(sample(size), piece));
      assertEquals(await told(reply), `204 at ${size}`);
      assertStored(context, sample(size));
      assertEquals(context.log.at(-1)!.bytes, size);
    });
  }
}

Deno.test("without a Content-Length and without a length whole quanta are stored, and the end is declared later", async () => {
  const context = setup();
  const bytes = sample(17 * Q + 9);
  const url = await created(context);
  assertEquals(
    await told(await patch(context, url, 0, inPieces(bytes, 50_000))),
    `204 at ${17 * Q}`,
  );
  const headers = { "upload-length": String(bytes.length) };
  const last = await patch(context, url, 17 * Q, inPieces(bytes.subarray(17 * Q), 5), { headers });
  assertEquals(await told(last), `204 at ${bytes.length}`);
  assertStored(context, bytes);
});

Deno.test("a proxy that wants lengths refuses bytes without one with a 411", async () => {
  const context = setup({ requireContentLength: true });
  const url = await created(context, 5);
  assertEquals((await patch(context, url, 0, inPieces(sample(5), 5))).status, 411);
});

Deno.test("X-HTTP-Method-Override takes the place of the method", async () => {
  const context = setup();
  const url = await created(context, 5);
  const as = (method: string) => ({ headers: { "x-http-method-override": method } });
  const bytes = await tus(context, "POST", url, {
    headers: {
      ...as("PATCH").headers,
      "content-type": "application/offset+octet-stream",
      "upload-offset": "0",
    },
    body: sample(5),
  });
  assertEquals(await told(bytes), "204 at 5");
  assertEquals(await told(await tus(context, "POST", url, as("HEAD"))), "200 at 5 of 5");
  const other = await created(context, 5, { grant: { name: "b" } });
  assertEquals((await tus(context, "POST", other, as("DELETE"))).status, 204);
  assertEquals((await tus(context, "POST", other, as("HEAD"))).status, 410);
});

Deno.test("OPTIONS, too, is a method that overrides and is overridden, whatever version is asked for", async () => {
  const context = setup();
  const url = await created(context, 5);
  const headers = { "x-http-method-override": "OPTIONS", "tus-resumable": "0.2.2" };
  const discovery = await tus(context, "POST", UPLOAD, { headers });
  assertEquals([discovery.status, discovery.headers.get("tus-version")], [204, "1.0.0"]);
  const patched = await tus(context, "OPTIONS", url, {
    headers: {
      "x-http-method-override": "PATCH",
      "content-type": "application/offset+octet-stream",
      "upload-offset": "0",
    },
    body: sample(5),
  });
  assertEquals(await told(patched), "204 at 5");
});

Deno.test("a terminated upload is gone, and Google's session with it", async () => {
  const context = setup();
  const url = await created(context, 2 * Q);
  await patch(context, url, 0, sample(Q));
  assertEquals((await tus(context, "DELETE", url)).status, 204);
  const { status, headers } = await tus(context, "HEAD", url);
  assertEquals([status, headers.has("upload-offset")], [410, false]);
  assertEquals((await patch(context, url, Q, sample(Q))).status, 410);
  // A client whose reply was lost asks once more.
  assertEquals((await tus(context, "DELETE", url)).status, 204);
  assertEquals(context.gcs.objects.length, 0);
});

Deno.test("a finished upload is not deleted: no ticket allows that", async () => {
  const context = setup();
  const url = await created(context, 5);
  await patch(context, url, 0, sample(5));
  const reply = await tus(context, "DELETE", url);
  assertEquals(
    await told(reply),
    "403 The upload is finished; the proxy does not delete objects",
  );
  assertStored(context, sample(5));
  assert(!context.sent.some(({ method }) => method === "DELETE"));
});

Deno.test("each reply about an upload says when it ends; after that it is a 410", async () => {
  let time = Date.parse("2026-01-01T00:00:00Z");
  const context = setup({
    now: () => time,
    authorize: () => ({ name: "a", sessionTtl: 3600 }),
  });
  const reply = await create(context, { headers: { "upload-length": String(2 * Q) } });
  const url = reply.headers.get("location")!;
  const replies = [
    reply,
    await patch(context, url, 0, sample(Q)),
    await tus(context, "HEAD", url),
  ];
  assertEquals(
    replies.map(({ headers }) => headers.get("upload-expires")),
    Array(3).fill("Thu, 01 Jan 2026 01:00:00 GMT"),
  );
  const refused = [
    await patch(context, url, 0, sample(Q)),
    await patch(context, url, Q, sample(5)),
    await patch(context, url, Q, sample(2 * Q)),
    await patch(context, url, Q, sample(Q), { headers: { "content-type": "text/plain" } }),
  ];
  assertEquals(
    refused.map(({ status, headers }) => [status, headers.get("upload-expires")]),
    [409, 400, 413, 415].map((status) => [status, "Thu, 01 Jan 2026 01:00:00 GMT"]),
  );
  time += 3_600_000;
  assertEquals((await tus(context, "HEAD", url)).status, 410);
  assertEquals((await patch(context, url, Q, sample(Q))).status, 410);
});

Deno.test("an object that exists already is a 403: a 412 would be about the version", async () => {
  const context = setup();
  const [one, other] = [await created(context, 5), await created(context, 5)];
  await patch(context, one, 0, sample(5));
  assertEquals(
    await told(await patch(context, other, 0, sample(5))),
    "403 A precondition is not met: there is an object of this name already",
  );
});

for (const status of [429, 408]) {
  Deno.test(`Google's ${status} becomes a 503, which clients repeat`, async () => {
    const context = setup();
    const url = await created(context, 5);
    context.gcs.inject({ on: "final", status });
    assertEquals((await patch(context, url, 0, sample(5))).status, 503);
    context.gcs.inject({ on: "status", status });
    assertEquals((await tus(context, "HEAD", url)).status, 503);
    assertEquals(await told(await patch(context, url, 0, sample(5))), "204 at 5");
  });
}

Deno.test("a HEAD while Google fails is no 404, which would make clients begin anew", async () => {
  const context = setup();
  const url = await created(context, 5);
  context.gcs.inject({ on: "status", status: 503 });
  const reply = await tus(context, "HEAD", url);
  assertEquals([reply.status, reply.headers.has("upload-offset")], [503, false]);
});

Deno.test("one session speaks both protocols", async () => {
  const context = setup();
  const bytes = sample(2 * Q + 5);
  const url = await created(context, bytes.length);
  const put = (from: number, to: number, total: number | "*") =>
    ask(context, url, {
      method: "PUT",
      headers: { "content-range": `bytes ${from}-${to - 1}/${total}` },
      body: bytes.subarray(from, to),
    });
  assertEquals((await put(0, Q, "*")).headers.get("range"), `bytes=0-${Q - 1}`);
  assertEquals(await offsetOf(context, url), `200 at ${Q} of ${bytes.length}`);
  assertEquals(
    await told(await patch(context, url, Q, bytes.subarray(Q, 2 * Q))),
    `204 at ${2 * Q}`,
  );
  assertEquals((await put(2 * Q, bytes.length, bytes.length)).status, 200);
  assertEquals(await offsetOf(context, url), `200 at ${bytes.length} of ${bytes.length}`);
  assertStored(context, bytes);
});

Deno.test("where all bytes are there but nobody has said that it is the end, HEAD makes the object before it says so", async () => {
  const context = setup();
  const url = await created(context, Q);
  const headers = { "content-range": `bytes 0-${Q - 1}/*` };
  await ask(context, url, { method: "PUT", headers, body: sample(Q) });
  assertEquals(await offsetOf(context, url), `200 at ${Q} of ${Q}`);
  assertStored(context, sample(Q));
});

Deno.test("uploads live below the path and at the origin that the proxy is set up for", async () => {
  const context = setup({ pathPrefix: "/files", publicOrigin: "https://public.example" });
  const headers = { authorization: await bearer({ name: "a" }), "upload-length": "5" };
  const path = "/upload/storage/v1/b/my-bucket/o";
  const reply = await tus(context, "POST", `${ORIGIN}/files${path}`, { headers });
  const url = reply.headers.get("location")!;
  assert(url.startsWith(`https://public.example/files${path}?`), url);
  const inside = url.replace("https://public.example", ORIGIN);
  assertEquals(await told(await patch(context, inside, 0, sample(5))), "204 at 5");
});

Deno.test("a method that is none of tus is a 405 that says which are", async () => {
  const context = setup();
  const url = await created(context, 5);
  const [onUpload, onEndpoint] = [
    await tus(context, "POST", url, { headers: { "upload-length": "5" } }),
    await tus(context, "DELETE", UPLOAD),
  ];
  assertEquals([onUpload.status, onEndpoint.status], [405, 405]);
  assertEquals(onUpload.headers.get("allow"), "HEAD, PATCH, DELETE, OPTIONS");
  assertEquals(await outcome(onEndpoint), "405 methodNotAllowed");
});
