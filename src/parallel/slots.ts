/** How much is on its way at the same time. */

import { abortable } from "../net/clock.ts";

/**
 * Places for so many parts and so many bytes.
 *
 * Invariant: no more parts than `most` have a place, and together no more bytes than `budget`; but one part always has one,
 * however large it is.
 */
export class Slots {
  readonly #most: number;
  readonly #budget: number;
  #parts = 0;
  #bytes = 0;
  #waiting: (() => void)[] = [];

  constructor(most: number, budget: number) {
    this.#most = most;
    this.#budget = budget;
  }

  /** Waits for a place; one caller at a time. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    while (
      this.#parts > 0 && (this.#parts >= this.#most || this.#bytes + bytes > this.#budget)
    ) {
      await abortable(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
    }
    signal.throwIfAborted();
    this.#parts++;
    this.#bytes += bytes;
  }

  /** Gives a place back. */
  give(bytes: number): void {
    this.#parts--;
    this.#bytes -= bytes;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
