// The resumable upload step by step: its requests, its attributes, and errors of the source.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  InvalidResponse,
  ResumableUpload,
  type Transport,
  UPLOAD_CHUNK_SIZE,
  UploadError,
  type UploadSource,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { asyncPieces, byteStream, defaultStream, patterned, pieces } from "../support/bytes.ts";
import { finished, scripted, SESSION_URL, started, stored } from "../support/scripted.ts";

const U = UPLOAD_CHUNK_SIZE;
const URL = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable";

/** Initiates and transmits until finished. */
async function run(
  upload: ResumableUpload,
  transport: Transport,
  source: UploadSource,
  options = {},
): Promise<Response> {
  await upload.initiate(transport, source, { name: "a" }, "image/png", options);
  let response: Response;
  do response = await upload.transmitNextChunk(transport); while (!upload.finished);
  return response;
}

const kinds: [
  kind: string,
  sized: boolean,
  make: (data: Uint8Array<ArrayBuffer>) => UploadSource,
][] = [
  ["a Blob", true, (data) => new Blob([data])],
  ["bytes", true, (data) => data],
  ["a default stream", false, (data) => defaultStream(pieces(data, 100_000, 1))],
  ["a byte stream", false, (data) => byteStream(data, 65_536)],
  ["an async iterable", false, (data) => asyncPieces(pieces(data, 999_999))],
  [
    "a ByteSource",
    true,
    (data) => ({ size: data.length, read: (o, n) => Promise.resolve(data.slice(o, o + n)) }),
  ],
  [
    "a ByteSource of unknown size",
    false,
    (data) => ({ read: (o, n) => Promise.resolve(data.slice(o, o + Math.min(n, 50_000))) }),
  ],
];

for (const [kind, sized, make] of kinds) {
  for (const size of [0, 1, U - 1, U, U + 1, 2 * U, 2 * U + 1]) {
    Deno.test(`${kind} of ${size} bytes arrives, in as few requests as can be`, async () => {
      const data = patterned(size), emulator = new GcsEmulator();
      const upload = new ResumableUpload(URL, U);
      const response = await run(upload, emulator.fetch, make(data));
      const object = emulator.get("my-bucket", "a")!;
      assertEquals(object.bytes, data);
      assertEquals(object.resource.contentType, "image/png");
      assertEquals((await response.json()).size, String(size));
      assertEquals([upload.finished, upload.bytesUploaded, upload.totalBytes], [true, size, size]);
      assertEquals(upload.object?.size, String(size));
      const ranges = emulator.requests.map(({ contentRange }) => contentRange);
      const count = Math.max(1, Math.ceil(size / U));
      assertEquals(ranges.length, 1 + count);
      assertEquals(
        ranges.at(-1),
        size === 0 ? "bytes */0" : `bytes ${(count - 1) * U}-${size - 1}/${size}`,
      );
      if (count > 1) assertEquals(ranges[1], `bytes 0-${U - 1}/${sized ? size : "*"}`);
    });
  }
}

Deno.test("the attributes say where the upload stands, as Python's do", async () => {
  const emulator = new GcsEmulator();
  const upload = new ResumableUpload(URL, U);
  const standing = () => [upload.bytesUploaded, upload.totalBytes, upload.finished, upload.invalid];
  assertEquals([upload.uploadUrl, upload.chunkSize, upload.resumableUrl], [URL, U, undefined]);
  assertEquals(standing(), [0, undefined, false, false]);
  const response = await upload.initiate(
    emulator.fetch,
    patterned(U + 5),
    { name: "a" },
    "image/png",
  );
  assertEquals(upload.resumableUrl, response.headers.get("location"));
  assertEquals(standing(), [0, U + 5, false, false]);
  assertEquals((await upload.transmitNextChunk(emulator.fetch)).status, 308);
  assertEquals(standing(), [U, U + 5, false, false]);
  assertEquals((await upload.transmitNextChunk(emulator.fetch)).status, 200);
  assertEquals(standing(), [U + 5, U + 5, true, false]);
});

Deno.test("streamFinal false does not declare a size, even where it is known", async () => {
  const emulator = new GcsEmulator();
  const upload = new ResumableUpload(URL, U);
  await upload.initiate(emulator.fetch, patterned(U + 5), { name: "a" }, "image/png", {
    streamFinal: false,
  });
  assertEquals(upload.totalBytes, undefined);
  await upload.transmitNextChunk(emulator.fetch);
  assertEquals(emulator.requests.at(-1)?.contentRange, `bytes 0-${U - 1}/*`);
  await upload.transmitNextChunk(emulator.fetch);
  assertEquals(emulator.requests.at(-1)?.contentRange, `bytes ${U}-${U + 4}/${U + 5}`);
  assertEquals([upload.totalBytes, upload.finished], [U + 5, true]);
});

Deno.test("a declared size goes with the start and with each chunk of a stream", async () => {
  const { transport, seen } = scripted(started(), stored(U), finished());
  await run(new ResumableUpload(URL, U), transport, defaultStream(pieces(patterned(U + 5), 999)), {
    totalBytes: U + 5,
  });
  assertEquals(seen[0].headers.get("x-upload-content-length"), String(U + 5));
  assertEquals(seen.slice(1).map(({ headers }) => headers.get("content-range")), [
    `bytes 0-${U - 1}/${U + 5}`,
    `bytes ${U}-${U + 4}/${U + 5}`,
  ]);
});

for (
  const [declared, words] of [[U + 4, "it has more"], [U + 6, `it has only ${U + 5}`], [
    U,
    "it has more",
  ], [9 * U, `it has only ${U + 5}`]] as const
) {
  Deno.test(`a stream of ${U + 5} bytes declared as ${declared} is an error, and never an object`, async () => {
    const emulator = new GcsEmulator();
    const upload = new ResumableUpload(URL, U);
    const source = defaultStream(pieces(patterned(U + 5), 70_000));
    const error = await assertRejects(
      () => run(upload, emulator.fetch, source, { totalBytes: declared }),
      UploadError,
      words,
    );
    assertEquals([error.code, upload.finished, emulator.get("my-bucket", "a")], [
      "source_size_mismatch",
      false,
      undefined,
    ]);
  });
}

Deno.test("a source that throws surfaces its own error, and the upload is not finished", async () => {
  const own = new Error("disk on fire"), emulator = new GcsEmulator();
  const upload = new ResumableUpload(URL, U);
  const source = asyncPieces((function* () {
    yield patterned(U + 5);
    throw own;
  })());
  assertStrictEquals(await assertRejects(() => run(upload, emulator.fetch, source)), own);
  assertEquals(emulator.get("my-bucket", "a"), undefined);
});

Deno.test("the caller's headers go with every request, and are not changed", async () => {
  const headers = { "x-goog-encryption-algorithm": "AES256" };
  const { transport, seen } = scripted(
    started(),
    new Response("", { status: 500 }),
    stored(0),
    stored(U),
    new Response("", { status: 499 }),
  );
  const upload = new ResumableUpload(URL, U, { headers, retry: null });
  await upload.initiate(transport, patterned(U + 5), {}, "image/png");
  await assertRejects(() => upload.transmitNextChunk(transport));
  await upload.recover(transport);
  await upload.transmitNextChunk(transport);
  await upload.cancel(transport);
  assertEquals(
    seen.map((request) => request.headers.get("x-goog-encryption-algorithm")),
    Array(5).fill("AES256"),
  );
  assertEquals(headers, { "x-goog-encryption-algorithm": "AES256" });
});

for (const status of [200, 201]) {
  Deno.test(`a start answered with ${status} opens the session`, async () => {
    const { transport } = scripted(
      new Response(null, { status, headers: { location: SESSION_URL } }),
    );
    const upload = new ResumableUpload(URL, U);
    await upload.initiate(transport, "x", {}, "text/plain");
    assertEquals(upload.resumableUrl, SESSION_URL);
  });
}

for (
  const [rule, location, words] of [
    ["none", undefined, "got none"],
    ["no URL", "https://", "not a URL"],
    ["a downgrade to http", "http://storage.googleapis.com/x", "http:"],
    ["another scheme", "data:,x", "data:"],
  ] as const
) {
  Deno.test(`a start whose Location is ${rule} is refused, and can be tried again`, async () => {
    const { transport } = scripted(
      new Response(null, { headers: location ? { location } : {} }),
      started(),
    );
    const upload = new ResumableUpload(URL, U);
    const start = () => upload.initiate(transport, "x", {}, "text/plain");
    const error = await assertRejects(start, InvalidResponse, words);
    assertEquals([error.code, upload.resumableUrl], ["invalid_response", undefined]);
    await start();
  });
}

Deno.test("a relative Location belongs to the server that was asked", async () => {
  const { transport } = scripted(new Response(null, { headers: { location: "/session/5" } }));
  const upload = new ResumableUpload(URL, U);
  await upload.initiate(transport, "x", {}, "text/plain");
  assertEquals(upload.resumableUrl, "https://storage.googleapis.com/session/5");
});

for (
  const [status, code] of [[400, "rejected"], [403, "rejected"], [404, "rejected"], [
    412,
    "precondition_failed",
  ]] as const
) {
  Deno.test(`a start refused with ${status} has code ${code}, is not retried, and cancels the stream with the error`, async () => {
    const { transport, seen } = scripted(new Response("", { status }));
    const cancelled = Promise.withResolvers<unknown>();
    const stream = new ReadableStream<Uint8Array>({ cancel: cancelled.resolve });
    const error = await assertRejects(
      () => new ResumableUpload(URL, U).initiate(transport, stream, {}, "text/plain"),
      InvalidResponse,
    );
    assertEquals([error.code, seen.length], [code, 1]);
    assertStrictEquals(await cancelled.promise, error);
  });
}

Deno.test("cancelling ends the session, closes the source, and nothing can follow", async () => {
  const emulator = new GcsEmulator();
  const reason = Promise.withResolvers<unknown>();
  const source = new ReadableStream({
    pull: (controller) => controller.enqueue(patterned(U)),
    cancel: reason.resolve,
  });
  const upload = new ResumableUpload(URL, U);
  await upload.initiate(emulator.fetch, source, { name: "a" }, "text/plain");
  await upload.transmitNextChunk(emulator.fetch);
  assertEquals((await upload.cancel(emulator.fetch)).status, 499);
  assert(await reason.promise instanceof UploadError);
  assertEquals([upload.finished, upload.invalid], [false, false]);
  for (
    const action of [
      () => upload.transmitNextChunk(emulator.fetch),
      () => upload.recover(emulator.fetch),
      () => upload.cancel(emulator.fetch),
    ]
  ) {
    assertEquals((await assertRejects(action, UploadError, "was cancelled")).code, "invalid_state");
  }
  assertThrows(() => upload.checkpoint(), UploadError, "was cancelled");
});

for (const status of [200, 204, 404, 410, 499]) {
  Deno.test(`${status} on a cancel means that the session is no more`, async () => {
    const { transport } = scripted(started(), new Response(status === 204 ? null : "", { status }));
    const upload = new ResumableUpload(URL, U);
    await upload.initiate(transport, "x", {}, "text/plain");
    await upload.cancel(transport);
  });
}

Deno.test("a cancel that is refused changes nothing", async () => {
  const { transport } = scripted(started(), new Response("", { status: 403 }), finished());
  const upload = new ResumableUpload(URL, U);
  await upload.initiate(transport, "x", {}, "text/plain");
  await assertRejects(() => upload.cancel(transport), InvalidResponse);
  await upload.transmitNextChunk(transport);
  assertEquals(upload.finished, true);
});

Deno.test("what is called too early, too late or twice at once says so and sends nothing", async () => {
  const { transport, seen } = scripted(started(), finished());
  const upload = new ResumableUpload(URL, U);
  const codeOf = async (action: () => Promise<unknown>) =>
    (await assertRejects(action, UploadError)).code;
  for (
    const action of [
      () => upload.transmitNextChunk(transport),
      () => upload.recover(transport),
      () => upload.cancel(transport),
    ]
  ) {
    assertEquals(await codeOf(action), "invalid_state");
  }
  assertThrows(() => upload.checkpoint(), UploadError, "has not been initiated");
  await upload.initiate(transport, "x", {}, "text/plain");
  assertEquals(
    await codeOf(() => upload.initiate(transport, "x", {}, "text/plain")),
    "invalid_state",
  );
  const first = upload.transmitNextChunk(transport);
  assertEquals(await codeOf(() => upload.transmitNextChunk(transport)), "invalid_state");
  await first;
  for (
    const action of [
      () => upload.transmitNextChunk(transport),
      () => upload.recover(transport),
      () => upload.cancel(transport),
    ]
  ) {
    assertEquals(await codeOf(action), "invalid_state");
  }
  assertEquals(seen.length, 2);
});

for (const chunkSize of [0, -U, U + 1, 1.5 * U, NaN, -Infinity, "262144" as unknown as number]) {
  Deno.test(`a chunk size of ${String(chunkSize)} (${typeof chunkSize}) is refused`, () => {
    assertThrows(() => new ResumableUpload(URL, chunkSize), RangeError, "262144");
  });
}

Deno.test("a chunk size of Infinity takes one request for what can be read anywhere, and none for a stream", async () => {
  const emulator = new GcsEmulator(), data = patterned(5 * U + 7);
  await run(new ResumableUpload(URL, Infinity), emulator.fetch, data);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
  assertEquals(emulator.requests.map(({ kind }) => kind), ["initiate", "final"]);
  const stream = defaultStream(pieces(data, 999));
  const cancelled = Promise.withResolvers<unknown>();
  const source = new ReadableStream<Uint8Array>({ cancel: cancelled.resolve });
  await assertRejects(
    () => run(new ResumableUpload(URL, Infinity), emulator.fetch, stream),
    RangeError,
    "Infinity",
  );
  const error = await assertRejects(() =>
    run(new ResumableUpload(URL, Infinity), emulator.fetch, source)
  );
  assertStrictEquals(await cancelled.promise, error);
  assertEquals(emulator.requests.length, 2);
});

Deno.test("what is larger than 8 MiB goes in long streamed requests, and a short last one with the hash", async () => {
  const emulator = new GcsEmulator(), data = patterned(9 * 1024 * 1024 + 5);
  for (
    const [chunkSize, requests] of [[Infinity, 2], [64 * U, 2], [16 * U, 3], [4 * U, 10]] as const
  ) {
    const before = emulator.requests.length;
    await run(new ResumableUpload(URL, chunkSize), emulator.fetch, new Blob([data]));
    assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
    assertEquals(emulator.requests.length - before, 1 + requests);
    assertEquals(emulator.requests.at(-1)?.kind, "final");
  }
});

Deno.test("wrong arguments of initiate are refused before anything is sent", async () => {
  const { transport, seen } = scripted();
  const upload = new ResumableUpload(URL, U);
  const any = (value: unknown) => value as never;
  await assertRejects(() => upload.initiate(any(null), "x", {}, "a/b"), TypeError, "transport");
  await assertRejects(() => upload.initiate(transport, any(5), {}, "a/b"), TypeError, "source");
  await assertRejects(
    () => upload.initiate(transport, "x", any(null), "a/b"),
    TypeError,
    "metadata",
  );
  await assertRejects(
    () => upload.initiate(transport, "x", {}, any(undefined)),
    TypeError,
    "contentType",
  );
  await assertRejects(
    () => upload.initiate(transport, "x", {}, "a/b", { totalBytes: -1 }),
    RangeError,
    "totalBytes",
  );
  await assertRejects(
    () => upload.initiate(transport, "x", {}, "a/b", { totalBytes: 2 }),
    RangeError,
    "1 bytes, got 2",
  );
  assertEquals(seen.length, 0);
});

Deno.test("no error shows the session URL", async () => {
  const failures = [
    () =>
      new Response(`no such ${SESSION_URL}`, {
        status: 404,
        headers: { "content-type": "text/plain" },
      }),
    () =>
      new Response(JSON.stringify({ error: { message: `bad ${SESSION_URL}` } }), { status: 400 }),
    () => stored(1, { range: "what" }),
    () => Promise.reject<Response>(new TypeError("reset")),
  ];
  for (const failure of failures) {
    const { transport } = scripted(started(), failure);
    const upload = new ResumableUpload(URL, U, { retry: null });
    await upload.initiate(transport, "x", {}, "text/plain");
    const error = await assertRejects(() => upload.transmitNextChunk(transport), UploadError);
    assert(!error.message.includes("SECRET"), error.message);
  }
});

Deno.test("a signed start URL starts an XML session, whose finished object is in the headers", async () => {
  const emulator = new GcsEmulator();
  const url =
    "https://storage.googleapis.com/my-bucket/a?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=c&X-Goog-Date=20260101T000000Z&X-Goog-Expires=600&X-Goog-SignedHeaders=host%3Bx-goog-resumable&X-Goog-Signature=ab";
  const upload = new ResumableUpload(url, U, { checksum: "crc32c" });
  await upload.initiate(emulator.fetch, patterned(U + 5), {}, "image/png");
  while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
  assertEquals(upload.object?.size, String(U + 5));
  const { bytes, resource } = emulator.get("my-bucket", "a")!;
  assertEquals([bytes, resource.contentType], [patterned(U + 5), "image/png"]);
});

Deno.test("whenever an upload is closed, the call under way has ended before or ends with the reason", async () => {
  const source = {
    size: 3 * U,
    read: (_: number, n: number) => Promise.resolve(new Uint8Array(n)),
  };
  let afterwards = 0;
  for (let turns = 0; turns < 60; turns++) {
    for (const chunkSize of [2 * U, 4 * U]) { // a reply that says what is stored, one that is the last
      const { fetch } = new GcsEmulator();
      const reason = new Error("The user has left");
      const upload = new ResumableUpload(URL, chunkSize);
      await upload.initiate(fetch, source, { name: "a" }, "a/b");
      const transport: Transport = async (input, init) => {
        const reply = await fetch(input, init);
        (async () => {
          for (let i = 0; i < turns; i++) await Promise.resolve();
          await upload.close(reason);
        })();
        return reply;
      };
      const error: unknown = await upload.transmitNextChunk(transport).then(() => {}, (e) => e);
      if (error === undefined) afterwards++;
      else assertStrictEquals(error, reason, `${turns} turns`);
      assertEquals(upload.finished, error === undefined && chunkSize > 3 * U);
    }
  }
  assert(afterwards > 2, "it is closed during and after the call");
});

Deno.test("what only initiate can be told is refused by every other call", async () => {
  const emulator = new GcsEmulator();
  const upload = new ResumableUpload(URL, U);
  await upload.initiate(emulator.fetch, patterned(U), { name: "a" }, "image/png");
  for (const options of [{ totalBytes: 9 }, { streamFinal: false }] as object[]) {
    const [name] = Object.keys(options);
    await assertRejects(() => upload.transmitNextChunk(emulator.fetch, options), TypeError, name);
    await assertRejects(() => upload.recover(emulator.fetch, options), TypeError, name);
    await assertRejects(() => upload.cancel(emulator.fetch, options), TypeError, name);
  }
  await upload.transmitNextChunk(emulator.fetch);
  assertEquals(upload.finished, true);
});
