// Each kind of checksum is sent and compared as it says, and damaged bytes never become an object unnoticed.

import { assertEquals, assertRejects } from "@std/assert";
import {
  DataCorruption,
  InvalidResponse,
  ResumableUpload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
} from "../../mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { finished, scripted, started, stored } from "../support/scripted.ts";

const U = UPLOAD_CHUNK_SIZE;
const URL = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable";
const DATA = patterned(2 * U + 5);
const CRC = encodeCrc32c(crc32c(DATA));

async function begin(checksum: "auto" | "crc32c" | "md5" | null, ...last: Response[]) {
  const script = scripted(started(), stored(U), stored(2 * U), ...last);
  const upload = new ResumableUpload(URL, U, { checksum, retry: null });
  await upload.initiate(script.transport, DATA, {}, "text/plain");
  const finish = async () => {
    while (!upload.finished) await upload.transmitNextChunk(script.transport);
  };
  return { upload, finish, seen: script.seen };
}

for (
  const [checksum, pattern] of [["auto", /^crc32c=[^,]+$/], ["crc32c", /^crc32c=[^,]+$/], [
    "md5",
    /^crc32c=[^,]+,md5=[^,]+$/,
  ]] as const
) {
  Deno.test(`checksum ${checksum}: the hash of the whole goes with the last request only`, async () => {
    const { finish, seen } = await begin(checksum, finished({ crc32c: CRC, md5Hash: undefined }));
    await finish().catch(() => {}); // md5 is not reported
    const hashes = seen.map(({ headers }) => headers.get("x-goog-hash"));
    assertEquals(hashes.slice(0, 3), [null, null, null]);
    assertEquals(pattern.test(hashes[3]!), true, hashes[3]!);
    assertEquals(hashes[3]!.includes(`crc32c=${CRC}`), true);
  });
}

Deno.test("checksum null sends and compares none", async () => {
  const { upload, finish, seen } = await begin(null, finished({ crc32c: "AAAAAA==" }));
  await finish();
  assertEquals([upload.finished, seen[3].headers.get("x-goog-hash")], [true, null]);
});

for (
  const [rule, checksum, object, type] of [
    ["another CRC32C", "auto", { crc32c: "AAAAAA==" }, DataCorruption],
    ["another MD5", "md5", { crc32c: CRC, md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" }, DataCorruption],
    ["a smaller size", "auto", { size: "5" }, DataCorruption],
    ["a larger size", null, { size: String(2 * U + 6) }, DataCorruption],
    ["no CRC32C where it is required", "crc32c", {}, InvalidResponse],
    ["no MD5 where it is required", "md5", { crc32c: CRC }, InvalidResponse],
  ] as const
) {
  Deno.test(`a finished object with ${rule} is ${type.name}, and the upload is not finished`, async () => {
    const { upload, finish } = await begin(checksum, finished(object));
    const error = await assertRejects(finish, UploadError);
    assertEquals(error.name, type.name);
    assertEquals([upload.finished, upload.object], [false, undefined]);
  });
}

Deno.test("an object without a checksum is accepted by auto", async () => {
  const { upload, finish } = await begin("auto", finished({ size: String(DATA.length) }));
  await finish();
  assertEquals(upload.finished, true);
});

for (const checksum of ["auto", "md5"] as const) {
  Deno.test(`checksum ${checksum}: bytes damaged on the way never become an object`, async () => {
    const emulator = new GcsEmulator({ runningHash: false });
    emulator.inject({ on: "chunk", skip: 1, corrupt: true });
    const upload = new ResumableUpload(URL, U, { checksum, retry: { clock: fakeClock() } });
    await upload.initiate(emulator.fetch, DATA, { name: "a" }, "text/plain");
    const error = await assertRejects(async () => {
      while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
    }, DataCorruption);
    assertEquals([error.code, error.response.status, emulator.get("my-bucket", "a")], [
      "data_corruption",
      400,
      undefined,
    ]);
  });
}

Deno.test("with running hashes, damage is found at the chunk where it happens", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ on: "chunk", corrupt: true });
  const upload = new ResumableUpload(URL, U);
  await upload.initiate(emulator.fetch, DATA, { name: "a" }, "text/plain");
  await assertRejects(
    () => upload.transmitNextChunk(emulator.fetch),
    DataCorruption,
    `the ${U} bytes stored`,
  );
  assertEquals(emulator.requests.length, 2);
});

Deno.test("with running hashes, a short acknowledgement is compared at the place where it ends", async () => {
  const right = { "x-goog-running-hash": `crc32c=${encodeCrc32c(crc32c(DATA.subarray(0, U)))}` };
  const script = scripted(started(), stored(U, right), stored(2 * U), finished());
  const upload = new ResumableUpload(URL, 2 * U, { retry: null });
  await upload.initiate(script.transport, DATA, {}, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(script.transport);

  const wrong = scripted(started(), stored(U, { "x-goog-running-hash": "crc32c=AAAAAA==" }));
  const other = new ResumableUpload(URL, 2 * U, { retry: null });
  await other.initiate(wrong.transport, DATA, {}, "text/plain");
  await assertRejects(() => other.transmitNextChunk(wrong.transport), DataCorruption);
});

Deno.test("so is a second one within the same chunk", async () => {
  const hash = (end: number) => `crc32c=${encodeCrc32c(crc32c(DATA.subarray(0, end)))}`;
  const transmit = async (second: string) => {
    const script = scripted(
      started(),
      stored(U, { "x-goog-running-hash": hash(U) }),
      stored(2 * U, { "x-goog-running-hash": second }),
      finished(),
    );
    const upload = new ResumableUpload(URL, 4 * U, { retry: null });
    await upload.initiate(script.transport, DATA, {}, "text/plain");
    while (!upload.finished) await upload.transmitNextChunk(script.transport);
  };
  await transmit(hash(2 * U));
  await assertRejects(() => transmit(hash(2 * U - 1)), DataCorruption);
});

Deno.test("after a lost final reply the object is compared, too", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ on: "final", drop: "after" });
  const upload = new ResumableUpload(URL, U, { checksum: "md5", retry: { clock: fakeClock() } });
  await upload.initiate(emulator.fetch, DATA, { name: "a" }, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
  assertEquals(emulator.requests.map(({ kind }) => kind).slice(-2), ["final", "status"]);

  const script = scripted(
    started(),
    stored(U),
    stored(2 * U),
    new Error("reset"),
    finished({ crc32c: "AAAAAA==" }),
  );
  const wrong = new ResumableUpload(URL, U, { retry: { clock: fakeClock() } });
  await wrong.initiate(script.transport, DATA, {}, "text/plain");
  await assertRejects(async () => {
    while (!wrong.finished) await wrong.transmitNextChunk(script.transport);
  }, DataCorruption);
  assertEquals(wrong.finished, false);
});

Deno.test("a source that changes between reading and sending again is found out", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ on: "chunk", cut: 5 });
  const bytes = patterned(2 * U + 5);
  const upload = new ResumableUpload(URL, U, { retry: { clock: fakeClock() } });
  await upload.initiate(emulator.fetch, bytes, { name: "a" }, "text/plain");
  await assertRejects(async () => {
    const running = upload.transmitNextChunk((input, init) => {
      const sent = emulator.fetch(input, init);
      bytes[7] ^= 1;
      return sent;
    });
    await running;
    while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
  }, DataCorruption);
  assertEquals(emulator.get("my-bucket", "a"), undefined);
});
