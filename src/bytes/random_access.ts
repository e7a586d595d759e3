/** Sources that can be read anywhere, as often as needed: bytes, a Blob, `{ size, read }`. Nothing of them is kept. */

import { UploadError } from "../errors.ts";
import { type Bytes, bytesOf, kindOf } from "./bytes.ts";

/** A source of known size that can be read anywhere. */
export interface RandomAccessSource {
  readonly kind: "random-access";
  /** The number of bytes. */
  readonly size: number;
  /** The same bytes as a Blob, where the source is one: its slices are bodies that nobody has to read. */
  readonly blob: Blob | undefined;
  /** Exactly the bytes from `offset` to `offset + length`; rejects where the source ends before. It may be called again after a failure. */
  read(offset: number, length: number): Promise<Bytes>;
  /** Lets the source go, once, whatever ended the upload. */
  release(reason?: unknown): void;
}

/** How a random-access source is made. */
export interface RandomAccessInput {
  readonly size: number;
  readonly blob?: Blob | undefined;
  /** At most `length` bytes at `offset`. */
  readonly read: (offset: number, length: number) => unknown;
  readonly close?: (() => unknown) | undefined;
}

/** A source of known size, from a function that reads at a place. */
export function randomAccess(input: RandomAccessInput): RandomAccessSource {
  const { size, blob, read, close } = input;
  let released: { readonly reason: unknown } | undefined;
  return {
    kind: "random-access",
    size,
    blob,
    async read(offset, length) {
      let bytes: Bytes | undefined; // made only where the source does not give all at once
      for (let filled = 0; filled < length;) {
        if (released) throw released.reason ?? wasLetGo();
        const piece = await readAt(read, offset + filled, length - filled);
        if (piece.length === length) return piece;
        if (piece.length === 0) throw sizeMismatch(size, `only ${offset + filled}`);
        bytes ??= new Uint8Array(length);
        bytes.set(piece, filled);
        filled += piece.length;
      }
      return bytes ?? new Uint8Array(0);
    },
    release: once((reason) => {
      released = { reason };
      return close?.();
    }),
  };
}

/** Made only for who reads on: an error is expensive, and every upload lets its source go. */
function wasLetGo(): TypeError {
  return new TypeError("Cannot read the source: it was let go");
}

/** What `read` returns for this place, checked. */
export async function readAt(
  read: RandomAccessInput["read"],
  offset: number,
  length: number,
): Promise<Bytes> {
  const piece: unknown = await read(offset, length);
  const bytes = bytesOf(piece);
  if (bytes && bytes.length <= length) return bytes;
  throw new TypeError(
    `Cannot read the source: expected a Uint8Array of at most ${length} bytes, got ${
      bytes ? `${bytes.length} bytes` : kindOf(piece)
    }`,
  );
}

/**
 * Lets a source go once, however often it is called. Nobody waits for the end of that, and what goes wrong in it is nobody's
 * business any more: the upload has ended, and its result or its error is what counts.
 */
export function once(action: (reason?: unknown) => unknown): (reason?: unknown) => void {
  let ran = false;
  return (reason) => {
    if (ran) return;
    ran = true;
    void (async () => await action(reason))().catch(() => {});
  };
}

/** The error of a source that does not have the bytes it was declared to have. */
export function sizeMismatch(expected: number, actual: string): UploadError {
  return new UploadError(
    "source_size_mismatch",
    `Cannot finish the upload: expected the source to have ${expected} bytes, it has ${actual}; nothing was finished`,
  );
}
