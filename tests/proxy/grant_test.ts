// What a grant covers, and which grants are malformed.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  checkGrant,
  GrantError,
  readGrant,
  type UploadGrant,
  type UploadLimits,
} from "../../src/proxy/grant.ts";
import { HttpError } from "../../src/proxy/http_error.ts";
import { ask, outcome, setup } from "./support.ts";

const LIMITS: UploadLimits = { bucket: "my-bucket", maxBytes: 1000, contentTypes: undefined };
const WANTED = { bucket: "my-bucket", name: "users/17/a", contentType: "image/png", size: 10 };

interface Case {
  readonly grant: UploadGrant;
  readonly limits?: Partial<UploadLimits>;
  readonly wanted?: Partial<Omit<typeof WANTED, "size">> & { size?: number | undefined };
}
const check = ({ grant, limits, wanted }: Case): number =>
  checkGrant(grant, { ...LIMITS, ...limits }, { ...WANTED, ...wanted });

const allowed: readonly [rule: string, most: number, given: Case][] = [
  ["the exact name", 1000, { grant: { name: "users/17/a" } }],
  ["a name below the prefix", 1000, { grant: { prefix: "users/17/" } }],
  ["any name with an empty prefix", 1000, { grant: { prefix: "" } }],
  ["a name that is the prefix", 1000, { grant: { prefix: "users/17/a" } }],
  ["name and prefix that agree", 1000, { grant: { name: "users/17/a", prefix: "users/" } }],
  ["the bucket of the grant rather than the proxy's", 1000, {
    grant: { prefix: "", bucket: "other" },
    wanted: { bucket: "other" },
  }],
  ["the smaller limit: the grant's", 100, { grant: { prefix: "", maxBytes: 100 } }],
  ["the smaller limit: the proxy's", 1000, { grant: { prefix: "", maxBytes: 5000 } }],
  ["exactly as many bytes as allowed", 10, { grant: { prefix: "", maxBytes: 10 } }],
  ["no declared size", 1, {
    grant: { prefix: "", maxBytes: 1 },
    wanted: { size: undefined },
  }],
  ["a type in other letters, with a parameter", 1000, {
    grant: { prefix: "", contentTypes: ["image/PNG"] },
    wanted: { contentType: "Image/png; x=y" },
  }],
  ["what browsers run, by its own name", 1000, {
    grant: { prefix: "", contentTypes: ["image/svg+xml"] },
    wanted: { contentType: "image/svg+xml" },
  }],
  ["a type of the kind", 1000, { grant: { prefix: "", contentTypes: ["text/plain", "image/*"] } }],
  ["`..` in an exact name, which the backend chose", 1000, {
    grant: { name: "a/../b" },
    wanted: { name: "a/../b" },
  }],
  ["dots that are not alone between slashes", 1000, {
    grant: { prefix: "a" },
    wanted: { name: "a..b/c...d/.e/f." },
  }],
];
for (const [rule, most, given] of allowed) {
  Deno.test(`a grant covers ${rule}`, () => {
    assertEquals(check(given), most);
  });
}

const refused: readonly [rule: string, status: number, given: Case][] = [
  ["anything, without name and prefix", 403, { grant: {} }],
  ["an empty name by an empty name", 403, { grant: { name: "" } }],
  ["another name", 403, { grant: { name: "users/17/b" } }],
  ["a longer name", 403, { grant: { name: "users/17/" } }],
  ["a name in other letters", 403, { grant: { name: "Users/17/a" } }],
  ["a name outside the prefix", 403, { grant: { prefix: "users/18/" } }],
  ["the exact name outside the prefix", 403, {
    grant: { name: "users/17/a", prefix: "users/18/" },
  }],
  ["a name that looks the same but is composed otherwise", 403, {
    grant: { name: "\u00e9" },
    wanted: { name: "e\u0301" },
  }],
  ["`.` below a prefix", 403, { grant: { prefix: "a/" }, wanted: { name: "a/./b" } }],
  ["`..` at the end below a prefix", 403, { grant: { prefix: "" }, wanted: { name: "a/.." } }],
  ["the proxy's bucket, where the grant names another", 403, {
    grant: { prefix: "", bucket: "other" },
  }],
  ["any bucket, where nobody names one", 403, {
    grant: { prefix: "" },
    limits: { bucket: undefined },
  }],
  ["a type that only begins like the kind", 403, {
    grant: { prefix: "", contentTypes: ["image/*"] },
    wanted: { contentType: "imagemap/png" },
  }],
  ["a type that only begins like the type", 403, {
    grant: { prefix: "", contentTypes: ["image/png"] },
    wanted: { contentType: "image/png2" },
  }],
  ["any type, by an empty list", 403, { grant: { prefix: "", contentTypes: [] } }],
  ["a type that the proxy does not allow", 403, {
    grant: { prefix: "", contentTypes: ["image/png"] },
    limits: { contentTypes: ["video/*"] },
  }],
  ["what becomes `..` when it is decoded", 403, {
    grant: { prefix: "a/" },
    wanted: { name: "a/%2e%2e/b" },
  }],
  ["what becomes `..` when it is decoded three times", 403, {
    grant: { prefix: "a/" },
    wanted: { name: "a%25252f%25252e%25252e%25252fb".replace("a", "a/") },
  }],
  ["what is encoded without end", 403, {
    grant: { prefix: "" },
    wanted: { name: `%${"25".repeat(50)}2e` },
  }],
  ["two dots in one character (U+2025)", 403, {
    grant: { prefix: "a/" },
    wanted: { name: "a/\u2025/b" },
  }],
  ["`..` in full-width characters, between full-width slashes", 403, {
    grant: { prefix: "a" },
    wanted: { name: "a\uff0f\uff0e\uff0e\uff0fb" },
  }],
  ["`..` with a blank after it", 403, { grant: { prefix: "" }, wanted: { name: "a/.. /b" } }],
  ["a name that is read from right to left", 403, {
    grant: { prefix: "" },
    wanted: { name: "\u202egpj.exe" },
  }],
  ["a name with characters that are not seen", 403, {
    grant: { prefix: "" },
    wanted: { name: "a\u200bb" },
  }],
  ["a control character in a name, even the ticket's own", 403, {
    grant: { name: "a\u0007" },
    wanted: { name: "a\u0007" },
  }],
  ["a bucket that is none of the proxy's", 403, {
    grant: { prefix: "", bucket: "other" },
    limits: { buckets: ["my-bucket"] },
    wanted: { bucket: "other" },
  }],
  ...["svg+xml", "SVG+XML; x=y"].map((type): [string, number, Case] => [
    `what browsers run, by a wildcard: image/${type}`,
    403,
    { grant: { prefix: "", contentTypes: ["image/*"] }, wanted: { contentType: `image/${type}` } },
  ]),
  ...["application/xhtml+xml", "application/javascript", "application/xml", "application/rss+xml"]
    .map((contentType): [string, number, Case] => [
      `what browsers run, by a wildcard: ${contentType}`,
      403,
      { grant: { prefix: "", contentTypes: ["application/*"] }, wanted: { contentType } },
    ]),
  ...["text/html", "text/xml", "text/javascript", "text/x-ecmascript", "text/javascript1.5"].map((
    contentType,
  ): [string, number, Case] => [
    `what browsers run, by a wildcard: ${contentType}`,
    403,
    { grant: { prefix: "", contentTypes: ["text/*"] }, wanted: { contentType } },
  ]),
  ["a byte too many", 413, { grant: { prefix: "", maxBytes: 9 } }],
  ["a byte, by a limit of none", 413, { grant: { prefix: "", maxBytes: 0 }, wanted: { size: 1 } }],
  ["a byte too many for the proxy", 413, { grant: { prefix: "" }, limits: { maxBytes: 9 } }],
];
for (const [rule, status, given] of refused) {
  Deno.test(`a grant does not cover ${rule}`, () => {
    assertEquals(assertThrows(() => check(given), HttpError).status, status);
  });
}

const malformed: readonly [field: string, value: unknown][] = [
  ["subject", ""],
  ["bucket", "My Bucket"],
  ["name", ["a"]],
  ["prefix", null],
  ["maxBytes", NaN],
  ["maxBytes", Infinity],
  ["maxBytes", "10MB"],
  ["maxBytes", -1],
  ["maxBytes", 1.5],
  ["contentTypes", "image/*"],
  ["contentTypes", ["image"]],
  ["contentTypes", ["*/*"]],
  ["fields", ["acl"]],
  ["fields", ["metadata.firebaseStorageDownloadTokens"]],
  ["fields", ["metadata.Goog-Reserved-x"]],
  ["overwrite", "true"],
  ["metadata", []],
  ["metadata", { metadata: "abc" }],
  ["sessionTtl", 0],
  ["sessionTtl", 3.5],
  ["expires", "tomorrow"],
];
for (const [field, value] of malformed) {
  Deno.test(`a grant whose ${field} is ${JSON.stringify(value)} is an error that names the field`, () => {
    const error = assertThrows(() => readGrant({ prefix: "", [field]: value }), GrantError);
    assertEquals(error.field, field);
  });
}

for (const field of ["max_bytes", "maxbytes", "contentType", "toString", "__proto__"]) {
  Deno.test(`a grant with the field ${field}, which nobody knows, is an error`, () => {
    const grant = JSON.parse(`{"prefix":"","${field}":1}`);
    assertThrows(() => readGrant(grant), GrantError, field);
  });
}

Deno.test("a limit that a grant has from its class, or from another grant, holds", () => {
  class Tenant {
    prefix = "";
    get maxBytes() {
      return 10;
    }
  }
  assertEquals(readGrant(new Tenant()), { prefix: "", maxBytes: 10 });
  const derived = Object.assign(Object.create({ maxBytes: 10 }), { prefix: "" });
  assertEquals(readGrant(derived), { prefix: "", maxBytes: 10 });
});

for (const value of [undefined, null, "a", [], () => {}]) {
  Deno.test(`${typeof value === "object" ? JSON.stringify(value) : typeof value} is no grant`, () => {
    assertThrows(() => readGrant(value), TypeError, "grant: expected an object");
  });
}

for (const maxBytes of [NaN, "10MB"]) {
  Deno.test(`an \`authorize\` that answers with maxBytes: ${maxBytes} allows nothing`, async () => {
    const authorize = () => ({ prefix: "", maxBytes: maxBytes as number });
    const context = setup({ authorize, maxUploadBytes: 10 });
    const response = await ask(context, "?uploadType=media&name=a", { body: "x".repeat(11) });
    assertEquals([await outcome(response), context.sent.length], ["500 internalError", 0]);
    assertStringIncludes(context.log[0].error!, "grant.maxBytes");
  });
}

Deno.test("a subject is as short as what is sealed into each session has to be", () => {
  assertEquals(readGrant({ subject: "a".repeat(1024) }).subject?.length, 1024);
  assertThrows(() => readGrant({ subject: "ä".repeat(513) }), GrantError, "at most 1024 bytes");
});
