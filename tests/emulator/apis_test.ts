// The other APIs of the emulator answer as Google documents theirs: paths, fields, sizes and sums.

import { assertEquals, assertMatch } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, detail, U } from "./helpers.ts";
import { command, openSession, said, startHeaders } from "./x_goog_helpers.ts";

const DRIVE = "https://www.googleapis.com/upload/drive/v3/files";
const FILES = "https://www.googleapis.com/drive/v3/files";
const GEMINI = "https://generativelanguage.googleapis.com/upload/v1beta/files";
const YOUTUBE = "https://www.googleapis.com/upload/youtube/v3";
const PHOTOS = "https://photoslibrary.googleapis.com/v1/uploads";
const FIREBASE = "https://firebasestorage.googleapis.com/v0/b/my-bucket/o";
const JSON_BODY = { "content-type": "application/json" };

/** A Content-Range upload in two requests; the reply of the second. */
async function resumable(
  gcs: GcsEmulator,
  url: string,
  bytes: BodyInit,
  init: RequestInit = {},
): Promise<Response> {
  const begun = await gcs.fetch(url, { method: "POST", ...init });
  if (begun.status !== 200) return begun;
  return gcs.fetch(begun.headers.get("location")!, { method: "PUT", body: bytes });
}

/** The same with X-Goog-Upload. */
async function xGoog(
  gcs: GcsEmulator,
  url: string,
  bytes: BodyInit,
  { headers, body = null, method = "POST" }: {
    headers?: Record<string, string>;
    body?: string | null;
    method?: string;
  } = {},
): Promise<Response> {
  const begun = await gcs.fetch(url, { method, body, headers: startHeaders(headers) });
  if (begun.status !== 200) return begun;
  return command(gcs, begun.headers.get("x-goog-upload-url")!, "upload, finalize", 0, bytes);
}

const SUMS = {
  size: "9",
  md5Checksum: "25f9e794323b453885f5181f1b624d0b",
  sha1Checksum: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
  sha256Checksum: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
};

for (const protocol of ["content-range", "x-goog-upload"] as const) {
  /** Drive's reply to a file of nine bytes. */
  const drive = (
    gcs: GcsEmulator,
    query = "",
    body: string | null = null,
    method = "POST",
    path = "",
  ) =>
    protocol === "content-range"
      ? resumable(gcs, `${DRIVE}${path}?uploadType=resumable${query}`, "123456789", {
        method,
        body,
        headers: { "x-upload-content-type": "text/csv" },
      })
      : xGoog(gcs, `${DRIVE}${path}?${query.slice(1)}`, "123456789", {
        method,
        body,
        headers: { "x-goog-upload-header-content-type": "text/csv" },
      });

  Deno.test(`Drive, ${protocol}: without fields a new file shows kind, id, name and type only`, async () => {
    const gcs = new GcsEmulator();
    const reply = await drive(gcs, "", JSON.stringify({ name: "a.csv" }));
    assertEquals(reply.status, 200);
    const { id, ...rest } = await reply.json();
    assertEquals(rest, { kind: "drive#file", name: "a.csv", mimeType: "text/csv" });
    const { api, method, metadata, bytes } = gcs.uploads[0];
    assertEquals([api, method, gcs.uploads[0].id], ["drive", "files.create", id]);
    assertEquals(metadata, { name: "a.csv" });
    assertEquals(new TextDecoder().decode(bytes), "123456789");
  });

  Deno.test(`Drive, ${protocol}: with fields, size is text and sums are hexadecimal`, async () => {
    const gcs = new GcsEmulator();
    const fields = `&fields=${Object.keys(SUMS).join(",")}`;
    assertEquals(await (await drive(gcs, fields)).json(), SUMS);
  });

  Deno.test(`Drive, ${protocol}: an import has the type of the Workspace file, and size and sums of something else`, async () => {
    const gcs = new GcsEmulator();
    const mimeType = "application/vnd.google-apps.spreadsheet";
    const fields = `&fields=mimeType,${Object.keys(SUMS).join(",")}`;
    const reply = await drive(gcs, fields, JSON.stringify({ mimeType }));
    const { mimeType: type, ...facts } = await reply.json();
    assertEquals(type, mimeType);
    assertEquals(Object.keys(facts), Object.keys(SUMS));
    for (const [name, value] of Object.entries(SUMS)) assertEquals(facts[name] === value, false);
  });

  Deno.test(`Drive, ${protocol}: PATCH replaces the bytes and keeps id and name; another method is a 405`, async () => {
    const gcs = new GcsEmulator();
    const created = await (await drive(gcs, "", JSON.stringify({ name: "a" }))).json();
    const path = `/${created.id}`;
    const reply = await drive(gcs, "", null, "PATCH", path);
    assertEquals(await reply.json(), created);
    assertEquals(gcs.uploads.map(({ method }) => method), ["files.create", "files.update"]);
    assertEquals((await drive(gcs, "", null, "POST", path)).status, 405);
    assertEquals((await drive(gcs, "", null, "PATCH", "/none")).status, 404);
    const got = await gcs.fetch(`${FILES}${path}?fields=size,name`);
    assertEquals(await got.json(), { name: "a", size: "9" });
    assertEquals(await (await gcs.fetch(`${FILES}${path}?alt=media`)).text(), "123456789");
    assertEquals((await gcs.fetch(`${FILES}/none`)).status, 404);
  });

  /** Gemini's reply to a file of nine bytes. */
  const gemini = (
    gcs: GcsEmulator,
    headers: Record<string, string>,
    query = "",
    body: string | null = null,
  ) =>
    protocol === "content-range"
      ? resumable(gcs, `${GEMINI}?uploadType=resumable${query}`, "123456789", {
        headers: { ...headers, "x-upload-content-type": "video/mp4" },
        body,
      })
      : xGoog(gcs, `${GEMINI}?${query.slice(1)}`, "123456789", {
        headers: { ...headers, "x-goog-upload-header-content-type": "video/mp4" },
        body,
      });

  Deno.test(`Gemini, ${protocol}: a file shows its size as text and the SHA-256 as base64 of its digits`, async () => {
    const gcs = new GcsEmulator();
    const body = JSON.stringify({ file: { displayName: "Film" } });
    const reply = await gemini(gcs, { "x-goog-api-key": "k" }, "", body);
    const { file } = await reply.json();
    assertEquals([file.displayName, file.mimeType], ["Film", "video/mp4"]);
    assertEquals([file.sizeBytes, atob(file.sha256Hash)], ["9", SUMS.sha256Checksum]);
    assertEquals(file.state, "PROCESSING");
    assertMatch(file.uri, /\/v1beta\/files\/[a-z0-9-]+$/);
    const got = await gcs.fetch(`${file.uri}?key=k`);
    assertEquals(await got.json(), { ...file, state: "ACTIVE" });
  });

  Deno.test(`Gemini, ${protocol}: the key is asked for, in the query or a header`, async () => {
    const gcs = new GcsEmulator({ apiKeys: ["good"] });
    const statuses = [
      await gemini(gcs, {}),
      await gemini(gcs, { "x-goog-api-key": "bad" }),
      await gemini(gcs, {}, "&key=bad"),
      await gemini(gcs, { "x-goog-api-key": "good" }),
      await gemini(gcs, {}, "&key=good"),
      await gemini(gcs, { authorization: "Bearer t" }),
    ].map(({ status }) => status);
    assertEquals(statuses, [403, 400, 400, 200, 200, 200]);
  });

  Deno.test(`Gemini, ${protocol}: fields that it does not know are refused`, async () => {
    const gcs = new GcsEmulator();
    for (const body of ['{"md5Hash":"x"}', '{"file":{"crc32c":"x"}}', '{"file":[]}']) {
      const reply = await gemini(gcs, { "x-goog-api-key": "k" }, "", body);
      const { error } = await reply.json();
      assertEquals([reply.status, error.status], [400, "INVALID_ARGUMENT"]);
    }
    assertEquals(gcs.uploads, []);
  });
}

Deno.test("Gemini holds chunks to 8 MiB", async () => {
  const gcs = new GcsEmulator({ store: "discard" });
  const session = await openSession(gcs, `${GEMINI}?key=k`);
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "400 active null");
  const chunk = new Uint8Array(8 * 1_048_576);
  assertEquals(said(await command(gcs, session, "upload", 0, chunk)), "200 active null");
});

Deno.test("YouTube: a video is answered with 201, and Slug names its file", async () => {
  const gcs = new GcsEmulator();
  const metadata = { snippet: { title: "Film" }, status: { privacyStatus: "private" } };
  const reply = await resumable(gcs, `${YOUTUBE}/videos?uploadType=resumable&part=snippet`, "x", {
    headers: { ...JSON_BODY, slug: "film.mp4" },
    body: JSON.stringify(metadata),
  });
  assertEquals(reply.status, 201);
  const video = await reply.json();
  assertEquals([video.kind, video.snippet.title], ["youtube#video", "Film"]);
  assertEquals(video.status, { privacyStatus: "private", uploadStatus: "uploaded" });
  assertEquals([gcs.uploads[0].fileName, gcs.uploads[0].method], ["film.mp4", "videos.insert"]);
});

Deno.test("YouTube, with X-Goog-Upload: every success is a 200", async () => {
  const gcs = new GcsEmulator();
  const video = await xGoog(gcs, `${YOUTUBE}/videos?part=snippet`, "x");
  assertEquals(said(video), "200 final null");
  const watermark = await xGoog(gcs, `${YOUTUBE}/watermarks/set?channelId=c`, "x");
  assertEquals([said(watermark), await watermark.text()], ["200 final null", ""]);
});

for (
  const [method, path, status, kind] of [
    ["POST", "captions?part=snippet", 200, "youtube#caption"],
    ["PUT", "captions?part=snippet", 200, "youtube#caption"],
    ["POST", "thumbnails/set?videoId=v", 200, "youtube#thumbnailSetResponse"],
    ["POST", "watermarks/set?channelId=c", 204, null],
  ] as const
) {
  Deno.test(`YouTube: ${method} ${path} is answered with ${status}, also when it is asked again`, async () => {
    const gcs = new GcsEmulator();
    const url = `${YOUTUBE}/${path}&uploadType=resumable`;
    const begun = await gcs.fetch(url, { method });
    const session = begun.headers.get("location")!;
    const last = await gcs.fetch(session, { method: "PUT", body: "x" });
    const query = { method: "PUT", headers: { "content-range": "bytes */*" } };
    for (const reply of [last, await gcs.fetch(session, query)]) {
      assertEquals(reply.status, status);
      const text = await reply.text();
      assertEquals(kind === null ? text : JSON.parse(text).kind, kind ?? "");
    }
    assertEquals(gcs.uploads.length, 1);
  });
}

for (
  const [what, method, path, body, expected] of [
    ["part is missing", "POST", "videos?", null, "400 required"],
    ["a thumbnail has metadata", "POST", "thumbnails/set?videoId=v&", "{}", "400 badRequest"],
    ["a video is put", "PUT", "videos?part=snippet&", null, "405 methodNotAllowed"],
  ] as const
) {
  Deno.test(`YouTube: where ${what}, the start is refused`, async () => {
    const url = `${YOUTUBE}/${path}uploadType=resumable`;
    const { code, reason } = await detail(await new GcsEmulator().fetch(url, { method, body }));
    assertEquals(`${code} ${reason}`, expected);
  });
}

Deno.test("Photos: an upload is answered with its token as text, raw or resumable", async () => {
  const gcs = new GcsEmulator();
  const headers = { "x-goog-upload-content-type": "image/png", "x-goog-upload-raw-size": "3" };
  const resumed = await xGoog(gcs, PHOTOS, "abc", { headers });
  const raw = await gcs.fetch(PHOTOS, {
    method: "POST",
    body: "abc",
    headers: { "x-goog-upload-protocol": "raw", "x-goog-upload-content-type": "image/png" },
  });
  for (const [i, reply] of [resumed, raw].entries()) {
    assertEquals(said(reply), "200 final null");
    assertEquals(reply.headers.get("content-type"), "text/plain; charset=UTF-8");
    assertEquals(await reply.text(), gcs.uploads[i].id);
    assertEquals(gcs.uploads[i].mediaType, "image/png");
  }
});

Deno.test("Photos: a start with a body is refused, and so is the other protocol", async () => {
  const gcs = new GcsEmulator();
  assertEquals((await xGoog(gcs, PHOTOS, "abc", { body: "{}" })).status, 400);
  const other = await gcs.fetch(`${PHOTOS}?uploadType=resumable`, { method: "POST" });
  assertEquals([other.status, gcs.sessions], [400, []]);
});

Deno.test("Firebase: an upload becomes an object with a token, and a final query only says its size", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs, `${FIREBASE}?name=dir%2Fa.txt`, {}, '{"fullPath":"x"}');
  const reply = await command(gcs, session, "upload, finalize", 0, "123456789");
  assertEquals(said(reply), "200 final null");
  const object = await reply.json();
  assertEquals([object.name, object.size, "downloadTokens" in object], ["dir/a.txt", "9", true]);
  assertEquals(gcs.get("my-bucket", "dir/a.txt")?.size, 9);
  const query = await command(gcs, session, "query");
  assertEquals([said(query), await query.text()], ["200 final 9", ""]);
  assertEquals(await (await gcs.fetch(`${FIREBASE}/dir%2Fa.txt`)).json(), object);
  assertEquals((await gcs.fetch(`${FIREBASE}/none`)).status, 404);
});

Deno.test("authorize is asked for starts and reads of every API, never for sessions", async () => {
  const asked: string[] = [];
  const gcs = new GcsEmulator({
    authorize: ({ method, headers }) => {
      asked.push(method);
      return headers.has("authorization");
    },
  });
  assertEquals((await resumable(gcs, `${DRIVE}?uploadType=resumable`, "x")).status, 401);
  const headers = { authorization: "Bearer t" };
  const reply = await resumable(gcs, `${DRIVE}?uploadType=resumable`, "x", { headers });
  const { id } = await reply.json();
  assertEquals((await gcs.fetch(`${FILES}/${id}`)).status, 401);
  assertEquals(asked, ["POST", "POST", "GET"]);
});

for (
  const reason of [
    "userRateLimitExceeded",
    "rateLimitExceeded",
    "dailyLimitExceeded",
    "quotaExceeded",
    "storageQuotaExceeded",
    "uploadLimitExceeded",
  ]
) {
  Deno.test(`a 403 ${reason} can be injected, at Drive's start and in its session`, async () => {
    const gcs = new GcsEmulator();
    const url = `${DRIVE}?uploadType=resumable`;
    gcs.inject({ on: ["initiate", "final"], status: 403, reason, times: 2 });
    const first = await gcs.fetch(url, { method: "POST" });
    assertEquals([first.status, (await detail(first)).reason], [403, reason]);
    gcs.reset();
    gcs.inject({ on: "final", status: 403, reason });
    const reply = await resumable(gcs, url, "x");
    assertEquals([reply.status, (await detail(reply)).reason], [403, reason]);
    assertEquals(gcs.sessions[0].phase, "open");
  });
}

Deno.test("with store: discard, a file has its size and MD5 but no SHA sums, and cannot be read", async () => {
  const gcs = new GcsEmulator({ store: "discard" });
  const reply = await resumable(gcs, `${DRIVE}?uploadType=resumable&fields=*`, "123456789");
  const { id, size, md5Checksum, sha256Checksum } = await reply.json();
  assertEquals([size, md5Checksum, sha256Checksum], ["9", SUMS.md5Checksum, undefined]);
  assertEquals(gcs.uploads[0].bytes, undefined);
  assertEquals((await gcs.fetch(`${FILES}/${id}?alt=media`)).status, 501);
});

Deno.test("the announced size counts at every API", async () => {
  const gcs = new GcsEmulator();
  const headers = { "x-upload-content-length": "2" };
  const reply = await resumable(gcs, `${DRIVE}?uploadType=resumable`, "x", { headers });
  assertEquals([reply.status, gcs.uploads], [400, []]);
});

Deno.test("reset forgets uploads", async () => {
  const gcs = new GcsEmulator();
  await resumable(gcs, `${DRIVE}?uploadType=resumable`, "x");
  gcs.reset();
  assertEquals(gcs.uploads, []);
});
