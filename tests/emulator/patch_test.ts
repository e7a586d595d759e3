// `objects.patch`: what describes an object is changed, and nothing else.

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { upload } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";

const OBJECT = "https://storage.googleapis.com/storage/v1/b/my-bucket/o/a%2Fb.txt";

async function withObject(): Promise<GcsEmulator> {
  let now = 1_000_000;
  const gcs = new GcsEmulator({ now: () => now += 1000 });
  await upload("hello", {
    bucket: "my-bucket",
    name: "a/b.txt",
    contentType: "text/plain",
    metadata: { cacheControl: "no-cache", metadata: { by: "me", to: "you" } },
    transport: gcs.fetch,
  });
  return gcs;
}

const patch = (gcs: GcsEmulator, body: unknown, query = "") =>
  gcs.fetch(OBJECT + query, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

Deno.test("what is named is replaced, null takes away, custom metadata is merged, and the bytes stay", async () => {
  const gcs = await withObject();
  const before = gcs.objects[0];
  const reply = await patch(gcs, {
    contentType: "text/html",
    cacheControl: null,
    metadata: { by: null, at: "noon" },
  });
  const resource = await reply.json();
  assertEquals(reply.status, 200);
  const [object] = gcs.objects;
  assertEquals(resource, { ...object.resource });
  assertEquals([object.contentType, "cacheControl" in object.resource], ["text/html", false]);
  assertEquals(object.metadata, { to: "you", at: "noon" });
  assertEquals([object.generation, object.metageneration], [before.generation, "2"]);
  assertEquals([object.crc32c, object.bytes], [before.crc32c, before.bytes]);
  assertEquals(object.resource.timeCreated, before.resource.timeCreated);
  assert(object.resource.updated > before.resource.updated);
  assertNotEquals(object.resource.etag, before.resource.etag);
  assertEquals(gcs.requests.at(-1)?.kind, "patch");
});

Deno.test("a condition that does not hold is a 412, an object that is not there a 404, nonsense a 400, and nothing is changed", async () => {
  const gcs = await withObject();
  const body = { contentType: "text/html" };
  const statuses = [
    await patch(gcs, body, "?ifMetagenerationMatch=2"),
    await patch(gcs, body, "?ifGenerationMatch=1"),
    await patch(gcs, body, "?generation=1"),
    await patch(gcs, { metadata: ["a"] }),
    await patch(gcs, { metadata: { a: 1 } }),
    await patch(gcs, { contentType: 5 }),
    await gcs.fetch(`${OBJECT}x`, { method: "PATCH", body: "{}" }),
    await gcs.fetch(OBJECT, { method: "PATCH", body: "{" }),
  ].map(({ status }) => status);
  assertEquals(statuses, [412, 412, 404, 400, 400, 400, 404, 400]);
  assertEquals([gcs.objects[0].contentType, gcs.objects[0].metageneration], ["text/plain", "1"]);
  assertEquals((await patch(gcs, body, "?ifMetagenerationMatch=1")).status, 200);
});

Deno.test("a fault of patches hits them, and all custom metadata can be taken away", async () => {
  const gcs = await withObject();
  gcs.inject({ on: "patch", status: 503 });
  assertEquals((await patch(gcs, {})).status, 503);
  assertEquals((await patch(gcs, { metadata: null })).status, 200);
  assertEquals(gcs.objects[0].metadata, {});
});
