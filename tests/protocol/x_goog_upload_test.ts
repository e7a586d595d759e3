// The requests of `X-Goog-Upload`, and what its replies mean: the status header comes before the status code.

import { assertEquals } from "@std/assert";
import { xGoogUpload } from "../../mod.ts";
import type { ReplyHead } from "../../src/protocol/reply.ts";
import type { SessionQuestion } from "../../src/protocol/upload_protocol.ts";

const START = "https://api.example/upload/files";
const SESSION = "https://api.example/upload/files?upload_id=1&upload_protocol=resumable";

/** A reply; `said` is its `X-Goog-Upload-Status`. */
function reply(
  status: number,
  said: string | undefined,
  more: Record<string, string> = {},
  text = "",
): ReplyHead {
  const headers = new Headers({ ...(said !== undefined && { "x-goog-upload-status": said }) });
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  return { status, headers, text, url: SESSION };
}

const received = (bytes: number | string) => ({ "x-goog-upload-size-received": String(bytes) });
const chunk: SessionQuestion = { asked: "chunk", persisted: 10, known: 10, sent: 30, end: 20 };
const early: SessionQuestion = { ...chunk, end: undefined };
const query: SessionQuestion = { asked: "status", persisted: 10, known: 10, sent: 30 };
const said = (reason: string) =>
  JSON.stringify({ error: { code: 403, message: "m", errors: [{ reason }] } });

/** What a reply means, without its sentence. */
function meaning(reply: ReplyHead, question: SessionQuestion): string {
  const answer = xGoogUpload.answer(reply, question);
  if (answer.kind === "stored") return `stored ${answer.persisted}`;
  if (answer.kind === "finished") return answer.isCertain ? "finished" : "perhaps finished";
  return answer.kind;
}

const FATAL = [401, 403, 405, 406, 413, 415, 418, 451, 501, 505, 511];
const ASK = [400, 408, 409, 412, 416, 429, 499, 500, 502, 503, 504];

for (const [what, question] of [["a chunk", chunk], ["a query", query]] as const) {
  for (const status of ASK) {
    for (const word of ["active", undefined]) {
      Deno.test(`${what}: ${status} with the status ${word} is asked about`, () => {
        assertEquals(meaning(reply(status, word), question), "unavailable");
      });
    }
  }
  for (const status of FATAL) {
    for (const word of ["active", undefined]) {
      Deno.test(`${what}: ${status} with the status ${word} ends the upload`, () => {
        assertEquals(meaning(reply(status, word), question), "refused");
      });
    }
  }
  for (const status of [404, 410]) {
    Deno.test(`${what}: ${status} without a final word means that the session is gone`, () => {
      assertEquals(meaning(reply(status, undefined), question), "gone");
      assertEquals(meaning(reply(status, "active"), question), "gone");
    });
  }
  for (const status of [200, 201, 204]) {
    const expected = question === query ? "finished" : "perhaps finished";
    Deno.test(`${what}: final with ${status} is ${expected}, if its result cannot be read`, () => {
      assertEquals(meaning(reply(status, "final"), question), expected);
      assertEquals(meaning(reply(status, " Final "), question), expected);
      assertEquals(meaning(reply(status, "final", received(5)), question), expected);
    });
  }
  for (
    const status of [...FATAL, ...ASK, 404, 410, 302, 308].filter((s) => ![412, 499].includes(s))
  ) {
    Deno.test(`${what}: final with ${status} is refused for good`, () => {
      assertEquals(meaning(reply(status, "final"), question), "refused");
      const limit = reply(status, "final", {}, said("rateLimitExceeded"));
      assertEquals(meaning(limit, question), "refused");
    });
  }
  Deno.test(`${what}: final with 412 is the precondition, and with a checksum's 400 the damage`, () => {
    assertEquals(meaning(reply(412, "final"), question), "precondition");
    const damaged = reply(400, "final", {}, said("BadDigest"));
    assertEquals(meaning(damaged, question), "corrupt");
  });
  for (const status of [200, 400, 410, 500]) {
    Deno.test(`${what}: cancelled with ${status} is cancelled`, () => {
      assertEquals(meaning(reply(status, "cancelled"), question), "cancelled");
    });
  }
  for (const status of [200, 400, 503]) {
    for (const word of ["paused", "", "active, final"]) {
      Deno.test(`${what}: ${status} with the unknown status "${word}" is fatal`, () => {
        assertEquals(meaning(reply(status, word), question), "malformed");
      });
    }
  }
  Deno.test(`${what}: a success without the status header says nothing, whatever its body is`, () => {
    assertEquals(meaning(reply(200, undefined), question), "no_result");
    assertEquals(meaning(reply(200, undefined, received(20), "{}"), question), "no_result");
    assertEquals(meaning(reply(201, undefined, {}, '{"name":"x"}'), question), "no_result");
  });
  Deno.test(`${what}: active with a size is that much, within what is possible`, () => {
    for (
      const [size, expected] of [[10, "stored 10"], [20, "stored 20"], [30, "stored 30"]] as const
    ) {
      assertEquals(meaning(reply(200, "active", received(size)), question), expected);
    }
    for (const size of [9, 31, -1, "x", "1e1", "99999999999999999999", "", "10, 10"]) {
      assertEquals(meaning(reply(200, "active", received(size)), question), "malformed");
    }
  });
  for (const reason of ["rateLimitExceeded", "userRateLimitExceeded"]) {
    Deno.test(`${what}: 403 ${reason} without a final word may pass`, () => {
      for (const word of ["active", undefined]) {
        assertEquals(meaning(reply(403, word, {}, said(reason)), question), "unavailable");
      }
    });
  }
  for (const reason of ["dailyLimitExceeded", "quotaExceeded", "forbidden", "RateLimitExceeded"]) {
    Deno.test(`${what}: 403 ${reason} does not pass`, () => {
      assertEquals(meaning(reply(403, "active", {}, said(reason)), question), "refused");
    });
  }
}

Deno.test("active without a size: a chunk that was taken whole is stored, to its own end", () => {
  assertEquals(meaning(reply(200, "active"), chunk), "stored 20");
});

Deno.test("active without a size: where not all of the chunk was taken, it is asked", () => {
  assertEquals(meaning(reply(200, "active"), early), "no_result");
});

Deno.test("active without a size: a query says nothing by it", () => {
  assertEquals(meaning(reply(200, "active"), query), "malformed");
});

/** What the reply to a start means. */
function openedBy(
  status: number,
  word: string | undefined,
  more: Record<string, string> = { "x-goog-upload-url": SESSION },
  text = "",
): string | object {
  const opened = xGoogUpload.opened({ ...reply(status, word, more, text), url: "" }, START);
  return opened.kind === "opened" ? [opened.url, opened.granularity] : opened.kind;
}

Deno.test("start: an active session with its URL is open; without a granularity any size goes", () => {
  assertEquals(openedBy(200, "active"), [SESSION, 1]);
  assertEquals(openedBy(200, "ACTIVE"), [SESSION, 1]);
});

for (
  const [value, granularity] of [["262144", 262144], ["10000", 10000], ["1", 1], [" 256 ", 256]]
) {
  Deno.test(`start: the granularity "${value}" is ${granularity}`, () => {
    const headers = {
      "x-goog-upload-url": SESSION,
      "x-goog-upload-chunk-granularity": String(value),
    };
    assertEquals(openedBy(200, "active", headers), [SESSION, granularity]);
  });
}

for (const value of ["0", "-1", "x", "1.5", ""]) {
  Deno.test(`start: the granularity "${value}" is none`, () => {
    const headers = { "x-goog-upload-url": SESSION, "x-goog-upload-chunk-granularity": value };
    assertEquals(openedBy(200, "active", headers), [SESSION, 1]);
  });
}

for (const status of [408, 409, 429, 499, 500, 502, 503, 504]) {
  Deno.test(`start: after ${status} it is sent again`, () => {
    assertEquals(openedBy(status, undefined, {}), "unavailable");
    assertEquals(openedBy(status, "active", {}), "unavailable");
  });
}

for (const reason of ["rateLimitExceeded", "userRateLimitExceeded"]) {
  Deno.test(`start: after 403 ${reason} it is sent again`, () => {
    assertEquals(openedBy(403, undefined, {}, said(reason)), "unavailable");
  });
}

Deno.test("start: a success that has lost a header is sent again", () => {
  assertEquals(openedBy(200, undefined), "unavailable");
  assertEquals(openedBy(200, "active", {}), "unavailable");
});

Deno.test("start: final, cancelled and another word end it", () => {
  assertEquals(openedBy(200, "final"), "refused");
  assertEquals(openedBy(503, "Final"), "refused");
  assertEquals(openedBy(200, "cancelled"), "refused");
  assertEquals(openedBy(200, "paused"), "malformed");
});

for (const status of [400, 401, 403, 405, 413, 415]) {
  Deno.test(`start: ${status} is final`, () => {
    assertEquals(openedBy(status, undefined, {}), "rejected");
  });
}

for (
  const [url, expected] of [
    ["/s?upload_id=1", ["https://api.example/s?upload_id=1", 1]],
    ["https://other.example/s", ["https://other.example/s", 1]],
    ["http://api.example/s", "malformed"],
    ["ftp://api.example/s", "malformed"],
    ["https://", "malformed"],
  ] as const
) {
  Deno.test(`start: the session URL ${url}`, () => {
    assertEquals(openedBy(200, "active", { "x-goog-upload-url": url }), expected);
  });
}

/** The headers that a protocol adds, as an object. */
const shown = (headers: Headers) => Object.fromEntries(headers);

Deno.test("a start has the protocol, the command, the type, and the size where it is known", () => {
  const input = {
    method: "PATCH",
    url: START,
    headers: new Headers({ a: "b" }),
    metadata: '{"name":"x"}',
    contentType: "image/png",
    total: 7,
  } as const;
  const start = xGoogUpload.start(input);
  assertEquals([start.method, start.url], ["PATCH", START]);
  assertEquals(shown(start.headers), {
    a: "b",
    "content-type": "application/json; charset=UTF-8",
    "x-goog-upload-command": "start",
    "x-goog-upload-header-content-length": "7",
    "x-goog-upload-header-content-type": "image/png",
    "x-goog-upload-protocol": "resumable",
  });
  const bare = xGoogUpload.start({ ...input, metadata: undefined, total: undefined });
  assertEquals(shown(bare.headers), {
    a: "b",
    "x-goog-upload-command": "start",
    "x-goog-upload-header-content-type": "image/png",
    "x-goog-upload-protocol": "resumable",
  });
});

for (
  const [what, offset, size, last, command] of [
    ["a chunk", 0, 5, false, "upload"],
    ["the last one", 5, 5, true, "upload, finalize"],
    ["all at once", 0, 5, true, "upload, finalize"],
    ["nothing at all", 0, 0, true, "upload, finalize"],
    ["no more bytes", 5, 0, true, "finalize"],
  ] as const
) {
  Deno.test(`${what} has the command "${command}" and its offset, and no total`, () => {
    const head = xGoogUpload.chunk({
      url: SESSION,
      headers: new Headers(),
      contentType: "image/png",
      offset,
      size,
      total: 10,
      last,
      hash: undefined,
    });
    assertEquals([head.method, head.url], ["POST", SESSION]);
    assertEquals(shown(head.headers), {
      "x-goog-upload-command": command,
      "x-goog-upload-offset": String(offset),
    });
  });
}

Deno.test("a query and a cancellation are a command and nothing else", () => {
  const given = new Headers({ "x-goog-upload-command": "upload" });
  for (
    const [head, command] of [
      [xGoogUpload.status(SESSION, given), "query"],
      [xGoogUpload.cancel(SESSION, given), "cancel"],
    ] as const
  ) {
    assertEquals([head.method, head.url], ["POST", SESSION]);
    assertEquals(shown(head.headers), { "x-goog-upload-command": command });
  }
  assertEquals(given.get("x-goog-upload-command"), "upload", "the caller's headers are untouched");
});

for (
  const [status, word, expected] of [
    [200, "cancelled", true],
    [200, "Cancelled", true],
    [410, undefined, true],
    [404, undefined, true],
    [499, undefined, true],
    [200, undefined, false],
    [200, "active", false],
    [400, "final", false],
    [503, undefined, false],
  ] as const
) {
  Deno.test(`a cancellation answered by ${status} ${word}: ${expected}`, () => {
    assertEquals(xGoogUpload.isCancelled(reply(status, word)), expected);
  });
}
