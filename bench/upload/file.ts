/** The file that is uploaded. */

import { checksumOf } from "../support/sink.ts";

/** A file that is removed in the end. */
export interface TestFile extends AsyncDisposable {
  readonly path: string;
  readonly size: number;
  /** Base64. */
  readonly crc32c: string;
}

const CHUNK = 8_388_608;

/** Makes a file of bytes that differ from place to place; in memory, where the system has a file system for that. */
export async function makeFile(size: number): Promise<TestFile> {
  const inMemory = await Deno.stat("/dev/shm").then(() => true, () => false);
  const dir = await Deno.makeTempDir({ prefix: "bench-", ...(inMemory && { dir: "/dev/shm" }) });
  const remove = () => Deno.remove(dir, { recursive: true });
  try {
    const path = `${dir}/file`;
    await write(path, size);
    return { path, size, crc32c: await checksumOf(path), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function write(path: string, size: number): Promise<void> {
  const chunk = new Uint8Array(CHUNK);
  for (let at = 0; at < CHUNK; at += 65_536) {
    crypto.getRandomValues(chunk.subarray(at, at + 65_536));
  }
  const view = new DataView(chunk.buffer);
  using file = await Deno.create(path);
  for (let at = 0; at < size; at += CHUNK) {
    for (let place = 0; place < CHUNK; place += 65_536) view.setFloat64(place, at + place);
    await writeAll(file, chunk.subarray(0, size - at));
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
