// A signed assertion is exchanged for a token: its claims, where it may be sent, retries, and errors without secrets.

import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { jwtVerify } from "jose";
import {
  type RetryEvent,
  type ServiceAccountOptions,
  serviceAccountTransport,
  type Transport,
  UploadError,
} from "../../src/auth/mod.ts";
import { type FakeClock, fakeClock } from "../support/fake_clock.ts";
import {
  assertNoSecret,
  EMAIL,
  failure,
  fakeFetch,
  KEY_ID,
  OBJECTS,
  type Seen,
  testKey,
  TOKEN_URI,
} from "./helpers.ts";

const TOKEN = "ya29.SECRET";
const granted = (members: Record<string, unknown> = {}): Response =>
  Response.json({ access_token: TOKEN, expires_in: 3599, token_type: "Bearer", ...members });
const refused = (status: number, error: string, error_description?: string): Response =>
  Response.json({ error, error_description }, { status });

type Answer = Response | ((seen: Seen, clock: FakeClock) => Response | Promise<Response>);

/** A transport whose token server gives the answers in turn, the last one for ever; all else is "ok". */
async function withTokenServer(
  answers: Answer[],
  options: ServiceAccountOptions = {},
  key: Record<string, unknown> = {},
): Promise<{ transport: Transport; asked: Seen[]; clock: FakeClock; tokens: () => unknown[] }> {
  const { credentials } = await testKey();
  const clock = fakeClock();
  const asked: Seen[] = [];
  const { fetch, tokens } = fakeFetch((seen) => {
    if (seen.url.startsWith(OBJECTS)) return new Response("ok");
    asked.push(seen);
    const answer = answers.length > 1 ? answers.shift()! : answers[0];
    return typeof answer === "function" ? answer(seen, clock) : answer.clone();
  });
  const transport = serviceAccountTransport({ ...credentials, ...key }, {
    token: "oauth",
    fetch,
    clock,
    ...options,
  });
  return { transport, asked, clock, tokens: () => tokens().filter((token) => token !== undefined) };
}

const assertionOf = ({ text }: Seen) => new URLSearchParams(text).get("assertion")!;

/** The error of a request for which there was no token, searched for secrets. */
async function refusal(transport: Transport, asked: Seen[]): Promise<UploadError> {
  const error = await failure(transport(OBJECTS, {}));
  assertInstanceOf(error, UploadError);
  const assertions = asked.flatMap((seen) => [seen.text, ...assertionOf(seen).split(".")]);
  const [, key] = (await testKey()).credentials.private_key.split("\n");
  assertNoSecret(error, "SECRET", "eyJ", key, ...assertions);
  return error;
}

Deno.test("an assertion is exchanged for a token by a form, and no redirect is followed", async () => {
  const { transport, asked, tokens } = await withTokenServer([granted()]);
  await transport(OBJECTS, {});
  const [{ url, method, headers, text, init }] = asked;
  assertEquals([url, method, init.redirect], [TOKEN_URI, "POST", "manual"]);
  assertEquals([...headers], [["content-type", "application/x-www-form-urlencoded"]]);
  const form = [...new URLSearchParams(text)];
  assertEquals(form.map(([name]) => name), ["grant_type", "assertion"]);
  assertEquals(form[0][1], "urn:ietf:params:oauth:grant-type:jwt-bearer");
  assertEquals(tokens(), [TOKEN]);
});

Deno.test("an assertion has the token endpoint as audience, the scope, and no subject", async () => {
  const { transport, asked, clock } = await withTokenServer([granted()], { scopes: ["a", "b"] });
  await transport(OBJECTS, {});
  const { publicKey } = await testKey();
  const now = clock.now() / 1000;
  const currentDate = new Date(clock.now());
  const { payload, protectedHeader } = await jwtVerify(assertionOf(asked[0]), publicKey, {
    currentDate,
  });
  assertEquals(payload, {
    iss: EMAIL,
    aud: TOKEN_URI,
    scope: "a b",
    iat: now - 60,
    exp: now + 3540,
  });
  assertEquals(protectedHeader, { alg: "RS256", typ: "JWT", kid: KEY_ID });
});

for (const token of [undefined, "oauth"] as const) {
  Deno.test(`an assertion can speak for a user, with token: ${token}`, async () => {
    const options = { subject: "ada@example.com", token };
    const { transport, asked, clock } = await withTokenServer([granted()], options);
    await transport(OBJECTS, {});
    const { publicKey } = await testKey();
    const currentDate = new Date(clock.now());
    const { payload } = await jwtVerify(assertionOf(asked[0]), publicKey, { currentDate });
    assertEquals([payload.iss, payload.sub], [EMAIL, "ada@example.com"]);
  });
}

Deno.test("an assertion does without a key ID", async () => {
  const key = { private_key_id: undefined };
  const { transport, asked } = await withTokenServer([granted()], {}, key);
  await transport(OBJECTS, {});
  const { publicKey } = await testKey();
  const currentDate = new Date(fakeClock().now());
  const { protectedHeader } = await jwtVerify(assertionOf(asked[0]), publicKey, { currentDate });
  assertEquals(protectedHeader, { alg: "RS256", typ: "JWT" });
});

const STORAGE = "https://storage.googleapis.com";

/** Where a key wants its assertions to go, with the origins that are named, and whether they may. */
const TOKEN_URIS: [uri: string | undefined, origins: string[] | undefined, allowed: boolean][] = [
  [undefined, undefined, true],
  ["https://accounts.google.com/o/oauth2/token", undefined, true],
  ["https://www.googleapis.com/oauth2/v4/token", undefined, true],
  ["https://oauth2.googleapis.com/token", [STORAGE], true],
  ["http://127.0.0.1:8085/token", ["http://127.0.0.1:8085", STORAGE], true],
  ["http://127.0.0.1:8085/token", undefined, false],
  ["http://oauth2.googleapis.com/token", undefined, false],
  ["https://oauth2.googleapis.com.example.com/token", undefined, false],
  ["https://oauth2.googleapis.com@example.com/token", undefined, false],
  ["https://example.com/token", ["https://a.example.com"], false],
  ["https://storage.googleapis.com/upload/storage/v1/b/evil/o?name=a", undefined, false],
  ["https://storage.googleapis.com/upload/storage/v1/b/evil/o?name=a", [STORAGE], false],
  ["https://www.googleapis.com/upload/storage/v1/b/evil/o?name=a", undefined, false],
  ["https://www.googleapis.com/oauth2/v4/token/../../../upload/a", undefined, false],
  ["https://evil.storage.googleapis.com/token", ["https://*.googleapis.com"], false],
  ["oauth2.googleapis.com/token", undefined, false],
];

for (const [token_uri, origins, allowed] of TOKEN_URIS) {
  const named = origins ? ` with origins ${origins}` : "";
  Deno.test(`an assertion is ${allowed ? "" : "not "}sent to ${token_uri}${named}`, async () => {
    const create = () => withTokenServer([granted()], { origins }, { token_uri });
    if (!allowed) {
      const error = await failure(create());
      assertInstanceOf(error, TypeError);
      assertStringIncludes(
        error.message,
        "token_uri: expected https://oauth2.googleapis.com/token",
      );
      return;
    }
    const { transport, asked } = await create();
    await transport(OBJECTS, {});
    assertEquals(asked[0].url, token_uri ?? TOKEN_URI);
    const { publicKey } = await testKey();
    const currentDate = new Date(fakeClock().now());
    const { payload } = await jwtVerify(assertionOf(asked[0]), publicKey, { currentDate });
    assertEquals(payload.aud, TOKEN_URI); // whatever the URI
  });
}

Deno.test("expires_in is believed, and counted from the question", async () => {
  const slow: Answer = (_, clock) => {
    clock.pass(9000);
    return granted({ expires_in: 1000 });
  };
  const { transport, clock, tokens } = await withTokenServer([
    slow,
    granted({ access_token: "next" }),
  ]);
  await transport(OBJECTS, {});
  clock.pass(961_001); // within 30 seconds of the end
  await transport(OBJECTS, {});
  assertEquals(tokens(), [TOKEN, "next"]);
});

for (
  const members of [{ expires_in: "3599" }, { token_type: undefined }, { token_type: "bearer" }]
) {
  Deno.test(`a reply is a token with ${JSON.stringify(members)}`, async () => {
    const { transport, tokens, asked } = await withTokenServer([granted(members)]);
    await transport(OBJECTS, {});
    await transport(OBJECTS, {});
    assertEquals([tokens(), asked.length], [[TOKEN, TOKEN], 1]);
  });
}

const MALFORMED: [what: string, make: () => Response][] = [
  ["no JSON", () => new Response(TOKEN)],
  ["no object", () => Response.json([TOKEN])],
  ["null", () => Response.json(null)],
  ["no token", () => granted({ access_token: undefined })],
  ["an empty token", () => granted({ access_token: "" })],
  ["a token with a line break", () => granted({ access_token: "SECRET\r\nA: b" })],
  ["a token that is no string", () => granted({ access_token: { SECRET: 1 } })],
  ["no lifetime", () => granted({ expires_in: undefined })],
  ["a lifetime that is no number", () => granted({ expires_in: "soon" })],
  ["another type of token", () => granted({ token_type: "mac" })],
  ["an empty body", () => new Response(null)],
  ["an endless body", () => new Response(endless())],
  ["a redirect", () => Response.redirect("https://example.com/SECRET", 307)],
];

const endless = () =>
  new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384)) });

for (const [what, make] of MALFORMED) {
  Deno.test(`a reply that is no token ends the request at once: ${what}`, async () => {
    const { transport, asked } = await withTokenServer([make]);
    const error = await refusal(transport, asked);
    assertEquals([error.code, asked.length], ["invalid_response", 1]);
    assertStringIncludes(error.message, "oauth2.googleapis.com: expected a bearer token");
  });
}

Deno.test("a refusal tells programs the status and Google's word for it", async () => {
  const { transport, asked } = await withTokenServer([refused(400, "invalid_grant", "No.")]);
  const { status, reason, retryable } = await refusal(transport, asked);
  assertEquals([status, reason, retryable], [400, "invalid_grant", false]);
});

Deno.test("no more of a reply is read than a token could have", async () => {
  let given = 0;
  const body = () =>
    new ReadableStream({
      pull(controller) {
        given += 16_384;
        controller.enqueue(new Uint8Array(16_384));
      },
    });
  const { transport, asked } = await withTokenServer([() => new Response(body())]);
  await refusal(transport, asked);
  assert(given > 0 && given < 200_000, `${given} bytes`);
});

Deno.test("a long page of an error is judged by its status", async () => {
  for (const [status, code] of [[403, "rejected"], [502, "unavailable"]] as const) {
    const page = () => new Response(endless(), { status });
    const { transport, asked } = await withTokenServer([page], { retry: false });
    const error = await refusal(transport, asked);
    assertEquals([error.code, error.status], [code, status]);
  }
});

Deno.test("a refusal ends the request at once, with what Google says of it", async () => {
  const { transport, asked } = await withTokenServer([
    refused(400, "invalid_grant", "Invalid JWT Signature."),
  ]);
  const error = await refusal(transport, asked);
  assertEquals([error.code, error.cause, asked.length], ["rejected", undefined, 1]);
  assertEquals(
    error.message,
    "Cannot get an access token from oauth2.googleapis.com: expected a token, " +
      'got 400 "invalid_grant: Invalid JWT Signature."',
  );
});

for (const status of [400, 401, 403, 404, 499]) {
  Deno.test(`a ${status} is not retried`, async () => {
    const { transport, asked } = await withTokenServer([refused(status, "unauthorized_client")]);
    assertEquals([(await refusal(transport, asked)).code, asked.length], ["rejected", 1]);
  });
}

const ECHOES: [what: string, make: (seen: Seen) => Response][] = [
  ["the assertion", (seen) => refused(400, "invalid_grant", `Bad: ${assertionOf(seen)}`)],
  ["a part of it", (seen) => refused(400, "a", `Bad: ${assertionOf(seen).slice(0, 70)}`)],
  ["the signature", (seen) => refused(400, "a", `Bad: ${assertionOf(seen).split(".")[2]}`)],
  ["a token", () => refused(400, "invalid_grant", `Bad: ${TOKEN}`)],
  ["a page", () => new Response(`<p>${TOKEN}`, { status: 400 })],
];

for (const [what, make] of ECHOES) {
  Deno.test(`an error does not repeat ${what}, even if the server does`, async () => {
    const { transport, asked } = await withTokenServer([make]);
    assertEquals((await refusal(transport, asked)).code, "rejected");
  });
}

Deno.test("the words of a server are one line, and bounded", async () => {
  const words = "a b\n".repeat(1000);
  const { transport, asked } = await withTokenServer([refused(400, "invalid_grant", words)]);
  const { message } = await refusal(transport, asked);
  assert(message.length < 500 && !message.includes("\\n"), message);
});

for (const status of [408, 429, 500, 502, 503, 504]) {
  Deno.test(`a ${status} is retried`, async () => {
    const { transport, asked, tokens } = await withTokenServer([
      new Response("down", { status }),
      granted(),
    ]);
    assertEquals(await (await transport(OBJECTS, {})).text(), "ok");
    assertEquals([asked.length, tokens()], [2, [TOKEN]]);
  });
}

Deno.test("no reply is retried", async () => {
  const { transport, asked, tokens } = await withTokenServer([
    () => Promise.reject(new TypeError("connection reset")),
    granted(),
  ]);
  await transport(OBJECTS, {});
  assertEquals([asked.length, tokens()], [2, [TOKEN]]);
});

Deno.test("retrying ends after 5 attempts, with waits that double", async () => {
  const { transport, asked, clock } = await withTokenServer([
    refused(503, "temporarily_unavailable"),
  ]);
  const error = await refusal(transport, asked);
  assertEquals([error.code, asked.length], ["unavailable", 5]);
  assertEquals(clock.sleeps, [500, 1000, 2000, 4000]);
  assertStringIncludes(error.message, 'got 503 "temporarily_unavailable"');
});

Deno.test("retrying ends 30 seconds after the first failure", async () => {
  const { transport, asked } = await withTokenServer([(_, clock) => {
    clock.pass(9999);
    return new Response(null, { status: 500 });
  }]);
  assertEquals([(await refusal(transport, asked)).code, asked.length], ["unavailable", 4]);
});

Deno.test("an attempt ends after 10 seconds, and its request is aborted", async () => {
  const { transport, asked, tokens, clock } = await withTokenServer([(_, clock) => {
    queueMicrotask(() => clock.pass(10_000));
    return new Promise(() => {});
  }, granted()]);
  await transport(OBJECTS, {});
  assertEquals([asked.length, tokens(), clock.timers.size], [2, [TOKEN], 0]);
  assertEquals(asked.map(({ init }) => init.signal?.aborted), [true, false]);
});

Deno.test("a body that stops coming is a failure, too", async () => {
  const { transport, asked } = await withTokenServer([(_, clock) => {
    const body = new ReadableStream({ pull: () => (clock.pass(10_000), new Promise(() => {})) });
    return new Response(body);
  }], { retry: null });
  const error = await refusal(transport, asked);
  assertEquals([error.code, asked.length], ["deadline_exceeded", 1]);
});

Deno.test("Retry-After is honoured, up to maxDelay", async () => {
  const later = (seconds: string) =>
    new Response(null, { status: 429, headers: { "retry-after": seconds } });
  const { transport, clock } = await withTokenServer([later("3"), later("3600"), granted()]);
  await transport(OBJECTS, {});
  assertEquals(clock.sleeps, [3000, 8000]);
});

for (const retry of [null, false] as const) {
  Deno.test(`retry: ${retry} never retries`, async () => {
    const down = new Response(null, { status: 503 });
    const { transport, asked } = await withTokenServer([down], { retry });
    assertEquals([(await refusal(transport, asked)).code, asked.length], ["unavailable", 1]);
  });
}

Deno.test("each failure that is tried again is told, and the caller can decide against it", async () => {
  const down = new Response(null, { status: 503 });
  const told: unknown[] = [];
  const retry = {
    onRetry: ({ error, attempt, delay }: RetryEvent) => told.push([error.code, attempt, delay]),
    shouldRetry: () => told.length < 2,
  };
  const { transport, asked } = await withTokenServer([down], { retry });
  await refusal(transport, asked);
  assertEquals(told, [["unavailable", 1, 500], ["unavailable", 2, 1000]]);
});

Deno.test("the caller's limits take the place of ours, one by one", async () => {
  const down = new Response(null, { status: 503 });
  const retry = { maxAttempts: 2, initialDelay: undefined };
  const { transport, asked, clock } = await withTokenServer([down], { retry });
  await refusal(transport, asked);
  assertEquals([asked.length, clock.sleeps], [2, [500]]);
});

Deno.test("the error of a transport is the cause, without the assertion that it may repeat", async () => {
  const { transport, asked } = await withTokenServer([({ text }) => {
    const cause = new Error(`sending ${text}`);
    return Promise.reject(new TypeError(`cannot send ${new URLSearchParams(text)}`, { cause }));
  }]);
  const error = await refusal(transport, asked);
  assertEquals(error.code, "transport_failed");
  assertInstanceOf(error.cause, Error);
  assertStringIncludes(String(error.cause), "TypeError: cannot send grant_type=");
});

Deno.test("an UploadError of a transport is not retried", async () => {
  const own = new UploadError("rejected", "no network here");
  const { transport, asked } = await withTokenServer([() => Promise.reject(own)]);
  assertEquals(await failure(transport(OBJECTS, {})), own);
  assertEquals(asked.length, 1);
});

Deno.test("requests at the same time ask for one token", async () => {
  const { transport, asked, tokens } = await withTokenServer([granted()]);
  await Promise.all([1, 2, 3].map(() => transport(OBJECTS, {})));
  assertEquals([asked.length, tokens()], [1, [TOKEN, TOKEN, TOKEN]]);
});

Deno.test("an aborted request neither aborts the exchange nor waits for it", async () => {
  const answer = Promise.withResolvers<Response>();
  const arrived = Promise.withResolvers<void>();
  const { transport, asked, tokens } = await withTokenServer([() => {
    arrived.resolve();
    return answer.promise;
  }]);
  const abort = new AbortController();
  const aborted = failure(transport(OBJECTS, { signal: abort.signal }));
  const other = transport(OBJECTS, {});
  await arrived.promise;
  abort.abort(new RangeError("enough"));
  assertInstanceOf(await aborted, RangeError);
  answer.resolve(granted());
  assertEquals((await other).status, 200);
  assertEquals([asked.length, tokens(), asked[0].init.signal?.aborted], [1, [TOKEN], false]);
});

Deno.test("a failure is not kept: the next request asks again", async () => {
  const { transport, asked, tokens } = await withTokenServer([
    refused(400, "invalid_grant"),
    granted(),
  ]);
  await failure(transport(OBJECTS, {}));
  await transport(OBJECTS, {});
  assertEquals([asked.length, tokens()], [2, [TOKEN]]);
});
