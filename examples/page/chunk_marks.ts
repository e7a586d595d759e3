/** Where the marks of the progress bar are: the ends of chunks, which is where an upload goes on after a failure. */

/** Their places in percent; if there would be too many marks, one mark stands for several chunks. */
export function marks(size: number, chunkSize: number, max = 40): number[] {
  const chunks = size / chunkSize;
  const step = Math.max(1, Math.ceil(chunks / (max + 1)));
  const places: number[] = [];
  for (let chunk = step; chunk < chunks; chunk += step) places.push((100 * chunk) / chunks);
  return places;
}

/** A place on the bar in percent, with two decimals. */
export function place(part: number, whole: number): string {
  const share = whole > 0 ? Math.min(100, (100 * part) / whole) : 0;
  return `${Number(share.toFixed(2))}%`;
}
