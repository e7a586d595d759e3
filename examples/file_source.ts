/**
 * A file as a source of bytes, in Node, Deno and Bun: read where it is asked, never whole.
 *
 * @module
 */

import { open } from "node:fs/promises";
import type { ByteSource } from "@resumable-media/upload";

/** A file whose size is known. */
export interface FileSource extends ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Closes the file; `upload()` does that. */
  close(): Promise<void>;
}

/** Opens a file for reading. */
export async function fileSource(path: string): Promise<FileSource> {
  const file = await open(path);
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new TypeError(`${path} is not a file`);
  }
  return {
    size: stat.size,
    async read(offset, length) {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}
