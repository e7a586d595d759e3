// The heads of starts, chunks, questions and cancels in the protocol of `Content-Range`.

import { assertEquals } from "@std/assert";
import { contentRangeProtocol } from "../../src/protocol/content_range/mod.ts";
import { multipartFrame } from "../../src/protocol/multipart_related.ts";
import type { RequestHead } from "../../src/protocol/upload_protocol.ts";

const { start, chunk, status, cancel } = contentRangeProtocol;
const SESSION =
  "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=x";
const START = "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable";
const SIGNED =
  "https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-SignedHeaders=host%3Bx-goog-resumable&X-Goog-Signature=abc";
const given = new Headers({ "x-goog-encryption-algorithm": "AES256" });

function show({ method, url, headers }: RequestHead) {
  return { method, url, headers: Object.fromEntries(headers) };
}

Deno.test("a start says what the object shall be, its type and its size", () => {
  const metadata = '{"name":"a","metadata":{"k":"v"}}';
  assertEquals(
    show(
      start({
        method: "POST",
        url: START,
        headers: given,
        metadata,
        contentType: "image/png",
        total: 5,
      }),
    ),
    {
      method: "POST",
      url: START,
      headers: {
        "content-type": "application/json; charset=UTF-8",
        "x-goog-encryption-algorithm": "AES256",
        "x-upload-content-length": "5",
        "x-upload-content-type": "image/png",
      },
    },
  );
});

Deno.test("a start may have another method, where an API wants that", () => {
  const input = { url: START, headers: given, metadata: "{}", contentType: "a/b", total: 5 };
  assertEquals(start({ ...input, method: "PATCH" }).method, "PATCH");
});

Deno.test("a start without a known size declares none; one without metadata announces no JSON", () => {
  const { headers } = start({
    method: "POST",
    url: START,
    headers: given,
    metadata: undefined,
    contentType: "image/png",
    total: undefined,
  });
  assertEquals(
    ["x-upload-content-length", "content-type"].map((name) => headers.get(name)),
    [null, null],
  );
});

for (const url of [SIGNED, SIGNED.toLowerCase()]) {
  Deno.test(`a signed start URL carries the media type as content-type, and the header that was signed: ${url.slice(40, 60)}…`, () => {
    const method = "POST" as const;
    const input = { method, url, headers: new Headers(), contentType: "image/png", total: 5 };
    assertEquals(show(start({ ...input, metadata: undefined })), {
      method: "POST",
      url,
      headers: {
        "content-type": "image/png",
        "x-goog-resumable": "start",
        "x-upload-content-length": "5",
      },
    });
  });
}

Deno.test("a chunk carries its place and the media type; the last one the hash of the whole", () => {
  const part = { url: SESSION, headers: given, contentType: "image/png", offset: 10, size: 3 };
  const last = chunk({ ...part, total: 13, last: true, hash: "crc32c=4waSgw==" });
  assertEquals(show(last), {
    method: "PUT",
    url: SESSION,
    headers: {
      "content-range": "bytes 10-12/13",
      "content-type": "image/png",
      "x-goog-encryption-algorithm": "AES256",
      "x-goog-hash": "crc32c=4waSgw==",
    },
  });
  const { headers } = chunk({ ...part, total: 99, last: false, hash: undefined });
  assertEquals(headers.has("x-goog-hash"), false);
});

Deno.test("a last request without bytes finishes what is stored", () => {
  const part = { url: SESSION, headers: given, contentType: "a/b", offset: 10, size: 0 };
  const { headers } = chunk({ ...part, total: 10, last: true, hash: undefined });
  assertEquals(headers.get("content-range"), "bytes */10");
});

Deno.test("a status query asks with bytes */*, which never finishes anything", () => {
  const { method, headers } = status(SESSION, given);
  assertEquals([method, headers.get("content-range")], ["PUT", "bytes */*"]);
});

Deno.test("a cancel deletes the session, and these replies say that it is no more", () => {
  assertEquals(cancel(SESSION, given).method, "DELETE");
  const codes = [200, 204, 308, 400, 403, 404, 410, 499, 500, 503];
  const reply = (code: number) => ({ status: code, headers: new Headers(), text: "" });
  assertEquals(
    codes.filter((code) => contentRangeProtocol.isCancelled(reply(code))),
    [200, 204, 404, 410, 499],
  );
});

Deno.test("no request changes the headers it is given", () => {
  const before = [...given];
  const input = { url: SESSION, headers: given, contentType: "a/b" };
  start({ ...input, method: "POST", url: START, metadata: "{}", total: 5 });
  chunk({ ...input, offset: 0, size: 1, total: 1, last: true, hash: "x" });
  status(SESSION, given).headers.set("x-goog-added", "1");
  cancel(SESSION, given).headers.set("x-goog-added", "1");
  assertEquals([...given], before);
});

Deno.test("a multipart body has two parts: the metadata as JSON, then the media", () => {
  const { contentType, head, tail } = multipartFrame({ name: "ä" }, "image/png", "BOUNDARY");
  assertEquals(contentType, 'multipart/related; boundary="BOUNDARY"');
  assertEquals(
    new TextDecoder().decode(head),
    '--BOUNDARY\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{"name":"ä"}\r\n--BOUNDARY\r\ncontent-type: image/png\r\n\r\n',
  );
  assertEquals(new TextDecoder().decode(tail), "\r\n--BOUNDARY--\r\n");
});
