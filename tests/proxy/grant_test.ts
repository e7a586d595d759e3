import { assertEquals, assertThrows } from "@std/assert";
import { checkGrant, type UploadGrant, type UploadLimits } from "../../src/proxy/grant.ts";
import { HttpError } from "../../src/proxy/http_error.ts";

const LIMITS: UploadLimits = { bucket: "my-bucket", maxBytes: 1000, contentTypes: undefined };
const WANTED = { bucket: "my-bucket", name: "users/17/a", contentType: "image/png", size: 10 };

interface Case {
  readonly grant: UploadGrant;
  readonly limits?: Partial<UploadLimits>;
  readonly wanted?: Partial<Omit<typeof WANTED, "size">> & { size?: number };
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
  ["a byte too many", 413, { grant: { prefix: "", maxBytes: 9 } }],
  ["a byte, by a limit of none", 413, { grant: { prefix: "", maxBytes: 0 }, wanted: { size: 1 } }],
  ["a byte too many for the proxy", 413, { grant: { prefix: "" }, limits: { maxBytes: 9 } }],
];
for (const [rule, status, given] of refused) {
  Deno.test(`a grant does not cover ${rule}`, () => {
    assertEquals(assertThrows(() => check(given), HttpError).status, status);
  });
}
