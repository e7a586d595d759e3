// Hostile requests with metadata that the ticket does not open.

import { assertEquals } from "@std/assert";
import type { UploadGrant } from "../../../src/worker.ts";
import { ask, multipart } from "../support.ts";
import type { Hostile, Target } from "./case.ts";

/** Starts an upload of `a` with that metadata. */
const start = (metadata: unknown, query = "name=a", grant?: UploadGrant) => {
  return (target: Target): Promise<Response> =>
    ask(target, `?uploadType=resumable&${query}`, {
      body: typeof metadata === "string" ? metadata : JSON.stringify(metadata),
      grant,
    });
};

const fields = ["acl", "owner", "storageClass", "kmsKeyName", "temporaryHold", "retention", "id"];
const refused: readonly [attack: string, metadata: unknown][] = [
  ...fields.map((field): [string, unknown] => [`\`${field}\``, { [field]: "x" }]),
  ["`__proto__`", '{"__proto__":{"name":"b"}}'],
  ["`constructor`", '{"constructor":{"name":"b"}}'],
];

const invalid: readonly [attack: string, metadata: unknown, query?: string][] = [
  ["another bucket", { bucket: "other-bucket" }],
  ["another name than in the query", { name: "b" }],
  ["a name that is no text", { name: ["a"] }, "fields=name"],
  ["half a character in the name", '{"name":"\\ud800"}', "fields=name"],
  ["CR LF in `contentType`", { contentType: "image/png\r\nx: y" }],
  ["two types in `contentType`", { contentType: "image/png, text/html" }],
  ["CR LF in `contentDisposition`", { contentDisposition: "inline\r\nset-cookie: a=b" }],
  [
    "another `contentEncoding` than in the query",
    { contentEncoding: "gzip" },
    "name=a&contentEncoding=br",
  ],
  ["a field that is no text", { cacheControl: { a: 1 } }],
  ["arrays 30 000 deep", `{"cacheControl":${"[".repeat(30_000)}${"]".repeat(30_000)}}`],
  ["custom metadata that is an array", { metadata: ["x"] }],
  ["custom metadata that is no text", '{"metadata":{"a":{"x":1}}}'],
  ["custom metadata that objects inherit", '{"metadata":{"__proto__":{"x":1}}}'],
];

const unreadable: readonly [attack: string, metadata: string][] = [
  ["not JSON", "name=a"],
  ["JSON with a comma too many", '{"name":"a",}'],
  ["an array", "[]"],
  ["`null`", "null"],
  ["65 000 opening brackets", "[".repeat(65_000)],
];

/** Fields that a ticket does not open. */
const closed: readonly [attack: string, metadata: unknown][] = [
  ["`contentEncoding: gzip`, so that packed bytes count", { contentEncoding: "gzip" }],
  ["`cacheControl` for ten years", { cacheControl: "public, max-age=315360000" }],
  ["`contentDisposition`", { contentDisposition: "inline" }],
  ["`contentLanguage`", { contentLanguage: "de" }],
  ["`customTime` in the year 9999", { customTime: "9999-12-31T23:59:59Z" }],
  ["custom metadata", { metadata: { role: "admin" } }],
];

const OPEN = { prefix: "", fields: ["metadata", "cacheControl"] };
const reserved: readonly [attack: string, key: string][] = [
  ["`firebaseStorageDownloadTokens`, a permanent public link", "firebaseStorageDownloadTokens"],
  ["the same in small letters", "firebasestoragedownloadtokens"],
  ["`goog-reserved-file-mtime`", "goog-reserved-file-mtime"],
  ["`Goog-Reserved-x`", "Goog-Reserved-x"],
];

/** The object resource that a client sends. */
export const metadata: readonly Hostile[] = [
  ...refused.map(([attack, value]) => ({
    attack,
    answer: "400 invalidParameter",
    run: start(value),
  })),
  ...invalid.map(([attack, value, query]) => ({
    attack,
    answer: "400 invalid",
    run: start(value, query),
  })),
  ...closed.map(([attack, value]) => ({
    attack: `${attack}, which the ticket does not open`,
    answer: "403 forbidden",
    run: start(value),
  })),
  {
    attack: "`contentEncoding` in the query, which the ticket does not open",
    answer: "403 forbidden",
    run: start({}, "name=a&contentEncoding=gzip"),
  },
  {
    attack: "a key of custom metadata beside the one that the ticket opens",
    answer: "403 forbidden",
    run: start({ metadata: { author: "me", role: "admin" } }, "name=a", {
      prefix: "",
      fields: ["metadata.author"],
    }),
  },
  ...reserved.map(([attack, key]) => ({
    attack: `${attack}, where the ticket opens all custom metadata`,
    answer: "403 forbidden",
    run: start({ metadata: { [key]: "x" } }, "name=a", OPEN),
  })),
  {
    attack: "CR LF in custom metadata that is open",
    answer: "400 invalid",
    run: start({ metadata: { a: "x\r\nset-cookie: y" } }, "name=a", OPEN),
  },
  {
    attack: "CR LF in a key of custom metadata that is open",
    answer: "400 invalid",
    run: start({ metadata: { "a\r\nb": "x" } }, "name=a", OPEN),
  },
  {
    attack: "more than 8 KiB in fields that are open",
    answer: "400 invalid",
    run: start(
      { cacheControl: "x".repeat(4096), metadata: { a: "y".repeat(4096) } },
      "name=a",
      OPEN,
    ),
  },
  {
    attack: "`image/*` as the type itself",
    answer: "400 invalid",
    run: start({ contentType: "image/*" }, "name=a", { prefix: "", contentTypes: ["image/*"] }),
  },
  {
    attack: "`image/svg+xml`, where the ticket says `image/*`",
    answer: "403 forbidden",
    run: start({ contentType: "image/svg+xml" }, "name=a", {
      prefix: "",
      contentTypes: ["image/*"],
    }),
  },
  ...unreadable.map(([attack, value]) => ({
    attack,
    answer: "400 parseError",
    run: start(value),
  })),
  {
    attack: "another type than in `X-Upload-Content-Type`",
    answer: "400 invalid",
    run: (target) =>
      ask(target, "?uploadType=resumable&name=a", {
        body: JSON.stringify({ contentType: "text/html" }),
        headers: { "x-upload-content-type": "image/png" },
      }),
  },
  {
    attack: "more than 64 KiB",
    answer: "413 uploadTooLarge",
    run: start({ metadata: { x: "y".repeat(65_536) } }),
  },
  {
    attack: "`name` twice, the last one not covered by the ticket",
    answer: "403 forbidden",
    run: start('{"name":"a","name":"b"}', "fields=name", { name: "a" }),
  },
  {
    attack: "`name` twice, the first one not covered by the ticket",
    answer: "200",
    google: "start",
    run: async (target) => {
      const response = await start('{"name":"b","name":"a"}', "fields=name", { name: "a" })(target);
      const { name } = JSON.parse(new TextDecoder().decode(target.sent[0].body()));
      assertEquals([name, target.sent[0].url.searchParams.get("name")], ["a", "a"]);
      return response;
    },
  },
  {
    attack: "`acl` in a multipart upload",
    answer: "400 invalidParameter",
    run: (target) =>
      ask(target, "?uploadType=multipart", multipart({ name: "a", acl: [] }, "media")),
  },
];
