// Every kind of source, in pieces of any size, that notes how far it has been read.

import fc from "fast-check";
import type { UploadSource } from "../../../mod.ts";
import { asyncPieces, byteStream, defaultStream, patterned, pieces } from "../../support/bytes.ts";

export const QUANTUM = 262_144;
/** The most bytes of a file. */
export const LARGEST: number = 5 * QUANTUM + 3;
const DATA = patterned(LARGEST + QUANTUM);

export const KINDS = [
  "Blob",
  "bytes",
  "stream",
  "byte stream",
  "iterable",
  "pushed stream",
  "reusing iterable",
  "slow iterable",
  "sized source",
  "unsized source",
] as const;
export type Kind = typeof KINDS[number];

/** Whether the library can know the size of such a source by itself. */
export function knowsSize(kind: Kind): boolean {
  return kind === "Blob" || kind === "bytes" || kind === "sized source";
}

/** How far a source has been read, in bytes. */
export interface Meter {
  handedOut: number;
  /** Called whenever bytes are handed out. */
  onRead?: () => void;
}

/** The first bytes of the same long file. */
export function fileOf(size: number): Uint8Array<ArrayBuffer> {
  return DATA.slice(0, size);
}

/** Bytes as a source of that kind; `steps` are the sizes of its pieces, over and over. */
export function sourceOf(
  kind: Kind,
  bytes: Uint8Array<ArrayBuffer>,
  steps: readonly number[],
  meter: Meter = { handedOut: 0 },
): UploadSource {
  const read = (end: number) => {
    meter.handedOut = Math.max(meter.handedOut, Math.min(end, bytes.length));
    meter.onRead?.();
  };
  const noted = function* (): Generator<Uint8Array<ArrayBuffer>> {
    let end = 0;
    for (const piece of pieces(bytes, ...steps)) {
      read(end += piece.length);
      yield piece;
    }
  };
  let step = 0;
  const shortRead = (offset: number, length: number) => {
    const most = Math.min(length, steps[step++ % steps.length]);
    read(offset + most);
    return Promise.resolve(bytes.subarray(offset, offset + most));
  };
  switch (kind) {
    case "Blob":
      return new MeteredBlob(bytes, read);
    case "bytes":
      return bytes;
    case "stream":
      return defaultStream(noted());
    case "byte stream":
      return byteStream(bytes, steps[0]);
    case "iterable":
      return asyncPieces(noted());
    case "pushed stream":
      return pushed(pieces(bytes, ...steps)); // has handed out everything before anybody asks
    case "reusing iterable":
      return reusing(noted());
    case "slow iterable":
      return slow(noted());
    case "sized source":
      return { size: bytes.length, read: shortRead };
    case "unsized source":
      return { read: shortRead };
  }
}

/** A stream whose pieces are all there before anybody reads it, its end too. */
function pushed(items: Iterable<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });
}

/** Pieces in the same memory, which is written to again when the next one is asked for. */
async function* reusing(items: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(0);
  for (const item of items) {
    if (buffer.length < item.length) buffer = new Uint8Array(item.length);
    buffer.set(item);
    yield buffer.subarray(0, item.length);
    buffer.fill(0xee);
    await Promise.resolve();
  }
}

/** Pieces that take a while. */
async function* slow(items: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const item of items) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    yield item;
  }
}

/** A Blob that notes which slices were taken. */
class MeteredBlob extends Blob {
  readonly #read: (end: number) => void;
  constructor(bytes: Uint8Array<ArrayBuffer>, read: (end: number) => void) {
    super([bytes]);
    this.#read = read;
  }
  override slice(start?: number, end?: number, type?: string): Blob {
    this.#read(end ?? this.size);
    return super.slice(start, end, type);
  }
}

/** Sizes of files, most of them around the ends of quanta. */
export const sizes: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: around(5) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: LARGEST }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
);

/** Sizes of pieces, few of them small: each piece costs time. */
export const steps: fc.Arbitrary<number[]> = fc.array(
  fc.oneof(fc.integer({ min: 20_000, max: 3 * QUANTUM }), around(2).filter((size) => size > 9999)),
  { minLength: 1, maxLength: 4 },
);

export const kinds: fc.Arbitrary<Kind> = fc.constantFrom(...KINDS);

/** At most a few bytes away from the end of a quantum. */
function around(most: number): fc.Arbitrary<number> {
  return fc.tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: -2, max: 2 }))
    .map(([quanta, more]) => Math.max(0, quanta * QUANTUM + more));
}
