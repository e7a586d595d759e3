// Multipart bodies are read in pieces of any size, with bounds on the metadata.

import { assert, assertEquals, assertLess } from "@std/assert";
import { readMultipart } from "../../src/proxy/multipart_media.ts";
import { ask, inPieces, multipart, outcome, setup } from "./support.ts";

/** A ticket that opens custom metadata. */
const OPEN = { prefix: "", fields: ["metadata"] };
const HEADERS = { "content-type": "multipart/related; boundary=frame" };
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("metadata in the smallest pieces takes time in proportion to its length", async () => {
  const body = inPieces(bytes(`--frame\r\n\r\n${"\r".repeat(32_000)}`), 1);
  const began = performance.now();
  const response = await ask(setup(), "?uploadType=multipart", {
    headers: HEADERS,
    body,
    grant: OPEN,
  });
  assertEquals(await outcome(response), "400 invalid");
  assertLess(performance.now() - began, 4000, "milliseconds");
});

for (const size of [1000, 65_536, 1_000_000]) {
  Deno.test(`metadata beyond 64 KiB is refused in pieces of ${size} bytes`, async () => {
    const { headers, body } = multipart(
      { name: "a", metadata: { x: "y".repeat(65_536) } },
      "media",
    );
    const context = setup();
    const stream = inPieces(bytes(body), size);
    const response = await ask(context, "?uploadType=multipart", { headers, body: stream });
    assertEquals(await outcome(response), "413 uploadTooLarge");
    assertEquals(context.sent.length, 0);
  });
}

Deno.test("a body whose metadata is refused is cancelled, not left open", async () => {
  let cancelled = false;
  const { headers, body } = multipart({ name: "a", acl: [] }, "media".repeat(1000));
  const stream = inPieces(bytes(body), 200, () => cancelled = true);
  const response = await ask(setup(), "?uploadType=multipart", { headers, body: stream });
  assertEquals(await outcome(response), "400 invalidParameter");
  assert(cancelled);
});

// Much of it looks like the beginning of a delimiter.
const MEDIA = "a\r\n--fram\r\n--framX\r\n-\r\n--\r\n\r\r\n\r\n\r\n--other--\r";
const UPLOAD = multipart({ name: "a", metadata: { note: "é – €" } }, MEDIA).body;

/** Uploads the pieces, and gives what is stored. */
async function stored(pieces: Uint8Array<ArrayBuffer>[]): Promise<string> {
  const context = setup();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const response = await ask(context, "?uploadType=multipart", {
    headers: HEADERS,
    body,
    grant: OPEN,
  });
  if (response.status !== 200) return await response.text();
  await response.body?.cancel();
  const [object] = context.gcs.objects;
  assertEquals([object.name, object.metadata], ["a", { note: "é – €" }]);
  return new TextDecoder().decode(object.bytes);
}

Deno.test("a body may be split at every byte: the media stays the same", async () => {
  const whole = bytes(UPLOAD);
  for (let at = 0; at <= whole.length; at++) {
    assertEquals(await stored([whole.slice(0, at), whole.slice(at)]), MEDIA, `at byte ${at}`);
  }
});

for (const size of [1, 2, 3, 5, 8, 13]) {
  Deno.test(`a body may come in pieces of ${size} bytes: the media stays the same`, async () => {
    const whole = bytes(UPLOAD);
    const pieces = Array.from(
      { length: Math.ceil(whole.length / size) },
      (_, index) => whole.slice(index * size, (index + 1) * size),
    );
    assertEquals(await stored(pieces), MEDIA);
  });
}

Deno.test("media without a byte is an object without a byte", async () => {
  const { body } = multipart({ name: "a", metadata: { note: "é – €" } }, "");
  assertEquals(await stored([bytes(body)]), "");
});

Deno.test("large media in pieces of a byte takes time in proportion to its length", async () => {
  const { body } = multipart({ name: "a" }, "\r\n--fram".repeat(5000));
  const context = setup();
  const began = performance.now();
  const response = await ask(context, "?uploadType=multipart", {
    headers: HEADERS,
    body: inPieces(bytes(body), 1),
  });
  assertEquals([response.status, context.gcs.objects[0].size], [200, 40_000]);
  await response.body?.cancel();
  assertLess(performance.now() - began, 5000, "milliseconds");
});

const frames: readonly [rule: string, change: (body: string) => string][] = [
  ["no line break after the closing delimiter", (body) => body.slice(0, -2)],
  ["spaces after the closing delimiter", (body) => `${body.slice(0, -2)}  \t\r\n`],
  ["words before the first delimiter", (body) => `This is multipart.\r\n${body}`],
  ["header names in capitals", (body) => body.replaceAll("content-type", "CONTENT-TYPE")],
];
for (const [rule, change] of frames) {
  Deno.test(`a frame may have ${rule}`, async () => {
    assertEquals(await stored([bytes(change(UPLOAD))]), MEDIA);
  });
}

for (
  const type of [
    'multipart/related; boundary="frame"',
    "multipart/related; boundary='frame'",
    "Multipart/Related; type=application/json; Boundary=frame",
    "multipart/related;boundary=frame; charset=UTF-8",
  ]
) {
  Deno.test(`a boundary is found in: ${type}`, async () => {
    const context = setup();
    const response = await ask(context, "?uploadType=multipart", {
      headers: { "content-type": type },
      body: UPLOAD,
      grant: OPEN,
    });
    await response.body?.cancel();
    assertEquals([response.status, context.gcs.objects.length], [200, 1]);
  });
}

Deno.test("a body of carriage returns does not ask the runtime for each of them", async () => {
  const body = inPieces(bytes(multipart({ name: "a" }, "\r".repeat(1_000_000)).body), 65_536);
  const init = { method: "POST", headers: HEADERS, body, duplex: "half" } as RequestInit;
  const { media } = await readMultipart(new Request("https://x.example", init), 65_536);
  const { indexOf } = Uint8Array.prototype;
  let searches = 0;
  Uint8Array.prototype.indexOf = function (...args) {
    searches++;
    return indexOf.apply(this, args);
  };
  try {
    assertEquals((await new Response(media).arrayBuffer()).byteLength, 1_000_000);
  } finally {
    Uint8Array.prototype.indexOf = indexOf;
  }
  assertLess(searches, 1000, "searches");
});

Deno.test("blanks after the closing delimiter are read no further than anybody needs", async () => {
  const { headers, body } = multipart({ name: "a" }, "media");
  const blanks = bytes(" \r\n\t".repeat(64));
  let pieces = 0;
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(bytes(body)),
    pull(controller) {
      if (++pieces > 1000) controller.close();
      else controller.enqueue(blanks);
    },
  }, { highWaterMark: 0 });
  const context = setup();
  const response = await ask(context, "?uploadType=multipart", { headers, body: stream });
  assertEquals([await outcome(response), context.gcs.objects.length], ["400 invalid", 0]);
  assertLess(pieces, 20);
});
