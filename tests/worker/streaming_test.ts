// Bodies on their way through the worker: nothing waits for the whole of them, and nothing cut off looks whole.

import { assert, assertEquals } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, type Place, rule, startSession } from "./support/rules.ts";

endAfterAll();

const U = 262_144;
const MIB = 1_048_576;
const END = new Uint8Array();

/** A request with a body that comes in chunks. */
async function chunked(place: Place, headers: Record<string, string> = {}) {
  const session = await startSession(place);
  const client = await place.connect();
  await client.head("PUT", session, { "transfer-encoding": "chunked", ...headers });
  return { session, client };
}

rule("Google sees the first bytes before the client has sent its last", async (place) => {
  const { upstream } = place;
  const bytes = pattern(MIB);
  const session = await startSession(place);
  const client = await place.connect();
  await client.head("PUT", session, { "content-length": `${MIB}` });
  await client.write(bytes.subarray(0, MIB / 2));
  await upstream.until(() => upstream.requests[1]?.bytes > 0);
  await client.write(bytes.subarray(MIB / 2));
  assertEquals((await client.reply()).status, 200);
  assertStored(place, bytes);
});

rule(
  "a client that leaves in mid-body ends the request at Google, and the upload goes on",
  async (place) => {
    const { upstream } = place;
    const bytes = pattern(MIB);
    const session = await startSession(place);
    const client = await place.connect();
    const put = (range: string, body: Uint8Array<ArrayBuffer> | null = null) =>
      fetch(session, {
        method: "PUT",
        headers: { "content-range": `bytes ${range}/${MIB}` },
        body,
      });
    await client.head("PUT", session, {
      "content-length": `${MIB}`,
      "content-range": `bytes 0-${MIB - 1}/${MIB}`,
    });
    await client.write(bytes.subarray(0, 2 * U + 1000));
    await upstream.until(() => upstream.requests[1]?.bytes >= 2 * U);
    client.leave();
    await upstream.until(() => upstream.requests[1].end !== undefined);
    assertEquals(upstream.requests[1].end, "broken");

    const status = await put("*");
    await status.body?.cancel();
    assertEquals([status.status, status.headers.get("range")], [308, `bytes=0-${2 * U - 1}`]);
    const rest = await put(`${2 * U}-${MIB - 1}`, bytes.subarray(2 * U));
    assertEquals([rest.status, (await rest.json()).size], [200, `${MIB}`]);
    assertStored(place, bytes);
  },
);

rule("a body in chunks is stored byte for byte", async (place) => {
  const bytes = pattern(MIB + 3);
  const { client } = await chunked(place);
  await client.writeChunk(bytes.subarray(0, 1));
  await client.writeChunk(bytes.subarray(1, U + 1));
  await client.writeChunk(bytes.subarray(U + 1));
  await client.writeChunk(END);
  assertEquals((await client.reply()).status, 200);
  assertStored(place, bytes);
});

rule("a client that leaves in a body in chunks leaves no object behind", async (place) => {
  const { upstream } = place;
  const { client } = await chunked(place);
  await client.writeChunk(pattern(U));
  await upstream.until(() => upstream.requests[1]?.bytes === U);
  client.leave();
  await upstream.until(() => upstream.requests[1].end !== undefined);
  assertEquals(upstream.requests[1].end, "broken");
  assertEquals(upstream.gcs.get("bucket", "object"), undefined);
});

rule(
  "a body in chunks that goes on beyond its range is refused, and leaves no object",
  async (place) => {
    const { client } = await chunked(place, { "content-range": `bytes 0-${U - 1}/${U}` });
    await client.writeChunk(pattern(U));
    await client.writeChunk(pattern(1)).catch(() => {}); // refused already
    const { status, body } = await client.reply();
    assertEquals([status, JSON.parse(body).error.errors[0].reason], [400, "invalid"]);
    assertEquals(place.upstream.gcs.get("bucket", "object"), undefined);
  },
);

rule("a body in chunks that ends before its range does is refused", async (place) => {
  const { client } = await chunked(place, { "content-range": `bytes 0-${MIB - 1}/${MIB}` });
  await client.writeChunk(pattern(U));
  await client.writeChunk(END);
  const { status, body } = await client.reply();
  assertEquals([status, JSON.parse(body).error.message], [
    400,
    `The Content-Range speaks of ${MIB} bytes, the body has ${U}`,
  ]);
  assertEquals(place.upstream.gcs.get("bucket", "object"), undefined);
});

rule("a body in chunks above the limit is refused, and leaves no object", async (place) => {
  const { client } = await chunked(place);
  await client.writeChunk(pattern(U));
  await client.writeChunk(pattern(1)).catch(() => {});
  assertEquals((await client.reply()).status, 413);
  assertEquals(place.upstream.gcs.get("bucket", "object"), undefined);
}, { settings: { MAX_CHUNK_BYTES: `${U}` } });

rule("a client that leaves in an upload in one request leaves no object behind", async (place) => {
  const { upstream, worker, ticket } = place;
  const client = await place.connect();
  const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=media&name=object`;
  await client.head("POST", url, {
    authorization: `Bearer ${ticket}`,
    "content-type": "text/plain",
    "content-length": `${MIB}`,
  });
  await client.write(pattern(U));
  await upstream.until(() => upstream.requests[0]?.bytes >= U);
  client.leave();
  await upstream.until(() => upstream.requests[0].end !== undefined);
  assertEquals(upstream.requests[0].end, "broken");
  assertEquals(upstream.gcs.get("bucket", "object"), undefined);
});

rule("a client cannot send faster than Google takes, and memory stays as it is", async (place) => {
  const { upstream, worker } = place;
  upstream.pace = () => new Promise((resolve) => setTimeout(resolve));
  const bytes = pattern(64 * MIB);
  const session = await startSession(place);
  const client = await place.connect();
  const before = Deno.build.os === "linux" ? await worker.peakMemory() : 0;
  await client.head("PUT", session, { "content-length": `${bytes.length}` });
  await client.write(bytes);
  const ahead = bytes.length - upstream.requests[1].bytes;
  assertEquals((await client.reply()).status, 200);
  assertStored(place, bytes);
  const grown = Deno.build.os === "linux" ? await worker.peakMemory() - before : 0;
  assert(ahead < 32 * MIB, `the client was ${ahead} bytes ahead`);
  assert(grown < 48 * MIB, `the memory of the worker grew by ${grown} bytes`);
}, { emulator: { md5: false } });
