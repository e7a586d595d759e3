/** An open folder, which is closed whatever happens, in each runtime. */

import type { Dir, Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import runtime from "node:process";

/** Opens a folder. Rejects with the system's own error, which names the path. */
export async function openFolder(path: string): Promise<Dir> {
  try {
    return await opendir(path);
  } catch (error) {
    // Deno does not say which.
    if (error instanceof Error && !error.message.includes(path)) error.message += ` '${path}'`;
    throw error;
  }
}

/** What is in a folder, as the system has it; closes the folder at its end, or when nobody wants the rest. */
export async function* contentsOf(dir: Dir): AsyncGenerator<Dirent, undefined> {
  let isOver = false;
  try {
    for (;;) {
      const entry = await dir.read();
      if (entry === null) break;
      yield entry;
    }
    isOver = true;
  } finally {
    await closeFolder(dir, isOver);
  }
}

/** Closes a folder. That of Deno is open until its end was read, whether it is closed or not. */
export async function closeFolder(dir: Dir, isOver = false): Promise<void> {
  try {
    if (!isOver && runtime.versions.deno !== undefined) { while (await dir.read() !== null); }
  } finally {
    await dir.close();
  }
}
