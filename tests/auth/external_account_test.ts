// A workload outside of Google gets tokens for what its own platform says of it, from a URL, a file or a function.

import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  type ExternalAccount,
  type ExternalAccountOptions,
  externalAccountTransport,
  UploadError,
} from "../../src/auth/mod.ts";
import { fakeGoogle, formOf, refusal } from "./fake_google.ts";
import { assertNoSecret, failure, OBJECTS } from "./helpers.ts";

const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/github";
const ACCOUNT: ExternalAccount = {
  type: "external_account",
  audience: AUDIENCE,
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
};
const IMPERSONATION =
  "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken";
const READ_WRITE = "https://www.googleapis.com/auth/devstorage.read_write";
const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";
const SUBJECT = "eyJSECRET.subject.token";
const subjectToken = () => SUBJECT;

Deno.test("the platform's token is exchanged for one of Google's, once for requests at the same time", async () => {
  const { fetch, asked, tokens } = fakeGoogle();
  const transport = externalAccountTransport(JSON.stringify(ACCOUNT), { fetch, subjectToken });
  await Promise.all([1, 2].map(() => transport(OBJECTS, {})));
  assertEquals([tokens, asked.sts.length, asked.iam.length], [["sts-1", "sts-1"], 1, 0]);
  assertEquals(formOf(asked.sts[0]), {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    audience: AUDIENCE,
    scope: READ_WRITE,
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    subject_token: SUBJECT,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  });
  assertEquals([asked.sts[0].token, asked.sts[0].init.redirect], [undefined, "manual"]);
});

Deno.test("the platform's token is asked for again with every new token", async () => {
  const { fetch, asked, clock } = fakeGoogle();
  let count = 0;
  const subjectToken = () => Promise.resolve(` subject-${++count}\n`);
  const transport = externalAccountTransport(ACCOUNT, { fetch, clock, subjectToken });
  await transport(OBJECTS, {});
  clock.pass(3_599_000);
  await transport(OBJECTS, {});
  const subjects = asked.sts.map((seen) => formOf(seen).subject_token);
  assertEquals(subjects, ["subject-1", "subject-2"]);
});

Deno.test("a workload can act as a service account: then Google's token is for IAM, and IAM's for the requests", async () => {
  const { fetch, asked, tokens, clock } = fakeGoogle();
  const account = {
    ...ACCOUNT,
    service_account_impersonation_url: IMPERSONATION,
    service_account_impersonation: { token_lifetime_seconds: 1200 },
  };
  const options = { fetch, clock, subjectToken, scopes: ["a", "b"] };
  const transport = externalAccountTransport(account, options);
  await transport(OBJECTS, {});
  assertEquals(formOf(asked.sts[0]).scope, CLOUD_PLATFORM);
  assertEquals([asked.iam[0].url, asked.iam[0].token], [IMPERSONATION, "sts-1"]);
  assertEquals(JSON.parse(asked.iam[0].text), { scope: ["a", "b"], lifetime: "1200s" });
  clock.pass(1_200_000);
  await transport(OBJECTS, {});
  // The workload's own token is still good: it is kept as well.
  assertEquals([tokens, asked.sts.length, asked.iam[1].token], [["iam-1", "iam-2"], 1, "sts-1"]);
});

Deno.test("a token that IAM does not take any more is exchanged anew", async () => {
  const { fetch, asked, tokens } = fakeGoogle({
    iam: (_, count) => count === 1 ? refusal(401, "UNAUTHENTICATED", "Expired.") : undefined,
  });
  const account = { ...ACCOUNT, service_account_impersonation_url: IMPERSONATION };
  await externalAccountTransport(account, { fetch, subjectToken })(OBJECTS, {});
  assertEquals([asked.iam.map(({ token }) => token), tokens], [["sts-1", "sts-2"], ["iam-2"]]);
});

/** A source in the configuration, what the platform answers, and the token in it. */
const URLS: [source: Record<string, unknown>, answer: () => Response, token: string][] = [
  [{}, () => new Response("plain\n"), "plain"],
  [{ format: { type: "text" } }, () => new Response("plain"), "plain"],
  [
    { format: { type: "json", subject_token_field_name: "value" } },
    () => Response.json({ value: "in JSON", count: 1 }),
    "in JSON",
  ],
];

for (const [source, answer, token] of URLS) {
  Deno.test(`the platform's token comes from a URL, with ${JSON.stringify(source)}`, async () => {
    const { fetch, asked } = fakeGoogle({ other: answer });
    const url = "https://token.example.com/?audience=a";
    const headers = { Authorization: "bearer of-the-platform" };
    const credential_source = { url, headers, ...source };
    await externalAccountTransport({ ...ACCOUNT, credential_source }, { fetch })(OBJECTS, {});
    const [{ method, headers: sent, init }] = asked.other;
    assertEquals([asked.other[0].url, method, init.redirect], [url, "GET", "manual"]);
    assertEquals([...sent], [["authorization", "bearer of-the-platform"]]);
    assertEquals(formOf(asked.sts[0]).subject_token, token);
  });
}

Deno.test("a platform without TLS is asked where the caller names its origin", async () => {
  const { fetch, asked } = fakeGoogle();
  const credential_source = { url: "http://token.internal:8080/a" };
  const origins = ["http://token.internal:8080", "https://storage.googleapis.com"];
  await externalAccountTransport({ ...ACCOUNT, credential_source }, { fetch, origins })(
    OBJECTS,
    {},
  );
  assertEquals(asked.other.map(({ url, token }) => [url, token]), [
    [credential_source.url, undefined],
  ]);
});

for (const host of ["127.0.0.1:8080", "localhost", "[::1]", "169.254.169.254"]) {
  Deno.test(`a platform at ${host} is asked without TLS`, async () => {
    const { fetch, asked, tokens } = fakeGoogle();
    const credential_source = { url: `http://${host}/token` };
    await externalAccountTransport({ ...ACCOUNT, credential_source }, { fetch })(OBJECTS, {});
    assertEquals([asked.other.map(({ url }) => url), tokens], [[credential_source.url], ["sts-1"]]);
  });
}

Deno.test("short values of headers are no secrets, and stay in the platform's words", async () => {
  const { fetch } = fakeGoogle({
    other: () => Response.json({ error: "true is not an identity" }, { status: 400 }),
  });
  const headers = { metadata: "true", "x-none": "" };
  const credential_source = { url: "http://169.254.169.254/token", headers };
  const transport = externalAccountTransport({ ...ACCOUNT, credential_source }, { fetch });
  const error = await failure(transport(OBJECTS, {}));
  assertStringIncludes(error.message, 'got 400 "true is not an identity"');
});

Deno.test("the platform is asked again when it is busy", async () => {
  const { fetch, asked, clock, tokens } = fakeGoogle({
    other: (_, count) => count < 3 ? new Response(null, { status: 503 }) : undefined,
  });
  const credential_source = { url: "http://169.254.169.254/token" };
  await externalAccountTransport({ ...ACCOUNT, credential_source }, { fetch, clock })(OBJECTS, {});
  assertEquals([asked.other.length, clock.sleeps, tokens], [3, [500, 1000], ["sts-1"]]);
});

Deno.test("the platform's token comes from a file, by the reader that was handed in", async () => {
  const { fetch, asked } = fakeGoogle();
  const paths: string[] = [];
  const readFile = (path: string) => `{"token":"${paths.push(path)}"}\n`;
  const format = { type: "json", subject_token_field_name: "token" };
  const credential_source = { file: "/var/run/token", format };
  const transport = externalAccountTransport({ ...ACCOUNT, credential_source }, {
    fetch,
    readFile,
  });
  await transport(OBJECTS, {});
  assertEquals([paths, formOf(asked.sts[0]).subject_token], [["/var/run/token"], "1"]);
});

Deno.test("a function for the platform's token goes before the configuration", async () => {
  const { fetch, asked } = fakeGoogle();
  const credential_source = { environment_id: "aws1" };
  const transport = externalAccountTransport({ ...ACCOUNT, credential_source }, {
    fetch,
    subjectToken,
  });
  await transport(OBJECTS, {});
  assertEquals([formOf(asked.sts[0]).subject_token, asked.other], [SUBJECT, []]);
});

Deno.test("an application says who it is, and a pool of people who is charged", async () => {
  const workforce_pool_user_project = "people";
  const { fetch, asked } = fakeGoogle();
  const application = { client_id: "me", client_secret: "SECRET" };
  const both = { ...application, workforce_pool_user_project };
  for (const members of [application, { workforce_pool_user_project }, both]) {
    await externalAccountTransport({ ...ACCOUNT, ...members }, { fetch, subjectToken })(
      OBJECTS,
      {},
    );
  }
  const sent = asked.sts.map((seen) => [seen.headers.get("authorization"), formOf(seen).options]);
  assertEquals(sent, [
    [`Basic ${btoa("me:SECRET")}`, undefined],
    [null, '{"userProject":"people"}'],
    [`Basic ${btoa("me:SECRET")}`, undefined],
  ]);
});

Deno.test("an application that is refused is an error without its secret, whatever Google says", async () => {
  const client_secret = "word-of-the-application";
  const refused = { error: "invalid_client", error_description: `Not ${client_secret}` };
  const { fetch } = fakeGoogle({ sts: () => Response.json(refused, { status: 401 }) });
  const application = { client_id: "me", client_secret };
  const options = { fetch, subjectToken };
  const error = await failure(
    externalAccountTransport({ ...ACCOUNT, ...application }, options)(OBJECTS, {}),
  );
  assertInstanceOf(error, UploadError);
  assertEquals([error.code, error.reason], ["rejected", "invalid_client"]);
  assertStringIncludes(error.message, "Not …");
});

Deno.test("what the function for the platform's token throws is the caller's own", async () => {
  const own = new RangeError("no permission id-token: write");
  const { fetch, asked } = fakeGoogle();
  const subjectToken = () => Promise.reject(own);
  const transport = externalAccountTransport(ACCOUNT, { fetch, subjectToken });
  assertStrictEquals(await failure(transport(OBJECTS, {})), own);
  assertEquals(asked.sts, []);
});

for (const value of ["", " \n", undefined, null, 7, {}]) {
  Deno.test(`${JSON.stringify(value)} is no token of a platform`, async () => {
    const { fetch, asked } = fakeGoogle();
    const subjectToken = () => value as string;
    const error = await failure(
      externalAccountTransport(ACCOUNT, { fetch, subjectToken })(OBJECTS, {}),
    );
    assertEquals([error instanceof UploadError && error.code, asked.sts], ["rejected", []]);
  });
}

Deno.test("a platform that has no token for this workload is an error at once", async () => {
  const secret = "bearer-of-the-platform";
  const { fetch, asked } = fakeGoogle({
    other: () => Response.json({ error: `${secret} is wrong` }, { status: 403 }),
  });
  const credential_source = { url: "https://example.com/", headers: { "x-key": secret } };
  const error = await failure(
    externalAccountTransport({ ...ACCOUNT, credential_source }, { fetch })(OBJECTS, {}),
  );
  assertInstanceOf(error, UploadError);
  assertEquals([error.code, asked.other.length, asked.sts], ["rejected", 1, []]);
  assertEquals(
    error.message,
    'Cannot get a subject token from example.com: expected a token, got 403 "… is wrong"',
  );
});

Deno.test("a token that the pool does not know is an error at once, with Google's words and without the token", async () => {
  const { fetch, asked } = fakeGoogle({
    sts: () =>
      Response.json({ error: "invalid_grant", error_description: `Not ${SUBJECT}` }, {
        status: 400,
      }),
  });
  const transport = externalAccountTransport(ACCOUNT, { fetch, subjectToken });
  const error = await failure(transport(OBJECTS, {}));
  assertInstanceOf(error, UploadError);
  assertEquals([error.code, error.reason, asked.sts.length], ["rejected", "invalid_grant", 1]);
  assertStringIncludes(
    error.message,
    'sts.googleapis.com: expected a token, got 400 "invalid_grant',
  );
  assertNoSecret(error, "SECRET");
});

const STORAGE = "https://storage.googleapis.com/upload/storage/v1/b/evil/o?name=a";

const MALFORMED: [
  what: string,
  members: Record<string, unknown>,
  says: string,
  options?: Record<string, unknown>,
][] = [
  ["another type", { type: "authorized_user" }, 'type: expected "external_account"'],
  ["no audience", { audience: undefined }, "audience: expected"],
  ["no type of token", { subject_token_type: "" }, "subject_token_type: expected"],
  ["a stranger's endpoint", { token_url: "https://example.com/v1/token" }, "token_url: expected"],
  ["an endpoint that is no STS", { token_url: STORAGE }, "token_url: expected"],
  ["an endpoint without TLS", { token_url: "http://sts.googleapis.com/v1/token" }, "token_url"],
  [
    "a stranger's IAM",
    { service_account_impersonation_url: IMPERSONATION.replace("googleapis", "example") },
    "service_account_impersonation_url: expected",
  ],
  [
    "another method of IAM",
    { service_account_impersonation_url: IMPERSONATION.replace("generateAccessToken", "signBlob") },
    "service_account_impersonation_url: expected",
  ],
  [
    "a life that is too long",
    {
      service_account_impersonation_url: IMPERSONATION,
      service_account_impersonation: { token_lifetime_seconds: 43_201 },
    },
    "lifetime: expected whole seconds from 600 to 43200",
  ],
  ["another cloud", { universe_domain: "example.com" }, "universe_domain: expected"],
  ["no source", {}, "credential_source: expected an object, or the option subjectToken", {}],
  ["AWS", { credential_source: { environment_id: "aws1" } }, "got environment_id", {}],
  ["a program", { credential_source: { executable: {} } }, "got executable", {}],
  ["a file and no reader", { credential_source: { file: "a" } }, "the option readFile", {}],
  ["a URL without TLS", { credential_source: { url: "http://example.com/" } }, "url: expected", {}],
  ["a URL that is none", { credential_source: { url: "/token" } }, "url: expected https", {}],
  [
    "a format that nobody knows",
    { credential_source: { url: "https://a.example", format: { type: "xml" } } },
    "format: expected",
    {},
  ],
  [
    "JSON without a name",
    { credential_source: { url: "https://a.example", format: { type: "json" } } },
    "format: expected",
    {},
  ],
  [
    "headers that are none",
    { credential_source: { url: "https://a.example", headers: { "a b": "SECRET" } } },
    "headers: expected",
    {},
  ],
  ["a function that is none", {}, "subjectToken: expected a function", { subjectToken: "SECRET" }],
  ["a reader that is none", {}, "readFile: expected a function", { readFile: true, subjectToken }],
  ["an option that does not exist", {}, "token is not an option", { token: "oauth" }],
];

for (const [what, members, says, options = { subjectToken }] of MALFORMED) {
  Deno.test(`an external account with ${what} is a mistake at the call`, async () => {
    const configuration = JSON.stringify({ ...ACCOUNT, ...members });
    const error = await failure(() =>
      externalAccountTransport(configuration, options as ExternalAccountOptions)
    );
    assertEquals(error instanceof TypeError || error instanceof RangeError, true, String(error));
    assertStringIncludes(error.message, says);
    assertNoSecret(error, "SECRET", "evil");
  });
}

for (const region of ["us-east1", "europe-west4"]) {
  Deno.test(`the endpoints of a region are Google's: ${region}`, () => {
    externalAccountTransport({
      ...ACCOUNT,
      token_url: `https://sts.${region}.rep.googleapis.com/v1/token`,
      service_account_impersonation_url: IMPERSONATION.replace(".", `.${region}.rep.`),
    }, { subjectToken });
  });
}
