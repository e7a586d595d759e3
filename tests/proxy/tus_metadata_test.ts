// `Upload-Metadata` of tus: how it is read, and what of it becomes the object's name and metadata.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseUploadMetadata } from "../../src/proxy/fronts/tus_metadata.ts";
import type { UploadGrant } from "../../src/worker.ts";
import { setup } from "./support.ts";
import { base64, create, created, metadata, told, tus } from "./tus_support.ts";

const readable: readonly [rule: string, header: string | null, pairs: Record<string, string>][] = [
  ["no header", null, {}],
  ["an empty header", "", {}],
  ["two pairs", "filename YQ==,filetype Yg==", { filename: "YQ==", filetype: "Yg==" }],
  ["a key without a value", "is_confidential", { is_confidential: "" }],
  ["a key with a space and no value", "a ,b Yg==", { a: "", b: "Yg==" }],
  ["blanks around commas, as where a proxy joins headers", "a YQ==, b Yg==", {
    a: "YQ==",
    b: "Yg==",
  }],
  ["a value without padding", "a YQ", { a: "YQ" }],
];
for (const [rule, header, pairs] of readable) {
  Deno.test(`Upload-Metadata may be ${rule}`, () => {
    assertEquals(Object.fromEntries(parseUploadMetadata(header)), pairs);
  });
}

const unreadable: readonly [rule: string, header: string][] = [
  ["a value that is no base64", "a !"],
  ["a value of an impossible length", "a YQQQQ"],
  ["a key twice", "a YQ==,a Yg=="],
  ["a pair that is empty", "a YQ==,,b Yg=="],
  ["two values", "a YQ== Yg=="],
  ["a key that is not ASCII", "ä YQ=="],
  ["more characters than a URL can take", `a ${"YQ==".repeat(1025)}`],
];
for (const [rule, header] of unreadable) {
  Deno.test(`Upload-Metadata with ${rule} is refused`, () => {
    assertThrows(() => parseUploadMetadata(header), Error, "Upload-Metadata");
  });
}

/** The object of an upload with this metadata, empty and thus finished at once; else the answer. */
async function made(values: Record<string, string>, grant: UploadGrant, query = "") {
  const context = setup();
  const headers = { "upload-length": "0", "upload-metadata": metadata(values) };
  const reply = await create(context, { grant, query, headers });
  const [object] = context.gcs.objects;
  return object
    ? { name: object.name, type: object.contentType, metadata: object.metadata ?? {} }
    : await told(reply);
}

const OCTETS = "application/octet-stream";
const file = { filename: "a photo ü.png", filetype: "image/png" };

Deno.test("a file's name is the object's below the ticket's prefix, and its type the object's", async () => {
  assertEquals(await made(file, { prefix: "users/17/" }), {
    name: "users/17/a photo ü.png",
    type: "image/png",
    metadata: {},
  });
});

Deno.test("where the ticket names the object, the file's name is metadata, where the ticket allows it", async () => {
  assertEquals(await made(file, { name: "b" }), { name: "b", type: "image/png", metadata: {} });
  for (const fields of [["metadata"], ["metadata.filename"]]) {
    const { metadata } = await made(file, { name: "b", fields }) as { metadata: unknown };
    assertEquals(metadata, {
      filename: "a photo ü.png",
      ...(fields[0] === "metadata" && { filetype: "image/png" }),
    });
  }
});

Deno.test("where onStart names the object, the file's name is what it is asked with", async () => {
  const asked: unknown[] = [];
  const context = setup({
    onStart: ({ name, contentType, size, uploadType }) => {
      asked.push([name, contentType, size, uploadType]);
      return { name: "chosen/by-us" };
    },
  });
  const headers = { "upload-metadata": metadata(file) };
  await created(context, 0, { grant: { prefix: "in/" }, headers });
  assertEquals(asked, [["in/a photo ü.png", "image/png", 0, "resumable"]]);
  assertEquals(context.gcs.objects.map(({ name }) => name), ["chosen/by-us"]);
});

Deno.test("Uppy's names for the same are understood", async () => {
  const object = await made({ name: "a.png", type: "image/png" }, { prefix: "" });
  assertEquals(object, { name: "a.png", type: "image/png", metadata: {} });
});

Deno.test("the URL may name the object, too, within the ticket", async () => {
  const { name } = await made(file, { prefix: "x/" }, "?name=x/y") as { name: string };
  assertEquals(name, "x/y");
  assertStringIncludes(String(await made(file, { prefix: "x/" }, "?name=y")), "403 ");
  assertStringIncludes(String(await made(file, { name: "x" }, "?name=y")), "403 ");
});

Deno.test("an empty type is none: browsers send it for files that they do not know", async () => {
  const object = await made({ filename: "a", filetype: "" }, { prefix: "" });
  assertEquals(object, { name: "a", type: OCTETS, metadata: {} });
});

const refused: readonly [rule: string, Record<string, string>, UploadGrant, answer: string][] = [
  ["no name anywhere", {}, { prefix: "" }, "400 Expected a filename in Upload-Metadata"],
  ["a name that climbs out of the prefix", { filename: "../b" }, { prefix: "a/" }, "403 "],
  ["a name with a line break", { filename: "a\nb" }, { prefix: "" }, "400 "],
  ["a name that is too long", { filename: "x".repeat(1025) }, { prefix: "" }, "400 "],
  ["a type that is none", { filename: "a", filetype: "image" }, { prefix: "" }, "400 "],
  [
    "a type that the ticket does not allow",
    { filename: "a", filetype: "text/html" },
    { prefix: "", contentTypes: ["image/*"] },
    "403 ",
  ],
  [
    "a reserved key where all are open",
    { filename: "a", firebaseStorageDownloadTokens: "x" },
    { prefix: "", fields: ["metadata"] },
    "403 ",
  ],
  [
    "a value with a line break where it is open",
    { filename: "a", note: "a\r\nb" },
    { prefix: "", fields: ["metadata.note"] },
    "400 ",
  ],
];
for (const [rule, values, grant, answer] of refused) {
  Deno.test(`a creation with ${rule} is refused: ${answer}`, async () => {
    assertStringIncludes(String(await made(values, grant)), answer);
  });
}

Deno.test("a name that is no UTF-8 is refused, and other values are not looked at", async () => {
  const context = setup();
  const headers = { "upload-length": "0", "upload-metadata": "filename /w==" };
  const reply = await create(context, { grant: { prefix: "" }, headers });
  assertEquals(await told(reply), '400 Upload-Metadata: expected UTF-8 as the value of "filename"');
  await created(context, 0, { headers: { "upload-metadata": "thumbnail /w==" } });
});

Deno.test("what the ticket sets holds against the client's", async () => {
  const grant = {
    prefix: "",
    fields: ["metadata"],
    metadata: { contentType: "image/webp", metadata: { Owner: "user-17" } },
  };
  const values = { filename: "a", filetype: "image/png", owner: "root" };
  const object = await made(values, grant) as { type: string; metadata: unknown };
  assertEquals([object.type, object.metadata], [
    "image/webp",
    { filename: "a", filetype: "image/png", Owner: "user-17" },
  ]);
});

Deno.test("HEAD repeats Upload-Metadata as it was written, stored or not", async () => {
  const context = setup();
  const written = `filename ${base64("a")}, secret ,x eA`;
  const headers = { "upload-metadata": written };
  const url = await created(context, 5, { grant: { name: "b" }, headers });
  assertEquals((await tus(context, "HEAD", url)).headers.get("upload-metadata"), written);
  const without = await created(context, 5, { grant: { name: "c" } });
  assertEquals((await tus(context, "HEAD", without)).headers.has("upload-metadata"), false);
});

Deno.test("a ticket that wants a checksum gets it in Upload-Metadata, and Google compares it", async () => {
  const grant = { prefix: "", requireChecksum: true };
  assertStringIncludes(String(await made({ filename: "a" }, grant)), "400 Expected a CRC32C");
  const context = setup();
  const reply = await create(context, { grant, headers: { "upload-metadata": metadata(file) } });
  assertStringIncludes(await told(reply), "400 Expected a CRC32C");
  assertEquals(context.sent.length, 0, "before a byte is sent");
  const right = await made({ filename: "a", crc32c: "AAAAAA==" }, grant);
  assertEquals((right as { name: string }).name, "a");
  assertStringIncludes(String(await made({ filename: "a", crc32c: "AAAAAQ==" }, grant)), "400 ");
});
