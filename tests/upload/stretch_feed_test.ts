// A source that can be read anywhere is cut into requests, hashed once, and read again where the server has less.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { UPLOAD_CHUNK_SIZE, UploadError } from "../../mod.ts";
import { crc32c, encodeCrc32c } from "../../src/bytes/crc32c.ts";
import type { RandomAccessSource } from "../../src/bytes/random_access.ts";
import { startChecksum } from "../../src/bytes/running_checksum.ts";
import { takeSource, type UploadSource } from "../../src/bytes/source.ts";
import type { Part } from "../../src/upload/feed.ts";
import { MAX_BUFFERED, StretchFeed } from "../../src/upload/stretch_feed.ts";
import { patterned } from "../support/bytes.ts";

const U = UPLOAD_CHUNK_SIZE, MiB = 1024 * 1024;
const DATA = patterned(20 * MiB + 5);
const crcOf = (end: number) => encodeCrc32c(crc32c(DATA.subarray(0, end)));

async function feedOf(
  source: UploadSource,
  { sendsHash = true, checksum = "crc32c" as "crc32c" | "md5" | null } = {},
): Promise<StretchFeed> {
  const opened = await takeSource(source).open() as RandomAccessSource;
  return new StretchFeed(opened, {
    chunkSize: Infinity,
    granularity: U,
    declared: opened.size,
    checksum: await startChecksum(checksum),
    sendsHash,
  });
}

/** The bytes of a part; `most` of its pieces. */
async function bytesOf({ body, beside, size }: Part, most = Infinity): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const made = "next" in body ? body : beside;
  for (let i = 0; made && i < most; i++) {
    const piece = await made.next();
    if (!piece) break;
    pieces.push(piece);
  }
  if (body instanceof Blob) return new Uint8Array(await body.arrayBuffer());
  assert(most < Infinity || pieces.reduce((sum, { length }) => sum + length, 0) === size);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** The server has these bytes; returns their CRC32C. */
async function confirm(feed: StretchFeed, offset: number): Promise<string | undefined> {
  const crc = await feed.goTo(offset);
  feed.release(offset);
  return crc;
}

const streamed = { maxBytes: Infinity, streamed: true };

for (const [kind, source] of [["bytes", DATA], ["a Blob", new Blob([DATA])]] as const) {
  for (const maxBytes of [U, 5 * U, 8 * MiB, 16 * MiB, Infinity]) {
    for (const isStreamed of [true, false]) {
      Deno.test(`${kind}: parts of at most ${maxBytes} bytes (${isStreamed ? "" : "not "}streamed) are the source, and hashed once`, async () => {
        const feed = await feedOf(source);
        let at = 0;
        for (let last = false; !last;) {
          const part = await feed.next(at, { maxBytes, streamed: isStreamed });
          assertEquals(part.offset, at);
          assert(part.size <= maxBytes);
          if (!part.last) assertEquals(part.size % U, 0);
          if (part.last) {
            assert(
              part.size <= MAX_BUFFERED && part.body instanceof Uint8Array,
              "the last one is held",
            );
            assertEquals(feed.checksum?.sums().crc32c, crcOf(DATA.length), "hashed before it goes");
          }
          assertEquals(await bytesOf(part), DATA.subarray(at, at + part.size));
          at += part.size;
          assertEquals(await confirm(feed, at), crcOf(at));
          last = part.last;
        }
        assertEquals(at, DATA.length);
      });
    }
  }
}

Deno.test("where no hash is sent at the end, one request does for everything", async () => {
  for (const options of [{ sendsHash: false }, { checksum: null }]) {
    const feed = await feedOf(DATA, options);
    const part = await feed.next(0, streamed);
    assertEquals([part.size, part.last], [DATA.length, true]);
    assertEquals(await bytesOf(part), DATA);
  }
});

for (const stored of [0, U, 3 * U, 4 * MiB, 6 * MiB + U]) {
  for (const taken of [0, 1, 4, 7]) {
    Deno.test(`after ${taken} pieces of a stretch, with ${stored} bytes stored, it goes on there`, async () => {
      const feed = await feedOf(DATA);
      await bytesOf(await feed.next(0, streamed), taken);
      if (taken * MiB >= stored) assertEquals(await confirm(feed, stored), crcOf(stored));
      else return; // more than was handed out cannot be stored
      let at = stored;
      for (let last = false; !last;) {
        const part = await feed.next(at, streamed);
        assertEquals(await bytesOf(part), DATA.subarray(at, at + part.size));
        at += part.size;
        await confirm(feed, at);
        last = part.last;
      }
      assertEquals(feed.checksum?.sums().crc32c, crcOf(DATA.length));
    });
  }
}

for (const first of [0, U, 3 * MiB]) {
  for (const then of [U, 3 * MiB, 3 * MiB + U, 5 * MiB]) {
    if (then <= first) continue;
    Deno.test(`the server may find more than it said: ${first} bytes, then ${then}`, async () => {
      const feed = await feedOf(DATA);
      await bytesOf(await feed.next(0, streamed), 5);
      await confirm(feed, first);
      const crc = await confirm(feed, then);
      assert(crc === undefined || crc === crcOf(then));
      const part = await feed.next(then, streamed);
      assertEquals(await bytesOf(part), DATA.subarray(then, then + part.size));
      await bytesOf(await feed.next(then + part.size, streamed));
      assertEquals(feed.checksum?.sums().crc32c, crcOf(DATA.length));
    });
  }
}

Deno.test("a stretch that somebody still reads fails when the next one is asked for, and never ends", async () => {
  const feed = await feedOf(DATA);
  const old = await feed.next(0, streamed);
  await bytesOf(old, 3);
  await confirm(feed, U);
  const part = await feed.next(U, streamed);
  await assertRejects(() => bytesOf(old), DOMException, "not needed");
  assertEquals(await bytesOf(part), DATA.subarray(U, U + part.size));
  assertEquals(await confirm(feed, U + part.size), crcOf(U + part.size));
});

Deno.test("a source that is read again and is another one then is found out", async () => {
  let changed = false;
  const feed = await feedOf({
    size: DATA.length,
    read(offset, length) {
      const bytes = DATA.slice(offset, offset + length);
      if (changed && offset <= 2 * MiB && offset + length > 2 * MiB) bytes[2 * MiB - offset] ^= 1;
      return Promise.resolve(bytes);
    },
  });
  await bytesOf(await feed.next(0, streamed), 5);
  await confirm(feed, MiB);
  changed = true;
  const part = await feed.next(MiB, streamed);
  const error = await assertRejects(() => bytesOf(part), UploadError);
  assertEquals(error.code, "source_changed");
});

Deno.test("a source that fails once can be read again, and nothing is hashed twice", async () => {
  const own = new Error("busy");
  let calls = 0;
  const feed = await feedOf({
    size: DATA.length,
    read: (offset, length) =>
      ++calls === 4 ? Promise.reject(own) : Promise.resolve(DATA.slice(offset, offset + length)),
  });
  await assertRejects(async () => await bytesOf(await feed.next(0, streamed)), Error, "busy");
  await confirm(feed, 0);
  for (let at = 0, last = false; !last;) {
    const part = await feed.next(at, streamed);
    assertEquals(await bytesOf(part), DATA.subarray(at, at += part.size));
    last = part.last;
  }
  assertEquals(feed.checksum?.sums().crc32c, crcOf(DATA.length));
});

Deno.test("a last part that is shorter than the granularity is one part, however large that is", async () => {
  const granularity = 32 * MiB;
  const opened = await takeSource(DATA).open() as RandomAccessSource;
  const feed = new StretchFeed(opened, {
    chunkSize: Infinity,
    granularity,
    declared: DATA.length,
    checksum: await startChecksum("crc32c"),
    sendsHash: true,
  });
  const { size, last } = await feed.next(0, { maxBytes: granularity, streamed: true });
  assertEquals([size, last], [DATA.length, true]);
});
