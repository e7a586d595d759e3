// What a client costs before it is known to be worth it: time, and pieces.

import { assert, assertEquals } from "@std/assert";
import { endAfterAll, rule, startSession } from "./support/rules.ts";

endAfterAll();

const encode = (text: string) => new TextEncoder().encode(text);

/** A server that has answered need not take the rest: what it said is there to be read, and `reply` fails where there is nothing. */
const untilAnswered = (writing: Promise<void>) => writing.catch(() => {});

for (const uploadType of ["resumable", "multipart"]) {
  rule(
    `a client that never ends what an upload begins with gets a 408: ${uploadType}`,
    async (place) => {
      const { worker, ticket, upstream } = place;
      const client = await place.connect();
      const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=${uploadType}&name=a`;
      await client.head("POST", url, {
        authorization: `Bearer ${ticket}`,
        "content-type": uploadType === "multipart"
          ? "multipart/related; boundary=b"
          : "application/json",
        "content-length": "100",
      });
      await client.write(encode('--b\r\n\r\n{"na'));
      const { status, body } = await client.reply();
      assertEquals([status, JSON.parse(body).error.errors[0].reason], [408, "requestTimeout"]);
      assertEquals(upstream.requests.length, 0);
    },
    { settings: { START_TIMEOUT_SECONDS: "1" } },
  );
}

rule(
  "a status query whose body never ends gets a 408, and nobody waits at Google for it",
  async (place) => {
    const patient = await place.start({ START_TIMEOUT_SECONDS: undefined });
    const begun = new URL(await startSession({ ...place, worker: patient }));
    const session = place.worker.origin + begun.pathname + begun.search;
    for (const range of ["bytes */*", "bytes */5"]) {
      const client = await place.connect();
      await client.head("PUT", session, { "content-range": range, "transfer-encoding": "chunked" });
      const { status } = await client.reply();
      assertEquals([status, place.upstream.requests.length], [408, 1]);
    }
  },
  { settings: { START_TIMEOUT_SECONDS: "1" } },
);

rule("a status query may have an empty body in chunks", async (place) => {
  const session = await startSession(place);
  const client = await place.connect();
  const headers = { "content-range": "bytes */*", "transfer-encoding": "chunked" };
  await client.head("PUT", session, headers);
  await client.writeChunk(new Uint8Array());
  assertEquals((await client.reply()).status, 308);
  assertEquals(place.upstream.requests[1].headers.get("content-length"), "0");
  const other = await place.connect();
  await other.head("PUT", session, headers);
  await untilAnswered(other.writeChunk(encode("x")));
  assertEquals((await other.reply()).status, 400);
  assertEquals(place.upstream.requests.length, 2);
});

const lengthless = { settings: { REQUIRE_CONTENT_LENGTH: "true" } };

rule(
  "a proxy that wants lengths refuses a chunk without one, and nothing goes on",
  async (place) => {
    const session = await startSession(place);
    const client = await place.connect();
    await client.head("PUT", session, { "transfer-encoding": "chunked" });
    await untilAnswered(client.writeChunk(encode("hello")));
    const { status, body } = await client.reply();
    assertEquals([status, JSON.parse(body).error.errors[0].reason], [411, "lengthRequired"]);
    assertEquals(place.upstream.requests.length, 1);
  },
  lengthless,
);

rule("a proxy that wants lengths takes chunks with one, and status queries", async (place) => {
  const session = await startSession(place);
  const query = await fetch(session, { method: "PUT", headers: { "content-range": "bytes */*" } });
  await query.body?.cancel();
  const finish = await fetch(session, { method: "PUT", body: "hello" });
  await finish.body?.cancel();
  assertEquals([query.status, finish.status], [308, 200]);
}, lengthless);

rule("a multipart body of nothing but carriage returns arrives as it is", async (place) => {
  const { worker, ticket, upstream } = place;
  const media = "\r".repeat(1_000_000);
  const reply = await fetch(`${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=multipart`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${ticket}`,
      "content-type": "multipart/related; boundary=b",
    },
    body: `--b\r\n\r\n{"name":"object"}\r\n--b\r\n\r\n${media}\r\n--b--`,
  });
  await reply.body?.cancel();
  assertEquals(reply.status, 200);
  const { bytes } = upstream.gcs.get("bucket", "object")!;
  assert(bytes!.length === media.length && bytes!.every((byte) => byte === 13));
});

rule("metadata that is packed is unpacked no further than it may go", async (place) => {
  const { worker, ticket, connect } = place;
  const packed = await new Response(
    new Blob([new Uint8Array(200_000_000)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a`;
  const start = async () => {
    using client = await connect(url); // `fetch` may fail where the answer comes before all is sent
    await client.head("POST", url, {
      authorization: `Bearer ${ticket}`,
      "content-encoding": "gzip",
      "content-length": `${packed.length}`,
    });
    await untilAnswered(client.write(packed));
    return (await client.reply()).status;
  };
  assertEquals(await start(), 413);
  const before = await worker.peakMemory();
  for (let i = 0; i < 3; i++) assertEquals(await Promise.all([start(), start()]), [413, 413]);
  const more = (await worker.peakMemory() - before) / 1e6;
  assert(more < 60, `it takes ${more} MB more`);
}, { ignore: Deno.build.os !== "linux" });

rule(
  "of many slow clients that say no length only some have their bytes collected",
  async (place) => {
    const { upstream } = place;
    const head = {
      "tus-resumable": "1.0.0",
      "upload-offset": "0",
      "content-type": "application/offset+octet-stream",
    };
    const clients = [];
    for (let i = 0; i < 50; i++) {
      const session = await startSession(place, {}, `slow-${i}`);
      const client = await place.connect();
      await client.head("PATCH", session, { ...head, "transfer-encoding": "chunked" });
      await untilAnswered(client.writeChunk(encode("x")));
      clients.push(client);
    }
    const replies = clients.map((client) => client.reply());
    const { status, headers } = await Promise.race(replies);
    assertEquals([status, headers.get("retry-after")], [503, "5"]);
    clients.forEach((client) => client.leave());
    await Promise.allSettled(replies);
    const session = await startSession(place);
    // What the others held is free again when the worker has seen that they have left.
    for (let status = 503; status !== 204;) {
      const reply = await fetch(session, {
        method: "PATCH",
        headers: { ...head, "upload-length": "5" },
        body: new Blob(["hello"]).stream(),
      });
      await reply.body?.cancel();
      assert(reply.status === 204 || reply.status === 503, `the answer is ${reply.status}`);
      ({ status } = reply);
    }
    assertEquals(upstream.gcs.get("bucket", "object")?.bytes?.length, 5);
  },
);
