// The front for clients of X-Goog-Upload: what each command does, what is said of the upload, and that it is never too much.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { difference } from "../e2e/support.ts";
import { HttpError } from "../../src/worker.ts";
import { ask, bearer, inPieces, multipart, ORIGIN, type Setup, setup, UPLOAD } from "./support.ts";
import { patch, Q } from "./tus_support.ts";
import {
  begin,
  begun,
  command,
  G,
  GEMINI,
  geminiSetup,
  said,
  sample,
  stands,
} from "./x_goog_support.ts";

/** The store has exactly these bytes. */
function assertStored({ gcs }: Setup, bytes: Uint8Array, isGemini = false): void {
  const found = isGemini ? gcs.uploads.at(-1)?.bytes : gcs.get("my-bucket", "a")?.bytes;
  assert(found, "there is nothing");
  assertEquals(difference(found, bytes), -1, "the place of the first byte that differs");
}

const places = [["Cloud Storage", UPLOAD, Q], ["Gemini", GEMINI, G]] as const;

for (const [where, to, g] of places) {
  const isGemini = to === GEMINI;

  Deno.test(`${where}: an upload is started, sent in two requests, asked about, and its result is told again`, async () => {
    const context = geminiSetup();
    const bytes = sample(g + 5);
    const start = await begin(context, { to, size: bytes.length });
    const url = start.headers.get("x-goog-upload-url")!;
    assertEquals(start.headers.get("x-goog-upload-control-url"), url);
    assertEquals(start.headers.get("x-goog-upload-chunk-granularity"), String(g));
    assert(url.startsWith(`${to}?uploadType=resumable&upload_id=`), url);
    assertEquals(await said(start), "200 active at 0");
    assertEquals(await said(await command(context, url, "query")), "200 active at 0");
    const first = { offset: 0, body: bytes.subarray(0, g) };
    assertEquals(await said(await command(context, url, "upload", first)), `200 active at ${g}`);
    assertEquals(await said(await command(context, url, "query")), `200 active at ${g}`);
    const last = await command(context, url, "upload, finalize", {
      offset: g,
      body: bytes.subarray(g),
    });
    const result = await last.clone().json();
    assertEquals(await said(last), `200 final at ${g + 5}`);
    const again = await command(context, url, "query");
    assertEquals(await again.clone().json(), result);
    assertEquals(await said(again), `200 final at ${g + 5}`);
    assertStored(context, bytes, isGemini);
    assertEquals(context.log.map(({ event }) => event), [
      "start",
      "status",
      "chunk",
      "status",
      "finish",
      "finish",
    ]);
  });

  Deno.test(`${where}: finalize alone ends an upload of whole chunks, also a second time`, async () => {
    const context = geminiSetup();
    const url = await begun(context, { to });
    await command(context, url, "upload", { offset: 0, body: sample(g) });
    assertEquals(await said(await command(context, url, "finalize")), `200 final at ${g}`);
    assertEquals(await said(await command(context, url, "finalize")), `200 final at ${g}`);
    assertStored(context, sample(g), isGemini);
  });

  Deno.test(`${where}: an empty upload is finished by upload and finalize without bytes`, async () => {
    const context = geminiSetup();
    const url = await begun(context, { to, size: 0 });
    const reply = await command(context, url, "upload, finalize", { offset: 0 });
    assertEquals(await said(reply), "200 final at 0");
    assertStored(context, sample(0), isGemini);
  });

  for (const isChunked of [false, true]) {
    const how = isChunked ? "without a length" : "with a length";
    Deno.test(`${where}: a chunk that is no multiple of the granularity, ${how}, is no success: the client must know what is stored`, async () => {
      const context = geminiSetup();
      const url = await begun(context, { to });
      const body = sample(g + 100);
      const reply = await command(context, url, "upload", { offset: 0, body, isChunked });
      assertMatch(await said(reply), /^400 active.*Expected a multiple of .*, got \d+$/);
      const stored = isChunked ? g : 0; // of a length that is known before, nothing is passed on
      assertEquals(
        await said(await command(context, url, "query")),
        `200 active at ${stored}`,
      );
      const rest = { offset: stored, body: body.subarray(stored), isChunked };
      assertEquals(
        await said(await command(context, url, "upload, finalize", rest)),
        `200 final at ${g + 100}`,
      );
      assertStored(context, body, isGemini);
    });

    Deno.test(`${where}: a chunk below the granularity, ${how}, is refused, and the session goes on`, async () => {
      const context = geminiSetup();
      const url = await begun(context, { to });
      const body = sample(100);
      const reply = await command(context, url, "upload", { offset: 0, body, isChunked });
      assertEquals(await stands(reply), "400 active");
      assertEquals(await said(await command(context, url, "query")), "200 active at 0");
      const last = { offset: 0, body, isChunked };
      assertEquals(
        await said(await command(context, url, "upload, finalize", last)),
        "200 final at 100",
      );
    });
  }

  for (const offset of [Q / 2, 2 * g, 1e15 - 1]) {
    Deno.test(`${where}: bytes for offset ${offset} of ${g} stored ones are a 409 that leaves the session open`, async () => {
      const context = geminiSetup();
      const url = await begun(context, { to });
      await command(context, url, "upload", { offset: 0, body: sample(g) });
      for (const words of ["upload", "upload, finalize"]) {
        const reply = await command(context, url, words, { offset, body: sample(g) });
        assertMatch(await stands(reply), /^(?:409 active|413 final)$/);
      }
      const wrong = await command(context, url, "finalize", { offset });
      assertEquals(await stands(wrong), "409 active");
      assertEquals(await said(await command(context, url, "query")), `200 active at ${g}`);
    });
  }

  Deno.test(`${where}: the last bytes once more, after their reply was lost, get the result`, async () => {
    const context = geminiSetup();
    const url = await begun(context, { to });
    const last = { offset: 0, body: sample(5) };
    const [one, other] = [
      await command(context, url, "upload, finalize", last),
      await command(context, url, "upload, finalize", last),
    ];
    assertEquals(await other.clone().json(), await one.clone().json());
    assertEquals([await said(one), await said(other)], ["200 final at 5", "200 final at 5"]);
    const longer = { offset: 0, body: sample(6) };
    assertEquals(
      await stands(await command(context, url, "upload, finalize", longer)),
      "409 active",
    );
  });

  Deno.test(`${where}: a cancelled upload stays cancelled; a finished one cannot be cancelled`, async () => {
    const context = geminiSetup();
    const url = await begun(context, { to });
    assertEquals(await said(await command(context, url, "cancel")), "200 cancelled");
    assertEquals(await said(await command(context, url, "cancel")), "200 cancelled");
    assertEquals(await said(await command(context, url, "query")), "410 cancelled");
    const other = await begun(context, { to });
    await command(context, other, "upload, finalize", { offset: 0, body: sample(1) });
    assertEquals(await stands(await command(context, other, "cancel")), "400 final");
    assertEquals(await said(await command(context, other, "query")), "200 final at 1");
  });

  Deno.test(`${where}: what differs from the declared size does not finish the upload`, async () => {
    const context = geminiSetup();
    const url = await begun(context, { to, size: g });
    for (const isChunked of [false, true]) {
      const short = { offset: 0, body: sample(5), isChunked };
      assertEquals(
        await stands(await command(context, url, "upload, finalize", short)),
        "400 active",
      );
      const long = { offset: 0, body: sample(g + 1), isChunked };
      assertEquals(
        await stands(await command(context, url, "upload, finalize", long)),
        "413 final",
      );
    }
    assertEquals([context.gcs.objects.length, context.gcs.uploads.length], [0, 0]);
    const early = await begun(context, { to, size: g + 1 });
    await command(context, early, "upload", { offset: 0, body: sample(g) });
    assertEquals(await stands(await command(context, early, "finalize")), `400 active at ${g}`);
  });

  Deno.test(`${where}: raw is a file in one request, with the media type in any of its headers`, async () => {
    const context = geminiSetup({
      authorize: () => ({ prefix: "", ...(isGemini && { backend: "gemini" }) }),
    });
    const ways: Record<string, string>[] = [
      { "content-type": "text/plain" },
      { "x-goog-upload-content-type": "text/plain", "content-type": "application/octet-stream" },
      { "x-goog-upload-header-content-type": "text/plain" },
    ];
    for (const [at, headers] of ways.entries()) {
      const query = isGemini ? "" : `?name=a${at}`;
      const reply = await context.proxy.fetch(
        new Request(to + query, {
          method: "POST",
          headers: { "x-goog-upload-protocol": "raw", ...headers },
          body: new TextEncoder().encode("hello"),
        }),
      );
      const result = await reply.clone().json();
      assertEquals((result.file ?? result)[isGemini ? "mimeType" : "contentType"], "text/plain");
      assertEquals(await said(reply), "200 final at 5");
    }
  });

  Deno.test(`${where}: multipart is a file and its metadata in one request`, async () => {
    const context = geminiSetup({
      authorize: () => ({ prefix: "", ...(isGemini && { backend: "gemini" }) }),
    });
    const metadata = isGemini ? { file: { displayName: "a" } } : { name: "a" };
    const { headers, body } = multipart(metadata, "hello");
    const reply = await context.proxy.fetch(
      new Request(to, {
        method: "POST",
        headers: { "x-goog-upload-protocol": "multipart", ...headers },
        body,
      }),
    );
    const result = await reply.clone().json();
    assertEquals((result.file ?? result)[isGemini ? "displayName" : "name"], "a");
    assertEquals(await said(reply), "200 final at 5");
  });

  Deno.test(`${where}: a client may change its protocol on the way`, async () => {
    const context = geminiSetup();
    const bytes = sample(3 * g + 7);
    const url = await begun(context, { to });
    await command(context, url, "upload", { offset: 0, body: bytes.subarray(0, g) });
    const put = await ask(context, url, {
      method: "PUT",
      headers: { "content-range": `bytes ${g}-${2 * g - 1}/*` },
      body: bytes.subarray(g, 2 * g),
    });
    assertEquals([put.status, put.headers.get("range")], [308, `bytes=0-${2 * g - 1}`]);
    const patched = await patch(context, url, 2 * g, bytes.subarray(2 * g, 3 * g));
    assertEquals([patched.status, patched.headers.get("upload-offset")], [204, String(3 * g)]);
    assertEquals(await said(await command(context, url, "query")), `200 active at ${3 * g}`);
    const last = { offset: 3 * g, body: bytes.subarray(3 * g) };
    assertEquals(
      await said(await command(context, url, "upload, finalize", last)),
      `200 final at ${3 * g + 7}`,
    );
    assertStored(context, bytes, isGemini);
  });
}

Deno.test("a 503 of the backend is active, so that the client asks; what it refuses for good is final", async () => {
  const context = setup();
  const url = await begun(context, { size: 5 });
  context.gcs.inject({ on: "final", status: 503 });
  const last = { offset: 0, body: sample(5) };
  assertEquals(await stands(await command(context, url, "upload, finalize", last)), "503 active");
  await ask(context, "?uploadType=media&name=a", { body: "other" });
  assertEquals(await stands(await command(context, url, "upload, finalize", last)), "412 final");
});

Deno.test("where only the backend's reply to the last bytes was lost, the client hears of its object", async () => {
  const context = setup();
  const url = await begun(context, { size: 5 });
  context.gcs.inject({ on: "final", drop: "after" });
  const last = { offset: 0, body: sample(5) };
  const reply = await command(context, url, "upload, finalize", last);
  assertEquals([reply.status, reply.headers.get("x-goog-upload-status")], [200, "final"]);
  assertEquals((await reply.json()).size, "5");
  assertEquals(context.gcs.objects.length, 1);
});

Deno.test("a checksum that differs is refused for good, and no object is there", async () => {
  const context = setup();
  const url = await begun(context);
  const reply = await command(context, url, "upload, finalize", {
    offset: 0,
    body: sample(5),
    headers: { "x-goog-hash": "crc32c=AAAAAA==" },
  });
  assertEquals(await stands(reply), "400 final");
  assertEquals(context.gcs.objects.length, 0);
});

Deno.test("onFinish is awaited: when it fails, the upload is active, and a query tries again", async () => {
  let failures = 1;
  const context = setup({
    onFinish() {
      if (failures-- > 0) throw new Error("the database is down");
    },
  });
  const url = await begun(context);
  const last = { offset: 0, body: sample(5) };
  assertEquals(await stands(await command(context, url, "upload, finalize", last)), "503 active");
  assertEquals(await said(await command(context, url, "query")), "200 final at 5");
});

Deno.test("onRequest is asked before each command, and its refusal is the answer", async () => {
  const events: string[] = [];
  const context = setup({
    onRequest({ event }) {
      events.push(event);
      if (event !== "start") throw new HttpError(403, "forbidden", "No more");
    },
  });
  const url = await begun(context);
  for (const words of ["query", "upload", "upload, finalize", "finalize", "cancel"]) {
    const body = words.includes("upload") ? sample(Q) : undefined;
    assertEquals(
      await stands(await command(context, url, words, { offset: 0, body })),
      "403 final",
    );
  }
  assertEquals(events, ["start", "status", "chunk", "chunk", "finish", "cancel"]);
});

Deno.test("a page may send and read what its clients need, Google's own too", async () => {
  const context = setup({ allowedOrigins: ["https://app.example"] });
  const origin = { origin: "https://app.example" };
  const preflight = await ask(context, UPLOAD, { method: "OPTIONS", headers: origin, grant: null });
  const list = (reply: Response, name: string) => reply.headers.get(name)!.split(", ");
  const allowed = list(preflight, "access-control-allow-headers");
  const sent = ["x-goog-api-key", "x-goog-api-client", "user-agent", "x-goog-upload-command"];
  for (const name of ["file-name", "header-content-length", "header-content-type", "offset"]) {
    sent.push(`x-goog-upload-${name}`);
  }
  sent.push("x-goog-upload-protocol", "x-goog-upload-raw-size", "x-goog-upload-content-type");
  assertEquals(sent.filter((name) => !allowed.includes(name)), []);
  const reply = await begin(context, { headers: origin });
  const exposed = list(reply, "access-control-expose-headers");
  const read = ["url", "control-url", "status", "size-received", "chunk-granularity"];
  assertEquals(read.filter((name) => !exposed.includes(`x-goog-upload-${name}`)), []);
});

Deno.test("Photos' spelling of size and type is understood; two that differ are not", async () => {
  const context = setup();
  const headers = { "x-goog-upload-raw-size": "5", "x-goog-upload-content-type": "image/png" };
  const url = await begun(context, { headers });
  assertEquals(
    await stands(
      await command(context, url, "upload, finalize", { offset: 0, body: sample(6) }),
    ),
    "413 final",
  );
  await command(context, url, "upload, finalize", { offset: 0, body: sample(5) });
  assertEquals(context.gcs.get("my-bucket", "a")!.contentType, "image/png");
  assertEquals(await stands(await begin(context, { size: 6, headers })), "400 final");
});

const unknown: readonly [what: string, words: string, headers?: Record<string, string>][] = [
  ["no command", ""],
  ["start on a session", "start"],
  ["a command twice", "upload, upload"],
  ["commands in another order", "finalize, upload"],
  ["upload and query", "upload, query"],
  ["everything", "start, upload, finalize, query, cancel"],
  ["a word that objects inherit", "constructor"],
  ["a very long word", "x".repeat(10_000)],
  ["an empty word", "upload,,finalize"],
];

for (const [what, words, headers] of unknown) {
  Deno.test(`a command that is none is refused, and does nothing: ${what}`, async () => {
    const context = setup();
    const url = await begun(context);
    const before = context.sent.length;
    const reply = await command(context, url, words, {
      offset: 0,
      body: sample(5),
      headers: { "x-goog-upload-protocol": "resumable", ...headers },
    });
    const words_ = await said(reply);
    assertMatch(words_, /^400 active: X-Goog-Upload-Command/);
    assert(words_.length < 400, words_);
    assertEquals(context.sent.length, before);
  });
}

for (
  const [what, headers] of [
    ["no protocol", { "x-goog-upload-command": "start" }],
    ["an unknown protocol", { "x-goog-upload-protocol": "bits" }],
    ["a session with another command", {
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "upload",
    }],
    ["raw with a command", {
      "x-goog-upload-protocol": "raw",
      "x-goog-upload-command": "upload, finalize",
    }],
  ] as [string, Record<string, string>][]
) {
  Deno.test(`a start that is none is refused for good: ${what}`, async () => {
    const context = setup({ authorize: () => ({ prefix: "" }) });
    const request = new Request(`${UPLOAD}?name=a`, { method: "POST", headers, body: "x" });
    assertEquals(await stands(await context.proxy.fetch(request)), "400 final");
    assertEquals(context.sent.length, 0);
  });
}

for (const offset of ["-1", "1e3", "0x10", " ", "1.5", "9".repeat(400)]) {
  Deno.test(`an offset that is none is refused: "${offset.slice(0, 20)}"`, async () => {
    const context = setup();
    const url = await begun(context);
    for (const words of ["upload", "finalize"]) {
      const headers = { "x-goog-upload-offset": offset };
      const body = words === "upload" ? sample(Q) : undefined;
      assertEquals(
        await stands(await command(context, url, words, { body, headers })),
        "400 active",
      );
    }
    assertEquals(context.sent.length, 1);
  });
}

Deno.test("bytes without an offset are refused, and bytes with finalize alone", async () => {
  const context = setup();
  const url = await begun(context);
  assertEquals(
    await stands(await command(context, url, "upload", { body: sample(Q) })),
    "400 active",
  );
  for (const isChunked of [false, true]) {
    const reply = await command(context, url, "finalize", { body: sample(5), isChunked });
    assertMatch(await stands(reply), /^4(?:00 active|13 final)$/);
  }
  assertEquals(context.gcs.objects.length, 0);
});

Deno.test("another method than POST or PUT is refused", async () => {
  const context = setup();
  const url = await begun(context);
  for (const method of ["GET", "PATCH", "DELETE"]) {
    const headers = { "x-goog-upload-command": "query" };
    const reply = await context.proxy.fetch(new Request(url, { method, headers }));
    assertEquals(await stands(reply), "405 final");
  }
  assertEquals(await stands(await command(context, url, "query")), "200 active at 0");
});

Deno.test("a session that is none, has ended or is too long is refused for good", async () => {
  let now = Date.now();
  const context = setup({ now: () => now });
  const url = await begun(context);
  now += 8 * 86_400_000;
  assertEquals(await stands(await command(context, url, "query")), "410 final");
  const unknown = `${UPLOAD}?upload_id=${"A".repeat(20_000)}`;
  assertEquals(await stands(await command(context, unknown, "query")), "404 final");
});

Deno.test("bytes beyond what a ticket allows are refused while they come", async () => {
  const context = setup();
  const url = await begun(context, { grant: { prefix: "", maxBytes: 1000 } });
  for (const body of [sample(1001), inPieces(sample(1001), 300)]) {
    const reply = await command(context, url, "upload, finalize", { offset: 0, body });
    assertEquals(await stands(reply), "413 final");
  }
  assertEquals(context.gcs.objects.length, 0);
});

Deno.test("keys of the client's own and packed bytes are refused", async () => {
  const context = setup();
  const keys = { "x-goog-encryption-key": "a" };
  assertEquals(await stands(await begin(context, { headers: keys })), "400 final");
  const url = await begun(context);
  const headers = { "content-encoding": "gzip" };
  const reply = await command(context, url, "upload, finalize", {
    offset: 0,
    body: sample(5),
    headers,
  });
  assertEquals(await stands(reply), "415 final");
});

Deno.test("Firebase's clients start below a path of their own, with a word of their own for a token", async () => {
  const context = setup();
  const ticket = (await bearer({ name: "a" })).replace("Bearer", "Firebase");
  const start = (authorization: string, path = "/v0/b/my-bucket/o") =>
    ask(context, `${ORIGIN}${path}?name=a`, {
      grant: null,
      headers: {
        authorization,
        "content-type": "application/json; charset=utf-8",
        "x-firebase-storage-version": "webjs/0",
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": "5",
        "x-goog-upload-header-content-type": "image/png",
      },
      body: JSON.stringify({ name: "a", contentType: "image/png" }),
    });
  const reply = await start(ticket);
  const url = reply.headers.get("x-goog-upload-url")!;
  assertEquals(new URL(url).pathname, "/v0/b/my-bucket/o");
  const last = { offset: 0, body: sample(5) };
  assertEquals(
    await stands(await command(context, url, "upload, finalize", last)),
    "200 final at 5",
  );
  assertStored(context, sample(5));
  const others = [
    await start("Firebase nobody"),
    await start(ticket.replace("Firebase", "Basic")),
    await start(ticket, "/v0/b/other-bucket/o"),
    await ask(context, `${ORIGIN}/v0/b/my-bucket/o/a`, { method: "GET", grant: null }),
  ];
  assertEquals(others.map(({ status }) => status), [401, 401, 403, 404]);
});
