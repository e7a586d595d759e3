/** Signals that stop a run: the first one cleanly, the second one at once. */

import { abortable } from "../net/clock.ts";
import { EXIT } from "./exit_code.ts";
import type { Io } from "./io.ts";

/** Listens until it is released. */
export class Stop {
  readonly #controller = new AbortController();
  readonly #release: () => void;

  /** `atOnce` puts the terminal in order before the program ends. */
  constructor({ onSignal, exit }: Pick<Io, "onSignal" | "exit">, atOnce: () => void) {
    this.#release = onSignal((signal) => {
      if (this.isAsked) {
        atOnce();
        exit(EXIT.interrupted);
      }
      this.#controller.abort(new DOMException(`Stopped by ${signal}`, "AbortError"));
    });
  }

  /** Aborts with the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether there was one. */
  get isAsked(): boolean {
    return this.signal.aborted;
  }

  /** Whether an error is only that the run was stopped. */
  isReason(error: unknown): boolean {
    return this.isAsked && error === this.signal.reason;
  }

  /** What comes before the run is stopped; from then on nobody waits for more. */
  async *before<T>(all: AsyncIterable<T>): AsyncGenerator<T, undefined> {
    const iterator = all[Symbol.asyncIterator]();
    try {
      while (!this.isAsked) {
        const { done, value } = await abortable(iterator.next(), this.signal);
        if (done) return;
        yield value;
      }
    } catch (error) {
      if (!this.isReason(error)) throw error;
    } finally {
      void iterator.return?.().catch(() => {});
    }
  }

  /** Stops listening. */
  release(): void {
    this.#release();
  }
}
