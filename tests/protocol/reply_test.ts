import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  describeReply,
  NO_OBJECT,
  readRefusal,
  readSessionReply,
  type ReplyHead,
  type SessionQuestion,
} from "../../src/protocol/reply.ts";

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

const firstChunk: SessionQuestion = { asked: "chunk", persisted: 0, sent: MiB };
const laterChunk: SessionQuestion = { asked: "chunk", persisted: MiB, sent: 2 * MiB };
const status: SessionQuestion = { asked: "status", persisted: MiB, sent: 2 * MiB };

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
    kind: "misplaced",
  }],
  ["308 without Range on a status query that had more before", reply(308), status, {
    kind: "malformed",
    problem: `expected at least the ${MiB} bytes stored before, got 0`,
  }],
  ["308 without Range on the first status query", reply(308), {
    asked: "status",
    persisted: 0,
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
  ["200 with the object", reply(200, JSON_TYPE, '{"name":"a","size":"9"}'), firstChunk, {
    kind: "finished",
    object: { name: "a", size: "9" },
  }],
  ["201 with the object is success too", reply(201, JSON_TYPE, '{"name":"a"}'), firstChunk, {
    kind: "finished",
    object: { name: "a" },
  }],
  [
    "200 with the object under a wrong content type",
    reply(200, { "content-type": "text/html" }, '{"name":"a"}'),
    firstChunk,
    { kind: "finished", object: { name: "a" } },
  ],
  ["200 on a status query", reply(200, JSON_TYPE, '{"name":"a"}'), status, {
    kind: "finished",
    object: { name: "a" },
  }],
  [
    "200 of the XML API: the object is in the headers",
    reply(200, {
      "x-goog-stored-content-length": "9",
      "x-goog-generation": "17",
      "x-goog-metageneration": "1",
      "x-goog-hash": "crc32c=4waSgw==, md5=JfnnlDI7RTiF9RgfG2JNCw==",
      etag: '"e"',
    }),
    firstChunk,
    {
      kind: "finished",
      object: {
        size: "9",
        generation: "17",
        metageneration: "1",
        crc32c: "4waSgw==",
        md5Hash: "JfnnlDI7RTiF9RgfG2JNCw==",
        etag: '"e"',
      },
    },
  ],
  [
    "200 with a page that is no object",
    reply(200, { "content-type": "text/html" }, "<html>Log in to the hotel network"),
    firstChunk,
    {
      kind: "unproven",
      problem: NO_OBJECT,
    },
  ],
  ["200 with JSON that is no object", reply(200, JSON_TYPE, "[1]"), firstChunk, {
    kind: "unproven",
    problem: NO_OBJECT,
  }],
  [
    "an empty 200 that shows no object: it may come from something in between",
    reply(200),
    firstChunk,
    { kind: "unproven", problem: NO_OBJECT },
  ],
  ["503 as text about the Content-Range: a gap, not an outage", reply(503, TEXT, GAP), laterChunk, {
    kind: "misplaced",
  }],
  ["416", reply(416), laterChunk, { kind: "misplaced" }],
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
  ...[204, 206, 302, 307].map((
    code,
  ): typeof cases[0] => [`${code}`, reply(code), laterChunk, {
    kind: "malformed",
    problem: "expected 200, 201, 308 or an error",
  }]),
];

for (const [rule, given, question, expected] of cases) {
  Deno.test(`reading a session's reply: ${rule}`, () => {
    const actual = readSessionReply(given, question);
    assertEquals(JSON.parse(JSON.stringify(actual)), expected);
  });
}

Deno.test("a resumed session may hold more than this process has sent", () => {
  const question: SessionQuestion = { asked: "status", persisted: 0, sent: Infinity };
  const actual = readSessionReply(reply(308, { range: "bytes=0-99" }), question);
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
