// Names of buckets and objects arrive in URLs unchanged, or are refused.

import { assertEquals, assertThrows } from "@std/assert";
import { uploadTypeOf, uploadUrl, withParameter } from "../../src/protocol/upload_url.ts";

const ENDPOINT = "https://storage.googleapis.com";

for (
  const name of [
    "a",
    "a b",
    "a/b",
    "ä",
    "日本",
    "?#&=+%",
    "\"'<>\\",
    "\t",
    "😀",
    "..a",
    "x".repeat(1024),
  ]
) {
  Deno.test(`the name ${JSON.stringify(name.slice(0, 20))} survives in the URL`, () => {
    const url = new URL(uploadUrl(ENDPOINT, "my-bucket", name));
    assertEquals(url.searchParams.get("name"), name);
    assertEquals(url.origin + url.pathname, `${ENDPOINT}/upload/storage/v1/b/my-bucket/o`);
  });
}

for (
  const [rule, name] of [
    ["empty", ""],
    ["longer than 1024 bytes", "ä".repeat(513)],
    ["with a line feed", "a\nb"],
    ["with a carriage return", "a\rb"],
    ["a dot", "."],
    ["two dots", ".."],
    ["below .well-known/acme-challenge", ".well-known/acme-challenge/x"],
    ["a lone surrogate", "a\ud800b"],
    ["not a string", 5 as unknown as string],
  ] as const
) {
  Deno.test(`an object name that is ${rule} is refused`, () => {
    assertThrows(() => uploadUrl(ENDPOINT, "my-bucket", name), RangeError, "name: expected");
  });
}

for (
  const bucket of [
    "",
    "ab",
    "A-b",
    "a/b",
    "a?b",
    "-ab",
    "ab-",
    "a".repeat(223),
    undefined as unknown as string,
  ]
) {
  Deno.test(`the bucket name ${JSON.stringify(bucket)?.slice(0, 20)} is refused`, () => {
    assertThrows(() => uploadUrl(ENDPOINT, bucket, "a"), RangeError, "bucket: expected");
  });
}

Deno.test("an endpoint may end in a slash and may have a path", () => {
  assertEquals(
    uploadUrl("http://127.0.0.1:4443/", "abc", "n"),
    "http://127.0.0.1:4443/upload/storage/v1/b/abc/o?name=n",
  );
  assertEquals(
    uploadUrl("https://proxy.example/gcs", "abc", "n"),
    "https://proxy.example/gcs/upload/storage/v1/b/abc/o?name=n",
  );
});

for (
  const [url, expected] of [
    [`${ENDPOINT}/o`, undefined],
    [`${ENDPOINT}/o?uploadType=media`, "media"],
    [`${ENDPOINT}/o?uploadType=multipart`, "multipart"],
    [`${ENDPOINT}/o?name=a&uploadType=resumable`, "resumable"],
    [`${ENDPOINT}/b/o?X-Goog-Signature=a`, "resumable"],
    [`${ENDPOINT}/b/o?x-goog-signature=a`, "resumable"],
    [`${ENDPOINT}/o?uploadType=media&uploadType=resumable`, "media"],
    [`${ENDPOINT}/o?uploadType=media#&uploadType=resumable`, "media"],
    [`${ENDPOINT}/o#?uploadType=media`, undefined],
    [`${ENDPOINT}/o?myuploadType=media&uploadTypes=media`, undefined],
    [`${ENDPOINT}/o?name=uploadType=media`, undefined],
    [`${ENDPOINT}/uploadType=media`, undefined],
  ] as const
) {
  Deno.test(`the upload type of ${url.slice(ENDPOINT.length)} is ${expected ?? "open"}`, () =>
    assertEquals(uploadTypeOf(url), expected));
}

Deno.test("an unknown upload type is refused", () => {
  assertThrows(() => uploadTypeOf(`${ENDPOINT}/o?uploadType=magic`), RangeError, '"magic"');
  assertThrows(() => uploadTypeOf(`${ENDPOINT}/o?uploadType`), RangeError, '""');
  assertThrows(() => uploadTypeOf(`${ENDPOINT}/o?uploadType=&name=a`), RangeError, '""');
});

for (
  const [url, expected] of [
    ["https://a.example/o", "https://a.example/o?k=v%26"],
    ["https://a.example/o?", "https://a.example/o?k=v%26"],
    ["https://a.example/o?x=%2F", "https://a.example/o?x=%2F&k=v%26"],
    ["https://a.example/o?x=1&", "https://a.example/o?x=1&k=v%26"],
    ["https://a.example/o?x=1#part", "https://a.example/o?x=1&k=v%26#part"],
  ] as const
) {
  Deno.test(`a parameter is added to ${url} without touching the rest`, () =>
    assertEquals(withParameter(url, "k", "v&"), expected));
}
