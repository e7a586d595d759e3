// Several issuers of tickets, and what else a ticket can demand: one use, a least size, a checksum.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import {
  createUploadProxy,
  proxyOptions,
  SettingError,
  signUploadTicket,
  type UploadGrant,
} from "../../src/worker.ts";
import { ask, multipart, outcome, SESSION_SECRET, setup, start, TICKET_SECRET } from "./support.ts";

const OTHER_SECRET = "another ticket secret, of another backend";
const { privateKey, publicKey } = await generateKeyPair("ES256");
const keys = { keys: [{ ...await exportJWK(publicKey), kid: "1", alg: "ES256" }] };

const issuers = [
  { secret: TICKET_SECRET, buckets: ["my-bucket"], prefixes: ["users/", "public/"] },
  { secret: OTHER_SECRET, issuer: "jobs" },
  {
    jwksUrl: "https://keys.example/jwks.json",
    issuer: "https://login.example",
    audience: "uploads",
    fetch: () => Promise.resolve(Response.json(keys)),
  },
];

async function upload(ticket: string, name = "users/17/a", options = {}): Promise<string> {
  const context = setup({ tickets: issuers, ...options });
  return await outcome(
    await ask(context, `?uploadType=media&name=${name}`, {
      body: "x",
      grant: null,
      headers: { authorization: `Bearer ${ticket}` },
    }),
  );
}
const sign = (secret: string, grant: UploadGrant, options: Record<string, string> = {}) =>
  signUploadTicket(secret, { ...grant, subject: grant.subject ?? "user-17" }, {
    expiresIn: 60,
    ...options,
  });

const cases: readonly [rule: string, expected: string, ticket: () => Promise<string>][] = [
  [
    "the first secret, within its buckets and prefixes",
    "200",
    () => sign(TICKET_SECRET, { bucket: "my-bucket", prefix: "users/17/" }),
  ],
  [
    "the first secret, with a prefix that is shorter than its own",
    "401 authError",
    () => sign(TICKET_SECRET, { bucket: "my-bucket", prefix: "" }),
  ],
  [
    "the first secret, with a name of another prefix",
    "401 authError",
    () => sign(TICKET_SECRET, { bucket: "my-bucket", name: "jobs/a" }),
  ],
  [
    "the first secret, for another bucket",
    "401 authError",
    () => sign(TICKET_SECRET, { bucket: "other-bucket", prefix: "users/" }),
  ],
  [
    "the second secret, as its issuer",
    "200",
    () => sign(OTHER_SECRET, { prefix: "" }, { issuer: "jobs" }),
  ],
  ["the second secret, as nobody", "401 authError", () => sign(OTHER_SECRET, { prefix: "" })],
  [
    "a secret of nobody",
    "401 authError",
    () => sign("a secret that nobody has set up here", { prefix: "" }, { issuer: "jobs" }),
  ],
  ["the keys of the third", "200", () => signed({})],
  ["the keys of the third, as the second", "401 authError", () => signed({ iss: "jobs" })],
];
for (const [rule, expected, ticket] of cases) {
  Deno.test(`of several issuers, ${rule}: ${expected}`, async () => {
    assertEquals(await upload(await ticket()), expected);
  });
}

function signed(claims: JWTPayload): Promise<string> {
  const all = { iss: "https://login.example", aud: "uploads", sub: "u", prefix: "", ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: "ES256", kid: "1" }).setExpirationTime("1m")
    .sign(privateKey);
}

Deno.test("`authorize` may narrow what a ticket says", async () => {
  const authorize = async (request: Request, verifyTicket: () => Promise<UploadGrant>) => {
    const grant = await verifyTicket();
    return { ...grant, maxBytes: request.headers.has("x-trusted") ? grant.maxBytes : 0 };
  };
  const context = setup({ tickets: { secret: TICKET_SECRET }, authorize });
  const body = { body: "x", grant: { prefix: "" } };
  assertEquals(
    await outcome(await ask(context, "?uploadType=media&name=a", body)),
    "413 uploadTooLarge",
  );
  const trusted = { ...body, headers: { "x-trusted": "yes" } };
  assertEquals(await outcome(await ask(context, "?uploadType=media&name=a", trusted)), "200");
  const none = await ask(context, "?uploadType=media&name=b", { body: "x", grant: null });
  assertEquals(await outcome(none), "401 authError");
});

Deno.test("a ticket that is good once starts one upload", async () => {
  const used = new Map<string, number>();
  const once = (id: string, expires: number) => {
    assert(expires > Date.now() / 1000);
    return !used.has(id) && !!used.set(id, expires);
  };
  const options = { tickets: { secret: TICKET_SECRET, once } };
  const ticket = await sign(TICKET_SECRET, { prefix: "" }, { id: "one" });
  assertEquals(await upload(ticket, "a", options), "200");
  assertEquals(await upload(ticket, "b", options), "401 authError");
  assertEquals(
    await upload(await sign(TICKET_SECRET, { prefix: "" }), "c", options),
    "401 authError",
  );
  const broken = { tickets: { secret: TICKET_SECRET, once: () => Promise.reject(new Error()) } };
  assertEquals(await upload(ticket, "d", broken), "503 backendError");
});

Deno.test("a start that fails has used up its ticket, too", async () => {
  const used = new Set<string>();
  const once = (id: string) => !used.has(id) && !!used.add(id);
  const ticket = await sign(TICKET_SECRET, { prefix: "", maxBytes: 0 }, { id: "one" });
  const options = { tickets: { secret: TICKET_SECRET, once } };
  assertEquals(await upload(ticket, "a", options), "413 uploadTooLarge");
  assertEquals(await upload(ticket, "a", options), "401 authError");
});

Deno.test("a ticket of an issuer with buckets names one of them, and so is for no other backend", async () => {
  const tickets = { secret: TICKET_SECRET, buckets: ["my-bucket"] };
  for (const grant of [{ prefix: "" }, { prefix: "", backend: "gemini" }]) {
    const ticket = await sign(TICKET_SECRET, grant);
    assertEquals(await upload(ticket, "a", { tickets }), "401 authError");
  }
});

const put = (body: string, headers: Record<string, string> = {}) => ({
  method: "PUT",
  body,
  headers,
});
const least = { prefix: "", minBytes: 3 };

for (
  const [rule, chunk] of [
    ["the whole without a range", put("ab")],
    ["the whole with a length", put("ab", { "content-length": "2" })],
    ["a range with a total", put("ab", { "content-range": "bytes 0-1/2" })],
    ["a range without an end", put("ab", { "content-range": "bytes 0-*/*" })],
    ["the finish without bytes", put("", { "content-range": "bytes */0" })],
  ] as const
) {
  Deno.test(`an object below the ticket's minimum is not made: ${rule}`, async () => {
    const context = setup();
    const url = await start(context, "name=a", { grant: least });
    assertEquals(await outcome(await ask(context, url, chunk)), "400 invalid");
    assertEquals(context.gcs.objects.length, 0);
  });
}

Deno.test("an object below the ticket's minimum is not made in one request, nor started when it says its size", async () => {
  const context = setup();
  const media = await ask(context, "?uploadType=media&name=a", { body: "ab", grant: least });
  const whole = await ask(context, "?uploadType=multipart", {
    ...multipart({ name: "a" }, "ab"),
    grant: least,
  });
  const headers = { "x-upload-content-length": "2" };
  const session = await ask(context, "?uploadType=resumable&name=a", { headers, grant: least });
  const answers = [await outcome(media), await outcome(whole), await outcome(session)];
  assertEquals(answers, Array(3).fill("400 invalid"));
  assertEquals(context.gcs.objects.length, 0);
  const url = await start(context, "name=a", { grant: least });
  assertEquals(await outcome(await ask(context, url, put("abc"))), "200");
});

const grant = { prefix: "", requireChecksum: true };
const CRC32C = "4waSgw=="; // of 123456789

Deno.test("where the ticket wants a checksum, an upload finishes with one only", async () => {
  const context = setup();
  const url = await start(context, "name=a", { grant });
  for (const range of ["bytes 0-8/9", "bytes 0-*/9", "bytes 0-*/*"]) {
    const chunk = put("123456789", { "content-range": range });
    assertEquals(await outcome(await ask(context, url, chunk)), "400 required", range);
  }
  assertEquals(await outcome(await ask(context, url, put("123456789"))), "400 required");
  const hash = { "x-goog-hash": `crc32c=${CRC32C}` };
  assertEquals(await outcome(await ask(context, url, put("123456789", hash))), "200");
});

Deno.test("where the ticket wants a checksum, one in the metadata is enough, and media has no place for it", async () => {
  const context = setup();
  const url = await start(context, "name=a", { grant, body: JSON.stringify({ crc32c: CRC32C }) });
  assertEquals(await outcome(await ask(context, url, put("123456789"))), "200");
  const media = await ask(context, "?uploadType=media&name=b", { body: "x", grant });
  const without = { ...multipart({ name: "b" }, "123456789"), grant };
  const given = { ...multipart({ name: "b", crc32c: CRC32C }, "123456789"), grant };
  assertEquals(await outcome(media), "400 required");
  assertEquals(await outcome(await ask(context, "?uploadType=multipart", without)), "400 required");
  assertEquals(await outcome(await ask(context, "?uploadType=multipart", given)), "200");
});

for (
  const checksum of [
    { crc32c: "" },
    { md5Hash: "" },
    { crc32c: "4waSgw" },
    { crc32c: `${CRC32C}${CRC32C}` },
    { md5Hash: CRC32C },
  ]
) {
  Deno.test(`${JSON.stringify(checksum)} is no checksum, and starts nothing`, async () => {
    const context = setup();
    const body = JSON.stringify(checksum);
    const reply = await ask(context, "?uploadType=resumable&name=a", { grant, body });
    assertEquals([await outcome(reply), context.sent.length], ["400 invalid", 0]);
  });
}

for (const hash of ["crc32c=A", "crc32c=", `md5=${CRC32C}`, `crc32c=${CRC32C},md5=AA==`]) {
  Deno.test(`X-Goog-Hash: ${hash} is no checksum, and finishes nothing`, async () => {
    const context = setup();
    const url = await start(context, "name=a", { grant });
    const reply = await ask(context, url, put("123456789", { "x-goog-hash": hash }));
    assertEquals([await outcome(reply), context.sent.length], ["400 invalid", 1]);
  });
}

const settings = {
  GCS_BUCKET: "my-bucket",
  GCS_ENDPOINT: "http://127.0.0.1:1",
  GOOGLE_AUTH: "none",
  SESSION_SECRET,
};

Deno.test("a setting holds several issuers", async () => {
  const { fetch: _, ...third } = issuers[2] as typeof issuers[2] & { fetch?: unknown };
  const { tickets } = proxyOptions({
    ...settings,
    TICKETS: JSON.stringify([issuers[0], issuers[1], third]),
  });
  const ticket = await sign(OTHER_SECRET, { prefix: "" }, { issuer: "jobs" });
  assertEquals(await upload(ticket, "a", { tickets }), "200");
});

for (
  const value of [
    "{}",
    "[]",
    "hunter2",
    '[{"secret":"short"}]',
    '[{"secret":"0123456789abcdef0123456789abcdef"}]',
    '[{"jwksUrl":"http://keys.example","issuer":"a","audience":"b"}]',
    '[{"jwksUrl":"https://keys.example","issuer":"a"}]',
    `[{"secret":"${OTHER_SECRET}","prefix":"a"}]`,
    `[{"secret":"${OTHER_SECRET}","prefixes":"a"}]`,
    `[{"secret":"${SESSION_SECRET}"}]`,
  ]
) {
  Deno.test(`issuers that are none are refused, and not shown: ${value.slice(0, 30)} (${value.length})`, () => {
    const make = () => createUploadProxy(proxyOptions({ ...settings, TICKETS: value }));
    const error = assertThrows(make, SettingError);
    assert(error.setting.startsWith("TICKET"), error.setting);
    assert(!error.message.includes(OTHER_SECRET) && !error.message.includes("hunter2"));
  });
}

for (const name of ["TICKET_ISSUER", "TICKET_AUDIENCE", "TICKET_MAX_AGE_SECONDS"]) {
  Deno.test(`${name} beside TICKETS is an error: it would limit nothing`, () => {
    const TICKETS = JSON.stringify([{ secret: OTHER_SECRET }]);
    const make = () => proxyOptions({ ...settings, TICKETS, [name]: "600" });
    assertEquals(assertThrows(make, SettingError).setting, name);
  });
}
