// Which requests are given a token, and what follows when a server refuses one.

import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { ResumableUpload } from "../../mod.ts";
import {
  apiKeyTransport,
  staticTokenTransport,
  type Transport,
  UploadError,
} from "../../src/auth/mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { assertNoSecret, failure, fakeFetch, OBJECTS } from "./helpers.ts";

const TOKEN = "ya29.SECRET";

/** A source of a new token each time: "token-1", "token-2" … */
const counting = () => {
  let count = 0;
  return () => `token-${++count}`;
};

/** A URL, and whether it is sent the token: by default, or with some origins named. */
const WHERE: [url: string, sent: boolean, origins?: string[]][] = [
  ["https://storage.googleapis.com/upload/storage/v1/b/a/o?uploadType=resumable", true],
  ["https://www.googleapis.com/upload/storage/v1/b/a/o", true],
  ["https://storage.us-central1.rep.googleapis.com/a", true],
  ["https://my-bucket.storage.googleapis.com/a", true],
  ["https://STORAGE.googleapis.com:443/a", true],
  ["http://storage.googleapis.com/a", false],
  ["https://storage.googleapis.com:8443/a", false],
  ["https://storage.googleapis.com./a", false],
  ["https://googleapis.com/a", false],
  ["https://evilgoogleapis.com/a", false],
  ["https://storage.googleapis.com.example.com/a", false],
  ["https://example.com/storage.googleapis.com", false],
  ["https://example.com/?to=https://storage.googleapis.com", false],
  ["https://storage.googleapis.com@example.com/a", false],
  ["https://example.com#@storage.googleapis.com/", false],
  ["https://storage.googleapis.com%2eexample.com/a", false],
  ["https:\\\\example.com\\@storage.googleapis.com/a", false],
  ["http://metadata.google.internal/a", false],
  ["//storage.googleapis.com/a", false],
  ["/upload/storage/v1/b/a/o", false],
  ["data:text/plain,a", false],
  ["http://127.0.0.1:8085/a", true, ["http://127.0.0.1:8085"]],
  ["http://127.0.0.1:8085/a", true, ["http://127.0.0.1:8085/"]],
  ["http://127.0.0.1:8086/a", false, ["http://127.0.0.1:8085"]],
  ["https://storage.googleapis.com/a", false, ["http://127.0.0.1:8085"]],
  ["https://storage.googleapis.com/a", true, ["https://storage.googleapis.com"]],
  ["https://www.googleapis.com/a", false, ["https://storage.googleapis.com"]],
  ["https://gcs.example.com/a", true, ["https://*.example.com", "https://*.googleapis.com"]],
  ["https://storage.googleapis.com/a", true, ["https://a.example", "https://*.googleapis.com"]],
  ["https://example.com/a", false, ["https://*.example.com"]],
  ["http://gcs.example.com/a", false, ["https://*.example.com"]],
  ["https://storage.googleapis.com/a", false, []],
];

for (const [url, sent, origins] of WHERE) {
  const named = origins ? ` with origins ${JSON.stringify(origins)}` : "";
  Deno.test(`${url} is sent ${sent ? "the" : "no"} token${named}`, async () => {
    const { fetch, tokens, seen } = fakeFetch();
    await staticTokenTransport(TOKEN, { fetch, origins })(url, { method: "POST" });
    assertEquals([tokens(), seen[0].url], [[sent ? TOKEN : undefined], url]);
  });
}

const BAD_ORIGINS: unknown[] = [
  "https://storage.googleapis.com",
  ["storage.googleapis.com"],
  ["*"],
  ["https://*"],
  ["https://*.com"],
  ["https://*.example.com:8443"],
  ["https://a.*.example.com"],
  ["https://a*.example.com"],
  ["http://*.example.com"],
  ["https://example.com/path"],
  ["https://example.com?a"],
  ["https://user@example.com"],
  ["ftp://example.com"],
  [7],
];

for (const origins of BAD_ORIGINS) {
  Deno.test(`origins cannot be ${JSON.stringify(origins)}`, async () => {
    const options = { origins: origins as string[] };
    const error = await failure(() => staticTokenTransport(TOKEN, options));
    assertInstanceOf(error, TypeError);
    assert(error.message.startsWith("origins: expected"), error.message);
  });
}

/** Requests that are allowed already. */
const ALLOWED: [what: string, url: string, headers: Record<string, string>][] = [
  ["a session URL", `${OBJECTS}?uploadType=resumable&upload_id=A`, {}],
  ["a signed URL", `${OBJECTS}?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=0a`, {}],
  ["a signed URL in lower case", `${OBJECTS}?x-goog-signature=0a`, {}],
  ["an old signed URL", `${OBJECTS}?GoogleAccessId=a&Expires=1&Signature=a`, {}],
  ["an access token in the URL", `${OBJECTS}?access_token=a`, {}],
  ["a chunk", OBJECTS, { "content-range": "bytes 0-0/1" }],
  ["a status query", OBJECTS, { "Content-Range": "bytes */*" }],
  ...["upload", "upload, finalize", "query", "cancel", "Finalize", ""].map((
    command,
  ): [string, string, Record<string, string>] => [
    `the command "${command}" of an open session`,
    OBJECTS,
    { "X-Goog-Upload-Command": command },
  ]),
];

for (const [what, url, headers] of ALLOWED) {
  Deno.test(`no token is sent where none is needed: ${what}`, async () => {
    const { fetch, seen } = fakeFetch(() => new Response(null, { status: 401 }));
    const init = { method: "PUT", headers, body: "a" };
    const reply = await staticTokenTransport(counting(), { fetch })(url, init);
    assertEquals([reply.status, seen.length, seen[0].token], [401, 1, undefined]);
    assertStrictEquals(seen[0].init, init); // 308 stays readable in browsers: `redirect` is not touched
  });
}

for (const command of ["start", "START", "start, upload, finalize", "upload , start"]) {
  Deno.test(`a session is started with the token: the command "${command}"`, async () => {
    const { fetch, tokens } = fakeFetch();
    const headers = { "X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": command };
    await staticTokenTransport(TOKEN, { fetch })(OBJECTS, { method: "POST", headers });
    assertEquals(tokens(), [TOKEN]);
  });
}

Deno.test("a 401 of an origin that gets no token says that it got none, and why", async () => {
  let cancelled = false;
  const body = new ReadableStream({ cancel: () => void (cancelled = true) });
  const { fetch, seen } = fakeFetch(() => new Response(body, { status: 401 }));
  const transport = staticTokenTransport(TOKEN, { fetch });
  const error = await failure(transport("https://gcs.example.com/upload/storage/v1/b/a/o", {}));
  assert(error instanceof UploadError, String(error));
  assertEquals([error.code, error.status, seen.length], ["rejected", 401, 1]);
  assert(cancelled, "the reply is let go of");
  assertEquals(
    error.message,
    'Cannot send a request with credentials: expected one of the origins that get them (the option "origins"), ' +
      "got https://gcs.example.com, which answered 401 without",
  );
});

for (const status of [200, 308, 400, 403, 404, 503]) {
  Deno.test(`a ${status} of an origin that gets no token is handed on as it is`, async () => {
    const response = new Response(null, { status });
    const { fetch } = fakeFetch(() => response);
    const transport = staticTokenTransport(TOKEN, { fetch });
    assertStrictEquals(await transport("https://gcs.example.com/", {}), response);
  });
}

/** A body that is made while it is sent, and whether anybody has taken from it or given it up. */
function streamed() {
  const touched: string[] = [];
  const body = new ReadableStream({
    pull(controller) {
      touched.push("pull");
      controller.enqueue(new Uint8Array([97]));
      controller.close();
    },
    cancel: () => void touched.push("cancel"),
  }, { highWaterMark: 0 });
  return { body, touched };
}

/** Every kind of transport, with a `fetch` and an origin that gets what it adds. */
const TRANSPORTS: [what: string, make: (fetch: Transport) => Transport, url: string][] = [
  ["a token", (fetch) => staticTokenTransport(TOKEN, { fetch }), OBJECTS],
  ["tokens in turn", (fetch) => staticTokenTransport(counting(), { fetch }), OBJECTS],
  [
    "a key",
    (fetch) => apiKeyTransport("AIzaSECRET", { fetch }),
    "https://generativelanguage.googleapis.com/upload/v1beta/files",
  ],
];

for (const [what, make, url] of TRANSPORTS) {
  for (const redirect of ["error", "manual"] as const) {
    Deno.test(`a streamed body goes through a transport with ${what} untouched, with redirect: ${redirect}`, async () => {
      const { body, touched } = streamed();
      const headers = { "content-length": "1", "x-goog-hash": "crc32c=AAAAAA==" };
      const init = { method: "PUT", headers, body, duplex: "half", redirect, window: null };
      const sent: [string, RequestInit][] = [];
      const transport = make((input, init) => {
        sent.push([input, init]);
        return Promise.resolve(new Response(null, { status: 401 }));
      });
      assertEquals((await transport(url, init as RequestInit)).status, 401);
      assertEquals([sent.length, sent[0][0], touched, body.locked], [1, url, [], false]);
      const { headers: added, ...rest } = sent[0][1];
      assertStrictEquals(rest.body, body);
      const { headers: _, ...given } = init;
      assertEquals(rest as unknown, given);
      const kept = [...new Headers(added)].filter(([name]) => name in headers);
      assertEquals(Object.fromEntries(kept), headers);
    });
  }

  Deno.test(`a streamed body of a session goes through a transport with ${what} as it is`, async () => {
    const { body, touched } = streamed();
    const headers = { "content-range": "bytes 0-0/1", "content-length": "1" };
    const init = { method: "PUT", headers, body, duplex: "half", redirect: "error" } as RequestInit;
    const sent: RequestInit[] = [];
    const transport = make((_, init) => {
      sent.push(init);
      return Promise.resolve(new Response(null, { status: 401 }));
    });
    assertEquals((await transport(url, init)).status, 401);
    assertEquals([sent.length, sent[0] === init, touched], [1, true, []]);
  });
}

Deno.test("an error of fetch that repeats the token does not come out with it", async () => {
  const secret = "0123-secret-token";
  const config = { headers: { authorization: `Bearer ${secret}` } };
  const { fetch } = fakeFetch(() =>
    Promise.reject(Object.assign(new TypeError(`cannot send ${secret}`), { config }))
  );
  const error = await failure(staticTokenTransport(secret, { fetch })(OBJECTS, {}));
  assertEquals(String(error), "TypeError: cannot send …");
  assertNoSecret(error, secret);
});

Deno.test("the reason of an abort is handed on as it is, whatever it says", async () => {
  const reason = new RangeError(`enough of ${TOKEN}`);
  const abort = new AbortController();
  const { fetch } = fakeFetch(() => {
    abort.abort(reason);
    return Promise.reject(reason);
  });
  const { signal } = abort;
  assertStrictEquals(
    await failure(staticTokenTransport(TOKEN, { fetch })(OBJECTS, { signal })),
    reason,
  );
});

for (const value of ["Bearer mine", "Basic bWluZQ==", ""]) {
  Deno.test(`an Authorization header of the caller is left alone: ${JSON.stringify(value)}`, async () => {
    const { fetch, seen } = fakeFetch(() => new Response(null, { status: 401 }));
    const headers = { AUTHORIZATION: value };
    const reply = await staticTokenTransport(counting(), { fetch })(OBJECTS, { headers });
    assertEquals([reply.status, seen.length], [401, 1]);
    assertEquals(seen[0].headers.get("authorization"), value);
  });
}

Deno.test("everything else about a request is as the caller made it, and the caller's object is untouched", async () => {
  const { fetch, seen } = fakeFetch();
  const { signal } = new AbortController();
  const headers = new Headers({ "x-goog-hash": "crc32c=AAAAAA==" });
  const init = Object.freeze({ method: "POST", headers, body: "text", signal });
  await staticTokenTransport(TOKEN, { fetch })(OBJECTS, init);
  assertEquals([...headers.keys()], ["x-goog-hash"]);
  assertEquals(seen[0].text, "text");
  assertStrictEquals(seen[0].init.signal, signal);
  assertEquals([...seen[0].headers], [
    ["authorization", `Bearer ${TOKEN}`],
    ["x-goog-hash", "crc32c=AAAAAA=="],
  ]);
});

/** A body, and whether it can be sent again. */
const BODIES: [what: string, make: () => BodyInit | null | undefined, repeated: boolean][] = [
  ["no body", () => undefined, true],
  ["null", () => null, true],
  ["a string", () => "body", true],
  ["an empty string", () => "", true],
  ["bytes", () => new Uint8Array([1, 2, 3]), true],
  ["an ArrayBuffer", () => new ArrayBuffer(3), true],
  ["a view", () => new DataView(new ArrayBuffer(3)), true],
  ["a Blob", () => new Blob(["body"]), true],
  ["a stream", () => new Blob(["body"]).stream(), false],
  ["a form", () => new FormData(), false],
];

for (const [what, make, repeated] of BODIES) {
  Deno.test(`after a 401 a request with ${what} is ${repeated ? "sent once more" : "not repeated"}`, async () => {
    const { fetch, seen, tokens } = fakeFetch((_, index) =>
      index === 0 ? new Response("expired", { status: 401 }) : new Response("ok")
    );
    const transport = staticTokenTransport(counting(), { fetch });
    const body = make();
    const init: RequestInit = { method: "POST", ...(body !== undefined && { body }) };
    const reply = await transport(OBJECTS, init);
    assertEquals(await reply.text(), repeated ? "ok" : "expired");
    assertEquals(tokens(), repeated ? ["token-1", "token-2"] : ["token-1"]);
    if (repeated) assertEquals(seen[1].text, seen[0].text);
  });
}

Deno.test("a request is repeated once, whatever the second answer is", async () => {
  const { fetch, tokens } = fakeFetch((_, index) => new Response(`${index}`, { status: 401 }));
  const reply = await staticTokenTransport(counting(), { fetch })(OBJECTS, {});
  assertEquals([reply.status, await reply.text(), tokens().length], [401, "1", 2]);
});

Deno.test("a request is not repeated with the token that was refused", async () => {
  const { fetch, tokens } = fakeFetch(() => new Response("expired", { status: 401 }));
  const reply = await staticTokenTransport(TOKEN, { fetch })(OBJECTS, {});
  assertEquals([await reply.text(), tokens()], ["expired", [TOKEN]]);
});

for (const status of [200, 201, 308, 400, 403, 404, 412, 429, 500, 503]) {
  Deno.test(`a ${status} is handed on as it is`, async () => {
    const response = new Response(null, { status, headers: { a: "b" } });
    const { fetch, seen } = fakeFetch(() => response);
    assertStrictEquals(await staticTokenTransport(TOKEN, { fetch })(OBJECTS, {}), response);
    assertEquals(seen.length, 1);
  });
}

Deno.test("the refused reply is let go of before the request is repeated", async () => {
  let cancelled = false;
  const body = new ReadableStream({ cancel: () => void (cancelled = true) });
  const { fetch } = fakeFetch((_, index) => {
    assertEquals(cancelled, index === 1);
    return index === 0 ? new Response(body, { status: 401 }) : new Response("ok");
  });
  assertEquals((await staticTokenTransport(counting(), { fetch })(OBJECTS, {})).status, 200);
});

Deno.test("when there is no other token after a 401, that is the error, and the reply is let go of", async () => {
  let cancelled = false;
  const body = new ReadableStream({ cancel: () => void (cancelled = true) });
  const { fetch } = fakeFetch(() => new Response(body, { status: 401 }));
  const down = new UploadError("unavailable", "down");
  const tokens = [() => "a", () => Promise.reject(down)];
  const transport = staticTokenTransport(() => tokens.shift()!(), { fetch });
  assertStrictEquals(await failure(transport(OBJECTS, {})), down);
  assert(cancelled);
});

Deno.test("an abort while the token is on its way rejects at once, and nothing is sent", async () => {
  const { fetch, seen } = fakeFetch();
  const abort = new AbortController();
  const transport = staticTokenTransport(() => new Promise(() => {}), { fetch });
  const sending = failure(transport(OBJECTS, { signal: abort.signal }));
  const reason = new RangeError("enough");
  abort.abort(reason);
  assertStrictEquals(await sending, reason);
  assertEquals(seen, []);
});

Deno.test("an abort while another token is on its way rejects at once", async () => {
  const { fetch, seen } = fakeFetch(() => new Response(null, { status: 401 }));
  const abort = new AbortController();
  const reason = new RangeError("enough");
  const tokens = [() => "a", () => {
    queueMicrotask(() => abort.abort(reason));
    return new Promise<string>(() => {});
  }];
  const transport = staticTokenTransport(() => tokens.shift()!(), { fetch });
  assertStrictEquals(await failure(transport(OBJECTS, { signal: abort.signal })), reason);
  assertEquals(seen.length, 1);
});

Deno.test("a transport that rejects is handed on as it is, and not repeated", async () => {
  const down = new TypeError("connection reset");
  const { fetch, seen } = fakeFetch(() => Promise.reject(down));
  assertStrictEquals(await failure(staticTokenTransport(TOKEN, { fetch })(OBJECTS, {})), down);
  assertEquals(seen.length, 1);
});

for (const redirect of [undefined, "follow", "manual"] as const) {
  Deno.test(`a redirect is not followed with a token, with redirect: ${redirect}`, async () => {
    const { fetch, seen } = fakeFetch(() => Response.redirect("https://example.com/", 307));
    const transport = staticTokenTransport(TOKEN, { fetch });
    const init: RequestInit = { method: "POST", body: "a", ...(redirect && { redirect }) };
    const reply = await transport(OBJECTS, init);
    assertEquals([reply.status, seen.length, seen[0].init.redirect], [307, 1, "manual"]);
  });
}

Deno.test("redirect: error stays what it is", async () => {
  const { fetch, seen } = fakeFetch();
  await staticTokenTransport(TOKEN, { fetch })(OBJECTS, { redirect: "error" });
  assertEquals(seen[0].init.redirect, "error");
});

Deno.test("a redirect that a browser hides is a clear error", async () => {
  const hidden = new Response(null);
  Object.defineProperty(hidden, "type", { value: "opaqueredirect" });
  const { fetch } = fakeFetch(() => hidden);
  const error = await failure(staticTokenTransport(TOKEN, { fetch })(OBJECTS, {}));
  assertEquals(error instanceof UploadError && error.code, "invalid_response");
  assertNoSecret(error, TOKEN);
});

/** A server on this machine that notes the tokens it gets. */
function serve(answer: (request: Request) => Response) {
  const tokens: (string | null)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    tokens.push(request.headers.get("authorization"));
    await request.arrayBuffer();
    return answer(request);
  });
  return { origin: `http://127.0.0.1:${server.addr.port}`, tokens, close: () => server.shutdown() };
}

for (const status of [301, 302, 303, 307, 308]) {
  Deno.test(`over a connection, a ${status} takes the token nowhere`, async () => {
    const elsewhere = serve(() => new Response("ok"));
    const here = serve(() => Response.redirect(`${elsewhere.origin}/`, status));
    const same = serve(({ url }) =>
      new URL(url).pathname === "/"
        ? new Response("ok")
        : Response.redirect(new URL("/", url), status)
    );
    try {
      const origins = [here.origin, same.origin];
      const transport = staticTokenTransport(TOKEN, { origins });
      for (const { origin } of [here, same]) {
        const reply = await transport(`${origin}/a`, { method: "POST", body: "a" });
        assertEquals(reply.status, status);
        await reply.body?.cancel();
      }
      assertEquals(here.tokens, [`Bearer ${TOKEN}`]);
      assertEquals(same.tokens, [`Bearer ${TOKEN}`]);
      assertEquals(elsewhere.tokens, []);
    } finally {
      await Promise.all([here, same, elsewhere].map(({ close }) => close()));
    }
  });
}

Deno.test("a resumable upload needs the token once, to start its session", async () => {
  const gcs = new GcsEmulator();
  const { fetch, seen } = fakeFetch();
  const transport = staticTokenTransport(TOKEN, {
    fetch: async (input, init) => {
      await fetch(input, { ...init, body: null });
      return await gcs.fetch(input, init);
    },
  });
  const upload = new ResumableUpload(`${OBJECTS}?uploadType=resumable&name=a`, 262_144);
  await upload.initiate(transport, new Uint8Array(600_000), {}, "a/b");
  while (!upload.finished) await upload.transmitNextChunk(transport);
  assertEquals(seen.map(({ token }) => token), [TOKEN, undefined, undefined, undefined]);
});

Deno.test("a session URL of another host is not sent the token", async () => {
  const { fetch, seen } = fakeFetch((_, index) =>
    index === 0
      ? new Response(null, { headers: { location: "https://example.com/session" } })
      : Response.json({ size: "3" })
  );
  const transport = staticTokenTransport(TOKEN, { fetch });
  const upload = new ResumableUpload(`${OBJECTS}?uploadType=resumable&name=a`, 262_144);
  await upload.initiate(transport, new Uint8Array(3), {}, "a/b");
  await upload.cancel(transport).catch(() => {});
  assertEquals(seen.map(({ url, token }) => [new URL(url).host, token]), [
    ["storage.googleapis.com", TOKEN],
    ["example.com", undefined],
  ]);
});
