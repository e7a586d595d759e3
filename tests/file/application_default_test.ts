// Where applicationDefaultTransport() looks, and what it says when it finds nothing, or nothing that works.

import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { UploadError } from "../../mod.ts";
import {
  type ApplicationDefaultOptions,
  applicationDefaultTransport,
  type Transport,
} from "../../src/file/mod.ts";
import { fakeGoogle, formOf } from "../auth/fake_google.ts";
import { assertNoSecret, failure, OBJECTS, settled } from "../auth/helpers.ts";
import { fakeClock } from "../support/fake_clock.ts";

const FILE = "application_default_credentials.json";
const USER = {
  type: "authorized_user",
  client_id: "1.apps.googleusercontent.com",
  client_secret: "GOCSPX-SECRET",
  refresh_token: "1//0SECRET",
};
const NO_SERVER = { METADATA_SERVER_DETECTION: "none" };

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "application-default-" });
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Fails unless nothing is found; returns the error. */
async function nothing(options: ApplicationDefaultOptions): Promise<UploadError> {
  const error = await failure(applicationDefaultTransport(options));
  assertInstanceOf(error, UploadError);
  assertEquals(error.code, "rejected");
  return error;
}

/** A metadata server that gives out tokens. */
const machine: Transport = (url) => {
  const token = { access_token: "machine", expires_in: 3599, token_type: "Bearer" };
  const body = url.includes("/token") ? token : {};
  return Promise.resolve(Response.json(body, { headers: { "metadata-flavor": "Google" } }));
};

Deno.test("an error names the three places and how to sign in", async () => {
  await inFolder(async (folder) => {
    const env = { HOME: folder, ...NO_SERVER, GCE_METADATA_HOST: "metadata.example" };
    const { message } = await nothing({ env });
    for (
      const part of [
        "GOOGLE_APPLICATION_CREDENTIALS",
        `${folder}/.config/gcloud/${FILE}`,
        "metadata.example",
        "gcloud auth application-default login",
      ]
    ) assertStringIncludes(message, part);
  });
});

Deno.test("a file that is named and cannot be read is an error with its path, and not a reason to look further", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/${FILE}`, JSON.stringify(USER));
    for (const [path, code] of [[`${folder}/no.json`, "ENOENT"], [folder, "EISDIR"]]) {
      const env = { GOOGLE_APPLICATION_CREDENTIALS: path, CLOUDSDK_CONFIG: folder };
      const { message } = await nothing({ env, fetch: machine });
      for (const part of ["GOOGLE_APPLICATION_CREDENTIALS", path, code]) {
        assertStringIncludes(message, part);
      }
    }
  });
});

Deno.test("gcloud's file that is there and cannot be read is an error with its path", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/${FILE}`);
    const { message } = await nothing({ env: { CLOUDSDK_CONFIG: folder }, fetch: machine });
    assertStringIncludes(message, `${folder}/${FILE}`);
  });
});

Deno.test("credentials that cannot work are a TypeError with the file and the member, and without a secret", async () => {
  await inFolder(async (folder) => {
    const env = { CLOUDSDK_CONFIG: folder };
    const wrong: [text: string, says: string][] = [
      [JSON.stringify({ ...USER, client_id: 5 }), "client_id"],
      [JSON.stringify({ ...USER, type: "SECRET" }), "type"],
      [JSON.stringify(USER).slice(0, -1), "JSON"],
      ["", "an empty string"],
      [JSON.stringify({ ...USER, token_uri: "https://evil.example/" }), "token_uri"],
    ];
    for (const [text, says] of wrong) {
      await Deno.writeTextFile(`${folder}/${FILE}`, text);
      const error = await failure(applicationDefaultTransport({ env }));
      assertInstanceOf(error, TypeError);
      assertStringIncludes(error.message, `${folder}/${FILE}: credentials: `);
      assertStringIncludes(error.message, says);
      assertNoSecret(error, "SECRET");
    }
  });
});

Deno.test("a subject token in a file is read for each new access token", async () => {
  await inFolder(async (folder) => {
    const source = {
      type: "external_account",
      audience: "//iam.googleapis.com/a",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      credential_source: { file: `${folder}/subject` },
    };
    await Deno.writeTextFile(`${folder}/${FILE}`, JSON.stringify(source));
    await Deno.writeTextFile(`${folder}/subject`, "first\n");
    const { fetch, clock, asked } = fakeGoogle();
    const transport = await applicationDefaultTransport({
      env: { CLOUDSDK_CONFIG: folder },
      fetch,
      clock,
    });
    await transport(OBJECTS, {});
    await Deno.writeTextFile(`${folder}/subject`, "second");
    clock.pass(3600_000);
    await transport(OBJECTS, {});
    assertEquals(asked.sts.map((seen) => formOf(seen).subject_token), ["first", "second"]);
  });
});

Deno.test("the project of the options goes before that of the variable, and that before the file's", async () => {
  await inFolder(async (folder) => {
    const file = { ...USER, quota_project_id: "of-the-file" };
    await Deno.writeTextFile(`${folder}/${FILE}`, JSON.stringify(file));
    const { fetch, stored } = fakeGoogle();
    const env = { CLOUDSDK_CONFIG: folder };
    const charged = { ...env, GOOGLE_CLOUD_QUOTA_PROJECT: "of-the-variable" };
    const quotaProject = "of-the-options";
    for (const options of [{ env }, { env: charged }, { env: charged, quotaProject }]) {
      await (await applicationDefaultTransport({ ...options, fetch }))(OBJECTS, {});
    }
    const projects = stored.map(({ headers }) => headers.get("x-goog-user-project"));
    assertEquals(projects, ["of-the-file", "of-the-variable", "of-the-options"]);
  });
});

Deno.test("options that do not exist or cannot work are TypeErrors, also where nothing would be found", async () => {
  const env = { CLOUDSDK_CONFIG: "/nowhere", ...NO_SERVER };
  for (
    const [name, options] of [["scope", { scope: "a" }], ["quotaProject", { quotaProject: "" }]]
  ) {
    const error = await failure(applicationDefaultTransport({ env, ...options as object }));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.message, name as string);
  }
});

Deno.test("a metadata server on a real connection is found, and gives the token", async () => {
  const flavor = { "metadata-flavor": "Google" };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    assertEquals(request.headers.get("metadata-flavor"), "Google");
    const token = { access_token: "machine", expires_in: 3599, token_type: "Bearer" };
    return Response.json(request.url.endsWith("/token") ? token : {}, { headers: flavor });
  });
  const { fetch: google, tokens } = fakeGoogle();
  try {
    const transport = await applicationDefaultTransport({
      env: { CLOUDSDK_CONFIG: "/nowhere", GCE_METADATA_HOST: `127.0.0.1:${server.addr.port}` },
      fetch: (url, init) => url.startsWith(OBJECTS) ? google(url, init) : fetch(url, init),
    });
    await transport(OBJECTS, {});
    assertEquals(tokens, ["machine"]);
  } finally {
    await server.shutdown();
  }
});

Deno.test("nobody there, and somebody who is not the metadata server, are found out by one request", async () => {
  const answers: Transport[] = [
    () => Promise.reject(new TypeError("no such host")),
    () => Promise.resolve(new Response("a captive portal")),
    () =>
      Promise.resolve(
        new Response(null, { status: 302, headers: { location: "https://a.example" } }),
      ),
  ];
  for (const answer of answers) {
    let requests = 0;
    const fetch: Transport = (url, init) => {
      assertEquals(init.redirect, "manual");
      return answer(url, { ...init, window: requests++ as unknown as null });
    };
    await nothing({ env: { CLOUDSDK_CONFIG: "/nowhere" }, fetch });
    assertEquals(requests, 1);
  }
});

Deno.test("a metadata server that does not answer is asked three times for a second, and each request is stopped", async () => {
  const clock = fakeClock();
  const signals: AbortSignal[] = [];
  const fetch: Transport = (_, { signal }) => {
    signals.push(signal!);
    return new Promise((_, reject) =>
      signal!.addEventListener("abort", () => reject(signal!.reason))
    );
  };
  const found = nothing({ env: { CLOUDSDK_CONFIG: "/nowhere" }, fetch, clock });
  const start = clock.now();
  while (signals.length === 0) await new Promise((resolve) => setTimeout(resolve, 1)); // the file is looked for
  for (let i = 0; i < 3; i++) {
    await settled();
    assertEquals(signals.length, i + 1);
    clock.pass(1000);
  }
  await found;
  assertEquals(clock.now() - start, 3000);
  assert(signals.every(({ aborted }) => aborted), "a request goes on");
});

Deno.test("variables say that there is a metadata server, or none, and nobody is asked", async () => {
  let probes = 0;
  const fetch: Transport = (url, init) => {
    if (!url.includes("/token") && !url.startsWith(OBJECTS)) probes++;
    return machine(url, init);
  };
  const env = { CLOUDSDK_CONFIG: "/nowhere" };
  for (
    const there of [{ K_SERVICE: "a" }, { CLOUD_RUN_JOB: "a" }, { FUNCTION_NAME: "a" }, {
      METADATA_SERVER_DETECTION: " Assume-Present ",
    }]
  ) await applicationDefaultTransport({ env: { ...env, ...there }, fetch });
  for (const none of [{ NO_GCE_CHECK: "True" }, { METADATA_SERVER_DETECTION: "NONE" }]) {
    await nothing({ env: { ...env, ...none, K_SERVICE: "a" }, fetch });
  }
  assertEquals(probes, 0);
});

Deno.test("the variable counts in small letters, too, and the one in capitals before it", async () => {
  const small = { google_application_credentials: "/nowhere/small.json" };
  assertStringIncludes((await nothing({ env: small })).message, "/nowhere/small.json");
  const both = { ...small, GOOGLE_APPLICATION_CREDENTIALS: "/nowhere/capital.json" };
  assertStringIncludes((await nothing({ env: both })).message, "/nowhere/capital.json");
});
