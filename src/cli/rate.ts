/** How fast bytes go, over the last seconds. */

/** The time that counts, in milliseconds. */
const WINDOW = 8000;

/** The rate of a run: of what it has sent itself, not of what was stored before. */
export class Rate {
  readonly #now: () => number;
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
    this.#samples.push({ at: now(), bytes: 0 });
  }

  /** The run has sent so many bytes by now. */
  add(bytes: number): void {
    const at = this.#now();
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && this.#samples[1].at < at - WINDOW) this.#samples.shift();
  }

  /** Bytes in a second; `undefined` while it cannot be known. */
  get value(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)!];
    const seconds = (last.at - first.at) / 1000;
    return seconds < 0.2 ? undefined : Math.max(0, last.bytes - first.bytes) / seconds;
  }
}
