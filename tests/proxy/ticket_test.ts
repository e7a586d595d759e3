// Which tickets are accepted: signature, algorithm, key, audience and claims; and how public keys are fetched and kept.

import { assertEquals } from "@std/assert";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { proxyOptions, type WorkerSettings } from "../../src/worker.ts";
import { ask, outcome, SESSION_SECRET, type Setup, setup, TICKET_SECRET } from "./support.ts";

const { privateKey, publicKey } = await generateKeyPair("ES256");
const keys = { keys: [{ ...await exportJWK(publicKey), kid: "one", alg: "ES256" }] };
const tickets = {
  jwksUrl: "https://keys.example/jwks.json",
  issuer: "https://login.example",
  audience: "uploads",
  fetch: () => Promise.resolve(Response.json(keys)),
};

async function signed(claims: Record<string, unknown>): Promise<string> {
  return await new SignJWT({
    iss: tickets.issuer,
    aud: tickets.audience,
    sub: "user-17",
    exp: Math.floor(Date.now() / 1000) + 600,
    ...claims,
  }).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(privateKey);
}

// OpenID Connect Core 5.1: `name` is the full name of the user, who may often change it.
Deno.test("an ordinary ID token, whose `name` is a person's, is no ticket for an object of that name", async () => {
  const context = setup({ tickets });
  const token = await signed({ name: "Jane Doe", email: "jane@example.com", nonce: "n" });
  const response = await ask(context, "?uploadType=media&name=Jane%20Doe", {
    body: "x",
    grant: null,
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals([response.status, context.gcs.objects.length], [403, 0]);
});

Deno.test("a ticket without somebody it is for is refused", async () => {
  const context = setup({ tickets });
  const token = await signed({ sub: "", prefix: "" });
  const response = await ask(context, "?uploadType=media&name=a", {
    body: "x",
    grant: null,
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals(await outcome(response), "401 authError");
});

const soon = () => Math.floor(Date.now() / 1000) + 600;
const CLAIMS = { iss: tickets.issuer, aud: tickets.audience, sub: "user-17", prefix: "" };

/** Keys that can be changed, and how often they were fetched. */
function keyServer(...first: JWK[]) {
  const server = {
    keys: first,
    fetched: 0,
    reply: (): Promise<Response> => Promise.resolve(Response.json({ keys: server.keys })),
  };
  const fetcher: typeof fetch = () => {
    server.fetched++;
    return server.reply();
  };
  return { server, options: { tickets: { ...tickets, fetch: fetcher } } };
}

async function keyPair(alg: string, kid: string) {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { ...pair, alg, kid, jwk: { ...await exportJWK(pair.publicKey), kid, alg } };
}

async function ticketOf({ alg, kid, privateKey }: Awaited<ReturnType<typeof keyPair>>) {
  return await new SignJWT({ ...CLAIMS, exp: soon() }).setProtectedHeader({ alg, kid })
    .sign(privateKey);
}

let count = 0;
/** Uploads a byte under a new name with that ticket. */
async function upload(context: Setup, ticket: string): Promise<string> {
  const response = await ask(context, `?uploadType=media&name=${count++}`, {
    body: "x",
    grant: null,
    headers: { authorization: `Bearer ${ticket}` },
  });
  return await outcome(response);
}

/** Runs with a clock that can be moved on. */
async function withClock(use: (pass: (milliseconds: number) => void) => Promise<void>) {
  const { now } = Date;
  let passed = 0;
  Date.now = () => now() + passed;
  try {
    await use((milliseconds) => passed += milliseconds);
  } finally {
    Date.now = now;
  }
}

for (const alg of ["RS256", "ES256", "EdDSA"]) {
  Deno.test(`a ticket signed with ${alg} by a published key is accepted`, async () => {
    const key = await keyPair(alg, "one");
    const { options } = keyServer(key.jwk);
    assertEquals(await upload(setup(options), await ticketOf(key)), "200");
  });
}

for (const alg of ["ES384", "PS256", "RS512"]) {
  Deno.test(`a ticket signed with ${alg} is refused, though the key is published`, async () => {
    const key = await keyPair(alg, "one");
    const { options } = keyServer(key.jwk);
    assertEquals(await upload(setup(options), await ticketOf(key)), "401 authError");
  });
}

// The oldest trick with JWTs: the public key, which everybody has, taken for a shared secret.
Deno.test("a ticket signed with HS256 and the public key as its secret is refused", async () => {
  const key = await keyPair("RS256", "one");
  const { options } = keyServer(key.jwk);
  for (const secret of [await exportSPKI(key.publicKey), JSON.stringify(key.jwk), key.jwk.n!]) {
    const ticket = await new SignJWT({ ...CLAIMS, exp: soon() })
      .setProtectedHeader({ alg: "HS256", kid: "one" })
      .sign(new TextEncoder().encode(secret));
    assertEquals(await upload(setup(options), ticket), "401 authError");
  }
});

Deno.test("a key that comes along with the ticket is not looked at", async () => {
  const [published, own] = [await keyPair("ES256", "one"), await keyPair("ES256", "one")];
  const { server, options } = keyServer(published.jwk);
  const ticket = await new SignJWT({ ...CLAIMS, exp: soon() })
    .setProtectedHeader({ alg: "ES256", kid: "one", jwk: own.jwk, jku: "https://evil.example/" })
    .sign(own.privateKey);
  assertEquals(await upload(setup(options), ticket), "401 authError");
  assertEquals(server.fetched, 1);
});

Deno.test("keys are fetched once, also for many tickets at once, and again after ten minutes", async () => {
  await withClock(async (pass) => {
    const key = await keyPair("ES256", "one");
    const { server, options } = keyServer(key.jwk);
    const context = setup(options);
    const ticket = await ticketOf(key);
    const answers = await Promise.all(Array.from({ length: 5 }, () => upload(context, ticket)));
    assertEquals(answers, Array(5).fill("200"));
    pass(590_000);
    assertEquals(await upload(context, await ticketOf(key)), "200");
    assertEquals(server.fetched, 1);
    pass(20_000);
    assertEquals(await upload(context, await ticketOf(key)), "200");
    assertEquals(server.fetched, 2);
  });
});

Deno.test("a new key is found as soon as it is used, and strange ones make no storm of requests", async () => {
  await withClock(async (pass) => {
    const [first, second] = [await keyPair("ES256", "one"), await keyPair("ES256", "two")];
    const { server, options } = keyServer(first.jwk);
    const context = setup(options);
    assertEquals(await upload(context, await ticketOf(first)), "200");
    server.keys = [second.jwk];
    for (let i = 0; i < 10; i++) {
      assertEquals(await upload(context, await ticketOf(second)), "401 authError");
    }
    assertEquals(server.fetched, 1, "within half a minute");
    pass(31_000);
    assertEquals(await upload(context, await ticketOf(second)), "200");
    assertEquals(server.fetched, 2);
    assertEquals(await upload(context, await ticketOf(first)), "401 authError", "a removed key");
  });
});

const failures: readonly [rule: string, reply: () => Promise<Response>][] = [
  ["is not there", () => Promise.reject(new TypeError("connect"))],
  ["answers 500", () => Promise.resolve(new Response(null, { status: 500 }))],
  ["answers with a redirect", () =>
    Promise.resolve(
      new Response(null, { status: 302, headers: { location: "https://evil.example" } }),
    )],
  ["answers with a page", () => Promise.resolve(new Response("<html>"))],
  ["answers without keys", () => Promise.resolve(Response.json({}))],
];
for (const [rule, reply] of failures) {
  Deno.test(`where the server of the keys ${rule}, tickets get a 503, and it is asked again after five seconds`, async () => {
    await withClock(async (pass) => {
      const key = await keyPair("ES256", "one");
      const { server, options } = keyServer(key.jwk);
      const context = setup(options);
      const { reply: good } = server;
      server.reply = reply;
      for (let i = 0; i < 3; i++) {
        assertEquals(await upload(context, await ticketOf(key)), "503 backendError");
      }
      assertEquals(server.fetched, 1);
      server.reply = good;
      pass(5000);
      assertEquals(await upload(context, await ticketOf(key)), "200");
    });
  });

  Deno.test(`where the server of the keys ${rule}, the old keys are good for another hour`, async () => {
    await withClock(async (pass) => {
      const key = await keyPair("ES256", "one");
      const { server, options } = keyServer(key.jwk);
      const context = setup(options);
      assertEquals(await upload(context, await ticketOf(key)), "200");
      server.reply = reply;
      pass(600_000 + 3_590_000);
      assertEquals(await upload(context, await ticketOf(key)), "200");
      pass(20_000);
      assertEquals(await upload(context, await ticketOf(key)), "503 backendError");
    });
  });
}

Deno.test("where the server of the keys is slow, a ticket gets a 503 after five seconds", async () => {
  const key = await keyPair("ES256", "one");
  const asked: number[] = [];
  const { timeout } = AbortSignal;
  const fetcher: typeof fetch = (_, init) =>
    new Promise((_, reject) => {
      const { signal } = init!;
      if (signal!.aborted) reject(signal!.reason);
    });
  AbortSignal.timeout = (milliseconds) => {
    asked.push(milliseconds);
    return AbortSignal.abort(new DOMException("too slow", "TimeoutError"));
  };
  try {
    const context = setup({ tickets: { ...tickets, fetch: fetcher } });
    assertEquals(await upload(context, await ticketOf(key)), "503 backendError");
  } finally {
    AbortSignal.timeout = timeout;
  }
  assertEquals(asked, [5000]);
});

for (const alg of ["HS384", "HS512"]) {
  Deno.test(`a ticket signed with ${alg} is refused, though the secret is right`, async () => {
    const ticket = await new SignJWT({ ...CLAIMS, exp: soon() }).setProtectedHeader({ alg })
      .sign(new TextEncoder().encode(TICKET_SECRET.repeat(2)));
    const context = setup({ tickets: { secret: TICKET_SECRET.repeat(2) } });
    assertEquals(await upload(context, ticket), "401 authError");
  });
}

Deno.test("a secret of tickets that looks like base64 is text: its UTF-8 is the key, not what it decodes to", async () => {
  const secret = [...SESSION_SECRET].reverse().join("");
  const context = setup({ tickets: { secret } });
  const decoded = atob(secret.replaceAll("-", "+").replaceAll("_", "/"));
  const keys = [
    new TextEncoder().encode(secret),
    Uint8Array.from(decoded, (char) => char.charCodeAt(0)),
  ];
  const answers = await Promise.all(keys.map(async (key) => {
    const ticket = new SignJWT({ ...CLAIMS, exp: soon() }).setProtectedHeader({ alg: "HS256" });
    return await upload(context, await ticket.sign(key));
  }));
  assertEquals(answers, ["200", "401 authError"]);
});

for (
  const [rule, extra] of [
    ["another issuer", { iss: "https://evil.example" }],
    ["no issuer", { iss: undefined }],
    ["another audience", { aud: "mail" }],
    ["no audience", { aud: undefined }],
    ["no subject", { sub: undefined }],
    ["no end", { exp: undefined }],
    ["an end that is past", { exp: 1_000_000_000 }],
  ] satisfies [string, Record<string, unknown>][]
) {
  Deno.test(`a ticket signed by a published key is refused with ${rule}`, async () => {
    const ticket = await signed({ prefix: "", ...extra });
    assertEquals(await upload(setup({ tickets }), ticket), "401 authError");
  });
}

const settings = {
  GCS_BUCKET: "my-bucket",
  GCS_ENDPOINT: "http://127.0.0.1:1",
  GOOGLE_AUTH: "none",
  SESSION_SECRET,
  TICKET_SECRET,
};
const claims: readonly [rule: string, own: WorkerSettings, claims: JWTPayload, expected: string][] =
  [
    ["the right issuer", { TICKET_ISSUER: "us" }, { iss: "us" }, "200"],
    ["another issuer", { TICKET_ISSUER: "us" }, { iss: "them" }, "401 authError"],
    ["no issuer", { TICKET_ISSUER: "us" }, {}, "401 authError"],
    ["the right audience", { TICKET_AUDIENCE: "uploads" }, { aud: "uploads" }, "200"],
    ["the audience among others", { TICKET_AUDIENCE: "uploads" }, { aud: ["x", "uploads"] }, "200"],
    ["another audience", { TICKET_AUDIENCE: "uploads" }, { aud: "mail" }, "401 authError"],
    ["no audience", { TICKET_AUDIENCE: "uploads" }, {}, "401 authError"],
  ];
for (const [rule, own, extra, expected] of claims) {
  Deno.test(`issuer and audience hold with a TICKET_SECRET too: ${rule} is ${expected}`, async () => {
    const { tickets } = proxyOptions({ ...settings, ...own });
    const ticket = await new SignJWT({ sub: "user-17", prefix: "", exp: soon(), ...extra })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(TICKET_SECRET));
    assertEquals(await upload(setup({ tickets }), ticket), expected);
  });
}

const malformed: readonly [claim: string, value: unknown][] = [
  ["bucket", 1],
  ["object", ["a"]],
  ["prefix", null],
  ["max_bytes", "10"],
  ["max_bytes", -1],
  ["max_bytes", 1.5],
  ["max_bytes", 2 ** 53],
  ["content_types", "image/*"],
  ["content_types", [1]],
  ["overwrite", "true"],
  ["overwrite", 1],
  ["metadata", ["a"]],
  ["metadata", "a"],
  ["sub", 17],
  ["exp", "tomorrow"],
];
for (const [claim, value] of malformed) {
  Deno.test(`a claim of the wrong kind is refused, not guessed: ${claim} = ${JSON.stringify(value)}`, async () => {
    const context = setup({ tickets });
    assertEquals(
      await upload(context, await signed({ prefix: "", [claim]: value })),
      "401 authError",
    );
    assertEquals(context.sent.length, 0);
  });
}

for (
  const [claim, expected] of [
    ["https://login.example/roles", "200"],
    ["cognito:groups", "200"],
    ["urn:zitadel:iam:org:id", "200"],
    ["max_bytes:", "401 authError"],
    ["max_bytes/", "401 authError"],
    ["/max_bytes", "401 authError"],
    ["limits/max_bytes", "401 authError"],
  ] as const
) {
  Deno.test(`the claim ${claim} is ${expected === "200" ? "somebody else's" : "a limit that may be misspelt"}`, async () => {
    const ticket = await signed({ prefix: "", [claim]: 5 });
    assertEquals(await upload(setup({ tickets }), ticket), expected);
  });
}

Deno.test("`object` is the exact name: that object, and no other", async () => {
  const context = setup({ tickets });
  const ticket = await signed({ object: "users/17/a" });
  const statuses: number[] = [];
  for (const name of ["users/17/a", "users/17/ab", "users/17/", "Users/17/a"]) {
    const response = await ask(context, `?uploadType=media&name=${name}`, {
      body: "x",
      grant: null,
      headers: { authorization: `Bearer ${ticket}` },
    });
    await response.body?.cancel();
    statuses.push(response.status);
  }
  assertEquals(statuses, [200, 403, 403, 403]);
});
