// The files of Bun: Blobs that are read when they are sent, and of which some do not know their size.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type UploadData,
  UploadError,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../../portable/assert.ts";
import { failureOf, settled, store } from "../../portable/cases/sources_support.ts";
import {
  assertBytes,
  assertStored,
  BUCKET,
  CHUNK,
  finish,
  startUrl,
  testClock,
} from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { bytes, file, folder } from "../support.ts";

/** What is used of Bun. */
interface Bun {
  file(path: string): Blob;
  readonly stdin: Blob;
  readonly S3Client: new (options: Record<string, string>) => { file(name: string): Blob };
}

const bun = (): Bun => (globalThis as unknown as { Bun: Bun }).Bun;

/** Every way to upload a Blob. */
const WAYS: Readonly<Record<string, (gcs: GcsEmulator, blob: Blob) => Promise<unknown>>> = {
  "upload()": (gcs, blob) => store(gcs, blob),
  "upload() in one request": (gcs, blob) =>
    store(gcs, blob, { ifGenerationMatch: 0, chunkSize: 16 * CHUNK }),
  "a SimpleUpload": (gcs, blob) =>
    new SimpleUpload(startUrl("media")).transmit(gcs.fetch, blob as UploadData, "a/b"),
  "a SimpleUpload without a checksum": (gcs, blob) =>
    new SimpleUpload(startUrl("media"), { checksum: null }).transmit(gcs.fetch, blob, "a/b"),
  "a MultipartUpload": (gcs, blob) =>
    new MultipartUpload(startUrl("multipart")).transmit(gcs.fetch, blob, {}, "a/b"),
  "a MultipartUpload without a checksum": (gcs, blob) =>
    new MultipartUpload(startUrl("multipart"), { checksum: null })
      .transmit(gcs.fetch, blob, {}, "a/b"),
  "a ResumableUpload": async (gcs, blob) => {
    const retry = { clock: testClock() };
    const resumable = new ResumableUpload(startUrl("resumable"), CHUNK, { retry });
    await resumable.initiate(gcs.fetch, blob, {}, "a/b");
    await finish(resumable, gcs.fetch);
  },
};

/** Fails unless the content is stored whole, or the source was refused in a sentence that says what to pass. */
async function assertWholeOrRefused(
  gcs: GcsEmulator,
  upload: Promise<unknown>,
  content: Uint8Array,
  what: string,
): Promise<void> {
  const error = await failureOf(() => upload, what);
  if (error === undefined) {
    assertBytes(gcs.get(BUCKET, "object")?.bytes, content, what);
    return;
  }
  assert(error instanceof TypeError, `${what} was answered with ${error}`);
  assert(
    /stream|ResumableUpload|upload\(/.test(error.message),
    `${what}: no word on what to pass: ${error.message}`,
  );
  assertEquals([gcs.requests.length, gcs.objects.length], [0, 0], what);
}

const missing: NodeCase[] = Object.entries(WAYS).map(([way, send]) => ({
  name: `Bun.file() of a file that is not there: ${way} rejects with ENOENT, and stores nothing`,
  runtimes: ["bun"],
  async run() {
    for (const path of ["/missing", `${folder()}/missing`]) {
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => send(gcs, bun().file(path)), way);
      assertEquals((error as { code?: string } | undefined)?.code, "ENOENT", String(error));
      assertEquals(gcs.objects.length, 0);
    }
  },
}));

const procs: NodeCase[] = Object.entries(WAYS).map(([way, send]) => ({
  name: `Bun.file() of /proc, whose size is said to be 0: ${way} stores it whole, or refuses it`,
  runtimes: ["bun"],
  async run() {
    for (const path of ["/proc/version", "/proc/filesystems"]) {
      const gcs = new GcsEmulator({ md5: false });
      const content = new Uint8Array(readFileSync(path));
      const sent = send(gcs, bun().file(path));
      // What takes its data in one request may have to know its size.
      if (way.startsWith("a ") && way !== "a ResumableUpload") {
        await assertWholeOrRefused(gcs, sent, content, `${way} of ${path}`);
      } else {
        await settled(sent, `${way} of ${path}`);
        assertStored(gcs, content);
      }
    }
  },
}));

const pipes: NodeCase[] = Object.entries(WAYS).map(([way, send]) => ({
  name: `Bun.file() of a pipe with a name: ${way} stores it whole, or refuses it`,
  runtimes: ["bun"],
  async run() {
    const path = join(folder(), "fifo");
    execFileSync("mkfifo", [path]);
    const text = "through a pipe\n".repeat(2_000);
    const writer = spawn("sh", ["-c", 'printf %s "$1" > "$0"', path, text], { stdio: "ignore" });
    try {
      const gcs = new GcsEmulator({ md5: false });
      const sent = send(gcs, bun().file(path));
      await assertWholeOrRefused(gcs, sent, new TextEncoder().encode(text), way);
    } finally {
      writer.kill();
    }
  },
}));

/** A server of objects, as S3 has them. */
async function objectServer(content: Uint8Array) {
  const server = createServer(({ headers, method }, response) => {
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Number(range[2]) + 1 : content.length;
    const part = content.subarray(start, end);
    response.writeHead(range ? 206 : 200, {
      "content-length": part.length,
      ...(range && { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
    });
    response.end(method === "HEAD" ? undefined : part);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Bun's files. */
export const bunFiles: NodeCase[] = [
  ...missing,
  ...procs,
  ...pipes,
  ...Object.entries(WAYS).map(([way, send]): NodeCase => ({
    name: `Bun.file() of a file: ${way} stores it whole`,
    runtimes: ["bun"],
    async run() {
      for (const content of [bytes, bytes.slice(0, 5), new Uint8Array(0)]) {
        const gcs = new GcsEmulator({ md5: false });
        await settled(send(gcs, bun().file(file(content))), way);
        assertStored(gcs, content);
      }
    },
  })),
  ...Object.entries(WAYS).map(([way, send]): NodeCase => ({
    name: `an S3File, which does not know its size: ${way} stores it whole, or refuses it`,
    runtimes: ["bun"],
    async run() {
      const { endpoint, close } = await objectServer(bytes);
      try {
        const secrets = { accessKeyId: "id", secretAccessKey: "secret" };
        const client = new (bun().S3Client)({ bucket: "bucket", endpoint, ...secrets });
        const gcs = new GcsEmulator({ md5: false });
        await assertWholeOrRefused(gcs, send(gcs, client.file("object")), bytes, way);
        const stream = client.file("object").stream();
        const other = new GcsEmulator({ md5: false });
        await settled(store(other, stream), "upload() of its stream");
        assertStored(other, bytes);
      } finally {
        close();
      }
    },
  })),
  {
    name: "Bun.stdin is stored whole, or refused in a sentence that says what to pass",
    runtimes: ["bun"],
    async run({ origin }) {
      const script = `
        const { stdinTo } = await import(process.argv[1]);
        console.log(JSON.stringify(await stdinTo(process.argv[2])));`;
      const text = "through the standard input\n".repeat(40_000);
      const [bundle] = process.argv.slice(3);
      const child = spawn(process.execPath, ["-e", script, bundle, origin], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      child.stdin.on("error", () => {}); // when the source is refused, nobody reads it
      child.stdin.end(text);
      let output = "";
      for await (const piece of child.stdout) output += piece;
      const { size, name, message } = JSON.parse(output);
      if (size !== undefined) return assertEquals(size, String(text.length), "what was stored");
      assertEquals(name, "TypeError", message);
      assert(/stream/.test(message), `no word on what to pass: ${message}`);
    },
  },
  {
    name: "a Bun.file() that becomes shorter while it is uploaded is an error, at once",
    runtimes: ["bun"],
    async run() {
      const path = file();
      const gcs = new GcsEmulator({ md5: false });
      const clock = testClock();
      const error = await failureOf(() =>
        store(gcs, bun().file(path), {
          retry: { clock },
          onCheckpoint({ persisted }) {
            if (persisted === CHUNK) execFileSync("truncate", ["-s", "10", path]);
          },
        }), "upload()");
      const isMismatch = error instanceof UploadError && error.code === "source_size_mismatch";
      const isOwn = error instanceof Error && !(error instanceof UploadError);
      assert(isMismatch || isOwn, `answered with ${error}`);
      assertEquals([gcs.objects.length, clock.delays.length], [0, 0], "objects, waits");
    },
  },
];

/** Uploads the standard input of this process; run in a process that has one. */
export async function stdinTo(
  origin: string,
): Promise<{ size?: string; name?: string; message?: string }> {
  try {
    const { size } = await store(new GcsEmulator({ md5: false }), bun().stdin, {
      endpoint: origin,
      name: "stdin",
      transport: (input, init) => fetch(input, init),
    });
    return { size };
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}
