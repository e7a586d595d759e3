// Where a body ends is said once, and believed once.

import { assert, assertEquals } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, type Place, rule, startSession, ticketFor } from "./support/rules.ts";

endAfterAll();

const encode = (text: string) => new TextEncoder().encode(text);

/** Heads that say a length and chunks at once, however they are written. */
const twice: readonly [what: string, head: (target: string) => string][] = [
  [
    "a length, then chunks",
    (to) =>
      `PUT ${to} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ],
  [
    "chunks, then a length",
    (to) =>
      `PUT ${to} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 10\r\n\r\n`,
  ],
  [
    "in HTTP/1.0",
    (to) =>
      `PUT ${to} HTTP/1.0\r\nHost: a\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ],
  [
    "in lines that end with LF alone",
    (to) => `PUT ${to} HTTP/1.1\nHost: a\nContent-Length: 10\nTransfer-Encoding: chunked\n\n`,
  ],
  [
    "in capitals, after a tab",
    (to) =>
      `PUT ${to} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nTRANSFER-ENCODING:\tCHUNKED\r\n\r\n`,
  ],
  [
    "a length, then two codings",
    (to) =>
      `PUT ${to} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nTransfer-Encoding: gzip, chunked\r\n\r\n`,
  ],
];

/** What is left of a URL in a request line. */
async function sessionTarget(place: Place, maxBytes: number): Promise<string> {
  const ticket = await ticketFor(place.settings, { prefix: "", maxBytes });
  const { pathname, search } = new URL(await startSession({ ...place, ticket }));
  return pathname + search;
}

function expectNothing({ upstream }: Place): void {
  assertEquals(upstream.requests.length, 1, "nothing but the start reaches Google");
  assertEquals(upstream.gcs.get("bucket", "object"), undefined);
}

for (const [what, head] of twice) {
  rule(`a body that is framed twice is refused, and stores nothing: ${what}`, async (place) => {
    const target = await sessionTarget(place, 1000);
    const client = await place.connect();
    await client.write(encode(head(target)));
    // The server may have refused it already, and closed.
    await client.writeChunk(pattern(3000)).catch(() => {});
    await client.writeChunk(new Uint8Array()).catch(() => {});
    const { status } = await client.reply();
    assert(status === 400 || status === 500 || status === 505, `the answer is ${status}`);
    expectNothing(place);
  });

  rule(
    `a client that leaves a body that is framed twice finishes nothing: ${what}`,
    async (place) => {
      const target = await sessionTarget(place, 1000);
      const client = await place.connect();
      await client.write(encode(head(target)));
      await client.writeChunk(pattern(10)).catch(() => {});
      client.leave();
      await (await fetch(`${place.worker.origin}/healthz`)).body?.cancel();
      expectNothing(place);
    },
  );
}

rule("bytes after the length that was said are no part of the body", async (place) => {
  const target = await sessionTarget(place, 1000);
  const client = await place.connect();
  await client.write(encode(`PUT ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n`));
  await client.write(pattern(3000));
  const { status } = await client.reply();
  // Bun answers what follows, which is no request, before the request itself.
  if (status === 200) assertStored(place, pattern(3000).subarray(0, 5));
  else assertEquals([place.runtime, status], ["bun", 400]);
  assert((place.upstream.requests[1]?.bytes ?? 0) <= 5, "more went on than was said");
});

rule(
  "a body without a length is held to what its Content-Range says, and that is what Google is told",
  async (place) => {
    const session = await startSession(place);
    const client = await place.connect();
    await client.head("PUT", session, {
      "transfer-encoding": "chunked",
      "content-range": "bytes 0-299999/300000",
    });
    await client.writeChunk(pattern(300_000));
    await client.writeChunk(new Uint8Array());
    assertEquals((await client.reply()).status, 200);
    assertStored(place, pattern(300_000));
    const { headers } = place.upstream.requests[1];
    const said = headers.get("content-length") ?? headers.get("transfer-encoding");
    assert(said === "300000" || said === "chunked", `Google is told ${said}`);
  },
);

rule("a body in crumbs reaches Google in large pieces, or not at all", async (place) => {
  const session = await startSession(place);
  const client = await place.connect();
  await client.head("PUT", session, { "transfer-encoding": "chunked" });
  const crumbs = encode("1\r\nx\r\n".repeat(10_000));
  for (let i = 0; i < 6; i++) await client.write(crumbs).catch(() => {});
  await client.write(encode("0\r\n\r\n")).catch(() => {});
  const { status } = await client.reply();
  const size = place.upstream.gcs.get("bucket", "object")?.bytes?.length;
  assert(
    status === 200 ? size === 60_000 : status === 400 && size === undefined,
    `${status} ${size}`,
  );
  if (place.runtime === "workerd") assertEquals(status, 200, "workerd puts them together");
});

for (const host of ["a/metrics?", "a/metrics#", "a/healthz?", "a\\\\metrics#"]) {
  rule(`a path in the Host chooses no route: ${host}`, async (place) => {
    const client = await place.connect();
    await client.write(encode(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    const { status, body } = await client.reply();
    // workerd refuses it itself, with a 500.
    assert(status === 400 || status === 500, `the answer is ${status}: ${body}`);
  }, { settings: { METRICS_PATH: "/metrics" } });
}
