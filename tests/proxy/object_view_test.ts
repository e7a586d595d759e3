// What a client is shown of its object and of Google's replies.

import { assert, assertEquals } from "@std/assert";
import { ask, outcome, setup, start } from "./support.ts";

const ALWAYS = [
  "bucket",
  "contentType",
  "crc32c",
  "etag",
  "generation",
  "kind",
  "md5Hash",
  "metageneration",
  "name",
  "size",
  "storageClass",
  "timeCreated",
  "timeFinalized",
  "timeStorageClassUpdated",
  "updated",
];

const grant = {
  prefix: "",
  fields: ["metadata", "contentLanguage", "cacheControl"],
  metadata: { cacheControl: "private, tenant=acme", metadata: { Tenant: "acme" } },
};
const body = JSON.stringify({ contentLanguage: "de", metadata: { author: "me", tenant: "x" } });

async function finish(url: string, context: ReturnType<typeof setup>) {
  return await (await ask(context, url, { method: "PUT", body: "x" })).json();
}

Deno.test("a client sees of its object what everybody may know", async () => {
  const context = setup();
  const object = await finish(await start(context), context);
  assertEquals(Object.keys(object).sort(), ALWAYS);
});

Deno.test("a client sees the fields that are open, and nothing that its ticket sets", async () => {
  const context = setup();
  const object = await finish(await start(context, "name=a", { body, grant }), context);
  assertEquals(Object.keys(object).sort(), [...ALWAYS, "contentLanguage", "metadata"].sort());
  assertEquals(object.metadata, { author: "me" });
  const stored = context.gcs.get("my-bucket", "a")!;
  assertEquals(stored.metadata, { Tenant: "acme", author: "me" });
  assertEquals(stored.resource.cacheControl, "private, tenant=acme");
});

for (
  const [fields, keys] of [
    ["name,size", ["name", "size"]],
    ["name,metadata/author", ["metadata", "name"]],
    ["metadata(author),owner(entity)", ["metadata"]],
    ["nonsense", []],
  ] as const
) {
  Deno.test(`fields=${fields} is a part of what is shown, and Google is asked for all`, async () => {
    const context = setup();
    const url = await start(context, `name=a&fields=${fields}`, { body, grant });
    assertEquals(Object.keys(await finish(url, context)).sort(), [...keys]);
    assertEquals(context.sent[0].url.searchParams.has("fields"), false);
  });
}

Deno.test("of packed metadata no more is unpacked than may be read", async () => {
  const original = DecompressionStream;
  let unpacked = 0;
  const counting = (format: CompressionFormat) => {
    const { writable, readable } = new original(format);
    const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        unpacked += piece.length;
        controller.enqueue(piece);
      },
    });
    return { writable, readable: readable.pipeThrough(counter) };
  };
  globalThis.DecompressionStream = function (format: CompressionFormat) {
    return counting(format);
  } as unknown as typeof DecompressionStream;
  try {
    const zeros = new Blob([new Uint8Array(50_000_000)]).stream();
    const body = await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    const reply = await ask(setup(), "?uploadType=resumable&name=a", {
      headers: { "content-encoding": "gzip" },
      body,
    });
    assertEquals(await outcome(reply), "413 uploadTooLarge");
  } finally {
    globalThis.DecompressionStream = original;
  }
  assert(unpacked > 65_536 && unpacked < 4_000_000, `${unpacked} bytes`);
});

Deno.test("metadata may come packed with gzip", async () => {
  const context = setup();
  const json = new Blob(['{"name":"a"}']).stream().pipeThrough(new CompressionStream("gzip"));
  const response = await ask(context, "?uploadType=resumable", {
    body: await new Response(json).bytes(),
    headers: { "content-encoding": "gzip" },
  });
  assertEquals(response.status, 200);
});

Deno.test("Google's sentences that clients act upon are said again", async () => {
  const said = async (status: number, text: string, type = "application/json") => {
    const headers = { "content-type": type };
    const context = setup({
      fetch: () => Promise.resolve(new Response(text, { status, headers })),
    });
    const reply = await ask(context, await start(context), { method: "PUT", body: "x" });
    return [reply.headers.get("content-type"), await reply.text()];
  };
  const gap = "Invalid request.  According to the Content-Range header, the upload offset is " +
    "4 byte(s), which exceeds already uploaded size of 0 byte(s).";
  assertEquals(await said(503, gap, "text/plain"), ["text/plain; charset=utf-8", gap]);
  const wrong = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "4waSgw==".';
  const error = { code: 400, message: wrong, errors: [{ reason: "invalid" }] };
  const [, text] = await said(400, JSON.stringify({ error }));
  assertEquals(JSON.parse(text!).error.message, wrong);
});
