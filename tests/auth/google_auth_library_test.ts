// Requests for tokens are those that google-auth-library sends, and its tokens can be used.

import { assert, assertEquals } from "@std/assert";
import { decodeJwt } from "jose";
import { fileURLToPath } from "node:url";
import {
  type AccessRule,
  credentialsTransport,
  downscopedToken,
  type ServiceAccountKey,
  serviceAccountTransport,
  type Transport,
} from "../../src/auth/mod.ts";
import { fakeFetch, OBJECTS, testKey } from "./helpers.ts";

const PEER = new URL("peer/", import.meta.url);
const SCRIPT = fileURLToPath(new URL("google_auth_library.mjs", PEER));

const ignore = !await succeeds("node", ["--version"]);
if (ignore) console.log("tests/auth: google-auth-library is left out: there is no `node`");

/** A request, in the form in which both sides say it. */
interface Sent {
  url: string;
  method: string;
  authorization: string | null;
  body: unknown;
}

interface Job {
  credentials: Record<string, unknown>;
  scopes: string[];
  subject?: string;
  rules?: AccessRule[];
  boundary?: unknown;
}

const ANSWERS: Record<string, unknown> = {
  "token.example.com": { value: "the platform's" },
  "oauth2.googleapis.com": { access_token: "oauth", expires_in: 3599, token_type: "Bearer" },
  "sts.googleapis.com": { access_token: "sts", expires_in: 3599, token_type: "Bearer" },
  "iamcredentials.googleapis.com": { accessToken: "iam", expireTime: "2100-01-01T00:00:00Z" },
};

const IAM =
  "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken";
const USER = { type: "authorized_user", client_id: "a", client_secret: "b", refresh_token: "1//c" };
const EXTERNAL = {
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: "https://sts.googleapis.com/v1/token",
  credential_source: {
    url: "https://token.example.com/?audience=a",
    headers: { authorization: "Bearer of-the-platform" },
    format: { type: "json", subject_token_field_name: "value" },
  },
};
const ACTING = {
  type: "impersonated_service_account",
  service_account_impersonation_url: IAM,
  delegates: ["projects/-/serviceAccounts/c@d.iam.gserviceaccount.com"],
};
const WORKFORCE = {
  ...EXTERNAL,
  audience: "//iam.googleapis.com/locations/global/workforcePools/a/providers/b",
  workforce_pool_user_project: "people",
};

const JOBS: [what: string, job: () => Job | Promise<Job>][] = [
  ["a user", () => ({ credentials: USER, scopes: ["x"] })],
  ["a workload elsewhere", () => ({ credentials: EXTERNAL, scopes: ["x", "y"] })],
  [
    "a workload that acts as an account",
    () => ({
      credentials: {
        ...EXTERNAL,
        service_account_impersonation_url: IAM,
        service_account_impersonation: { token_lifetime_seconds: 1800 },
      },
      scopes: ["x", "y"],
    }),
  ],
  [
    "an application with a secret",
    () => ({
      credentials: { ...EXTERNAL, client_id: "me", client_secret: "mine" },
      scopes: ["x"],
    }),
  ],
  [
    "a user of a pool who has signed in",
    () => ({
      credentials: {
        type: "external_account_authorized_user",
        client_id: "a",
        client_secret: "b",
        refresh_token: "c",
      },
      scopes: ["x"],
    }),
  ],
  ["a pool of people", () => ({ credentials: WORKFORCE, scopes: ["x"] })],
  [
    "a user who acts as an account",
    () => ({
      credentials: { ...ACTING, source_credentials: USER },
      scopes: ["x", "y"],
    }),
  ],
  [
    "a service account that speaks for a user",
    async () => ({
      credentials: { ...(await testKey()).credentials },
      scopes: ["x", "y"],
      subject: "ada@example.com",
    }),
  ],
  [
    "a token for less",
    () => ({
      credentials: USER,
      scopes: ["x"],
      rules: [{ bucket: "my-bucket", prefix: 'a "b"/' }],
      boundary: {
        accessBoundary: {
          accessBoundaryRules: [{
            availableResource: "//storage.googleapis.com/projects/_/buckets/my-bucket",
            availablePermissions: ["inRole:roles/storage.objectCreator"],
            availabilityCondition: {
              expression:
                'resource.name.startsWith("projects/_/buckets/my-bucket/objects/a \\"b\\"/")',
            },
          }],
        },
      },
    }),
  ],
];

for (const [what, make] of JOBS) {
  Deno.test({
    name: `google-auth-library sends the same for a token: ${what}`,
    ignore,
    async fn() {
      const job = await make();
      const theirs = await peer(job);
      assertEquals(await ours(job), theirs);
    },
  });
}

Deno.test("what google-auth-library returns for a token is what staticTokenTransport() takes", async () => {
  await install();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--config=deno.json", "types.mts"],
    cwd: PEER,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
});

let installed: Promise<boolean> | undefined;

async function install(): Promise<void> {
  installed ??= succeeds(Deno.execPath(), ["install", "--quiet"], PEER);
  if (!await installed) throw new Error("expected google-auth-library to be installed");
}

/** What google-auth-library sends, and the token that it has in the end. */
async function peer(job: Job): Promise<{ token: string; requests: Sent[] }> {
  await install();
  const { stdout, stderr, success } = await new Deno.Command("node", {
    args: [SCRIPT, JSON.stringify({ ...job, answers: ANSWERS })],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { token, requests } = JSON.parse(new TextDecoder().decode(stdout));
  return { token, requests: requests.map(comparable) };
}

/** What we send, and the token that we have in the end. */
async function ours(
  { credentials, scopes, subject, rules }: Job,
): Promise<{ token: string; requests: Sent[] }> {
  const requests: Sent[] = [];
  const { fetch, tokens } = fakeFetch(({ url, method, headers, text }) => {
    if (url.startsWith(OBJECTS)) return new Response("ok");
    const isForm = headers.get("content-type") === "application/x-www-form-urlencoded";
    const body = isForm ? Object.fromEntries(new URLSearchParams(text)) : text && JSON.parse(text);
    requests.push({ url, method, authorization: headers.get("authorization"), body: body || null });
    return Response.json(ANSWERS[new URL(url).host]);
  });
  const isUser = credentials.type === "authorized_user";
  const transport: Transport = subject
    ? serviceAccountTransport(credentials as unknown as ServiceAccountKey, {
      fetch,
      scopes,
      subject,
    })
    // The library never narrows what a user has granted.
    : credentialsTransport(JSON.stringify(credentials), isUser ? { fetch } : { fetch, scopes });
  if (rules) {
    const { token } = await downscopedToken(transport, rules, { fetch });
    return { token, requests: requests.map(comparable) };
  }
  await transport(OBJECTS, {});
  return { token: tokens().at(-1)!, requests: requests.map(comparable) };
}

/** A request without what differs by the clock: the times of an assertion. */
function comparable({ body, ...rest }: Sent): Sent {
  if (typeof body !== "object" || body === null || !("assertion" in body)) return { ...rest, body };
  const { iat: _from, exp: _to, ...claims } = decodeJwt(String(body.assertion));
  return { ...rest, body: { ...body, assertion: claims } };
}

async function succeeds(program: string, args: string[], cwd?: URL): Promise<boolean> {
  const command = new Deno.Command(program, { args, ...(cwd && { cwd }), stdout: "null" });
  return await command.output().then(({ success }) => success, () => false);
}
