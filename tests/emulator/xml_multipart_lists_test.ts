// Multipart uploads of the XML API: the lists of parts and of unfinished uploads, in pages.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { ORIGIN } from "./helpers.ts";
import {
  abort,
  complete,
  initiate,
  OBJECT,
  refusal,
  stored,
  valueOf,
  valuesOf,
} from "./multipart_helpers.ts";

const NOW = 1_726_500_000_123;
const UPLOADS = `${ORIGIN}/bucket?uploads`;

async function text(gcs: GcsEmulator, url: string): Promise<string> {
  const reply = await gcs.fetch(url);
  assertEquals(reply.status, 200);
  assertEquals(reply.headers.get("content-type"), "application/xml; charset=UTF-8");
  return await reply.text();
}

/** Starts an upload of that name. */
function named(gcs: GcsEmulator, name: string): Promise<string> {
  return initiate(gcs, {}, `${ORIGIN}/bucket/${encodeURIComponent(name)}`);
}

Deno.test("the list of parts has number, time, tag and size of each", async () => {
  const gcs = new GcsEmulator({ now: () => NOW });
  const id = await initiate(gcs, { "x-goog-storage-class": "NEARLINE" });
  const etag = await stored(gcs, id, 7, "123456789");
  assertEquals(
    await text(gcs, `${OBJECT}?uploadId=${id}`),
    "<?xml version='1.0' encoding='UTF-8'?><ListPartsResult " +
      "xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Bucket>bucket</Bucket><Key>dir/n</Key>" +
      `<UploadId>${id}</UploadId><StorageClass>NEARLINE</StorageClass>` +
      "<PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>7</NextPartNumberMarker>" +
      "<MaxParts>1000</MaxParts><IsTruncated>false</IsTruncated>" +
      "<Part><PartNumber>7</PartNumber><LastModified>2024-09-16T15:20:00.123Z</LastModified>" +
      `<ETag>${etag}</ETag><Size>9</Size></Part></ListPartsResult>`,
  );
});

Deno.test("the list of parts comes in pages, by number", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  for (const number of [10, 2, 33, 1, 4]) await stored(gcs, id, number, `${number}`);
  const pages: string[] = [];
  let marker = "";
  do {
    const url = `${OBJECT}?uploadId=${id}&max-parts=2&part-number-marker=${marker}`;
    const page = await text(gcs, url);
    pages.push(valuesOf(page, "PartNumber").join());
    assertEquals(valueOf(page, "MaxParts"), "2");
    assertEquals(valueOf(page, "PartNumberMarker"), marker || "0");
    marker = valueOf(page, "IsTruncated") === "true" ? valueOf(page, "NextPartNumberMarker") : "";
  } while (marker !== "");
  assertEquals(pages, ["1,2", "4,10", "33"]);
  const none = await text(gcs, `${OBJECT}?uploadId=${id}&part-number-marker=33`);
  assertEquals([valuesOf(none, "PartNumber"), valueOf(none, "IsTruncated")], [[], "false"]);
});

Deno.test("a page has at most 1000 parts, whatever is asked for", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  for (let number = 1; number <= 1001; number++) await stored(gcs, id, number, "");
  for (const most of ["", "&max-parts=5000"]) {
    const page = await text(gcs, `${OBJECT}?uploadId=${id}${most}`);
    assertEquals(valuesOf(page, "PartNumber").length, 1000);
    assertEquals(valueOf(page, "NextPartNumberMarker"), "1000");
    assertEquals(valueOf(page, "IsTruncated"), "true");
  }
});

Deno.test("the list of uploads has those of the bucket that are not finished", async () => {
  const gcs = new GcsEmulator({ now: () => NOW });
  const ended = await initiate(gcs);
  await complete(gcs, ended, [[1, await stored(gcs, ended, 1, "x")]]);
  await abort(gcs, await initiate(gcs));
  await initiate(gcs, {}, `${ORIGIN}/another/n`);
  const id = await initiate(gcs);
  const expected = "<?xml version='1.0' encoding='UTF-8'?><ListMultipartUploadsResult " +
    "xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Bucket>bucket</Bucket><KeyMarker/>" +
    "<UploadIdMarker/><MaxUploads>1000</MaxUploads><IsTruncated>false</IsTruncated>" +
    `<Upload><Key>dir/n</Key><UploadId>${id}</UploadId><StorageClass>STANDARD</StorageClass>` +
    "<Initiated>2024-09-16T15:20:00.123Z</Initiated></Upload></ListMultipartUploadsResult>";
  for (const host of [ORIGIN + "/bucket", "https://bucket.storage.googleapis.com/"]) {
    assertEquals(await text(gcs, `${host}?uploads`), expected);
  }
});

Deno.test("the list of uploads comes in pages, by name and then by start", async () => {
  const gcs = new GcsEmulator();
  const ids: Record<string, string> = {};
  for (const name of ["b", "a", "b", "c", "b"]) ids[await named(gcs, name)] = name;
  const pages: string[] = [];
  let markers = "";
  do {
    const page = await text(gcs, `${UPLOADS}&max-uploads=2${markers}`);
    pages.push(valuesOf(page, "UploadId").map((id) => ids[id]).join());
    markers = valueOf(page, "IsTruncated") !== "true"
      ? ""
      : `&key-marker=${valueOf(page, "NextKeyMarker")}` +
        `&upload-id-marker=${valueOf(page, "NextUploadIdMarker")}`;
  } while (markers !== "");
  assertEquals(pages, ["a,b", "b,b", "c"]);
  const after = await text(gcs, `${UPLOADS}&key-marker=b`);
  assertEquals(valuesOf(after, "UploadId").map((id) => ids[id]), ["c"]);
});

Deno.test("a prefix chooses uploads, and a delimiter makes one entry of those below it", async () => {
  const gcs = new GcsEmulator();
  for (const name of ["a/1", "a/b/2", "a/b/3", "a/c/4", "z"]) await named(gcs, name);
  const page = await text(gcs, `${UPLOADS}&prefix=a/&delimiter=/`);
  assertEquals(valuesOf(page, "Key"), ["a/1"]);
  assertEquals(valuesOf(page, "Prefix"), ["a/", "a/b/", "a/c/"]);
  const first = await text(gcs, `${UPLOADS}&prefix=a/&delimiter=/&max-uploads=2`);
  assertEquals([valueOf(first, "NextKeyMarker"), valueOf(first, "IsTruncated")], ["a/b/", "true"]);
  const second = await text(gcs, `${UPLOADS}&prefix=a/&delimiter=/&key-marker=a/b/`);
  assertEquals(valuesOf(second, "Prefix"), ["a/", "a/c/"]);
});

Deno.test("encoding-type=url encodes names, which are escaped in any case", async () => {
  const gcs = new GcsEmulator();
  await named(gcs, "a&b <ü>");
  assertEquals(valuesOf(await text(gcs, UPLOADS), "Key"), ["a&amp;b &lt;ü&gt;"]);
  const encoded = await text(gcs, `${UPLOADS}&encoding-type=url`);
  assertEquals(valuesOf(encoded, "Key"), ["a%26b%20%3C%C3%BC%3E"]);
  assertStringIncludes(encoded, "<EncodingType>url</EncodingType>");
});

Deno.test("what a list does not understand is refused", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const urls = [
    `${OBJECT}?uploadId=${id}&max-parts=x`,
    `${OBJECT}?uploadId=${id}&part-number-marker=-1`,
    `${UPLOADS}&max-uploads=1.5`,
    `${UPLOADS}&encoding-type=base64`,
  ];
  for (const url of urls) {
    assertMatch(await refusal(gcs.fetch(url)), /^400 InvalidArgument: /, url);
  }
});
