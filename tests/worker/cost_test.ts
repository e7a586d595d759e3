// What a client costs before it is known to be worth it: time, and pieces.

import { assert, assertEquals } from "@std/assert";
import { endAfterAll, rule, startSession } from "./support/rules.ts";

endAfterAll();

const encode = (text: string) => new TextEncoder().encode(text);

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

const lengthless = { settings: { REQUIRE_CONTENT_LENGTH: "true" } };

rule(
  "a proxy that wants lengths refuses a chunk without one, and nothing goes on",
  async (place) => {
    const session = await startSession(place);
    const client = await place.connect();
    await client.head("PUT", session, { "transfer-encoding": "chunked" });
    await client.writeChunk(encode("hello"));
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
  const { worker, ticket } = place;
  const packed = await new Response(
    new Blob([new Uint8Array(200_000_000)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer();
  const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a`;
  const start = async () => {
    const reply = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${ticket}`, "content-encoding": "gzip" },
      body: packed,
    });
    await reply.body?.cancel();
    return reply.status;
  };
  assertEquals(await start(), 413);
  const before = await worker.peakMemory();
  for (let i = 0; i < 3; i++) assertEquals(await Promise.all([start(), start()]), [413, 413]);
  const more = (await worker.peakMemory() - before) / 1e6;
  assert(more < 60, `it takes ${more} MB more`);
}, { ignore: Deno.build.os !== "linux" });
