/** What a run leaves for the next one: checkpoints of files, and what runs over many files have done. For the owner only. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import runtime from "node:process";
import { fileCheckpoints } from "../file/file_checkpoints.ts";
import type { ParallelCheckpoint } from "../parallel/parallel_checkpoint.ts";
import type { Checkpoint } from "../upload/checkpoint.ts";
import type { CheckpointStore } from "../upload/kept_checkpoints.ts";
import { SESSION_LIFETIME } from "../upload/session_lifetime.ts";
import { UsageError } from "./usage_error.ts";

/** What a checkpoint is of: the file, and where it goes. */
export interface Transfer {
  readonly source: string;
  readonly destination: string;
}

/** The name of a transfer in the store. */
export function keyOf({ source, destination }: Transfer): string {
  return JSON.stringify([source, destination]);
}

/** A checkpoint of either kind: of a session, of an upload in parts. */
export type AnyCheckpoint = Checkpoint | ParallelCheckpoint;

/** A checkpoint that is kept, or a run over many files that has not ended. */
export interface Resumable extends Transfer {
  /** The beginning of the name of its file. */
  readonly id: string;
  /** When it was written last, in milliseconds since 1970. */
  readonly updated: number;
  /** The checkpoint; `undefined` for a run over many files. */
  readonly checkpoint: AnyCheckpoint | undefined;
  /** How many files the run has done. */
  readonly done: number | undefined;
  /** Its file. */
  readonly path: string;
}

/** The folder of the state: below `$XDG_STATE_HOME`, else `~/.local/state`. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home = env.XDG_STATE_HOME || join(env.HOME || homedir(), ".local", "state");
  return join(home, "resumable-media");
}

/** What is kept in a folder. */
export class State {
  readonly folder: string;
  readonly #checkpoints: string;
  readonly #runs: string;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.folder = stateFolder(env);
    this.#checkpoints = join(this.folder, "checkpoints");
    this.#runs = join(this.folder, "runs");
  }

  /** Checkpoints under {@linkcode keyOf} their transfers, each with its transfer, so that they can be listed. */
  get checkpoints(): CheckpointStore<AnyCheckpoint> {
    const files: CheckpointStore<AnyCheckpoint> = fileCheckpoints(this.#checkpoints);
    return {
      get: (key) => files.get(key),
      set: (key, checkpoint) => files.set(key, { ...checkpoint, ...{ transfer: key } }),
      delete: (key) => files.delete(key),
    };
  }

  /** Opens what a run over many files has done, and holds it until it is closed. */
  async openRun(transfer: Transfer): Promise<RunRecord> {
    await mkdir(this.#runs, { recursive: true, mode: 0o700 });
    const path = join(this.#runs, `${digestOf(keyOf(transfer))}.jsonl`);
    const unlock = await lock(`${path}.lock`);
    try {
      const found = await stat(path).catch(() => undefined);
      const isOld = found && found.mtimeMs < Date.now() - SESSION_LIFETIME;
      if (isOld) await rm(path);
      const handle = await open(path, "a", 0o600);
      if (!found || isOld) await handle.appendFile(`${keyOf(transfer)}\n`);
      return new RunRecord(path, handle, found !== undefined && !isOld, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** What can be resumed, the newest first. */
  async list(): Promise<Resumable[]> {
    const found: Resumable[] = [];
    for (const [folder, end] of [[this.#checkpoints, ".json"], [this.#runs, ".jsonl"]]) {
      const names = await readdir(folder).catch(() => []);
      for (const name of names.filter((name) => name.endsWith(end))) {
        const one = await this.#read(join(folder, name), name.slice(0, 8)).catch(() => undefined);
        if (one && one.updated >= Date.now() - SESSION_LIFETIME) found.push(one);
      }
    }
    return found.sort((a, b) => b.updated - a.updated);
  }

  /** Forgets it. */
  async forget({ path }: Resumable): Promise<void> {
    await rm(path, { force: true });
  }

  async #read(path: string, id: string): Promise<Resumable> {
    const [text, { mtimeMs: updated }] = [await readFile(path, "utf8"), await stat(path)];
    if (path.endsWith(".json")) {
      const { transfer, ...checkpoint } = JSON.parse(text);
      return { id, updated, path, checkpoint, done: undefined, ...transferOf(transfer) };
    }
    const [key, ...lines] = text.split("\n");
    const done = lines.filter((line) => line.includes('"status":"uploaded"')).length;
    return { id, updated, path, checkpoint: undefined, done, ...transferOf(key) };
  }
}

function transferOf(key: string): Transfer {
  const [source, destination] = JSON.parse(key);
  return { source, destination };
}

function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** What a run over many files has done: the manifest of uploadMany, behind a line that says what it is of. */
export class RunRecord {
  /** Whether an earlier run has left it. */
  readonly isResumed: boolean;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #unlock: () => Promise<void>;

  constructor(path: string, handle: FileHandle, isResumed: boolean, unlock: () => Promise<void>) {
    this.#path = path;
    this.#handle = handle;
    this.isResumed = isResumed;
    this.#unlock = unlock;
  }

  /** The lines of the manifest. */
  async *previous(): AsyncGenerator<string, undefined> {
    if (!this.isResumed) return;
    let isHead = true;
    for await (const piece of createReadStream(this.#path, "utf8") as AsyncIterable<string>) {
      const end = isHead ? piece.indexOf("\n") + 1 : 0;
      if (isHead && end === 0) continue;
      isHead = false;
      yield piece.slice(end);
    }
  }

  /** Adds a line. */
  async write(line: string): Promise<void> {
    await this.#handle.appendFile(line);
  }

  /** Lets go of it; it is forgotten where nothing is left to do. */
  async close(isComplete: boolean): Promise<void> {
    await this.#handle.close();
    if (isComplete) await rm(this.#path, { force: true });
    await this.#unlock();
  }
}

/** Takes a lock, whose file has the number of our process; that of a process which has ended counts for nothing. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (let attempts = 0; attempts < 3; attempts++) {
    const handle = await open(path, "wx", 0o600).catch((error) => {
      if (error.code !== "EEXIST") throw error;
      return undefined;
    });
    if (handle) {
      await handle.writeFile(String(runtime.pid));
      await handle.close();
      return () => rm(path, { force: true });
    }
    const owner = Number(await readFile(path, "utf8").catch(() => ""));
    if (owner > 0 && isAlive(owner)) {
      throw new UsageError(`the same command is running already, as process ${owner}`);
    }
    await rm(path, { force: true });
  }
  throw new UsageError(`cannot take the lock ${path}`);
}

function isAlive(pid: number): boolean {
  if (pid === runtime.pid) return false;
  try {
    runtime.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}
