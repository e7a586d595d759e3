// Simple and multipart uploads to the emulator: what is stored, and what is refused.

import { assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, stream, UPLOAD } from "./helpers.ts";

function media(gcs: GcsEmulator, query: string, init: RequestInit): Promise<Response> {
  return gcs.fetch(`${UPLOAD}?uploadType=media&${query}`, { method: "POST", ...init });
}

Deno.test("a simple upload stores the body with its content type", async () => {
  const gcs = new GcsEmulator();
  const headers = { "content-type": "image/png" };
  const response = await media(gcs, "name=n", { body: "123456789", headers });
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "application/json; charset=UTF-8");
  const object = await response.json();
  assertEquals([object.contentType, object.size, object.crc32c], ["image/png", "9", "4waSgw=="]);
  assertEquals(response.headers.get("etag"), object.etag);
});

Deno.test("a simple upload without a content type is application/octet-stream", async () => {
  const gcs = new GcsEmulator();
  await media(gcs, "name=n", { body: data(3) });
  assertEquals(gcs.get("bucket", "n")?.contentType, "application/octet-stream");
});

Deno.test("a simple upload needs a name in its query", async () => {
  const response = await media(new GcsEmulator(), "", { body: "x" });
  const { error } = await response.json();
  assertEquals([response.status, error.errors[0].reason], [400, "required"]);
});

Deno.test("contentEncoding in the query describes the object", async () => {
  const gcs = new GcsEmulator();
  await media(gcs, "name=n&contentEncoding=gzip", { body: "x" });
  assertEquals(gcs.get("bucket", "n")?.resource.contentEncoding, "gzip");
});

Deno.test("a simple upload whose body fails stores nothing", async () => {
  const gcs = new GcsEmulator();
  const body = stream([data(1000)], new Error("cut"));
  const init = { body, duplex: "half" } as RequestInit;
  assertEquals(await media(gcs, "name=n", init).catch((error) => error.name), "TypeError");
  assertEquals(gcs.objects, []);
});

Deno.test("uploadType must be known", async () => {
  const gcs = new GcsEmulator();
  for (const [query, reason] of [["?name=n", "required"], ["?uploadType=x&name=n", "invalid"]]) {
    const response = await gcs.fetch(UPLOAD + query, { method: "POST", body: "x" });
    assertEquals([response.status, (await response.json()).error.errors[0].reason], [400, reason]);
  }
});

Deno.test("an upload to the URL of the JSON API is told where to go", async () => {
  const url = UPLOAD.replace("/upload", "");
  const response = await new GcsEmulator().fetch(`${url}?uploadType=media&name=n`, {
    method: "POST",
    body: "x",
  });
  assertEquals([response.status, (await response.json()).error.errors[0].reason], [
    400,
    "wrongUrlForUpload",
  ]);
});

/** A multipart body with CRLF for each line end. */
function lines(...text: string[]): string {
  return text.join("\r\n");
}

async function multipart(
  gcs: GcsEmulator,
  body: BodyInit,
  contentType = "multipart/related; boundary=B",
  query = "",
): Promise<Response> {
  return await gcs.fetch(`${UPLOAD}?uploadType=multipart${query}`, {
    method: "POST",
    body,
    headers: { "content-type": contentType },
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  });
}

const JSON_PART = [
  "--B",
  "content-type: application/json; charset=UTF-8",
  "",
  '{"name":"n","metadata":{"a":"b"}}',
];
const MEDIA_PART = ["--B", "content-type: text/plain", "", "123456789"];
const WHOLE = lines(...JSON_PART, ...MEDIA_PART, "--B--");

for (
  const [rule, body, contentType] of [
    ["no line end at the end", WHOLE],
    ["a line end at the end", WHOLE + "\r\n"],
    ["an epilogue", WHOLE + "\r\nsome\r\nmore"],
    ["a preamble", "hello\r\n" + WHOLE],
    ["spaces after a delimiter", WHOLE.replaceAll("--B\r\n", "--B \t\r\n")],
    ["header names in any case", WHOLE.replaceAll("content-type", "CONTENT-Type")],
    ["a quoted boundary", WHOLE, 'multipart/related; boundary="B"'],
    ["a boundary in single quotes", WHOLE, "multipart/related; boundary='B'"],
    ["parameters around the boundary", WHOLE, "Multipart/Related; x=y; Boundary=B; type=z"],
    [
      "a boundary with odd characters",
      WHOLE.replaceAll("--B", "--=='a b"),
      `multipart/related; boundary="=='a b"`,
    ],
    ["a third part", WHOLE.replace("--B--", lines(...MEDIA_PART, "--B--"))],
  ]
) {
  Deno.test(`a multipart upload may have ${rule}`, async () => {
    for (const store of ["keep", "discard"] as const) {
      const gcs = new GcsEmulator({ store });
      const response = await multipart(gcs, body, contentType);
      assertEquals(response.status, 200);
      const { name, size, crc32c, metadata } = await response.json();
      assertEquals([name, size, crc32c, metadata], ["n", "9", "4waSgw==", { a: "b" }]);
      assertEquals(gcs.get("bucket", "n")?.contentType, "text/plain");
    }
  });
}

Deno.test("a multipart body can come in pieces of any size", async () => {
  const body = new TextEncoder().encode("preamble\r\n" + WHOLE + "\r\n");
  for (let size = 1; size < 40; size++) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < body.length; at += size) pieces.push(body.subarray(at, at + size));
    const gcs = new GcsEmulator();
    assertEquals((await multipart(gcs, stream(pieces))).status, 200);
    assertEquals(new TextDecoder().decode(gcs.get("bucket", "n")?.bytes), "123456789");
  }
});

for (
  const content of [
    "",
    "\r\n",
    "\r\n\r\n",
    "--B",
    "\r\n--A\r\n",
    "a\r\n--",
    "--B--\r\n",
    "\r\r\n-\r\n-",
  ]
) {
  Deno.test(`multipart content ${JSON.stringify(content)} is stored as it is`, async () => {
    const gcs = new GcsEmulator();
    const body = lines(...JSON_PART, "--B", "content-type: text/plain", "", content, "--B--");
    assertEquals((await multipart(gcs, body)).status, 200);
    assertEquals(new TextDecoder().decode(gcs.get("bucket", "n")?.bytes), content);
  });
}

for (
  const [metadata, mediaType, expected] of [
    ['{"contentType":"image/png"}', "content-type: text/css", "image/png"],
    ["{}", "content-type: text/css", "text/css"],
    ["{}", "x-nothing: 1", "application/octet-stream"],
    ["", "content-type: text/css", "text/css"],
  ]
) {
  Deno.test(`multipart metadata ${metadata} with "${mediaType}" is ${expected}`, async () => {
    const gcs = new GcsEmulator();
    const body = lines("--B", "", metadata, "--B", mediaType, "", "x", "--B--");
    assertEquals((await multipart(gcs, body, undefined, "&name=n")).status, 200);
    assertEquals(gcs.get("bucket", "n")?.contentType, expected);
  });
}

function withMetadata(json: string): string {
  return WHOLE.replace(JSON_PART[3], json);
}

for (
  const [rule, body, reason, message] of [
    [
      "an MD5 that differs",
      withMetadata('{"name":"n","md5Hash":"AAAAAAAAAAAAAAAAAAAAAA=="}'),
      "invalid",
      'Provided MD5 hash "AAAAAAAAAAAAAAAAAAAAAA==" doesn\'t match calculated MD5 hash ' +
      '"JfnnlDI7RTiF9RgfG2JNCw==".',
    ],
    [
      "a CRC32C that differs",
      withMetadata('{"name":"n","crc32c":"AAAAAA=="}'),
      "invalid",
      'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "4waSgw==".',
    ],
    [
      "an MD5 that is none",
      withMetadata('{"name":"n","md5Hash":"!not-base64!"}'),
      "invalid",
      "Provided value (!not-base64!) is not a base64-encoded 128-bit MD5 hash.",
    ],
    [
      "a CRC32C that is none",
      withMetadata('{"name":"n","crc32c":"zzz"}'),
      "invalid",
      "Invalid argument.",
    ],
    [
      "only one part",
      lines(...JSON_PART, "--B--"),
      "invalidPayloadSize",
      "Payload size invalid. Expected 2-3 payloads. Actual size: 1",
    ],
    [
      "a media part without an end",
      lines(...JSON_PART, ...MEDIA_PART),
      "invalidPayloadSize",
      "Payload size invalid. Expected 2-3 payloads. Actual size: 1",
    ],
    [
      "a delimiter that is cut off",
      WHOLE.slice(0, -1),
      "invalidPayloadSize",
      "Payload size invalid. Expected 2-3 payloads. Actual size: 1",
    ],
    [
      "four parts",
      WHOLE.replace("--B--", lines(...MEDIA_PART, ...MEDIA_PART, "--B--")),
      "invalidPayloadSize",
      "Payload size invalid. Expected 2-3 payloads. Actual size: 4",
    ],
    [
      "another boundary",
      WHOLE.replaceAll("--B", "--C"),
      "invalidPayloadSize",
      "Payload size invalid. Expected 2-3 payloads. Actual size: 0",
    ],
    [
      "a part header without a colon",
      lines("--B", "nonsense", "", "{}", ...MEDIA_PART, "--B--"),
      "invalidPayloadSize",
      "Payload size invalid. Expected 2-3 payloads. Actual size: 0",
    ],
    [
      "a part header without an end",
      lines(...JSON_PART, "--B", `x: ${"y".repeat(10_000)}`),
      "invalidPayloadSize",
      "Payload size invalid. Expected 2-3 payloads. Actual size: 1",
    ],
    ["no name", withMetadata("{}"), "required", "Required parameter: name"],
  ]
) {
  Deno.test(`a multipart upload with ${rule} is refused, and nothing is stored`, async () => {
    const gcs = new GcsEmulator();
    const response = await multipart(gcs, body);
    assertEquals(response.status, 400);
    assertEquals(response.headers.get("content-type"), "application/json; charset=UTF-8");
    const { error } = await response.json();
    assertEquals([error.message, error.errors[0].reason], [message, reason]);
    assertEquals(gcs.objects, []);
  });
}

Deno.test("multipart metadata that is not JSON is refused in JSON that claims to be HTML", async () => {
  const response = await multipart(new GcsEmulator(), withMetadata('{"name"'));
  assertEquals(response.status, 400);
  assertEquals(response.headers.get("content-type"), "text/html; charset=UTF-8");
  const text = await response.text();
  const { error } = JSON.parse(text);
  assertEquals(text, JSON.stringify(JSON.parse(text)));
  assertEquals(Object.keys(error), ["code", "message", "errors"]);
  assertEquals(error.errors[0].reason, "invalid");
  assertEquals(
    error.message.split("\n")[0],
    "Parse Error: Unexpected end of string. Expected : between key:value pair.",
  );
});

for (
  const type of [
    "text/plain",
    "multipart/related",
    "multipart/related; boundary=",
    "multipart/mixed; boundary=B",
  ]
) {
  Deno.test(`a multipart upload as "${type}" is refused`, async () => {
    assertEquals((await multipart(new GcsEmulator(), WHOLE, type)).status, 400);
  });
}
