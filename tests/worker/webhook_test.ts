// The signed request about a finished object: from workers in each runtime, to the receivers of docs/hooks.md.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { finishWebhook, SettingError, type Transport } from "../../src/worker.ts";
import { pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { endAfterAll, rule, startSession, ticketFor, uploadThrough } from "./support/rules.ts";

endAfterAll();

const SECRET = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
const TOLERANCE = 300;

interface Got {
  readonly id: string;
  readonly body: { type: string; timestamp: string; data: Record<string, unknown> };
}

/** Whether a request is signed with the secret; written from the specification, not from what is tested. */
async function isSigned(headers: Headers, body: string): Promise<boolean> {
  const raw = Uint8Array.from(atob(SECRET.slice("whsec_".length)), (c) => c.charCodeAt(0));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["verify"]);
  const [version, signature] = headers.get("webhook-signature")!.split(",");
  const timestamp = headers.get("webhook-timestamp")!;
  const text = `${headers.get("webhook-id")}.${timestamp}.${body}`;
  const mac = Uint8Array.from(atob(signature), (c) => c.charCodeAt(0));
  return version === "v1" && Math.abs(Date.now() / 1000 - Number(timestamp)) < TOLERANCE &&
    await crypto.subtle.verify("HMAC", key, mac, new TextEncoder().encode(text));
}

/** A receiver on a fixed port of this machine, chosen by the system once: workers are set up with it. */
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const { port } = listener.addr;
listener.close();

/** Serves a receiver that answers with these statuses, then 204. */
function receive(...statuses: number[]) {
  const got: Got[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    const text = await request.text();
    if (!await isSigned(request.headers, text)) return new Response(null, { status: 401 });
    got.push({ id: request.headers.get("webhook-id")!, body: JSON.parse(text) });
    return new Response(null, { status: statuses.shift() ?? 204 });
  });
  return { got, [Symbol.asyncDispose]: () => server.shutdown() };
}

const options = {
  settings: { FINISH_WEBHOOK_URL: `http://127.0.0.1:${port}/hook`, FINISH_WEBHOOK_SECRET: SECRET },
};

rule(
  "a finished upload is told to the operator's server, signed, before the client hears of it",
  async (place) => {
    await using receiver = receive();
    const ticket = await ticketFor(place.settings, { prefix: "", payload: { order: 17 } });
    const bytes = pattern(1_048_576 + 3);
    await uploadThrough({ ...place, ticket }, bytes);
    assertStored(place, bytes);
    assertEquals(receiver.got.length, 1);
    const [{ body: { type, data } }] = receiver.got;
    const { generation, crc32c } = place.upstream.gcs.get("bucket", "object")!;
    assertEquals(type, "upload.finished");
    assertEquals(
      ["bucket", "name", "size", "generation", "crc32c", "subject"].map((field) => data[field]),
      ["bucket", "object", bytes.length, generation, crc32c, "somebody"],
    );
    assertEquals(data.payload, { order: 17 });
  },
  options,
);

rule(
  "while the operator's server is down the client is told to ask again, and then it is told",
  async (place) => {
    const session = await startSession(place);
    const put = async (body: string | null, range: string) => {
      const headers = { "content-range": range };
      const reply = await fetch(session, { method: "PUT", headers, body });
      await reply.body?.cancel();
      return reply.status;
    };
    assertEquals(await put("hello", "bytes 0-4/5"), 503);
    await using receiver = receive(500);
    assertEquals(await put(null, "bytes */*"), 503);
    assertEquals(await put(null, "bytes */*"), 200);
    assertEquals(receiver.got.length, 2);
    assertEquals(receiver.got[0].id, receiver.got[1].id);
  },
  options,
);

for (
  const [name, url, secret] of [
    ["FINISH_WEBHOOK_URL", "http://hooks.example/", SECRET],
    ["FINISH_WEBHOOK_URL", "https://user:word@hooks.example/", SECRET],
    ["FINISH_WEBHOOK_URL", "hooks", SECRET],
    ["FINISH_WEBHOOK_SECRET", "https://hooks.example/", "hunter2"],
    ["FINISH_WEBHOOK_SECRET", "https://hooks.example/", "whsec_c2hvcnQ="],
    ["FINISH_WEBHOOK_SECRET", "https://hooks.example/", `whsec_${btoa("x".repeat(32))}`],
  ]
) {
  Deno.test(`a webhook with a ${name} that is none is refused: ${url.length + secret.length}`, () => {
    const error = assertThrows(() => finishWebhook({ url, secret }), SettingError);
    assertEquals(error.setting, name);
    assert(!error.message.includes(secret), error.message);
  });
}

const EVENT = {
  id: "upload_0123",
  bucket: "b",
  name: "a – €.png",
  size: 5,
  generation: "1",
  contentType: "image/png",
  crc32c: "AAAAAA==",
  subject: "user-17",
  payload: { order: 17 },
  session: undefined,
  resource: {},
};

for (
  const [status, isTaken] of [
    [200, true],
    [202, true],
    [204, true],
    [301, false],
    [308, false],
    [400, false],
    [410, false],
    [500, false],
  ] as const
) {
  Deno.test(`a ${status} of the operator's server is ${isTaken ? "an answer" : "none"}`, async () => {
    const send: Transport = (_, { redirect }) => {
      assertEquals(redirect, "manual");
      return Promise.resolve(new Response(null, { status }));
    };
    const hook = finishWebhook({ url: "https://hooks.example/", secret: SECRET, fetch: send });
    if (isTaken) await hook(EVENT);
    else await assertRejects(async () => await hook(EVENT), Error, `answered ${status}`);
  });
}

Deno.test("the operator's server has ten seconds", async () => {
  const { timeout } = AbortSignal;
  const asked: number[] = [];
  AbortSignal.timeout = (time) => {
    asked.push(time);
    return timeout.call(AbortSignal, 0);
  };
  try {
    const send: Transport = (_, { signal }) =>
      new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));
    const hook = finishWebhook({ url: "https://hooks.example/", secret: SECRET, fetch: send });
    await assertRejects(async () => await hook(EVENT));
  } finally {
    AbortSignal.timeout = timeout;
  }
  assertEquals(asked, [10_000]);
});

// The receivers as docs/hooks.md has them. A program that is not on this machine is not tested.
const document = await Deno.readTextFile(new URL("../../docs/hooks.md", import.meta.url));
const receivers: readonly [language: string, file: string, command: string[]][] = [
  ["js ignore", "receiver.mjs", ["node", "receiver.mjs"]],
  ["ts ignore", "receiver.ts", [
    Deno.execPath(),
    "run",
    "--no-check",
    "--allow-net",
    "--allow-env",
    "receiver.ts",
  ]],
  ["python", "receiver.py", ["python3", "receiver.py"]],
  ["go", "receiver.go", ["./receiver"]],
];

async function isThere(program: string): Promise<boolean> {
  const flag = program === "go" ? "version" : "--version";
  return await new Deno.Command(program, { args: [flag], stdout: "null", stderr: "null" })
    .output().then(({ success }) => success, () => false);
}

/** Compiles a program in Go: `go run` would leave it behind when it is ended. */
async function build(cwd: string, file: string): Promise<void> {
  const args = ["build", "-o", "receiver", file];
  const { success, stderr } = await new Deno.Command("go", { args, cwd }).output();
  assert(success, new TextDecoder().decode(stderr));
}

for (const [language, file, command] of receivers) {
  Deno.test({
    name: `the receiver in ${language} takes what is signed, and nothing else`,
    ignore: !await isThere(language === "go" ? "go" : command[0]),
    async fn() {
      const code = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(document)![1];
      const folder = await Deno.makeTempDir({ prefix: "receiver-" });
      await Deno.writeTextFile(`${folder}/${file}`, code);
      if (language === "go") await build(folder, file);
      const server: ServerProcess = await startServer({
        command: command as [string, ...string[]],
        cwd: folder,
        env: { FINISH_WEBHOOK_SECRET: SECRET, PORT: "0" },
        ready: /(http:\/\/127\.0\.0\.1:\d+)/,
      });
      try {
        await finishWebhook({ url: server.origin, secret: SECRET })(EVENT);
        const statusOf = async (hook: ReturnType<typeof finishWebhook>) =>
          await hook(EVENT).then(() => "taken", (error: Error) => error.message);
        const other = `whsec_${
          btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
        }`;
        const forged = finishWebhook({ url: server.origin, secret: other });
        assertEquals(await statusOf(forged), "FINISH_WEBHOOK_URL answered 401");
        const now = () => Date.now() - 600_000;
        const old = finishWebhook({ url: server.origin, secret: SECRET, now });
        assertEquals(await statusOf(old), "FINISH_WEBHOOK_URL answered 401");
        const signedBy = (change: (signature: string) => string) => {
          const send: Transport = (url, init) => {
            const headers = new Headers(init.headers);
            headers.set("webhook-signature", change(headers.get("webhook-signature")!));
            return fetch(url, { ...init, headers });
          };
          return statusOf(finishWebhook({ url: server.origin, secret: SECRET, fetch: send }));
        };
        for (const odd of ["", "v1,", "v1,????", "v1,\xe9", "v1a,AAAA", "v1"]) {
          assertEquals(await signedBy(() => odd), "FINISH_WEBHOOK_URL answered 401", odd);
        }
        // Another version of signatures, and that of a key which is about to be changed.
        assertEquals(
          await signedBy((one) => `v1a,A-_A v1,${btoa("x".repeat(32))} ${one}`),
          "taken",
        );
        assert(server.log.includes("a – €.png"), server.log);
      } finally {
        await server.stop();
        await Deno.remove(folder, { recursive: true }).catch(() => {});
      }
    },
  });
}
