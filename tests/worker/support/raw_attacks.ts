// Requests that no client library would write, as bytes for a socket: each is for an upload of `hello` by tus.

/** What an attack is made with. */
export interface RawTarget {
  /** The path and query of the upload. */
  readonly session: string;
  /** The path of the collection. */
  readonly path: string;
  readonly ticket: string;
}

/** An attack. */
export interface RawAttack {
  readonly attack: string;
  /** What is written, each character a byte. */
  readonly bytes: (target: RawTarget) => string;
  /**
   * What may come of it. `refused`: no success, and nothing stored. `served`: nothing is wrong with it, but servers may refuse
   * it. `open`: the connection stays open without an answer, and the next one is not in its way.
   */
  readonly end: "refused" | "served" | "open";
  /** Whether the client says that it sends no more. */
  readonly halfCloses?: boolean;
}

const TUS = "Tus-Resumable: 1.0.0\r\n";
const BYTES = `${TUS}Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const HELLO = "Content-Length: 5\r\n\r\nhello";

const head = (method: string, target: string, rest: string, version = "1.1"): string =>
  `${method} ${target} HTTP/${version}\r\nHost: a\r\nConnection: close\r\n${rest}`;

type Row = readonly [attack: string, rest: string];

/** Rows of a `PATCH` of the session with its headers. */
const patches = (end: RawAttack["end"], rows: readonly Row[], more: Partial<RawAttack> = {}) =>
  rows.map(([attack, rest]): RawAttack => ({
    attack,
    end,
    bytes: ({ session }) => head("PATCH", session, BYTES + rest),
    ...more,
  }));

/** Rows of a `POST` that creates an upload. */
const creations = (rows: readonly Row[]) =>
  rows.map(([attack, rest]): RawAttack => ({
    attack,
    end: "refused",
    bytes: ({ path, ticket }) =>
      head(
        "POST",
        path,
        `${TUS}Authorization: Bearer ${ticket}\r\nContent-Length: 0\r\n${rest}\r\n`,
      ),
  }));

/** Rows whose first line, or whole, is something else. */
const others = (
  end: RawAttack["end"],
  rows: readonly (readonly [attack: string, bytes: RawAttack["bytes"]])[],
) => rows.map(([attack, bytes]): RawAttack => ({ attack, end, bytes }));

const about = (value: string) => `Upload-Length: 5\r\nUpload-Metadata: ${value}\r\n`;
const flood = (count: number) =>
  Array.from({ length: count }, (_, index) => `X-${index}: y\r\n`).join("");
/** A request in the body of another one. */
const inner = (session: string) => `DELETE ${session} HTTP/1.1\r\nHost: a\r\n${TUS}\r\n`;
const overridden = (method: string, rest: string): RawAttack["bytes"] => ({ session }) =>
  head(method, session, `X-HTTP-Method-Override: PATCH\r\n${BYTES}${rest}`);

/** Where a body ends. */
const FRAMING: readonly RawAttack[] = [
  ...patches("refused", [
    ["two lengths that are the same", "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"],
    ["a list of lengths", "Content-Length: 5, 5\r\n\r\nhello"],
    ["two lengths", "Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello"],
    [
      "a length, and a blank behind Transfer-Encoding",
      "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ],
    ["chunked twice", `${CHUNKED}${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`],
    ["identity, and a length", `Transfer-Encoding: identity\r\n${HELLO}`],
    ["chunked, identity", "Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    [
      "a coding on a line of its own",
      "Transfer-Encoding:\r\n chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
    ["a coding after a vertical tab", `Transfer-Encoding: \x0bchunked\r\n${HELLO}`],
    ["a length of the upload that goes on in the next line", `Upload-Length: 5\r\n 0\r\n${HELLO}`],
    ["a length with a sign", "Content-Length: +5\r\n\r\nhello"],
    ["a negative length", "Content-Length: -5\r\n\r\nhello"],
    ["a length in hexadecimal", "Content-Length: 0x5\r\n\r\nhello"],
    ["a length above 64 bits", "Content-Length: 18446744073709551621\r\n\r\nhello"],
    ["a negative chunk", `${CHUNKED}\r\n-5\r\nhello\r\n0\r\n\r\n`],
    ["a chunk in 0x", `${CHUNKED}\r\n0x5\r\nhello\r\n0\r\n\r\n`],
    ["a chunk above 64 bits", `${CHUNKED}\r\nFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n`],
    ["a chunk whose size overflows 32 bits", `${CHUNKED}\r\n100000005\r\nhello\r\n0\r\n\r\n`],
    ["a chunk without a size", `${CHUNKED}\r\n\r\nhello\r\n0\r\n\r\n`],
    ["a chunk longer than its size", `${CHUNKED}\r\n5\r\nhelloworld\r\n0\r\n\r\n`],
  ]),
  ...patches("served", [
    ["extensions of a chunk", `${CHUNKED}\r\n5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n`],
    ["an extension of a MiB", `${CHUNKED}\r\n5;${"a".repeat(1 << 20)}\r\nhello\r\n0\r\n\r\n`],
    [
      "trailers that say other things",
      `${CHUNKED}\r\n5\r\nhello\r\n0\r\nUpload-Length: 500\r\nUpload-Offset: 3\r\nX-Goog-Hash: crc32c=AAAAAA==\r\n\r\n`,
    ],
    ["bytes behind the length", `${HELLO}worldworld`],
    ["100-continue without waiting", `Expect: 100-continue\r\n${HELLO}`],
    ["another expectation", `Expect: the-unexpected\r\n${HELLO}`],
    ["an upgrade to HTTP/2", `Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n${HELLO}`],
    [
      "a Connection that names other headers",
      `Connection: Upload-Offset, Content-Length\r\n${HELLO}`,
    ],
    ["a thousand headers", flood(1000) + HELLO],
    ["ten thousand headers", flood(10_000) + HELLO],
  ]),
  ...patches("refused", [
    ["chunks without a last one", `${CHUNKED}\r\n5\r\nhello\r\n`],
    ["fewer bytes than the length", "Content-Length: 5\r\n\r\nhel"],
  ], { halfCloses: true }),
  ...patches("served", [["all bytes", HELLO]], { halfCloses: true }),
  ...patches("refused", [
    [
      "100-continue for more than there may be",
      "Expect: 100-continue\r\nContent-Length: 500\r\n\r\n",
    ],
    ["a header of a MiB", `X: ${"a".repeat(1 << 20)}\r\n${HELLO}`],
  ]),
];

/** Which request it is. */
const LINES: readonly RawAttack[] = [
  ...others("refused", [
    ["a DELETE in the body of an upload that is refused", ({ session, path }) => {
      const body = inner(session);
      return head(
        "POST",
        `${path}?uploadType=media&name=x`,
        `Content-Length: ${body.length}\r\n\r\n`,
      ) +
        body;
    }],
    ["HTTP/1.1 without a path", () => head("PATCH", "", `${BYTES}${HELLO}`)],
    ["two hosts", ({ session }) => head("PATCH", session, `Host: b\r\n${BYTES}${HELLO}`)],
    ["the URL of a file", () => head("GET", "file:///etc/passwd", "\r\n")],
    ["a host in the place of a path", () => head("GET", "evil.example:80", "\r\n")],
    ["an asterisk", () => head("OPTIONS", "*", "\r\n")],
    ["CONNECT", () => head("CONNECT", "evil.example:80", "\r\n")],
    ["CONNECT to the upload", ({ session }) => head("CONNECT", session, `${BYTES}\r\n`)],
    ["TRACE", ({ session }) => head("TRACE", session, `${TUS}Cookie: a=b\r\n\r\n`)],
    [
      "a control character in the method",
      ({ session }) => head("PA\x01TCH", session, `${TUS}\r\n`),
    ],
    ["a NUL in the path", ({ session }) => head("PATCH", `${session}\0`, BYTES + HELLO)],
    ["two slashes", ({ session }) => head("PATCH", `/${session}`, BYTES + HELLO)],
    ["two slashes and a host", ({ path, ticket }) =>
      head(
        "POST",
        `//evil.example${path}`,
        `${TUS}Authorization: Bearer ${ticket}\r\nUpload-Length: 5\r\nContent-Length: 0\r\n\r\n`,
      )],
    [
      "an encoded slash",
      ({ session }) => head("PATCH", session.replace("/upload/", "/upload%2f"), BYTES + HELLO),
    ],
    [
      "a backslash",
      ({ session }) =>
        head("PATCH", session.replace("/upload/storage/", "\\upload\\storage\\"), BYTES + HELLO),
    ],
    [
      "`..` and an encoded slash",
      ({ session }) => head("PATCH", `/x/..%2f${session.slice(1)}`, BYTES + HELLO),
    ],
    [
      "a path before the upload's, in HTTP/1.0 without a host",
      ({ session }) => `PATCH /x${session} HTTP/1.0\r\n${BYTES}${HELLO}`,
    ],
    [
      "a record of TLS",
      () => `\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03${"\0".repeat(200)}\r\n\r\n`,
    ],
  ]),
  ...others("served", [
    ["HTTP/1.0", ({ session }) => `PATCH ${session} HTTP/1.0\r\n${BYTES}${HELLO}`],
    ["HTTP/1.2", ({ session }) => head("PATCH", session, BYTES + HELLO, "1.2")],
    [
      "a URL with another host",
      ({ session }) => head("PATCH", `http://evil.example${session}`, BYTES + HELLO),
    ],
    ["`..` in the path", ({ session }) => head("PATCH", `/x/..${session}`, BYTES + HELLO)],
    ["a fragment", ({ session }) => head("PATCH", `${session}#x`, BYTES + HELLO)],
    [
      "64 KiB of query",
      ({ session }) => head("PATCH", `${session}&x=${"a".repeat(65_536)}`, BYTES + HELLO),
    ],
    ["a method in small letters", ({ session }) => head("patch", session, BYTES + HELLO)],
    ...["GET", "HEAD", "POST", "OPTIONS", "DELETE", "TRACE"].map((method) =>
      [`${method} that PATCH overrides`, overridden(method, HELLO)] as const
    ),
    [
      "GET in chunks that PATCH overrides",
      overridden("GET", `${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`),
    ],
    ["an empty line first", ({ session }) => `\r\n${head("PATCH", session, BYTES + HELLO)}`],
  ]),
  ...["CONNECT", "PATCH, DELETE", " "].map((method): RawAttack => ({
    attack: `POST that "${method}" overrides`,
    end: "refused",
    bytes: ({ session }) =>
      head("POST", session, `X-HTTP-Method-Override: ${method}\r\n${BYTES}${HELLO}`),
  })),
  ...others("open", [
    // Deno speaks it, and waits.
    ["the beginning of HTTP/2", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a head that does not end", ({ session }) => `PATCH ${session} HTTP/1.1\r\nHost: a\r\nX`],
    [
      "a body that does not end",
      ({ session }) => head("PATCH", session, `${BYTES}Content-Length: 5\r\n\r\nhe`),
    ],
  ]),
];

/** What is said twice, or cannot be read. */
const WORDS: readonly RawAttack[] = [
  ...patches("refused", [
    ["two offsets", `Upload-Offset: 0\r\n${HELLO}`],
    ["two versions", `${TUS}${HELLO}`],
    ["two media types", `Content-Type: application/offset+octet-stream\r\n${HELLO}`],
    ["two lengths of the upload", `Upload-Length: 5\r\nUpload-Length: 50\r\n${HELLO}`],
  ]),
  ...others("refused", [
    [
      "two ranges",
      ({ session }) =>
        head(
          "PUT",
          session,
          `Content-Range: bytes 0-4/5\r\nContent-Range: bytes 0-4/50\r\n${HELLO}`,
        ),
    ],
    ["two commands", ({ session }) =>
      head(
        "POST",
        session,
        `X-Goog-Upload-Command: upload\r\nX-Goog-Upload-Command: cancel\r\nX-Goog-Upload-Offset: 0\r\n${HELLO}`,
      )],
    ["?1 and ?0", ({ session }) =>
      head(
        "PATCH",
        session,
        `Upload-Complete: ?1\r\nUpload-Complete: ?0\r\nUpload-Offset: 0\r\nContent-Type: application/partial-upload\r\n${HELLO}`,
      )],
    ...([["a ticket and none", 0], ["none and a ticket", 1]] as const).map(([attack, at]) =>
      [attack, ({ path, ticket }: RawTarget) =>
        head(
          "POST",
          path,
          ["nobody", "nobody"].with(at, ticket).map((who) => `Authorization: Bearer ${who}\r\n`)
            .join("") + `${TUS}Upload-Length: 5\r\nContent-Length: 0\r\n\r\n`,
        )] as const
    ),
  ]),
  ...creations([
    ["a NUL in a header", about("a\0b")],
    ["a byte above ASCII in a key", about("\xe4 Yg==")],
    ["base64 that is none", about("filename a*b")],
    ["base64 of one character", about("filename a")],
    ["a type that is no UTF-8", about("filetype //4=")],
    ["a type with a NUL", about(`filetype ${btoa("image/png\0")}`)],
    ["a type with CR LF", about(`filetype ${btoa("a/b\r\nx: y")}`)],
    ["metadata of 12 KiB", about(`a ${btoa("x".repeat(9000))}`)],
    ["metadata of 200 KiB", about(`a ${btoa("x".repeat(150_000))}`)],
    ["a key in two headers", `${about("a Yg==")}Upload-Metadata: a Yg==\r\n`],
  ]),
];

/** All of them. */
export const RAW_ATTACKS: readonly RawAttack[] = [...FRAMING, ...LINES, ...WORDS];
