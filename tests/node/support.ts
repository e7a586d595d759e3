// What the cases share: files, Node streams that can be looked at, descriptors.

import { Buffer } from "node:buffer";
import { mkdtempSync, readdirSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { UploadSource } from "../../mod.ts";
import type { GcsEmulator } from "../../src/emulator/mod.ts";
import { CHUNK, pattern } from "../portable/cases/upload_support.ts";

/** Ten parts and a bit, and more than a file stream reads ahead. */
export const bytes: Uint8Array<ArrayBuffer> = pattern(3_000_000);

/** A new folder. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), "node-suite-"));
}

/** A new file with these bytes. */
export function file(content: Uint8Array = bytes): string {
  const path = join(folder(), "file.bin");
  writeFileSync(path, content);
  return path;
}

/** A Node stream as a source: it is an AsyncIterable of Buffers, which are Uint8Arrays. */
export function asSource(readable: unknown): UploadSource {
  return readable as AsyncIterable<Uint8Array>;
}

/** A Readable that pushes its pieces without being asked for them, as a socket does. */
export function emitting(content: Uint8Array = bytes, size = 300_000): Readable {
  const readable = new Readable({ read() {}, highWaterMark: 64 * 1024 });
  let at = 0;
  const push = () => {
    if (readable.destroyed) return;
    if (at >= content.length) return void readable.push(null);
    readable.push(Buffer.from(content.slice(at, at + size)));
    at += size;
    setTimeout(push, 2);
  };
  setTimeout(push, 0);
  return readable;
}

/** A Readable that gives this much, and then neither more nor an end. */
export function waiting(content: Uint8Array): Readable {
  let sent = false;
  return new Readable({
    read() {
      if (!sent) this.push(Buffer.from(content));
      sent = true;
    },
  });
}

/** Waits for so long, in milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The number of descriptors of regular files that this process has open. */
export function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** How often this process has a file open. */
export function openings(path: string): number {
  const real = realpathSync(path);
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === real;
    } catch { // closed meanwhile: that of this very listing is
      return false;
    }
  }).length;
}

/** A transport whose start takes a while, as a session at a distance does. */
export function distant(gcs: GcsEmulator): GcsEmulator["fetch"] {
  return async (input, init) => {
    if (init?.method === "POST") await pause(60);
    return await gcs.fetch(input, init);
  };
}

export { CHUNK };
