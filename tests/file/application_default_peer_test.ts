// google-auth-library and applicationDefaultTransport() find the same in the same environment, and send the same for a token.

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { applicationDefaultTransport } from "../../src/file/mod.ts";
import { fakeFetch, OBJECTS } from "../auth/helpers.ts";

const PEER = new URL("../auth/peer/", import.meta.url);
const SCRIPT = fileURLToPath(new URL("application_default.mjs", PEER));
const METADATA = "metadata.example";

/** What is answered at each host. */
const ANSWERS: Record<string, unknown> = {
  "oauth2.googleapis.com": { access_token: "oauth", expires_in: 3599, token_type: "Bearer" },
  "sts.googleapis.com": { access_token: "sts", expires_in: 3599, token_type: "Bearer" },
  "iamcredentials.googleapis.com": { accessToken: "iam", expireTime: "2100-01-01T00:00:00Z" },
  [METADATA]: { access_token: "machine", expires_in: 3599, token_type: "Bearer" },
};

const user = (name: string, more = {}) => ({
  type: "authorized_user",
  client_id: name,
  client_secret: "b",
  refresh_token: "1//c",
  ...more,
});
const ACTING = {
  type: "impersonated_service_account",
  service_account_impersonation_url:
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken",
  delegates: ["projects/-/serviceAccounts/c@d.iam.gserviceaccount.com"],
  source_credentials: user("acting"),
};
const WORKLOAD = {
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: "https://sts.googleapis.com/v1/token",
  credential_source: { file: "$HOME/subject_token" },
};
const WORKFORCE = {
  type: "external_account_authorized_user",
  audience: "//iam.googleapis.com/locations/global/workforcePools/a/providers/b",
  client_id: "a",
  client_secret: "b",
  refresh_token: "c",
  token_url: "https://sts.googleapis.com/v1/oauthtoken",
};
const KNOWN = ".config/gcloud/application_default_credentials.json";

/** An environment: files below a home, by their names, and variables, in which `$HOME` is that home. */
interface Place {
  readonly files?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

const PLACES: Readonly<Record<string, Place>> = {
  "the file of the variable": {
    files: { "a.json": user("named"), [KNOWN]: user("known") },
    env: { GOOGLE_APPLICATION_CREDENTIALS: "$HOME/a.json", CLOUDSDK_CONFIG: "$HOME" },
  },
  "gcloud's file": { files: { [KNOWN]: user("known") } },
  "gcloud's file in a folder of its own": {
    files: { [KNOWN]: user("known"), "own/application_default_credentials.json": user("own") },
    env: { CLOUDSDK_CONFIG: "$HOME/own" },
  },
  "an empty variable, which is none": {
    files: { [KNOWN]: user("known") },
    env: { GOOGLE_APPLICATION_CREDENTIALS: "", CLOUDSDK_CONFIG: "" },
  },
  "a file with a project that is charged": {
    files: { [KNOWN]: user("known", { quota_project_id: "of-the-file" }) },
  },
  "a variable with a project that is charged": {
    files: { [KNOWN]: user("known", { quota_project_id: "of-the-file" }) },
    env: { GOOGLE_CLOUD_QUOTA_PROJECT: "of-the-variable" },
  },
  "a user who acts as an account": { files: { [KNOWN]: ACTING } },
  "a workload whose token is in a file": {
    files: { [KNOWN]: WORKLOAD, "subject_token": "the platform's" },
  },
  "a user of a workforce pool": { files: { [KNOWN]: WORKFORCE } },
  "the metadata server": { env: { GCE_METADATA_HOST: METADATA } },
  "the metadata server, said to be there": {
    env: { GCE_METADATA_HOST: METADATA, METADATA_SERVER_DETECTION: "assume-present" },
  },
  "the metadata server and a project that is charged": {
    env: { GCE_METADATA_HOST: METADATA, GOOGLE_CLOUD_QUOTA_PROJECT: "of-the-variable" },
  },
};

/** Places with nothing that can be used. */
const NOTHING: Readonly<Record<string, Place>> = {
  "the file of the variable is not there": {
    files: { [KNOWN]: user("known") },
    env: { GOOGLE_APPLICATION_CREDENTIALS: "$HOME/nothing.json" },
  },
  "gcloud's file is of no kind": { files: { [KNOWN]: { type: "other" } } },
  "there is nothing, and no metadata server": { env: { METADATA_SERVER_DETECTION: "none" } },
};

interface Found {
  readonly token?: string;
  readonly charged?: string | null;
  readonly requests?: unknown[];
  readonly error?: string;
}

const SCOPES = ["https://www.googleapis.com/auth/devstorage.read_write"];

for (const [what, place] of Object.entries(PLACES)) {
  Deno.test(`google-auth-library finds the same, and sends the same: ${what}`, async () => {
    await inPlace(place, async (env) => assertEquals(await ours(env), await theirs(env)));
  });
}

for (const [what, place] of Object.entries(NOTHING)) {
  Deno.test(`google-auth-library finds nothing either where ${what}`, async () => {
    await inPlace(place, async (env) => {
      const found = [await ours(env), await theirs(env)];
      assert(found.every(({ error }) => error !== undefined), JSON.stringify(found));
    });
  });
}

async function inPlace(
  { files = {}, env = {} }: Place,
  act: (env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "application-default-" });
  const placed = (text: string) => text.replaceAll("$HOME", home);
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = `${home}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await Deno.writeTextFile(path, placed(text));
    }
    const variables = Object.entries(env).map(([name, value]) => [name, placed(value)]);
    await act({ HOME: home, ...Object.fromEntries(variables) });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

async function ours(env: Record<string, string>): Promise<Found> {
  const requests: unknown[] = [];
  let stored: { token: string | undefined; charged: string | null } | undefined;
  const { fetch } = fakeFetch(({ url, headers, text, token }) => {
    const { host, origin, pathname } = new URL(url);
    if (url.startsWith(OBJECTS)) {
      stored = { token, charged: headers.get("x-goog-user-project") };
      return new Response("ok");
    }
    const isForm = headers.get("content-type") === "application/x-www-form-urlencoded";
    const body = isForm ? Object.fromEntries(new URLSearchParams(text)) : text && JSON.parse(text);
    if (host !== METADATA || pathname.endsWith("/token")) {
      const authorization = headers.get("authorization");
      requests.push({ url: origin + pathname, authorization, body: body || null });
    }
    return Response.json(ANSWERS[host], { headers: { "metadata-flavor": "Google" } });
  });
  try {
    const transport = await applicationDefaultTransport({ env, fetch });
    await transport(OBJECTS, {});
    return { ...stored, token: stored!.token!, requests };
  } catch (error) {
    return { error: String(error) };
  }
}

let installed: Promise<void> | undefined;

async function theirs(env: Record<string, string>): Promise<Found> {
  installed ??= run(Deno.execPath(), ["install", "--quiet"], PEER).then(() => {});
  await installed;
  const job = JSON.stringify({ scopes: SCOPES, answers: ANSWERS });
  const { stdout } = await run("node", [SCRIPT, job], undefined, env);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function run(
  program: string,
  args: string[],
  cwd?: URL,
  env?: Record<string, string>,
): Promise<Deno.CommandOutput> {
  const { PATH = "" } = Deno.env.toObject();
  const output = await new Deno.Command(program, {
    args,
    ...(cwd && { cwd }),
    ...(env && { env: { PATH, ...env }, clearEnv: true }),
  }).output();
  if (output.success) return output;
  throw new Error(new TextDecoder().decode(output.stderr));
}
