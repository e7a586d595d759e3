/** Memory for what has to be collected of bodies: so much for an instance, however many requests want some. */

/** The most bytes that are held at once. A platform's smallest instance has 128 MB, and a part is copied once. */
export const ROOM: number = 24 * 1_048_576;

/** A request takes at most this share of what is left, so that the next ones find some. */
const SHARE = 1 / 6;

/** A part of the room. */
export interface Lease {
  readonly bytes: number;
  /** Gives it back; more than once is the same as once. */
  readonly end: () => void;
}

/** The room of an instance. Invariant: the bytes of all leases that have not ended are at most `ROOM`. */
export class Room {
  readonly #leases = new Map<symbol, { readonly bytes: number; readonly until: number }>();

  /**
   * Takes some of the room: a multiple of `unit` up to `max`, both in bytes, or `undefined` where not one unit is left.
   *
   * @param time how long so many bytes may be held, in milliseconds; after that they count no more, since workerd ends the
   * work of a request whose client has left without a word
   */
  take(
    max: number,
    unit: number,
    now: number,
    time: (bytes: number) => number,
  ): Lease | undefined {
    let left = ROOM;
    for (const [key, { bytes, until }] of this.#leases) {
      if (until <= now) this.#leases.delete(key);
      else left -= bytes;
    }
    if (left < unit) return undefined;
    const share = Math.floor(left * SHARE / unit) * unit;
    const bytes = Math.max(unit, Math.min(max, share));
    const key = Symbol();
    this.#leases.set(key, { bytes, until: now + time(bytes) });
    return { bytes, end: () => void this.#leases.delete(key) };
  }
}
