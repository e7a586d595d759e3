// The sealed session URL: it opens with the right key only, shows nothing, and cannot be changed.

import { assert, assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { base64url, CompactEncrypt, EncryptJWT, generateKeyPair } from "jose";
import { sessionSealer } from "../../src/proxy/session_token.ts";
import { SettingError } from "../../src/worker.ts";
import { ask, SESSION_SECRET, setup, start } from "./support.ts";

const OTHER_SECRET = "Zb1Qk7vXn4TtYr0cJ2mWs8uLh5pEo9iGfD3aN6xKqVM";
const KEY = base64url.decode(SESSION_SECRET);
const NOW = 1_800_000_000;
const SESSION = {
  target: "/upload/storage/v1/b/my-bucket/o?uploadType=resumable&name=a&upload_id=Google-s-own",
  bucket: "my-bucket",
  maxBytes: 1000,
  size: 17,
  expires: NOW + 60,
};
const at = (seconds: number, ...secrets: string[]) =>
  sessionSealer(secrets.length > 0 ? secrets : [SESSION_SECRET], () => seconds * 1000);
/** Opens what `instance` has sealed, without remembering it. */
const sealer = at(NOW);
const instance = at(NOW);

Deno.test("what is sealed is opened again, with everything in it", async () => {
  assertEquals(await sealer.open(await instance.seal(SESSION)), SESSION);
});

Deno.test("what an instance remembers of a session that it has sealed is what others open", async () => {
  const payload = { at: new Date(0), nothing: undefined, list: [undefined, 1], text: "ä" };
  const view = { fields: ["metadata"], hidden: ["by"], asked: "name" };
  for (
    const session of [
      SESSION,
      { ...SESSION, minBytes: 0, needsHash: false, subject: "user-17", payload },
      { ...SESSION, backend: "cloud-storage", granularity: 262_144, view },
      { ...SESSION, minBytes: 3, needsHash: true, uploadMetadata: "", isResumableHttp: true },
    ]
  ) {
    const token = await instance.seal(session);
    assertEquals(await instance.open(token), await sealer.open(token));
  }
});

Deno.test("a session that was remembered does not change with the object that it was sealed from", async () => {
  const payload = { order: 1 };
  const token = await instance.seal({ ...SESSION, payload });
  payload.order = 2;
  assertEquals(await instance.open(token), { ...SESSION, payload: { order: 1 } });
});

/** Sealed by the version before there were other backends. */
const OLD_TOKEN =
  "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiWkNmNGFVbk8ifQ..MttDT89JwZbcNcK0." +
  "OsVoIAkPElfwXkJZBWvssqF1RJS-Gw2HOoY2rOfye-DrA4CRHrUxAEPb8zFLoivDiStJOGgw13dYuTzz6jQH-" +
  "jgeEubehJGL7j360nBark0ja_6bDTJGj2a0CoFn2smfk4YTOVgsUh1XHrpwj8wWJmITvyJxxws3fvJ47keVB0" +
  "KeXZtsL13ig_h8aRSFbSl6MlZqjc6dOBmMAIFbjiT9WHa_qe75aSlWwq9ijUUtY67ksfH5n6D2VHrQI3b-xrG" +
  "x_P6wJG3HsF-tKKHTYzX_5ODe9XSy7J7J6aGYuD6AbcFsASkYzdYAch8DaQ0Pyf3CGOCvgw.wbijq305Fimt9" +
  "emMFrJJkQ";

Deno.test("a session that was sealed before there were other backends is one of Cloud Storage", async () => {
  assertEquals(await sealer.open(OLD_TOKEN), {
    ...SESSION,
    expires: 4_000_000_000,
    minBytes: 3,
    needsHash: true,
    subject: "user-17",
    payload: { order: 1 },
    view: { fields: ["metadata"], hidden: ["by"], asked: "name" },
    uploadMetadata: "filename YQ==",
  });
});

Deno.test("a session of another backend names it, and its granularity where that is its own", async () => {
  const session = { ...SESSION, target: "any text", bucket: "", backend: "drive" };
  assertEquals(await sealer.open(await instance.seal(session)), session);
  const other = { ...session, granularity: 8_388_608 };
  assertEquals(await sealer.open(await instance.seal(other)), other);
  const storage = { ...SESSION, backend: "cloud-storage" };
  assertEquals(await sealer.open(await instance.seal(storage)), SESSION); // as before
});

Deno.test("a session without a declared size is opened without one", async () => {
  const session = { ...SESSION, size: undefined };
  assertEquals(await sealer.open(await instance.seal(session)), session);
});

Deno.test("a token shows nothing of the session, and no two are the same", async () => {
  const [one, other] = [await sealer.seal(SESSION), await sealer.seal(SESSION)];
  assertNotEquals(one, other);
  const readable = one.split(".").map((part) => {
    return atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  }).join(" ");
  for (const word of ["upload", "my-bucket", "Google-s-own"]) assert(!readable.includes(word));
});

Deno.test("a token can be used until it ends, and not from then on", async () => {
  const token = await sealer.seal(SESSION);
  assertEquals(await at(NOW + 59).open(token), SESSION);
  assertEquals(await at(NOW + 60).open(token), "expired");
  assertEquals(await at(NOW + 1_000_000).open(token), "expired");
});

Deno.test("a token that was opened before ends like any other", async () => {
  let seconds = NOW;
  const sealer = sessionSealer([SESSION_SECRET], () => seconds * 1000);
  const token = await sealer.seal(SESSION);
  for (const time of [NOW, NOW + 59]) {
    seconds = time;
    assertEquals(await sealer.open(token), SESSION);
  }
  seconds = NOW + 60;
  assertEquals(await sealer.open(token), "expired");
});

Deno.test("many sessions at once are each opened as what they are, again and again", async () => {
  const sessions = Array.from({ length: 250 }, (_, number) => ({ ...SESSION, maxBytes: number }));
  const tokens = await Promise.all(sessions.map((session) => sealer.seal(session)));
  for (let round = 0; round < 2; round++) {
    for (const [number, token] of tokens.entries()) {
      assertEquals(await sealer.open(token), sessions[number]);
    }
  }
});

Deno.test("a token with any character changed is unknown", async () => {
  const token = await sealer.seal(SESSION);
  for (let index = 0; index < token.length; index++) {
    if (token[index] === ".") continue;
    // The last character of a part holds bits that mean nothing: the first of its bits counts.
    const changed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef".includes(token[index]) ? "z" : "A";
    const broken = token.slice(0, index) + changed + token.slice(index + 1);
    assertEquals(await sealer.open(broken), "unknown", `character ${index} of ${token.length}`);
  }
});

Deno.test("a token that is cut off anywhere is unknown", async () => {
  const token = await sealer.seal(SESSION);
  for (let length = 0; length < token.length; length++) {
    assertEquals(await sealer.open(token.slice(0, length)), "unknown", `${length} characters`);
  }
  assertEquals(await sealer.open(`${token}.`), "unknown");
  assertEquals(await sealer.open(`${token}A`), "unknown");
  assertEquals(await sealer.open(` ${token}`), "unknown");
});

Deno.test("parts of one token do not fit another", async () => {
  const [one, other] = [await sealer.seal(SESSION), await sealer.seal(SESSION)];
  for (const part of [2, 3, 4]) {
    const mixed = one.split(".").with(part, other.split(".")[part]).join(".");
    assertEquals(await sealer.open(mixed), "unknown", `part ${part}`);
  }
});

Deno.test("secrets can be changed: the first seals, all open, a removed one opens nothing", async () => {
  const old = await at(NOW, OTHER_SECRET).seal(SESSION);
  const both = at(NOW, SESSION_SECRET, OTHER_SECRET);
  assertEquals(await both.open(old), SESSION);
  const fresh = await both.seal(SESSION);
  assertEquals(await sealer.open(fresh), SESSION);
  assertEquals(await at(NOW, OTHER_SECRET).open(fresh), "unknown");
  assertEquals(await sealer.open(old), "unknown");
});

const encode = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
const PAYLOAD = { t: SESSION.target, b: "my-bucket", m: 1000, exp: NOW + 60 };
const { exp: _, ...ENDLESS } = PAYLOAD;
const plain = new TextEncoder().encode(JSON.stringify(PAYLOAD));
const kid = async (): Promise<string> => {
  const [head] = (await sealer.seal(SESSION)).split(".");
  return JSON.parse(atob(head)).kid;
};

const foreign: readonly [rule: string, make: () => Promise<string>][] = [
  ["RSA-OAEP, with the key's name", async () => {
    const { publicKey } = await generateKeyPair("RSA-OAEP");
    return await new CompactEncrypt(plain)
      .setProtectedHeader({ alg: "RSA-OAEP", enc: "A256GCM", kid: await kid() })
      .encrypt(publicKey);
  }],
  [
    "another content encryption (A128CBC-HS256) with the same key",
    async () =>
      await new EncryptJWT(PAYLOAD)
        .setProtectedHeader({ alg: "dir", enc: "A128CBC-HS256", kid: await kid() })
        .encrypt(KEY),
  ],
  ["A256KW with the same key", async () =>
    await new EncryptJWT(PAYLOAD)
      .setProtectedHeader({ alg: "A256KW", enc: "A256GCM", kid: await kid() })
      .encrypt(KEY)],
  ["A256GCMKW with the same key", async () =>
    await new EncryptJWT(PAYLOAD)
      .setProtectedHeader({ alg: "A256GCMKW", enc: "A256GCM", kid: await kid() })
      .encrypt(KEY)],
  [
    "one that is well made, but longer than URLs may be",
    async () =>
      await new EncryptJWT({ ...PAYLOAD, x: "x".repeat(12_000) })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: await kid() })
        .encrypt(KEY),
  ],
  ["the right key, and no name of it", async () =>
    await new EncryptJWT(PAYLOAD)
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .encrypt(KEY)],
  ["the right key, and no end", async () =>
    await new EncryptJWT(ENDLESS)
      .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: await kid() })
      .encrypt(KEY)],
  [
    "a signed token in its place",
    () => Promise.resolve(`${encode({ alg: "none" })}.${encode(PAYLOAD)}.`),
  ],
  ["compression", async () => {
    const header = { alg: "dir", enc: "A256GCM", zip: "DEF", kid: await kid() };
    return `${encode(header)}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`;
  }],
];
for (const [rule, make] of foreign) {
  Deno.test(`a token of another kind is unknown: ${rule}`, async () => {
    assertEquals(await sealer.open(await make()), "unknown");
  });
}

Deno.test("a token that is made by hand with the right key is opened, so the others are refused for what they are", async () => {
  const token = await new EncryptJWT(PAYLOAD)
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: await kid() })
    .encrypt(KEY);
  assertEquals(await sealer.open(token), { ...SESSION, size: undefined });
});

Deno.test("a password with 2³¹ rounds is refused without a round", async () => {
  const header = {
    alg: "PBES2-HS512+A256KW",
    enc: "A256GCM",
    p2s: "c2FsdHNhbHQ",
    p2c: 2 ** 31 - 1,
  };
  const token = `${encode({ ...header, kid: await kid() })}.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAA`;
  const began = performance.now();
  assertEquals(await sealer.open(token), "unknown");
  assertLess(performance.now() - began, 1000, "milliseconds");
});

Deno.test("a token of a megabyte is not even tried", async () => {
  const token = await sealer.seal(SESSION);
  const began = performance.now();
  for (let i = 0; i < 1000; i++) {
    assertEquals(await sealer.open(token + "A".repeat(1_000_000)), "unknown");
  }
  assertLess(performance.now() - began, 1000, "milliseconds");
});

// Servers and proxies take at least 8000 bytes of a request line (RFC 9112, 3).
for (const character of ["a", "é", "€", "😀", "%"]) {
  Deno.test(`the longest name of ${JSON.stringify(character)} makes a URL below 6 KiB that can be used`, async () => {
    const context = setup();
    const size = new TextEncoder().encode(character).length;
    const name = character.repeat(Math.floor(1024 / size));
    const url = await start(context, `name=${encodeURIComponent(name)}`);
    assertLess(url.length, 6 * 1024);
    const response = await ask(context, url, { method: "PUT", body: "x" });
    await response.body?.cancel();
    assertEquals([response.status, context.gcs.objects[0].name], [200, name]);
  });
}

for (
  const [rule, secret] of [
    ["31 bytes", "A".repeat(42)],
    ["33 bytes", "A".repeat(44)],
    ["hexadecimal", "00".repeat(32)],
    ["no base64url", "!".repeat(43)],
    ["nothing", ""],
    ["a byte 32 times", "A".repeat(43)],
    ["eight bytes four times", `${"AAECAwQFBgcAAQIDBAUGBwABAgMEBQYHAAECAwQFBgc"}`],
  ]
) {
  Deno.test(`a session secret must be 32 bytes in base64url: not ${rule}`, () => {
    const error = assertThrows(() => sessionSealer([secret]), SettingError, "SESSION_SECRET");
    assert(secret === "" || !error.message.includes(secret));
  });
}

Deno.test("a sealer needs a secret", () => {
  assertThrows(() => sessionSealer([]), SettingError, "SESSION_SECRET");
});
