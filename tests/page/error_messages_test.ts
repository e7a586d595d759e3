// What the page says of each error, in words for people, and what it does next.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { InvalidResponse, UploadError, type UploadErrorCode } from "@resumable-media/upload";
import { problemOf, problemOfStatus, TicketError } from "../../examples/page/error_messages.ts";
import { ERROR_CODES } from "../support/error_codes.ts";

const about = {
  settings: { maxBytes: 1_000_000, contentTypes: ["image/*", "application/pdf"] },
  file: { name: "a.exe", size: 2_000_000, type: "application/x-msdownload" },
};
const refusal = (status: number, message = "") =>
  problemOf(new InvalidResponse(new Response(null, { status }), message, "rejected"), about);

Deno.test("every error says what happened and what to do, in sentences without codes", () => {
  const errors: unknown[] = [
    ...ERROR_CODES.map((code) => new UploadError(code, "Cannot")),
    ...[undefined, 401, 500].map((status) => new TicketError(status)),
    new DOMException("", "NotReadableError"),
    new DOMException("", "NotFoundError"),
    new TypeError("x is not a function"),
    "a string",
  ];
  for (const error of errors) {
    const { what, advice } = problemOf(error, about);
    assertMatch(what, /^[A-Z].*\.$/);
    assertMatch(advice, /^[A-Z].*\.$/);
    assert(!/_|\b[45]\d\d\b/.test(what + advice), what + advice);
  }
});

Deno.test("a client that tells only a status gets the words that the library's errors get", () => {
  const gone = problemOf(new UploadError("session_gone", ""), about);
  assertEquals([404, 410].map(problemOfStatus), [gone, gone]);
  assertEquals(problemOfStatus(503), problemOf(new UploadError("unavailable", ""), about));
  const unreachable = problemOf(new UploadError("transport_failed", ""), about);
  assertEquals(problemOfStatus(undefined), unreachable);
  assertEquals(problemOfStatus(403), undefined);
});

Deno.test("the limits of the proxy are told with their numbers and names", () => {
  const large = refusal(413);
  assertStringIncludes(large.advice, "2.0 MB; up to 1.0 MB");
  const kind = refusal(403, 'The media type "application/x-msdownload" is not allowed');
  assertStringIncludes(kind.what, "application/x-msdownload");
  assertStringIncludes(kind.advice, "images and PDF");
  assertEquals([large.remedy, kind.remedy], ["none", "none"]);
});

Deno.test("another refusal starts again with a new ticket", () => {
  for (const status of [401, 403, 400]) assertEquals(refusal(status).remedy, "restart");
});

Deno.test("what may pass is tried again, what is lost starts again, a lost file is asked for", () => {
  const remedy = (code: UploadErrorCode) => problemOf(new UploadError(code, ""), about).remedy;
  assertEquals(remedy("transport_failed"), "retry");
  assertEquals(remedy("unavailable"), "retry");
  assertEquals(remedy("session_gone"), "restart");
  assertEquals(remedy("data_corruption"), "restart");
  assertEquals(remedy("source_changed"), "choose");
  assertEquals(problemOf(new DOMException("", "NotFoundError"), about).remedy, "choose");
});
