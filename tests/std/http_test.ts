// The stand-ins for `@std/http` behave as the standard library does.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  isErrorStatus,
  isRedirectStatus,
  isStatus,
  isSuccessfulStatus,
  STATUS_CODE,
  STATUS_TEXT,
} from "@std/http";

Deno.test("a status has its number by name and its text by number", () => {
  assertEquals(STATUS_CODE.PermanentRedirect, 308);
  assertEquals(STATUS_TEXT[STATUS_CODE.PermanentRedirect], "Permanent Redirect");
  assertEquals(STATUS_TEXT[STATUS_CODE.NotFound], "Not Found");
  assertEquals(STATUS_TEXT[STATUS_CODE.URITooLong], "URI Too Long");
});

Deno.test("every named status has a text, and every text a name", () => {
  const codes = Object.values(STATUS_CODE).map(String).sort();
  assertEquals(Object.keys(STATUS_TEXT).sort(), codes);
});

Deno.test("a number without a name is no status of any kind", () => {
  assert(isStatus(200) && isSuccessfulStatus(201) && isRedirectStatus(308) && isErrorStatus(503));
  assertFalse(isStatus(299) || isSuccessfulStatus(299) || isErrorStatus(599));
  assertFalse(isSuccessfulStatus(308) || isRedirectStatus(404) || isErrorStatus(200));
});
