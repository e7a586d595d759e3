/** How many bytes go in a request. */

/** How many requests a large file takes, at least: fields of the bar. */
const FIELDS = 16;

/** What Google takes multiples of. */
const QUANTUM = 256 * 1024;

/** The most bytes in a request: what a pause or a cut may lose. */
const MOST = 4 * 1024 * 1024;

/**
 * The bytes of each request for a file: `least`, or more for a large one. Each request costs a round trip and a checkpoint, so
 * many small ones are slow on a fast line.
 */
export function chunkSizeFor(size: number, least: number): number {
  const even = Math.ceil(size / FIELDS / QUANTUM) * QUANTUM;
  return Math.max(least, Math.min(even, MOST));
}
