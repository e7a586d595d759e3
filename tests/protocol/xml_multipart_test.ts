// The requests and the replies of XML multipart uploads and of compose, as text.

import { assertEquals, assertThrows } from "@std/assert";
import { composeGroups, readObjects } from "../../src/protocol/compose.ts";
import { locationOfXmlUrl, xmlObjectUrl } from "../../src/protocol/object_url.ts";
import { objectHeaders } from "../../src/protocol/xml_multipart/object_headers.ts";
import {
  readCompleted,
  readInitiated,
  readPart,
  readParts,
} from "../../src/protocol/xml_multipart/xml_multipart_replies.ts";
import {
  completeRequest,
  initiateRequest,
  listPartsRequest,
  partRequest,
} from "../../src/protocol/xml_multipart/xml_multipart_requests.ts";
import { parseXml, textOf } from "../../src/protocol/xml_multipart/xml.ts";

const reply = (status: number, text = "", headers: HeadersInit = {}) => ({
  status,
  text,
  headers: new Headers(headers),
});
const UPLOAD = { objectUrl: "https://storage.googleapis.com/b/n", uploadId: "a/b+c=" };

Deno.test("XML is read with declarations, namespaces, comments, entities and character data", () => {
  const root = parseXml(
    `\uFEFF<?xml version='1.0'?><!-- a --><s3:A xmlns:s3='u' b="c>">\n<s3:B>1 &lt;&#x41;&#66;&amp;</s3:B><C/><B><![CDATA[<x>]]></B></s3:A>`,
  );
  assertEquals(root?.name, "A");
  assertEquals(root?.children.map(({ name, text }) => [name, text]), [
    ["B", "1 <AB&"],
    ["C", ""],
    ["B", "<x>"],
  ]);
  assertEquals([textOf(root!, "B"), textOf(root!, "D")], ["1 <AB&", undefined]);
});

Deno.test("what is no whole XML document is none", () => {
  const wrong = ["", "text", "<A>", "<A></B>", "<A/><B/>", "<A/>x", "</A>", "<A", "<A b>", "{}"];
  for (const text of [...wrong, "<!DOCTYPE a><A/>", "<A>".repeat(100)]) {
    assertEquals(parseXml(text), undefined, text);
  }
  const long = "<".repeat(200_000);
  assertEquals(parseXml(long), undefined, "in linear time");
});

Deno.test("requests name the upload and the part in the query, encoded", () => {
  const head = initiateRequest(UPLOAD.objectUrl, "text/plain", new Headers({ a: "b" }));
  assertEquals([head.method, head.url], ["POST", `${UPLOAD.objectUrl}?uploads`]);
  assertEquals([head.headers.get("content-type"), head.headers.get("a")], ["text/plain", "b"]);
  const part = partRequest(UPLOAD, 7, new Headers(), { crc32c: "AAAAAA==" });
  assertEquals(part.url, `${UPLOAD.objectUrl}?partNumber=7&uploadId=a%2Fb%2Bc%3D`);
  assertEquals([part.method, part.headers.get("x-goog-hash")], ["PUT", "crc32c=AAAAAA=="]);
  const list = listPartsRequest(UPLOAD, new Headers(), { after: 1000, max: 5 });
  assertEquals(
    list.url,
    `${UPLOAD.objectUrl}?uploadId=a%2Fb%2Bc%3D&max-parts=5&part-number-marker=1000`,
  );
});

Deno.test("a completion lists the parts in ascending order, with their quotes", () => {
  const parts = [{ number: 10, etag: '"b"' }, { number: 2, etag: '"a&"' }];
  const { body } = completeRequest(UPLOAD, parts, new Headers());
  const listed = parseXml(body)!.children.map((part) => [
    textOf(part, "PartNumber"),
    textOf(part, "ETag"),
  ]);
  assertEquals(listed, [["2", '"a&"'], ["10", '"b"']]);
});

Deno.test("replies are read for what they prove, and for nothing else", () => {
  const initiated =
    "<InitiateMultipartUploadResult><UploadId>x</UploadId></InitiateMultipartUploadResult>";
  assertEquals(readInitiated(reply(200, initiated)), { kind: "initiated", uploadId: "x" });
  assertEquals(readInitiated(reply(200, "<html></html>")).kind, "malformed");
  assertEquals(readInitiated(reply(503)).kind, "unavailable");
  assertEquals(readPart(reply(200)).kind, "malformed");
  const stored = readPart(reply(200, "", { etag: '"e"', "x-goog-hash": "crc32c=AAAAAA==" }));
  assertEquals(stored, { kind: "stored", etag: '"e"', crc32c: "AAAAAA==", md5: undefined });
  const completed =
    `<CompleteMultipartUploadResult xmlns='u'><Key>n</Key></CompleteMultipartUploadResult>`;
  assertEquals(readCompleted(reply(200, completed)).kind, "completed");
  assertEquals(readCompleted(reply(200, completed.slice(0, -5))).kind, "no_result");
  assertEquals(
    readCompleted(reply(200, "<Error><Code>InternalError</Code></Error>")).kind,
    "unavailable",
  );
  assertEquals(readCompleted(reply(200, "<Error><Code>NoSuchUpload</Code></Error>")).kind, "gone");
  const mismatch = "<Error><Code>CrcMismatch</Code></Error>";
  assertEquals(readPart(reply(400, mismatch)).kind, "corrupt");
});

Deno.test("a list of parts says where it goes on, and never goes on in a circle", () => {
  const list = (more: string) =>
    readParts(reply(
      200,
      `<ListPartsResult><PartNumberMarker>3</PartNumberMarker>${more}<Part><PartNumber>4</PartNumber>` +
        `<ETag>"e"</ETag><Size>5</Size></Part></ListPartsResult>`,
    ));
  const parts = [{ number: 4, etag: '"e"', size: 5 }];
  assertEquals(list(""), { kind: "listed", parts, next: undefined });
  const truncated = "<IsTruncated>true</IsTruncated>";
  assertEquals(list(truncated), { kind: "listed", parts, next: 4 });
  assertEquals(
    list(`${truncated}<NextPartNumberMarker>3</NextPartNumberMarker>`).kind,
    "malformed",
  );
  assertEquals(
    readParts(reply(200, "<ListPartsResult><Part/></ListPartsResult>")).kind,
    "malformed",
  );
});

Deno.test("metadata that a header would lose or change is refused", () => {
  const headers = objectHeaders({
    cacheControl: "no-store",
    customTime: "2026-01-01T00:00:00Z",
    storageClass: "NEARLINE",
    metadata: { "a-b": "c d" },
    name: "n",
  });
  assertEquals([...headers], [
    ["cache-control", "no-store"],
    ["x-goog-custom-time", "2026-01-01T00:00:00Z"],
    ["x-goog-meta-a-b", "c d"],
    ["x-goog-storage-class", "NEARLINE"],
  ]);
  const wrong = [
    { temporaryHold: true },
    { contentLanguage: "ä" },
    { metadata: { Upper: "a" } },
    { metadata: { a: "ö" } },
    { metadata: { a: " b" } },
    { metadata: { a: "b\r\nc: d" } },
  ];
  for (const metadata of wrong) assertThrows(() => objectHeaders(metadata), TypeError, "compose");
});

Deno.test("the URL of an object keeps its name, whatever is in it", () => {
  const place = { endpoint: "https://storage.googleapis.com/", bucket: "my-bucket" };
  for (const name of ["a/b c", "a/../b", "./x", "a?b#c", "ä/(1)!*'", "a//b", "100%", "/a"]) {
    const url = xmlObjectUrl({ ...place, name });
    assertEquals(new URL(url).href, url, name);
    assertEquals(locationOfXmlUrl(url)?.name, name);
  }
  assertEquals(locationOfXmlUrl("https://storage.googleapis.com/"), undefined);
});

Deno.test("neighbours are composed, 32 at the most", () => {
  const sizes = (count: number) =>
    composeGroups(Array.from({ length: count })).map((g) => g.length);
  assertEquals(sizes(1), [1]);
  assertEquals(sizes(32), [32]);
  assertEquals(sizes(65), [32, 32, 1]);
});

Deno.test("a list of objects without any is an empty one, and anything else is none", () => {
  assertEquals(readObjects(reply(200, "{}")), { kind: "listed", objects: [], next: undefined });
  for (const text of ["", "[", "null", '{"items":1}', '{"items":[{"name":1}]}']) {
    assertEquals(readObjects(reply(200, text)).kind, "malformed", text);
  }
});
