/**
 * A file as a source of bytes, in Deno: read where it is asked, never whole.
 *
 * In Node 20 and later `await fs.openAsBlob(path)`, and in Bun `Bun.file(path)`, is the same as a Blob.
 *
 * @module
 */

import type { ByteSource } from "@resumable-media/upload";

/** A file whose size is known. */
export interface FileSource extends ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Closes the file; `upload()` does that. */
  close(): void;
}

/** Opens a file for reading. */
export async function fileSource(path: string): Promise<FileSource> {
  const file = await Deno.open(path);
  const { size, isFile } = await file.stat();
  if (!isFile) {
    file.close();
    throw new TypeError(`${path} is not a file`);
  }
  return {
    size,
    async read(offset, length) {
      await file.seek(offset, Deno.SeekMode.Start);
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = await file.read(bytes.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    },
    close: () => file.close(),
  };
}
