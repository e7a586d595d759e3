// What a start asks for is read strictly, and goes to Google as the ticket allows it.

import { assertEquals, assertThrows } from "@std/assert";
import { HttpError } from "../../src/proxy/http_error.ts";
import { cloudStorage } from "../../src/proxy/backends/cloud_storage.ts";
import { checkStart, type Start } from "../../src/proxy/start_request.ts";
import type { UploadGrant } from "../../src/worker.ts";

const BACKEND = cloudStorage({
  endpoint: "https://storage.googleapis.com",
  transport: fetch,
  plain: fetch,
  maxChunkBytes: 1000,
});
const LIMITS = { bucket: "my-bucket", maxBytes: 1000, contentTypes: undefined };

interface Given {
  readonly query?: string;
  readonly metadata?: unknown;
  readonly contentType?: string;
  readonly size?: number;
  readonly grant?: UploadGrant;
  /** The fields that the proxy opens, whatever the ticket says. */
  readonly fields?: readonly string[];
}

function check({ query = "name=a", metadata, contentType, size, grant, fields }: Given): Start {
  const text = metadata === undefined ? "" : JSON.stringify(metadata);
  const input = {
    backend: BACKEND,
    bucket: "my-bucket",
    query: new URLSearchParams(query),
    metadata: text,
    contentType,
    size,
  };
  return checkStart(input, { prefix: "", ...grant }, { ...LIMITS, fields });
}

const written: readonly [rule: string, given: Given, query: string, metadata: unknown][] = [
  [
    "a name alone: the type is that of any bytes, and nothing is overwritten",
    {},
    "ifGenerationMatch=0&name=a",
    { contentType: "application/octet-stream", name: "a" },
  ],
  [
    "a name in the metadata alone goes into the query too",
    { query: "", metadata: { name: "a" } },
    "ifGenerationMatch=0&name=a",
    { contentType: "application/octet-stream", name: "a" },
  ],
  [
    "a name and a type that are the same in both places",
    { metadata: { name: "a", contentType: "image/png" }, contentType: "image/png" },
    "ifGenerationMatch=0&name=a",
    { contentType: "image/png", name: "a" },
  ],
  [
    "every field that a client may set",
    {
      metadata: {
        bucket: "my-bucket",
        cacheControl: "no-store",
        contentDisposition: "attachment",
        contentEncoding: "gzip",
        contentLanguage: "de",
        crc32c: "4waSgw==",
        customTime: "2026-01-01T00:00:00Z",
        md5Hash: "JfnnlDI7RTiF9RgfG2JNCw==",
        metadata: { by: "me" },
      },
      grant: {
        fields: [
          "cacheControl",
          "contentDisposition",
          "contentEncoding",
          "contentLanguage",
          "customTime",
          "metadata",
        ],
      },
    },
    "ifGenerationMatch=0&name=a",
    {
      bucket: "my-bucket",
      cacheControl: "no-store",
      contentDisposition: "attachment",
      contentEncoding: "gzip",
      contentLanguage: "de",
      contentType: "application/octet-stream",
      crc32c: "4waSgw==",
      customTime: "2026-01-01T00:00:00Z",
      md5Hash: "JfnnlDI7RTiF9RgfG2JNCw==",
      metadata: { by: "me" },
      name: "a",
    },
  ],
  [
    "parameters that the proxy ignores go no further",
    { query: "name=a&alt=json&prettyPrint=false&projection=full&uploadType=resumable" },
    "ifGenerationMatch=0&name=a",
    { contentType: "application/octet-stream", name: "a" },
  ],
  [
    "a ticket that allows to overwrite: the client's precondition, or none",
    { query: "name=a&ifGenerationMatch=7", grant: { overwrite: true } },
    "ifGenerationMatch=7&name=a",
    { contentType: "application/octet-stream", name: "a" },
  ],
  [
    "a ticket that allows to overwrite, and no precondition",
    { grant: { overwrite: true } },
    "name=a",
    { contentType: "application/octet-stream", name: "a" },
  ],
  [
    "what the ticket sets holds against what the client sets",
    {
      metadata: { cacheControl: "public", metadata: { owner: "me", by: "me" } },
      grant: {
        fields: ["metadata.by"],
        metadata: { cacheControl: "no-store", metadata: { owner: "user-17" } },
      },
    },
    "ifGenerationMatch=0&name=a",
    {
      cacheControl: "no-store",
      contentType: "application/octet-stream",
      metadata: { by: "me", owner: "user-17" },
      name: "a",
    },
  ],
  [
    "metadata that no client may set, where the ticket sets them",
    { grant: { metadata: { metadata: { firebaseStorageDownloadTokens: "t" } } } },
    "ifGenerationMatch=0&name=a",
    {
      contentType: "application/octet-stream",
      metadata: { firebaseStorageDownloadTokens: "t" },
      name: "a",
    },
  ],
  [
    "the name in the metadata of a ticket is not the object's",
    { grant: { metadata: { name: "b" } } },
    "ifGenerationMatch=0&name=a",
    { contentType: "application/octet-stream", name: "a" },
  ],
];
for (const [rule, given, query, metadata] of written) {
  Deno.test(`what goes to Google: ${rule}`, () => {
    const start = check(given);
    start.query.sort();
    assertEquals([start.query.toString(), start.metadata], [query, metadata]);
  });
}

Deno.test("a parsed body is not changed by what the ticket sets", () => {
  const grant = { metadata: { metadata: { owner: "user-17" } } };
  check({ metadata: { metadata: { owner: "me" } }, grant });
  assertEquals(grant, { metadata: { metadata: { owner: "user-17" } } });
});

const refused: readonly [rule: string, expected: string, given: Given][] = [
  ["no name", "400 required", { query: "" }],
  ["an empty name", "400 invalid", { query: "name=" }],
  ["a name of 1025 bytes in 513 characters", "400 invalid", {
    query: `name=${encodeURIComponent("\u00e9".repeat(512))}x`,
  }],
  ["`ifGenerationMatch` without a value", "400 invalidParameter", {
    query: "name=a&ifGenerationMatch=",
  }],
  ["`ifGenerationMatch=00`", "403 forbidden", { query: "name=a&ifGenerationMatch=00" }],
  ["a parameter that objects inherit", "400 invalidParameter", { query: "name=a&constructor=b" }],
  ["more bytes than the proxy allows", "413 uploadTooLarge", { size: 1001 }],
  ["another content encoding than in the query", "400 invalid", {
    query: "name=a&contentEncoding=gzip",
    metadata: { contentEncoding: "br" },
  }],
];
for (const [rule, expected, given] of refused) {
  Deno.test(`a start with ${rule} is refused`, () => {
    const { status, reason } = assertThrows(() => check(given), HttpError);
    assertEquals(`${status} ${reason}`, expected);
  });
}

const opened: readonly [rule: string, given: Given, isOpen: boolean][] = [
  ["by nobody", {}, false],
  ["by the ticket", { grant: { fields: ["cacheControl"] } }, true],
  ["by the proxy", { fields: ["cacheControl"] }, true],
  ["by both", { grant: { fields: ["cacheControl"] }, fields: ["cacheControl"] }, true],
  ["by the ticket, not by the proxy, which opens another", {
    grant: { fields: ["cacheControl"] },
    fields: ["metadata"],
  }, false],
  ["by the proxy, not by the ticket, which opens another", {
    grant: { fields: ["metadata"] },
    fields: ["cacheControl"],
  }, false],
];
for (const [rule, given, isOpen] of opened) {
  Deno.test(`a field that is opened ${rule} may ${isOpen ? "" : "not "}be set`, () => {
    const metadata = { cacheControl: "no-store" };
    if (isOpen) assertEquals(check({ ...given, metadata }).metadata.cacheControl, "no-store");
    else assertEquals(assertThrows(() => check({ ...given, metadata }), HttpError).status, 403);
  });
}

Deno.test("a name of exactly 1024 bytes is a name", () => {
  const name = "\u00e9".repeat(512);
  assertEquals(check({ query: `name=${encodeURIComponent(name)}` }).name, name);
});
