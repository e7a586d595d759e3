// Acting as a service account: what IAM is asked, with whose token, and how long its tokens serve.

import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  authorizedUserTransport,
  impersonatedTransport,
  type ImpersonationOptions,
  metadataServerTransport,
  serviceAccountTransport,
  staticTokenTransport,
  type Transport,
  UploadError,
} from "../../src/auth/mod.ts";
import { fakeGoogle, refusal } from "./fake_google.ts";
import { assertNoSecret, failure, fakeFetch, OBJECTS, testKey } from "./helpers.ts";

const ACCOUNT = "uploader@my-project.iam.gserviceaccount.com";
const READ_WRITE = "https://www.googleapis.com/auth/devstorage.read_write";
const URL_OF_IAM =
  `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${ACCOUNT}:generateAccessToken`;
const me = (fetch: Transport) => staticTokenTransport("ya29.SECRET", { fetch });

Deno.test("IAM is asked with the source's token, and requests carry the account's", async () => {
  const { fetch, asked, tokens } = fakeGoogle();
  const transport = impersonatedTransport(me(fetch), ACCOUNT, { fetch });
  await Promise.all([1, 2].map(() => transport(OBJECTS, {})));
  assertEquals([tokens, asked.iam.length], [["iam-1", "iam-1"], 1]);
  const [{ url, method, token, text, init }] = asked.iam;
  assertEquals([url, method, token, init.redirect], [URL_OF_IAM, "POST", "ya29.SECRET", "manual"]);
  assertEquals(JSON.parse(text), { scope: [READ_WRITE], lifetime: "3600s" });
});

Deno.test("delegates are named as IAM names them, with the scopes and the life that were asked for", async () => {
  const { fetch, asked } = fakeGoogle();
  const delegates = ["a@b.iam.gserviceaccount.com", "projects/-/serviceAccounts/c@d.example"];
  const options = { fetch, delegates, scopes: ["x", "y"], lifetime: 600 };
  await impersonatedTransport(me(fetch), ACCOUNT, options)(OBJECTS, {});
  assertEquals(JSON.parse(asked.iam[0].text), {
    scope: ["x", "y"],
    lifetime: "600s",
    delegates: [
      "projects/-/serviceAccounts/a@b.iam.gserviceaccount.com",
      "projects/-/serviceAccounts/c@d.example",
    ],
  });
});

Deno.test("a token ends when IAM says, and no later than was asked for", async () => {
  for (const [minutes, served] of [[10, 5], [600, 54]]) {
    const { fetch, asked, clock } = fakeGoogle({
      iam: (_, count) =>
        Response.json({
          accessToken: `iam-${count}`,
          expireTime: new Date(clock.now() + minutes * 60_000).toISOString(),
        }),
    });
    const transport = impersonatedTransport(me(fetch), ACCOUNT, { fetch, clock });
    await transport(OBJECTS, {});
    clock.pass(served * 60_000 - 1);
    await transport(OBJECTS, {});
    assertEquals(asked.iam.length, 1);
    clock.pass(6 * 60_000);
    await transport(OBJECTS, {});
    assertEquals(asked.iam.length, 2);
  }
});

Deno.test("any transport can be the source", async () => {
  const { credentials } = await testKey();
  const user = { client_id: "a", client_secret: "b", refresh_token: "c", quota_project_id: "mine" };
  const flavor = { "metadata-flavor": "Google" };
  const { fetch, asked, tokens } = fakeGoogle({
    oauth: () => Response.json({ access_token: "oauth", expires_in: 3599, token_type: "Bearer" }),
    other: () =>
      Response.json({ access_token: "machine", expires_in: 3599, token_type: "Bearer" }, {
        headers: flavor,
      }),
  });
  const sources = [
    serviceAccountTransport(credentials, { fetch, token: "oauth" }),
    authorizedUserTransport(user, { fetch }),
    metadataServerTransport({ fetch }),
    (input: string, init: RequestInit) =>
      fetch(input, {
        ...init,
        headers: { ...Object.fromEntries(new Headers(init.headers)), authorization: "Bearer own" },
      }),
  ];
  for (const source of sources) {
    await impersonatedTransport(source, ACCOUNT, { fetch })(OBJECTS, {});
  }
  assertEquals(asked.iam.map(({ token }) => token), ["oauth", "oauth", "machine", "own"]);
  const projects = asked.iam.map(({ headers }) => headers.get("x-goog-user-project"));
  assertEquals(projects, [null, "mine", null, null]);
  assertEquals(tokens, ["iam-1", "iam-2", "iam-3", "iam-4"]);
});

Deno.test("IAM's refusal is an error at once, with its words and its reason", async () => {
  const { fetch, asked } = fakeGoogle({
    iam: () =>
      refusal(403, "PERMISSION_DENIED", "Permission 'getAccessToken' denied for ya29.SECRET"),
  });
  const error = await failure(impersonatedTransport(me(fetch), ACCOUNT, { fetch })(OBJECTS, {}));
  assertInstanceOf(error, UploadError);
  assertEquals([error.code, error.status, error.reason], ["rejected", 403, "PERMISSION_DENIED"]);
  assertEquals(
    error.message,
    "Cannot get an access token from iamcredentials.googleapis.com: expected a token, " +
      "got 403 \"PERMISSION_DENIED: Permission 'getAccessToken' denied for …\"",
  );
  assertEquals(asked.iam.length, 1);
  assertNoSecret(error, "SECRET");
});

Deno.test("a source that is slow takes nothing of the time that IAM has", async () => {
  const user = { client_id: "a", client_secret: "b", refresh_token: "c" };
  const google = fakeGoogle({ oauth: () => slowly(), iam: () => slowly() });
  const { fetch, asked, clock, tokens } = google;
  const slowly = () => {
    clock.pass(9000); // of the 10 seconds that each of the two has
    return undefined;
  };
  const source = authorizedUserTransport(user, { fetch, clock });
  await impersonatedTransport(source, ACCOUNT, { fetch, clock })(OBJECTS, {});
  assertEquals([asked.oauth.length, asked.iam.length, tokens], [1, 1, ["iam-1"]]);
});

Deno.test("IAM is asked again when it is busy", async () => {
  const { fetch, asked, clock, tokens } = fakeGoogle({
    iam: (_, count) => count < 3 ? new Response(null, { status: 503 }) : undefined,
  });
  await impersonatedTransport(me(fetch), ACCOUNT, { fetch, clock })(OBJECTS, {});
  assertEquals([asked.iam.length, clock.sleeps, tokens], [3, [500, 1000], ["iam-3"]]);
});

Deno.test("a source without a token is the error, and is asked by nobody else", async () => {
  const own = new UploadError("rejected", "signed out");
  const { fetch, asked } = fakeGoogle();
  const source = staticTokenTransport(() => Promise.reject(own), { fetch });
  assertStrictEquals(
    await failure(impersonatedTransport(source, ACCOUNT, { fetch })(OBJECTS, {})),
    own,
  );
  assertEquals(asked.iam, []);
});

Deno.test("a source that gives IAM no token says so", async () => {
  const { fetch } = fakeGoogle();
  const source = staticTokenTransport("a", { fetch, origins: ["https://storage.googleapis.com"] });
  const error = await failure(impersonatedTransport(source, ACCOUNT, { fetch })(OBJECTS, {}));
  assertStringIncludes(
    error.message,
    "got https://iamcredentials.googleapis.com, which answered 401",
  );
});

for (
  const reply of [{}, { accessToken: "a" }, {
    accessToken: "a b",
    expireTime: "2100-01-01T00:00:00Z",
  }, {
    accessToken: "a",
    expireTime: "soon",
  }]
) {
  Deno.test(`${JSON.stringify(reply)} is no token of IAM's`, async () => {
    const { fetch } = fakeGoogle({ iam: () => Response.json(reply) });
    const error = await failure(impersonatedTransport(me(fetch), ACCOUNT, { fetch })(OBJECTS, {}));
    assertEquals(error instanceof UploadError && error.code, "invalid_response");
  });
}

const MISTAKES: [
  what: string,
  source: unknown,
  account: unknown,
  options: unknown,
  says: string,
][] = [
  ["no source", undefined, ACCOUNT, {}, "source: expected a transport"],
  ["no account", () => {}, undefined, {}, "serviceAccount: expected the address"],
  ["an account with a path", () => {}, "a@b/../c@d", {}, "serviceAccount: expected the address"],
  ["an account that is a number", () => {}, "12345", {}, "serviceAccount: expected the address"],
  ["delegates that are none", () => {}, ACCOUNT, { delegates: ["a"] }, "delegates: expected"],
  ["delegates in one string", () => {}, ACCOUNT, { delegates: "a@b.c" }, "delegates: expected"],
  ["a life that is too short", () => {}, ACCOUNT, { lifetime: 599 }, "lifetime: expected"],
  ["a life in pieces of seconds", () => {}, ACCOUNT, { lifetime: 600.5 }, "lifetime: expected"],
  ["an option that does not exist", () => {}, ACCOUNT, { subject: "a@b.c" }, "subject is not"],
];

for (const [what, source, account, options, says] of MISTAKES) {
  Deno.test(`acting as an account with ${what} is a mistake at the call`, async () => {
    const error = await failure(() =>
      impersonatedTransport(
        source as Transport,
        account as string,
        options as ImpersonationOptions,
      )
    );
    assertEquals(error instanceof TypeError || error instanceof RangeError, true, String(error));
    assertStringIncludes(error.message, says);
  });
}

Deno.test("the account's token goes to the caller's origins only", async () => {
  const { fetch, tokens } = fakeFetch();
  const transport = impersonatedTransport(me(fetch), ACCOUNT, { fetch });
  await transport("https://example.com/", {});
  assertEquals(tokens(), [undefined]);
});
