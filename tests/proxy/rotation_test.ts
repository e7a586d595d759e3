// Secrets are changed, and regions and buckets added, while uploads are under way: several instances, one Google behind them.

import { assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { createUploadProxy, signUploadTicket } from "../../src/worker.ts";

const OLD = "x3Qb0m1lq2cKf8uJ7nZtVY5wRk9sDhG4EoXpTaLiMBc";
const NEW = "Zb1Qk7vXn4TtYr0cJ2mWs8uLh5pEo9iGfD3aN6xKqVM";
const Q = 262_144;

type Proxy = ReturnType<typeof createUploadProxy>;

const google = new GcsEmulator();

function instance(sessionSecrets: string[], bucket = "first", allowed = [bucket]): Proxy {
  return createUploadProxy({
    bucket,
    buckets: allowed,
    sessionSecrets,
    authorize: () => ({ prefix: "" }),
    transport: google.fetch,
    fetch: google.fetch,
    log: () => {},
  });
}

async function start(proxy: Proxy, name: string, bucket = "first"): Promise<string> {
  const url =
    `https://proxy.example/upload/storage/v1/b/${bucket}/o?uploadType=resumable&name=${name}`;
  const reply = await proxy.fetch(new Request(url, { method: "POST" }));
  assertEquals(reply.status, 200, await reply.text());
  return reply.headers.get("location")!;
}

async function send(proxy: Proxy, session: string, offset: number, isLast: boolean) {
  const range = `bytes ${offset}-${offset + Q - 1}/${isLast ? offset + Q : "*"}`;
  const headers = { "content-range": range };
  const body = new Uint8Array(Q);
  const reply = await proxy.fetch(new Request(session, { method: "PUT", headers, body }));
  await reply.body?.cancel();
  return reply.status;
}

Deno.test("a session that one instance has sealed is continued by another with the same secret", async () => {
  const session = await start(instance([OLD]), "regions");
  assertEquals(await send(instance([OLD]), session, 0, false), 308);
  assertEquals(await send(instance([OLD]), session, Q, true), 200);
});

Deno.test("a secret is changed in three steps, and no instance meets a session that it cannot open", async () => {
  const steps = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]];
  for (const [i, secrets] of steps.slice(0, -1).entries()) {
    const [before, after] = [instance(secrets), instance(steps[i + 1])]; // both serve while the step is taken
    for (const [turn, [from, to]] of [[before, after], [after, before]].entries()) {
      const session = await start(from, `step-${i}-${turn}`);
      assertEquals(await send(to, session, 0, false), 308);
      assertEquals(await send(from, session, Q, true), 200);
    }
  }
});

Deno.test("a secret that is taken away ends what it has sealed", async () => {
  const session = await start(instance([OLD]), "leaked");
  assertEquals(await send(instance([NEW]), session, 0, false), 404);
});

Deno.test("an upload that has begun goes on in its bucket after another one has become the default", async () => {
  const session = await start(instance([OLD]), "moved");
  const moved = instance([OLD], "second", ["first", "second"]);
  assertEquals(await send(moved, session, 0, false), 308);
  assertEquals(await send(moved, session, Q, true), 200);
});

Deno.test("an upload to a bucket that is not allowed any more is refused", async () => {
  const session = await start(instance([OLD]), "left");
  assertEquals(await send(instance([OLD], "second"), session, 0, false), 403);
});

Deno.test("another secret of tickets ends those that have not been used, and no upload that has begun", async () => {
  const [before, after] = ["before", "after"].map((word) => {
    const secret = `a ticket secret of more than 32 bytes: ${word}`;
    const options = { bucket: "first", sessionSecrets: [OLD], log: () => {} };
    const { fetch } = google;
    return createUploadProxy({ ...options, tickets: { secret }, transport: fetch, fetch });
  });
  const secret = "a ticket secret of more than 32 bytes: before";
  const ticket = await signUploadTicket(secret, { subject: "user-17", prefix: "" }, {
    expiresIn: 60,
  });
  const url = "https://proxy.example/upload/storage/v1/b/first/o?uploadType=resumable&name=tickets";
  const init = { method: "POST", headers: { authorization: `Bearer ${ticket}` } };
  const started = await before.fetch(new Request(url, init));
  assertEquals((await after.fetch(new Request(url, init))).status, 401);
  const session = started.headers.get("location")!;
  assertEquals(await send(after, session, 0, true), 200);
});
