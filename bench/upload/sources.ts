/** Data as a source: in each runtime the way that its users have. */

import { openAsBlob } from "node:fs";
import { open, readFile } from "node:fs/promises";
import type { ByteSource, UploadSource } from "../../mod.ts";
import { fileSource } from "../../src/file/file_source.ts";
import type { Job } from "./job.ts";

/** What there is of Bun here. */
declare const Bun: { file(path: string): Blob };

const { Deno: deno } = globalThis as { Deno?: typeof Deno };
const isBun = "Bun" in globalThis;

/** The source of a job. */
export async function openSource({ source, path, size }: Job): Promise<UploadSource> {
  switch (source) {
    case "bytes":
      return await readFile(path) as Uint8Array<ArrayBuffer>;
    case "file":
      return await fileSource(path);
    case "blob":
      return isBun ? Bun.file(path) : await openAsBlob(path);
    case "stream":
      return await fileStream(path);
    case "computed":
      return computedSource(size!);
  }
}

/** A file from its start to its end, of a size that the stream does not tell. */
async function fileStream(path: string): Promise<ReadableStream<Uint8Array>> {
  if (isBun) return Bun.file(path).stream();
  if (deno) return (await deno.open(path)).readable;
  const file = await open(path);
  const options: object = { type: "bytes" }; // the types are those of a later Node, where it is always so
  return file.readableWebStream(options) as ReadableStream<Uint8Array>;
}

/** Bytes that follow from where they are: the place of each 4 KiB, and a pattern. */
function computedSource(size: number): ByteSource {
  const BLOCK = 4096;
  const pattern = new Uint8Array(1_048_576).map((_, i) => i % 251);
  return {
    size,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const from = (offset + at) % pattern.length;
        const part = pattern.subarray(from, from + length - at);
        bytes.set(part, at);
        at += part.length;
      }
      const view = new DataView(bytes.buffer);
      const first = Math.ceil(offset / BLOCK) * BLOCK;
      for (let at = first; at + 8 <= offset + length; at += BLOCK) view.setFloat64(at - offset, at);
      return Promise.resolve(bytes);
    },
  };
}
