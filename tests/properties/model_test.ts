// The pure part, all of it: every state with every event, every question with every reply.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { UploadError } from "../../mod.ts";
import { contentRangeProtocol } from "../../src/protocol/content_range/mod.ts";
import type { ReplyHead } from "../../src/protocol/reply.ts";
import { storageObject } from "../../src/protocol/resources/storage_object.ts";
import {
  advance,
  NEW_SESSION,
  type SessionEvent,
  type SessionState,
} from "../../src/protocol/session_state.ts";
import type { SessionAnswer, SessionQuestion } from "../../src/protocol/upload_protocol.ts";
import { report } from "./support/property.ts";
import { QUANTUM as U } from "./support/sources.ts";

const url = "https://storage.googleapis.com/upload?upload_id=x";
const STATES: readonly SessionState[] = [
  NEW_SESSION,
  ...(["open", "interrupted", "done", "cancelled", "closed"] as const).map((kind) => ({
    kind,
    url,
    persisted: U,
  })),
];
const EVENTS: readonly SessionEvent[] = [
  { kind: "started", url },
  { kind: "resumed", url, persisted: U },
  { kind: "stored", persisted: 2 * U },
  { kind: "finished", size: 3 * U },
  { kind: "interrupted" },
  { kind: "cancelled" },
  { kind: "closed" },
];
/** Everything that may happen, and where it leads; as in docs/architecture.md. */
const EDGES: Record<string, string> = {
  "new started": "open 0",
  "new resumed": `interrupted ${U}`,
  "open stored": `open ${2 * U}`,
  "open finished": `done ${3 * U}`,
  "open interrupted": `interrupted ${U}`,
  "open cancelled": `cancelled ${U}`,
  "open closed": `closed ${U}`,
  "interrupted stored": `open ${2 * U}`,
  "interrupted finished": `done ${3 * U}`,
  "interrupted interrupted": `interrupted ${U}`,
  "interrupted cancelled": `cancelled ${U}`,
  "interrupted closed": `closed ${U}`,
};

Deno.test("a state changes only as the table of transitions says; done, cancelled and closed never do", () => {
  for (const state of STATES) {
    for (const event of EVENTS) {
      const expected = EDGES[`${state.kind} ${event.kind}`];
      if (expected === undefined) {
        const error = assertThrows(() => advance(state, event), UploadError);
        assertEquals(error.code, "invalid_state");
        continue;
      }
      const next = advance(state, event);
      assertEquals([`${next.kind} ${next.persisted}`, next.url], [expected, url]);
    }
  }
  report("every state with every event", STATES.length * EVENTS.length, { faults: 0 });
});

const STATUSES = [0, 200, 201, 202, 204, 206, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 408]
  .concat([409, 410, 411, 412, 413, 416, 429, 451, 499, 500, 501, 502, 503, 504, 507, 511, 599]);
const RANGES = [null, 0, 1, U - 1, U, U + 1, 2 * U, 2 * U + 7, 5 * U]
  .map((end) => end === null ? null : end === 0 ? "bytes=0-" : `bytes=0-${end - 1}`)
  .concat(["", "bytes=1-5", "bytes 0-5", "0-5", "bytes=0-5,7-9", "bytes=0-9007199254740991"])
  .concat(["bytes=0--1", "bytes=0-1e3", "bytes=*/5", "bytes=0-99999999999999999999"]);
const TYPES = ["text/plain; charset=utf-8", "application/json"];
const TEXTS = [
  "",
  "{}",
  "null",
  "[]",
  '"text"',
  "<html>",
  `{"kind":"storage#object","size":"${U}"}`,
  '{"error":{"code":403,"message":"x","errors":[{"reason":"rateLimitExceeded"}]}}',
  '{"error":{"code":400,"message":"Provided MD5 hash \\"a\\" doesn\'t match calculated MD5 hash"}}',
  "Invalid request.  According to the Content-Range header, the upload offset is 4 byte(s)",
  "According to the Content-Range of an earlier request",
];
const HASHES = [null, "crc32c=AAAAAA==", "crc32c=", "md5=x,crc32c=AAAAAA==", "nonsense"];
const QUESTIONS: readonly SessionQuestion[] = (["chunk", "status"] as const).flatMap((asked) =>
  [[0, 0], [0, U], [0, 2 * U + 7], [U, U], [U, 2 * U], [2 * U, Infinity]].map((
    [persisted, sent],
  ) => ({ asked, persisted, known: persisted, sent }))
);

function* replies(): Generator<ReplyHead> {
  for (const status of STATUSES) {
    for (const range of RANGES) {
      for (const type of TYPES) {
        for (const override of [false, true]) {
          const headers = new Headers({ "content-type": type });
          if (range !== null) headers.set("range", range);
          if (override) headers.set("x-http-status-code-override", "308");
          for (const text of TEXTS) yield { status, headers, text };
        }
      }
    }
  }
  for (const hash of HASHES) {
    for (const range of [null, `bytes=0-${U - 1}`]) {
      for (const crossOrigin of [false, true]) {
        const headers = new Headers();
        if (range !== null) headers.set("range", range);
        if (hash !== null) headers.set("x-goog-running-hash", hash);
        yield { status: 308, headers, text: "", crossOrigin };
      }
    }
  }
}

/** What a 308 says: of a chunk's without Range, that only a status query can tell. */
function kindOfIncomplete(reply: ReplyHead, question: SessionQuestion): SessionAnswer["kind"] {
  const { asked, persisted, known, sent } = question;
  const range = reply.headers.get("range");
  const hash = reply.headers.get("x-goog-running-hash") ?? "";
  // The header may be hidden from a page: bytes are stored of which it does not say so.
  const isHidden = /crc32c=(?!AAAAAA==)\w/.test(hash) || (reply.crossOrigin && known > 0);
  if (range === null && isHidden) return "malformed";
  if (range === null && asked === "chunk" && persisted > 0) return "gap";
  const digits = range === null ? "-1" : /^(?:bytes=)?0-(\d+)$/.exec(range)?.[1];
  const stored = Number(digits ?? NaN) + 1;
  return Number.isSafeInteger(stored) && stored >= persisted && stored <= sent
    ? "stored"
    : "malformed";
}

/** What any reading of a reply must keep to; written from the protocol, not from the reader. */
function check(reply: ReplyHead, question: SessionQuestion, meaning: SessionAnswer): void {
  const { status, headers, text } = reply;
  const success = status === 200 || status === 201;
  const incomplete = status === 308 || (success && headers.has("x-http-status-code-override"));
  const range = headers.get("range");
  if (incomplete) assertEquals(meaning.kind, kindOfIncomplete(reply, question));
  switch (meaning.kind) {
    case "stored": {
      assert(incomplete, "only a 308 says what is stored");
      const said = range?.replace("bytes=", "") ?? null;
      assertEquals(said, meaning.persisted === 0 ? null : `0-${meaning.persisted - 1}`);
      assert(meaning.persisted >= question.persisted, "confirmed bytes cannot be lost");
      assert(meaning.persisted <= question.sent, "more cannot be stored than was sent");
      const unproven = question.asked === "chunk" && question.persisted > 0 && range === null;
      assert(!unproven, "a chunk's reply without Range proves nothing");
      return;
    }
    case "finished":
      assert((success || status === 204) && !incomplete, "only a success finishes");
      assertEquals(
        storageObject.read(reply),
        text.includes("storage#object") ? JSON.parse(text) : undefined,
        "only an object is one",
      );
      return;
    case "gone":
      return assert(status === 404 || status === 410);
    case "cancelled":
      return assertEquals(status, 499);
    case "precondition":
      return assert(status === 412 || status === 304);
    case "corrupt":
      return assert(status === 400 && text.includes("match calculated"));
    case "unavailable":
      return assert(
        status === 408 || status === 429 || status >= 500 ||
          (status === 403 && text.includes("rateLimitExceeded")),
      );
    case "gap":
      return assert(
        status === 416 || (status === 503 && text.includes("upload offset")) ||
          (incomplete && question.asked === "chunk" && range === null && question.persisted > 0),
      );
    case "refused":
    case "too_large":
    case "no_result":
      throw new Error(`${meaning.kind} is no meaning of these replies`);
    case "rejected":
      return assert(status >= 400 && status <= 499, "only a 4xx rejects");
    case "malformed":
      return assert(
        incomplete || success || status < 400 || status > 599,
        "errors of HTTP are no malformed replies",
      );
  }
}

Deno.test("every reply to every question has the meaning that the protocol gives it", () => {
  let count = 0;
  for (const reply of replies()) {
    for (const question of QUESTIONS) {
      count++;
      try {
        check(reply, question, contentRangeProtocol.answer(reply, question));
      } catch (error) {
        const shown = { ...reply, headers: [...reply.headers] };
        throw new Error(`${JSON.stringify({ shown, question })}: ${(error as Error).message}`);
      }
    }
  }
  report("every reply to every question", count, { faults: 0 });
});
