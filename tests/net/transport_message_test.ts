// The error for a request without a reply names the host and the cause, and no secret of the URL.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  cancelUpload,
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  upload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
  xGoogUpload,
} from "../../mod.ts";
import { scripted, SESSION_URL, started } from "../support/scripted.ts";

const BASE = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?name=n4me&uploadType=";
const retry = null;

/** What must not be shown: parts of the path and of the query. */
const HIDDEN = ["/upload/storage", "my-bucket", "n4me", "upload_id", "SECRET", "uploadType"];

/** How a transport may fail, given the URL; and what of it is shown. */
const FAILURES: [what: string, fail: (url: string) => unknown, ...shows: string[]][] = [
  ["a plain error", () => new TypeError("connection reset"), "connection reset"],
  [
    "Deno's error, with the URL in it",
    (url) =>
      new TypeError(`error sending request for url (${url}): connection error: reset by peer`),
    "reset by peer",
  ],
  [
    "Node's error, whose cause says what happened",
    (url) =>
      new TypeError("fetch failed", {
        cause: Object.assign(new Error("connect ECONNREFUSED 192.0.2.1:443"), { url }),
      }),
    "ECONNREFUSED",
  ],
  [
    "Bun's error",
    (path) =>
      Object.assign(new Error("Unable to connect. Is the computer able to access the url?"), {
        code: "ConnectionRefused",
        path,
      }),
    "Unable to connect",
  ],
  [
    "an error that quotes the path only",
    (url) => new Error(`no route for ${new URL(url).pathname}${new URL(url).search}`),
    "no route",
  ],
  ["an error that quotes the URL in another case", (url) => new Error(`at ${url.toUpperCase()}!`)],
  ["an error without a message", () => new Error()],
  ["a text", () => "offline", "offline"],
  ["a text with the URL", (url) => `offline: ${url}`, "offline"],
  ["nothing", () => undefined],
  ["null", () => null],
  ["an error whose cause is null", () => new Error("reset", { cause: null }), "reset"],
  ["an error that cannot be read", () => Object.create(null)],
  [
    "an error that holds the request",
    (url) => {
      const headers = { authorization: "Bearer SECRET" };
      return Object.assign(new Error("timed out"), { request: new Request(url, { headers }) });
    },
    "timed out",
  ],
  [
    "an error that holds a map",
    (url) => Object.assign(new Error("timed out"), { tried: new Map([[1, url]]) }),
    "timed out",
  ],
  [
    "several errors",
    (url) => new AggregateError([new Error(`first ${url}`), new Error("second")], "all failed"),
    "all failed",
  ],
];

/** Which request fails. */
const MOMENTS: [moment: string, run: (transport: Transport) => Promise<unknown>][] = [
  ["the start", (transport) => upload("a", { url: BASE + "resumable", transport, retry })],
  ["a chunk", (transport) => afterStart(transport, "transmitNextChunk")],
  ["a question", (transport) => afterStart(transport, "recover")],
  ["a cancellation", (transport) => afterStart(transport, "cancel")],
  ["cancelUpload()", (transport) => cancelUpload(SESSION_URL, { transport, retry })],
  [
    "a simple upload",
    (transport) => new SimpleUpload(BASE + "media", { retry }).transmit(transport, "a", "a/b"),
  ],
  [
    "a multipart upload",
    (transport) =>
      new MultipartUpload(BASE + "multipart", { retry }).transmit(transport, "a", {}, "a/b"),
  ],
];

async function afterStart(
  transport: Transport,
  method: "transmitNextChunk" | "recover" | "cancel",
): Promise<unknown> {
  const resumable = new ResumableUpload(BASE + "resumable", UPLOAD_CHUNK_SIZE, { retry });
  await resumable.initiate(scripted(started()).transport, "a", {}, "a/b");
  return await resumable[method](transport);
}

for (const [moment, run] of MOMENTS) {
  for (const [what, fail, ...shows] of FAILURES) {
    Deno.test(`${what} at ${moment}: the message names the host and the cause, nothing of path and query`, async () => {
      const transport: Transport = (input) => Promise.reject(fail(input));
      const error = await assertRejects(() => run(transport), UploadError);
      assertEquals([error.code, error.retryable, error.status], [
        "transport_failed",
        true,
        undefined,
      ]);
      for (const text of ["storage.googleapis.com", ...shows]) {
        assertStringIncludes(error.message, text);
      }
      const text = Deno.inspect(error, { depth: 20 }).split("\n")
        .filter((line) => !/^\s+at /.test(line)).join("\n").toLowerCase(); // but for this machine's paths
      for (const hidden of HIDDEN) {
        assert(!text.includes(hidden.toLowerCase()), `${hidden} is shown: ${text}`);
      }
      assert(error.message.length < 1000, "the message is long");
    });
  }
}

Deno.test("a transport's message of any length is shown in part only, and on one line", async () => {
  const transport: Transport = () => Promise.reject(new Error("line\n".repeat(10_000)));
  const error = await assertRejects(() => MOMENTS[0][1](transport), UploadError);
  assert(error.message.length < 1000 && !error.message.includes("\n"), error.message.slice(0, 200));
});

Deno.test("what the transport threw is the cause, or says the same", async () => {
  const thrown = new TypeError("connection reset");
  const transport: Transport = () => Promise.reject(thrown);
  const { cause } = await assertRejects(() => MOMENTS[0][1](transport), UploadError);
  assert(cause instanceof Error);
  assertStringIncludes(cause.message, "connection reset");
});

Deno.test("a deadline names the host, too", async () => {
  const transport: Transport = () => new Promise(() => {});
  const error = await assertRejects(
    () =>
      upload("a", {
        url: BASE + "resumable",
        transport,
        retry: { maxAttempts: 1, stallTimeout: 1 },
      }),
    UploadError,
  );
  assertEquals([error.code, error.retryable], ["deadline_exceeded", true]);
  assertStringIncludes(error.message, "storage.googleapis.com");
  for (const hidden of HIDDEN) assert(!error.message.includes(hidden), error.message);
});

Deno.test("the path of a session is a secret, with and without a query", async () => {
  const session = "https://upload.example/s/SECRET";
  for (const url of [session, new URL(session).pathname]) {
    const transport: Transport = () => Promise.reject(new TypeError(`cannot reach (${url})`));
    const error = await assertRejects(
      () => upload("a", { session, protocol: xGoogUpload, transport, retry }),
      UploadError,
    );
    assertEquals(error.code, "transport_failed");
    assert(!Deno.inspect(error, { depth: 20 }).includes("SECRET"), Deno.inspect(error));
  }
});
