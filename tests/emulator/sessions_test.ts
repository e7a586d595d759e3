// The emulator's sessions: how they start, what their URLs are, and how they end.

import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, detail, ORIGIN, put, standing, start, stream, U, UPLOAD } from "./helpers.ts";

const WEEK = 7 * 24 * 60 * 60 * 1000;

Deno.test("the start of a session echoes its query in Location and says nothing else", async () => {
  const gcs = new GcsEmulator();
  const query = "uploadType=resumable&name=a%2Fb.bin&ifGenerationMatch=0";
  const response = await gcs.fetch(`${UPLOAD}?${query}`, {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json; charset=UTF-8" },
  });
  assertEquals(response.status, 200);
  assertEquals(await response.text(), "");
  const id = response.headers.get("x-guploader-uploadid")!;
  assertEquals(Object.fromEntries(response.headers), {
    "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
    "content-length": "0",
    "content-type": "text/plain; charset=utf-8",
    "expires": "Mon, 01 Jan 1990 00:00:00 GMT",
    "location": `${UPLOAD}?${query}&upload_id=${id}`,
    "pragma": "no-cache",
    "server": "UploadServer",
    "vary": "Origin, X-Origin",
    "x-guploader-uploadid": id,
  });
});

Deno.test("Location and links are on the origin of the request, or on the configured one", async () => {
  for (
    const [origin, expected] of [[undefined, "http://127.0.0.1:9"], [
      "https://x.test/",
      "https://x.test",
    ]]
  ) {
    const gcs = new GcsEmulator({ origin });
    const started = await gcs.fetch(
      "http://127.0.0.1:9/upload/storage/v1/b/bucket/o?uploadType=resumable&name=n",
      { method: "POST" },
    );
    const location = started.headers.get("location")!;
    assertEquals(new URL(location).origin, expected);
    const object = await (await put(gcs, location, "bytes */0")).json();
    assertEquals(object.selfLink, `${expected}/storage/v1/b/bucket/o/n`);
    assertEquals(new URL(object.mediaLink).origin, expected);
  }
});

Deno.test("both paths of the upload service start sessions", async () => {
  const gcs = new GcsEmulator();
  const url = `${ORIGIN}/resumable/upload/storage/v1/b/bucket/o?uploadType=resumable&name=n`;
  assertEquals((await gcs.fetch(url, { method: "POST" })).status, 200);
});

Deno.test("two sessions have different ids", async () => {
  const gcs = new GcsEmulator();
  assertNotEquals(await start(gcs), await start(gcs));
});

for (
  const [rule, query, init, expected] of [
    ["a name is required", "", {}, { code: 400, reason: "required" }],
    ["an empty name is none", "name=", {}, { code: 400, reason: "required" }],
    [
      "a name in the query and another in the body disagree",
      "name=a",
      { body: '{"name":"b"}' },
      {
        code: 400,
        reason: "invalid",
        message: "Value 'b' in content does not agree with value 'a'.",
      },
    ],
    [
      "another bucket in the body disagrees",
      "name=a",
      { body: '{"bucket":"other"}' },
      {
        code: 400,
        message: "Value 'other' in content does not agree with value 'bucket'.",
      },
    ],
    ["metadata must be JSON", "name=a", { body: '{"name"' }, { code: 400, reason: "parseError" }],
    ["metadata must be an object", "name=a", { body: "[]" }, { code: 400, reason: "parseError" }],
    [
      "metadata has at most 2 MiB",
      "name=a",
      { body: JSON.stringify({ metadata: { a: "x".repeat(2_097_152) } }) },
      { code: 400, reason: "invalid" },
    ],
    [
      "custom metadata must be strings",
      "name=a",
      { body: '{"metadata":{"a":1}}' },
      { code: 400, reason: "invalid" },
    ],
    [
      "a declared MD5 must be one",
      "name=a",
      { body: '{"md5Hash":"!not-base64!"}' },
      {
        code: 400,
        reason: "invalid",
        message: "Provided value (!not-base64!) is not a base64-encoded 128-bit MD5 hash.",
      },
    ],
    [
      "a declared CRC32C must be one",
      "name=a",
      { body: '{"crc32c":"AAAA"}' },
      { code: 400, reason: "invalid", message: "Invalid argument." },
    ],
    [
      "a precondition must be a number",
      "name=a&ifGenerationMatch=x",
      {},
      { code: 400, reason: "invalidParameter", location: "ifGenerationMatch" },
    ],
    [
      "projection is one of two",
      "name=a&projection=all",
      {},
      { code: 400, reason: "invalidParameter" },
    ],
    [
      "predefinedAcl is one of six",
      "name=a&predefinedAcl=everybody",
      {},
      { code: 400, reason: "invalidParameter" },
    ],
    [
      "fields must be a selection",
      "name=a&fields=a(b",
      {},
      { code: 400, reason: "invalidParameter", message: "Invalid field selection a(b" },
    ],
    [
      "an announced size must be a number",
      "name=a",
      { headers: { "x-upload-content-length": "many" } },
      { code: 400, reason: "invalid" },
    ],
    [
      "an object has at most 5 TiB",
      "name=a",
      { headers: { "x-upload-content-length": "5497558138881" } },
      { code: 413, reason: "uploadTooLarge" },
    ],
    ["a name is text", "", { body: '{"name":1}' }, { code: 400, reason: "invalid" }],
    ["a name is valid UTF-8", "", { body: '{"name":"\\ud800"}' }, { code: 400, reason: "invalid" }],
    [
      "a name is not for certificates",
      "name=.well-known%2Facme-challenge%2Fx",
      {},
      { code: 400, reason: "invalid" },
    ],
    ["contentType is text", "name=a", { body: '{"contentType":1}' }, { code: 400 }],
    ["a hold is true or false", "name=a", { body: '{"temporaryHold":"no"}' }, { code: 400 }],
    ["custom metadata is an object", "name=a", { body: '{"metadata":["b"]}' }, { code: 400 }],
    ["a declared checksum is text", "name=a", { body: '{"crc32c":1}' }, { code: 400 }],
    [
      "a declared CRC32C has its form",
      "name=a",
      { body: '{"crc32c":"AAAA"}' },
      { code: 400, reason: "invalid" },
    ],
    [
      "a declared MD5 has its form",
      "name=a",
      { body: '{"md5Hash":"!"}' },
      { code: 400, reason: "invalid" },
    ],
    ["a name is not .", "name=.", {}, { code: 400, reason: "invalid" }],
    ["a name is not ..", "name=..", {}, { code: 400, reason: "invalid" }],
    ["a name has no line feed", "name=a%0Ab", {}, { code: 400, reason: "invalid" }],
    ["a name has no carriage return", "name=a%0Db", {}, { code: 400, reason: "invalid" }],
    [
      "a name has at most 1024 bytes",
      `name=${"%C3%A4".repeat(512)}a`,
      {},
      { code: 400, reason: "invalid" },
    ],
  ] as [string, string, RequestInit, Record<string, unknown>][]
) {
  Deno.test(`starting a session: ${rule}`, async () => {
    const gcs = new GcsEmulator();
    const response = await gcs.fetch(`${UPLOAD}?uploadType=resumable&${query}`, {
      method: "POST",
      ...init,
    });
    assertEquals(response.headers.get("content-type"), "application/json; charset=UTF-8");
    const { error } = await response.json();
    assertEquals(error.code, response.status);
    assertEquals(error.message, error.errors[0].message);
    const actual = { code: error.code, ...error.errors[0] };
    for (const [key, value] of Object.entries(expected)) assertEquals(actual[key], value);
    assertEquals(gcs.sessions, []);
  });
}

Deno.test("a name of exactly 1024 bytes is valid, in the query or in the body", async () => {
  const gcs = new GcsEmulator();
  const name = "ä".repeat(512);
  await start(gcs, `name=${encodeURIComponent(name)}`);
  await start(gcs, "", { body: JSON.stringify({ name }) });
  await start(gcs, `name=${encodeURIComponent(name)}`, { body: JSON.stringify({ name }) });
  assertEquals(gcs.sessions.map((session) => session.name), [name, name, name]);
});

Deno.test("null in the metadata stands for nothing", async () => {
  const gcs = new GcsEmulator();
  const body = '{"contentType":null,"metadata":{"a":null,"b":"1"},"eventBasedHold":true}';
  await put(gcs, await start(gcs, "name=n", { body }), null, "x");
  const { contentType, metadata, eventBasedHold } = gcs.get("bucket", "n")!.resource;
  assertEquals(
    [contentType, metadata, eventBasedHold],
    ["application/octet-stream", { b: "1" }, true],
  );
});

Deno.test("a bucket that does not exist is a 404, and a name that no bucket has a 400", async () => {
  const gcs = new GcsEmulator({ buckets: ["bucket"] });
  await start(gcs);
  for (const [bucket, code, reason] of [["other", 404, "notFound"], ["-", 400, "invalid"]]) {
    const url = `${ORIGIN}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&name=n`;
    const error = await detail(await gcs.fetch(url, { method: "POST" }));
    assertEquals([error.code, error.reason], [code, reason]);
  }
});

Deno.test("a session is a secret that needs no token; all else asks authorize", async () => {
  const gcs = new GcsEmulator({
    authorize: (request) => request.headers.get("authorization") === "Bearer good",
  });
  const url = `${UPLOAD}?uploadType=resumable&name=n`;
  const none = await gcs.fetch(url, { method: "POST" });
  assertEquals(none.status, 401);
  assertEquals(await none.json(), {
    error: {
      code: 401,
      message: "Login Required",
      errors: [{
        message: "Login Required",
        domain: "global",
        reason: "required",
        locationType: "header",
        location: "Authorization",
      }],
    },
  });
  const headers = { authorization: "Bearer bad" };
  const bad = await detail(await gcs.fetch(url, { method: "POST", headers }));
  assertEquals([bad.code, bad.reason], [401, "authError"]);
  const session = await start(gcs, "name=n", { headers: { authorization: "Bearer good" } });
  assertEquals((await put(gcs, session, null, "abc")).status, 200);
  assertEquals((await gcs.fetch(`${ORIGIN}/storage/v1/b/bucket/o/n`)).status, 401);
  assertEquals((await gcs.fetch(`${ORIGIN}/bucket/n?X-Goog-Signature=00`)).status, 200);
});

Deno.test("a request from a socket without any length is a 411", async () => {
  const gcs = new GcsEmulator();
  const url = `${UPLOAD}?uploadType=resumable&name=n`;
  const wire = await gcs.fetch(url, { method: "POST", headers: { host: "x" } });
  assertEquals(wire.status, 411);
  assertStringIncludes(await wire.text(), "require a Content-length header");
  for (const headers of [{ host: "x", "content-length": "0" }, {}] as Record<string, string>[]) {
    assertEquals((await gcs.fetch(url, { method: "POST", headers })).status, 200);
  }
});

Deno.test("an unknown session is a 404", async () => {
  const gcs = new GcsEmulator();
  const url = `${UPLOAD}?uploadType=resumable&upload_id=nothing`;
  assertEquals((await put(gcs, url, "bytes */*")).status, 404);
  assertEquals((await gcs.fetch(url, { method: "DELETE" })).status, 404);
});

Deno.test("an expired session is a 410 within a week after its start, a 404 later", async () => {
  let time = 1_800_000_000_000;
  const gcs = new GcsEmulator({ now: () => time, sessionTtl: 1000 });
  const session = await start(gcs);
  time += 1000;
  assertEquals(await standing(gcs, session), "308 null");
  time += 1;
  assertEquals(await standing(gcs, session), "410 null");
  assertEquals((await gcs.fetch(session, { method: "DELETE" })).status, 410);
  time += WEEK;
  assertEquals(await standing(gcs, session), "404 null");
});

Deno.test("a session lives for a week", async () => {
  let time = 1_800_000_000_000;
  const gcs = new GcsEmulator({ now: () => time });
  const session = await start(gcs);
  time += WEEK;
  assertEquals(await standing(gcs, session), "308 null");
  time += 1;
  assertEquals(await standing(gcs, session), "404 null");
});

Deno.test("the object outlives its session", async () => {
  let time = 1_800_000_000_000;
  const gcs = new GcsEmulator({ now: () => time, sessionTtl: 1000 });
  const session = await start(gcs);
  await put(gcs, session, null, data(10));
  time += 1001;
  assertEquals(await standing(gcs, session), "410 null");
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, data(10));
});

Deno.test("DELETE of a session is a 499, as is everything on it afterwards", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
  for (
    const init of [
      { method: "DELETE" },
      { method: "DELETE" },
      { method: "PUT", headers: { "content-range": "bytes */*" } },
      { method: "PUT", headers: { "content-range": `bytes */${U}` } },
      { method: "PUT", body: "abc" },
    ]
  ) {
    const response = await gcs.fetch(session, init);
    assertEquals([response.status, await response.text()], [499, ""]);
  }
  assertEquals(gcs.objects, []);
});

Deno.test("DELETE of a poisoned session is a 499", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, "bytes 0-1/*", data(2));
  assertEquals((await gcs.fetch(session, { method: "DELETE" })).status, 499);
});

Deno.test("DELETE of a finished session leaves object and session as they are", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, null, data(10));
  assertEquals((await gcs.fetch(session, { method: "DELETE" })).status, 499);
  assertEquals(gcs.get("bucket", "a.bin")?.size, 10);
  assertEquals(await standing(gcs, session), "200 null");
});

Deno.test("a finished session answers everything with 200 and the object, ignoring bytes", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const first = await (await put(gcs, session, null, data(10))).json();
  for (
    const [range, body] of [
      ["bytes */*", undefined],
      ["bytes */10", undefined],
      ["bytes */99", undefined],
      ["bytes 0-9/10", data(10, 3)],
      ["bytes 5-9/10", stream([data(5, 3)])],
      [`bytes 100-1099/*`, data(1000, 3)],
      ["nonsense", data(3)],
      [null, data(20)],
    ] as [string | null, BodyInit | undefined][]
  ) {
    const response = await put(gcs, session, range, body);
    assertEquals(response.status, 200);
    assertEquals(await response.json(), first);
  }
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, data(10));
});

Deno.test("a session that finished keeps its answer when its object is gone", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, null, data(10));
  await gcs.fetch(`${ORIGIN}/storage/v1/b/bucket/o/a.bin`, { method: "DELETE" });
  assertEquals(await standing(gcs, session), "200 null");
});

Deno.test("sessions show where they stand", async () => {
  const gcs = new GcsEmulator({ now: () => 1_800_000_000_000 });
  const session = await start(gcs);
  await start(gcs, "name=b");
  await put(gcs, session, `bytes 0-${U + 4}/*`, data(U + 5));
  const common = { api: "storage", protocol: "content-range", started: 1_800_000_000_000 } as const;
  assertEquals(gcs.sessions, [
    { index: 0, bucket: "bucket", name: "a.bin", phase: "open", persisted: U, ...common },
    { index: 1, bucket: "bucket", name: "b", phase: "open", persisted: 0, ...common },
  ]);
  await put(gcs, session, `bytes ${U}-${U + 4}/${U + 5}`, data(5));
  assertEquals([gcs.sessions[0].phase, gcs.sessions[0].persisted], ["finished", U + 5]);
});
