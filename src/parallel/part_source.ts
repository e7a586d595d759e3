/** One part's bytes: a slice of a random-access source, or bytes that were read of a sequential one. */

import type { Bytes } from "../bytes/bytes.ts";
import { randomAccess, type RandomAccessSource } from "../bytes/random_access.ts";
import type { PartRange } from "./plan.ts";

/** The slice of a source that a part is; letting it go leaves the source as it is. */
export function sliceOf(
  source: RandomAccessSource,
  { offset, size }: PartRange,
): RandomAccessSource {
  return {
    kind: "random-access",
    size,
    blob: source.blob?.slice(offset, offset + size),
    read: (at, length) => source.read(offset + at, length),
    release: () => {},
  };
}

/** Bytes that are held until they are stored. */
export function held(bytes: Bytes): RandomAccessSource {
  return randomAccess({
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  });
}

/**
 * The source, read by one call at a time: a `read` of the caller's was never promised to be called for two places at once, and
 * one that moves a position first would then mix up their bytes.
 */
export function inTurn(source: RandomAccessSource): RandomAccessSource {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...source,
    read(offset, length) {
      const bytes = last.then(() => source.read(offset, length));
      last = bytes.catch(() => {});
      return bytes;
    },
  };
}
