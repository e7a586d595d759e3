/** The error of a call that cannot be meant, and the name that may have been. */

/** A wrong call: exit code 2. The message says what is expected. */
export class UsageError extends Error {
  /** The name of the class, for logs. */
  override readonly name: string = "UsageError";
}

/** An argument in a message: without what may be a secret in the wrong place, such as the URL of a session or a ticket. */
export function shownArgument(text: string): string {
  const bare = text.replace(/^(https?:\/\/[^/?#]*).+$/is, "$1…");
  return bare.length > 40 ? `${bare.slice(0, 30)}…` : bare;
}

/** The known name that is nearest to one that is not known, if any is near: for "did you mean". */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const one of known) {
    const changes = one.startsWith(name) && name.length > 1 ? 1 : distance(name, one);
    if (changes < least) [best, least] = [one, changes];
  }
  return best;
}

/** How many characters have to be inserted, removed, replaced or swapped with their neighbour. */
function distance(a: string, b: string): number {
  let [before, last] = [<number[]> [], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
