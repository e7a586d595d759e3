/** What one file has of the connections that all files share. */

import type { Budget } from "./budget.ts";

/** One connection at first, several for a file in parts. */
export class SlotLease {
  readonly #slots: Budget;
  #free: () => void;

  /** `free` gives back the slot that it begins with. */
  constructor(slots: Budget, free: () => void) {
    this.#slots = slots;
    this.#free = free;
  }

  /**
   * Takes so many connections instead. The one that it had is given back before: while it waits it holds none, so that two large
   * files cannot wait for each other.
   */
  async widen(connections: number, signal: AbortSignal): Promise<void> {
    this.release();
    this.#free = await this.#slots.take(connections, signal);
  }

  /** Gives everything back. */
  release(): void {
    this.#free();
  }
}
