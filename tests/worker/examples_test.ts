// What the examples do by themselves: they listen on this machine only, and switch on no log of addresses.

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { upload } from "../../mod.ts";
import bunServer from "../../examples/bun/index.ts";
import { prepare } from "../support/example_project.ts";
import { startServer } from "../support/server_process.ts";
import { bunProgram } from "../support/runtimes.ts";
import { installRuntimes } from "../support/worker_process.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

const examples: readonly [name: string, folder: string, command: [string, ...string[]]][] = [
  ["deno-deploy", "deno-deploy", [
    Deno.execPath(),
    "run",
    "--no-check",
    "--allow-net",
    "--allow-env",
    "main.ts",
  ]],
  ["bun", "bun", [bunProgram, "--no-install", "index.ts"]],
];
for (const [name, folder, command] of examples) {
  Deno.test(`examples/${name} listens on this machine only`, async () => {
    await installRuntimes();
    await using project = await prepare();
    const started = startServer({
      command,
      cwd: `${project.folder}/${folder}`,
      env: { PORT: "0", NODE_ENV: "production" },
      ready: /(http:\/\/[^\s/]+)/,
    });
    await using server = await started;
    assertEquals(new URL(server.origin).hostname, "127.0.0.1");
  });
}

const emulators: readonly [script: string, command: (script: string) => [string, ...string[]]][] = [
  ["node.ts", (script) => [Deno.execPath(), "run", "--no-check", "--allow-all", script]],
  ["deno.ts", (script) => [Deno.execPath(), "run", "--no-check", "--allow-all", script]],
  ["bun.ts", (script) => [bunProgram, "--no-install", script]],
];
for (const [script, command] of emulators) {
  Deno.test(`examples/emulator/${script} serves an emulator, to which an upload goes`, async () => {
    await installRuntimes();
    await using project = await prepare();
    const isBun = script === "bun.ts";
    await using server = await startServer({
      command: command(isBun ? script : `examples/emulator/${script}`),
      cwd: isBun ? `${project.folder}/emulator` : fileURLToPath(new URL("../../", import.meta.url)),
      env: { PORT: "0" },
      ready: /emulated: (http:\/\/127\.0\.0\.1:\d+)/,
    });
    const retry = { maxElapsed: 5000 };
    const to = { endpoint: server.origin, bucket: "my-bucket", name: "a.bin", retry };
    const object = await upload(new Uint8Array(9_000_000), to);
    assertEquals(object.size, "9000000");
  });
}

Deno.test("the example for Cloudflare keeps the addresses of requests out of its logs", async () => {
  const text = (await read("examples/cloudflare/wrangler.jsonc")).replaceAll(/^\s*\/\/.*$/gm, "");
  assertEquals(JSON.parse(text).observability.logs.invocation_logs, false);
});

Deno.test("the files for nginx and Caddy keep the query of an address out of their logs", async () => {
  const document = await read("docs/deploy.md");
  const nginx = /```nginx\n([^]*?)```/.exec(document)![1];
  const format = /log_format uploads '([^']*)'/.exec(nginx)![1];
  assert(!/\$(?:request|request_uri|args|query_string|http_referer)\b/.test(format), format);
  assert(/error_log \S+ emerg;/.test(nginx) && /access_log \S+ uploads;/.test(nginx), nginx);
  const caddy = /```caddyfile\n([^]*?)```/.exec(document)![1];
  assert(/request>uri query \{\s+replace upload_id REDACTED/.test(caddy), caddy);
});

Deno.test("the files for nginx and Caddy let through what the proxy says that a request may have", async () => {
  const document = await read("docs/deploy.md");
  const [, most] = /`MAX_CHUNK_BYTES` .*\| (\d+) \(100 MiB\)/.exec(document)!;
  const nginx = /client_max_body_size (\d+)m;/.exec(document)!; // m is MiB to nginx
  const caddy = /max_size (\d+)MiB\n/.exec(document)!; // and MB a million bytes to Caddy
  for (const [, size] of [nginx, caddy]) assertEquals(Number(size) * 1_048_576, Number(most));
});

Deno.test("the example for Bun waits as long as Bun can, and takes more than the proxy, whose refusal says why", () => {
  const { idleTimeout, maxRequestBodySize } = bunServer;
  assertEquals([idleTimeout, maxRequestBodySize], [255, 2 * 104_857_600]);
});
