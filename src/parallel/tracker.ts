/** What is stored and what is on its way: progress and checkpoints. */

import type { Progress } from "../upload/upload_progress.ts";
import type { ParallelCheckpoint, StoredPart } from "./parallel_checkpoint.ts";

/** Keeps count of the parts of one upload. */
export class Tracker {
  /** The size of the whole, once it is known. */
  total: number | undefined;
  readonly #stored = new Map<number, StoredPart>();
  readonly #taken = new Map<number, number>(); // bytes that the transport has taken, of parts on their way
  readonly #progress: Progress;
  #persisted = 0;

  constructor(progress: Progress, total: number | undefined) {
    this.#progress = progress;
    this.total = total;
  }

  /** The parts that are stored, in order. */
  get parts(): readonly StoredPart[] {
    return [...this.#stored.values()].sort((a, b) => a.number - b.number);
  }

  /** Nothing is sent yet; these parts are stored from before. */
  begin(parts: readonly StoredPart[]): void {
    for (const part of parts) this.#store(part);
    this.#progress.resume(this.#persisted);
    this.#progress.confirmed(this.#persisted, this.total);
  }

  /** More is known of a part that is stored. */
  replace(part: StoredPart): void {
    this.#store(part);
  }

  /** The transport has taken so many bytes of a part. */
  took(number: number, bytes: number): void {
    this.#taken.set(number, bytes);
    let sent = this.#persisted;
    for (const taken of this.#taken.values()) sent += taken;
    this.#progress.took(sent, this.#persisted, this.total);
  }

  /** A part is stored. */
  stored(part: StoredPart): void {
    this.#taken.delete(part.number);
    this.#store(part);
    this.#progress.confirmed(this.#persisted, this.total);
  }

  /** The object is finished. */
  finished(size: number): void {
    this.#progress.finished(size);
  }

  /** The object was finished before, with bytes that were not sent in this run. */
  finishedBefore(size: number): void {
    this.#progress.resume(size);
    this.#progress.finished(size);
  }

  #store(part: StoredPart): void {
    this.#persisted += part.size - (this.#stored.get(part.number)?.size ?? 0);
    this.#stored.set(part.number, part);
  }
}

/** Hands out checkpoints, one at a time: a call that has not begun yet speaks of everything that is stored when it begins. */
export class Checkpoints {
  readonly #make: () => ParallelCheckpoint;
  readonly #onCheckpoint: ((checkpoint: ParallelCheckpoint) => void | Promise<void>) | undefined;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(
    make: () => ParallelCheckpoint,
    onCheckpoint: ((checkpoint: ParallelCheckpoint) => void | Promise<void>) | undefined,
  ) {
    this.#make = make;
    this.#onCheckpoint = onCheckpoint;
  }

  /** Resolves when a checkpoint that speaks of what is stored now has been taken. */
  note(): Promise<void> {
    if (!this.#onCheckpoint) return Promise.resolve();
    return this.#next ??= this.#last = this.#after(this.#last);
  }

  async #after(last: Promise<void>): Promise<void> {
    await last.catch(() => {}); // thrown where it is waited for
    this.#next = undefined;
    await this.#onCheckpoint?.(this.#make());
  }
}
