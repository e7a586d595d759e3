// Which keys and options of a service account are accepted, and that no error shows the key.

import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { type ServiceAccountKey, serviceAccountTransport } from "../../src/auth/mod.ts";
import {
  assertNoSecret,
  failure,
  fakeFetch,
  KEY_ID,
  makeKey,
  OBJECTS,
  type TestKey,
  testKey,
} from "./helpers.ts";

type Credentials = string | ServiceAccountKey;

/** The key, with some members changed; `undefined` takes one out. */
const changed = (key: TestKey, members: Record<string, unknown>) =>
  JSON.stringify({ ...key.credentials, ...members });

const pem = ({ credentials }: TestKey, change: (pem: string) => string) =>
  change(credentials.private_key);

/** What is wrong, the key, and what the error says of it. */
const MALFORMED: [what: string, make: (key: TestKey) => unknown, says: string][] = [
  ["nothing", () => undefined, "expected the JSON of a service account key, or the object in it"],
  ["null", () => null, "got null"],
  ["an empty setting", () => " \n", "got an empty string"],
  ["a text that is not JSON", (key) => `key: ${key.credentials.private_key}`, "that is not JSON"],
  ["JSON cut off", (key) => changed(key, {}).slice(0, -20), "that is not JSON"],
  ["a JSON string", () => '"a"', "got another string"],
  ["a JSON array", () => "[]", "got an array"],
  ["an array", () => [], "got an array"],
  ["a user's credentials", (k) => changed(k, { type: "authorized_user" }), '"authorized_user"'],
  ["another type", (key) => changed(key, { type: "SECRET" }), 'type: expected "service_account"'],
  ["another cloud", (key) => changed(key, { universe_domain: "SECRET" }), "universe_domain:"],
  ["no address", (key) => changed(key, { client_email: undefined }), "client_email: expected"],
  ["an empty address", (key) => changed(key, { client_email: "" }), "got an empty string"],
  ["an address that is none", (k) => changed(k, { client_email: "SECRET" }), "client_email"],
  ["no private key", (k) => changed(k, { private_key: undefined }), "private_key: expected PEM"],
  ["an empty private key", (key) => changed(key, { private_key: "" }), "got an empty string"],
  ["a private key that is no PEM", (k) => changed(k, { private_key: "SECRET" }), "private_key"],
  [
    "a private key without its end",
    (key) => changed(key, { private_key: pem(key, (pem) => pem.slice(0, -40)) }),
    "got a damaged one",
  ],
  [
    "a private key with characters that are not base64",
    (key) => changed(key, { private_key: pem(key, (pem) => pem.replace("\n", "\n*")) }),
    "got a damaged one",
  ],
  [
    "a private key in PKCS #1",
    (key) => changed(key, { private_key: pem(key, (p) => p.replaceAll("PRIV", "RSA PRIV")) }),
    "got RSA PRIVATE KEY, which",
  ],
  [
    "an encrypted private key",
    (key) => changed(key, { private_key: pem(key, (p) => p.replaceAll("PRIV", "ENCRYPTED PRIV")) }),
    "got ENCRYPTED PRIVATE KEY, which",
  ],
  ["no key ID", (key) => changed(key, { private_key_id: undefined }), "private_key_id: expected"],
  ["a key ID that is a number", (key) => changed(key, { private_key_id: 1 }), "got number"],
];

for (const [what, make, says] of MALFORMED) {
  Deno.test(`a malformed key is a TypeError at once, without a secret: ${what}`, async () => {
    const key = await testKey();
    const error = await failure(() => serviceAccountTransport(make(key) as Credentials));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.message, "credentials: ");
    assertStringIncludes(error.message, says);
    const [, first] = key.credentials.private_key.split("\n");
    assertNoSecret(error, first, "SECRET");
  });
}

/** A mistake of a deployment that does no harm, and the key with it. */
const REPAIRED: [what: string, make: (key: TestKey) => Credentials][] = [
  ["the object itself", ({ credentials }) => credentials],
  ["no type", (key) => changed(key, { type: undefined })],
  ["the name of the cloud", (key) => changed(key, { universe_domain: "googleapis.com" })],
  ["a byte order mark and spaces", (key) => `\ufeff ${changed(key, {})}\n`],
  ["\\n twice escaped", (key) => changed(key, {}).replaceAll("\\n", "\\\\n")],
  ["\\n three times escaped", (key) => changed(key, {}).replaceAll("\\n", "\\\\\\\\n")],
  ["line breaks expanded in the JSON", (key) => changed(key, {}).replaceAll("\\n", "\n")],
  ["Windows line breaks", (key) => changed(key, {}).replaceAll("\\n", "\\r\\n")],
  ["line breaks that became spaces", (key) => changed(key, {}).replaceAll("\\n", " ")],
  ["no line breaks", (key) => changed(key, {}).replaceAll("\\n", "")],
  [
    "text around the PEM",
    (key) => changed(key, { private_key: pem(key, (pem) => `Bag Attributes\n${pem}\n\n`) }),
  ],
];

for (const [what, make] of REPAIRED) {
  Deno.test(`a key is accepted with ${what}`, async () => {
    const { fetch, tokens } = fakeFetch();
    await serviceAccountTransport(make(await testKey()), { fetch })(OBJECTS, {});
    assertEquals(tokens()[0]?.split(".").length, 3);
  });
}

Deno.test("a key is copied: what becomes of the object later does not matter", async () => {
  const { credentials } = await testKey();
  const mine = { ...credentials };
  const { fetch, tokens } = fakeFetch();
  const transport = serviceAccountTransport(mine, { fetch });
  Object.assign(mine, { private_key: "", client_email: "" });
  await transport(OBJECTS, {});
  assertEquals(tokens()[0]?.split(".").length, 3);
});

const UNUSABLE: [what: string, make: () => Promise<string>][] = [
  ["bytes that are no key", () => Promise.resolve(btoa("SECRET".repeat(100)))],
  [
    "an elliptic curve",
    async () => {
      const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
        "sign",
      ]);
      const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
      return btoa(String.fromCharCode(...pkcs8));
    },
  ],
  [
    "1024 bits",
    async () => (await makeKey(1024)).credentials.private_key.split("\n").slice(1, -2).join(""),
  ],
];

for (const [what, make] of UNUSABLE) {
  Deno.test(`a key that cannot sign is refused by the first request, without a secret: ${what}`, async () => {
    const body = await make();
    const { credentials } = await testKey();
    const private_key = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`;
    const { fetch, seen } = fakeFetch();
    const transport = serviceAccountTransport({ ...credentials, private_key }, { fetch });
    for (const _again of [1, 2]) {
      const error = await failure(transport(OBJECTS, {}));
      assertEquals("code" in error && error.code, "rejected");
      assertStringIncludes(error.message, "RSA key of at least 2048 bits");
      assertEquals(error.cause, undefined);
      assertNoSecret(error, body.slice(0, 40), KEY_ID);
    }
    assertEquals(seen, []);
  });
}

const OPTIONS: [what: string, options: Record<string, unknown>, says: string][] = [
  ["no scopes", { scopes: [] }, "scopes: expected"],
  ["scopes in one string", { scopes: "a b" }, "scopes: expected"],
  ["a scope with a space", { scopes: ["a b"] }, "scopes: expected"],
  ["another kind of token", { token: "id" }, 'token: expected "self-signed" or "oauth"'],
  [
    "a user with self-signed tokens",
    { token: "self-signed", subject: "ada@example.com" },
    'subject: expected token: "oauth", got "self-signed", which cannot speak for a user',
  ],
  ["a user without an address", { subject: "ada" }, "subject: expected the address of a user"],
  ["a user that is none", { subject: null }, "subject: expected the address of a user"],
  ["an option that does not exist", { scope: "a" }, "scope is not an option; expected fetch"],
  ["options that are none", null as unknown as Record<string, unknown>, "options: expected an"],
  ["a fetch that is none", { fetch: {} }, "fetch: expected a function"],
  ["an option of retrying that does not exist", { retry: { tries: 3 } }, "retry.tries"],
  ["retrying that is a text", { retry: "never" }, "retry: expected an object, false or null"],
];

for (const [what, options, says] of OPTIONS) {
  Deno.test(`options that cannot work are a TypeError at once: ${what}`, async () => {
    const { credentials } = await testKey();
    const error = await failure(() => serviceAccountTransport(credentials, options));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.message, says);
  });
}
