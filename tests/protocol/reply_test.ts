// What each reply of a session means, and what an error message may show of it.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { contentRangeProtocol } from "../../src/protocol/content_range/mod.ts";
import { describeReply, readRefusal, serverError } from "../../src/protocol/refusal.ts";
import type { ReplyHead } from "../../src/protocol/reply.ts";
import type { SessionQuestion } from "../../src/protocol/upload_protocol.ts";

const MiB = 1024 * 1024;

function reply(status: number, headers: Record<string, string> = {}, text = ""): ReplyHead {
  return { status, headers: new Headers(headers), text };
}

const GAP =
  "Invalid request.  According to the Content-Range header, the upload offset is 4 byte(s), which exceeds already uploaded size of 0 byte(s).";
const TEXT = { "content-type": "text/plain; charset=utf-8" };
const JSON_TYPE = { "content-type": "application/json; charset=UTF-8" };
const error = (code: number, reason: string, message: string) =>
  JSON.stringify({ error: { code, message, errors: [{ domain: "global", reason, message }] } });

const HIDDEN_RANGE =
  "expected a Range with the bytes stored, got none: a page sees it only where the bucket's CORS settings list Range " +
  "among their response headers";

const firstChunk: SessionQuestion = { asked: "chunk", persisted: 0, known: 0, sent: MiB };
const laterChunk: SessionQuestion = { asked: "chunk", persisted: MiB, known: MiB, sent: 2 * MiB };
const status: SessionQuestion = { asked: "status", persisted: MiB, known: MiB, sent: 2 * MiB };

const cases: [rule: string, reply: ReplyHead, question: SessionQuestion, expected: object][] = [
  ["308 with all of the chunk", reply(308, { range: `bytes=0-${MiB - 1}` }), firstChunk, {
    kind: "stored",
    persisted: MiB,
  }],
  [
    "308 with a short Range: the rest is to be sent again",
    reply(308, { range: "bytes=0-262143" }),
    firstChunk,
    { kind: "stored", persisted: 262144 },
  ],
  ["308 without Range on the first chunk: nothing is stored", reply(308), firstChunk, {
    kind: "stored",
    persisted: 0,
  }],
  ["308 without Range on a later chunk: ask, do not guess", reply(308), laterChunk, {
    kind: "gap",
  }],
  ["308 without Range on a status query that had more before", reply(308), status, {
    kind: "malformed",
    problem: `expected at least the ${MiB} bytes stored before, got 0`,
  }],
  ["308 without Range on the first status query", reply(308), {
    asked: "status",
    persisted: 0,
    known: 0,
    sent: MiB,
  }, { kind: "stored", persisted: 0 }],
  ["308 with a malformed Range", reply(308, { range: "bytes 0-9" }), firstChunk, {
    kind: "malformed",
    problem: 'expected a Range of the form "bytes=0-{last}", got "bytes 0-9"',
  }],
  ["308 with a Range that does not start at 0", reply(308, { range: "bytes=5-9" }), firstChunk, {
    kind: "malformed",
    problem: 'expected a Range of the form "bytes=0-{last}", got "bytes=5-9"',
  }],
  ["308 with more than was sent", reply(308, { range: `bytes=0-${MiB}` }), firstChunk, {
    kind: "malformed",
    problem: `expected at most the ${MiB} bytes sent so far, got ${MiB + 1}`,
  }],
  ["308 with less than was confirmed before", reply(308, { range: "bytes=0-9" }), laterChunk, {
    kind: "malformed",
    problem: `expected at least the ${MiB} bytes stored before, got 10`,
  }],
  [
    "308 with everything stored, not finished",
    reply(308, { range: `bytes=0-${2 * MiB - 1}` }),
    laterChunk,
    { kind: "stored", persisted: 2 * MiB },
  ],
  [
    "308 with the running hash",
    reply(308, { range: "bytes=0-8", "x-goog-running-hash": "crc32c=4waSgw==" }),
    firstChunk,
    { kind: "stored", persisted: 9, crc32c: "4waSgw==" },
  ],
  [
    "200 that overrides itself to 308",
    reply(200, { "x-http-status-code-override": "308", range: "bytes=0-262143" }),
    firstChunk,
    { kind: "stored", persisted: 262144 },
  ],
  [
    "200 that overrides itself to 308, nothing stored",
    reply(200, { "x-http-status-code-override": "308" }),
    firstChunk,
    { kind: "stored", persisted: 0 },
  ],
  ["200: the resource says what it shows", reply(200, JSON_TYPE, '{"name":"a"}'), firstChunk, {
    kind: "finished",
    isCertain: false,
  }],
  ["201 is success too", reply(201), firstChunk, { kind: "finished", isCertain: false }],
  ["204 is success too", reply(204), firstChunk, { kind: "finished", isCertain: false }],
  ["200 on a status query", reply(200, JSON_TYPE, '{"name":"a"}'), status, {
    kind: "finished",
    isCertain: false,
  }],
  [
    "308 to a page that sees no Range, behind stored bytes: nothing is known",
    { ...reply(308), crossOrigin: true },
    laterChunk,
    { kind: "malformed", problem: HIDDEN_RANGE },
  ],
  [
    "308 to a page that sees no Range, of an upload that is taken up and was told of stored bytes",
    { ...reply(308), crossOrigin: true },
    { asked: "status", persisted: 0, known: MiB, sent: Infinity },
    { kind: "malformed", problem: HIDDEN_RANGE },
  ],
  [
    "308 without Range whose running hash is that of some bytes",
    reply(308, { "x-goog-running-hash": "crc32c=4waSgw==" }),
    firstChunk,
    { kind: "malformed", problem: HIDDEN_RANGE },
  ],
  [
    "308 without Range whose running hash is that of nothing",
    reply(308, { "x-goog-running-hash": "crc32c=AAAAAA==" }),
    firstChunk,
    { kind: "stored", persisted: 0, crc32c: "AAAAAA==" },
  ],
  [
    "308 with the session's new URL",
    reply(308, { range: "bytes=0-9", location: "https://b.example/s" }),
    firstChunk,
    { kind: "stored", persisted: 10, url: "https://b.example/s" },
  ],
  [
    "308 with a new URL that would send bytes in the clear",
    reply(308, { range: "bytes=0-9", location: "http://b.example/s" }),
    firstChunk,
    { kind: "stored", persisted: 10 },
  ],
  ["503 as text about the Content-Range: a gap, not an outage", reply(503, TEXT, GAP), laterChunk, {
    kind: "gap",
  }],
  ["416", reply(416), laterChunk, { kind: "gap" }],
  [
    "503 as text about an earlier request",
    reply(503, TEXT, "The Content-Range conflicts with an earlier request."),
    laterChunk,
    { kind: "unavailable" },
  ],
  ["503 as JSON", reply(503, JSON_TYPE, error(503, "backendError", "content-range")), laterChunk, {
    kind: "unavailable",
  }],
  ...[408, 429, 500, 501, 502, 503, 504, 599].map((
    code,
  ): typeof cases[0] => [`${code}`, reply(code), laterChunk, { kind: "unavailable" }]),
  [
    "403 for a rate limit",
    reply(403, JSON_TYPE, error(403, "rateLimitExceeded", "slow down")),
    laterChunk,
    { kind: "unavailable" },
  ],
  [
    "403 for a user's rate limit, under a wrong content type",
    reply(403, TEXT, error(403, "userRateLimitExceeded", "slow down")),
    laterChunk,
    { kind: "unavailable" },
  ],
  [
    "403 for a quota that is spent for long",
    reply(403, JSON_TYPE, error(403, "dailyLimitExceeded", "tomorrow")),
    laterChunk,
    { kind: "rejected" },
  ],
  [
    "400 of the XML API for a wrong MD5",
    reply(400, {}, "<?xml version='1.0'?><Error><Code>BadDigest</Code></Error>"),
    laterChunk,
    { kind: "corrupt" },
  ],
  [
    "413 of a server that says how much it takes",
    reply(413, { "x-max-chunk-bytes": "1048576" }),
    laterChunk,
    { kind: "too_large", maxBytes: MiB },
  ],
  ["413 with nonsense in place of that", reply(413, { "x-max-chunk-bytes": "1e6" }), laterChunk, {
    kind: "rejected",
  }],
  ["403", reply(403, JSON_TYPE, error(403, "forbidden", "no")), laterChunk, { kind: "rejected" }],
  ["404", reply(404), laterChunk, { kind: "gone" }],
  ["410", reply(410), status, { kind: "gone" }],
  ["499 after a cancel", reply(499), status, { kind: "cancelled" }],
  ["412", reply(412, JSON_TYPE, error(412, "conditionNotMet", "no")), laterChunk, {
    kind: "precondition",
  }],
  ["304, empty", reply(304, JSON_TYPE), laterChunk, { kind: "precondition" }],
  [
    "400 for a wrong CRC32C",
    reply(
      400,
      JSON_TYPE,
      error(
        400,
        "invalid",
        'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "4waSgw==".',
      ),
    ),
    laterChunk,
    { kind: "corrupt" },
  ],
  [
    "400 for a wrong MD5 under a wrong content type",
    reply(
      400,
      { "content-type": "text/html" },
      error(400, "invalid", 'Provided MD5 hash "a" doesn\'t match calculated MD5 hash "b".'),
    ),
    laterChunk,
    { kind: "corrupt" },
  ],
  [
    "400",
    reply(400, TEXT, "Invalid request.  There were 3 byte(s) in the request body."),
    laterChunk,
    { kind: "rejected" },
  ],
  ...[401, 405, 409, 411, 413, 451].map((
    code,
  ): typeof cases[0] => [`${code}`, reply(code), laterChunk, { kind: "rejected" }]),
  ...[202, 206, 302, 307].map((
    code,
  ): typeof cases[0] => [`${code}`, reply(code), laterChunk, {
    kind: "malformed",
    problem: "expected 200, 201, 308 or an error",
  }]),
];

for (const [rule, given, question, expected] of cases) {
  Deno.test(`reading a session's reply: ${rule}`, () => {
    const actual = contentRangeProtocol.answer(given, question);
    assertEquals(JSON.parse(JSON.stringify(actual)), expected);
  });
}

Deno.test("a resumed session may hold more than this process has sent", () => {
  const question: SessionQuestion = { asked: "status", persisted: 0, known: 0, sent: Infinity };
  const actual = contentRangeProtocol.answer(reply(308, { range: "bytes=0-99" }), question);
  assertEquals(actual.kind === "stored" && actual.persisted, 100);
});

Deno.test("an opaque reply names the transport's redirect setting", () => {
  const refusal = readRefusal(reply(0));
  assertStringIncludes(refusal.kind === "malformed" ? refusal.problem : "", "redirect");
});

for (
  const [rule, given, expected] of [
    [
      "a Google error: reason and message",
      reply(412, JSON_TYPE, error(412, "conditionNotMet", "did not hold")),
      '412 "conditionNotMet: did not hold"',
    ],
    ["plain text", reply(503, TEXT, GAP.slice(0, 16)), '503 "Invalid request."'],
    ["a page: only the status", reply(502, { "content-type": "text/html" }, "<html>"), "502"],
    ["nothing", reply(499), "499"],
  ] as const
) {
  Deno.test(`an error message shows ${rule}`, () => assertEquals(describeReply(given), expected));
}

Deno.test("an error message shows no URL, no upload id, and never much", () => {
  const words = `see https://storage.googleapis.com/x?upload_id=SECRET1 or upload_id=SECRET2 ${
    "x".repeat(10_000)
  }`;
  const shown = describeReply(reply(400, TEXT, words));
  assertEquals(/SECRET/.test(shown), false);
  assertEquals(shown.length < 400, true);
});

const START = "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable";
for (
  const [rule, location, url, expected] of [
    ["an absolute URL", "https://a.example/s?upload_id=x", "", "https://a.example/s?upload_id=x"],
    ["a path", "/s?upload_id=x", "", "https://storage.googleapis.com/s?upload_id=x"],
    ["a path behind a redirect", "/s", "https://b.example/y", "https://b.example/s"],
    ["nothing", undefined, "", "got none"],
    ["no URL", "https://", "", "not a URL"],
    ["another kind of URL", "ftp://a.example/s", "", "one with ftp:"],
    ["a URL that would send bytes in the clear", "http://a.example/s", "", "one with http:"],
  ] as const
) {
  Deno.test(`a start that names ${rule} as its session: ${expected}`, () => {
    const headers: Record<string, string> = location === undefined ? {} : { location };
    const opened = contentRangeProtocol.opened({ ...reply(200, headers), url }, START);
    if (opened.kind === "opened") {
      assertEquals([opened.url, opened.granularity], [expected, 262144]);
    } else assertStringIncludes(opened.kind === "malformed" ? opened.problem : "", expected);
  });
}

Deno.test("a server may say how much it takes in one request", () => {
  const headers = { location: "https://a.example/s", "x-max-chunk-bytes": "1048576" };
  const opened = contentRangeProtocol.opened(reply(200, headers), START);
  assertEquals(opened.kind === "opened" && opened.maxRequestBytes, MiB);
});

Deno.test("on a machine of its own a session may be without TLS, as its start was", () => {
  const opened = contentRangeProtocol.opened(
    reply(200, { location: "http://127.0.0.1:1/s" }),
    "http://127.0.0.1:1/o",
  );
  assertEquals(opened.kind === "opened" && opened.url, "http://127.0.0.1:1/s");
});

Deno.test("the reason and the message of an error are read from Google's JSON and XML", () => {
  assertEquals(serverError(error(403, "forbidden", "no")), { reason: "forbidden", message: "no" });
  const xml =
    "<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code><Message>a &lt; b</Message></Error>";
  assertEquals(serverError(xml), { reason: "AccessDenied", message: "a < b" });
  const status = JSON.stringify({ error: { message: "m", status: "NOT_FOUND" } });
  assertEquals(serverError(status), { reason: "NOT_FOUND", message: "m" });
  const details = JSON.stringify({
    error: {
      message: "m",
      status: "RESOURCE_EXHAUSTED",
      details: [{}, { reason: "RATE_LIMIT_EXCEEDED" }],
    },
  });
  assertEquals(serverError(details)?.reason, "RATE_LIMIT_EXCEEDED");
  for (const text of ["", "<html>", "no", "null", '{"error":5}']) {
    assertEquals(serverError(text)?.reason, undefined);
  }
});
