// Which bytes of a chunk the emulator keeps, and which chunks end a session.

import { assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, put, standing, start, stream, U } from "./helpers.ts";

const TOO_FEW = (length: number) =>
  "Invalid request.  The number of bytes uploaded is required to be equal or greater than 262144, " +
  "except for the final request (it's recommended to be the exact multiple of 262144).  The received " +
  `request contained ${length} bytes, which does not meet this requirement.`;

Deno.test("a chunk of whole quanta is kept, and the 308 says how much", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const response = await put(gcs, session, `bytes 0-${U - 1}/*`, new Uint8Array(U));
  assertEquals(response.status, 308);
  assertEquals(await response.text(), "");
  const { date: _, ...headers } = Object.fromEntries(response.headers);
  assertEquals(headers, {
    "content-length": "0",
    "content-type": "text/plain; charset=utf-8",
    "range": "bytes=0-262143",
    "server": "UploadServer",
    "vary": "Origin, X-Origin",
    "x-goog-running-hash": "crc32c=8DK88w==",
    "x-guploader-uploadid": new URL(session).searchParams.get("upload_id")!,
    "x-range-md5": "ec87a838931d4d5d2e94a04644788a55",
  });
});

Deno.test("a 308 with nothing stored has no Range", async () => {
  const gcs = new GcsEmulator();
  const response = await put(gcs, await start(gcs), "bytes */*");
  assertEquals(response.status, 308);
  assertEquals(response.headers.get("range"), null);
  assertEquals(response.headers.get("location"), null);
  assertEquals(response.headers.get("x-goog-running-hash"), "crc32c=AAAAAA==");
});

Deno.test("with runningHash: false a 308 carries no hashes", async () => {
  const gcs = new GcsEmulator({ runningHash: false });
  const response = await put(gcs, await start(gcs), `bytes 0-${U - 1}/*`, data(U));
  assertEquals(response.headers.get("x-goog-running-hash"), null);
  assertEquals(response.headers.get("x-range-md5"), null);
});

Deno.test("with md5: false there is a CRC32C but no MD5", async () => {
  const gcs = new GcsEmulator({ md5: false });
  const session = await start(gcs);
  const chunk = await put(gcs, session, `bytes 0-${U - 1}/*`, new Uint8Array(U));
  assertEquals(chunk.headers.get("x-goog-running-hash"), "crc32c=8DK88w==");
  assertEquals(chunk.headers.get("x-range-md5"), null);
  const object = await (await put(gcs, session, `bytes */${U}`)).json();
  assertEquals("md5Hash" in object, false);
  assertEquals(object.crc32c, "8DK88w==");
});

for (
  const [range, length, kept] of [
    [`bytes 0-${U - 1}/*`, U, U],
    [`bytes 0-${U}/*`, U + 1, U],
    [`bytes 0-${2 * U - 2}/*`, 2 * U - 1, U],
    [`bytes 0-2499999/*`, 2_500_000, 2_359_296],
    [`bytes 0-${U}/${10 * U}`, U + 1, U],
  ] as const
) {
  Deno.test(`of a non-final ${length} bytes (${range}) ${kept} are kept`, async () => {
    for (const store of ["keep", "discard"] as const) {
      const gcs = new GcsEmulator({ store });
      const session = await start(gcs);
      const bytes = data(length);
      const chunk = await put(gcs, session, range, bytes);
      assertEquals(chunk.status, 308);
      assertEquals(chunk.headers.get("range"), `bytes=0-${kept - 1}`);
      const reference = new GcsEmulator();
      const whole = await put(reference, await start(reference), null, bytes.slice(0, kept));
      const { crc32c, md5Hash } = await whole.json();
      assertEquals(chunk.headers.get("x-goog-running-hash"), `crc32c=${crc32c}`);
      assertEquals(
        chunk.headers.get("x-range-md5"),
        Array.from(atob(md5Hash), (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join(""),
      );
    }
  });
}

for (const length of [1, 1024, U - 1]) {
  for (const form of ["known", "streamed"] as const) {
    Deno.test(`a non-final chunk of ${length} bytes (${form} length) poisons the session`, async () => {
      const gcs = new GcsEmulator();
      const session = await start(gcs);
      const body = form === "known" ? data(length) : stream([data(length)]);
      const first = await put(gcs, session, `bytes 0-${length - 1}/*`, body);
      assertEquals(first.status, 400);
      assertEquals(first.headers.get("content-type"), "text/plain; charset=utf-8");
      assertEquals(await first.text(), TOO_FEW(length));
      for (const range of [`bytes 0-${U - 1}/*`, `bytes 0-${U - 1}/${U}`]) {
        const next = await put(gcs, session, range, data(U));
        assertEquals([next.status, await next.text()], [400, TOO_FEW(length)]);
      }
      const status = await put(gcs, session, "bytes */*");
      assertEquals([status.status, await status.text()], [400, TOO_FEW(length)]);
      assertEquals(gcs.sessions[0].phase, "poisoned");
    });
  }
}

Deno.test("a chunk that is too small poisons a session that already has bytes", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
  const small = await put(gcs, session, `bytes ${U}-${U + 9}/*`, data(10));
  assertEquals([small.status, await small.text()], [400, TOO_FEW(10)]);
  assertEquals(gcs.sessions[0].phase, "poisoned");
});

Deno.test("a known total does not make a small chunk final", async () => {
  const gcs = new GcsEmulator();
  const small = await put(gcs, await start(gcs), "bytes 0-9/20", data(10));
  assertEquals([small.status, await small.text()], [400, TOO_FEW(10)]);
});

Deno.test("an offset beyond what is stored is a 503 in plain text, and changes nothing", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const first = await put(gcs, session, "bytes 4-8/9", data(5));
  assertEquals(first.status, 503);
  assertEquals(first.headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals(
    await first.text(),
    "Invalid request.  According to the Content-Range header, the upload offset is 4 byte(s), which " +
      "exceeds already uploaded size of 0 byte(s).",
  );
  await put(gcs, session, `bytes 0-299999/*`, data(300_000));
  const second = await put(gcs, session, `bytes 300000-${300_000 + U - 1}/*`, data(U));
  assertEquals(second.status, 503);
  assertEquals(
    await second.text(),
    "Invalid request.  According to the Content-Range header, the upload offset is 300000 byte(s), " +
      "which exceeds already uploaded size of 262144 byte(s).",
  );
  assertEquals(await standing(gcs, session), "308 bytes=0-262143");
});

Deno.test("a gap comes before the rule of 256 KiB, and does not poison", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  assertEquals((await put(gcs, session, "bytes 10-19/*", data(10))).status, 503);
  assertEquals(await standing(gcs, session), "308 null");
});

Deno.test("bytes sent again are dropped without a comparison", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const [first, other] = [data(2 * U, 1), data(3 * U, 3)];
  await put(gcs, session, `bytes 0-${2 * U - 1}/*`, first);
  const again = await put(gcs, session, `bytes ${U}-${4 * U - 1}/*`, other);
  assertEquals(again.headers.get("range"), `bytes=0-${4 * U - 1}`);
  await put(gcs, session, `bytes */${4 * U}`);
  const expected = new Uint8Array(4 * U);
  expected.set(first);
  expected.set(other.subarray(U), 2 * U);
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, expected);
});

Deno.test("a chunk within what is stored changes nothing", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const first = await put(gcs, session, `bytes 0-${2 * U - 1}/*`, data(2 * U));
  const again = await put(gcs, session, `bytes 0-${U - 1}/*`, data(U, 5));
  assertEquals(again.status, 308);
  for (const name of ["range", "x-goog-running-hash", "x-range-md5"]) {
    assertEquals(again.headers.get(name), first.headers.get(name));
  }
});

Deno.test("the last bytes can be sent again from an earlier offset", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const bytes = data(2 * U + 5);
  await put(gcs, session, `bytes 0-${2 * U - 1}/*`, bytes.slice(0, 2 * U));
  const last = await put(gcs, session, `bytes ${U}-${2 * U + 4}/${2 * U + 5}`, bytes.slice(U));
  assertEquals(last.status, 200);
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, bytes);
});

Deno.test("a final chunk whose bytes are all stored finishes the object", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  await put(gcs, session, `bytes 0-${2 * U - 1}/*`, data(2 * U));
  const last = await put(gcs, session, `bytes ${U}-${2 * U - 1}/${2 * U}`, data(U));
  assertEquals(last.status, 200);
  assertEquals(gcs.get("bucket", "a.bin")?.size, 2 * U);
});

Deno.test("a total below what is stored finishes nothing", async () => {
  for (const [range, body] of [["bytes 0-9/10", data(10)], [null, data(10)], [null, undefined]]) {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
    const response = await put(
      gcs,
      session,
      range as string | null,
      body as Uint8Array<ArrayBuffer>,
    );
    assertEquals(response.status, 308);
    assertEquals(response.headers.get("range"), "bytes=0-262143");
    assertEquals(gcs.get("bucket", "a.bin"), undefined);
  }
});

Deno.test("X-GUploader-No-308: yes turns every 308 into 200 with an override header", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const no308 = { "x-guploader-no-308": "yes" };
  const status = await put(gcs, session, "bytes */*", undefined, no308);
  assertEquals(status.status, 200);
  assertEquals(status.headers.get("x-http-status-code-override"), "308");
  assertEquals(status.headers.get("range"), null);
  const chunk = await put(gcs, session, `bytes 0-${U - 1}/*`, data(U), no308);
  assertEquals(chunk.status, 200);
  assertEquals(chunk.headers.get("x-http-status-code-override"), "308");
  assertEquals(chunk.headers.get("range"), "bytes=0-262143");
  const last = await put(gcs, session, `bytes */${U}`, undefined, no308);
  assertEquals(last.headers.get("x-http-status-code-override"), null);
  assertEquals((await last.json()).size, String(U));
});

Deno.test("POST to the session URL works like PUT if it names the uploadType", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const headers = { "content-range": "bytes 0-2/3" };
  const { searchParams, origin, pathname } = new URL(session);
  const bare = `${origin}${pathname}?upload_id=${searchParams.get("upload_id")}`;
  const without = await gcs.fetch(bare, { method: "POST", headers, body: "abc" });
  assertEquals(without.status, 405);
  const response = await gcs.fetch(session, { method: "POST", headers, body: "abc" });
  assertEquals(response.status, 200);
  assertEquals((await response.json()).size, "3");
});

Deno.test("a body that fails keeps its whole quanta", async () => {
  for (const range of ["bytes 0-999999/1000000", "bytes 0-999999/*", "bytes 0-*/*"]) {
    const gcs = new GcsEmulator();
    const session = await start(gcs);
    const bytes = data(1_000_000);
    const body = stream([bytes.slice(0, 100_000), bytes.slice(100_000, 600_000)], new Error("cut"));
    const error = await put(gcs, session, range, body).catch((error) => error);
    assertEquals(error instanceof TypeError, true);
    assertEquals(await standing(gcs, session), `308 bytes=0-${2 * U - 1}`);
    const rest = bytes.slice(2 * U);
    assertEquals((await put(gcs, session, `bytes ${2 * U}-999999/1000000`, rest)).status, 200);
    assertEquals(gcs.get("bucket", "a.bin")?.bytes, bytes);
  }
});

Deno.test("a body that fails below 256 KiB does not poison the session", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const body = stream([data(1000)], new Error("cut"));
  await put(gcs, session, `bytes 0-${U - 1}/*`, body).catch(() => {});
  assertEquals(await standing(gcs, session), "308 null");
});

Deno.test("requests on one session are served one after another", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const bytes = data(4 * U);
  const slow = stream(
    Array.from({ length: 16 }, (_, i) => bytes.slice(i * U / 4, (i + 1) * U / 4)),
  );
  const fast = bytes.slice();
  const replies = await Promise.all([
    put(gcs, session, `bytes 0-${4 * U - 1}/*`, slow),
    put(gcs, session, `bytes 0-${4 * U - 1}/*`, fast),
    put(gcs, session, `bytes */${4 * U}`),
  ]);
  assertEquals(replies.map((reply) => reply.status), [308, 308, 200]);
  assertEquals(gcs.get("bucket", "a.bin")?.bytes, bytes);
});
