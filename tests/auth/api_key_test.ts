// An API key goes in a header to the origins that it is for, and is never sent on with a redirect.

import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { apiKeyTransport, UploadError } from "../../src/auth/mod.ts";
import { assertNoSecret, failure, fakeFetch } from "./helpers.ts";

const KEY = "AIzaSySECRET";
const FILES = "https://generativelanguage.googleapis.com/upload/v1beta/files";
const START = { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start" };

/** The keys that were sent. */
const keysOf = (seen: readonly { headers: Headers }[]) =>
  seen.map(({ headers }) => headers.get("x-goog-api-key"));

Deno.test("the key goes into a header, and no redirect is followed with it", async () => {
  const { fetch, seen } = fakeFetch();
  await apiKeyTransport(` ${KEY}\n`, { fetch })(FILES, { method: "POST", headers: START });
  const [{ url, headers, init }] = seen;
  assertEquals([url, init.redirect], [FILES, "manual"]);
  assertEquals([...headers], [["x-goog-api-key", KEY], ...Object.entries(START).sort()].sort());
});

/** A URL, and whether it is sent the key: by default, or with some origins named. */
const WHERE: [url: string, sent: boolean, origins?: string[]][] = [
  [FILES, true],
  ["https://storage.googleapis.com/upload/storage/v1/b/a/o", false],
  ["https://www.googleapis.com/upload/drive/v3/files", false],
  ["http://generativelanguage.googleapis.com/upload/v1beta/files", false],
  ["https://generativelanguage.googleapis.com.example.com/", false],
  ["https://example.com/", false],
  ["http://127.0.0.1:8085/files", true, ["http://127.0.0.1:8085"]],
  [FILES, false, ["http://127.0.0.1:8085"]],
];

for (const [url, sent, origins] of WHERE) {
  Deno.test(`${url} is sent ${sent ? "the" : "no"} key, with origins ${origins}`, async () => {
    const { fetch, seen } = fakeFetch();
    await apiKeyTransport(KEY, { fetch, origins })(url, { method: "POST" });
    assertEquals(keysOf(seen), [sent ? KEY : null]);
  });
}

const ALLOWED: [what: string, url: string, headers: Record<string, string>][] = [
  ["bytes of a session", FILES, { "x-goog-upload-command": "upload, finalize" }],
  ["a session that is asked", FILES, { "x-goog-upload-command": "query" }],
  ["bytes with a Content-Range", FILES, { "content-range": "bytes 0-0/1" }],
  ["a session URL", `${FILES}?upload_id=A`, {}],
  ["a token of the caller", FILES, { authorization: "Bearer mine" }],
  ["a key of the caller in the URL", `${FILES}?key=mine`, {}],
];

for (const [what, url, headers] of ALLOWED) {
  Deno.test(`no key is sent where none is needed: ${what}`, async () => {
    const { fetch, seen } = fakeFetch();
    const init = { method: "POST", headers };
    await apiKeyTransport(KEY, { fetch })(url, init);
    assertEquals(keysOf(seen), [null]);
    assertStrictEquals(seen[0].init, init);
  });
}

Deno.test("a key of the caller in a header is left alone", async () => {
  const { fetch, seen } = fakeFetch();
  await apiKeyTransport(KEY, { fetch })(FILES, { headers: { "X-Goog-Api-Key": "mine" } });
  assertEquals(keysOf(seen), ["mine"]);
});

for (const status of [400, 401, 403]) {
  Deno.test(`a key that is refused with ${status} is the reply, and not tried again`, async () => {
    const response = new Response(null, { status });
    const { fetch, seen } = fakeFetch(() => response);
    assertStrictEquals(await apiKeyTransport(KEY, { fetch })(FILES, {}), response);
    assertEquals(seen.length, 1);
  });
}

Deno.test("a 401 of an origin that gets no key says so", async () => {
  const { fetch } = fakeFetch(() => new Response(null, { status: 401 }));
  const error = await failure(apiKeyTransport(KEY, { fetch })("https://example.com/", {}));
  assert(error instanceof UploadError && error.code === "rejected", String(error));
  assertNoSecret(error, KEY);
});

Deno.test("an error of fetch that repeats the key does not come out with it", async () => {
  const { fetch } = fakeFetch(() => Promise.reject(new TypeError(`x-goog-api-key: ${KEY}`)));
  const error = await failure(apiKeyTransport(KEY, { fetch })(FILES, {}));
  assertNoSecret(error, KEY);
});

for (const key of ["", " ", "SECRET key", "SECRET\r\nA: b", undefined, null, 7]) {
  Deno.test(`${JSON.stringify(key)} is no key, and is not in the error`, async () => {
    const error = await failure(() => apiKeyTransport(key as string));
    assertInstanceOf(error, TypeError);
    assertNoSecret(error, "SECRET");
  });
}

Deno.test("scopes mean nothing to a key", async () => {
  const error = await failure(() => apiKeyTransport(KEY, { scopes: ["a"] } as never));
  assertInstanceOf(error, TypeError);
});
