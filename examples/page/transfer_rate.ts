/** How fast an upload gets on, and how long it will still take. */

/** Remembers when how much was stored. */
export interface TransferRate {
  /** So many bytes were stored at this time, in milliseconds. */
  note(time: number, stored: number): void;
  /** Bytes per second over the last seconds; `undefined` while there is too little to tell. */
  perSecond(): number | undefined;
  /** Forgets everything, after a pause. */
  restart(): void;
}

/** How far back is looked, in milliseconds: long enough for several chunks, short enough to follow the network. */
const SPAN = 10_000;

/** A rate that looks back a few seconds. */
export function transferRate(): TransferRate {
  let notes: { readonly time: number; readonly stored: number }[] = [];
  return {
    note(time, stored) {
      if (notes.at(-1)?.stored === stored) return;
      notes.push({ time, stored });
      while (notes.length > 2 && notes[1].time < time - SPAN) notes.shift();
    },
    perSecond() {
      const [first, last] = [notes.at(0), notes.at(-1)];
      if (!first || !last || last.time - first.time < 100) return undefined;
      return (1000 * (last.stored - first.stored)) / (last.time - first.time);
    },
    restart() {
      notes = [];
    },
  };
}
