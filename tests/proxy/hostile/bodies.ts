// Hostile requests with bodies that do not end, end too early, or are not what was said.

import { ask, bearer, inPieces, multipart } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

const KIB = 1024;
const SMALL = { maxChunkBytes: 256 * KIB };
const endless = () =>
  new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(64 * KIB)),
  }, { highWaterMark: 0 });
const pieces = (text: string) => inPieces(new TextEncoder().encode(text), 3);

const put = (body: () => BodyInit, headers: Record<string, string> = {}) => {
  return async (target: Target): Promise<Response> => {
    const url = await started(target, { grant: { prefix: "", maxBytes: 400 * KIB } });
    return await ask(target, url, { method: "PUT", body: body(), headers });
  };
};

const framed = (body: string, type = "multipart/related; boundary=frame") => (target: Target) =>
  ask(target, "?uploadType=multipart", { body, headers: { "content-type": type } });
const good = multipart({ name: "a" }, "media").body;

/** A chunk's head for a socket, without what says how long its body is. */
const head = async (target: Target): Promise<string> => {
  const { pathname, search } = new URL(await started(target));
  return `PUT ${pathname}${search} HTTP/1.1\r\nHost: proxy.example\r\nConnection: close\r\n`;
};
const CHUNKED = "Transfer-Encoding: chunked\r\n";

const smuggling: readonly [attack: string, rest: string][] = [
  [
    "`Content-Length` and `Transfer-Encoding` at once",
    `Content-Length: 1\r\n${CHUNKED}\r\n5\r\n12345\r\n0\r\n\r\n`,
  ],
  ["two lengths", "Content-Length: 5\r\nContent-Length: 1\r\n\r\n12345"],
  ["`Content-Length: +5`", "Content-Length: +5\r\n\r\n12345"],
  ["`Transfer-Encoding: xchunked`", "Transfer-Encoding: xchunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n"],
];

const broken: readonly [attack: string, rest: string][] = [
  ["a client that goes away in a body with a length", "Content-Length: 10\r\n\r\n12345"],
  ["a client that goes away in a chunked body", `${CHUNKED}\r\n5\r\n12345\r\n`],
  [
    "a client that goes away where the end of the body is the end of the object",
    `Content-Range: bytes 0-*/*\r\n${CHUNKED}\r\n5\r\n12345\r\n`,
  ],
];

/** Bodies that do not end, end too early, or are not what was said. */
export const bodies: readonly Hostile[] = [
  {
    attack: "endless metadata",
    answer: "413 uploadTooLarge",
    run: (target) => ask(target, "?uploadType=resumable&name=a", { body: endless() }),
  },
  {
    attack: "an endless object in one request",
    answer: "413 uploadTooLarge",
    google: "object",
    options: SMALL,
    run: (target) => ask(target, "?uploadType=media&name=a", { body: endless() }),
  },
  {
    attack: "an endless chunk",
    answer: "413 uploadTooLarge",
    google: "start, chunk",
    options: SMALL,
    run: put(endless),
  },
  {
    attack: "an endless chunk with an open range",
    answer: "413 uploadTooLarge",
    google: "start, chunk",
    options: SMALL,
    run: put(endless, { "content-range": "bytes 0-*/*" }),
  },
  {
    attack: "a chunk larger than `MAX_CHUNK_BYTES`",
    answer: "413 uploadTooLarge",
    google: "start",
    options: SMALL,
    run: put(() => new Uint8Array(257 * KIB), {
      "content-range": `bytes 0-${257 * KIB - 1}/*`,
      "content-length": `${257 * KIB}`,
    }),
  },
  {
    attack: "more than the ticket allows, without saying so",
    answer: "413 uploadTooLarge",
    google: "object",
    run: (target) =>
      ask(target, "?uploadType=media&name=a", {
        grant: { prefix: "", maxBytes: 10 },
        body: pieces("eleven byte"),
      }),
  },
  {
    attack: "more chunked bytes than `bytes 0-4/5` says",
    answer: "400 invalid",
    google: "start, chunk",
    run: put(() => pieces("1234567890"), { "content-range": "bytes 0-4/5" }),
  },
  {
    attack: "fewer chunked bytes than `bytes 0-9/10` says",
    answer: "400 invalid",
    google: "start, chunk",
    run: put(() => pieces("12345"), { "content-range": "bytes 0-9/10" }),
  },
  {
    attack: "`Content-Length: 5e9`",
    answer: "400 invalid",
    google: "start",
    run: put(() => "12345", { "content-length": "5e9" }),
  },
  ...smuggling.map(([attack, rest]) => ({
    attack,
    answer: "400",
    google: "start",
    run: async (target: Target) => await target.overSocket(await head(target) + rest),
  })),
  ...broken.map(([attack, rest]) => ({
    attack,
    answer: "503 backendError",
    google: "start, chunk",
    run: async (target: Target) => await target.goAway(await head(target) + rest),
  })),
  {
    attack: "a client that goes away in an object in one request",
    answer: "503 backendError",
    google: "object",
    run: async (target) =>
      await target.goAway(
        "POST /upload/storage/v1/b/my-bucket/o?uploadType=media&name=a HTTP/1.1\r\n" +
          `Host: proxy.example\r\nAuthorization: ${await bearer()}\r\n${CHUNKED}\r\n5\r\n12345\r\n`,
      ),
  },
  {
    attack: "multipart without its closing delimiter",
    answer: "400 invalid",
    google: "object",
    run: framed(good.replace("\r\n--frame--\r\n", "")),
  },
  {
    attack: "multipart with three parts",
    answer: "400 invalid",
    google: "object",
    run: framed(good.replace("--frame--", "--frame\r\n\r\nthird\r\n--frame--")),
  },
  {
    attack: "multipart with bytes after its end",
    answer: "400 invalid",
    google: "object",
    run: framed(`${good}${good}`),
  },
  {
    attack: "multipart that ends before its media",
    answer: "400 invalid",
    run: framed(good.slice(0, 60)),
  },
  {
    attack: "multipart without a boundary",
    answer: "400 invalid",
    run: framed(good, "multipart/related"),
  },
  {
    attack: "multipart with a boundary of 71 characters",
    answer: "400 invalid",
    run: framed(good, `multipart/related; boundary=${"x".repeat(71)}`),
  },
  {
    attack: "media that holds a whole second upload",
    answer: "200",
    google: "object",
    stored: `a (${new TextEncoder().encode(good.replaceAll("frame", "other")).length})`,
    run: (target) =>
      ask(
        target,
        "?uploadType=multipart",
        multipart({ name: "a" }, good.replaceAll("frame", "other")),
      ),
  },
];
