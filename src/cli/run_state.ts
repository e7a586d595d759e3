/** What a run keeps for the next one: where uploads stand, and which files are done. */

import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { codeOf } from "../file/path.ts";
import type { UploadManyManifest } from "../parallel/manifest.ts";
import type { CheckpointStore } from "../upload/kept_checkpoints.ts";
import type { CpRun } from "./cp_command.ts";
import { destinationText } from "./destination.ts";
import { STDIN } from "./sources.ts";
import { type AnyCheckpoint, type RunRecord, State } from "./state.ts";
import { UsageError } from "./usage_error.ts";

/** Which files are done, as a manifest, and what lets go of it. */
export interface RunManifest {
  readonly previous: UploadManyManifest["previous"];
  readonly write: (line: string) => Promise<void>;
  /** Forgets the record of a run that is complete; a file that the user has named stays. */
  close(isComplete: boolean): Promise<void>;
}

/** What goes wrong with keeping is told once, and ends nothing: without it a later run sends more. */
export class RunState {
  readonly checkpoints: CheckpointStore<AnyCheckpoint>;
  readonly #run: CpRun;
  readonly #state: State;
  #isBroken = false;

  constructor(run: CpRun) {
    this.#run = run;
    this.#state = new State(run.io.env);
    this.checkpoints = this.#state.checkpoints;
  }

  /** Whether the same call can go on: all could be kept, and the one source, if there is one only, can be read again. */
  async isResumable(): Promise<boolean> {
    const { options: { resume, sources }, io, isSeveral } = this.#run;
    if (!resume || this.#isBroken || sources.includes(STDIN)) return false;
    if (isSeveral || sources.length !== 1) return true;
    return await stat(resolve(io.cwd, sources[0])).then((found) => found.isFile(), () => true);
  }

  /** Tells that something could not be kept. */
  cannotKeep(error: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const source = this.#state.folder;
    const why = error instanceof Error ? error.message : String(error);
    this.#run.report.note({ source, destination: "" }, `cannot keep where uploads stand: ${why}`);
  }

  /**
   * What was done: in the file that the user names, else in the state, where there is more than one file. What is done at one
   * `endpoint`, an emulator say, is not done at another.
   */
  async manifest(endpoint: string | undefined): Promise<RunManifest | undefined> {
    const { options: { manifest, resume, target }, io, isSeveral, key } = this.#run;
    if (manifest !== undefined) return await manifestIn(resolve(io.cwd, manifest));
    if (!resume || !isSeveral || target.kind === "session") return undefined;
    const text = destinationText(target);
    const destination = endpoint === undefined ? text : `${text} at ${endpoint}`;
    try {
      return this.#recorded(await this.#state.openRun({ source: key, destination }));
    } catch (error) {
      if (error instanceof UsageError) throw error;
      this.cannotKeep(error);
      return undefined;
    }
  }

  #recorded(record: RunRecord): RunManifest {
    let isBroken = false;
    return {
      previous: record.previous(),
      write: async (line) => {
        if (isBroken) return;
        await record.write(line).catch((error) => {
          isBroken = true;
          this.cannotKeep(error);
        });
      },
      close: (isComplete) => record.close(isComplete).catch((error) => this.cannotKeep(error)),
    };
  }
}

async function manifestIn(path: string): Promise<RunManifest> {
  const isThere = await stat(path).then(({ size }) => size > 0, () => false);
  const handle = await open(path, "a", 0o600).catch((error) => {
    throw new UsageError(
      `--manifest: expected a file to append to, got ${codeOf(error) ?? "an error"}`,
    );
  });
  return {
    previous: isThere ? createReadStream(path, "utf8") as AsyncIterable<string> : undefined,
    write: (line) => handle.appendFile(line),
    close: () => handle.close(),
  };
}
