/** What is not a regular file and can be read: pipes, terminals, devices. Read once, in order. */

import { closeSync, openSync } from "node:fs";
import { constants, type FileHandle, open } from "node:fs/promises";
import runtime from "node:process";
import { systemClock } from "../net/clock.ts";
import { codeOf } from "./path.ts";

/** A pipe or a device as a source: it is read once, from its start to its end. */
export interface PipedFileSource extends AsyncIterable<Uint8Array> {
  /** Something that is read once. */
  readonly kind: "stream";
  /** Where it is. */
  readonly path: string;
  /** The media type, where the name or the caller says one. */
  readonly type: string | undefined;
  /** Not known. */
  readonly size: undefined;
  /** Not known. */
  readonly lastModified: undefined;
  /** Stops reading and closes it; `upload()` does that. */
  close(): Promise<void>;
}

/** What a pipe of Linux holds, and so the most that one reading finds, in bytes. */
const PIECE = 64 * 1024;

/** How long nothing may come before it is looked for again, in milliseconds: at first, and at most. */
const WAITS = { first: 1, longest: 20 };

/** Absent on Windows. */
const { O_RDONLY, O_WRONLY, O_NONBLOCK = 0 } = constants;

/** Closes what is open when nobody has the source any more. */
const abandoned = new FinalizationRegistry<Reading>((reading) => void reading.close());

/** A pipe or a device, which is open from the first piece to the last. */
export class PipedFile implements PipedFileSource {
  readonly kind = "stream";
  readonly path: string;
  readonly type: string | undefined;
  readonly size = undefined;
  readonly lastModified = undefined;
  readonly #reading: Reading;
  #isTaken = false;

  constructor(path: string, type: string | undefined, waitsForWriter: boolean) {
    this.path = path;
    this.type = type;
    this.#reading = new Reading(path, waitsForWriter);
    abandoned.register(this, this.#reading);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#isTaken) {
      throw new TypeError(
        `Cannot read ${
          JSON.stringify(this.path)
        } again: expected a file, got something that is read once`,
      );
    }
    this.#isTaken = true;
    return {
      next: () => this.#reading.next(),
      return: async () => {
        await this.#reading.close();
        return { done: true, value: undefined };
      },
    };
  }

  async close(): Promise<void> {
    await this.#reading.close();
  }
}

/** Reads without waiting in the system, so that it can be stopped at any time. One piece at a time. */
class Reading {
  readonly #path: string;
  readonly #waitsForWriter: boolean;
  readonly #stopped = new AbortController();
  #handle: Promise<FileHandle> | undefined;

  constructor(path: string, waitsForWriter: boolean) {
    this.#path = path;
    this.#waitsForWriter = waitsForWriter;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { signal } = this.#stopped;
    try {
      signal.throwIfAborted();
      const handle = await (this.#handle ??= this.#open());
      const piece = await pieceOf(handle, signal);
      if (piece.length > 0) return { done: false, value: piece };
    } catch (error) {
      await this.close();
      throw error;
    }
    await this.close();
    return { done: true, value: undefined };
  }

  async close(): Promise<void> {
    if (!this.#stopped.signal.aborted) {
      this.#stopped.abort(
        new TypeError(`Cannot read ${JSON.stringify(this.#path)}: it was let go`),
      );
    }
    const handle = this.#handle;
    this.#handle = Promise.reject(this.#stopped.signal.reason);
    this.#handle.catch(() => {});
    await (await handle?.catch(() => undefined))?.close();
  }

  /**
   * Opens it so that reading never waits. A pipe without anybody who writes looks like one that has ended, so somebody is waited
   * for first, as every program does.
   */
  async #open(): Promise<FileHandle> {
    if (!this.#waitsForWriter) return await open(this.#path, O_RDONLY | O_NONBLOCK);
    const { signal } = this.#stopped;
    const waiting = open(this.#path, O_RDONLY);
    const stop = () => void unblock(this.#path, waiting);
    signal.addEventListener("abort", stop, { once: true });
    const first = await waiting;
    try {
      signal.removeEventListener("abort", stop);
      signal.throwIfAborted();
      return await open(this.#path, O_RDONLY | O_NONBLOCK);
    } finally {
      await first.close();
    }
  }
}

/** The next piece; an empty one at the end. */
async function pieceOf(handle: FileHandle, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = new Uint8Array(PIECE);
  for (let wait = WAITS.first;; wait = Math.min(2 * wait, WAITS.longest)) {
    try {
      const { bytesRead } = await handle.read(bytes, 0, PIECE, null);
      return bytes.subarray(0, bytesRead);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") throw error;
    }
    await systemClock.sleep(wait, signal);
  }
}

/**
 * Ends the waiting for somebody who writes, by being that for a moment. At once, not in a thread: those that a runtime has for
 * files may all be waiting for somebody who writes, and Node has four.
 */
async function unblock(path: string, waiting: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = () => isOver = true;
  waiting.then(over, over);
  while (!isOver) {
    try {
      closeSync(openSync(path, O_WRONLY | O_NONBLOCK));
    } catch (error) {
      if (codeOf(error) !== "ENXIO") return; // nobody reads yet
    }
    await systemClock.sleep(WAITS.longest);
  }
}

/** Standard input where it is a socket, as a parent in Node makes it: that has no path to be opened by. */
export function standardInput(type: string | undefined, path: string): PipedFileSource {
  const { stdin } = runtime;
  return {
    kind: "stream",
    path,
    type,
    size: undefined,
    lastModified: undefined,
    [Symbol.asyncIterator]: () => stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
    close: () => {
      stdin.destroy();
      return Promise.resolve();
    },
  };
}
