/** Whether the source of a resumed upload is the one that it was started with. */

import { sizeMismatch } from "../bytes/random_access.ts";
import { UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import type { Feed } from "./feed.ts";

/** What a resumed upload was told of the bytes before. */
export interface KnownPrefix {
  /** How many bytes were confirmed. */
  readonly persisted: number;
  /** Their CRC32C, base64, where it is known. */
  readonly crc32c?: string | undefined;
}

/**
 * Brings a feed to where the server is, and compares what is before with what was sent and with what is stored.
 *
 * It can be stopped by `signal` and called again: what has been read is not lost.
 *
 * @param theirs the server's CRC32C of the first `persisted` bytes, base64, where it says so
 */
export async function verifyPrefix(
  feed: Feed,
  before: KnownPrefix,
  persisted: number,
  theirs: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const known: KnownPrefix[] = [before, { persisted, crc32c: theirs }];
  // The lower place first: both are compared on the way.
  for (const place of known.sort((a, b) => a.persisted - b.persisted)) {
    const offset = Math.min(place.persisted, persisted);
    await skipTo(feed, offset, signal);
    if (offset < place.persisted) continue;
    const ours = feed.crc32cAt(offset);
    if (ours !== undefined && place.crc32c !== undefined && ours !== place.crc32c) {
      throw new UploadError(
        "source_changed",
        `Cannot resume: the first ${offset} bytes of the source are not those sent`,
      );
    }
  }
}

/**
 * Reads a source to its end and compares it: the upload was finished before it was resumed. Returns its size.
 *
 * @param size the size that it must have, where it is known
 */
export async function verifyWhole(
  feed: Feed,
  before: KnownPrefix,
  size: number | undefined,
  signal: AbortSignal | undefined,
): Promise<number> {
  await skipTo(feed, Math.min(before.persisted, size ?? Infinity), signal); // a place to compare at
  let total = size ?? feed.total;
  while (total === undefined) total = await abortable(feed.skipToEnd(), signal);
  await verifyPrefix(feed, before, total, undefined, signal);
  if (!(await abortable(feed.ended(), signal))) throw sizeMismatch(total, "more");
  return total;
}

/** Reads on to `offset` and hashes. */
async function skipTo(
  feed: Feed,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  while (!(await abortable(feed.skipTowards(offset), signal))) signal?.throwIfAborted();
}
