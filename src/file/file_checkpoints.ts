/** Checkpoints in files, for programs that run again: Node, Deno, Bun. */

import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoint } from "../upload/checkpoint.ts";
import type { CheckpointStore } from "../upload/kept_checkpoints.ts";
import { SESSION_LIFETIME } from "../upload/session_lifetime.ts";
import { codeOf, pathOf } from "./path.ts";

/** The names of files that are ours: whole ones, and those that were being written when a program ended. */
const OURS = /^[0-9a-f]{64}\.json(\.[0-9a-f-]{36}\.tmp)?$/;

/**
 * Keeps each checkpoint in a file of its own. The folder is made where it is missing, for its owner only (mode 0700, files
 * 0600, where the system has such modes). A file is written beside and then put in place, so that it is whole whenever
 * a program ends. Its name is the SHA-256 of the key and says nothing of it. Files older than a week are dropped.
 *
 * Give each program, or each user of it, a folder of its own: a good one is below `$XDG_STATE_HOME`.
 *
 * @param folder a path, or a `file:` URL
 * @throws {TypeError} `folder` is neither
 */
export function fileCheckpoints(folder: string | URL): CheckpointStore {
  const home = pathOf(folder, "folder");
  let swept: Promise<void> | undefined;
  return {
    async get(key) {
      const path = join(home, await nameOf(key));
      const found = await unlessMissing(stat(path));
      if (!found || isOld(found)) return undefined;
      return read(await unlessMissing(readFile(path, "utf8")));
    },
    async set(key, checkpoint) {
      await mkdir(home, { recursive: true, mode: 0o700 });
      await (swept ??= sweep(home));
      await replace(join(home, await nameOf(key)), JSON.stringify(checkpoint));
    },
    async delete(key) {
      await rm(join(home, await nameOf(key)), { force: true });
    },
  };
}

async function nameOf(key: string): Promise<string> {
  // As JSON, which keeps apart what is no text: as UTF-8 all lone surrogates would be the same.
  const bytesOfKey = new TextEncoder().encode(JSON.stringify(key));
  const digest = await crypto.subtle.digest("SHA-256", bytesOfKey);
  const bytes = [...new Uint8Array(digest)];
  return `${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}.json`;
}

/** What is no JSON is handed on as it is: no checkpoint, and replaced. */
function read(text: string | undefined): Checkpoint | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text as unknown as Checkpoint;
  }
}

/** Writes a file that is there as a whole or not at all, and only for its owner. */
async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Drops what is of no use any more; what cannot be dropped stays. */
async function sweep(home: string): Promise<void> {
  try {
    for (const name of await readdir(home)) {
      if (!OURS.test(name)) continue;
      const path = join(home, name);
      const found = await unlessMissing(stat(path));
      if (found && isOld(found)) await rm(path, { force: true });
    }
  } catch { /* it is only tidiness */ }
}

function isOld({ mtimeMs }: { readonly mtimeMs: number }): boolean {
  return mtimeMs < Date.now() - SESSION_LIFETIME;
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
