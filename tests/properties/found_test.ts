// What random cases have found, each as small as it gets.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ResumableUpload, UploadError } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { readMultipart } from "../../src/proxy/multipart_media.ts";
import { createUploadProxy } from "../../src/proxy/proxy.ts";
import { sessionSealer } from "../../src/proxy/session_token.ts";
import { proxyOptions, SettingError } from "../../src/worker.ts";
import { base64url, decodeProtectedHeader, EncryptJWT } from "jose";
import { defaultStream, pieces } from "../support/bytes.ts";
import { scripted, SESSION_URL, started } from "../support/scripted.ts";
import { startAt } from "./support/scenario.ts";

const SEAL = "nzwatX4iCNTGYQ-bg-pdF_BLLOiReja9UMTijx1jqXs";
const GOOGLE = "https://storage.googleapis.com";
const ask = { method: "PUT", headers: { "content-range": "bytes */*" } };

async function sessionAt(gcs: GcsEmulator): Promise<string> {
  const reply = await gcs.fetch(`${startAt(GOOGLE)}&name=a`, { method: "POST" });
  return reply.headers.get("location")!;
}

Deno.test("the session of a finished object may expire as often as it likes: the object stays", async () => {
  let now = Date.UTC(2026, 0, 1);
  const gcs = new GcsEmulator({ now: () => now });
  const session = await sessionAt(gcs);
  await gcs.fetch(session, { method: "PUT", body: "hello" });
  now += 8 * 24 * 3_600_000;
  for (let i = 0; i < 3; i++) await gcs.fetch(session, ask);
  assertEquals(new TextDecoder().decode(gcs.get("my-bucket", "a")?.bytes), "hello");
});

for (
  const [rule, status, body] of [
    [
      "an error whose reason",
      403,
      '{"error":{"message":"x","errors":[{"reason":{"toString":1}}]}}',
    ],
    ["an object whose size", 200, '{"size":{"toString":1},"crc32c":"AAAAAQ=="}'],
    ["an object whose crc32c", 200, '{"size":"5","crc32c":{"toString":1}}'],
  ] as const
) {
  Deno.test(`${rule} is no text is answered with a typed error, and then the server is asked`, async () => {
    const { transport } = scripted(started(), new Response(body, { status }));
    const upload = new ResumableUpload(startAt(GOOGLE), 262144, { retry: null });
    await upload.initiate(transport, "hello", { name: "a" }, "text/plain");
    await assertRejects(() => upload.transmitNextChunk(transport), UploadError);
    assertEquals(upload.invalid, true);
  });
}

Deno.test("a session token whose content is of another version is unknown: 404", async () => {
  const sample = await sessionSealer([SEAL]).seal({
    target: "/",
    bucket: "my-bucket",
    maxBytes: 1,
    size: undefined,
    expires: 4e9,
  });
  const header = decodeProtectedHeader(sample);
  const token = await new EncryptJWT({ v: 2, b: "my-bucket", m: 100, exp: 4e9 })
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: String(header.kid) })
    .encrypt(base64url.decode(SEAL));
  const proxy = createUploadProxy({
    transport: () => Promise.reject(new Error("not asked for")),
    fetch: () => Promise.reject(new Error("not asked for")),
    sessionSecrets: [SEAL],
    authorize: () => ({ prefix: "" }),
  });
  const url = `https://proxy.example/upload/storage/v1/b/my-bucket/o?upload_id=${token}`;
  assertEquals((await proxy.fetch(new Request(url, ask))).status, 404);
});

for (const endpoint of ["ttps://x.example", "https://*"]) {
  Deno.test(`a GCS_ENDPOINT of ${endpoint} is a SettingError that names it`, () => {
    const settings = { GOOGLE_AUTH: "metadata", SESSION_SECRET: SEAL, ALLOW_ANONYMOUS: "true" };
    const error = assertThrows(
      () => proxyOptions({ ...settings, GCS_BUCKET: "my-bucket", GCS_ENDPOINT: endpoint }),
      SettingError,
    );
    assertEquals(error.setting, "GCS_ENDPOINT");
  });
}

for (const wrong of [{ contentType: "" }, { chunkSize: 5 }]) {
  const [field] = Object.keys(wrong);
  Deno.test(`a stored checkpoint with a wrong ${field} is an invalid_checkpoint`, () => {
    const checkpoint = {
      version: 1,
      uploadUrl: startAt(GOOGLE),
      sessionUrl: SESSION_URL,
      chunkSize: 262144,
      persisted: 0,
      contentType: "text/plain",
      checksum: "auto",
      ...wrong,
    } as const;
    const error = assertThrows(() => ResumableUpload.resume(checkpoint, "hello"), UploadError);
    assertEquals(error.code, "invalid_checkpoint");
  });
}

Deno.test("a rate limit on a session is passed on as something that may pass", async () => {
  const gcs = new GcsEmulator();
  const body = '{"error":{"code":403,"message":"x","errors":[{"reason":"rateLimitExceeded"}]}}';
  gcs.inject({ on: "status", status: 403, body });
  const proxy = createUploadProxy({
    transport: gcs.fetch,
    fetch: gcs.fetch,
    bucket: "my-bucket",
    sessionSecrets: [SEAL],
    authorize: () => ({ prefix: "" }),
  });
  const start = `${startAt("https://proxy.example")}&name=a`;
  const opened = await proxy.fetch(new Request(start, { method: "POST" }));
  const reply = await proxy.fetch(new Request(opened.headers.get("location")!, ask));
  const said = await reply.text();
  const mayPass = [429, 503].includes(reply.status) || /ratelimitexceeded/i.test(said);
  assert(mayPass, `${reply.status} ${said}`);
});

for (
  const [what, epilogue] of [["a BOM", "\ufeff"], ["100 blanks and a word", `${" ".repeat(100)}x`]]
) {
  Deno.test(`a multipart body that ends with ${what} means the same whole and in pieces`, async () => {
    const text = `--frame\r\n\r\n{}\r\n--frame\r\n\r\nhello\r\n--frame--${epilogue}`;
    const outcomes = await Promise.all([text.length * 3, 1].map(async (size) => {
      const body = defaultStream(pieces(new TextEncoder().encode(text), size));
      const headers = { "content-type": "multipart/related; boundary=frame" };
      const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
      const { media } = await readMultipart(new Request("https://x.example", init), 100);
      return await new Response(media).text().catch(() => "refused");
    }));
    assertEquals(outcomes[1], outcomes[0]);
  });
}
