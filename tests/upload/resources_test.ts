// The results of Google's APIs: how each is read, which of its sums are compared with the bytes, and what follows when it
// is lost.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  anything,
  createUploadSession,
  DataCorruption,
  type DriveFile,
  driveFile,
  type GeminiFile,
  geminiFile,
  InvalidResponse,
  json,
  MultipartUpload,
  type Resource,
  ResumableUpload,
  SimpleUpload,
  type StorageObject,
  storageObject,
  text,
  upload,
  UploadError,
  type UploadErrorCode,
  uploadStream,
  xGoogUpload,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import type { ReplyHead } from "../../src/protocol/reply.ts";
import { base64OfHex, textOfBase64 } from "../../src/protocol/resources/encoding.ts";
import { defaultResource } from "../../src/protocol/resources/default.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { scripted, stored } from "../support/scripted.ts";

const DRIVE = "https://www.googleapis.com/upload/drive/v3/files";
const GEMINI = "https://generativelanguage.googleapis.com/upload/v1beta/files";
const YOUTUBE = "https://www.googleapis.com/upload/youtube/v3";
const SHEET = "application/vnd.google-apps.spreadsheet";

const retry = () => ({ clock: fakeClock(), maxAttempts: 8 });
const opened = (url = "https://api.example/s?upload_id=1") =>
  new Response(null, { headers: { location: url } });
const replyOf = (
  status: number,
  text: string,
  headers: Record<string, string> = {},
): ReplyHead => ({
  status,
  headers: new Headers(headers),
  text,
});

async function codeOf(promise: Promise<unknown>): Promise<UploadErrorCode> {
  return (await assertRejects(() => promise, UploadError)).code;
}

const context = { startUrl: DRIVE, method: "POST", metadata: { name: "a" } } as const;

// What is read of a reply.

const READINGS: readonly [what: string, Resource<unknown>, ReplyHead, expected: unknown][] = [
  ["anything: JSON", anything, replyOf(200, '{"id":"a"}'), { id: "a" }],
  ["anything: JSON that is a list", anything, replyOf(201, "[1]"), [1]],
  ["anything: text", anything, replyOf(200, "token"), "token"],
  ["anything: 204 is nothing", anything, replyOf(204, ""), null],
  ["anything: an empty 200 shows no result", anything, replyOf(200, ""), undefined],
  ["anything: a blank 200 shows no result", anything, replyOf(201, " \n"), undefined],
  ["anything: an error is no result", anything, replyOf(500, "{}"), undefined],
  [
    "anything: an empty final reply of X-Goog-Upload ends an upload without a result",
    anything,
    replyOf(200, "", { "x-goog-upload-status": "final" }),
    null,
  ],
  [
    "anything: with a size it is that of a query which does not repeat the result",
    anything,
    replyOf(200, "", { "x-goog-upload-status": "final", "x-goog-upload-size-received": "1" }),
    undefined,
  ],
  ["json: an object", json(), replyOf(200, '{"id":"a"}'), { id: "a" }],
  ["json: null is a value", json(), replyOf(200, "null"), null],
  ["json: text is none", json(), replyOf(200, "token"), undefined],
  ["json: 204 is none", json(), replyOf(204, ""), undefined],
  ["json: cut short is none", json(), replyOf(200, '{"id":"'), undefined],
  ["json: an error under a 200 is none", json(), replyOf(200, '{"error":{"code":5}}'), undefined],
  [
    "json: a resource that has a field error is one",
    json(),
    replyOf(200, '{"error":{"code":5},"id":"a"}'),
    { error: { code: 5 }, id: "a" },
  ],
  ["text: as it is", text, replyOf(200, " token\n"), " token\n"],
  ["text: an empty one is none", text, replyOf(200, ""), undefined],
  ["text: of an error is none", text, replyOf(404, "Not found"), undefined],
  ["driveFile: a file", driveFile, replyOf(201, '{"id":"a"}'), { id: "a" }],
  ["geminiFile: a file", geminiFile, replyOf(200, '{"file":{"name":"files/a"}}'), {
    file: { name: "files/a" },
  }],
  ["geminiFile: without a name is none", geminiFile, replyOf(200, '{"file":{}}'), undefined],
  ["geminiFile: null is none", geminiFile, replyOf(200, "null"), undefined],
  ["storageObject: other JSON is none", storageObject, replyOf(200, "{}"), undefined],
];

for (const [what, resource, reply, expected] of READINGS) {
  Deno.test(`read: ${what}`, () => assertEquals(resource.read(reply), expected));
}

for (
  const [hex, base64] of [
    ["", undefined],
    ["0", undefined],
    ["00", "AA=="],
    ["FFfe", "//4="],
    ["5d41402abc4b2a76b9719d911017c592", "XUFAKrxLKna5cZ2REBfFkg=="],
    ["0g", undefined],
    [" 00", undefined],
    [12, undefined],
    [undefined, undefined],
  ] as const
) {
  Deno.test(`hexadecimal ${hex} is ${base64} in base64`, () => {
    assertEquals(base64OfHex(hex), base64);
  });
}

Deno.test("base64 that is none is no text", () => {
  assertEquals([textOfBase64("YWI="), textOfBase64("%"), textOfBase64(7)], [
    "ab",
    undefined,
    undefined,
  ]);
});

// What Drive says of the bytes.

const FACTS: readonly [
  what: string,
  DriveFile,
  Partial<typeof context> & object,
  expected: unknown,
][] = [
  ["size and MD5", { size: "5", md5Checksum: "00" }, {}, {
    size: 5,
    md5: "AA==",
    sha256: undefined,
  }],
  ["SHA-256", { sha256Checksum: "ff" }, {}, { size: undefined, md5: undefined, sha256: "/w==" }],
  ["a size of a new file whose start is known", { size: "5" }, {}, {
    size: 5,
    md5: undefined,
    sha256: undefined,
  }],
  [
    "an import, as the metadata say",
    { size: "5" },
    { metadata: { mimeType: SHEET } as never },
    undefined,
  ],
  ["an import, as the reply says", { size: "5", mimeType: SHEET }, {}, undefined],
  [
    "a size of a file whose start is not known",
    { size: "5" },
    { metadata: {} as never },
    undefined,
  ],
  ["a size of a file that was replaced", { size: "5" }, { method: "PATCH" as never }, undefined],
  ["a replaced file that shows its type", { size: "5", mimeType: "a/b" }, {
    method: "PATCH" as never,
  }, { size: 5, md5: undefined, sha256: undefined }],
  ["a replaced file that shows a sum", { size: "5", md5Checksum: "00" }, {
    method: "PATCH" as never,
  }, { size: 5, md5: "AA==", sha256: undefined }],
];

for (const [what, file, more, expected] of FACTS) {
  Deno.test(`Drive tells of the bytes: ${what}`, () => {
    assertEquals(driveFile.facts?.(file, { ...context, ...more }), expected as undefined);
  });
}

for (
  const fields of ["size", "id,size", "*", "md5Checksum", "id, sha256Checksum", "files(id,size)"]
) {
  Deno.test(`driveFile takes fields=${fields}`, () => {
    driveFile.check?.(`${DRIVE}?fields=${encodeURIComponent(fields)}`);
  });
}

for (
  const query of [
    "",
    "?fields=id",
    "?fields=",
    "?fields=sizes,kind",
    "?Fields=size",
    "#fields=size",
  ]
) {
  Deno.test(`driveFile without the fields it compares is a TypeError at the call: "${query}"`, async () => {
    const url = DRIVE + query;
    const { transport, seen } = scripted();
    const options = { url, resource: driveFile, transport };
    await assertRejects(() => upload("x", options), TypeError, "fields");
    assertThrows(() => uploadStream(options), TypeError, "fields");
    assertThrows(
      () => new ResumableUpload(url, 262144, { resource: driveFile }),
      TypeError,
      "fields",
    );
    assertThrows(() => new SimpleUpload(url, { resource: driveFile }), TypeError, "fields");
    assertThrows(() => new MultipartUpload(url, { resource: driveFile }), TypeError, "fields");
    assertEquals(seen, []);
  });
}

// Which resource a URL stands for.

for (
  const url of [
    "https://storage.googleapis.com/upload/storage/v1/b/bucket/o?name=a",
    "https://www.googleapis.com/upload/storage/v1/b/bucket/o",
    "https://storage.googleapis.com/resumable/upload/storage/v1/b/bucket/o?name=a",
    "https://proxy.example/google/upload/storage/v1/b/bucket/o?name=a",
    "https://storage.googleapis.com/bucket/a?X-Goog-Signature=0&X-Goog-SignedHeaders=host",
    "https://cdn.example/bucket/a?GoogleAccessId=x&Expires=1&Signature=0",
    "https://storage.googleapis.com/bucket/a?upload_id=1",
    "https://bucket.storage.googleapis.com/a?upload_id=1",
  ]
) {
  Deno.test(`the default is Cloud Storage's object for ${url}`, () => {
    assert(defaultResource<unknown>(url) === storageObject as unknown);
  });
}

for (
  const url of [
    DRIVE,
    GEMINI,
    `${YOUTUBE}/videos?part=id`,
    "https://firebasestorage.googleapis.com/v0/b/bucket/o?name=a",
    "https://photoslibrary.googleapis.com/v1/uploads",
    "https://storage.googleapis.com.evil.example/bucket/a",
    "https://evilstorage.googleapis.com/bucket/a",
    "https://api.example/upload?url=https://storage.googleapis.com/upload/storage/v1/b/bucket/o",
    "https://bigquery.googleapis.com/upload/bigquery/v2/projects/p/jobs?signatures=1",
  ]
) {
  Deno.test(`the default is anything for ${url}`, () => {
    assert(defaultResource<unknown>(url) === anything);
  });
}

// What travels.

Deno.test("elsewhere no checksum travels: not in the metadata, not in a header, and no {} without metadata", async () => {
  for (const metadata of [undefined, {}, { snippet: { title: "a" } }]) {
    const { transport, seen } = scripted(opened(), Response.json({ id: "a" }));
    await upload("hello", {
      url: "https://api.example/upload?uploadType=resumable",
      metadata,
      transport,
    });
    const [start, sent] = seen;
    assertEquals(
      new TextDecoder().decode(start.body),
      metadata?.snippet ? JSON.stringify(metadata) : "",
    );
    assertEquals(start.headers.has("content-type"), metadata?.snippet !== undefined);
    for (const { headers } of [start, sent]) assertEquals(headers.get("x-goog-hash"), null);
  }
});

Deno.test("elsewhere no checksum travels in one request either", async () => {
  const { transport, seen } = scripted(Response.json({ id: "a" }));
  const url = "https://api.example/upload?uploadType=multipart";
  const multipart = new MultipartUpload<unknown>(url);
  await multipart.transmit(transport, "hello", { snippet: { title: "a" } }, "text/plain");
  assert(new TextDecoder().decode(seen[0].body).includes('{"snippet":{"title":"a"}}'));
  assertEquals([multipart.object, seen[0].headers.get("x-goog-hash")], [{ id: "a" }, null]);
});

Deno.test("at Cloud Storage the checksum travels with the last request", async () => {
  const { transport, seen } = scripted(
    opened("https://storage.googleapis.com/upload/storage/v1/b/bucket/o?upload_id=1"),
    Response.json({ name: "a", size: "5" }),
  );
  await upload("hello", { bucket: "bucket", name: "a", transport });
  assertEquals(seen[1].headers.get("x-goog-hash"), "crc32c=mnG7TA==");
});

// What finishes an upload, and what does not.

Deno.test("204 finishes a session of an API that answers with nothing, and the result is null", async () => {
  const { transport, left } = scripted(opened(), new Response(null, { status: 204 }));
  const url = "https://api.example/upload?uploadType=resumable";
  assertEquals(await upload<unknown>("x", { url, transport }), null);
  assertEquals(left(), 0);
});

Deno.test("an empty 200 asks; what it learns then is the result", async () => {
  const { transport, seen } = scripted(opened(), new Response(""), Response.json({ id: "a" }));
  const url = "https://api.example/upload?uploadType=resumable";
  assertEquals(await upload<unknown>("x", { url, transport, retry: retry() }), { id: "a" });
  assertEquals(seen[2].headers.get("content-range"), "bytes */*");
});

Deno.test("an empty 200 asks; where nothing is stored, the bytes are sent again", async () => {
  const { transport, seen } = scripted(opened(), new Response(""), stored(0), Response.json([]));
  const url = "https://api.example/upload?uploadType=resumable";
  assertEquals(await upload<unknown>("x", { url, transport, retry: retry() }), []);
  assertEquals(new TextDecoder().decode(seen[3].body), "x");
});

Deno.test("an empty 200 that stays one ends in invalid_response, not in a loop", async () => {
  let requests = 0;
  const transport = () => Promise.resolve(requests++ === 0 ? opened() : new Response(""));
  const url = "https://api.example/upload?uploadType=resumable";
  const failed = upload<unknown>("x", { url, transport, retry: retry() });
  assertEquals(await codeOf(failed), "invalid_response");
  assert(requests < 10, `${requests} requests`);
});

Deno.test("X-Goog-Upload: final without a result that nobody repeats says that the upload is finished", async () => {
  const gcs = new GcsEmulator({ finalQuery: "size" });
  gcs.inject({ on: "final", drop: "after" });
  const failed = upload("x", {
    url: `${DRIVE}?fields=size`,
    protocol: xGoogUpload,
    resource: driveFile,
    transport: gcs.fetch,
    retry: retry(),
  });
  const error = await assertRejects(() => failed, InvalidResponse, "the upload is finished");
  assertEquals([error.code, gcs.uploads.length], ["invalid_response", 1]);
});

Deno.test("Firebase: a lost result is looked up once, where it can be read", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "final", drop: "after" });
  const object = await upload("hello", {
    url: "https://firebasestorage.googleapis.com/v0/b/my-bucket/o?name=dir%2Fa.txt",
    protocol: xGoogUpload,
    resource: storageObject,
    transport: gcs.fetch,
    retry: retry(),
  });
  assertEquals([object.name, object.size, object.crc32c], ["dir/a.txt", "5", "mnG7TA=="]);
  assertEquals(gcs.requests.map(({ kind }) => kind), ["initiate", "final", "status", "get"]);
});

// What is compared.

for (const protocol of [undefined, xGoogUpload]) {
  const wire = protocol ? "X-Goog-Upload" : "Content-Range";

  Deno.test(`${wire}: bytes that Drive reports as damaged are data_corruption`, async () => {
    for (
      const fields of ["md5Checksum", "sha256Checksum", "id,size,md5Checksum,sha256Checksum", "*"]
    ) {
      const gcs = new GcsEmulator();
      gcs.inject({ on: "final", corrupt: true });
      const checksum = fields === "sha256Checksum" ? "sha256" : "auto";
      const failed = upload("hello", {
        url: `${DRIVE}?fields=${fields}`,
        protocol,
        resource: driveFile,
        checksum,
        transport: gcs.fetch,
      });
      await assertRejects(() => failed, DataCorruption, checksum === "auto" ? "md5" : "sha256");
    }
  });

  Deno.test(`${wire}: what Drive does not report of a file cannot be required`, async () => {
    const gcs = new GcsEmulator();
    const failed = upload("hello", {
      url: `${DRIVE}?fields=size`,
      protocol,
      resource: driveFile,
      checksum: "md5",
      transport: gcs.fetch,
    });
    assertEquals(await codeOf(failed), "invalid_response");
  });

  Deno.test(`${wire}: a file that Drive converts is not compared`, async () => {
    for (const fields of ["size", "id,mimeType,size,md5Checksum", "size,sha256Checksum"]) {
      const gcs = new GcsEmulator();
      const file = await upload("a,b\n", {
        url: `${DRIVE}?fields=${fields}`,
        metadata: { mimeType: SHEET },
        contentType: "text/csv",
        protocol,
        resource: driveFile,
        transport: gcs.fetch,
      });
      assertEquals(file.size, "1024");
    }
  });

  Deno.test(`${wire}: bytes that Gemini reports as damaged are data_corruption`, async () => {
    const gcs = new GcsEmulator();
    gcs.inject({ on: "final", corrupt: true });
    const failed = upload("hello", {
      url: GEMINI,
      protocol,
      resource: geminiFile,
      headers: { "x-goog-api-key": "key" },
      transport: gcs.fetch,
    });
    await assertRejects(() => failed, DataCorruption, "sha256");
  });

  Deno.test(`${wire}: a size that Gemini reports otherwise is data_corruption`, async () => {
    const gcs = new GcsEmulator();
    const changed: typeof gcs.fetch = async (input, init) => {
      const reply = await gcs.fetch(input, init);
      const body = await reply.text();
      const shown = body.replace('"sizeBytes": "5"', '"sizeBytes": "6"');
      return new Response(shown, { status: reply.status, headers: reply.headers });
    };
    const failed = upload("hello", {
      url: GEMINI,
      protocol,
      resource: geminiFile,
      headers: { "x-goog-api-key": "key" },
      transport: changed as typeof fetch,
    });
    await assertRejects(() => failed, DataCorruption, "6");
  });
}

Deno.test("an import in one request is not compared either, and is no error", async () => {
  const gcs = new GcsEmulator();
  const url = `${DRIVE}?uploadType=multipart&fields=id,mimeType,size`;
  const multipart = new MultipartUpload(url, { resource: driveFile });
  await multipart.transmit(gcs.fetch, "a,b\n", { mimeType: SHEET }, "text/csv");
  assertEquals(multipart.object?.size, "1024");
});

Deno.test("an import that is taken up again, or was handed over, is not compared by its size alone", async () => {
  const gcs = new GcsEmulator();
  const options = { resource: driveFile, transport: gcs.fetch };
  const { url } = await createUploadSession({
    url: `${DRIVE}?fields=id,size`,
    metadata: { mimeType: SHEET },
    transport: gcs.fetch,
  });
  const file = await upload("a,b\n", { session: url, ...options });
  assertEquals(file.size, "1024");
});

Deno.test("204 in one request finishes it too, and the result is null", async () => {
  const url = `${YOUTUBE}/watermarks/set?channelId=c`;
  const gcs = new GcsEmulator();
  const simple = new SimpleUpload<unknown>(`${url}&uploadType=media`);
  assertEquals((await simple.transmit(gcs.fetch, "png", "image/png")).status, 204);
  assertEquals([simple.finished, simple.object], [true, null]);
  const options = { url: `${url}&uploadType=media`, transport: gcs.fetch };
  assertEquals(await upload<unknown>("png", options), null);
});

Deno.test("one request without metadata, to an API that takes no checksums in it, is media", async () => {
  const gcs = new GcsEmulator();
  const url = `${YOUTUBE}/thumbnails/set?videoId=v`;
  await upload<unknown>("png", {
    url,
    transport: gcs.fetch,
    retry: null,
    contentType: "image/png",
  });
  assertEquals(gcs.requests.map(({ kind, status }) => [kind, status]), [["media", 200]]);
});

// A resource of one's own.

Deno.test("a resource of one's own is read, compared and completed", async () => {
  const mine: Resource<{ length: number; note?: string }> = {
    expected: "a length",
    read: ({ text }) => /^\d+$/.test(text) ? { length: Number(text) } : undefined,
    facts: ({ length }) => ({ size: length }),
    complete: (value, { size, method }) => ({ ...value, note: `${method} ${size}` }),
  };
  const url = "https://api.example/upload?uploadType=resumable";
  const good = scripted(opened(), new Response("5"));
  const options = { url, method: "PUT", resource: mine } as const;
  assertEquals(await upload("hello", { ...options, transport: good.transport }), {
    length: 5,
    note: "PUT 5",
  });
  const bad = scripted(opened(), new Response("6"));
  assertEquals(
    await codeOf(upload("hello", { ...options, transport: bad.transport })),
    "data_corruption",
  );
});

for (const resource of [json as never, "json" as never, 7 as never, {} as never, null as never]) {
  Deno.test(`a resource that is none is a TypeError at the call: ${typeof resource}`, async () => {
    const { transport, seen } = scripted();
    const options = { url: "https://api.example/u", resource, transport };
    await assertRejects(() => upload("x", options), TypeError, "resource");
    assertEquals(seen, []);
  });
}

// Types: T comes from the resource.

Deno.test("upload's result has the type of its resource", () => {
  const never = undefined as unknown as { transport: never };
  const typed = (): void => {
    const url = "https://api.example/u";
    const a: Promise<StorageObject & { bucket: string; name: string }> = upload("x", {
      bucket: "b",
      name: "n",
    });
    const b: Promise<string> = upload("x", { url, resource: text });
    const c: Promise<DriveFile> = upload("x", { url, method: "PATCH", resource: driveFile });
    const d: Promise<GeminiFile> = upload("x", {
      url,
      protocol: xGoogUpload,
      resource: geminiFile,
    });
    const e: Promise<{ id: number }> = upload("x", { url, resource: json<{ id: number }>() });
    const f: Promise<unknown> = upload("x", { url, resource: anything });
    const g: Promise<StorageObject> = upload("x", { url });
    const h: Promise<string> = uploadStream({ url, resource: text }).result;
    const i: string | undefined = new ResumableUpload(url, 262144, { resource: text }).object;
    const j: string | undefined = new SimpleUpload(url, { resource: text }).object;
    const k: Promise<{ id: number }> = upload("x", {
      session: url,
      resource: json<{ id: number }>(),
    });
    const l: Promise<string> = upload("x", { bucket: "b", name: "n", resource: text });
    // @ts-expect-error: the result is a text
    const m: Promise<number> = upload("x", { url, resource: text });
    // @ts-expect-error: DELETE starts nothing
    const n = upload("x", { url, method: "DELETE" });
    console.log(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  };
  assertEquals([typeof typed, never], ["function", undefined]);
});

const ONLY_READ: Resource<unknown> = { expected: "a text", read: ({ text }) => text };
const STORAGE = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?name=a";

for (
  const [what, resource, url, unreported] of [
    ["an object", storageObject, STORAGE, ["sha256"]],
    ["a file of Drive", driveFile, `${DRIVE}?fields=*`, ["crc32c"]],
    ["a file of Gemini", geminiFile, GEMINI, ["crc32c", "md5"]],
    ["JSON of which nothing is known", json(), `${YOUTUBE}/videos`, ["crc32c", "md5", "sha256"]],
    ["a text", text, `${YOUTUBE}/videos`, ["crc32c", "md5", "sha256"]],
    ["anything", anything, `${YOUTUBE}/videos`, ["crc32c", "md5", "sha256"]],
    ["a resource without facts", ONLY_READ, `${YOUTUBE}/videos`, ["crc32c", "md5", "sha256"]],
  ] as const
) {
  Deno.test(`a checksum that ${what} cannot report is refused before anything is stored`, async () => {
    for (const checksum of unreported) {
      const gcs = new GcsEmulator();
      const options = { url, resource: resource as Resource<unknown>, checksum };
      await assertRejects(
        () => upload("hello", { ...options, transport: gcs.fetch }),
        TypeError,
        `got "${checksum}"`,
      );
      assertEquals(gcs.requests.length, 0);
    }
  });
}
