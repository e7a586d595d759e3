// What pages of other origins may send to the emulator and read of its replies.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { put, start, UPLOAD } from "./helpers.ts";

const APP = "https://app.example";
const URL_ = `${UPLOAD}?uploadType=resumable&name=n`;

function preflight(gcs: GcsEmulator, url: string, origin: string): Promise<Response> {
  return gcs.fetch(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "PUT",
      "access-control-request-headers": "content-range,x-goog-hash",
    },
  });
}

Deno.test("a preflight allows the methods of the protocol and the headers it asks for", async () => {
  const response = await preflight(new GcsEmulator(), URL_, APP);
  assertEquals(response.status, 200);
  const { headers } = response;
  assertEquals(headers.get("access-control-allow-origin"), APP);
  assertEquals(headers.get("access-control-allow-methods"), "GET, HEAD, PUT, PATCH, POST, DELETE");
  assertEquals(headers.get("access-control-allow-headers"), "content-range,x-goog-hash");
  assertEquals(headers.get("access-control-max-age"), "3600");
});

Deno.test("a browser can read what a client of the protocol needs", async () => {
  const gcs = new GcsEmulator();
  const response = await put(gcs, await start(gcs), "bytes */*", undefined, { origin: APP });
  const exposed = response.headers.get("access-control-expose-headers")!.toLowerCase().split(", ");
  for (
    const name of [
      "location",
      "range",
      "etag",
      "retry-after",
      "x-goog-hash",
      "x-goog-running-hash",
      "x-guploader-uploadid",
      "x-http-status-code-override",
      "x-range-md5",
      "x-goog-stored-content-length",
    ]
  ) {
    assertEquals(exposed.includes(name), true, name);
  }
});

Deno.test("without an Origin there are no CORS headers", async () => {
  const gcs = new GcsEmulator();
  const response = await put(gcs, await start(gcs), "bytes */*");
  const names = [...response.headers.keys()];
  assertEquals(names.filter((name) => name.startsWith("access-control-")), []);
});

Deno.test("only the origins of the settings are allowed, with their headers and age", async () => {
  const gcs = new GcsEmulator({
    cors: { origins: [APP], responseHeaders: ["Content-Range", "Location"], maxAge: 5 },
  });
  const allowed = (await preflight(gcs, URL_, APP)).headers;
  assertEquals(allowed.get("access-control-allow-origin"), APP);
  assertEquals(allowed.get("access-control-allow-headers"), "Content-Range, Location");
  assertEquals(allowed.get("access-control-expose-headers"), "Content-Range, Location");
  assertEquals(allowed.get("access-control-max-age"), "5");
  const refused = [...(await preflight(gcs, URL_, "https://evil.example")).headers.keys()];
  assertEquals(refused.filter((name) => name.startsWith("access-control-")), []);
});

Deno.test("* in the settings allows any origin", async () => {
  const gcs = new GcsEmulator({ cors: { origins: ["*"] } });
  const { headers } = await preflight(gcs, URL_, APP);
  assertEquals(headers.get("access-control-allow-origin"), APP);
});

Deno.test("with CORS settings a session answers only the origin that started it", async () => {
  const gcs = new GcsEmulator({ cors: { origins: ["*"] } });
  const session = await start(gcs, "name=n", { headers: { origin: APP } });
  const silent = await start(gcs, "name=n");
  for (
    const [url, origin, expected] of [
      [session, APP, APP],
      [session, "https://evil.example", null],
      [silent, APP, null],
    ] as const
  ) {
    const response = await put(gcs, url, "bytes */*", undefined, { origin });
    assertEquals(response.status, 308);
    assertEquals(response.headers.get("access-control-allow-origin"), expected);
    const before = await preflight(gcs, url, origin);
    assertEquals(before.headers.get("access-control-allow-origin"), expected);
  }
});

Deno.test("an injected reply can be read by a browser", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ status: 503 });
  const response = await gcs.fetch(URL_, { method: "POST", headers: { origin: APP } });
  assertEquals(response.headers.get("access-control-allow-origin"), APP);
  assertStringIncludes(response.headers.get("access-control-expose-headers")!, "Retry-After");
});
