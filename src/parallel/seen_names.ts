/** Which names a run has had, in memory that does not grow without end. */

/** How many names a table holds before the next one is begun. */
const TABLE_NAMES = 1 << 19;

/** The size of the first table, in names. */
const FIRST_NAMES = 1 << 10;

/**
 * Remembers names by their fingerprints of 64 bits, so that a second one of the same run is found: the last half million at
 * least, a million at most, in no more than 16 MiB however long the names are and however many there were.
 *
 * Two names that differ have the same fingerprint once in some ten million runs of a million names.
 */
export class SeenNames {
  readonly #seed = [Math.random(), Math.random()].map((random) => random * 2 ** 32 >>> 0);
  readonly #max: number;
  #current = new Table(FIRST_NAMES);
  #previous: Table | undefined;

  constructor(max: number = TABLE_NAMES) {
    this.#max = max;
  }

  /** Whether the name is new; it is not from then on. */
  add(name: string): boolean {
    const [high, low] = this.#fingerprint(name);
    if (this.#previous?.has(high, low) || this.#current.has(high, low)) return false;
    if (this.#current.count >= this.#max) {
      this.#previous = this.#current;
      this.#current = new Table(FIRST_NAMES);
    } else if (this.#current.isFull) {
      this.#current = this.#current.grown();
    }
    this.#current.add(high, low);
    return true;
  }

  /** Two different hashes of 32 bits; never both zero, which stands for nothing. */
  #fingerprint(name: string): [high: number, low: number] {
    let [high, low] = this.#seed;
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x9e3779b1);
      high ^= high >>> 15;
      low = Math.imul(low ^ unit, 0x85ebca77);
      low ^= low >>> 13;
    }
    high = Math.imul(high ^ (low >>> 16), 0xc2b2ae3d);
    low = Math.imul(low ^ (high >>> 16), 0x27d4eb2f);
    return [(high ^ high >>> 15) >>> 0, ((low ^ low >>> 13) >>> 0) || 1];
  }
}

/** A set of numbers of 64 bits, at most half full: a number is in its slot or in the next free one behind it. */
class Table {
  readonly #cells: Uint32Array;
  count = 0;

  constructor(names: number) {
    this.#cells = new Uint32Array(4 * names); // two cells a number, and half of them free
  }

  get isFull(): boolean {
    return this.count * 4 >= this.#cells.length;
  }

  has(high: number, low: number): boolean {
    return this.#cells[this.#slotOf(high, low) + 1] !== 0;
  }

  add(high: number, low: number): void {
    const slot = this.#slotOf(high, low);
    this.#cells[slot] = high;
    this.#cells[slot + 1] = low;
    this.count++;
  }

  /** The same numbers in a table of twice the size. */
  grown(): Table {
    const grown = new Table(this.#cells.length / 2);
    for (let i = 0; i < this.#cells.length; i += 2) {
      if (this.#cells[i + 1] !== 0) grown.add(this.#cells[i], this.#cells[i + 1]);
    }
    return grown;
  }

  /** Where the number is, or the free slot where it belongs. */
  #slotOf(high: number, low: number): number {
    const cells = this.#cells, last = cells.length - 1;
    let slot = (high * 2) & last & ~1;
    while (cells[slot + 1] !== 0 && !(cells[slot] === high && cells[slot + 1] === low)) {
      slot = (slot + 2) & last;
    }
    return slot;
  }
}
