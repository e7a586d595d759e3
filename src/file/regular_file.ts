/** A regular file: read at any place, opened when that begins, and found out when it is changed meanwhile. */

import type { BigIntStats } from "node:fs";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { ByteSource } from "../bytes/source.ts";
import { UploadError } from "../errors.ts";

/** A regular file as a source: it can be read at any place, as often as needed. */
export interface RegularFileSource extends ByteSource {
  /** A file that can be read at any place. */
  readonly kind: "file";
  /** Where it is. */
  readonly path: string;
  /** The media type, where the name or the caller says one. */
  readonly type: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** When it was changed last, in milliseconds since 1970. */
  readonly lastModified: number;
  /** Its inode. */
  readonly identity: string;
  /** Reads at a place. The first reading opens the file; rejects with `source_changed` when it is not what it was. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Closes the file, once nobody reads it any more; `upload()` does that. A later `read` opens it again. */
  close(): Promise<void>;
}

/** `O_NONBLOCK` is absent on Windows. */
const { O_RDONLY, O_NONBLOCK = 0 } = constants;

/** Opens a file to read it; never waits for a writer, should a pipe be there by now. */
export function openFile(path: string): Promise<FileHandle> {
  return open(path, O_RDONLY | O_NONBLOCK);
}

/** An open file, and who reads it. */
interface Opened {
  readonly handle: Promise<FileHandle>;
  reading: number;
  /** Whether it is to be closed when nobody reads it any more. */
  isOver: boolean;
}

/** Closes what is open when nobody has the source any more. */
const abandoned = new FinalizationRegistry<Opened>((opened) => void close(opened));

async function close({ handle }: Opened): Promise<void> {
  await (await handle.catch(() => undefined))?.close();
}

/** A regular file, which is open from the first `read` to `close`. */
export class RegularFile implements RegularFileSource {
  readonly kind = "file";
  readonly path: string;
  readonly type: string | undefined;
  readonly size: number;
  readonly lastModified: number;
  readonly identity: string;
  readonly #stats: BigIntStats;
  #opened: Opened | undefined;

  constructor(path: string, type: string | undefined, stats: BigIntStats) {
    this.path = path;
    this.type = type;
    this.size = Number(stats.size);
    this.lastModified = Number(stats.mtimeMs);
    this.identity = String(stats.ino);
    this.#stats = stats;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const opened = this.#opened ??= this.#open();
    opened.reading++;
    try {
      const handle = await opened.handle;
      const bytes = new Uint8Array(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      // After the reading, so that what was read is what was there before it.
      this.#compare(await handle.stat({ bigint: true }));
      return bytes.subarray(0, bytesRead);
    } finally {
      opened.reading--;
      if (opened.isOver && opened.reading === 0) await close(opened);
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    this.#opened = undefined;
    abandoned.unregister(opened);
    opened.isOver = true;
    if (opened.reading === 0) await close(opened);
  }

  #open(): Opened {
    const opened: Opened = { handle: this.#openSame(), reading: 0, isOver: false };
    abandoned.register(this, opened, opened);
    opened.handle.catch(() => { // whoever reads next tries again
      if (this.#opened === opened) this.#opened = undefined;
      abandoned.unregister(opened);
    });
    return opened;
  }

  async #openSame(): Promise<FileHandle> {
    const handle = await openFile(this.path);
    try {
      this.#compare(await handle.stat({ bigint: true }));
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The file that is open must be the one that was asked for, as it was then. */
  #compare(now: BigIntStats): void {
    const before = this.#stats;
    const problem = now.dev !== before.dev || now.ino !== before.ino
      ? "the file that was asked for, got another one"
      : now.size !== before.size
      ? `${before.size} bytes, got ${now.size}`
      : now.mtimeNs !== before.mtimeNs
      ? "a file that nobody writes to, got one that was written to"
      : undefined;
    if (problem === undefined) return;
    const message = `Cannot read ${JSON.stringify(this.path)}: expected ${problem}`;
    throw new UploadError("source_changed", message);
  }
}
