// `X-Goog-Upload` at the emulator: starts, chunks, questions, ends and cancels.

import { assertEquals, assertRejects } from "@std/assert";
import { GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import { data, stream, U, UPLOAD } from "./helpers.ts";
import { command, openSession, said, SHOWCASE, startHeaders } from "./x_goog_helpers.ts";

const GEMINI = "https://generativelanguage.googleapis.com/upload/v1beta/files?key=k";

Deno.test("a start answers with where the session is, that it is active, and its granularity", async () => {
  const gcs = new GcsEmulator();
  const reply = await gcs.fetch(SHOWCASE, { method: "POST", headers: startHeaders() });
  assertEquals([reply.status, await reply.text()], [200, ""]);
  assertEquals(reply.headers.get("x-goog-upload-status"), "active");
  assertEquals(reply.headers.get("x-goog-upload-chunk-granularity"), "262144");
  const url = reply.headers.get("x-goog-upload-url")!;
  assertEquals(reply.headers.get("x-goog-upload-control-url"), url);
  const id = reply.headers.get("x-guploader-uploadid");
  assertEquals(url, `${SHOWCASE}?upload_id=${id}&upload_protocol=resumable`);
  assertEquals([gcs.requests[0].kind, gcs.requests[0].session], ["initiate", null]);
  assertEquals([gcs.sessions[0].api, gcs.sessions[0].protocol], ["showcase", "x-goog-upload"]);
});

for (
  const [options, url, expected] of [
    [{}, GEMINI, "8388608"],
    [{ granularity: 10_000 }, GEMINI, "10000"],
    [{ granularity: null }, GEMINI, null],
    [{ granularity: 256 }, SHOWCASE, "256"],
  ] as [GcsEmulatorOptions, string, string | null][]
) {
  Deno.test(`with ${JSON.stringify(options)} the granularity at ${url} is ${expected}`, async () => {
    const gcs = new GcsEmulator(options);
    const reply = await gcs.fetch(url, { method: "POST", headers: startHeaders() });
    assertEquals(reply.headers.get("x-goog-upload-chunk-granularity"), expected);
  });
}

Deno.test("upload stores all of a chunk, and says active without a size", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  const reply = await command(gcs, session, "upload", 0, data(2 * U));
  assertEquals(said(reply), "200 active null");
  assertEquals(said(await command(gcs, session, "query")), `200 active ${2 * U}`);
  assertEquals(gcs.requests.map(({ kind }) => kind), ["initiate", "chunk", "status"]);
});

Deno.test("upload, finalize ends the upload with the result", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  await command(gcs, session, "upload", 0, data(U));
  const reply = await command(gcs, session, "upload, finalize", U, data(5));
  assertEquals(said(reply), "200 final null");
  const { name, size } = await reply.json();
  assertEquals(size, U + 5);
  assertEquals([gcs.uploads[0].id, gcs.uploads[0].size], [name, U + 5]);
  assertEquals(gcs.uploads[0].bytes, new Uint8Array([...data(U), ...data(5)]));
  assertEquals(gcs.requests.map(({ kind }) => kind), ["initiate", "chunk", "final"]);
});

Deno.test("finalize alone ends an upload of whole chunks, and an empty one; again, it repeats the result", async () => {
  for (const chunks of [0, 2]) {
    const gcs = new GcsEmulator();
    const session = await openSession(gcs);
    for (let i = 0; i < chunks; i++) await command(gcs, session, "upload", i * U, data(U));
    const reply = await command(gcs, session, "finalize");
    assertEquals(said(reply), "200 final null");
    const first = await reply.json();
    assertEquals(first.size, chunks * U);
    assertEquals(await (await command(gcs, session, "finalize")).json(), first);
    assertEquals([gcs.requests.at(-1)!.kind, gcs.uploads.length], ["finalize", 1]);
  }
});

Deno.test("a query of a finished session repeats the result, or with finalQuery: size only says how long it is", async () => {
  for (const finalQuery of ["result", "size"] as const) {
    const gcs = new GcsEmulator({ finalQuery });
    const session = await openSession(gcs);
    const result = await (await command(gcs, session, "upload, finalize", 0, data(7))).text();
    const reply = await command(gcs, session, "query");
    const expected = finalQuery === "result" ? "200 final null" : "200 final 7";
    assertEquals(said(reply), expected);
    assertEquals(await reply.text(), finalQuery === "result" ? result : "");
  }
});

Deno.test("a cancelled session says so: 410 to a query, 400 to bytes, 200 to another cancel", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  await command(gcs, session, "upload", 0, data(U));
  assertEquals(said(await command(gcs, session, "cancel")), "200 cancelled null");
  assertEquals(said(await command(gcs, session, "query")), "410 cancelled null");
  assertEquals(said(await command(gcs, session, "upload", U, data(U))), "400 cancelled null");
  assertEquals(said(await command(gcs, session, "finalize")), "400 cancelled null");
  assertEquals(said(await command(gcs, session, "cancel")), "200 cancelled null");
  assertEquals([gcs.uploads.length, gcs.sessions[0].phase], [0, "cancelled"]);
});

Deno.test("a finished session takes no bytes and cannot be cancelled", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  await command(gcs, session, "upload, finalize", 0, data(1));
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "400 final null");
  assertEquals(said(await command(gcs, session, "upload, finalize", 0, data(9))), "400 final null");
  assertEquals(said(await command(gcs, session, "cancel")), "400 final null");
  assertEquals([gcs.uploads.length, gcs.uploads[0].size], [1, 1]);
});

for (const offset of [0, U - 1, U + 1]) {
  Deno.test(`an offset of ${offset} where ${U} bytes are stored is a 409, and stores nothing`, async () => {
    const gcs = new GcsEmulator();
    const session = await openSession(gcs);
    await command(gcs, session, "upload", 0, data(U));
    for (const commands of ["upload", "upload, finalize"]) {
      const reply = await command(gcs, session, commands, offset, data(U));
      assertEquals(said(reply), "409 active null");
    }
    assertEquals(said(await command(gcs, session, "query")), `200 active ${U}`);
  });
}

Deno.test("an offset that is no number is a 400, and the session lives", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  const headers = { "x-goog-upload-command": "upload", "x-goog-upload-offset": "-1" };
  const reply = await gcs.fetch(session, { method: "POST", headers, body: data(U) });
  assertEquals(said(reply), "400 active null");
  assertEquals(said(await command(gcs, session, "query")), "200 active 0");
});

for (const form of ["known", "streamed"] as const) {
  Deno.test(`a chunk (${form} length) that is no multiple of the granularity is a 400, and stores nothing`, async () => {
    const gcs = new GcsEmulator({ granularity: 256 });
    const session = await openSession(gcs);
    const body = (bytes: Uint8Array<ArrayBuffer>) => form === "known" ? bytes : stream([bytes]);
    assertEquals(
      said(await command(gcs, session, "upload", 0, body(data(512)))),
      "200 active null",
    );
    const odd = await command(gcs, session, "upload", 512, body(data(257)));
    assertEquals(said(odd), "400 active null");
    assertEquals(await odd.text(), "Chunk size 257 is not a multiple of granularity 256");
    assertEquals(said(await command(gcs, session, "query")), "200 active 512");
    const last = await command(gcs, session, "upload, finalize", 512, body(data(257)));
    assertEquals((await last.json()).size, 769);
  });
}

Deno.test("with granularity: null, chunks have any size, and none is lost", async () => {
  const gcs = new GcsEmulator({ granularity: null });
  const session = await openSession(gcs);
  const bytes = data(U + 300_001);
  let at = 0;
  for (const size of [1, 99_999, U, 200_001]) {
    const chunk = bytes.slice(at, at + size);
    assertEquals(said(await command(gcs, session, "upload", at, chunk)), "200 active null");
    at += size;
    assertEquals(said(await command(gcs, session, "query")), `200 active ${at}`);
  }
  await command(gcs, session, "finalize");
  assertEquals(gcs.uploads[0].bytes, bytes);
});

for (const commands of ["upload", "upload, finalize"]) {
  Deno.test(`${commands}: a body that breaks keeps whole multiples of 256 KiB, and what was there`, async () => {
    const gcs = new GcsEmulator({ granularity: 1000 });
    const session = await openSession(gcs);
    await command(gcs, session, "upload", 0, data(1000));
    const short = stream([data(100_000)], new Error("source failed"));
    await assertRejects(() => command(gcs, session, commands, 1000, short), TypeError);
    assertEquals(said(await command(gcs, session, "query")), "200 active 1000");
    const long = stream([data(2 * U)], new Error("source failed"));
    await assertRejects(() => command(gcs, session, commands, 1000, long), TypeError);
    assertEquals(said(await command(gcs, session, "query")), `200 active ${2 * U}`);
    assertEquals(gcs.uploads, []);
  });
}

Deno.test("the announced size counts at the end: another is refused for good, with final", async () => {
  for (
    const name of ["x-goog-upload-header-content-length", "x-goog-upload-raw-size"]
  ) {
    const gcs = new GcsEmulator();
    const session = await openSession(gcs, SHOWCASE, { [name]: "9" });
    const reply = await command(gcs, session, "upload, finalize", 0, data(8));
    assertEquals(said(reply), "400 final null");
    assertEquals(said(await command(gcs, session, "query")), "400 final null");
    assertEquals([gcs.uploads.length, gcs.sessions[0].phase], [0, "refused"]);
  }
});

for (
  const [what, url, headers, status] of [
    ["an unknown session", `${SHOWCASE}?upload_id=x`, { "x-goog-upload-command": "query" }, 404],
    ["an unknown protocol", SHOWCASE, { "x-goog-upload-protocol": "tus" }, 400],
    ["no command", SHOWCASE, { "x-goog-upload-protocol": "resumable" }, 400],
    ["a size that is none", SHOWCASE, startHeaders({ "x-goog-upload-raw-size": "x" }), 400],
  ] as [string, string, Record<string, string>, number][]
) {
  Deno.test(`${what} is a ${status} without a status header`, async () => {
    const reply = await new GcsEmulator().fetch(url, { method: "POST", headers });
    assertEquals(said(reply), `${status} null null`);
  });
}

Deno.test("a command that is none is a 400, and changes nothing", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs);
  assertEquals(said(await command(gcs, session, "append", 0, data(U))), "400 null null");
  assertEquals(said(await command(gcs, session, "query")), "200 active 0");
});

Deno.test("a session is not continued with the other protocol", async () => {
  const gcs = new GcsEmulator();
  const session = await openSession(gcs, UPLOAD + "?name=n");
  const init = { method: "PUT", headers: { "content-range": "bytes */*" } };
  assertEquals((await gcs.fetch(session, init)).status, 400);
  const start = await gcs.fetch(`${UPLOAD}?uploadType=resumable&name=n`, { method: "POST" });
  const reply = await command(gcs, start.headers.get("location")!, "upload, finalize", 0, data(1));
  assertEquals([said(reply), gcs.objects.length], ["400 null null", 0]);
});

Deno.test("Cloud Storage speaks it too: metadata, checksums and preconditions count as ever", async () => {
  const gcs = new GcsEmulator();
  const url = `${UPLOAD}?name=a.txt&ifGenerationMatch=0`;
  const headers = { "x-goog-upload-header-content-type": "text/plain" };
  const session = await openSession(gcs, url, headers, JSON.stringify({ metadata: { a: "1" } }));
  const reply = await command(gcs, session, "upload, finalize", 0, "123456789");
  assertEquals(said(reply), "200 final null");
  assertEquals((await reply.json()).crc32c, "4waSgw==");
  const { contentType, metadata } = gcs.get("bucket", "a.txt")!;
  assertEquals([contentType, metadata], ["text/plain", { a: "1" }]);

  const second = await openSession(gcs, url);
  const refused = await command(gcs, second, "upload, finalize", 0, "x");
  assertEquals(said(refused), "412 final null");
  const third = await openSession(gcs, `${UPLOAD}?name=b`);
  const damaged = await gcs.fetch(third, {
    method: "POST",
    body: "x",
    headers: { "x-goog-upload-command": "upload, finalize", "x-goog-hash": "crc32c=AAAAAA==" },
  });
  assertEquals([said(damaged), gcs.objects.length], ["400 final null", 1]);
});

Deno.test("raw uploads bytes in one request", async () => {
  const gcs = new GcsEmulator();
  const reply = await gcs.fetch(SHOWCASE, {
    method: "POST",
    body: "hello",
    headers: {
      "x-goog-upload-protocol": "raw",
      "x-goog-upload-file-name": "a.txt",
      "content-type": "text/plain",
    },
  });
  assertEquals([said(reply), (await reply.json()).size], ["200 final null", 5]);
  const { fileName, mediaType, metadata } = gcs.uploads[0];
  assertEquals([fileName, mediaType, metadata], ["a.txt", "text/plain", null]);
  assertEquals(gcs.requests[0].kind, "media");
});

Deno.test("multipart uploads metadata and bytes in one request", async () => {
  const gcs = new GcsEmulator();
  const body =
    '--B\r\n\r\n{"name":"a.txt"}\r\n--B\r\ncontent-type: text/plain\r\n\r\nhello\r\n--B--';
  const headers = {
    "x-goog-upload-protocol": "multipart",
    "content-type": "multipart/related; boundary=B",
  };
  const reply = await gcs.fetch(UPLOAD, { method: "POST", body, headers });
  assertEquals(said(reply), "200 final null");
  assertEquals((await reply.json()).size, "5");
  assertEquals(gcs.get("bucket", "a.txt")?.contentType, "text/plain");
  assertEquals(gcs.requests[0].kind, "multipart");
});

Deno.test("an expired session is gone without a status header", async () => {
  let now = 0;
  const gcs = new GcsEmulator({ sessionTtl: 1000, now: () => now });
  const session = await openSession(gcs);
  now = 1001;
  assertEquals(said(await command(gcs, session, "query")), "410 null null");
  assertEquals(said(await command(gcs, session, "upload", 0, data(U))), "410 null null");
});

Deno.test("the log shows no key, and a browser may read the headers of the protocol", async () => {
  const gcs = new GcsEmulator();
  const headers = startHeaders({ "x-goog-api-key": "secret", origin: "https://app.example" });
  const url = GEMINI.replace("key=k", "key=secret");
  const reply = await gcs.fetch(url, { method: "POST", headers });
  assertEquals(JSON.stringify(gcs.requests).includes("secret"), false);
  const exposed = reply.headers.get("access-control-expose-headers")!;
  for (const name of ["URL", "Control-URL", "Status", "Size-Received", "Chunk-Granularity"]) {
    assertEquals(exposed.includes(`X-Goog-Upload-${name}`), true, name);
  }
});
