// Bodies and requests as a whole: the proxy and the emulator answer whatever comes, with a status of their own.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ResumableUpload, UploadError } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { HttpError } from "../../src/proxy/http_error.ts";
import { readMultipart } from "../../src/proxy/multipart_media.ts";
import { createUploadProxy } from "../../src/proxy/proxy.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { defaultStream, pieces } from "../support/bytes.ts";
import { started } from "../support/scripted.ts";
import { hostileJson, mutated, mutatedHeader, mutatedObject } from "./support/mutated.ts";
import { property } from "./support/property.ts";
import { startAt } from "./support/scenario.ts";

const TYPE = "multipart/related; boundary=frame";
const media = (text: string) =>
  `--frame\r\ncontent-type: application/json\r\n\r\n{"name":"a"}\r\n` +
  `--frame\r\ncontent-type: text/plain\r\n\r\n${text}\r\n--frame--\r\n`;
const VALID = [
  media("hello"),
  media(""),
  media("\r\n--fram"),
  media("\r\n\r\n-frame\r"),
  `\r\n${media("x")}`,
];

/** The body in pieces of these sizes, as the proxy reads it. */
async function read(text: string, steps: number[]): Promise<string> {
  const body = defaultStream(pieces(new TextEncoder().encode(text), ...steps));
  const init = { method: "POST", headers: { "content-type": TYPE }, body, duplex: "half" };
  try {
    const parts = await readMultipart(new Request("https://x.example", init as RequestInit), 4096);
    const content = await new Response(parts.media).text();
    return JSON.stringify([parts.metadata, parts.contentType, content]);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return `${error.status}`;
  }
}

property(
  "a multipart body means the same in pieces of any size, or is refused with 400 or 413",
  600,
  fc.tuple(
    mutated(...VALID),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
  ),
  async ([text, steps]) => {
    const [whole, inPieces] = [await read(text, [1e6]), await read(text, steps)];
    assertEquals(inPieces, whole);
    assert(whole.startsWith("[") || whole === "400" || whole === "413", whole);
    const exact = VALID.indexOf(text);
    if (exact >= 0) assert(whole.startsWith("["));
  },
);

const requests = fc.record({
  type: fc.oneof(fc.constant(TYPE), mutatedHeader(TYPE, 'multipart/related; boundary="a b"')),
  text: mutated(...VALID),
  uploadType: fc.constantFrom("multipart", "media", "resumable", "x"),
  fields: fc.option(mutatedHeader("name,size", "a/b(c,d)", "*"), { nil: undefined }),
  metadata: fc.oneof(
    mutatedObject({
      name: "a",
      contentType: "text/plain",
      metadata: { a: "b" },
      crc32c: "AAAAAA==",
    }),
    hostileJson("name", "metadata"),
  ),
  range: fc.option(mutatedHeader("bytes 0-4/5", "bytes */5"), { nil: undefined }),
  hash: fc.option(mutatedHeader("crc32c=AAAAAA==", "md5=AAAA"), { nil: undefined }),
});

property(
  "whatever comes as a request, the proxy and the emulator answer it, never with a 500",
  600,
  requests,
  async ({ type, text, uploadType, fields, metadata, range, hash }) => {
    const gcs = new GcsEmulator({ md5: false });
    const proxy = createUploadProxy({
      transport: gcs.fetch,
      fetch: gcs.fetch,
      bucket: "my-bucket",
      sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"],
      authorize: () => ({ prefix: "" }),
    });
    const ends = [
      gcs.fetch,
      (url: string, init: RequestInit) => proxy.fetch(new Request(url, init)),
    ];
    for (const send of ends) {
      const query = new URLSearchParams({ uploadType, name: "a", ...(fields && { fields }) });
      const start = `https://proxy.example/upload/storage/v1/b/my-bucket/o?${query}`;
      const body = uploadType === "resumable" ? JSON.stringify(metadata) : text;
      const reply = await send(start, { method: "POST", headers: { "content-type": type }, body });
      assert(reply.status < 500, `status ${reply.status}: ${await reply.text()}`);
      const session = reply.headers.get("location");
      if (!session) continue;
      const headers = new Headers();
      if (range !== undefined) headers.set("content-range", range);
      if (hash !== undefined) headers.set("x-goog-hash", hash);
      const chunk = await send(session, { method: "PUT", headers, body: "hello" });
      const answered = chunk.status < 500 || chunk.headers.get("content-type")?.startsWith("text");
      assert(answered, `status ${chunk.status}: ${await chunk.text()}`);
    }
  },
);

property(
  "whatever Retry-After says, the wait is a number of milliseconds within the limits",
  800,
  mutatedHeader(
    "7",
    "120",
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "99999999999999999999999",
    "-5",
    "1.5",
  ),
  async (value) => {
    const clock = fakeClock(() => 0.5);
    const upload = new ResumableUpload(startAt("https://storage.googleapis.com"), 262144, {
      retry: { clock, maxAttempts: 3, maxElapsed: Infinity, maxDelay: 5000 },
    });
    let first = true;
    const transport = () => {
      const reply = first ? started() : new Response("", { status: 503 });
      if (!first) reply.headers.set("retry-after", value);
      first = false;
      return Promise.resolve(reply);
    };
    await upload.initiate(transport, "hello", { name: "a" }, "text/plain");
    try {
      await upload.transmitNextChunk(transport);
    } catch (error) {
      assert(error instanceof UploadError && error.code === "unavailable", String(error));
    }
    assertEquals(clock.sleeps.length, 2);
    for (const wait of clock.sleeps) assert(wait >= 500 && wait <= 5000, `waited ${wait}`);
  },
);
