// Compose: objects made of other objects, with generations, preconditions and the removal of the sources.

import { assertEquals, assertRejects } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { data, detail, OBJECTS, U, UPLOAD } from "./helpers.ts";

/** Stores an object and gives its generation. */
async function put(
  gcs: GcsEmulator,
  name: string,
  body: BodyInit = name,
  metadata: Record<string, unknown> = {},
): Promise<string> {
  const boundary = "b";
  const start = `--${boundary}\r\n\r\n${JSON.stringify({ name, ...metadata })}\r\n` +
    `--${boundary}\r\n\r\n`;
  const reply = await gcs.fetch(`${UPLOAD}?uploadType=multipart`, {
    method: "POST",
    body: new Blob([start, await new Response(body).arrayBuffer(), `\r\n--${boundary}--`]),
    headers: { "content-type": `multipart/related; boundary=${boundary}` },
  });
  if (reply.status !== 200) throw new Error(await reply.text());
  return (await reply.json()).generation;
}

function compose(
  gcs: GcsEmulator,
  body: unknown,
  query = "",
  name = "whole",
): Promise<Response> {
  return gcs.fetch(`${OBJECTS}/${encodeURIComponent(name)}/compose${query}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
}

const named = (...names: string[]) => ({ sourceObjects: names.map((name) => ({ name })) });
const names = (gcs: GcsEmulator) => gcs.objects.map(({ name }) => name);
const text = (gcs: GcsEmulator, name = "whole") =>
  new TextDecoder().decode(gcs.get("bucket", name)?.bytes);

Deno.test("objects are joined in the order in which they are named", async () => {
  const gcs = new GcsEmulator();
  const bytes = data(2 * U + 100);
  await put(gcs, "b", bytes.slice(0, U + 50));
  await put(gcs, "a/ü", bytes.slice(U + 50));
  const reply = await compose(gcs, {
    ...named("b", "a/ü"),
    kind: "storage#composeRequest",
    destination: { contentType: "image/png", metadata: { by: "me" }, cacheControl: "no-store" },
  });
  assertEquals(reply.status, 200);
  const resource = await reply.json();
  assertEquals(resource.crc32c, encodeCrc32c(crc32c(bytes)));
  assertEquals([resource.size, resource.componentCount], [String(bytes.length), 2]);
  assertEquals([resource.contentType, resource.cacheControl], ["image/png", "no-store"]);
  assertEquals([resource.metadata, "md5Hash" in resource], [{ by: "me" }, false]);
  assertEquals(gcs.get("bucket", "whole")!.bytes, bytes);
  assertEquals(names(gcs), ["a/ü", "b", "whole"]);
});

Deno.test("checksums in the destination are not compared", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a", "123456789");
  const destination = { crc32c: "AAAAAA==", md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" };
  const reply = await compose(gcs, { ...named("a"), destination });
  assertEquals([reply.status, (await reply.json()).crc32c], [200, "4waSgw=="]);
});

Deno.test("a source can come more than once, be composed itself, and be the destination", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a");
  await put(gcs, "b");
  assertEquals((await compose(gcs, named("a", "b", "a"))).status, 200);
  const reply = await compose(gcs, named("whole", "b", "whole"));
  assertEquals((await reply.json()).componentCount, 7);
  assertEquals(text(gcs), "aba" + "b" + "aba");
});

Deno.test("there are 1 to 32 sources", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a");
  const many = (count: number) => named(...Array.from({ length: count }, () => "a"));
  for (const body of [{}, { sourceObjects: [] }, ""]) {
    const { code, reason } = await detail(await compose(gcs, body));
    assertEquals([code, reason], [400, "required"]);
  }
  assertEquals(
    (await detail(await compose(gcs, many(33)))).message,
    "The number of source components provided (33) exceeds the maximum (32).",
  );
  assertEquals((await compose(gcs, many(32))).status, 200);
  assertEquals((await compose(gcs, many(1))).status, 200);
});

Deno.test("a source that is not there, or not in that generation, is a 404, and nothing is made", async () => {
  const gcs = new GcsEmulator();
  const before = await put(gcs, "a");
  const generation = await put(gcs, "a");
  const cases = [
    named("a", "missing"),
    { sourceObjects: [{ name: "a", generation: before }] },
    { sourceObjects: [{ name: "a", generation }, { name: "a", generation: "1" }] },
  ];
  for (const body of cases) {
    const { code, reason } = await detail(
      await compose(gcs, { ...body, deleteSourceObjects: true }),
    );
    assertEquals([code, reason], [404, "notFound"]);
  }
  assertEquals(names(gcs), ["a"]);
  for (const number of [generation, Number(generation)]) {
    const reply = await compose(gcs, { sourceObjects: [{ name: "a", generation: number }] });
    assertEquals(reply.status, 200);
  }
});

Deno.test("preconditions of sources and of the destination have to hold, or it is a 412", async () => {
  const gcs = new GcsEmulator();
  const a = await put(gcs, "a");
  const source = (ifGenerationMatch: unknown) => ({
    sourceObjects: [{ name: "a", objectPreconditions: { ifGenerationMatch } }],
    deleteSourceObjects: true,
  });
  const kept = named("a");
  assertEquals((await compose(gcs, source("1"))).status, 412);
  assertEquals((await compose(gcs, source("0"))).status, 412);
  assertEquals((await compose(gcs, kept, "?ifGenerationMatch=1")).status, 412);
  assertEquals((await compose(gcs, kept, "?ifMetagenerationMatch=1")).status, 412);
  assertEquals(names(gcs), ["a"]);
  const reply = await compose(gcs, kept, "?ifGenerationMatch=0");
  const { generation } = await reply.json();
  assertEquals((await compose(gcs, kept, "?ifGenerationMatch=0")).status, 412);
  assertEquals((await compose(gcs, kept, "?ifMetagenerationMatch=2")).status, 412);
  const query = `?ifGenerationMatch=${generation}&ifMetagenerationMatch=1`;
  assertEquals((await compose(gcs, source(a), query)).status, 200);
  assertEquals(names(gcs), ["whole"]);
});

Deno.test("deleteSourceObjects removes the sources, but not the object that is made", async () => {
  const gcs = new GcsEmulator();
  for (const name of ["a", "b", "whole", "other"]) await put(gcs, name);
  const body = { ...named("whole", "a", "b", "a"), deleteSourceObjects: true };
  assertEquals((await compose(gcs, body)).status, 200);
  assertEquals([names(gcs), text(gcs)], [["other", "whole"], "wholeaba"]);
});

Deno.test("a body that cannot be understood is a 400, and nothing is made", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a");
  await put(gcs, "cold", "cold", { storageClass: "COLDLINE" });
  const bodies: unknown[] = [
    "{",
    "[]",
    { sourceObjects: "a" },
    { sourceObjects: ["a"] },
    { sourceObjects: [{}] },
    { sourceObjects: [{ name: "" }] },
    { sourceObjects: [{ name: "a", generation: "x" }] },
    { sourceObjects: [{ name: "a", objectPreconditions: 1 }] },
    { sourceObjects: [{ name: "a", objectPreconditions: { ifGenerationMatch: "x" } }] },
    { ...named("a"), destination: "whole" },
    { ...named("a"), destination: { name: "another" } },
    { ...named("a"), destination: { bucket: "another" } },
    { ...named("a"), destination: { contentType: 1 } },
    { ...named("a"), destination: { storageClass: "COLDLINE" } },
    { ...named("a"), deleteSourceObjects: "yes" },
    named("a", "cold"),
  ];
  for (const body of bodies) {
    assertEquals((await compose(gcs, body)).status, 400, JSON.stringify(body));
  }
  assertEquals((await compose(gcs, named("a"), "?ifGenerationMatch=x")).status, 400);
  assertEquals(names(gcs), ["a", "cold"]);
});

Deno.test("the result has the storage class of its sources", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a", "a", { storageClass: "NEARLINE" });
  assertEquals((await (await compose(gcs, named("a"))).json()).storageClass, "NEARLINE");
});

Deno.test("fields choose what the reply has, and an object can be called compose", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a");
  assertEquals(await (await compose(gcs, named("a"), "?fields=name")).json(), { name: "whole" });
  await compose(gcs, named("a"), "", "dir/compose");
  assertEquals((await gcs.fetch(`${OBJECTS}/dir/compose`)).status, 200);
  assertEquals(text(gcs, "dir/compose"), "a");
});

Deno.test("without MD5 and without bytes, sizes and checksums are joined all the same", async () => {
  const gcs = new GcsEmulator({ md5: false, store: "discard" });
  await put(gcs, "a", "12345");
  await put(gcs, "b", "6789");
  const { crc32c, size } = await (await compose(gcs, named("a", "b"))).json();
  assertEquals([crc32c, size], ["4waSgw==", "9"]);
});

Deno.test("the log calls it compose, faults hit it, and a lost reply leaves the object", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a");
  gcs.inject({ on: "compose", status: 503 }, { on: "compose", drop: "after" });
  assertEquals((await compose(gcs, named("a"))).status, 503);
  assertEquals(names(gcs), ["a"]);
  const body = { ...named("a"), deleteSourceObjects: true };
  await assertRejects(() => compose(gcs, body, "?ifGenerationMatch=0"), TypeError);
  assertEquals(names(gcs), ["whole"]);
  assertEquals(gcs.requests.slice(1).map(({ kind, fault }) => `${kind}: ${fault}`), [
    "compose: status",
    "compose: drop after",
  ]);
});

Deno.test("a retry test can make it fail", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, "a");
  const test = await gcs.fetch("https://storage.googleapis.com/retry_test", {
    method: "POST",
    body: JSON.stringify({ instructions: { "storage.objects.compose": ["return-503"] } }),
  });
  const { id } = await test.json();
  const once = () =>
    gcs.fetch(`${OBJECTS}/whole/compose`, {
      method: "POST",
      body: JSON.stringify(named("a")),
      headers: { "x-retry-test-id": id },
    });
  assertEquals([(await once()).status, (await once()).status], [503, 200]);
});
