/** Which bytes are in which part. */

import type { Source } from "../bytes/source.ts";
import { streamingInit } from "../net/transport.ts";
import type { Via } from "./parallel_options.ts";
import { LARGEST_PART, MIN_PART } from "./parallel_settings.ts";

const MiB = 1024 * 1024;

/** The most parts of an upload ({@link https://cloud.google.com/storage/quotas#requests}). */
export const MAX_PARTS = 10_000;

/** After so many parts of a source of unknown size they are twice as large: ten such steps are more than the largest object. */
const GROWTH = 1000;

/** What a part is of a source that is read while it is sent. */
const STREAMED_PART = 32 * MiB;

/** Of one that is held while it is sent. */
const HELD_PART = 8 * MiB;

/** Up to this size parts grow so that one request composes them all. */
const LARGEST_COMPOSED = 128 * MiB;

/** One part's place in the source. */
export interface PartRange {
  /** From 1 on. */
  readonly number: number;
  readonly offset: number;
  readonly size: number;
}

/** How a source is cut into parts: the same plan each time, so that it can be resumed. */
export interface PartPlan {
  readonly partSize: number;
  /** Whether the size was known when the parts were planned; else they grow. */
  readonly sized: boolean;
}

/** Parts of the requested size, or of one that suits the source. */
export function planFor(
  source: Source,
  via: Via,
  requested: number | undefined,
  declared: number | undefined,
): PartPlan {
  const size = source.kind === "random-access" ? source.size : declared;
  const suits = requested ?? suitableSize(source, via, size);
  if (size === undefined) return { partSize: suits, sized: false };
  const partSize = grownSize(via, suits, size);
  if (partSize > LARGEST_PART) {
    throw new RangeError(
      `Cannot upload the source: expected at most ${MAX_PARTS * LARGEST_PART} bytes, got ${size}`,
    );
  }
  return { partSize, sized: true };
}

/** The size of the parts of a source of that size: larger than requested where there would be too many of them. */
export function grownSize(via: Via, requested: number, size: number): number {
  if (size <= requested * MAX_PARTS) return requested;
  return Math.max(MIN_PART[via], Math.ceil(size / MAX_PARTS / MiB) * MiB);
}

function suitableSize(source: Source, via: Via, size = 0): number {
  const isStreamed = source.kind === "random-access" &&
    (streamingInit() !== undefined || source.blob !== undefined);
  if (!isStreamed) return HELD_PART;
  if (via === "multipart") return STREAMED_PART;
  const inOne = Math.ceil(size / 32 / MiB) * MiB;
  return Math.min(Math.max(STREAMED_PART, inOne), LARGEST_COMPOSED);
}

/** The size of a part that is not the last one. */
export function partSizeOf({ partSize, sized }: PartPlan, number: number): number {
  if (sized) return partSize;
  return Math.min(partSize * 2 ** Math.floor((number - 1) / GROWTH), LARGEST_PART);
}

/** Where the parts of a source of that size are. An empty source has one part, without bytes. */
export function* partRanges(plan: PartPlan, total: number): Generator<PartRange> {
  let offset = 0;
  for (let number = 1; offset < total || number === 1; number++) {
    const size = Math.min(partSizeOf(plan, number), total - offset);
    yield { number, offset, size };
    offset += size;
  }
}
