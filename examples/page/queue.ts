/** Taking turns: a few at once, the others wait in the order in which they came. */

/** Waits for a turn; the returned function ends it. Rejects with the signal's reason. */
export type AcquireSlot = (signal: AbortSignal) => Promise<() => void>;

/** At most so many turns at once. */
export function slots(max: number): AcquireSlot {
  let taken = 0;
  const waiting: (() => void)[] = [];
  const end = () => {
    const next = waiting.shift();
    if (next) next();
    else taken--;
  };
  const once = () => {
    let ended = false;
    return () => {
      if (!ended) end();
      ended = true;
    };
  };
  return async (signal) => {
    signal.throwIfAborted();
    if (taken < max) {
      taken++;
      return once();
    }
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(start), 1);
        reject(signal.reason);
      };
      waiting.push(start);
      signal.addEventListener("abort", leave, { once: true });
    });
    return once();
  };
}
