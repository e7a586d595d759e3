// The whole way with a service account, and what of it can be read in the logs.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, rule, startSession, uploadThrough } from "./support/rules.ts";
import { serviceAccount } from "./support/service_account.ts";

endAfterAll();

const account = await serviceAccount();
const settings = { GOOGLE_AUTH: undefined, GOOGLE_SERVICE_ACCOUNT: account.json };
const options = { settings, emulator: { authorize: account.authorize } };

rule(
  "a service account's own signature opens the way, and only the start carries it",
  async (place) => {
    const bytes = pattern(1_048_576 + 3);
    await uploadThrough(place, bytes);
    assertStored(place, bytes);
    assertEquals(
      place.upstream.requests.map(({ headers }) => headers.has("authorization")),
      [true, false, false],
    );
  },
  options,
);

rule("a key that Google does not know is the proxy's fault, not the client's", async (place) => {
  await assertRejects(() => startSession(place), Error, "502");
}, { settings, emulator: { authorize: () => false } });

rule("no secret is in the log, whatever happens", async (place) => {
  const { worker, ticket, settings, upstream } = place;
  await uploadThrough(place, pattern(1_048_576 + 3));
  const session = await startSession(place);
  const put = async (url: string, range: string, body: string | null = null) => {
    const headers = { "content-range": range };
    const reply = await fetch(url, { method: "PUT", headers, body });
    await reply.body?.cancel();
    return reply.status;
  };
  assertEquals(await put(session, "bytes 0-4/5", "hello"), 412); // the object exists
  assertEquals(await put(session, "nonsense"), 400);
  assertEquals(await put(`${session}x`, "bytes */*"), 404);
  upstream.gcs.inject({ on: "initiate", status: 503, body: "busy" });
  await assertRejects(() => startSession(place), Error, "503");
  await assertRejects(() => startSession({ ...place, ticket: `${ticket}x` }), Error, "401");
  await worker.stop();

  const events = worker.log.matchAll(/"event":"(\w+)"/g).map(([, event]) => event);
  assert(new Set(events).isSupersetOf(new Set(["start", "chunk"])), worker.log);
  assert(upstream.secrets.size >= 3, "Google has seen two upload ids and a token");
  const secrets = [
    ticket,
    ticket.split(".")[2],
    settings.SESSION_SECRET!,
    settings.TICKET_SECRET!,
    new URL(session).searchParams.get("upload_id")!,
    ...account.secrets,
    ...upstream.secrets,
  ];
  for (const secret of secrets) {
    assert(!worker.log.includes(secret), `the log has ${secret.slice(0, 8)}…`);
  }
}, options);
