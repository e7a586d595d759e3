/** A file as a source: in each runtime the way that its users have. */

import { openAsBlob } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { ByteSource } from "../../mod.ts";

/** What there is of Bun here. */
declare const Bun: { file(path: string): Blob };

const { Deno: deno } = globalThis as { Deno?: typeof Deno };
const isBun = "Bun" in globalThis;

/** A file that can be read anywhere, as the README shows. */
export async function fileSource(path: string): Promise<ByteSource> {
  const file = await open(path);
  return {
    size: (await file.stat()).size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await file.read(bytes, 0, length, offset);
      return bytes.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

/** A file as a `Blob`; of Node and Bun. */
export async function fileBlob(path: string): Promise<Blob> {
  return isBun ? Bun.file(path) : await openAsBlob(path);
}

/** A file from its start to its end. */
export async function fileStream(path: string): Promise<ReadableStream<Uint8Array>> {
  if (isBun) return Bun.file(path).stream();
  if (deno) return (await deno.open(path)).readable;
  const file = await open(path);
  const options: object = { type: "bytes" }; // the types are those of a later Node, where it is always so
  return file.readableWebStream(options) as ReadableStream<Uint8Array>;
}

/** The first chunk of a file, over and over: as many bytes as the file has, and nothing to read. */
export async function memorySource(path: string, chunkSize: number): Promise<ByteSource> {
  const { size } = await stat(path);
  const file = await open(path);
  const chunk = new Uint8Array(chunkSize);
  await file.read(chunk, 0, chunkSize, 0);
  await file.close();
  return { size, read: (_offset, length) => Promise.resolve(chunk.subarray(0, length)) };
}

/** A source with a pace of its own, such as another network: each chunk takes so many milliseconds. */
export function pacedSource(size: number, chunkSize: number, milliseconds: number): ByteSource {
  const chunk = new Uint8Array(chunkSize);
  return {
    size,
    async read(_offset, length) {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return chunk.subarray(0, length);
    },
  };
}
