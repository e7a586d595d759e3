// Credentials of a user who has signed in: the exchange for tokens, renewal, the project that is charged, and errors
// without secrets.

import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { type AuthorizedUser, authorizedUserTransport, UploadError } from "../../src/auth/mod.ts";
import { fakeGoogle, formOf } from "./fake_google.ts";
import { assertNoSecret, failure, OBJECTS } from "./helpers.ts";

const USER = {
  type: "authorized_user",
  client_id: "1.apps.googleusercontent.com",
  client_secret: "GOCSPX-SECRET",
  refresh_token: "1//0SECRET/of-a-user",
} satisfies AuthorizedUser;

Deno.test("a user's consent is exchanged for a token, once for requests at the same time", async () => {
  const { fetch, asked, tokens } = fakeGoogle();
  const transport = authorizedUserTransport(JSON.stringify(USER), { fetch });
  await Promise.all([1, 2].map(() => transport(OBJECTS, {})));
  assertEquals([tokens, asked.oauth.length], [["oauth-1", "oauth-1"], 1]);
  const { type: _, ...members } = USER;
  assertEquals(formOf(asked.oauth[0]), { grant_type: "refresh_token", ...members });
  assertEquals(asked.oauth[0].init.redirect, "manual");
});

Deno.test("scopes narrow what the user has granted", async () => {
  const { fetch, asked } = fakeGoogle();
  await authorizedUserTransport(USER, { fetch, scopes: ["a", "b"] })(OBJECTS, {});
  assertEquals(formOf(asked.oauth[0]).scope, "a b");
});

Deno.test("a user's token is renewed before its end", async () => {
  const { fetch, clock, tokens } = fakeGoogle();
  const transport = authorizedUserTransport(USER, { fetch, clock });
  await transport(OBJECTS, {});
  clock.pass(3_599_000);
  await transport(OBJECTS, {});
  assertEquals(tokens, ["oauth-1", "oauth-2"]);
});

Deno.test("requests name the project that is charged, unless the caller or nobody has named one", async () => {
  const { fetch, stored } = fakeGoogle();
  const transport = authorizedUserTransport({ ...USER, quota_project_id: "mine" }, { fetch });
  await transport(OBJECTS, {});
  await transport(OBJECTS, { headers: { "X-Goog-User-Project": "theirs" } });
  await transport(OBJECTS, { headers: { "content-range": "bytes */*" } });
  await authorizedUserTransport(USER, { fetch })(OBJECTS, {});
  const projects = stored.map(({ headers }) => headers.get("x-goog-user-project"));
  assertEquals(projects, ["mine", "theirs", null, null]);
});

Deno.test("a user who has taken back the consent is an error at once, without a secret", async () => {
  const { fetch, asked } = fakeGoogle({
    oauth: ({ text }) =>
      Response.json({
        error: "invalid_grant",
        error_description: `Token has been revoked: ${text}, ${USER.refresh_token}`,
      }, { status: 400 }),
  });
  const error = await failure(authorizedUserTransport(USER, { fetch })(OBJECTS, {}));
  assertInstanceOf(error, UploadError);
  assertEquals([error.code, error.status, error.reason], ["rejected", 400, "invalid_grant"]);
  assertStringIncludes(error.message, "invalid_grant: Token has been revoked");
  assertEquals(asked.oauth.length, 1);
  assertNoSecret(error, "SECRET");
});

Deno.test("an error of fetch that repeats the form comes out without its secrets", async () => {
  const { fetch } = fakeGoogle({
    oauth: ({ text }) =>
      Promise.reject(Object.assign(new TypeError(`cannot send ${text}`), { config: { text } })),
  });
  const transport = authorizedUserTransport(USER, { fetch, retry: false });
  const error = await failure(transport(OBJECTS, {}));
  assertInstanceOf(error, UploadError);
  assertEquals(error.code, "transport_failed");
  assertStringIncludes(error.message, "cannot send grant_type=refresh_token");
  assertNoSecret(error, "SECRET");
});

const MALFORMED: [what: string, members: Record<string, unknown>, says: string][] = [
  ["another type", { type: "service_account" }, 'type: expected "authorized_user"'],
  ["no client", { client_id: undefined }, "client_id: expected"],
  ["an empty secret", { client_secret: "" }, "client_secret: expected"],
  ["no consent", { refresh_token: undefined }, "refresh_token: expected"],
  ["a consent with a space", { refresh_token: "1//0 SECRET" }, "refresh_token: expected"],
  ["a stranger's endpoint", { token_uri: "https://example.com/token" }, "token_uri: expected"],
  [
    "an endpoint that stores what it is sent",
    { token_uri: "https://storage.googleapis.com/upload/storage/v1/b/evil/o?name=a" },
    "token_uri: expected",
  ],
  ["another cloud", { universe_domain: "example.com" }, "universe_domain: expected"],
  ["a project with a line break", { quota_project_id: "a\nb" }, "quota_project_id: expected"],
];

for (const [what, members, says] of MALFORMED) {
  Deno.test(`a user's credentials with ${what} are a TypeError at once, without a secret`, async () => {
    const credentials = JSON.stringify({ ...USER, ...members });
    const error = await failure(() => authorizedUserTransport(credentials));
    assertInstanceOf(error, TypeError);
    assert(error.message.startsWith("credentials: "), error.message);
    assertStringIncludes(error.message, says);
    assertNoSecret(error, "SECRET", "example.com", "evil");
  });
}

Deno.test("an endpoint at an origin that the caller names is asked", async () => {
  const { fetch, asked } = fakeGoogle({
    other: () => Response.json({ access_token: "a", expires_in: 9, token_type: "Bearer" }),
  });
  const token_uri = "http://127.0.0.1:8085/token";
  const origins = ["http://127.0.0.1:8085", "https://storage.googleapis.com"];
  await authorizedUserTransport({ ...USER, token_uri }, { fetch, origins })(OBJECTS, {});
  assertEquals(asked.other.map(({ url }) => url), [token_uri]);
});
