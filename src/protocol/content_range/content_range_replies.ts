/** What replies to the requests of a session mean: `Location`, 308 and `Range`. */

import { parseHashes } from "../hashes.ts";
import { maxChunkBytes, quote, readRefusal, type Refusal } from "../refusal.ts";
import { isSuccess, type ReplyHead } from "../reply.ts";
import type { OpenedSession, SessionAnswer, SessionQuestion } from "../upload_protocol.ts";
import { PERMANENT_REDIRECT, storedBytes, UPLOAD_CHUNK_SIZE } from "./ranges.ts";

/** The CRC32C of no bytes, base64. */
const CRC32C_OF_NOTHING = "AAAAAA==";

/** Reads the session's URL out of the reply to a start. */
export function readOpened(reply: ReplyHead, startUrl: string): OpenedSession | Refusal {
  if (!isSuccess(reply.status)) return readRefusal(reply);
  const location = reply.headers.get("location");
  const expected = "expected the session URL in a Location header";
  const malformed = (actual: string): Refusal => ({
    kind: "malformed",
    problem: `${expected}, got ${actual}`,
  });
  if (!location) return malformed(reply.crossOrigin ? `none${hidden("Location")}` : "none");
  const base = reply.url || startUrl;
  const url = sessionUrl(location, base, startUrl);
  if (url === undefined) {
    return malformed(
      URL.canParse(location, base)
        ? `one with ${new URL(location, base).protocol}`
        : "one that is not a URL",
    );
  }
  return {
    kind: "opened",
    url,
    granularity: UPLOAD_CHUNK_SIZE,
    maxRequestBytes: maxChunkBytes(reply.headers),
  };
}

/**
 * The session URL that a `Location` names, which may be relative to `base`; none that would send bytes in the clear where the
 * request before, to `before`, did not.
 */
export function sessionUrl(
  location: string,
  base: string | undefined,
  before: string | undefined,
): string | undefined {
  if (!URL.canParse(location, base || undefined)) return undefined;
  const url = new URL(location, base || undefined);
  const mayBePlain = before !== undefined && before.startsWith("http:");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && mayBePlain)) return undefined;
  return URL.canParse(location) ? location : url.href;
}

/** Reads the reply to a chunk or to a status query. */
export function readAnswer(reply: ReplyHead, question: SessionQuestion): SessionAnswer {
  if (isResumeIncomplete(reply)) return readStored(reply, question);
  if (isSuccess(reply.status) || reply.status === 204) {
    return { kind: "finished", isCertain: false };
  }
  return readRefusal(reply);
}

/** 308; or 200 in its place, where the request asked for that because its sender cannot read a 308. */
export function isResumeIncomplete({ status, headers }: ReplyHead): boolean {
  return status === PERMANENT_REDIRECT ||
    (isSuccess(status) && headers.get("x-http-status-code-override") === "308");
}

function readStored(
  reply: ReplyHead,
  { asked, persisted, known, sent }: SessionQuestion,
): SessionAnswer {
  const malformed = (problem: string): Refusal => ({ kind: "malformed", problem });
  const range = reply.headers.get("range");
  const stored = storedBytes(range);
  if (stored === undefined) {
    return malformed(`expected a Range of the form "bytes=0-{last}", got ${quote(range ?? "")}`);
  }
  const { crc32c } = parseHashes(reply.headers.get("x-goog-running-hash"));
  if (range === null) {
    // The header may be missing although bytes are stored: a page does not see it, or a chunk's reply leaves it out.
    const storesBytes = crc32c !== undefined && crc32c !== CRC32C_OF_NOTHING;
    if (storesBytes || (reply.crossOrigin && known > 0)) {
      return malformed(`expected a Range with the bytes stored, got none${hidden("Range")}`);
    }
    if (asked === "chunk" && persisted > 0) return { kind: "gap" };
  }
  if (stored < persisted) {
    return malformed(`expected at least the ${persisted} bytes stored before, got ${stored}`);
  }
  if (stored > sent) {
    return malformed(`expected at most the ${sent} bytes sent so far, got ${stored}`);
  }
  const location = reply.headers.get("location");
  const url = location === null ? undefined : sessionUrl(location, reply.url, reply.url);
  return { kind: "stored", persisted: stored, crc32c, url };
}

/** Why a header may be missing that the server has sent. */
function hidden(header: string): string {
  return `: a page sees it only where the bucket's CORS settings list ${header} among their response headers`;
}
