// A token can be exchanged for one that is good for a bucket or a prefix only, and its condition cannot be escaped from.

import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type AccessRule,
  apiKeyTransport,
  downscopedToken,
  type DownscopeOptions,
  serviceAccountTransport,
  staticTokenTransport,
  UploadError,
} from "../../src/auth/mod.ts";
import { fakeGoogle, formOf } from "./fake_google.ts";
import { assertNoSecret, failure, testKey } from "./helpers.ts";

const TOKEN = "ya29.SECRET";
const RULE: AccessRule = { bucket: "my-bucket", prefix: "users/7/" };
const backend = () => staticTokenTransport(TOKEN);

Deno.test("a token is exchanged for one that is good for one prefix, to create objects", async () => {
  const { fetch, asked, clock } = fakeGoogle();
  const made = await downscopedToken(backend(), [RULE], { fetch, clock });
  const { options, ...form } = formOf(asked.sts[0]);
  assertEquals(form, {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    subject_token: TOKEN,
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
  });
  assertEquals(JSON.parse(options), {
    accessBoundary: {
      accessBoundaryRules: [{
        availableResource: "//storage.googleapis.com/projects/_/buckets/my-bucket",
        availablePermissions: ["inRole:roles/storage.objectCreator"],
        availabilityCondition: {
          expression: 'resource.name.startsWith("projects/_/buckets/my-bucket/objects/users/7/")',
        },
      }],
    },
  });
  assertEquals(made, { token: "sts-1", expiresAt: new Date(clock.now() + 3_599_000) });
});

Deno.test("a rule without a prefix is for the whole bucket, with the roles that it names", async () => {
  const { fetch, asked } = fakeGoogle();
  const roles = ["roles/storage.objectViewer", "projects/my-project/roles/own_role"];
  await downscopedToken(backend(), [{ bucket: "a.b-c", roles }, RULE], { fetch });
  const [first, second] =
    JSON.parse(formOf(asked.sts[0]).options).accessBoundary.accessBoundaryRules;
  assertEquals(first, {
    availableResource: "//storage.googleapis.com/projects/_/buckets/a.b-c",
    availablePermissions: roles.map((role) => `inRole:${role}`),
  });
  assertStringIncludes(second.availableResource, "my-bucket");
});

Deno.test("a prefix cannot end the condition that it is in", async () => {
  const { fetch, asked } = fakeGoogle();
  const prefix = 'a"\\") || true || resource.name.startsWith("\n';
  await downscopedToken(backend(), [{ ...RULE, prefix }], { fetch });
  const [{ availabilityCondition: { expression } }] =
    JSON.parse(formOf(asked.sts[0]).options).accessBoundary.accessBoundaryRules;
  const literal = /^resource\.name\.startsWith\((".*")\)$/.exec(expression)?.[1] ?? "";
  assertEquals(JSON.parse(literal), `projects/_/buckets/my-bucket/objects/${prefix}`);
});

Deno.test("a token of a user has no end of its own", async () => {
  const { fetch } = fakeGoogle({
    sts: () => Response.json({ access_token: "a", token_type: "Bearer" }),
  });
  const made = await downscopedToken(backend(), [RULE], { fetch });
  assertEquals(made, { token: "a", expiresAt: undefined });
});

Deno.test("the token of a service account comes from Google's authorization server; one it has signed itself is refused", async () => {
  const { credentials } = await testKey();
  const { fetch, asked } = fakeGoogle({
    oauth: () => Response.json({ access_token: "oauth", expires_in: 3599, token_type: "Bearer" }),
  });
  await downscopedToken(serviceAccountTransport(credentials, { fetch, token: "oauth" }), [RULE], {
    fetch,
  });
  assertEquals(asked.sts.map((seen) => formOf(seen).subject_token), ["oauth"]);
  const error = await failure(
    downscopedToken(serviceAccountTransport(credentials), [RULE], { fetch }),
  );
  assertEquals([error instanceof UploadError && error.code, asked.sts.length], ["rejected", 1]);
  assertStringIncludes(error.message, 'token: "oauth"');
  assertNoSecret(error, "eyJ");
});

Deno.test("STS is asked again when it is busy, and its refusal is an error without the token", async () => {
  const { fetch, asked, clock } = fakeGoogle({
    sts: (_, count) =>
      count === 1
        ? new Response(null, { status: 503 })
        : Response.json({ error: "invalid_request", error_description: `Not ${TOKEN}` }, {
          status: 400,
        }),
  });
  const error = await failure(downscopedToken(backend(), [RULE], { fetch, clock }));
  assertInstanceOf(error, UploadError);
  assertEquals([error.code, error.reason, asked.sts.length], ["rejected", "invalid_request", 2]);
  assertNoSecret(error, "SECRET");
});

Deno.test("a reply without a token is no answer", async () => {
  const { fetch } = fakeGoogle({ sts: () => Response.json({ expires_in: 9 }) });
  const error = await failure(downscopedToken(backend(), [RULE], { fetch }));
  assertEquals(error instanceof UploadError && error.code, "invalid_response");
});

Deno.test("an abort stops the wait with its reason", async () => {
  const abort = new AbortController();
  const { fetch } = fakeGoogle({
    sts: () => {
      queueMicrotask(() => abort.abort(new RangeError("enough")));
      return new Promise(() => {});
    },
  });
  const asking = downscopedToken(backend(), [RULE], { fetch, signal: abort.signal });
  await assertRejects(() => asking, RangeError, "enough");
});

const MISTAKES: [what: string, rules: unknown, says: string][] = [
  ["no rules", [], "rules: expected an array of 1 to 10 rules"],
  ["too many rules", Array(11).fill(RULE), "rules: expected an array of 1 to 10 rules"],
  ["one rule", RULE, "rules: expected an array"],
  ["a rule that is none", ["my-bucket"], "expected an object"],
  ["no bucket", [{}], "rules: bucket: expected"],
  ["a bucket with a path", [{ bucket: "a/objects/b" }], "rules: bucket: expected"],
  ["a prefix that is none", [{ ...RULE, prefix: 7 }], "rules: prefix: expected a string"],
  ["no roles", [{ ...RULE, roles: [] }], "rules: roles: expected"],
  ["a role that is none", [{ ...RULE, roles: ["objectCreator"] }], "rules: roles: expected"],
  ["a member that does not exist", [{ ...RULE, name: "a" }], "name is not an option"],
];

for (const [what, rules, says] of MISTAKES) {
  Deno.test(`a token for less with ${what} is a mistake, and nothing is sent`, async () => {
    const { fetch, asked } = fakeGoogle();
    const error = await failure(downscopedToken(backend(), rules as AccessRule[], { fetch }));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.message, says);
    assertEquals(asked.sts, []);
  });
}

for (const source of [fetch, apiKeyTransport("AIza"), undefined, "ya29.a0"]) {
  Deno.test(`a token cannot be made of ${typeof source} ${String(source).slice(0, 8)}`, async () => {
    const error = await failure(downscopedToken(source as typeof fetch, [RULE]));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.message, "source: expected a transport of this package");
  });
}

Deno.test("an option that does not exist is a TypeError", async () => {
  const options = { scopes: ["a"] } as DownscopeOptions;
  assertInstanceOf(await failure(downscopedToken(backend(), [RULE], options)), TypeError);
});
