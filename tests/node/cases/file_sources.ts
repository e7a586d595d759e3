// A path as a source: what arrives, when the file is open, and what becomes of an upload when the file is changed.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  type Checkpoint,
  createUploadSession,
  MultipartUpload,
  ResumableUpload,
  type Transport,
  upload,
  UploadError,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { fileSource, type FileSourceOptions, mediaTypeOf } from "../../../src/file/mod.ts";
import type { RegularFileSource } from "../../../src/file/mod.ts";
import { assert, assertEquals } from "../../portable/assert.ts";
import { failureOf, settled, store } from "../../portable/cases/sources_support.ts";
import {
  assertBytes,
  assertStored,
  BUCKET,
  CHUNK,
  kinds,
  pattern,
  startUrl,
  testClock,
} from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { bytes, file, folder, openings } from "../support.ts";
import { until } from "../../support/until.ts";

/** A long time ago: a change is seen at any resolution of the clock. */
const LONG_AGO = new Date("2001-02-03T04:05:06Z");

/** A file that was changed long ago. */
function oldFile(content: Uint8Array = bytes): string {
  const path = file(content);
  utimesSync(path, LONG_AGO, LONG_AGO);
  return path;
}

async function regular(
  path: string | URL,
  options?: FileSourceOptions,
): Promise<RegularFileSource> {
  const source = await fileSource(path, options);
  assert(source.kind === "file", `${path} is a ${source.kind}`);
  return source;
}

/** Ways to change a file of these bytes, and whether its name leads to another one then. */
const CHANGES: Readonly<Record<string, (path: string) => void>> = {
  "grows": (path) => appendFileSync(path, "more"),
  "shrinks": (path) => truncateSync(path, CHUNK + 7),
  "becomes empty": (path) => truncateSync(path, 0),
  "gets other bytes of the same size": (path) => writeFileSync(path, pattern(bytes.length, 7)),
};

/** Fails unless nobody has the file open. */
async function assertClosed(path: string, what: string): Promise<void> {
  await until(() => openings(path) === 0, () => `${openings(path)} are open: ${what}`);
}

/** Waits for the garbage to be collected, by making some. */
async function collected(isDone: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !isDone(); i++) {
    const garbage = Array.from({ length: 40 }, () => new Array(50_000).fill(i));
    await new Promise((resolve) => setTimeout(resolve, garbage.length > 0 ? 5 : 0));
  }
}

const changes: NodeCase[] = Object.entries(CHANGES).flatMap(([how, change]): NodeCase[] => [
  {
    name: `a file that ${how} while it is uploaded is source_changed, and no object`,
    async run() {
      for (const at of [0, CHUNK, 4 * CHUNK]) {
        const path = oldFile();
        const gcs = new GcsEmulator({ md5: false });
        const error = await failureOf(async () =>
          await store(gcs, await fileSource(path), {
            onCheckpoint: ({ persisted }) => {
              if (persisted === at) change(path);
            },
          })
        );
        assert(error instanceof UploadError, `${how} at ${at} was answered with ${error}`);
        assertEquals(error.code, "source_changed", error.message);
        assert(error.message.includes(path), error.message);
        assertEquals(gcs.objects.length, 0, `objects, changed at ${at}`);
        await assertClosed(path, how);
      }
    },
  },
  {
    name: `a file that ${how} between the call and the first reading is source_changed`,
    async run() {
      const path = oldFile();
      const source = await fileSource(path);
      change(path);
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => store(gcs, source));
      assertEquals((error as UploadError | undefined)?.code, "source_changed", `${error}`);
      assertEquals(gcs.objects.length, 0);
      await assertClosed(path, how);
    },
  },
  {
    name:
      `a file that ${how} between two runs is source_changed before a byte of it is read or sent`,
    async run() {
      const path = oldFile();
      const gcs = new GcsEmulator({ md5: false });
      const checkpoint = await interrupted(gcs, path);
      change(path);
      utimesSync(path, new Date(), new Date());
      const before = gcs.requests.length;
      const source = await regular(path);
      let reads = 0;
      const counted = {
        ...facts(source),
        read: () => Promise.reject(new Error(`read ${++reads}`)),
      };
      const error = await failureOf(() => upload(counted, { checkpoint, transport: gcs.fetch }));
      assertEquals((error as UploadError | undefined)?.code, "source_changed", `${error}`);
      assertEquals([gcs.requests.length - before, reads], [0, 0], "requests, readings");
    },
  },
]);

const facts = ({ size, type, lastModified, identity }: RegularFileSource) => ({
  size,
  type,
  lastModified,
  identity,
});

/** The checkpoint of an upload of a file that was given up in its middle. */
async function interrupted(gcs: GcsEmulator, path: string): Promise<Checkpoint> {
  let checkpoint: Checkpoint | undefined;
  const stop = new AbortController();
  await failureOf(async () =>
    await store(gcs, await fileSource(path), {
      signal: stop.signal,
      onCheckpoint: (latest) => {
        checkpoint = latest;
        if (latest.persisted === 3 * CHUNK) stop.abort(new Error("enough"));
      },
    })
  );
  await assertClosed(path, "after an abort");
  assertEquals(checkpoint?.persisted, 3 * CHUNK);
  return JSON.parse(JSON.stringify(checkpoint));
}

/** Ways that an upload of a file can end. */
const ENDS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  "success": async (path) => await store(new GcsEmulator({ md5: false }), await fileSource(path)),
  "success of a MultipartUpload": async (path) =>
    await new MultipartUpload(startUrl("multipart"))
      .transmit(new GcsEmulator({ md5: false }).fetch, await regular(path), {}, "a/b"),
  "a refusal": async (path) =>
    await store(new GcsEmulator({ md5: false }), await fileSource(path), {
      transport: () => Promise.resolve(new Response("no", { status: 403 })),
    }),
  "an option that is wrong": async (path) =>
    await store(new GcsEmulator({ md5: false }), await fileSource(path), { chunkSize: 5 }),
  "an abort while it is read": async (path) => {
    const stop = new AbortController();
    const { fetch } = new GcsEmulator({ md5: false });
    const transport: Transport = (input, init) => {
      if (init.method === "PUT") stop.abort(new Error("enough"));
      return fetch(input, init);
    };
    await store(new GcsEmulator({ md5: false }), await fileSource(path), {
      transport,
      signal: stop.signal,
    });
  },
  "a broken connection, without retries": async (path) =>
    await store(new GcsEmulator({ md5: false }), await fileSource(path), {
      retry: false,
      transport: () => Promise.reject(new TypeError("broken")),
    }),
  "close()": async (path) => {
    const gcs = new GcsEmulator({ md5: false });
    const resumable = new ResumableUpload(startUrl("resumable"), CHUNK);
    await resumable.initiate(gcs.fetch, await fileSource(path), {}, "a/b");
    await resumable.transmitNextChunk(gcs.fetch);
    await resumable.close();
  },
};

/** Files as sources. */
export const fileSources: NodeCase[] = [
  {
    name: "a file arrives whole, whatever its size, by a path, a URL and a link",
    async run() {
      for (const size of [0, 1, CHUNK, bytes.length]) {
        const path = file(pattern(size));
        const link = join(folder(), "link");
        symlinkSync(path, link);
        for (const from of [path, pathToFileURL(path), link]) {
          const gcs = new GcsEmulator({ md5: false });
          const source = await regular(from);
          assertEquals(source.size, size);
          await settled(store(gcs, source), "upload()");
          assertStored(gcs, pattern(size));
          await assertClosed(path, "after success");
        }
      }
    },
  },
  {
    name:
      "any name is a path: spaces, percent signs, a colon, other alphabets, what looks like a URL",
    async run() {
      for (const name of ["a b%20c.txt", "file:x.txt", "ä€😀.txt", "#?.txt", "-"]) {
        const path = join(folder(), name);
        writeFileSync(path, "hello");
        for (const from of [path, pathToFileURL(path)]) {
          const gcs = new GcsEmulator({ md5: false });
          await store(gcs, await fileSource(from));
          assertStored(gcs, new TextEncoder().encode("hello"));
        }
      }
    },
  },
  {
    name:
      "the call leaves nothing open, the first reading opens the file once, and the end closes it",
    async run() {
      const path = file();
      const source = await regular(path);
      assertEquals(openings(path), 0, "after the call");
      await Promise.all([source.read(0, 10), source.read(20, 10), source.read(40, 10)]);
      assertEquals(openings(path), 1, "while it is read");
      await source.close();
      assertEquals(openings(path), 0, "after close()");
      await source.close();
    },
  },
  {
    name:
      "a file that is closed while it is read is closed after the reading, which is not disturbed",
    async run() {
      const path = file();
      const source = await regular(path);
      const readings = [source.read(0, 100_000), source.read(200_000, 100_000)];
      const closed = source.close();
      assertBytes(await readings[0], bytes.subarray(0, 100_000), "the first reading");
      assertBytes(await readings[1], bytes.subarray(200_000, 300_000), "the second reading");
      await closed;
      await assertClosed(path, "after close()");
    },
  },
  ...Object.entries(ENDS).map(([end, run]): NodeCase => ({
    name: `a file is closed after ${end}`,
    async run() {
      const path = file();
      await failureOf(() => run(path), end);
      await assertClosed(path, end);
    },
  })),
  {
    name: "a file that nobody has any more is closed when it is collected",
    async run() {
      const path = file();
      await (async () => {
        for (let i = 0; i < 5; i++) await (await regular(path)).read(0, 10);
      })();
      await collected(() => openings(path) === 0);
      await assertClosed(path, "after it was dropped");
    },
  },
  {
    name: "a source can be uploaded again after its upload has failed, and after it has not",
    async run() {
      const path = file();
      const source = await fileSource(path);
      for (const status of [403, undefined, undefined]) {
        const gcs = new GcsEmulator({ md5: false });
        const refusing: Transport = () => Promise.resolve(new Response("no", { status: 403 }));
        await failureOf(() => store(gcs, source, status ? { transport: refusing } : {}));
        if (!status) assertStored(gcs, bytes);
        await assertClosed(path, "after an upload");
      }
    },
  },
  ...changes,
  {
    name: "a file that is replaced under its name while it is uploaded arrives as it was",
    async run() {
      const path = oldFile();
      const gcs = new GcsEmulator({ md5: false });
      await store(gcs, await fileSource(path), {
        onCheckpoint: ({ persisted }) => {
          if (persisted === CHUNK) renameSync(file(pattern(5, 3)), path);
        },
      });
      assertStored(gcs, bytes);
    },
  },
  {
    name:
      "a file that is replaced before it is read is source_changed, although size and time are the same",
    async run() {
      const path = oldFile();
      const source = await fileSource(path);
      renameSync(oldFile(pattern(bytes.length, 7)), path);
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => store(gcs, source));
      assertEquals((error as UploadError | undefined)?.code, "source_changed", `${error}`);
    },
  },
  {
    name: "a pipe in place of the file is source_changed, and nobody waits for its writer",
    async run() {
      const path = oldFile();
      const source = await fileSource(path);
      rmSync(path);
      execFileSync("mkfifo", [path]);
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => store(gcs, source));
      assertEquals((error as UploadError | undefined)?.code, "source_changed", `${error}`);
    },
  },
  {
    name:
      "a file that is written to while it is read for its one request is source_changed, never an object",
    async run() {
      const changes: ((path: string) => void)[] = [
        (path) => writeFileSync(path, "x", { flag: "a" }),
        (path) => writeFileSync(path, "short"),
      ];
      for (const change of changes) {
        const path = oldFile(pattern(3 * CHUNK, 9));
        const file = await fileSource(path) as RegularFileSource;
        let reads = 0;
        const source = {
          size: file.size,
          close: () => file.close(),
          async read(offset: number, length: number) {
            const piece = await file.read(offset, Math.min(length, CHUNK));
            if (reads++ === 0) change(path);
            return piece;
          },
        };
        const gcs = new GcsEmulator({ md5: false });
        const error = await failureOf(() => store(gcs, source, { ifGenerationMatch: 0 }));
        assertEquals((error as UploadError | undefined)?.code, "source_changed", `${error}`);
        assertEquals(gcs.objects.length, 0);
      }
    },
  },
  {
    name:
      "a file of another inode with the same bytes, size and time is not the one of a checkpoint",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const path = oldFile();
      const checkpoint = await interrupted(gcs, path);
      assert(typeof checkpoint.identity === "string", "no identity in the checkpoint");
      assertEquals(checkpoint.lastModified, LONG_AGO.getTime());
      const copy = oldFile();
      const options = { checkpoint, transport: gcs.fetch };
      const error = await failureOf(async () => await upload(await fileSource(copy), options));
      assertEquals((error as UploadError | undefined)?.code, "source_changed", `${error}`);
      linkSync(path, `${path}.other-name`);
      await upload(await fileSource(`${path}.other-name`), options);
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a checkpoint without an identity, as older versions write them, is gone on from",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const path = oldFile();
      const { identity: _, lastModified: __, ...older } = await interrupted(gcs, path);
      await upload(await fileSource(path), { checkpoint: older, transport: gcs.fetch });
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a checkpoint of a file that did not change is gone on from, again and again",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const path = oldFile();
      const checkpoint = await interrupted(gcs, path);
      await upload(await fileSource(path), { checkpoint, transport: gcs.fetch });
      assertStored(gcs, bytes);
      await upload(await fileSource(path), { checkpoint, transport: gcs.fetch });
      await assertClosed(path, "after going on");
    },
  },
  {
    name: "an identity that cannot stand in a checkpoint is a TypeError at the call",
    async run() {
      for (const identity of [5, "x".repeat(257), {}]) {
        const source = { size: 1, identity, read: () => Promise.resolve(new Uint8Array(1)) };
        const gcs = new GcsEmulator({ md5: false });
        const error = await failureOf(() => store(gcs, source as never));
        assert(error instanceof TypeError, `${identity} was answered with ${error}`);
        assertEquals(gcs.requests.length, 0);
      }
    },
  },
  {
    name: "the size of a file of more than 4 GiB is right, and so is what is read behind 4 GiB",
    async run() {
      const path = file(new TextEncoder().encode("start"));
      const size = 5 * 2 ** 30 + 3;
      await truncate(path, size);
      appendFileSync(path, "end");
      const source = await regular(path);
      assertEquals(source.size, size + 3);
      assertBytes(await source.read(size, 100), new TextEncoder().encode("end"), "the end");
      assertBytes(await source.read(0, 5), new TextEncoder().encode("start"), "the start");
      await source.close();
    },
  },
  {
    name: "a file of /proc, whose size is said to be 0, arrives whole",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      await store(gcs, await fileSource("/proc/version"));
      assertStored(gcs, new Uint8Array(readFileSync("/proc/version")));
    },
  },
  {
    name:
      "no file, a path through a file, and a link to nothing reject with code and path at the call",
    async run() {
      const link = join(folder(), "link");
      symlinkSync("nothing", link);
      for (
        const [path, code] of [["/no/such/file", "ENOENT"], [file() + "/a", "ENOTDIR"], [
          link,
          "ENOENT",
        ]]
      ) {
        const error = await failureOf(() => fileSource(path));
        assertEquals((error as { code?: string }).code, code, `${path}: ${error}`);
        assert(String(error).includes(path), `${error}`);
      }
    },
  },
  {
    name: "a folder is a TypeError that names it and directory()",
    async run() {
      const path = folder();
      const error = await failureOf(() => fileSource(path));
      assert(error instanceof TypeError, `${error}`);
      assert(error.message.includes(path) && error.message.includes("directory()"), error.message);
    },
  },
  {
    name: "what is no path, and options that do not exist, are TypeErrors",
    async run() {
      for (const path of ["", 5, null, new URL("https://a.example/b"), {}, undefined]) {
        const error = await failureOf(() => fileSource(path as string));
        assert(error instanceof TypeError, `${path} was answered with ${error}`);
      }
      for (
        const options of [{ typ: "a/b" }, { type: "nonsense" }, { type: 5 }, { type: "" }, null]
      ) {
        const error = await failureOf(() => fileSource(file(), options as never));
        assert(error instanceof TypeError, `${JSON.stringify(options)}: ${error}`);
        assert(/typ|options/.test(error.message), error.message);
      }
    },
  },
  {
    name: "a file that may not be read rejects with EACCES and its path at the call",
    runtimes: ["node"], // the others cannot become somebody else
    async run() {
      const path = file();
      chmodSync(path, 0o000);
      chmodSync(join(path, ".."), 0o755);
      const isRoot = process.geteuid!() === 0;
      if (isRoot) process.seteuid!(65_534);
      try {
        const error = await failureOf(() => fileSource(path));
        assertEquals((error as { code?: string }).code, "EACCES", `${error}`);
        assert(String(error).includes(path), `${error}`);
      } finally {
        if (isRoot) process.seteuid!(0);
      }
    },
  },
  {
    name: "the media type is the caller's, else what the source says, else what the name says",
    async run() {
      const path = join(folder(), "photo.JPG");
      writeFileSync(path, "hello");
      const stored = async (options?: FileSourceOptions, extra = {}) => {
        const gcs = new GcsEmulator({ md5: false });
        await store(gcs, await fileSource(path, options), extra);
        return gcs.get(BUCKET, "object")?.contentType;
      };
      assertEquals(await stored(), "image/jpeg");
      assertEquals(await stored({ type: "image/x-raw" }), "image/x-raw");
      assertEquals(await stored({ type: "a/b" }, { contentType: "c/d" }), "c/d");
      assertEquals(await stored({}, { metadata: { contentType: "e/f" } }), "e/f");
      writeFileSync(`${path}.unheard-of`, "hello");
      const gcs = new GcsEmulator({ md5: false });
      await store(gcs, await fileSource(`${path}.unheard-of`));
      assertEquals(gcs.get(BUCKET, "object")?.contentType, "application/octet-stream");
    },
  },
  {
    name: "the end of a name says the media type, without a charset, and a hidden file has no end",
    run() {
      const types: Readonly<Record<string, string | undefined>> = {
        "a.txt": "text/plain",
        "a.b/c.html": "text/html",
        "a.tar.gz": "application/gzip",
        "a.JSON": "application/json",
        "video.mp4": "video/mp4",
        "page.mjs": "text/javascript",
        "image.svg": "image/svg+xml",
        "font.woff2": "font/woff2",
        "model.safetensors": undefined,
        ".png": undefined,
        "png": undefined,
        "json": undefined,
        "a.": undefined,
        "": undefined,
        "a.constructor": undefined,
      };
      for (const [name, type] of Object.entries(types)) assertEquals(mediaTypeOf(name), type, name);
    },
  },
  {
    name: "a file goes to a session that somebody else has opened, with its own media type",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const { url } = await createUploadSession({
        bucket: BUCKET,
        name: "object",
        transport: gcs.fetch,
        contentType: "text/css",
      });
      await upload(await fileSource(file()), { session: url, transport: gcs.fetch });
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a failure on the way reads the file again from where the server stands",
    async run() {
      const path = file();
      const gcs = new GcsEmulator({ md5: false });
      gcs.inject({ on: "chunk", skip: 2, drop: "before" });
      await store(gcs, await fileSource(path), { retry: { clock: testClock() } });
      assertStored(gcs, bytes);
      assert(kinds(gcs).includes("status"), kinds(gcs).join());
      await assertClosed(path, "after a failure on the way");
    },
  },
];
