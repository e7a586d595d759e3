// Credentials without a key: a workload that another platform vouches for, and a user who has signed in.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import type { WorkerSettings } from "../../src/worker.ts";
import { pattern } from "../e2e/support.ts";
import { startNodeWorker } from "./support/node_worker.ts";
import { endAfterAll, type Place, rule, uploadThrough } from "./support/rules.ts";

endAfterAll();

/** A Google that gives out tokens as well, and lets those in who have one. */
interface Google extends AsyncDisposable {
  readonly origin: string;
  readonly gcs: GcsEmulator;
  /** The forms that asked for tokens. */
  readonly forms: Record<string, string>[];
}

async function google(): Promise<Google> {
  const forms: Record<string, string>[] = [];
  const gcs = new GcsEmulator({
    authorize: (request) => request.headers.get("authorization") === "Bearer of-google",
  });
  const { origin, close } = await serveEmulator({
    async fetch(input, init) {
      const { pathname } = new URL(String(input));
      if (pathname === "/subject") return Response.json({ value: "of-the-platform" });
      if (pathname !== "/v1/token") return await gcs.fetch(input, init);
      forms.push(Object.fromEntries(new URLSearchParams(await new Response(init!.body).text())));
      return Response.json({ access_token: "of-google", expires_in: 3599, token_type: "Bearer" });
    },
  });
  return { origin, gcs, forms, [Symbol.asyncDispose]: close };
}

const external = (origin: string, credential_source: unknown) =>
  JSON.stringify({
    type: "external_account",
    audience:
      "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: `${origin}/v1/token`,
    credential_source,
  });

/** Uploads through a worker with these settings, and returns what it has sent for its tokens. */
async function formsFor(
  place: Place,
  settings: (origin: string) => WorkerSettings,
  start = place.start,
): Promise<Record<string, string>[]> {
  await using upstream = await google();
  const bytes = pattern(1_048_576 + 3);
  const worker = await start({ GCS_ENDPOINT: upstream.origin, ...settings(upstream.origin) });
  await uploadThrough({ ...place, worker }, bytes);
  assertEquals(upstream.gcs.objects.length, 1);
  assertEquals(upstream.gcs.objects[0].size, bytes.length);
  for (const secret of ["of-google", "of-the-platform", "GOCSPX-a", "1//0a"]) {
    assert(!worker.log.includes(secret), "a secret is in the log");
  }
  return upstream.forms;
}

rule("a workload uploads with the token of a URL, and asks for one token", async (place) => {
  const format = { type: "json", subject_token_field_name: "value" };
  const forms = await formsFor(place, (origin) => ({
    GOOGLE_AUTH: "external-account",
    GOOGLE_EXTERNAL_ACCOUNT: external(origin, { url: `${origin}/subject`, format }),
  }));
  assertEquals(forms.map(({ subject_token, scope }) => [subject_token, scope]), [
    ["of-the-platform", "https://www.googleapis.com/auth/devstorage.read_write"],
  ]);
});

rule("a workload uploads with the token of a file, in Bun and in Node", async (place) => {
  const folder = await Deno.makeTempDir({ prefix: "subject-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const path = `${folder}/token`;
  await Deno.writeTextFile(path, "of-the-platform\n");
  const inNode: Place["start"] = async (settings) =>
    stack.use(
      await startNodeWorker(folder, { ...place.settings, ...settings } as Record<string, string>),
    );
  for (const start of [place.start, inNode]) {
    const forms = await formsFor(place, (origin) => ({
      GOOGLE_AUTH: "external-account",
      GOOGLE_EXTERNAL_ACCOUNT: external(origin, { file: path }),
    }), start);
    assertEquals(forms.map(({ subject_token }) => subject_token), ["of-the-platform"]);
  }
}, { only: ["bun"] }); // Deno's may read no file here, and workerd has none

rule(
  "where there are no files, a token of a file is refused by the setting's name",
  async (place) => {
    const worker = await place.start({
      GOOGLE_AUTH: "external-account",
      GOOGLE_EXTERNAL_ACCOUNT: external(place.upstream.origin, { file: "/var/run/token" }),
    });
    const reply = await fetch(`${worker.origin}/healthz`);
    await reply.body?.cancel();
    assertEquals(reply.status, 500);
    await worker.stop();
    assertStringIncludes(
      worker.log,
      "GOOGLE_EXTERNAL_ACCOUNT: expected a credential_source with a url",
    );
  },
  { only: ["workerd"] },
);

rule(
  "a user who has signed in uploads, and the consent goes to the token's endpoint only",
  async (place) => {
    const forms = await formsFor(place, (origin) => ({
      GOOGLE_AUTH: "authorized-user",
      GOOGLE_AUTHORIZED_USER: JSON.stringify({
        type: "authorized_user",
        client_id: "me",
        client_secret: "GOCSPX-a",
        refresh_token: "1//0a",
        token_uri: `${origin}/v1/token`,
      }),
    }));
    assertEquals(forms, [{
      grant_type: "refresh_token",
      client_id: "me",
      client_secret: "GOCSPX-a",
      refresh_token: "1//0a",
    }]);
  },
);
