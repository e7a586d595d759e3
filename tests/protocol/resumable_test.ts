import { assertEquals } from "@std/assert";
import { multipartFrame } from "../../src/protocol/multipart.ts";
import {
  cancelRequest,
  chunkRequest,
  initiateRequest,
  type RequestSpec,
  statusRequest,
} from "../../src/protocol/resumable.ts";

const SESSION =
  "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=x";
const START = "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable";
const SIGNED =
  "https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-SignedHeaders=host%3Bx-goog-resumable&X-Goog-Signature=abc";
const given = new Headers({ "x-goog-encryption-algorithm": "AES256" });

function show({ method, url, headers, body }: RequestSpec) {
  const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : body;
  return { method, url, headers: Object.fromEntries(headers), text };
}

Deno.test("a start says what the object shall be, its type and its size", () => {
  const metadata = { name: "a", metadata: { k: "v" } };
  assertEquals(
    show(
      initiateRequest({ url: START, headers: given, metadata, contentType: "image/png", total: 5 }),
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
      text: '{"name":"a","metadata":{"k":"v"}}',
    },
  );
});

Deno.test("a start without a known size declares none", () => {
  const spec = initiateRequest({
    url: START,
    headers: given,
    metadata: {},
    contentType: "image/png",
    total: undefined,
  });
  assertEquals(spec.headers.has("x-upload-content-length"), false);
});

for (const url of [SIGNED, SIGNED.toLowerCase()]) {
  Deno.test(`a signed start URL carries the media type as content-type, and the header that was signed: ${url.slice(40, 60)}…`, () => {
    assertEquals(
      show(
        initiateRequest({
          url,
          headers: new Headers(),
          metadata: {},
          contentType: "image/png",
          total: 5,
        }),
      ),
      {
        method: "POST",
        url,
        headers: {
          "content-type": "image/png",
          "x-goog-resumable": "start",
          "x-upload-content-length": "5",
        },
        text: "",
      },
    );
  });
}

Deno.test("a signed start URL that does not cover x-goog-resumable does not get it", () => {
  const url = SIGNED.replace("%3Bx-goog-resumable", "");
  const spec = initiateRequest({
    url,
    headers: new Headers(),
    metadata: {},
    contentType: "image/png",
    total: 5,
  });
  assertEquals(spec.headers.has("x-goog-resumable"), false);
});

Deno.test("a chunk carries its place and the media type; the last one the hash of the whole", () => {
  const bytes = new TextEncoder().encode("abc");
  const chunk = { url: SESSION, headers: given, contentType: "image/png", bytes };
  assertEquals(show(chunkRequest({ ...chunk, offset: 10, total: 13, hash: "crc32c=4waSgw==" })), {
    method: "PUT",
    url: SESSION,
    headers: {
      "content-range": "bytes 10-12/13",
      "content-type": "image/png",
      "x-goog-encryption-algorithm": "AES256",
      "x-goog-hash": "crc32c=4waSgw==",
    },
    text: "abc",
  });
  assertEquals(
    chunkRequest({ ...chunk, offset: 10, total: 99, hash: undefined }).headers.has("x-goog-hash"),
    false,
  );
});

Deno.test("a status query asks with bytes */*, which never finishes anything", () => {
  const spec = statusRequest(SESSION, given);
  assertEquals([spec.method, spec.headers.get("content-range"), spec.body], [
    "PUT",
    "bytes */*",
    new Uint8Array(0),
  ]);
});

Deno.test("a cancel deletes the session", () => {
  assertEquals([cancelRequest(SESSION, given).method, cancelRequest(SESSION, given).body], [
    "DELETE",
    null,
  ]);
});

Deno.test("no request changes the headers it is given", () => {
  const before = [...given];
  initiateRequest({ url: START, headers: given, metadata: {}, contentType: "image/png", total: 5 });
  chunkRequest({
    url: SESSION,
    headers: given,
    contentType: "a/b",
    bytes: new Uint8Array(1),
    offset: 0,
    total: 1,
    hash: "x",
  });
  statusRequest(SESSION, given);
  cancelRequest(SESSION, given).headers.set("x-goog-added", "1");
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
