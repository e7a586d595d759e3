// Where the proxy and Google could read a request or a reply differently: nothing passes that a ticket does not allow, and
// no session URL comes out.

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { type Ask, ask, inPieces, multipart, outcome, setup, start } from "./support.ts";

const media = (contentType: string): Ask => ({
  body: "x",
  headers: { "content-type": contentType },
});

// Browsers take the last of several types in one header: an object with such a type is shown as text/html.
const types: [rule: string, contentType: string][] = [
  ["two types", "image/png, text/html"],
  ["a second type after a semicolon", "image/png;,text/html"],
  ["no subtype", "image/"],
  ["a space in the subtype", "image/png x"],
];
for (const [rule, contentType] of types) {
  for (const contentTypes of [["image/png"], ["image/*"], undefined]) {
    const who = contentTypes ?? "any type";
    Deno.test(`${rule} is no media type (${who} allowed), and nothing goes to Google`, async () => {
      const context = setup();
      const grant = { prefix: "", contentTypes };
      for (
        const asked of [
          ask(context, "?uploadType=media&name=a", { ...media(contentType), grant }),
          ask(context, "?uploadType=resumable&name=a", {
            headers: { "x-upload-content-type": contentType },
            grant,
          }),
          ask(context, "?uploadType=resumable", {
            body: JSON.stringify({ name: "a", contentType }),
            grant,
          }),
          ask(context, "?uploadType=multipart", {
            ...multipart({ name: "a" }, "x", contentType),
            grant,
          }),
        ]
      ) assertEquals(await outcome(await asked), "400 invalid");
      assertEquals(context.sent.length, 0);
    });
  }
}

for (
  const contentType of ["image/png;\r\nx: y\r\n\r\nmore bytes", "image/png; a=–", "image/png\0"]
) {
  Deno.test(`a type in the metadata that no header can hold is refused: ${JSON.stringify(contentType)}`, async () => {
    const context = setup();
    const grant = { prefix: "", contentTypes: ["image/png"], maxBytes: 4 };
    const whole = multipart({ name: "a", contentType }, "four", null);
    const single = await ask(context, "?uploadType=multipart", { ...whole, grant });
    const session = await ask(context, "?uploadType=resumable", {
      body: JSON.stringify({ name: "a", contentType }),
      grant,
    });
    assertEquals([await outcome(single), await outcome(session)], ["400 invalid", "400 invalid"]);
    assertEquals([context.sent.length, context.gcs.objects.length], [0, 0]);
  });
}

Deno.test("a content encoding of the ticket holds against the query", async () => {
  const context = setup();
  const grant = { prefix: "", metadata: { contentEncoding: "identity" } };
  await ask(context, "?uploadType=media&name=a&contentEncoding=gzip", { body: "x", grant });
  assertEquals(context.sent.map(({ url }) => url.searchParams.get("contentEncoding")), [null]);
});

Deno.test("custom metadata of the ticket holds against the same name in other letters", async () => {
  const context = setup();
  const grant = { prefix: "", fields: ["metadata"], metadata: { metadata: { owner: "user-17" } } };
  const body = JSON.stringify({ metadata: { Owner: "root", note: "mine" } });
  await ask(context, "?uploadType=resumable&name=a", { body, grant });
  const sent = JSON.parse(new TextDecoder().decode(context.sent[0].body()));
  assertEquals(sent.metadata, { owner: "user-17", note: "mine" });
});

// An array would become an object with the keys "0", "1" and so on.
Deno.test("custom metadata that is an array is refused, not made into something else", async () => {
  const context = setup();
  const body = JSON.stringify({ metadata: ["a"] });
  const response = await ask(context, "?uploadType=resumable&name=a", { body });
  assertEquals(await outcome(response), "400 invalid");
  assertEquals(context.sent.length, 0);
});

for (
  const query of ["uploadType=media&name=a&name=b", "uploadType=media&uploadType=multipart&name=a"]
) {
  Deno.test(`a parameter that is there twice is refused: ${query}`, async () => {
    const context = setup();
    assertEquals(
      await outcome(await ask(context, `?${query}`, { body: "x" })),
      "400 invalidParameter",
    );
    assertEquals(context.sent.length, 0);
  });
}

Deno.test("a key of the client's is refused: without it Google would store what was to be encrypted", async () => {
  const context = setup();
  const headers = {
    "x-goog-encryption-algorithm": "AES256",
    "x-goog-encryption-key": "AAAA",
    "x-goog-encryption-key-sha256": "BBBB",
  };
  const response = await ask(context, "?uploadType=media&name=a", { body: "x", headers });
  assertEquals(await outcome(response), "400 invalidParameter");
  assertEquals(context.sent.length, 0);
});

for (const name of ["users/17/../18/x", "users/17/./x", "users/17/.."]) {
  Deno.test(`below a prefix, no part of a name is a dot or two: ${name}`, async () => {
    const context = setup();
    const grant = { prefix: "users/17/" };
    const response = await ask(context, `?uploadType=media&name=${name}`, { body: "x", grant });
    assertEquals(await outcome(response), "403 forbidden");
    assertEquals(context.sent.length, 0);
  });
}

Deno.test("a start that the proxy accepts can be continued, however long its query is", async () => {
  const context = setup();
  const query = `?uploadType=resumable&name=a&fields=${"size,".repeat(2400)}name`;
  const response = await ask(context, query);
  if (response.status !== 200) return assertEquals(await outcome(response), "400 invalidParameter");
  const finish = await ask(context, response.headers.get("location")!, {
    method: "PUT",
    body: "x",
  });
  assertEquals(finish.status, 200);
});

for (const status of [202, 204, 304, 308]) {
  Deno.test(`a start that Google answers with ${status} is a 502: there is no session`, async () => {
    const context = setup({ transport: () => Promise.resolve(new Response(null, { status })) });
    const response = await ask(context, "?uploadType=resumable&name=a");
    assertEquals(await outcome(response), "502 badGateway");
  });
}

Deno.test("an endless reply of Google is a 502, not a request that is too large", async () => {
  const endless = () =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    });
  const context = setup({ transport: () => Promise.resolve(new Response(endless())) });
  const response = await ask(context, "?uploadType=resumable&name=a");
  assertEquals(await outcome(response), "502 badGateway");
});

Deno.test("a body of unknown length makes Google's deadline no longer than the largest request needs", async () => {
  const delays: number[] = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    delays.push(args[1] ?? 0);
    return setTimeout(...args);
  }) as typeof setTimeout;
  try {
    const context = setup({ maxChunkBytes: 262_144 });
    const body = inPieces(new Uint8Array(10), 5);
    const response = await ask(context, "?uploadType=media&name=a", { body });
    assertEquals(response.status, 200);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assert(delays.length > 0);
  assertLessOrEqual(Math.max(...delays), 60_000 + 16_000);
});

Deno.test("a session URL is scrubbed from the headers of a reply as it is from the body", async () => {
  const google = setup();
  let session = "";
  const context = setup({
    transport: async (url, init) => {
      const reply = await google.gcs.fetch(url, init);
      session = new URL(reply.headers.get("location")!).searchParams.get("upload_id")!;
      return reply;
    },
    fetch: () =>
      Promise.resolve(
        new Response(session, { headers: { etag: `"${session}"`, "x-goog-hash": session } }),
      ),
  });
  const url = await start(context);
  const reply = await ask(context, url, { method: "PUT", body: "x" });
  const shown = JSON.stringify([...reply.headers]) + await reply.text();
  assertEquals(shown.includes(session), false);
});

Deno.test("how much is stored is said, also where these digits happen to be the session's", async () => {
  const session = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?upload_id=2621";
  const context = setup({
    transport: () => Promise.resolve(new Response(null, { headers: { location: session } })),
    fetch: () =>
      Promise.resolve(new Response(null, { status: 308, headers: { range: "bytes=0-262143" } })),
  });
  const url = await start(context);
  const response = await ask(context, url, {
    method: "PUT",
    headers: { "content-range": "bytes */*" },
  });
  assertEquals([response.status, response.headers.get("range")], [308, "bytes=0-262143"]);
});

Deno.test("a client that cannot stand a 308 gets what it asks for: 200 with an override", async () => {
  const context = setup();
  const started = await ask(context, "?uploadType=resumable&name=a");
  const reply = await context.proxy.fetch(
    new Request(started.headers.get("location")!, {
      method: "PUT",
      headers: { "content-range": "bytes */*", "x-guploader-no-308": "yes" },
    }),
  );
  assertEquals([reply.status, reply.headers.get("x-http-status-code-override")], [200, "308"]);
});
