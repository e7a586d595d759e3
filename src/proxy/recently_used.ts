/** Values that were used last, up to a bound: what an instance remembers only to save time. */

/** A map that forgets the values that have not been used for the longest time. */
export class RecentlyUsed<T> {
  readonly #values = new Map<string, T>();
  readonly #max: number;
  readonly #sizeOf: (key: string) => number;
  /** The sum of the sizes of all keys, at most `#max` between two calls. */
  #size = 0;

  /** An empty one, whose keys may have this size together; the size of one is 1 unless another is said. */
  constructor(max: number, sizeOf: (key: string) => number = () => 1) {
    this.#max = max;
    this.#sizeOf = sizeOf;
  }

  /** The value of a key, which is now the last to be forgotten. */
  get(key: string): T | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, value);
    }
    return value;
  }

  /** Keeps a value under a key, and forgets as many others as there is no room for. */
  set(key: string, value: T): void {
    if (!this.#values.delete(key)) this.#size += this.#sizeOf(key);
    this.#values.set(key, value);
    for (const oldest of this.#values.keys()) {
      if (this.#size <= this.#max) return;
      this.#values.delete(oldest);
      this.#size -= this.#sizeOf(oldest);
    }
  }
}
