// Settings of the worker that cannot work are refused by their names, and no value is shown.

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import worker, { createUploadProxy, proxyOptions, type WorkerSettings } from "../../src/worker.ts";

const GOOD: WorkerSettings = {
  GCS_BUCKET: "my-bucket",
  GCS_ENDPOINT: "http://127.0.0.1:1",
  GOOGLE_AUTH: "none",
  SESSION_SECRET: "x3Qb0m1lq2cKf8uJ7nZtVY5wRk9sDhG4EoXpTaLiMBc",
  TICKET_SECRET: "a ticket secret of more than thirty-two bytes",
};
const SECRET = "hunter2";

const jwks: WorkerSettings = {
  TICKET_SECRET: undefined,
  TICKET_JWKS_URL: "https://keys.example/jwks.json",
  TICKET_ISSUER: "https://login.example",
  TICKET_AUDIENCE: "uploads",
};

/** What is wrong, the setting that the message names, and the settings. */
const wrong: [rule: string, name: keyof WorkerSettings, settings: WorkerSettings][] = [
  ["a password in the endpoint", "GCS_ENDPOINT", {
    GCS_ENDPOINT: `https://:${SECRET}@host.example`,
  }],
  ["an endpoint without a scheme", "GCS_ENDPOINT", { GCS_ENDPOINT: `${SECRET}.example` }],
  ["credentials over plain http to another machine", "GCS_ENDPOINT", {
    GCS_ENDPOINT: "http://storage.example",
    GOOGLE_AUTH: "metadata",
  }],
  ["a key where its kind belongs", "GOOGLE_AUTH", { GOOGLE_AUTH: `{"private_key":"${SECRET}"}` }],
  ["a key that is no JSON", "GOOGLE_SERVICE_ACCOUNT", {
    GOOGLE_AUTH: undefined,
    GOOGLE_SERVICE_ACCOUNT: `${SECRET}{`,
  }],
  ["a key of another kind", "GOOGLE_SERVICE_ACCOUNT", {
    GOOGLE_AUTH: undefined,
    GOOGLE_SERVICE_ACCOUNT: JSON.stringify({ type: "authorized_user", client_secret: SECRET }),
  }],
  ["a name that every object has", "GOOGLE_AUTH", { GOOGLE_AUTH: "constructor" }],
  ["no configuration", "GOOGLE_EXTERNAL_ACCOUNT", { GOOGLE_AUTH: "external-account" }],
  ["a configuration of another kind", "GOOGLE_EXTERNAL_ACCOUNT", {
    GOOGLE_AUTH: "external-account",
    GOOGLE_EXTERNAL_ACCOUNT: JSON.stringify({ type: "authorized_user", client_secret: SECRET }),
  }],
  ["a token from a program", "GOOGLE_EXTERNAL_ACCOUNT", {
    GOOGLE_AUTH: "external-account",
    GOOGLE_EXTERNAL_ACCOUNT: JSON.stringify({
      type: "external_account",
      audience: "a",
      subject_token_type: "b",
      credential_source: { executable: { command: SECRET } },
    }),
  }],
  ["a token that lives too long", "GOOGLE_EXTERNAL_ACCOUNT", {
    GOOGLE_AUTH: "external-account",
    GOOGLE_EXTERNAL_ACCOUNT: JSON.stringify({
      type: "external_account",
      audience: "a",
      subject_token_type: "b",
      credential_source: { url: "https://token.example/" },
      service_account_impersonation_url:
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken",
      service_account_impersonation: { token_lifetime_seconds: 1 },
    }),
  }],
  ["no credentials", "GOOGLE_AUTHORIZED_USER", { GOOGLE_AUTH: "authorized-user" }],
  ["credentials that are no JSON", "GOOGLE_AUTHORIZED_USER", {
    GOOGLE_AUTH: "authorized-user",
    GOOGLE_AUTHORIZED_USER: `{${SECRET}`,
  }],
  ["an endpoint of somebody else", "GOOGLE_AUTHORIZED_USER", {
    GOOGLE_AUTH: "authorized-user",
    GOOGLE_AUTHORIZED_USER: JSON.stringify({
      client_id: "a",
      client_secret: SECRET,
      refresh_token: SECRET,
      token_uri: "https://evil.example/token",
    }),
  }],
  ["neither true nor false", "ALLOW_ANONYMOUS", { ALLOW_ANONYMOUS: SECRET }],
  ["no number", "MAX_UPLOAD_BYTES", { MAX_UPLOAD_BYTES: SECRET }],
  ["no number", "MAX_CHUNK_BYTES", { MAX_CHUNK_BYTES: SECRET }],
  ["no number", "SESSION_TTL_SECONDS", { SESSION_TTL_SECONDS: SECRET }],
  ["a page instead of an origin", "ALLOWED_ORIGINS", {
    ALLOWED_ORIGINS: `https://${SECRET}.example/`,
  }],
  ["a query after the origin", "PUBLIC_ORIGIN", { PUBLIC_ORIGIN: "https://a.example/b?c" }],
  ["a path with two slashes", "PUBLIC_ORIGIN", { PUBLIC_ORIGIN: "https://a.example/b//c" }],
  ["a path that leads out", "PATH_PREFIX", { PATH_PREFIX: "/a/.." }],
  ["no slash before it", "PATH_PREFIX", { PATH_PREFIX: SECRET }],
  ["no path", "METRICS_PATH", { METRICS_PATH: "*" }],
  ["neither true nor false", "REQUIRE_CONTENT_LENGTH", { REQUIRE_CONTENT_LENGTH: SECRET }],
  ["a key that cannot be a header", "GEMINI_API_KEY", { GEMINI_API_KEY: `${SECRET} x` }],
  ["an endpoint of Gemini without a key", "GEMINI_API_KEY", { GEMINI_ENDPOINT: SECRET }],
  ["the key over plain http to another machine", "GEMINI_ENDPOINT", {
    GEMINI_API_KEY: SECRET,
    GEMINI_ENDPOINT: "http://gemini.example",
  }],
  ["an endpoint of Gemini with a path", "GEMINI_ENDPOINT", {
    GEMINI_API_KEY: "key",
    GEMINI_ENDPOINT: `https://gemini.example/${SECRET}`,
  }],
  ["neither true nor false", "LOG_OBJECT_NAMES", { LOG_OBJECT_NAMES: SECRET }],
  ["no field that can be opened", "ALLOWED_FIELDS", { ALLOWED_FIELDS: "acl" }],
  ["no bucket", "ALLOWED_BUCKETS", { ALLOWED_BUCKETS: "My Bucket" }],
  ["no number", "TICKET_MAX_AGE_SECONDS", { TICKET_MAX_AGE_SECONDS: SECRET }],
  ["no number", "START_TIMEOUT_SECONDS", { START_TIMEOUT_SECONDS: SECRET }],
  ["no secret to it", "FINISH_WEBHOOK_SECRET", { FINISH_WEBHOOK_URL: "https://hooks.example" }],
  ["a bucket that cannot be", "GCS_BUCKET", { GCS_BUCKET: "My Bucket" }],
  ["anybody may upload, to nowhere", "GCS_BUCKET", {
    GCS_BUCKET: undefined,
    TICKET_SECRET: undefined,
    ALLOW_ANONYMOUS: "true",
  }],
  ["no media type", "ALLOWED_CONTENT_TYPES", { ALLOWED_CONTENT_TYPES: "image" }],
  ["a pattern that matches nothing", "ALLOWED_CONTENT_TYPES", { ALLOWED_CONTENT_TYPES: "*/*" }],
  ["keys over plain http", "TICKET_JWKS_URL", { ...jwks, TICKET_JWKS_URL: "http://keys.example/" }],
  ["keys from no server", "TICKET_JWKS_URL", { ...jwks, TICKET_JWKS_URL: "data:text/plain,{}" }],
  ["too short", "TICKET_SECRET", { TICKET_SECRET: SECRET }],
  ["too short", "SESSION_SECRET", { SESSION_SECRET: SECRET }],
];
for (const [rule, name, settings] of wrong) {
  Deno.test(`${name}: ${rule} is refused by its name, and not shown`, () => {
    const all = { ...GOOD, ...settings };
    const error = assertThrows(() => createUploadProxy(proxyOptions(all)), TypeError);
    assertStringIncludes(error.message, name);
    assert(!error.message.includes(SECRET), error.message);
  });
}

const ISSUER = { jwksUrl: "https://keys.example/", issuer: "https://a.example", audience: "b" };
const LIST = { TICKET_SECRET: undefined };

/** Numbers that are none or out of bounds, and what is expected of what the reader has set. */
const bounds: [settings: WorkerSettings, message: string][] = [
  ...["0", "2147484", "9007199254740993", "9".repeat(400)].map((START_TIMEOUT_SECONDS): [
    WorkerSettings,
    string,
  ] => [
    { START_TIMEOUT_SECONDS },
    "START_TIMEOUT_SECONDS: expected a whole number of seconds from 1 to 2147483",
  ]),
  ...["0", "604801", "9".repeat(16)].map((SESSION_TTL_SECONDS): [WorkerSettings, string] => [
    { SESSION_TTL_SECONDS },
    "SESSION_TTL_SECONDS: expected a whole number of seconds from 1 to 604800",
  ]),
  [
    { TICKET_MAX_AGE_SECONDS: "0" },
    "TICKET_MAX_AGE_SECONDS: expected a whole number of seconds of at least 1",
  ],
  [
    { TICKET_MAX_AGE_SECONDS: "1e3" },
    "TICKET_MAX_AGE_SECONDS: expected a whole number of seconds, got something else",
  ],
  [
    { MAX_CHUNK_BYTES: "262143" },
    "MAX_CHUNK_BYTES: expected a whole number of bytes from 262144 to 9007199254740991",
  ],
  [
    { MAX_CHUNK_BYTES: "8388607", GEMINI_API_KEY: "key" },
    "MAX_CHUNK_BYTES: expected at least 8388608 bytes, which gemini takes a multiple of",
  ],
  [
    { MAX_UPLOAD_BYTES: "9".repeat(20) },
    "MAX_UPLOAD_BYTES: expected a whole number of bytes from 0 to 5497558138880",
  ],
  [
    { MAX_UPLOAD_BYTES: "100 MB" },
    "MAX_UPLOAD_BYTES: expected a whole number of bytes, got something else",
  ],
  [
    { PUBLIC_ORIGIN: "uploads.example" },
    "PUBLIC_ORIGIN: expected an origin such as https://uploads.example, got something else",
  ],
  [
    { METRICS_PATH: "metrics" },
    "METRICS_PATH: expected a path such as /metrics, got something else",
  ],
  [
    { ...LIST, TICKETS: JSON.stringify([{ ...ISSUER, maxAge: 0 }]) },
    "TICKETS: expected maxAge to be a whole number of seconds of at least 1",
  ],
  [
    { ...LIST, TICKETS: JSON.stringify([ISSUER, { secret: SECRET }]) },
    "TICKETS: expected secret to be at least 32 bytes of UTF-8, got 7",
  ],
  [
    { ...LIST, TICKETS: JSON.stringify([{ secret: "ab".repeat(20) }]) },
    "TICKETS: expected secret to be random bytes, got some that repeat",
  ],
  [
    { ...LIST, TICKETS: JSON.stringify([{ secret: GOOD.SESSION_SECRET }]) },
    "TICKETS: expected secret to be another value than SESSION_SECRET",
  ],
  [
    { ...LIST, TICKETS: JSON.stringify([{ ...ISSUER, issuer: "" }]) },
    "TICKETS: expected issuer to be a value, got none",
  ],
  [
    { ...LIST, TICKETS: JSON.stringify([{ ...ISSUER, audience: undefined }]) },
    "TICKETS: expected audience to be a value, got none",
  ],
];
for (const [settings, message] of bounds) {
  Deno.test(`an error names the setting and the unit that its reader has set: ${message}`, () => {
    const make = () => createUploadProxy(proxyOptions({ ...GOOD, ...settings }));
    assertEquals(assertThrows(make, TypeError).message, message);
  });
}

Deno.test("numbers at their bounds are taken, in the unit of the setting", () => {
  const settings = {
    START_TIMEOUT_SECONDS: "2147483",
    SESSION_TTL_SECONDS: "604800",
    TICKET_MAX_AGE_SECONDS: "1",
    MAX_CHUNK_BYTES: "262144",
    MAX_UPLOAD_BYTES: "5497558138880",
  };
  const options = proxyOptions({ ...GOOD, ...settings });
  createUploadProxy(options);
  assertEquals(options.startTimeout, 2_147_483_000);
  assertEquals(proxyOptions({ ...GOOD, START_TIMEOUT_SECONDS: "1" }).startTimeout, 1000);
});

Deno.test("who sets the option startTimeout reads its unit, milliseconds", () => {
  for (const startTimeout of [0, 0.5, 2 ** 31, NaN]) {
    const make = () => createUploadProxy({ ...proxyOptions(GOOD), startTimeout });
    assertStringIncludes(
      assertThrows(make, TypeError).message,
      "a whole number of milliseconds in startTimeout from 1 to 2147483647",
    );
  }
});

/** Runs as on Cloudflare: without `Deno`, with bindings. */
async function asOnCloudflare(bindings: unknown, request: Request): Promise<Response> {
  const own = Object.getOwnPropertyDescriptor(globalThis, "Deno")!;
  Object.defineProperty(globalThis, "Deno", { ...own, value: undefined });
  try {
    return await worker.fetch(request, bindings);
  } finally {
    Object.defineProperty(globalThis, "Deno", own);
  }
}

Deno.test("an empty value counts as none", async () => {
  const bindings = {
    ...GOOD,
    MAX_UPLOAD_BYTES: "",
    TICKETS: "",
    PATH_PREFIX: "",
    GEMINI_API_KEY: "",
  };
  const reply = await asOnCloudflare(bindings, new Request("https://proxy.example/healthz"));
  assertEquals([reply.status, await reply.json()], [200, { status: "ok" }]);
});

// In wrangler.toml, `MAX_UPLOAD_BYTES = 10` is a number: taken for none, it would be no limit at all.
for (const [name, value] of [["MAX_UPLOAD_BYTES", 10], ["ALLOWED_CONTENT_TYPES", ["image/png"]]]) {
  Deno.test(`${name}: a binding that is no text is refused by its name, not taken for none`, async () => {
    const request = new Request("https://proxy.example/healthz");
    const printed: string[] = [];
    const { error } = console;
    console.error = (line: string) => printed.push(line);
    const response = await asOnCloudflare({ ...GOOD, [`${name}`]: value }, request)
      .finally(() => console.error = error);
    assertEquals(response.status, 500);
    assertStringIncludes(printed.join(), `${name}`);
    assert(!(await response.text()).includes(`${name}`), "its name is for the log");
  });
}
