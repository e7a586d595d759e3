/** The error of an upload that failed and could not tidy up after itself. */

import { UploadError } from "../errors.ts";
import type { ParallelCheckpoint } from "./parallel_checkpoint.ts";

/**
 * An upload failed, and what was stored of it could not be removed. `cause` says why it failed; `checkpoint` says what is left,
 * for {@linkcode cancelParallelUpload} to remove or for {@linkcode uploadParallel} to go on with.
 */
export class PartsLeftBehind extends UploadError {
  /** The name of the class, for logs. */
  override readonly name: string = "PartsLeftBehind";
  readonly #checkpoint: ParallelCheckpoint;

  /**
   * Makes an error.
   *
   * @param checkpoint what is left
   * @param message why it could not be removed
   * @param cause why the upload failed
   */
  constructor(checkpoint: ParallelCheckpoint, message: string, cause: unknown) {
    super("parts_left_behind", message, { cause });
    this.#checkpoint = checkpoint;
  }

  /** What is left. It is not shown where an error is printed. */
  get checkpoint(): ParallelCheckpoint {
    return this.#checkpoint;
  }
}
