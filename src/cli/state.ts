/** What a run leaves for the next one: checkpoints of files, and what runs over many files have done. For the owner only. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileCheckpoints } from "../file/file_checkpoints.ts";
import {
  checkParallelCheckpoint,
  type ParallelCheckpoint,
} from "../parallel/parallel_checkpoint.ts";
import { checkCheckpoint, type Checkpoint } from "../upload/checkpoint.ts";
import type { CheckpointStore } from "../upload/kept_checkpoints.ts";
import { SESSION_LIFETIME } from "../upload/session_lifetime.ts";
import { lock } from "./lock.ts";

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
      await this.#sweepRuns();
      const head = `${keyOf(transfer)}\n`;
      const isResumed = await isRecord(path, head);
      if (!isResumed) await writeFile(path, head, { mode: 0o600 });
      const handle = await open(path, "a", 0o600);
      return new RunRecord(path, handle, isResumed, unlock);
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

  /** Drops the records of runs that count for nothing any more. */
  async #sweepRuns(): Promise<void> {
    for (const name of await readdir(this.#runs)) {
      const path = join(this.#runs, name);
      const found = await stat(path).catch(() => undefined);
      const isOld = found && found.mtimeMs < Date.now() - SESSION_LIFETIME;
      if (isOld) await rm(path, { force: true }).catch(() => {});
    }
  }

  async #read(path: string, id: string): Promise<Resumable> {
    const [text, { mtimeMs }] = [await readFile(path, "utf8"), await stat(path)];
    const updated = Math.floor(mtimeMs);
    if (path.endsWith(".json")) {
      const { transfer, ...checkpoint } = JSON.parse(text);
      const one = { id, updated, path, checkpoint: checked(checkpoint), done: undefined };
      return { ...one, ...transferOf(transfer) };
    }
    const [key, ...lines] = text.split("\n");
    const done = lines.filter((line) => line.includes('"status":"uploaded"')).length;
    return { id, updated, path, checkpoint: undefined, done, ...transferOf(key) };
  }
}

/** Whether there is a record that begins so: its first line is torn where a program was killed when it wrote that. */
async function isRecord(path: string, head: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  const expected = new TextEncoder().encode(head);
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(expected.length), 0);
    return bytesRead === expected.length && buffer.every((byte, i) => byte === expected[i]);
  } finally {
    await handle.close();
  }
}

/** A checkpoint of either kind, if it is one. */
function checked(value: object): AnyCheckpoint {
  return "parts" in value ? checkParallelCheckpoint(value) : checkCheckpoint(value);
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
