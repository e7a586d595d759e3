/** `Content-Range` as clients send it. */

/** What a `Content-Range` says of a request's bytes. */
export interface ChunkRange {
  /** The place of the first byte; `undefined` where there are none. */
  readonly first: number | undefined;
  /** The place of the last byte; `undefined` where there are none, or where the body ends. */
  readonly last: number | undefined;
  /** The size of the whole; `undefined` when it is not known. */
  readonly total: number | undefined;
}

/**
 * Reads a range with known or open end and total (`a-b/N`, `a-b/*` and so on), or none (`*` before the slash); `undefined` for
 * anything else, and for positions that contradict each other.
 */
export function parseChunkRange(header: string): ChunkRange | undefined {
  const match = /^bytes (?:(\d{1,15})-(\d{1,15}|\*)|\*)\/(\d{1,15}|\*)$/.exec(header);
  if (!match) return undefined;
  const [first, last, total] = match.slice(1).map((part) =>
    part === undefined || part === "*" ? undefined : Number(part)
  );
  if (first !== undefined && last !== undefined && last < first) return undefined;
  if (total !== undefined && (last ?? first ?? -1) >= total) return undefined;
  return { first, last, total };
}
