// No parser gets slow faster than its input gets long. The only rules here that look at a clock, with a generous factor.

import { checkKey } from "../../src/auth/service_account.ts";
import { readHashHeader } from "../../src/emulator/storage/checksums.ts";
import { readContentRange } from "../../src/emulator/json/content_range_header.ts";
import { readFields } from "../../src/emulator/json/fields.ts";
import {
  boundaryOf,
  readMultipart as readGoogles,
} from "../../src/emulator/json/multipart_parser.ts";
import { isMediaType } from "../../src/protocol/media_type.ts";
import { storedBytes } from "../../src/protocol/content_range/ranges.ts";
import { parseHashes } from "../../src/protocol/hashes.ts";
import { describeReply, serverError } from "../../src/protocol/refusal.ts";
import { uploadTypeOf } from "../../src/protocol/upload_url.ts";
import { parseChunkRange } from "../../src/proxy/chunk_range.ts";
import { readMultipart } from "../../src/proxy/multipart_media.ts";
import { proxyOptions } from "../../src/worker.ts";
import { asyncPieces, defaultStream, pieces } from "../support/bytes.ts";
import { expectLinear } from "./support/linear.ts";

/** A long text of `unit` between `head` and `tail`. */
const filled = (head: string, unit: string, tail = "") => (size: number) =>
  head + unit.repeat(Math.ceil(size / unit.length)) + tail;

const FRAME = "--frame\r\ncontent-type: application/json\r\n\r\n{}\r\n--frame\r\n";

async function throughProxy(text: string, piece: number, most: number): Promise<void> {
  const body = defaultStream(pieces(new TextEncoder().encode(text), piece));
  const headers = { "content-type": "multipart/related; boundary=frame" };
  const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
  const { media } = await readMultipart(new Request("https://x.example", init), most);
  await media.pipeTo(new WritableStream());
}

async function throughEmulator(text: string, piece: number): Promise<void> {
  const body = asyncPieces(pieces(new TextEncoder().encode(text), piece));
  await readGoogles(body, "frame", () => ({ write() {} }));
}

const serverSays = (text: string) =>
  describeReply({ status: 400, headers: new Headers({ "content-type": "text/plain" }), text });

const CASES: [
  parser: string,
  size: number,
  make: (size: number) => string,
  parse: (text: string) => unknown,
][] = [
  ["Content-Range of the proxy", 8192, filled("bytes ", "1", "-"), parseChunkRange],
  ["Content-Range of the emulator", 8192, filled("bytes 1-", "2", "/x"), readContentRange],
  ["Range", 8192, filled("bytes=0-", "9", "x"), storedBytes],
  ["Range in blanks", 8192, filled(" ", " ", "x"), storedBytes],
  ["media type with blanks", 128, filled("a/b", "; ", "\x01"), isMediaType],
  ["media type with parameters", 128, filled("a/b", ";a=b", "\x01"), isMediaType],
  ["media type with a quoted parameter", 128, filled('a/b;a="', "\\a", "\x01"), isMediaType],
  ["x-goog-hash with blanks", 8192, filled("crc32c=AAAA", " ", "x"), parseHashes],
  ["x-goog-hash with commas", 8192, filled("", ",crc32c=A"), parseHashes],
  ["x-goog-hash of the emulator", 8192, filled("crc32c=a", " ", "x"), readHashHeader],
  ["boundary with parameters", 8192, filled("multipart/related", "; boundary"), boundaryOf],
  ["boundary with blanks", 8192, filled("multipart/related;", " ", "x"), boundaryOf],
  ["fields", 8192, filled("", "a,"), readFields],
  ["fields with parentheses", 256, filled("", "a("), readFields],
  ["upload URL", 8192, filled("https://x.example/?", "a=b&"), uploadTypeOf],
  ["error of a server", 65_536, filled("", "http://a "), serverSays],
  ["XML error of a server", 65_536, filled("<Error><Code>", "<Code>"), serverError],
  [
    "XML error of a server with entities",
    65_536,
    filled("<Code>", "&amp;", "</Code>"),
    serverError,
  ],
  ["error of a server with a word", 65_536, filled("upload_id=", "a"), serverSays],
  ["error of a server with a scheme", 65_536, filled("", "a."), serverSays],
  ["error of a server with blanks", 65_536, filled("x", " ", "x"), serverSays],
  [
    "service account key with backslashes",
    8192,
    (size) => JSON.stringify({ client_email: "a@b", private_key: "\\".repeat(size) }),
    (text) => checkKey(text),
  ],
  [
    "service account key with beginnings",
    8192,
    filled("", "-----BEGIN PRIVATE KEY-----"),
    (text) => checkKey({ client_email: "a@b", private_key: text }),
  ],
  [
    "settings with commas",
    8192,
    filled("https://a.example", " , "),
    (text) => proxyOptions({ GOOGLE_AUTH: "metadata", SESSION_SECRET: text, TICKET_SECRET: text }),
  ],
  [
    "multipart of the proxy, a header with blanks",
    8192,
    (size) => `${FRAME}content-type: x${" ".repeat(size)}y\r\n\r\nhello\r\n--frame--`,
    (text) => throughProxy(text, 65_536, 65_536),
  ],
  [
    "multipart of the proxy, byte by byte",
    4096,
    (size) => `${FRAME}\r\n${"\r\n--fram".repeat(size / 8)}\r\n--frame--`,
    (text) => throughProxy(text, 1, 65_536),
  ],
  [
    "multipart of the emulator, byte by byte",
    4096,
    (size) => `${FRAME}\r\n${"\r\n--fram".repeat(size / 8)}\r\n--frame--`,
    (text) => throughEmulator(text, 1),
  ],
  [
    "multipart of the emulator, a long line",
    4096,
    (size) => `${FRAME}${"a".repeat(size)}\r\n\r\n`,
    (text) => throughEmulator(text, 1),
  ],
  [
    "multipart of the emulator, headers in one piece",
    8192,
    (size) => `${FRAME}${"a: b\r\n".repeat(size / 6)}\r\nx\r\n--frame--`,
    (text) => throughEmulator(text, 1e6),
  ],
];

for (const [parser, size, make, parse] of CASES) {
  Deno.test(`eight times the input takes not much more than eight times the time: ${parser}`, () =>
    expectLinear(parser, size, make, parse));
}
