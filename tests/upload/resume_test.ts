// An upload goes on from a checkpoint with the same bytes only, whatever the server holds by then.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Checkpoint,
  DataCorruption,
  ResumableUpload,
  UPLOAD_CHUNK_SIZE,
  UploadError,
  type UploadSource,
} from "../../mod.ts";
import { GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";
import { asyncPieces, byteStream, defaultStream, patterned, pieces } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import { finished, scripted, stored } from "../support/scripted.ts";

const U = UPLOAD_CHUNK_SIZE;
const URL = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable";
const SIZE = 5 * U + 7;
const DATA = patterned(SIZE);
const retry = () => ({ clock: fakeClock() });

/** Sends `chunks` chunks, and keeps the checkpoint as it would be read from a disk. */
async function interrupted(
  { chunks = 2, source = DATA as UploadSource, checksum = "auto" as const, ...options }: {
    chunks?: number;
    source?: UploadSource;
    checksum?: "auto" | "md5" | "crc32c" | null;
  } & GcsEmulatorOptions = {},
): Promise<{ emulator: GcsEmulator; checkpoint: Checkpoint }> {
  const emulator = new GcsEmulator(options);
  const upload = new ResumableUpload(URL, U, { checksum });
  await upload.initiate(emulator.fetch, source, { name: "a" }, "image/png");
  for (let i = 0; i < chunks; i++) await upload.transmitNextChunk(emulator.fetch);
  const checkpoint = JSON.parse(JSON.stringify(upload.checkpoint()));
  await upload.close(new Error("the process ends"));
  return { emulator, checkpoint };
}

async function finish(upload: ResumableUpload, emulator: GcsEmulator): Promise<void> {
  while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
}

const sources: [kind: string, make: (data: Uint8Array<ArrayBuffer>) => UploadSource][] = [
  ["bytes", (data) => data],
  ["a Blob", (data) => new Blob([data])],
  ["a stream made anew", (data) => defaultStream(pieces(data, 99_999))],
  ["a byte stream made anew", (data) => byteStream(data, 65_536)],
  ["an iterable made anew", (data) => asyncPieces(pieces(data, 300_000))],
  [
    "a ByteSource of unknown size",
    (data) => ({ read: (o, n) => Promise.resolve(data.slice(o, o + n)) }),
  ],
];

for (const [kind, make] of sources) {
  for (const runningHash of [true, false]) {
    for (const checksum of ["auto", "md5", null] as const) {
      Deno.test(`${kind} goes on from a checkpoint (${checksum}, running hash ${runningHash ? "given" : "not given"})`, async () => {
        const { emulator, checkpoint } = await interrupted({
          source: make(DATA),
          checksum,
          runningHash,
        });
        const before = emulator.requests.length;
        const upload = ResumableUpload.resume(checkpoint, make(DATA), { retry: retry() });
        assertEquals([upload.invalid, upload.bytesUploaded, upload.resumableUrl], [
          true,
          2 * U,
          checkpoint.sessionUrl,
        ]);
        await finish(upload, emulator);
        assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
        const after = emulator.requests.slice(before);
        assertEquals(after.map(({ kind }) => kind), ["status", "chunk", "chunk", "chunk", "final"]);
      });
    }
  }

  Deno.test(`${kind}: the server may hold more than the checkpoint knows`, async () => {
    const emulator = new GcsEmulator();
    const upload = new ResumableUpload(URL, U);
    await upload.initiate(emulator.fetch, make(DATA), { name: "a" }, "image/png");
    const early = upload.checkpoint();
    for (let i = 0; i < 3; i++) await upload.transmitNextChunk(emulator.fetch);
    await upload.close("gone");
    const resumed = ResumableUpload.resume(early, make(DATA), { retry: retry() });
    await resumed.recover(emulator.fetch);
    assertEquals([resumed.bytesUploaded, resumed.invalid], [3 * U, false]);
    await finish(resumed, emulator);
    assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
  });

  Deno.test(`${kind}: the upload may have been finished meanwhile, and is compared all the same`, async () => {
    const { emulator, checkpoint } = await interrupted({ source: make(DATA) });
    await finish(ResumableUpload.resume(checkpoint, make(DATA)), emulator);
    const again = ResumableUpload.resume(checkpoint, make(DATA), { retry: null });
    assertEquals((await again.recover(emulator.fetch)).status, 200);
    assertEquals([again.finished, again.object?.name, again.bytesUploaded, again.totalBytes], [
      true,
      "a",
      SIZE,
      SIZE,
    ]);

    const changed = patterned(SIZE);
    changed[SIZE - 1] ^= 1;
    const other = ResumableUpload.resume(checkpoint, make(changed), { retry: null });
    await assertRejects(() => other.recover(emulator.fetch), DataCorruption);
    assertEquals(other.finished, false);
  });

  for (
    const [where, at] of [["in its first byte", 0], [
      "in the last byte that was stored",
      2 * U - 1,
    ]] as const
  ) {
    for (const runningHash of [true, false]) {
      Deno.test(`${kind} that has changed ${where} is refused (running hash ${runningHash ? "given" : "not given"})`, async () => {
        const { emulator, checkpoint } = await interrupted({ source: make(DATA), runningHash });
        const changed = patterned(SIZE);
        changed[at] ^= 1;
        const upload = ResumableUpload.resume(checkpoint, make(changed), { retry: retry() });
        const error = await assertRejects(() => finish(upload, emulator), UploadError);
        assertEquals([error.code, upload.finished], ["source_changed", false]);
        assertEquals(emulator.requests.at(-1)?.kind, "status", "bytes of another source were sent");
        await upload.close(error);
      });
    }
  }

  Deno.test(`${kind} that is now shorter than what is stored is refused`, async () => {
    const { emulator, checkpoint } = await interrupted({ source: make(DATA) });
    await assertRejects(async () => {
      const upload = ResumableUpload.resume(checkpoint, make(DATA.slice(0, U)), { retry: retry() });
      await finish(upload, emulator);
    }, UploadError);
    assertEquals(emulator.get("my-bucket", "a"), undefined);
  });
}

Deno.test("bytes that changed between the checkpoint and what the server holds are found by the running hash", async () => {
  const emulator = new GcsEmulator();
  const first = new ResumableUpload(URL, U);
  await first.initiate(emulator.fetch, DATA, { name: "a" }, "image/png");
  const checkpoint = first.checkpoint();
  await first.transmitNextChunk(emulator.fetch);
  const changed = patterned(SIZE);
  changed[5] ^= 1;
  const upload = ResumableUpload.resume(checkpoint, changed, { retry: null });
  assertEquals(
    (await assertRejects(() => upload.recover(emulator.fetch), UploadError)).code,
    "source_changed",
  );
});

Deno.test("a source of another size, or a file changed since, is refused before anything is sent", async () => {
  const file = (size: number, lastModified: number) =>
    new File([DATA.slice(0, size)], "a", { lastModified });
  const { checkpoint } = await interrupted({ source: file(SIZE, 5) });
  assertEquals([checkpoint.totalBytes, checkpoint.lastModified], [SIZE, 5]);
  for (const source of [file(SIZE - 1, 5), file(SIZE, 6), DATA.slice(1)]) {
    const error = assertThrows(() => ResumableUpload.resume(checkpoint, source), UploadError);
    assertEquals(error.code, "source_changed");
  }
  ResumableUpload.resume(checkpoint, file(SIZE, 5));
});

Deno.test("verifyPrefix false reads only what follows the checkpoint", async () => {
  const { emulator, checkpoint } = await interrupted();
  const read: number[] = [];
  const source = {
    size: SIZE,
    read: (at: number, n: number) => (read.push(at), Promise.resolve(DATA.slice(at, at + n))),
  };
  const upload = ResumableUpload.resume(checkpoint, source, { verifyPrefix: false });
  await finish(upload, emulator);
  assertEquals(Math.min(...read), 2 * U);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("verifyPrefix false reads everything all the same where it must: a stream, or MD5", async () => {
  const streamed = await interrupted();
  const upload = ResumableUpload.resume(streamed.checkpoint, defaultStream([DATA]), {
    verifyPrefix: false,
  });
  await finish(upload, streamed.emulator);
  assertEquals(streamed.emulator.get("my-bucket", "a")?.bytes, DATA);

  const hashed = await interrupted({ checksum: "md5" });
  await finish(
    ResumableUpload.resume(hashed.checkpoint, DATA, { verifyPrefix: false }),
    hashed.emulator,
  );
  assertEquals(hashed.emulator.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("verifyPrefix false and no checksum reads nothing twice", async () => {
  const { emulator, checkpoint } = await interrupted({ checksum: null });
  const read: number[] = [];
  const source = {
    size: SIZE,
    read: (at: number, n: number) => (read.push(at), Promise.resolve(DATA.slice(at, at + n))),
  };
  await finish(ResumableUpload.resume(checkpoint, source, { verifyPrefix: false }), emulator);
  assertEquals(Math.min(...read), 2 * U);
});

Deno.test("a resumed upload can be interrupted again, before it asked and after", async () => {
  const { emulator, checkpoint } = await interrupted();
  const second = ResumableUpload.resume(checkpoint, DATA);
  assertEquals(second.checkpoint(), checkpoint);
  await second.transmitNextChunk(emulator.fetch);
  const third = ResumableUpload.resume(second.checkpoint(), DATA);
  assertEquals(third.bytesUploaded, 3 * U);
  await finish(third, emulator);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("with retry null a resumed upload must recover first", async () => {
  const { emulator, checkpoint } = await interrupted();
  const upload = ResumableUpload.resume(checkpoint, DATA, { retry: null });
  await assertRejects(() => upload.transmitNextChunk(emulator.fetch), UploadError, "recover()");
  await upload.recover(emulator.fetch);
  await finish(upload, emulator);
});

Deno.test("headers are given anew; they are not in the checkpoint", async () => {
  const { checkpoint } = await interrupted();
  const { transport, seen } = scripted(stored(2 * U));
  const upload = ResumableUpload.resume(checkpoint, DATA, { headers: { "x-key": "k" } });
  await upload.recover(transport);
  assertEquals(seen[0].headers.get("x-key"), "k");
});

Deno.test("an expired session says so", async () => {
  let now = Date.UTC(2026, 0, 1);
  const { emulator, checkpoint } = await interrupted({ now: () => now });
  now += 8 * 24 * 3600 * 1000;
  const upload = ResumableUpload.resume(checkpoint, DATA, { retry: retry() });
  assertEquals(
    (await assertRejects(() => upload.recover(emulator.fetch), UploadError)).code,
    "session_gone",
  );
});

Deno.test("a finished object of another size is not the one of the checkpoint", async () => {
  const { checkpoint } = await interrupted();
  for (const object of [{ size: "5" }, { size: String(SIZE + 1) }]) {
    const upload = ResumableUpload.resume(checkpoint, DATA, { retry: null });
    await assertRejects(() => upload.recover(scripted(finished(object)).transport), DataCorruption);
    assertEquals(upload.finished, false);
  }
});

Deno.test("a checkpoint of an upload without a declared size has none", async () => {
  const { checkpoint } = await interrupted({ source: defaultStream(pieces(DATA, 100_000)) });
  assertEquals("totalBytes" in checkpoint, false);
});

Deno.test("a checkpoint holds this and nothing else", async () => {
  const { checkpoint } = await interrupted();
  assertEquals(Object.keys(checkpoint).sort(), [
    "checksum",
    "chunkSize",
    "contentType",
    "crc32c",
    "persisted",
    "sessionUrl",
    "totalBytes",
    "uploadUrl",
    "version",
  ]);
  assertEquals([
    checkpoint.version,
    checkpoint.persisted,
    checkpoint.contentType,
    checkpoint.checksum,
  ], [1, 2 * U, "image/png", "auto"]);
});

Deno.test("what is no checkpoint is refused with a clear error that shows no secret", async () => {
  const { checkpoint } = await interrupted();
  const wrong: [unknown, string][] = [
    [null, "expected an object"],
    ["{}", "expected an object"],
    [{}, "expected version 1"],
    [{ ...checkpoint, version: 2 }, "expected version 1, got version 2"],
    [{ ...checkpoint, sessionUrl: "SECRET" }, '"sessionUrl"'],
    [{ ...checkpoint, sessionUrl: undefined }, '"sessionUrl"'],
    [{ ...checkpoint, uploadUrl: "javascript:SECRET" }, '"uploadUrl"'],
    [{ ...checkpoint, chunkSize: 0 }, '"chunkSize"'],
    [{ ...checkpoint, persisted: -1 }, '"persisted"'],
    [{ ...checkpoint, persisted: "5" }, '"persisted"'],
    [{ ...checkpoint, crc32c: "SECRET" }, '"crc32c"'],
    [{ ...checkpoint, totalBytes: 1.5 }, '"totalBytes"'],
    [{ ...checkpoint, totalBytes: 5 }, "at most 5 persisted bytes"],
    [{ ...checkpoint, lastModified: "x" }, '"lastModified"'],
    [{ ...checkpoint, contentType: 5 }, '"contentType"'],
    [{ ...checkpoint, checksum: "sha1" }, '"checksum"'],
  ];
  for (const [value, words] of wrong) {
    const error = assertThrows(
      () => ResumableUpload.resume(value as Checkpoint, DATA),
      UploadError,
      words,
    );
    assertEquals(error.code, "invalid_checkpoint");
    assert(!error.message.includes("SECRET"), error.message);
  }
});

Deno.test("a checksum that the caller gives when going on is compared before anything is finished, and sent", async () => {
  for (const isRight of [true, false]) {
    const { emulator, checkpoint } = await interrupted();
    const crc = isRight ? encodeCrc32c(crc32c(DATA)) : "AAAAAQ==";
    const headers = { "x-goog-hash": `crc32c=${crc}` };
    const upload = ResumableUpload.resume(checkpoint, DATA, { headers, retry: retry() });
    if (isRight) await finish(upload, emulator);
    else {
      const error = await assertRejects(() => finish(upload, emulator), UploadError, crc);
      assertEquals(error.code, "source_changed");
    }
    assertEquals(emulator.objects.length, isRight ? 1 : 0);
  }
});

Deno.test("an upload that is taken up can be cancelled whatever has become of its source", async () => {
  const { emulator, checkpoint } = await interrupted();
  let closed = 0;
  const empty = {
    size: 0,
    read: () => Promise.resolve(new Uint8Array(0)),
    close: () => void closed++,
  };
  const upload = ResumableUpload.resume(checkpoint, empty);
  await upload.cancel(emulator.fetch);
  assertEquals(emulator.sessions.map(({ phase }) => phase), ["cancelled"]);
  assertEquals([upload.finished, upload.invalid, closed], [false, false, 1]);
  const error = await assertRejects(() => upload.recover(emulator.fetch), UploadError);
  assertEquals(error.code, "invalid_state");
});

Deno.test("a checkpoint's checksum cannot be changed, nor be forgotten in silence", async () => {
  const { checkpoint } = await interrupted({ checksum: "md5" });
  const resume = (options: object) => ResumableUpload.resume(checkpoint, DATA, options);
  await resume({ checksum: "md5" }).close();
  assertThrows(() => resume({ checksum: "crc32c" }), TypeError, "checksum: expected none");
});
