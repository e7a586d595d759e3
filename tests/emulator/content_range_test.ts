// How the emulator reads `Content-Range`, and which ranges fit neither body nor session.

import { assertEquals } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, put, standing, start, stream, U } from "./helpers.ts";

for (
  const header of [
    "",
    "bytes",
    "bytes=0-2/3",
    "bytes 0-2",
    "bytes 0-2/",
    "bytes -2/3",
    "bytes 2-0/3",
    "bytes 0-0/0",
    "bytes 3-3/3",
    "bytes 0-3/3",
    "bytes 4-*/3",
    "bytes *",
    "bytes **/3",
    "bytes 0-2/x",
    "bytes 0x0-2/3",
    "bytes  0-2/3",
    "bits 0-2/3",
    "bytes 0-99999999999999999999/*",
    "bytes */99999999999999999999",
  ]
) {
  Deno.test(`Content-Range "${header}" cannot be parsed`, async () => {
    for (const body of [undefined, data(3)]) {
      const gcs = new GcsEmulator();
      const session = await start(gcs);
      const response = await put(gcs, session, header, body);
      assertEquals(response.status, 400);
      assertEquals(response.headers.get("content-type"), "text/plain; charset=utf-8");
      assertEquals(await response.text(), "Failed to parse Content-Range header.");
      assertEquals(await standing(gcs, session), "308 null");
    }
  });
}

/** What a request does to a session that has `stored` bytes. */
for (
  const [stored, range, length, status, size] of [
    [0, "bytes */*", 0, 308, null],
    [0, "bytes */0", 0, 200, 0],
    [0, "bytes */5", 0, 308, null],
    [U, "bytes */*", 0, 308, null],
    [U, `bytes */${U}`, 0, 200, U],
    [U, `bytes */${U - 1}`, 0, 308, null],
    [U, `bytes */${U + 1}`, 0, 308, null],
    [U, "bytes */0", 0, 308, null],
    [0, "bytes 0-0/1", 1, 200, 1],
    [0, "bytes 0-4/5", 5, 200, 5],
    [U, `bytes ${U}-${U}/${U + 1}`, 1, 200, U + 1],
    [0, "bytes 0-*/5", 5, 200, 5],
    [0, "bytes 0-*/*", 5, 200, 5],
    [0, "bytes 0-*/*", 0, 200, 0],
    [0, "bytes 0-*/0", 0, 200, 0],
    [U, `bytes ${U}-*/${U + 7}`, 7, 200, U + 7],
    [U, `bytes ${U}-*/*`, 7, 200, U + 7],
    [U, `bytes ${U}-*/${U}`, 0, 200, U],
    [U, `bytes ${U}-*/*`, 0, 200, U],
    [0, null, 5, 200, 5],
    [0, null, 0, 200, 0],
    [U, null, U + 3, 200, U + 3],
  ] as const
) {
  for (const form of ["known", "streamed"] as const) {
    if (form === "streamed" && length === 0) continue;
    const title =
      `${stored} bytes stored, Content-Range ${range}, ${length} bytes (${form} length)`;
    Deno.test(`${title}: ${status}`, async () => {
      for (const store of ["keep", "discard"] as const) {
        const gcs = new GcsEmulator({ store });
        const session = await start(gcs);
        if (stored > 0) await put(gcs, session, `bytes 0-${stored - 1}/*`, data(stored));
        const bytes = data(length, 3);
        const body = form === "known" ? bytes : stream([bytes]);
        const response = await put(gcs, session, range, length === 0 ? undefined : body);
        assertEquals(response.status, status);
        assertEquals(gcs.get("bucket", "a.bin")?.size ?? null, size);
        if (status !== 308) continue;
        assertEquals(response.headers.get("range"), stored ? `bytes=0-${stored - 1}` : null);
      }
    });
  }
}

for (
  const [range, length, wanted] of [
    ["bytes 0-4/5", 4, "5 byte(s) (starting at offset 0 and ending at offset 4)"],
    ["bytes 0-4/5", 6, "5 byte(s) (starting at offset 0 and ending at offset 4)"],
    ["bytes 0-4/5", 0, "5 byte(s) (starting at offset 0 and ending at offset 4)"],
    [
      "bytes 0-262143/*",
      262145,
      "262144 byte(s) (starting at offset 0 and ending at offset 262143)",
    ],
    ["bytes 0-262143/*", 1024, "262144 byte(s) (starting at offset 0 and ending at offset 262143)"],
    ["bytes 7-11/12", 1, "5 byte(s) (starting at offset 7 and ending at offset 11)"],
    ["bytes 0-*/5", 3, "5 byte(s) (starting at offset 0 and ending at offset 4)"],
    ["bytes */*", 3, "0 byte(s)"],
    ["bytes */3", 3, "0 byte(s)"],
  ] as const
) {
  Deno.test(`a body of ${length} bytes does not fit ${range}, and changes nothing`, async () => {
    for (const form of ["known", "streamed"] as const) {
      // An offset beyond what is stored is told before a streamed body can be measured.
      if (form === "streamed" && (length === 0 || range.startsWith("bytes 7"))) continue;
      const gcs = new GcsEmulator();
      const session = await start(gcs);
      const body = form === "known" ? data(length) : stream([data(length)]);
      const response = await put(gcs, session, range, body);
      assertEquals(response.status, 400);
      assertEquals(response.headers.get("content-type"), "text/plain; charset=utf-8");
      assertEquals(
        await response.text(),
        `Invalid request.  There were ${length} byte(s) in the request body.  There should have ` +
          `been ${wanted} according to the Content-Range header.`,
      );
      assertEquals(await standing(gcs, session), "308 null");
    }
  });
}

Deno.test("a total that differs from that of an earlier request is not compared", async () => {
  const gcs = new GcsEmulator();
  const session = await start(gcs);
  assertEquals((await put(gcs, session, `bytes 0-${U - 1}/${9 * U}`, data(U))).status, 308);
  assertEquals((await put(gcs, session, `bytes ${U}-${U + 4}/${U + 5}`, data(5))).status, 200);
});
