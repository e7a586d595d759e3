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
  ["custom metadata that is no text", '{"metadata":{"__proto__":{"x":1}}}'],
];

const unreadable: readonly [attack: string, metadata: string][] = [
  ["not JSON", "name=a"],
  ["JSON with a comma too many", '{"name":"a",}'],
  ["an array", "[]"],
  ["`null`", "null"],
  ["65 000 opening brackets", "[".repeat(65_000)],
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
