// What goes on to Google: bytes that may become a part of the object, once.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, type Place, rule, startSession } from "./support/rules.ts";

endAfterAll();

const U = 262_144;

/** Sends bytes of the pattern on a session. */
async function put(
  session: string,
  from: number,
  to: number,
  total: number | "*" = "*",
  more: Record<string, string> = {},
): Promise<Response> {
  const reply = await fetch(session, {
    method: "PUT",
    headers: { "content-range": `bytes ${from}-${to - 1}/${total}`, ...more },
    body: pattern(to).subarray(from),
  });
  await reply.body?.cancel();
  return reply;
}

const sum = ({ upstream }: Place) =>
  upstream.requests.slice(1).reduce((bytes, request) => bytes + request.bytes, 0);

rule("a range that is stored goes on once, however often it is sent", async (place) => {
  const session = await startSession(place);
  assertEquals((await put(session, 0, U)).status, 308);
  for (let i = 0; i < 5; i++) {
    const reply = await put(session, 0, U);
    assertEquals([reply.status, reply.headers.get("range")], [308, `bytes=0-${U - 1}`]);
  }
  assertEquals([place.upstream.requests.length, sum(place)], [2, U]);
  assertEquals((await put(session, U, U + 5, U + 5)).status, 200);
  assertStored(place, pattern(U + 5));
});

rule("a chunk that overlaps what is stored is told where to go on", async (place) => {
  const session = await startSession(place);
  await put(session, 0, 2 * U);
  const reply = await put(session, U, 3 * U, 3 * U);
  assertEquals([reply.status, reply.headers.get("range")], [308, `bytes=0-${2 * U - 1}`]);
  assertEquals((await put(session, 2 * U, 3 * U, 3 * U)).status, 200);
  assertStored(place, pattern(3 * U));
  assertEquals(sum(place), 3 * U);
});

rule("bytes beyond what is stored go nowhere, and are refused in Google's words", async (place) => {
  const session = await startSession(place);
  for (let i = 0; i < 3; i++) {
    const reply = await fetch(session, {
      method: "PUT",
      headers: { "content-range": `bytes ${U}-${2 * U - 1}/*` },
      body: pattern(U),
    });
    assertEquals(reply.status, 503);
    assertStringIncludes(
      await reply.text(),
      `the upload offset is ${U} byte(s), which exceeds already uploaded size of 0 byte(s).`,
    );
  }
  assertEquals(sum(place), 0);
  assertEquals((await put(session, 0, U)).status, 308);
  await using other = await place.start();
  const there = session.replace(place.worker.origin, other.origin);
  assertEquals((await put(there, U, 2 * U)).status, 308);
  assertEquals((await put(session, 2 * U, 3 * U, 3 * U)).status, 200, "another one has got on");
  assertStored(place, pattern(3 * U));
});

rule("a chunk that was cut off goes on only from where it is stored", async (place) => {
  const { upstream } = place;
  const session = await startSession(place);
  const client = await place.connect();
  await client.head("PUT", session, {
    "content-length": `${4 * U}`,
    "content-range": `bytes 0-${4 * U - 1}/*`,
  });
  await client.write(pattern(2 * U + 1000));
  await upstream.until(() => upstream.requests[1]?.bytes >= 2 * U + 1000);
  client.leave();
  await upstream.until(() => upstream.requests[1].end !== undefined);
  const reply = await put(session, 0, 4 * U);
  assertEquals([reply.status, reply.headers.get("range")], [308, `bytes=0-${2 * U - 1}`]);
  assertEquals((await put(session, 2 * U, 4 * U, 4 * U)).status, 200);
  assertStored(place, pattern(4 * U));
  assert(sum(place) <= 4 * U + 1000, `${sum(place)} bytes went on`);
});

rule("after the finish no bytes go on, and the object is said again", async (place) => {
  const session = await startSession(place);
  assertEquals((await put(session, 0, 5, 5)).status, 200);
  for (let i = 0; i < 3; i++) assertEquals((await put(session, 0, U, U)).status, 200);
  assertEquals(sum(place), 5);
  assertStored(place, pattern(5));
});

rule("another instance asks before it sends bytes on", async (place) => {
  const { upstream, worker } = place;
  const session = await startSession(place);
  await put(session, 0, U);
  await using other = await place.start();
  const there = session.replace(worker.origin, other.origin);
  assertEquals((await put(there, 0, U)).headers.get("range"), `bytes=0-${U - 1}`);
  assertEquals((await put(there, U, U + 5, U + 5)).status, 200);
  assertEquals(upstream.requests.map(({ headers }) => headers.get("content-range")).slice(1, 4), [
    `bytes 0-${U - 1}/*`,
    "bytes */*",
    `bytes ${U}-${U + 4}/${U + 5}`,
  ]);
  assertStored(place, pattern(U + 5));
});

rule(
  "not more than a few requests with bytes of one upload are under way at once",
  async (place) => {
    const { upstream } = place;
    const session = await startSession(place);
    let open = () => {};
    const gate = new Promise<void>((resolve) => open = resolve);
    upstream.pace = () => gate;
    const all = Array.from({ length: 12 }, () => put(session, 0, U));
    const first = await Promise.race(all);
    assertEquals([first.status, first.headers.get("retry-after")], [429, "1"]);
    open();
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    assertEquals(statuses.filter((status) => status === 429).length, 4);
  },
);

rule(
  "clients that leave again and again do not count as requests that are under way",
  async (place) => {
    const { upstream } = place;
    const session = await startSession(place);
    for (let i = 1; i <= 12; i++) {
      const client = await place.connect();
      await client.head("PUT", session, {
        "content-length": `${U}`,
        "content-range": `bytes 0-${U - 1}/${U}`,
      });
      await client.write(pattern(1000));
      const chunks = () =>
        upstream.requests.filter(({ method, bytes }) => method === "PUT" && bytes > 0);
      await upstream.until(() => chunks().length === i);
      client.leave();
      await upstream.until(() => chunks()[i - 1].end !== undefined);
    }
    assertEquals((await put(session, 0, U, U)).status, 200);
    assertStored(place, pattern(U));
  },
);

rule("a form that is posted to a session is no object", async (place) => {
  const session = await startSession(place);
  const reply = await fetch(session, { method: "POST", body: "hello" });
  assertEquals([reply.status, (await reply.json()).error.errors[0].reason], [400, "required"]);
  assertEquals(place.upstream.requests.length, 1);
});

rule("a client that cannot stand a 308 gets none, of Google's or of the proxy's", async (place) => {
  const session = await startSession(place);
  const no308 = { "x-guploader-no-308": "yes", origin: "https://app.example" };
  for (let i = 0; i < 2; i++) {
    const reply = await put(session, 0, U, "*", no308);
    assertEquals(
      ["x-http-status-code-override", "range"].map((name) => reply.headers.get(name)),
      ["308", `bytes=0-${U - 1}`],
    );
    assertEquals(reply.status, 200);
    const exposed = reply.headers.get("access-control-expose-headers")!.split(", ");
    const needed = ["range", "location", "x-goog-running-hash", "x-max-chunk-bytes"];
    for (const name of [...needed, "x-http-status-code-override"]) assert(exposed.includes(name));
  }
  assertEquals(place.upstream.requests[1].headers.get("x-guploader-no-308"), "yes");
}, { settings: { ALLOWED_ORIGINS: "https://app.example" } });

rule("how much a request may have is said with the start, and with a refusal", async (place) => {
  const { worker, ticket } = place;
  const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=object`;
  const start = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${ticket}` },
  });
  await start.body?.cancel();
  const refused = await put(start.headers.get("location")!, 0, U + 1);
  assertEquals([start.status, refused.status], [200, 413]);
  for (const { headers } of [start, refused]) {
    assertEquals(headers.get("x-max-chunk-bytes"), `${U}`);
  }
}, { settings: { MAX_CHUNK_BYTES: `${U}` } });

rule("a body that breaks off is not counted as what it said it was", async (place) => {
  const { upstream, worker } = place;
  const session = await startSession(place);
  const lines = () => worker.log.split("\n").filter((line) => line.includes('"event":"chunk"'));
  // The second time Google is asked before, so that there is a reply of Google's to count.
  for (const [at, requests] of [[1, 2], [2, 4]]) {
    const client = await place.connect();
    await client.head("PUT", session, { "content-length": "50000000" });
    await client.write(pattern(1000));
    await upstream.until(() => upstream.requests[requests - 1]?.bytes >= 1000);
    client.leave();
    while (lines().length < at) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(lines().map((line) => JSON.parse(line).bytes), [undefined, undefined]);
  const text = await (await fetch(`${worker.origin}/metrics`)).text();
  assertStringIncludes(text, "\nupload_proxy_request_bytes_total 0\n");
}, { settings: { METRICS_PATH: "/metrics" } });
