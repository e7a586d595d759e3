// What the examples and docs/deploy.md say is what the tools and the worker take.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { proxyOptions } from "../../src/worker.ts";
import { difference, pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { prepare } from "../support/example_project.ts";
import { startServer } from "../support/server_process.ts";
import { randomSecret, ticketFor, uploadThrough } from "./support/rules.ts";
import { installRuntimes, startWorker, startWorkerd } from "../support/worker_process.ts";
import { startUpstream, type Upstream } from "./support/upstream.ts";
import { wrangler } from "./support/wrangler.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

/** JSON with comments on lines of their own. */
const parse = (text: string) => JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, ""));

const settingsFor = (upstream: Upstream) => ({
  GCS_BUCKET: "bucket",
  GCS_ENDPOINT: upstream.origin,
  GOOGLE_AUTH: "none",
  SESSION_SECRET: randomSecret(),
  TICKET_SECRET: randomSecret(),
});

Deno.test("wrangler deploys examples/cloudflare, and what it would send off works", async () => {
  await installRuntimes();
  await using project = await prepare();
  const cwd = `${project.folder}/cloudflare`;
  const output = await wrangler(cwd, "deploy", "--dry-run", "--outdir=dist");
  assertMatch(output, /Total Upload: .*KiB/);
  assert(!/\[WARNING\]/.test(output), output);

  await using upstream = await startUpstream();
  const settings = settingsFor(upstream);
  await using worker = await startWorkerd(`${cwd}/dist/index.js`, settings);
  const bytes = pattern(1_048_576 + 1);
  await uploadThrough({ worker, ticket: await ticketFor(settings) }, bytes);
  assertStored({ upstream }, bytes);
});

Deno.test("the worker is also what `deno serve` expects", async () => {
  await using project = await prepare();
  await using upstream = await startUpstream();
  const settings = settingsFor(upstream);
  await using worker = await startServer({
    command: [
      Deno.execPath(),
      "serve",
      "--no-check",
      "--allow-net",
      "--allow-env",
      "--host=127.0.0.1",
      "--port=0",
      "--config=deno.json",
      "../cloudflare/src/index.ts",
    ],
    cwd: `${project.folder}/deno-deploy`,
    env: settings,
    ready: /(http:\/\/127\.0\.0\.1:\d+)/,
  });
  const bytes = pattern(100);
  await uploadThrough({ worker, ticket: await ticketFor(settings) }, bytes);
  assertStored({ upstream }, bytes);
});

Deno.test({
  name: "curl uploads as docs/deploy.md says",
  ignore: Deno.build.os === "windows",
  async fn() {
    const script = (await read("docs/deploy.md")).match(/```sh\n(session=[^`]*)```/)![1];
    await using project = await prepare();
    await using upstream = await startUpstream();
    const settings = { ...settingsFor(upstream), GCS_BUCKET: "my-bucket" };
    await using worker = await startWorker(project, "deno", settings);
    const bytes = pattern(3_000_000);
    await Deno.writeFile(`${project.folder}/photo.jpg`, bytes);
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["-euc", script],
      cwd: project.folder,
      env: { endpoint: worker.origin, ticket: await ticketFor(settings, { prefix: "users/17/" }) },
      stdout: "null",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const object = upstream.gcs.get("my-bucket", "users/17/photo.jpg");
    assertEquals([object?.contentType, difference(object!.bytes!, bytes)], ["image/jpeg", -1]);
  },
});

Deno.test("the worker takes the settings of wrangler.jsonc", async () => {
  const { vars } = parse(await read("examples/cloudflare/wrangler.jsonc"));
  const secrets = { SESSION_SECRET: randomSecret(), TICKET_SECRET: randomSecret() };
  const options = proxyOptions({
    GOOGLE_AUTH: "metadata",
    ...secrets,
    ...vars,
  });
  assertEquals(options.bucket, vars.GCS_BUCKET);
});

Deno.test("the examples ask for the version of this package", async () => {
  const versions = [
    parse(await read("examples/bun/package.json")).dependencies[manifest.name],
    parse(await read("examples/cloudflare/package.json")).dependencies[manifest.name],
    parse(await read("examples/deno-deploy/deno.json")).imports[manifest.name],
  ];
  assertEquals(versions, [
    `^${manifest.version}`,
    `^${manifest.version}`,
    `jsr:${manifest.name}@^${manifest.version}`,
  ]);
});

Deno.test("docs/deploy.md explains every setting of the worker", async () => {
  const source = await read("src/worker/worker_settings.ts");
  const names = source.match(/interface WorkerSettings \{([^}]*)\}/)![1].match(
    /\b[A-Z_]{8,}(?=\?:)/g,
  )!;
  assert(names.length > 10);
  const document = await read("docs/deploy.md");
  const rows = document.split("\n").filter((line) => line.startsWith("|")).join("\n");
  for (const name of names) assertStringIncludes(rows, `\`${name}\``);
});
