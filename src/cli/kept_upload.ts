/** The checkpoint of one file, which outlives the upload until it is recorded that the file is done. */

import type { Checkpoint } from "../upload/checkpoint.ts";
import type { CheckpointStore, ResumeEvent } from "../upload/kept_checkpoints.ts";
import type { UploadSettings } from "../upload/settings.ts";
import type { RunState } from "./run_state.ts";

/** What `upload()` is told of it. */
export type KeptOptions = Pick<
  UploadSettings,
  "checkpoints" | "key" | "onCheckpointError" | "onResume"
>;

/** A session that has ended tells so for a week: a program that is killed before it has recorded that asks it, and sends nothing. */
export class KeptUpload {
  readonly options: KeptOptions;
  readonly #key: string;
  readonly #state: RunState;
  #hasEnded = false;

  constructor(key: string, state: RunState, onResume: (event: ResumeEvent) => void) {
    this.#key = key;
    this.#state = state;
    const { checkpoints } = state;
    const store: CheckpointStore = {
      get: (key) => checkpoints.get(key) as ReturnType<CheckpointStore["get"]>,
      set: (key, checkpoint: Checkpoint) => checkpoints.set(key, checkpoint),
      delete: () => void (this.#hasEnded = true),
    };
    this.options = {
      checkpoints: store,
      key,
      onCheckpointError: (error) => state.cannotKeep(error),
      onResume,
    };
  }

  /** Forgets it where the upload has ended, well or for good. */
  async forgetEnded(): Promise<void> {
    if (this.#hasEnded) await this.forget();
  }

  /** Forgets it. */
  async forget(): Promise<void> {
    try {
      await this.#state.checkpoints.delete(this.#key);
    } catch (error) {
      this.#state.cannotKeep(error);
    }
  }
}
