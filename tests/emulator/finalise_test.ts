// When the emulator finishes an upload: checksums, sizes and preconditions that hold, or an error that changes nothing.

import { assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, detail, put, standing, start, U, UPLOAD } from "./helpers.ts";

const NINE = "123456789";
const CRC = "4waSgw==";
const MD5 = "JfnnlDI7RTiF9RgfG2JNCw==";
const WRONG_CRC = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "4waSgw==".';
const WRONG_MD5 =
  'Provided MD5 hash "AAAAAAAAAAAAAAAAAAAAAA==" doesn\'t match calculated MD5 hash ' +
  '"JfnnlDI7RTiF9RgfG2JNCw==".';
const NOT_MD5 = "Provided value (!not-base64!) is not a base64-encoded 128-bit MD5 hash.";

for (
  const [declared, hash, message] of [
    [{ crc32c: CRC, md5Hash: MD5 }, null, null],
    [{}, `crc32c=${CRC}`, null],
    [{}, `crc32c=${CRC},md5=${MD5}`, null],
    [{}, `md5=${MD5}, crc32c=${CRC}`, null],
    [{ crc32c: "AAAAAA==" }, null, WRONG_CRC],
    [{ md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" }, null, WRONG_MD5],
    [{}, "crc32c=AAAAAA==", WRONG_CRC],
    [{}, "md5=AAAAAAAAAAAAAAAAAAAAAA==", WRONG_MD5],
    [{}, `crc32c=${CRC},md5=AAAAAAAAAAAAAAAAAAAAAA==`, WRONG_MD5],
    [{}, "crc32c=nonsense", "Invalid argument."],
    [{}, "md5=!not-base64!", NOT_MD5],
    [{ crc32c: CRC }, "crc32c=AAAAAA==", WRONG_CRC],
  ] as const
) {
  const title = `declared ${JSON.stringify(declared)}, X-Goog-Hash ${hash}`;
  Deno.test(`${title}: ${message ?? "accepted"}`, async () => {
    const gcs = new GcsEmulator();
    const session = await start(gcs, "name=n", { body: JSON.stringify(declared) });
    const headers: Record<string, string> = hash === null ? {} : { "x-goog-hash": hash };
    const response = await put(gcs, session, "bytes 0-8/9", NINE, headers);
    if (message === null) {
      assertEquals(response.status, 200);
      const { crc32c, md5Hash } = await response.json();
      assertEquals([crc32c, md5Hash], [CRC, MD5]);
      return;
    }
    assertEquals(response.status, 400);
    assertEquals(response.headers.get("content-type"), "application/json; charset=UTF-8");
    assertEquals(await response.json(), {
      error: { code: 400, message, errors: [{ message, domain: "global", reason: "invalid" }] },
    });
    assertEquals(gcs.get("bucket", "n"), undefined);
    assertEquals(await standing(gcs, session), "410 null");
  });
}

Deno.test("X-Goog-Hash covers the whole object, and counts on its last request only", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  const wrong = { "x-goog-hash": "crc32c=AAAAAA==" };
  assertEquals((await put(gcs, session, `bytes 0-${U - 1}/*`, data(U), wrong)).status, 308);
  assertEquals((await put(gcs, session, "bytes */*", undefined, wrong)).status, 308);
  assertEquals((await put(gcs, session, `bytes */${U}`, undefined, wrong)).status, 400);
});

Deno.test("a failed checksum leaves the generation before untouched", async () => {
  const gcs = new GcsEmulator();
  await put(gcs, await start(gcs, "name=n"), null, "old");
  const before = gcs.get("bucket", "n");
  const session = await start(gcs, "name=n");
  await put(gcs, session, null, "new", { "x-goog-hash": "crc32c=AAAAAA==" });
  assertEquals(gcs.get("bucket", "n") === before, true);
});

Deno.test("with md5: false a declared MD5 must have the right form, but is not compared", async () => {
  const gcs = new GcsEmulator({ md5: false });
  const md5 = { "x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA==" };
  assertEquals((await put(gcs, await start(gcs), null, NINE, md5)).status, 200);
  const bad = { "x-goog-hash": "md5=AAAA" };
  assertEquals((await put(gcs, await start(gcs), null, NINE, bad)).status, 400);
});

for (const [announced, status] of [["9", 200], ["8", 400], ["10", 400], ["0", 400]] as const) {
  for (const range of ["bytes 0-8/9", "bytes 0-*/*", null]) {
    Deno.test(`announced ${announced} bytes, 9 came with ${range}: ${status}`, async () => {
      const gcs = new GcsEmulator();
      const headers = { "x-upload-content-length": announced };
      const session = await start(gcs, "name=n", { headers });
      const response = await put(gcs, session, range, NINE);
      assertEquals(response.status, status);
      assertEquals(gcs.get("bucket", "n") !== undefined, status === 200);
      if (status === 200) return;
      assertEquals((await detail(response)).reason, "invalid");
      assertEquals(await standing(gcs, session), "410 null");
    });
  }
}

const PRECONDITION_FAILED = '{"error":{"code":412,"message":"At least one of the pre-conditions ' +
  'you specified did not hold.","errors":[{"message":"At least one of the pre-conditions you ' +
  'specified did not hold.","domain":"global","reason":"conditionNotMet","locationType":"header",' +
  '"location":"If-Match"}]}}';

/** GEN stands for the generation of the live object. */
for (
  const [exists, query, status] of [
    [false, "ifGenerationMatch=0", 200],
    [true, "ifGenerationMatch=0", 412],
    [true, "ifGenerationMatch=GEN", 200],
    [false, "ifGenerationMatch=1234", 412],
    [true, "ifGenerationMatch=1234", 412],
    [true, "ifGenerationNotMatch=GEN", 304],
    [true, "ifGenerationNotMatch=1234", 200],
    [false, "ifGenerationNotMatch=1234", 200],
    [true, "ifGenerationNotMatch=0", 200],
    [false, "ifGenerationNotMatch=0", 304],
    [true, "ifMetagenerationMatch=1", 200],
    [true, "ifMetagenerationMatch=2", 412],
    [false, "ifMetagenerationMatch=1", 412],
    [true, "ifMetagenerationNotMatch=1", 304],
    [true, "ifMetagenerationNotMatch=2", 200],
    [false, "ifMetagenerationNotMatch=1", 200],
    [true, "ifGenerationMatch=GEN&ifMetagenerationMatch=2", 412],
  ] as const
) {
  Deno.test(`${query}, object ${exists ? "exists" : "absent"}: ${status}`, async () => {
    for (const type of ["resumable", "media"] as const) {
      const gcs = new GcsEmulator();
      if (exists) await put(gcs, await start(gcs, "name=n"), null, "old");
      const before = gcs.get("bucket", "n");
      const conditions = query.replace("GEN", before?.generation ?? "");
      let response: Response;
      if (type === "resumable") {
        const session = await start(gcs, `name=n&${conditions}`);
        response = await put(gcs, session, null, "new");
        if (status !== 200) assertEquals(await standing(gcs, session), "410 null");
      } else {
        const url = `${UPLOAD}?uploadType=media&name=n&${conditions}`;
        response = await gcs.fetch(url, { method: "POST", body: "new" });
      }
      assertEquals(response.status, status);
      assertEquals(gcs.get("bucket", "n") === before, status !== 200);
      if (status === 412) assertEquals(await response.text(), PRECONDITION_FAILED);
      if (status === 304) {
        assertEquals(response.headers.get("content-type"), "application/json");
        assertEquals(await response.text(), "");
      }
    }
  });
}

Deno.test("preconditions count at the end of an upload, not at its start", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs, "name=n&ifGenerationMatch=0");
  await put(gcs, await start(gcs, "name=n"), null, "meanwhile");
  const chunk = await put(gcs, session, `bytes 0-${U - 1}/*`, data(U));
  assertEquals(chunk.status, 308);
  assertEquals((await put(gcs, session, `bytes */${U}`)).status, 412);
});

Deno.test("X-Goog-Meta-* on the last request sets custom metadata", async () => {
  const gcs = new GcsEmulator();
  const body = JSON.stringify({ metadata: { a: "1", b: "2" } });
  const session = await start(gcs, "name=n", { body });
  await put(gcs, session, `bytes 0-${U - 1}/*`, data(U), { "x-goog-meta-early": "lost" });
  await put(gcs, session, `bytes */${U}`, undefined, {
    "x-goog-meta-b": "3",
    "X-Goog-Meta-C": "4",
  });
  assertEquals(gcs.get("bucket", "n")?.metadata, { a: "1", b: "3", c: "4" });
});

for (
  const [json, header, expected] of [
    ["image/png", "image/gif", "image/png"],
    [undefined, "image/gif", "image/gif"],
    [undefined, undefined, "application/octet-stream"],
  ]
) {
  const title = `contentType ${json}, X-Upload-Content-Type ${header}`;
  Deno.test(`${title}: ${expected}; the type of the last request does not count`, async () => {
    const gcs = new GcsEmulator();
    const headers: Record<string, string> = header ? { "x-upload-content-type": header } : {};
    const body = JSON.stringify({ contentType: json });
    const session = await start(gcs, "name=n", { headers, body });
    await put(gcs, session, null, "x", { "content-type": "text/css" });
    assertEquals(gcs.get("bucket", "n")?.contentType, expected);
  });
}
