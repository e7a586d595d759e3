// Whatever kind of credentials a file of Google's holds, it leads to the tokens of that kind.

import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { type Credentials, credentialsTransport } from "../../src/auth/mod.ts";
import { fakeGoogle, formOf } from "./fake_google.ts";
import { assertNoSecret, failure, OBJECTS, testKey } from "./helpers.ts";

const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";
const IAM =
  "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken";
const USER = {
  type: "authorized_user",
  client_id: "1.apps.googleusercontent.com",
  client_secret: "GOCSPX-SECRET",
  refresh_token: "1//0SECRET",
};
const EXTERNAL = {
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  credential_source: { url: "https://token.example.com/" },
};
const acting = (source_credentials: unknown, more = {}) => ({
  type: "impersonated_service_account",
  service_account_impersonation_url: IAM,
  source_credentials,
  ...more,
} as Credentials);

Deno.test("a service account's key signs for itself, or is exchanged where it has no ID", async () => {
  const { credentials } = await testKey();
  const { fetch, asked, tokens } = fakeGoogle({
    oauth: () => Response.json({ access_token: "oauth", expires_in: 3599, token_type: "Bearer" }),
  });
  await credentialsTransport(JSON.stringify(credentials), { fetch })(OBJECTS, {});
  await credentialsTransport({ ...credentials, private_key_id: undefined }, { fetch })(OBJECTS, {});
  assertEquals([tokens[0]?.split(".").length, tokens[1], asked.oauth.length], [3, "oauth", 1]);
});

Deno.test("a user, and a workload elsewhere", async () => {
  const { fetch, asked, tokens } = fakeGoogle();
  await credentialsTransport(USER, { fetch })(OBJECTS, {});
  await credentialsTransport(EXTERNAL, { fetch })(OBJECTS, {});
  await credentialsTransport(EXTERNAL, { fetch, subjectToken: () => "own" })(OBJECTS, {});
  assertEquals([tokens, asked.other.length], [["oauth-1", "sts-1", "sts-2"], 1]);
  const subjects = asked.sts.map((seen) => formOf(seen).subject_token);
  assertEquals(subjects, ["the platform's token", "own"]);
});

Deno.test("a user of a workforce pool sends the application's secret in a header, and the next consent where a reply has one", async () => {
  const credentials = {
    type: "external_account_authorized_user",
    client_id: "me",
    client_secret: "mine-SECRET",
    refresh_token: "first-SECRET",
    quota_project_id: "charged",
  };
  const { fetch, clock, asked, tokens, stored } = fakeGoogle({
    other: (_, count) =>
      Response.json({
        access_token: `user-${count}`,
        expires_in: 3599,
        token_type: "Bearer",
        ...(count === 1 && { refresh_token: "second-SECRET" }),
      }),
  });
  const transport = credentialsTransport(credentials, { fetch, clock, scopes: ["a"] });
  for (let i = 0; i < 3; i++) {
    await transport(OBJECTS, {});
    clock.pass(3600_000);
  }
  const url = "https://sts.googleapis.com/v1/oauthtoken";
  const basic = `Basic ${btoa("me:mine-SECRET")}`;
  assertEquals(
    asked.other.map((seen) => [seen.url, seen.headers.get("authorization"), formOf(seen)]),
    ["first", "second", "second"].map((word) => [url, basic, {
      grant_type: "refresh_token",
      refresh_token: `${word}-SECRET`,
    }]),
  );
  assertEquals(tokens, ["user-1", "user-2", "user-3"]);
  assertEquals(stored[0].headers.get("x-goog-user-project"), "charged");
});

Deno.test("no error about a user of a workforce pool holds a secret", async () => {
  const credentials = {
    type: "external_account_authorized_user",
    client_id: "me",
    client_secret: "mine-SECRET",
    refresh_token: "consent-SECRET",
  };
  const secrets = ["mine-SECRET", "consent-SECRET", btoa("me:mine-SECRET")];
  const { fetch } = fakeGoogle({
    other: ({ headers, text }) =>
      Response.json(
        { error: "invalid_grant", error_description: `${text} ${headers.get("authorization")}` },
        { status: 400 },
      ),
  });
  const refused = await failure(credentialsTransport(credentials, { fetch })(OBJECTS, {}));
  assertStringIncludes(refused.message, "invalid_grant");
  assertNoSecret(refused, ...secrets);
  for (
    const wrong of [{ client_secret: 5 }, { refresh_token: "" }, { token_url: "https://a.example" }]
  ) {
    const error = await failure(() => credentialsTransport({ ...credentials, ...wrong } as never));
    assertStringIncludes(error.message, Object.keys(wrong)[0]);
    assertNoSecret(error, ...secrets);
  }
});

Deno.test("a project of the options is charged instead of the one that the credentials name", async () => {
  const { fetch, stored } = fakeGoogle();
  const credentials = { ...USER, quota_project_id: "of-the-file" };
  await credentialsTransport(credentials, { fetch, quotaProject: "mine" })(OBJECTS, {});
  await credentialsTransport(USER, { fetch, quotaProject: "mine" })(OBJECTS, {
    headers: { "x-goog-user-project": "the-caller's" },
  });
  const projects = stored.map(({ headers }) => headers.get("x-goog-user-project"));
  assertEquals(projects, ["mine", "the-caller's"]);
  const error = await failure(() => credentialsTransport(USER, { quotaProject: "a b" }));
  assertInstanceOf(error, TypeError);
});

Deno.test("a user who acts as a service account", async () => {
  const { fetch, asked, tokens, stored } = fakeGoogle();
  const delegates = ["c@d.iam.gserviceaccount.com"];
  const credentials = acting({ ...USER, quota_project_id: "mine" }, { delegates });
  await credentialsTransport(JSON.stringify(credentials), { fetch, scopes: ["a"] })(OBJECTS, {});
  assertEquals([formOf(asked.oauth[0]).scope, asked.iam[0].token], [undefined, "oauth-1"]);
  assertEquals(asked.iam[0].headers.get("x-goog-user-project"), "mine");
  assertEquals(JSON.parse(asked.iam[0].text), {
    scope: ["a"],
    lifetime: "3600s",
    delegates: ["projects/-/serviceAccounts/c@d.iam.gserviceaccount.com"],
  });
  assertEquals([tokens, stored[0].headers.get("x-goog-user-project")], [["iam-1"], null]);
});

Deno.test("a service account, and a workload elsewhere, that act as another account", async () => {
  const { credentials } = await testKey();
  const { fetch, asked, tokens } = fakeGoogle({
    oauth: () => Response.json({ access_token: "oauth", expires_in: 3599, token_type: "Bearer" }),
  });
  for (const source of [credentials, EXTERNAL]) {
    await credentialsTransport(acting(source), { fetch })(OBJECTS, {});
  }
  assertEquals(asked.iam.map(({ token }) => token), ["oauth", "sts-1"]);
  assertEquals([formOf(asked.sts[0]).scope, tokens], [CLOUD_PLATFORM, ["iam-1", "iam-2"]]);
});

Deno.test("source and account have each a token that is kept, and renewed in its own time", async () => {
  const { fetch, asked, clock } = fakeGoogle({
    iam: (_, count) =>
      Response.json({
        accessToken: `iam-${count}`,
        expireTime: new Date(clock.now() + 600_000).toISOString(),
      }),
  });
  const transport = credentialsTransport(acting(USER), { fetch, clock });
  for (let hour = 0; hour < 12; hour++) {
    await transport(OBJECTS, {});
    clock.pass(600_000);
  }
  assertEquals([asked.iam.length, asked.oauth.length], [12, 2]);
});

const MALFORMED: [what: string, credentials: unknown, says: string][] = [
  ["nothing", undefined, "expected the JSON of credentials, or the object in it, got undefined"],
  ["no JSON", "SECRET", "got a string that is not JSON"],
  ["no type", { ...USER, type: undefined }, 'type: expected "service_account", "authorized_user"'],
  ["a type that nobody knows", { type: "SECRET" }, "got another one"],
  ["another type", { type: "gdch_service_account" }, 'got "gdch_service_account"'],
  [
    "no IAM",
    acting(USER, { service_account_impersonation_url: undefined }),
    "impersonation_url: expected",
  ],
  [
    "a stranger's IAM",
    acting(USER, { service_account_impersonation_url: "https://evil.example/" }),
    "expected",
  ],
  ["nobody to act", acting(undefined), "got undefined"],
  ["a mistake within", acting({ ...USER, refresh_token: 7 }), "refresh_token: expected"],
  ["accounts within accounts", acting(acting(USER)), 'got "impersonated_service_account"'],
  ["accounts without end", acting(acting(acting(USER))), 'got "impersonated_service_account"'],
];

for (const [what, credentials, says] of MALFORMED) {
  Deno.test(`credentials with ${what} are a TypeError at once, without a secret`, async () => {
    const error = await failure(() => credentialsTransport(credentials as Credentials));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.message, says);
    assertNoSecret(error, "SECRET", "evil");
  });
}
