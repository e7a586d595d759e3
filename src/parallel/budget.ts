/** A number of things that is shared: connections, bytes of memory. */

/** What somebody waits for. */
interface Waiting {
  readonly amount: number;
  readonly resolve: () => void;
}

/**
 * A limit that several share. They are served in the order in which they ask, so that who needs much is not passed over by
 * those who need little.
 *
 * Invariant: what is taken never exceeds the limit; one that needs more than that gets all of it, and so runs alone.
 */
export class Budget {
  readonly #limit: number;
  readonly #queue: Waiting[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes an amount, when it is free; returns the function that gives it back, once. Rejects when `signal` aborts before. */
  async take(amount: number, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    const taken = Math.min(amount, this.#limit);
    if (this.#queue.length > 0 || !this.#fits(taken)) await this.#wait(taken, signal);
    else this.#taken += taken;
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      this.#taken -= taken;
      this.#serve();
    };
  }

  #fits(amount: number): boolean {
    return this.#taken + amount <= this.#limit;
  }

  #wait(amount: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal!.reason);
        this.#serve(); // those behind it may fit
      };
      const waiting: Waiting = {
        amount,
        resolve: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#queue.push(waiting);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #serve(): void {
    while (this.#queue.length > 0 && this.#fits(this.#queue[0].amount)) {
      const { amount, resolve } = this.#queue.shift()!;
      this.#taken += amount;
      resolve();
    }
  }
}
