// Tokens that a service account signs itself have the form and the claims that Google asks for, and need no request.

import { assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { jwtVerify } from "jose";
import { type ServiceAccountOptions, serviceAccountTransport } from "../../src/auth/mod.ts";
import { EMAIL, fakeFetch, KEY_ID, OBJECTS, testKey } from "./helpers.ts";
import { fakeClock } from "../support/fake_clock.ts";

const READ_WRITE = "https://www.googleapis.com/auth/devstorage.read_write";

/** The token of a request, checked with the public key. */
async function tokenOf(options: ServiceAccountOptions = {}) {
  const { credentials, publicKey } = await testKey();
  const clock = fakeClock();
  const { fetch, tokens } = fakeFetch();
  await serviceAccountTransport(credentials, { fetch, clock, ...options })(OBJECTS, {});
  const verified = await jwtVerify(tokens()[0]!, publicKey, { currentDate: new Date(clock.now()) });
  return { ...verified, now: clock.now() / 1000 };
}

Deno.test("a self-signed token is an RS256 JWT that names its key", async () => {
  const { protectedHeader } = await tokenOf();
  assertEquals(protectedHeader, { alg: "RS256", typ: "JWT", kid: KEY_ID });
});

Deno.test("a self-signed token has a scope, no audience, and the account as issuer and subject", async () => {
  const { payload, now } = await tokenOf();
  assertEquals(payload, {
    iss: EMAIL,
    sub: EMAIL,
    scope: READ_WRITE,
    iat: now - 60,
    exp: now + 3540,
  });
});

Deno.test("a token lives for exactly an hour, from a minute ago on", async () => {
  const { payload: { iat, exp }, now } = await tokenOf();
  assertEquals([now - iat!, exp! - iat!], [60, 3600]);
});

const SCOPES: [scopes: string[] | undefined, claim: string][] = [
  [undefined, READ_WRITE],
  [
    ["https://www.googleapis.com/auth/cloud-platform"],
    "https://www.googleapis.com/auth/cloud-platform",
  ],
  [["a", "b"], "a b"],
];

for (const [scopes, claim] of SCOPES) {
  Deno.test(`scopes ${JSON.stringify(scopes)} are the claim ${JSON.stringify(claim)}`, async () => {
    assertEquals((await tokenOf({ scopes })).payload.scope, claim);
  });
}

Deno.test("times are whole seconds, whatever the clock says", async () => {
  const clock = fakeClock();
  clock.pass(123.4);
  const { payload } = await tokenOf({ clock });
  assertAlmostEquals(payload.iat!, clock.now() / 1000 - 60, 1);
  assertEquals([Number.isInteger(payload.iat), Number.isInteger(payload.exp)], [true, true]);
});

Deno.test("a self-signed token takes no request, and is the same for all requests until it is renewed", async () => {
  const { credentials } = await testKey();
  const clock = fakeClock();
  const { fetch, seen, tokens } = fakeFetch();
  const transport = serviceAccountTransport(credentials, { fetch, clock });
  await Promise.all([1, 2, 3].map(() => transport(OBJECTS, {})));
  clock.pass(3_200_000); // 53:20 of 59:00
  await transport(OBJECTS, {});
  assertEquals([seen.length, new Set(tokens()).size], [4, 1]);
  clock.pass(400_000); // past the end
  await transport(OBJECTS, {});
  assertEquals(new Set(tokens()).size, 2);
});

Deno.test("each transport has tokens of its own", async () => {
  const { credentials } = await testKey();
  const { fetch, tokens } = fakeFetch();
  await serviceAccountTransport(credentials, { fetch, scopes: ["a"] })(OBJECTS, {});
  await serviceAccountTransport(credentials, { fetch, scopes: ["b"] })(OBJECTS, {});
  assertNotEquals(...tokens() as [string, string]);
});

Deno.test("after a 401 another token is signed, and a second 401 is for the caller", async () => {
  const { credentials } = await testKey();
  const clock = fakeClock();
  const { fetch, tokens } = fakeFetch(() => {
    clock.pass(1000);
    return new Response("no", { status: 401 });
  });
  const transport = serviceAccountTransport(credentials, { fetch, clock });
  const reply = await transport(OBJECTS, { method: "POST", body: "{}" });
  assertEquals([reply.status, await reply.text()], [401, "no"]);
  assertEquals([tokens().length, new Set(tokens()).size], [2, 2]);
});
