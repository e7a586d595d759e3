// What a caller may set of a request reaches the ones it is for (method, headers, query), and unusual replies and signed
// URLs lead on.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  createUploadSession,
  json,
  MultipartUpload,
  type ObjectQuery,
  ResumableUpload,
  SimpleUpload,
  upload,
  UPLOAD_CHUNK_SIZE as U,
  UploadError,
  type UploadErrorCode,
  uploadStream,
  xGoogUpload,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { asyncPieces, patterned, pieces } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { scripted, stored } from "../support/scripted.ts";

const TARGET = { bucket: "my-bucket", name: "a b/ü.bin" };
const UPLOAD = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o";
const DRIVE = "https://www.googleapis.com/upload/drive/v3/files";
const YOUTUBE = "https://www.googleapis.com/upload/youtube/v3";
const API = "https://api.example/upload?uploadType=resumable";
const V4 = "https://storage.googleapis.com/my-bucket/a.bin?X-Goog-Algorithm=GOOG4-RSA-SHA256" +
  "&X-Goog-Credential=c&X-Goog-Date=20260101T000000Z&X-Goog-Expires=600";
const SIGNED_START = `${V4}&X-Goog-SignedHeaders=host%3Bx-goog-resumable&X-Goog-Signature=00`;
const SIGNED_PUT = `${V4}&X-Goog-SignedHeaders=content-type%3Bhost&X-Goog-Signature=00`;
const V2 =
  "https://storage.googleapis.com/my-bucket/a.bin?GoogleAccessId=a%40b&Expires=1893456000&Signature=AA%3D";

const retry = () => ({ clock: fakeClock(), maxAttempts: 8 });
const opened = (location = "https://api.example/s?upload_id=1") =>
  new Response(null, { headers: { location } });

async function codeOf(promise: Promise<unknown>): Promise<UploadErrorCode> {
  return (await assertRejects(() => promise, UploadError)).code;
}

// Methods.

for (const method of ["POST", "PUT", "PATCH"] as const) {
  for (const protocol of [undefined, xGoogUpload]) {
    Deno.test(`${protocol?.name ?? "content-range"}: the start is a ${method}, the session is what it always is`, async () => {
      const { transport, seen } = scripted(
        protocol
          ? new Response(null, {
            headers: {
              "x-goog-upload-status": "active",
              "x-goog-upload-url": "https://api.example/s",
            },
          })
          : opened(),
        Response.json({ id: 1 }, { headers: { "x-goog-upload-status": "final" } }),
      );
      await upload("x", { url: API, method, protocol, resource: json(), transport });
      assertEquals(seen.map(({ method }) => method), [method, protocol ? "POST" : "PUT"]);
    });
  }

  Deno.test(`one request is a ${method}`, async () => {
    const { transport, seen } = scripted(Response.json({}), Response.json({}), Response.json({}));
    const options = { method, resource: json() };
    await new SimpleUpload("https://api.example/u?uploadType=media", options)
      .transmit(transport, "x", "text/plain");
    await new MultipartUpload("https://api.example/u?uploadType=multipart", options)
      .transmit(transport, "x", { a: 1 }, "text/plain");
    const url = "https://api.example/u?uploadType=media";
    await upload("x", { url, ...options, transport });
    assertEquals(seen.map((request) => request.method), [method, method, method]);
  });
}

for (const method of ["GET", "DELETE", "patch", "", null, 1]) {
  Deno.test(`the method ${JSON.stringify(method)} is a TypeError at the call`, async () => {
    const { transport, seen } = scripted();
    const options = { url: API, method, transport } as never;
    await assertRejects(() => upload("x", options), TypeError, "method");
    assertThrows(() => uploadStream(options), TypeError, "method");
    assertThrows(() => new ResumableUpload(API, U, { method } as never), TypeError, "method");
    assertEquals(seen, []);
  });
}

Deno.test("YouTube's captions are replaced with PUT, and a video is a POST whose Slug names the file", async () => {
  for (const protocol of [undefined, xGoogUpload]) {
    const gcs = new GcsEmulator();
    const options = { protocol, transport: gcs.fetch, resource: json<{ kind: string }>() };
    await upload("WEBVTT", { ...options, url: `${YOUTUBE}/captions?part=id`, method: "PUT" });
    const video = await upload("mp4", {
      ...options,
      url: `${YOUTUBE}/videos?part=id`,
      startHeaders: { Slug: "holiday.mp4" },
    });
    assertEquals(video.kind, "youtube#video");
    assertEquals(gcs.uploads.map(({ method }) => method), ["captions.update", "videos.insert"]);
    assertEquals(gcs.requests.map(({ headers }) => headers.slug).filter(Boolean), ["holiday.mp4"]);
  }
});

// Headers of the start.

Deno.test("startHeaders go with the start and nothing else, headers with everything, startHeaders win", async () => {
  const { transport, seen } = scripted(opened(), stored(0), Response.json({}));
  await upload("x", {
    url: API,
    resource: json(),
    startHeaders: { slug: "a.mp4", "x-goog-upload-file-name": "a.mp4", both: "start" },
    headers: { both: "all", "x-trace": "1" },
    transport,
    retry: retry(),
  }).catch(() => {});
  const shown = seen.map(({ headers }) =>
    ["slug", "x-goog-upload-file-name", "both", "x-trace"].map((name) => headers.get(name))
  );
  assertEquals(shown[0], ["a.mp4", "a.mp4", "start", "1"]);
  for (const later of shown.slice(1)) assertEquals(later, [null, null, "all", "1"]);
  assert(seen.length > 1);
});

Deno.test("a start that is repeated has the same headers again", async () => {
  const { transport, seen } = scripted(
    new Response(null, { status: 503 }),
    opened(),
    Response.json({}),
  );
  await upload("x", { url: API, startHeaders: { slug: "a" }, transport, retry: retry() });
  assertEquals(seen.map(({ headers }) => headers.get("slug")), ["a", "a", null]);
});

for (
  const header of [
    "content-range",
    "content-length",
    "content-type",
    "host",
    "x-upload-content-type",
  ]
) {
  Deno.test(`startHeaders: ${header} is the request's own, and a TypeError at the call`, async () => {
    const { transport, seen } = scripted();
    const options = { url: API, startHeaders: { [header]: "1" }, transport };
    await assertRejects(() => upload("x", options), TypeError, header);
    assertEquals(seen, []);
  });
}

// Parameters.

const QUERY: Required<ObjectQuery> = {
  contentEncoding: "gzip",
  fields: "name,size,crc32c,metadata(a b)",
  ifGenerationNotMatch: "9007199254740993",
  ifMetagenerationMatch: 3,
  ifMetagenerationNotMatch: 0,
  kmsKeyName: "projects/p/locations/l/keyRings/r/cryptoKeys/k&x=1",
  predefinedAcl: "bucketOwnerRead",
  projection: "full",
  userProject: "my-project",
};

Deno.test("every parameter of query is on the start, encoded, beside bucket and name", async () => {
  for (
    const start of [
      (transport: typeof fetch) =>
        upload("x", { ...TARGET, query: QUERY, transport, retry: null, onCheckpoint() {} }),
      (transport: typeof fetch) =>
        createUploadSession({ ...TARGET, query: QUERY, transport, retry: null }),
      (transport: typeof fetch) =>
        uploadStream({ ...TARGET, query: QUERY, transport, retry: null }).result,
    ]
  ) {
    const { transport, seen } = scripted(new Response(null, { status: 400 }));
    await assertRejects(() => start(transport as typeof fetch) as Promise<unknown>, UploadError);
    const { searchParams, hash } = new URL(seen[0].url);
    const sent = Object.fromEntries(searchParams);
    const expected = Object.fromEntries(
      Object.entries(QUERY).map(([name, value]) => [name, String(value)]),
    );
    assertEquals(sent, { ...expected, name: TARGET.name, uploadType: "resumable" });
    assertEquals(hash, "");
  }
});

Deno.test("one request has the parameters, too", async () => {
  const gcs = new GcsEmulator();
  const query = { fields: "name,size", userProject: "p" };
  const object = await upload("x", {
    ...TARGET,
    query,
    ifGenerationMatch: 0,
    transport: gcs.fetch,
  });
  assertEquals(Object.keys(object).sort(), ["bucket", "name", "size"]);
  const [{ kind, url }] = gcs.requests;
  assertEquals([kind, new URL(url).searchParams.get("userProject")], ["multipart", "p"]);
});

const BAD_QUERIES: readonly [what: string, query: unknown, expected: string][] = [
  ["an unknown name", { acl: "private" }, "acl"],
  ["uploadType", { uploadType: "media" }, "uploadType"],
  ["the name", { name: "b" }, "name"],
  ["an empty text", { userProject: "" }, "userProject"],
  ["a number for a text", { fields: 7 }, "fields"],
  ["null", { fields: null }, "fields"],
  ["a bigint for a text", { fields: 7n }, "fields"],
  ["a bigint for a generation", { ifMetagenerationMatch: 7n }, "ifMetagenerationMatch"],
  ["a negative generation", { ifMetagenerationMatch: -1 }, "ifMetagenerationMatch"],
  ["a fraction", { ifGenerationNotMatch: 1.5 }, "ifGenerationNotMatch"],
  ["a generation of words", { ifGenerationNotMatch: "1 OR 1" }, "ifGenerationNotMatch"],
  ["a version of a key", {
    kmsKeyName: "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
  }, "kmsKeyName"],
  ["a text", "fields=name", "query"],
];

for (const [what, query, expected] of BAD_QUERIES) {
  Deno.test(`query refuses at the call: ${what}`, async () => {
    const { transport, seen } = scripted();
    const options = { ...TARGET, query, transport } as never;
    const error = await assertRejects(() => upload("x", options));
    assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
    assert(error.message.includes(expected), error.message);
    assertThrows(() => uploadStream(options));
    assertEquals(seen, []);
  });
}

Deno.test("query with url, or without a bucket, is a TypeError at the call", async () => {
  const { transport, seen } = scripted();
  const query = { fields: "name" };
  await assertRejects(
    () => upload("x", { url: UPLOAD, query, transport } as never),
    TypeError,
    "query",
  );
  await assertRejects(() => upload("x", { query, transport } as never), TypeError);
  assertEquals(seen, []);
});

Deno.test("a checkpoint agrees with the query it was started with, and with no other", async () => {
  const gcs = new GcsEmulator();
  const options = { ...TARGET, transport: gcs.fetch, chunkSize: U };
  const query = { userProject: "p" };
  let checkpoint = "";
  const stopped = upload(patterned(2 * U), {
    ...options,
    query,
    onCheckpoint(now) {
      checkpoint = JSON.stringify(now);
      if (now.persisted > 0) throw new Error("enough");
    },
  });
  await assertRejects(() => stopped, Error, "enough");
  const again = (query?: ObjectQuery) =>
    upload(patterned(2 * U), { ...options, query, checkpoint: JSON.parse(checkpoint) } as never);
  await assertRejects(() => again({ userProject: "q" }), TypeError, "name");
  await assertRejects(() => again(), TypeError, "name");
  assertEquals((await again(query) as { size: string }).size, String(2 * U));
});

// One request that may be sent again.

for (const [repeatable, requests] of [[true, 3], [false, 1], [undefined, 1]] as const) {
  Deno.test(`one request with repeatable: ${repeatable} is sent ${requests} times over two failures`, async () => {
    const answers = () => [
      new Response(null, { status: 503 }),
      new TypeError("broken"),
      Response.json({ id: 1 }),
    ];
    for (const type of ["media", "multipart"] as const) {
      const url = `https://api.example/u?uploadType=${type}`;
      const { transport, seen } = scripted(...answers());
      const one = upload<unknown>("x", { url, repeatable, transport, retry: retry() });
      if (repeatable) assertEquals(await one, { id: 1 });
      else await assertRejects(() => one, UploadError);
      assertEquals(seen.length, requests);
      const bodies = seen.map(({ body }) => new TextDecoder().decode(body));
      assertEquals(new Set(bodies).size, 1, "it is the same request");
      const again = scripted(...answers());
      const options = { repeatable, retry: retry() };
      const made = type === "media"
        ? new SimpleUpload<unknown>(url, options).transmit(again.transport, "x", "a/b")
        : new MultipartUpload<unknown>(url, options).transmit(again.transport, "x", {}, "a/b");
      await made.catch(() => {});
      assertEquals(again.seen.length, requests);
    }
  });
}

// 403.

const ERRORS: readonly (readonly [what: string, body: unknown, mayPass: boolean])[] = [
  ...["rateLimitExceeded", "userRateLimitExceeded"].map((reason) =>
    [
      reason,
      { error: { code: 403, message: "m", errors: [{ domain: "usageLimits", reason }] } },
      true,
    ] as const
  ),
  ...["RATE_LIMIT_EXCEEDED", "USER_RATE_LIMIT_EXCEEDED"].map((reason) =>
    [`ErrorInfo ${reason}`, {
      error: {
        code: 403,
        message: "m",
        status: "PERMISSION_DENIED",
        details: [{
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason,
          domain: "googleapis.com",
        }],
      },
    }, true] as const
  ),
  ...[
    "dailyLimitExceeded",
    "quotaExceeded",
    "storageQuotaExceeded",
    "teamDriveFileLimitExceeded",
    "sharingRateLimitExceeded",
    "uploadLimitExceeded",
    "insufficientFilePermissions",
    "ratelimitexceeded",
    "rateLimitExceeded ",
    "rateLimitExceededX",
    "RESOURCE_EXHAUSTED",
  ].map((reason) =>
    [
      reason,
      { error: { code: 403, message: "rateLimitExceeded", errors: [{ reason }] } },
      false,
    ] as const
  ),
  ["a word in the message only", { error: { code: 403, message: "userRateLimitExceeded" } }, false],
  ["no JSON", "rateLimitExceeded", false],
];

for (const [what, body, mayPass] of ERRORS) {
  Deno.test(`403, ${what}: ${mayPass ? "tried again" : "final"}, at the start and in the session`, async () => {
    const refused = () => new Response(JSON.stringify(body), { status: 403 });
    const done = () => Response.json({ id: 1 });
    const starts = scripted(refused(), opened(), done());
    const chunks = scripted(opened(), refused(), stored(0), done());
    for (const { transport, seen } of [starts, chunks]) {
      const result = upload<unknown>("x", { url: API, transport, retry: retry() });
      if (mayPass) assertEquals(await result, { id: 1 });
      else assertEquals(await codeOf(result), "rejected");
      assert(mayPass || seen.length <= 2, `${seen.length} requests`);
    }
  });
}

// One wire protocol, or the other.

for (const type of ["media", "multipart"]) {
  Deno.test(`uploadType=${type} with X-Goog-Upload, which sends sessions, is a TypeError at the call`, async () => {
    const { transport, seen } = scripted();
    const options = {
      url: `https://api.example/u?uploadType=${type}`,
      protocol: xGoogUpload,
      transport,
    };
    await assertRejects(() => upload("x", options), TypeError, type);
    assertThrows(() => uploadStream(options), TypeError, type);
    assertEquals(seen, []);
  });
}

Deno.test("X-Goog-Upload is started at the URL as it is: its protocol is in headers, not in a parameter", async () => {
  const url = "https://api.example/upload/files?key=1";
  const { transport, seen } = scripted(
    ...Array.from({ length: 3 }, () => new Response(null, { status: 400 })),
  );
  const options = { url, protocol: xGoogUpload, transport, retry: null };
  await upload("x", options).catch(() => {});
  await createUploadSession(options).catch(() => {});
  await uploadStream(options).result.catch(() => {});
  assertEquals(seen.map((request) => request.url), [url, url, url]);
});

Deno.test("X-Goog-Upload: a checkpoint agrees with the url that it was started with", async () => {
  const gcs = new GcsEmulator();
  const options = {
    url: `${UPLOAD}?name=a.bin`,
    protocol: xGoogUpload,
    transport: gcs.fetch,
    chunkSize: U,
  };
  let saved = "";
  const stopped = upload(patterned(2 * U), {
    ...options,
    onCheckpoint(now) {
      saved = JSON.stringify(now);
      if (now.persisted > 0) throw new Error("enough");
    },
  });
  await assertRejects(() => stopped, Error, "enough");
  const checkpoint = JSON.parse(saved);
  const other = { ...options, url: `${UPLOAD}?name=b.bin`, checkpoint };
  await assertRejects(() => upload(patterned(2 * U), other), TypeError, "url");
  assertEquals((await upload(patterned(2 * U), { ...options, checkpoint })).size, String(2 * U));
});

Deno.test("what x-goog-hash claims is compared with what was read also where it does not travel", async () => {
  const gcs = new GcsEmulator();
  const headers = { "x-goog-hash": "crc32c=AAAAAA==" };
  const options = { url: DRIVE, headers, resource: json(), transport: gcs.fetch };
  assertEquals(await codeOf(upload("hello", options)), "source_changed");
  assertEquals(gcs.uploads, []);
});

// Range, Location.

for (const protocol of ["bytes=", ""]) {
  Deno.test(`Range: ${protocol}0-41 means that 42 bytes are stored`, async () => {
    const gcs = new GcsEmulator({ bareRange: protocol === "" });
    const bytes = patterned(3 * U + 1);
    gcs.inject({ on: "chunk", skip: 1, cut: U / 2 });
    gcs.inject({ on: "final", drop: "before" });
    await upload(bytes, { ...TARGET, transport: gcs.fetch, chunkSize: U, retry: retry() });
    assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, bytes);
  });
}

for (
  const range of [
    "0-",
    "-41",
    "1-41",
    "0-41,50-60",
    "bytes 0-41",
    "bytes=0-4x",
    "0-99999999999999999",
    "41",
  ]
) {
  Deno.test(`Range: ${range} is no place to go on at`, async () => {
    const { transport } = scripted(
      opened(),
      new Response(null, { status: 308, headers: { range } }),
    );
    const result = upload<unknown>(patterned(2 * U), {
      url: API,
      transport,
      chunkSize: U,
      retry: null,
    });
    assertEquals(await codeOf(result), "invalid_response");
  });
}

const moved = (location: string, bytes = U) =>
  new Response(null, { status: 308, headers: { location, range: `bytes=0-${bytes - 1}` } });

for (
  const [location, expected] of [
    ["https://api.example/t?upload_id=2", "https://api.example/t?upload_id=2"],
    ["https://other.example/t?upload_id=2", "https://other.example/t?upload_id=2"],
    ["http://api.example/t?upload_id=2", "https://api.example/s?upload_id=1"],
    ["javascript:alert(1)", "https://api.example/s?upload_id=1"],
    ["https://", "https://api.example/s?upload_id=1"],
  ]
) {
  Deno.test(`a 308 with the Location ${location} goes on at ${expected}`, async () => {
    const { transport, seen } = scripted(opened(), moved(location), Response.json({ id: 1 }));
    let checkpointed = "";
    await upload<unknown>(patterned(U + 1), {
      url: API,
      transport,
      chunkSize: U,
      headers: { authorization: "Bearer x" },
      onCheckpoint: ({ sessionUrl }) => void (checkpointed = sessionUrl),
    });
    assertEquals([seen[2].url, checkpointed], [expected, expected]);
    assertEquals(seen[2].headers.get("authorization"), null);
  });
}

Deno.test("a session that moves in the middle is followed, and queried where it is now", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "chunk", move: true, times: 2 });
  gcs.inject({ on: "final", drop: "before" });
  const bytes = patterned(3 * U + 1);
  await upload(bytes, { ...TARGET, transport: gcs.fetch, chunkSize: U, retry: retry() });
  assertEquals(gcs.get(TARGET.bucket, TARGET.name)?.bytes, bytes);
  assertEquals(gcs.sessions.length, 1);
});

// What was finished before it is taken up again.

for (const protocol of [undefined, xGoogUpload]) {
  Deno.test(`${protocol?.name ?? "content-range"}: a finished stream is believed after it was compared, where no size is told`, async () => {
    const gcs = new GcsEmulator();
    const url = `${YOUTUBE}/videos?part=id`;
    const bytes = patterned(3 * U + 9);
    const source = (data = bytes) => asyncPieces(pieces(data, 70_000));
    const options = { protocol, transport: gcs.fetch, chunkSize: U, retry: null };
    let saved = "";
    gcs.inject({ on: "final", drop: "after" });
    const lost = upload<unknown>(source(), {
      ...options,
      url,
      onCheckpoint: (checkpoint) => void (saved = JSON.stringify(checkpoint)),
    });
    await assertRejects(() => lost, UploadError);
    const again = (data?: Uint8Array<ArrayBuffer>) =>
      upload<{ kind: string }>(source(data), {
        protocol,
        transport: gcs.fetch,
        retry: retry(),
        checkpoint: JSON.parse(saved),
      });
    assertEquals((await again()).kind, "youtube#video");
    const other = patterned(3 * U + 9);
    other[5] ^= 1;
    assertEquals(await codeOf(again(other)), "source_changed");
    assertEquals(gcs.uploads.length, 1);
  });
}

// Signed URLs.

Deno.test("a signed PUT URL takes the whole object from SimpleUpload, and nothing it was not signed for", async () => {
  const { transport, seen } = scripted(
    new Response(null, {
      headers: {
        "x-goog-hash": "crc32c=mnG7TA==",
        "x-goog-stored-content-length": "5",
        "x-goog-generation": "7",
      },
    }),
  );
  const put = new SimpleUpload(SIGNED_PUT, { method: "PUT" });
  await put.transmit(transport, "hello", "text/plain");
  const [{ method, url, headers, body }] = seen;
  assertEquals([method, url, new TextDecoder().decode(body)], ["PUT", SIGNED_PUT, "hello"]);
  assertEquals([...headers.keys()].filter((name) => name.startsWith("x-")), []);
  assertEquals(headers.get("content-type"), "text/plain");
  assertEquals([put.object?.size, put.object?.generation], ["5", "7"]);
});

Deno.test("a signed PUT URL of version 2 works the same", async () => {
  const { transport, seen } = scripted(
    new Response(null, { headers: { "x-goog-hash": "crc32c=mnG7TA==" } }),
  );
  const put = new SimpleUpload(V2, { method: "PUT" });
  await put.transmit(transport, "hello", "text/plain");
  assertEquals([seen[0].method, put.finished, put.object?.size], ["PUT", true, "5"]);
});

Deno.test("a signed PUT that stores other bytes is data_corruption", async () => {
  const { transport } = scripted(
    new Response(null, { headers: { "x-goog-hash": "crc32c=AAAAAA==" } }),
  );
  const put = new SimpleUpload(SIGNED_PUT, { method: "PUT", retry: null });
  assertEquals(await codeOf(put.transmit(transport, "hello", "text/plain")), "data_corruption");
});

for (const url of [SIGNED_PUT, SIGNED_START, V2]) {
  Deno.test(`a signed URL is no URL for SimpleUpload with POST: ${url.slice(57, 80)}`, () => {
    assertThrows(() => new SimpleUpload(url), TypeError, "PUT");
    assertThrows(() => new MultipartUpload(url), TypeError);
  });
}

Deno.test("a signed URL without x-goog-resumable says so at the call", async () => {
  const { transport, seen } = scripted();
  const sentence = "x-goog-resumable";
  await assertRejects(() => upload("x", { url: SIGNED_PUT, transport }), TypeError, sentence);
  await assertRejects(
    () => createUploadSession({ url: SIGNED_PUT, transport }),
    TypeError,
    sentence,
  );
  assertThrows(() => uploadStream({ url: SIGNED_PUT, transport }), TypeError, sentence);
  assertThrows(() => new ResumableUpload(SIGNED_PUT, U), TypeError, sentence);
  const error = assertThrows(() => new ResumableUpload(SIGNED_PUT, U), TypeError);
  assert(!error.message.includes("Signature=00"), "the signature is not shown");
  assertEquals(seen, []);
});

for (const [what, url] of [["version 4", SIGNED_START], ["version 2", V2]]) {
  Deno.test(`a signed URL of ${what} starts an upload, also one that is handed over`, async () => {
    const gcs = new GcsEmulator();
    const object = await upload("hello", { url, transport: gcs.fetch, contentType: "text/plain" });
    assertEquals(object.size, "5");
    const { url: session } = await createUploadSession({
      url,
      transport: gcs.fetch,
      contentType: "text/plain",
    });
    const handed = await upload("world!", { session, transport: gcs.fetch });
    assertEquals(handed.size, "6");
    assertEquals(new TextDecoder().decode(gcs.get("my-bucket", "a.bin")?.bytes), "world!");
    const starts = gcs.requests.filter(({ kind }) => kind === "initiate");
    assertEquals(starts.map(({ headers }) => headers["x-goog-resumable"]), ["start", "start"]);
  });
}

Deno.test("a Drive file is replaced with PATCH in one request, too", async () => {
  const gcs = new GcsEmulator();
  const { id } = await upload("one", {
    url: DRIVE,
    resource: json<{ id: string }>(),
    transport: gcs.fetch,
  });
  const url = `${DRIVE}/${id}?uploadType=media`;
  await upload("two", { url, method: "PATCH", resource: json(), transport: gcs.fetch });
  const read = await gcs.fetch(`https://www.googleapis.com/drive/v3/files/${id}?alt=media`);
  assertEquals(await read.text(), "two");
});
