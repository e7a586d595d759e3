// Calls as somebody writes them who is new here: each message says what was expected, what came, and what to write instead; none shows
// a value that may be a secret.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { upload, uploadStream } from "../../mod.ts";
import { impersonatedTransport, serviceAccountTransport } from "../../src/auth/mod.ts";
import { indexedDbCheckpoints } from "../../src/checkpoints/mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { uploadMany, uploadParallel } from "../../src/parallel/mod.ts";
import { createUploadProxy, signUploadTicket } from "../../src/worker.ts";
import { xhrTransport } from "../../src/xhr/mod.ts";

const gcs = new GcsEmulator();
const transport = gcs.fetch;
const to = { bucket: "my-bucket", name: "a.txt", transport };
const many = { bucket: "my-bucket", transport };
const file = { name: "a.txt", source: "hello" };
const SECRET = "zV9kq3Lr7wXb2TgYc5NhUe8JmAo4PdSi";
const sessionSecrets = [
  crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true }),
];
const proxy = { ...many, fetch: transport, tickets: { secret: SECRET }, sessionSecrets };
const key = {
  type: "service_account",
  client_email: "a@b.iam.gserviceaccount.com",
  private_key: "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
};

/** Calls of a function that takes anything: what stands here does not compile. */
// deno-lint-ignore no-explicit-any
type Anything = (...args: any[]) => unknown;
const [send, all, parts, sign, serve] = [
  upload,
  uploadMany,
  uploadParallel,
  signUploadTicket,
  createUploadProxy,
] as readonly Anything[];

const mistakes: readonly [what: string, call: () => unknown, ...words: string[]][] = [
  [
    "the name under another name",
    () => send("x", { ...to, filename: "a" }),
    '"filename" is not an option; did you mean "name"?',
  ],
  [
    "the bucket under another name",
    () => send("x", { ...to, bucketName: "b" }),
    'did you mean "bucket"?',
  ],
  [
    "an option in lower case",
    () => send("x", { ...to, contenttype: "a/b" }),
    'did you mean "contentType"?',
  ],
  [
    "a callback without its on",
    () => send("x", { ...to, progress: () => {} }),
    'did you mean "onProgress"?',
  ],
  ["an option of others", () => send("x", { ...to, zzz: 1 }), '"zzz" is not an option; there are '],
  ["a name without a bucket", () => send("x", { transport, name: "a" }), "got no bucket"],
  ["a bucket without a name", () => send("x", many), "got no name"],
  ["no target", () => send("x", { transport }), "got none"],
  ["two targets", () => send("x", { ...to, url: "https://example/" }), "got more"],
  [
    "a transport that was not awaited",
    () => send("x", { ...to, transport: Promise.resolve(transport) }),
    "transport: expected a function such as fetch, got Promise; await it first",
  ],
  ["the emulator as a transport", () => send("x", { ...to, transport: gcs }), "pass its `fetch`"],
  ["a token as a transport", () => send("x", { ...to, transport: SECRET }), "got string"],
  ["a source that was not awaited", () => send(Promise.resolve("x"), to), "await it first"],
  ["the URL of a file", () => send(new URL("file:///a"), to), "pass fileSource(path)"],
  ["a descriptor", () => send(7, to), "pass fileSource(path)"],
  ["an open file", () => send({ fd: 7 }, to), "pass fileSource(path)"],
  ["a reply of fetch", () => send(new Response("x"), to), "pass its `body`"],
  ["a token in the place of options", () => send("x", SECRET), "options as an object, got string"],
  [
    "a token in the place of a stream's options",
    () => (uploadStream as Anything)(SECRET),
    "options as an object, got string",
  ],
  ["a controller as a signal", () => send("x", { ...to, signal: new AbortController() }), "signal"],
  ["a text for a size", () => send("x", { ...to, totalBytes: "1" }), "bytes, got string"],
  ["a text for a chunk", () => send("x", { ...to, chunkSize: "262144" }), "Infinity, got string"],
  ["a number of retries", () => send("x", { ...to, retry: 3 }), "an object, false or null, got"],
  [
    "retries by another name",
    () => send("x", { ...to, retry: { retries: 3 } }),
    "retry.retries is not an option; there are initialDelay, maxDelay",
  ],
  [
    "a text for a time",
    () => send("x", { ...to, retry: { maxElapsed: "5000" } }),
    "at least 0, got string",
  ],
  [
    "a text for many at once",
    () => all([file], { ...many, concurrency: "4" }),
    "of at least 1, got string",
  ],
  [
    "a text for a part",
    () => parts("x", { ...to, partSize: "8388608" }),
    "got string",
  ],
  ["names for files", () => all(["a.txt"], many), "{ source, name }, got string"],
  [
    "a path for a key",
    () => (serviceAccountTransport as Anything)("./key.json"),
    "what is in the file, not its path",
  ],
  [
    "an access token for a kind of token",
    () => (serviceAccountTransport as Anything)(key, { token: SECRET }),
    'token: expected "self-signed" or "oauth", got another string',
  ],
  [
    "a key for the address of an account",
    () => (impersonatedTransport as Anything)(transport, SECRET),
    "expected the address of a service account",
    "got another string",
  ],
  [
    "a claim as tickets have it",
    () => sign(SECRET, { subject: "a", prefix: "", max_bytes: 5 }, { expiresIn: 60 }),
    'grant."max_bytes": expected no such field; there are',
    "maxBytes",
  ],
  ["a secret in the place of tickets", () => serve({ ...proxy, tickets: SECRET }), "{ secret }"],
  [
    "a list of secrets in the place of tickets",
    () => serve({ ...proxy, tickets: [SECRET] }),
    "tickets: expected { secret }",
  ],
  [
    "an option of the proxy under another name",
    () => serve({ ...proxy, ticketSecret: SECRET }),
    '"ticketSecret" is not known; there are allowedOrigins, ',
    "tickets",
  ],
  [
    "a token in the place of a store's options",
    () => (indexedDbCheckpoints as Anything)(SECRET),
    "got string",
  ],
  ["a token in the place of xhr's options", () => (xhrTransport as Anything)(SECRET), "got string"],
];

for (const [what, call, ...words] of mistakes) {
  Deno.test(`${what}: the message says what to write instead, and shows no secret`, async () => {
    const error: unknown = await Promise.try(call).then(() => undefined, (reason) => reason);
    assert(error instanceof Error, "nothing was thrown");
    for (const part of words) assertStringIncludes(error.message, part);
    assertEquals(Deno.inspect(error).includes(SECRET), false);
  });
}

Deno.test("what is larger than a ticket allows is refused in the proxy's words first", async () => {
  const { fetch } = createUploadProxy({ ...proxy, log: () => {} });
  const grant = { subject: "a", prefix: "", maxBytes: 100 };
  const ticket = await signUploadTicket(SECRET, grant, { expiresIn: 60 });
  const error: Error = await upload("x".repeat(200), {
    ...to,
    endpoint: "https://proxy.example",
    headers: { authorization: `Bearer ${ticket}` },
    transport: (url, init) => fetch(new Request(url, init)),
  }).then(() => new Error("stored"), (error) => error);
  assertStringIncludes(error.message, 'got 413 "uploadTooLarge: At most 100 bytes are allowed');
});
