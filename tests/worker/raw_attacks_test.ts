// Bytes on a socket that no client would write, against each server the worker is deployed on: whatever becomes of them, no
// byte beyond the bounds goes to Google, nothing is called stored that is not, no secret is told, and the next request works.

import { assert, assertEquals } from "@std/assert";
import { startNodeWorker } from "./support/node_worker.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { prepare, type Project } from "../support/example_project.ts";
import { RAW_ATTACKS, type RawAttack } from "./support/raw_attacks.ts";
import { randomSecret, ticketFor } from "./support/rules.ts";
import {
  installRuntimes,
  type RuntimeName,
  runtimes,
  startWorker,
} from "../support/worker_process.ts";
import { startUpstream, type Upstream } from "./support/upstream.ts";

let project: Promise<Project> | undefined;
Deno.test.afterAll(async () => await (await project)?.[Symbol.asyncDispose]());

const PATH = "/upload/storage/v1/b/bucket/o";
const TUS = { "tus-resumable": "1.0.0" };

/** How long a server may take for an answer before it counts as none, in milliseconds. */
const PATIENCE = 5_000;

/** A worker, and what is behind it. */
interface Attacked {
  readonly worker: ServerProcess;
  readonly upstream: Upstream;
  readonly settings: Record<string, string>;
  /** How many objects there have been. */
  count: number;
}

/** Writes the bytes, and gives all that comes back until there is a whole head of a final reply, or the end. */
async function exchange(
  { worker }: Attacked,
  { end, halfCloses }: RawAttack,
  text: string,
): Promise<{ text: string; close: () => void }> {
  const connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(worker.origin).port),
  });
  let said = "", isOpen = true;
  const close = () => {
    if (isOpen) connection.close();
    isOpen = false;
  };
  const timer = setTimeout(close, PATIENCE);
  const write = async () => {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    if (halfCloses) await connection.closeWrite();
  };
  const read = async () => {
    const buffer = new Uint8Array(65_536);
    // The body of an error comes with its head.
    while (!/HTTP\/1\.[01] [2-5]\d\d[^]*?\r\n\r\n/.test(said)) {
      const count = await connection.read(buffer);
      if (count === null) return;
      said += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    }
  };
  const writing = write().catch(() => {}); // it may have been refused already
  if (end === "open") await writing;
  else await read().catch(() => {});
  clearTimeout(timer);
  return { text: said, close };
}

/** Creates an upload of `hello`; its URL. */
async function created(attacked: Attacked): Promise<{ url: string; name: string; ticket: string }> {
  const { worker, settings } = attacked;
  const name = `object-${attacked.count++}`;
  const ticket = await ticketFor(settings, { name, maxBytes: 600_000 });
  const reply = await fetch(worker.origin + PATH, {
    method: "POST",
    headers: { ...TUS, authorization: `Bearer ${ticket}`, "upload-length": "5" },
  });
  await reply.body?.cancel();
  assertEquals(reply.status, 201);
  return { url: reply.headers.get("location")!, name, ticket };
}

/** The upload goes on and is finished as if nothing had been. */
async function finish({ upstream }: Attacked, url: string, name: string): Promise<void> {
  const head = await fetch(url, { method: "HEAD", headers: TUS });
  assertEquals(head.status, 200, "HEAD");
  if (head.headers.get("upload-offset") !== "5") {
    assertEquals(head.headers.get("upload-offset"), "0");
    const type = "application/offset+octet-stream";
    const reply = await fetch(url, {
      method: "PATCH",
      headers: { ...TUS, "content-type": type, "upload-offset": "0" },
      body: "hello",
    });
    assertEquals([reply.status, reply.headers.get("upload-offset")], [204, "5"]);
  }
  assertEquals(new TextDecoder().decode(upstream.gcs.get("bucket", name)!.bytes), "hello");
}

async function attack(attacked: Attacked, one: RawAttack): Promise<void> {
  const { upstream } = attacked;
  const { url, name, ticket } = await created(attacked);
  const { pathname, search } = new URL(url);
  const before = upstream.requests.length;
  const bytes = one.bytes({ session: pathname + search, path: PATH, ticket });
  const { text, close } = await exchange(attacked, one, bytes);
  try {
    const statuses = [...text.matchAll(/^HTTP\/1\.[01] (\d+)/gm)].map(([, status]) =>
      Number(status)
    );
    const final = statuses.find((status) => status >= 200);
    const stored = upstream.gcs.get("bucket", name)?.bytes;
    if (one.end === "refused") {
      assert(final === undefined || final >= 400, `the answer is ${final}`);
      assertEquals(stored, undefined, "something is stored");
    }
    if (/^upload-offset: 5\r$/im.test(text) && final === 204) {
      assertEquals(stored?.length, 5, "what is not stored is said to be");
    }
    assert(stored === undefined || new TextDecoder().decode(stored) === "hello", "other bytes");
    for (const { method, bytes } of upstream.requests.slice(before)) {
      assert(method === "POST" || bytes <= 5, `${bytes} bytes reach Google`);
      assert(method !== "DELETE", "a DELETE reaches Google");
    }
    for (const secret of upstream.secrets) assert(!text.includes(secret), "a secret is told");
    await finish(attacked, url, name);
  } finally {
    close();
  }
}

for (const runtime of [...runtimes, "node"] as const) {
  Deno.test({
    name: `${runtime}: what no client would write does no harm`,
    async fn(test) {
      await using stack = new AsyncDisposableStack();
      const upstream = stack.use(await startUpstream());
      const settings = {
        GCS_BUCKET: "bucket",
        GCS_ENDPOINT: upstream.origin,
        GOOGLE_AUTH: "none",
        SESSION_SECRET: randomSecret(),
        TICKET_SECRET: randomSecret(),
      };
      const worker = stack.use(await start(runtime, settings, stack));
      const attacked: Attacked = { worker, upstream, settings, count: 0 };
      for (const one of RAW_ATTACKS) {
        await test.step(`${one.attack}: ${one.end}`, () => attack(attacked, one));
      }
      await test.step("no secret is in the log", async () => {
        await worker.stop();
        const secrets = [...upstream.secrets, settings.SESSION_SECRET, settings.TICKET_SECRET];
        assert(secrets.length > RAW_ATTACKS.length);
        for (const secret of secrets) assert(!worker.log.includes(secret), "a secret in the log");
      });
    },
  });
}

async function start(
  runtime: RuntimeName | "node",
  settings: Record<string, string>,
  stack: AsyncDisposableStack,
): Promise<ServerProcess> {
  if (runtime !== "node") {
    project ??= installRuntimes().then(prepare);
    return await startWorker(await project, runtime, settings);
  }
  const folder = await Deno.makeTempDir({ prefix: "node-worker-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  return await startNodeWorker(folder, settings);
}
