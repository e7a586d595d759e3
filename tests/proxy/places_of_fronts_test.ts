// What every front has to hold to at every backend: the limits that it announces, the sizes that clients declare, what a
// page may send, and words of a client that a backend has no place for.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Backend, StartEvent } from "../../src/worker.ts";
import { ask, bearer, multipart, ORIGIN, outcome, setup, UPLOAD } from "./support.ts";
import { send } from "./resumable_http_support.ts";
import { metadata, patch, tus } from "./tus_support.ts";
import { begin, begun, command, G, GEMINI, geminiSetup, sample, stands } from "./x_goog_support.ts";

const GRANT = { backend: "gemini", prefix: "" };
const options = (url: string) => ({ method: "OPTIONS", to: url, grant: null });

Deno.test("OPTIONS says the limits of the place that is asked about, and not those of another", async () => {
  const context = geminiSetup({ maxChunkBytes: G + 5, sessionTtl: 60 });
  const gemini = await ask(context, GEMINI, options(GEMINI));
  assertEquals(
    gemini.headers.get("upload-limit"),
    `max-size=2147483648, max-append-size=${G}, min-append-size=${G}, max-age=60`,
  );
  assertEquals(gemini.headers.get("tus-max-size"), "2147483648");
  const storage = await ask(context, UPLOAD, options(UPLOAD));
  assertMatch(storage.headers.get("upload-limit")!, /min-append-size=262144/);
  assertEquals(storage.headers.get("tus-max-size"), "5497558138880");
});

Deno.test("a creation that is too large, or brings too little, is told the limits of its place", async () => {
  const context = geminiSetup({ maxChunkBytes: G });
  const authorization = await bearer(GRANT);
  const headers = { authorization, "content-disposition": "inline; filename=a" };
  for (
    const [isComplete, more, status] of [
      [false, { "upload-length": "2147483649" }, 413],
      [true, { "content-length": String(G + 1) }, 413],
      [false, { "content-length": "262144" }, 400],
    ] as const
  ) {
    const body = "content-length" in more ? sample(262_144) : undefined;
    const reply = await send(context, "POST", GEMINI, isComplete, {
      headers: { ...headers, ...more },
      body,
    });
    assertEquals(reply.status, status);
    assertMatch(
      reply.headers.get("upload-limit")!,
      new RegExp(`max-size=2147483648.*min-append-size=${G}`),
    );
  }
});

Deno.test("a page may ask for the limits, and send what its clients send when they are set up for more", async () => {
  const context = setup({ allowedOrigins: ["https://app.example"] });
  const headers = { origin: "https://app.example" };
  const reply = await ask(context, UPLOAD, { ...options(UPLOAD), headers });
  const list = (name: string) => reply.headers.get(name)!.split(", ");
  assert(list("access-control-allow-methods").includes("OPTIONS"));
  // A timeout of @google/genai and its project; a checksum of tus, which is refused in words; digests that are asked for.
  for (
    const name of ["x-server-timeout", "x-goog-user-project", "upload-checksum", "want-repr-digest"]
  ) assert(list("access-control-allow-headers").includes(name), name);
  for (const name of ["accept-patch", "allow"]) {
    assert(list("access-control-expose-headers").includes(name), name);
  }
});

Deno.test("a size that the metadata declares is told to onStart, and holds for the bytes, whatever front brings them", async () => {
  const sizes: StartEvent["size"][] = [];
  const context = geminiSetup({ onStart: ({ size }) => void sizes.push(size) });
  const file = { file: { displayName: "a", sizeBytes: "5" } };
  const url = await begun(context, { to: GEMINI, metadata: file });
  assertEquals(sizes, [5]);
  const six = { offset: 0, body: sample(6) };
  assertEquals(await stands(await command(context, url, "upload, finalize", six)), "413 final");
  const four = { offset: 0, body: sample(4) };
  assertEquals(await stands(await command(context, url, "upload, finalize", four)), "400 active");
  const range = { "content-range": "bytes 0-5/6" };
  const body = sample(6);
  assertEquals((await ask(context, url, { method: "PUT", headers: range, body })).status, 400);
  assertEquals((await patch(context, url, 0, sample(6))).status, 413);
  assertEquals(context.gcs.uploads.length, 0);
  const whole = await tus(context, "HEAD", url);
  assertEquals(whole.headers.get("upload-length"), "5");
  assertEquals((await patch(context, url, 0, sample(5))).status, 204);
});

Deno.test("a size that the metadata declares holds for a file in one request", async () => {
  const context = geminiSetup();
  const authorization = await bearer(GRANT);
  for (const [media, status] of [["hell", 400], ["hello!", 413], ["hello", 200]] as const) {
    const { headers, body } = multipart({ file: { displayName: "a", sizeBytes: "5" } }, media);
    const reply = await context.proxy.fetch(
      new Request(GEMINI, {
        method: "POST",
        headers: { ...headers, authorization, "x-goog-upload-protocol": "multipart" },
        body,
      }),
    );
    assertEquals([media, reply.status], [media, status]);
  }
});

Deno.test("what a client says of its file beside name and type does not keep it from a place that has no use for it", async () => {
  const context = geminiSetup({ fields: ["metadata"] });
  const authorization = await bearer(GRANT);
  const said = metadata({ filename: "a.txt", filetype: "text/plain", crc32c: "AAAAAA==" });
  const created = await tus(context, "POST", GEMINI, {
    headers: { authorization, "upload-length": "5", "upload-metadata": said },
  });
  assertEquals(created.status, 201);
  const url = created.headers.get("location")!;
  assertEquals((await patch(context, url, 0, sample(5))).status, 204);
  assertEquals((await tus(context, "HEAD", url)).headers.get("upload-metadata"), said);
  for (const name of ["repr-digest", "content-digest"]) {
    const reply = await send(context, "POST", GEMINI, true, {
      headers: {
        authorization,
        "content-disposition": "inline; filename=b",
        [name]: "crc32c=:AAAAAA==:",
      },
      body: sample(5),
    });
    assertEquals([name, reply.status], [name, 200]);
  }
});

/** A backend whose sessions have that granularity. */
function place(granularity: number, ofSession?: number): Backend {
  const ended = () => Promise.resolve({ kind: "cancelled" } as const);
  return {
    name: "place",
    granularity,
    maxBytes: 2 ** 40,
    locate: (path) => path === "/place" ? {} : undefined,
    describe: () => ({}),
    start: () =>
      Promise.resolve({
        target: "t",
        ...(ofSession !== undefined && { granularity: ofSession }),
      }),
    append: ended,
    ask: () => Promise.resolve({ kind: "stored", persisted: 0 }),
    cancel: ended,
  };
}
const PLACE = `${ORIGIN}/place`;
const atPlace = { authorize: () => ({ backend: "place", prefix: "" }) };

for (const granularity of [0, -1, 1.5, NaN, 104_857_601]) {
  Deno.test(`a session that goes on in multiples of ${granularity} bytes is none: nothing but its end could pass`, async () => {
    const context = setup({ ...atPlace, backends: [place(4, granularity)] });
    const reply = await begin(context, { to: PLACE, query: "?name=a" });
    assertEquals(await outcome(reply), "502 badGateway");
  });
}

Deno.test("bytes without a length that could never be collected are refused with a 411, and not with a 503 for ever", async () => {
  const context = setup({ ...atPlace, backends: [place(32 * 1024 * 1024)] });
  const url = await begun(context, { to: PLACE, query: "?name=a" });
  const body = new Blob([sample(10)]).stream();
  assertEquals(await outcome(await patch(context, url, 0, body)), "411 lengthRequired");
  const asked = { offset: 0, body: sample(10), isChunked: true };
  assertEquals((await command(context, url, "upload", asked)).status, 411);
});
