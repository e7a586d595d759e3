// What is at a path and is no regular file: pipes, devices, standard input.

import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, openSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { type FileSource, fileSource } from "../../../src/file/mod.ts";
import { assert, assertEquals } from "../../portable/assert.ts";
import { failureOf, settled, store } from "../../portable/cases/sources_support.ts";
import { assertStored, pattern } from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { bytes, file, folder, openings, pause } from "../support.ts";
import { until } from "../../support/until.ts";

/** A new pipe with a name. */
function fifo(name = "fifo.txt"): string {
  const path = join(folder(), name);
  execFileSync("mkfifo", [path]);
  return path;
}

/** Lets a shell write into a pipe; `$0` is the pipe. */
function write(path: string, script: string): void {
  spawn("sh", ["-c", script, path], { stdio: "ignore" }).unref();
}

async function assertClosed(path: string): Promise<void> {
  await until(() => openings(path) === 0, () => `${openings(path)} are open`);
}

const encoded = (text: string) => new TextEncoder().encode(text);

/** A program that uploads its standard input, and what is at its other arguments. */
const PROGRAM = `
  import process from "node:process";
  const { filesTo } = await import(process.argv[2]);
  console.log("stored", JSON.stringify(await filesTo(process.argv.slice(3))));
  process.exit(0);`;

/** The sizes and media types of what is stored of paths; the other half of the program above. */
export async function filesTo(paths: readonly string[]): Promise<unknown[]> {
  const stored: unknown[] = [];
  for (const path of paths) {
    const gcs = new GcsEmulator({ md5: false });
    const source: FileSource = await fileSource(path);
    const { size, crc32c, contentType } = await store(gcs, source);
    stored.push([size, crc32c, contentType]);
  }
  return stored;
}

/** Runs the program in this runtime, by a shell, which has its command as "$@". */
async function shell(script: string): Promise<unknown> {
  const { deno, bun } = process.versions;
  const flags = deno ? ["run", "--allow-all", "--no-config"] : bun ? ["--no-install", "run"] : [];
  const program = join(folder(), "program.mjs");
  writeFileSync(program, PROGRAM);
  const args = ["-c", script, "bash", process.execPath, ...flags, program, process.argv[3]];
  const child = spawn("bash", args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (piece) => output += piece);
  child.stderr.on("data", (piece) => output += piece);
  await new Promise((resolve) => child.on("close", resolve));
  const found = /^stored (.*)$/m.exec(output);
  assert(found, output);
  return JSON.parse(found[1]);
}

/** What a source of these bytes leaves behind. */
async function sum(bytes: Uint8Array): Promise<[string, string]> {
  const { size, crc32c } = await store(new GcsEmulator({ md5: false }), bytes);
  return [size, crc32c!];
}

/** Pipes as sources. */
export const filePipes: NodeCase[] = [
  {
    name: "a pipe with a name is stored whole, with the media type of its name, and closed",
    async run() {
      const path = fifo();
      const text = "through a pipe\n".repeat(50_000);
      write(path, 'yes "through a pipe" | head -n 50000 > "$0"');
      const gcs = new GcsEmulator({ md5: false });
      const source = await fileSource(path);
      assertEquals([source.kind, source.size], ["stream", undefined]);
      const { contentType } = await settled(store(gcs, source), "upload()");
      assertStored(gcs, encoded(text));
      assertEquals(contentType, "text/plain");
      await assertClosed(path);
    },
  },
  {
    name: "a pipe waits for somebody who writes, and for what comes in pieces",
    async run() {
      const path = fifo();
      const gcs = new GcsEmulator({ md5: false });
      const stored = store(gcs, await fileSource(path));
      write(path, 'sleep 0.1; exec > "$0"; sleep 0.1; printf one; sleep 0.1; printf two');
      await settled(stored, "upload()");
      assertStored(gcs, encoded("onetwo"));
    },
  },
  {
    name: "a pipe into which nothing is written is an empty object",
    async run() {
      const path = fifo();
      write(path, ': > "$0"');
      const gcs = new GcsEmulator({ md5: false });
      await settled(store(gcs, await fileSource(path)), "upload()");
      assertStored(gcs, new Uint8Array(0));
    },
  },
  {
    name:
      "a pipe to which nobody comes is let go when the upload is aborted, and nothing keeps waiting",
    async run() {
      const path = fifo();
      const stop = new AbortController();
      const stored = store(new GcsEmulator({ md5: false }), await fileSource(path), {
        signal: stop.signal,
      });
      await pause(30);
      stop.abort(new Error("enough"));
      const error = await failureOf(() => stored);
      assertEquals(String(error), "Error: enough");
      await assertClosed(path);
      // Nobody waits for somebody who writes: then this would find a reader.
      await pause(1_000);
      const refused = await failureOf(() =>
        openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      );
      assertEquals((refused as { code?: string } | undefined)?.code, "ENXIO");
    },
  },
  {
    name:
      "more pipes than a runtime has threads for files are let go when their uploads are aborted",
    async run() {
      const stop = new AbortController();
      const paths = Array.from({ length: 40 }, () => fifo());
      const sources = await Promise.all(paths.map((path) => fileSource(path)));
      const stored = sources.map((source) =>
        failureOf(() => store(new GcsEmulator({ md5: false }), source, { signal: stop.signal }))
      );
      await pause(200);
      stop.abort(new Error("enough"));
      assertEquals(new Set((await Promise.all(stored)).map(String)), new Set(["Error: enough"]));
      for (const path of paths) await assertClosed(path);
      const gcs = new GcsEmulator({ md5: false });
      await settled(store(gcs, await fileSource(file())), "upload() of a file, afterwards,");
      assertStored(gcs, bytes);
    },
  },
  {
    name: "a pipe whose writer is silent is let go when the upload is aborted",
    async run() {
      const path = fifo();
      const both = openSync(path, constants.O_RDWR); // writes, and says nothing more
      writeSync(both, "some");
      const stop = new AbortController();
      const stored = store(new GcsEmulator({ md5: false }), await fileSource(path), {
        signal: stop.signal,
      });
      await pause(50);
      stop.abort(new Error("enough"));
      assertEquals(String(await failureOf(() => stored)), "Error: enough");
      await until(() => openings(path) === 1, () => `${openings(path)} are open`);
      closeSync(both);
    },
  },
  {
    name: "a pipe that is not read is not opened, and close() before the first reading is for good",
    async run() {
      const path = fifo();
      const source = await fileSource(path);
      assertEquals(openings(path), 0);
      await source.close!();
      const error = await failureOf(() => store(new GcsEmulator({ md5: false }), source));
      assert(error instanceof TypeError, `${error}`);
      assertEquals(openings(path), 0);
    },
  },
  {
    name: "a pipe can be taken once: the second time is a TypeError",
    async run() {
      const path = fifo();
      write(path, 'printf hello > "$0"');
      const source = await fileSource(path);
      await settled(store(new GcsEmulator({ md5: false }), source), "upload()");
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(() => store(gcs, source));
      assert(error instanceof TypeError && error.message.includes(path), `${error}`);
      assertEquals(gcs.requests.length, 0);
    },
  },
  {
    name: "a device is read to its end",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const source = await fileSource("/dev/null");
      assertEquals(source.kind, "stream");
      await settled(store(gcs, source), "upload()");
      assertStored(gcs, new Uint8Array(0));
    },
  },
  {
    name: "a device without an end is read no further than the upload wants",
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const error = await failureOf(async () =>
        await store(gcs, await fileSource("/dev/zero"), { totalBytes: 1_000_000 })
      );
      assertEquals(
        (error as { code?: string } | undefined)?.code,
        "source_size_mismatch",
        `${error}`,
      );
      await until(() => openings("/dev/zero") === 0, () => "it is still open");
    },
  },
  {
    name: "a socket is a TypeError that says so",
    async run() {
      const path = join(folder(), "socket");
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const error = await failureOf(() => fileSource(path));
      server.close();
      assert(error instanceof TypeError && error.message.includes("a socket"), `${error}`);
    },
  },
  {
    name: "/dev/stdin is a source, a pipe as well as a file; and so is a process substitution",
    async run() {
      const text = encoded("line\n".repeat(40_000));
      const [size, crc32c] = await sum(text);
      const type = "application/octet-stream";
      const yes = "yes line | head -n 40000";
      assertEquals(await shell(`${yes} | "$@" /dev/stdin`), [[size, crc32c, type]]);
      const path = join(folder(), "lines.txt");
      assertEquals(
        await shell(`${yes} > ${path}; "$@" /dev/stdin ${path} <(${yes}) < ${path}`),
        [[size, crc32c, type], [size, crc32c, "text/plain"], [size, crc32c, type]],
      );
    },
  },
  {
    name: "/dev/stdin is a source where a parent has made it a socket",
    async run() {
      const bytes = pattern(700_000);
      const [size, crc32c] = await sum(bytes);
      // Node makes sockets of the pipes to its children.
      const program = `
        const { spawn } = require("node:child_process");
        const [program, ...args] = process.argv.slice(2);
        const child = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"] });
        process.stdin.pipe(child.stdin);`;
      const path = join(folder(), "parent.cjs");
      writeFileSync(path, program);
      writeFileSync(`${path}.bytes`, bytes);
      assertEquals(
        await shell(`node ${path} "$@" /dev/stdin < ${path}.bytes`),
        [[size, crc32c, "application/octet-stream"]],
      );
    },
  },
];
