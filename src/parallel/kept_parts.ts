/** Parts that are stored from before: whether they are what the source has there now. */

import type { Bytes } from "../bytes/bytes.ts";
import { crc32c, encodeCrc32c } from "../bytes/crc32c.ts";
import type { RandomAccessSource } from "../bytes/random_access.ts";
import { UploadError } from "../errors.ts";
import { abortable } from "../net/clock.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";
import type { PartRange } from "./plan.ts";

/** How much is read at once to compare, in bytes. */
const PIECE = 1024 * 1024;

/** The parts of an upload that was interrupted, which are not sent again. */
export class KeptParts {
  readonly #verifies: boolean;
  readonly #hashes: boolean;
  readonly #parts = new Map<number, StoredPart>();

  /** `verifies` says whether they are read again where that can be left out. */
  constructor(verifies: boolean, checksum: "auto" | "crc32c" | null) {
    this.#verifies = verifies;
    this.#hashes = checksum !== null;
  }

  /** These are stored. */
  keep(parts: readonly StoredPart[]): void {
    for (const part of parts) this.#parts.set(part.number, part);
  }

  /** The part that is stored there; it must be as long. */
  at({ number, size }: PartRange): StoredPart | undefined {
    const part = this.#parts.get(number);
    if (part && part.size !== size) throw otherSource(number, `${part.size} bytes`, `${size}`);
    return part;
  }

  /** The part, with its CRC32C, after its bytes were read once more from the source. */
  async verified(
    part: StoredPart,
    range: PartRange,
    source: RandomAccessSource,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    const mustRead = this.#verifies || part.crc32c === undefined;
    if (!this.#hashes || !mustRead) return part;
    return same(part, await sourceSum(source, range, signal));
  }

  /** The part, with its CRC32C, if these are its bytes. */
  compared(part: StoredPart, bytes: Bytes): StoredPart {
    return this.#hashes ? same(part, encodeCrc32c(crc32c(bytes))) : part;
  }
}

/** The CRC32C of bytes of a source, base64. */
export async function sourceSum(
  source: RandomAccessSource,
  { offset, size }: Omit<PartRange, "number">,
  signal: AbortSignal | undefined,
): Promise<string> {
  let crc = 0;
  for (let at = 0; at < size; at += PIECE) {
    const length = Math.min(PIECE, size - at);
    crc = crc32c(await abortable(source.read(offset + at, length), signal), crc);
  }
  return encodeCrc32c(crc);
}

function same(part: StoredPart, actual: string): StoredPart {
  const { number, crc32c } = part;
  if (crc32c === undefined) return { ...part, crc32c: actual };
  if (crc32c === actual) return part;
  throw otherSource(number, `crc32c ${crc32c}`, actual);
}

function otherSource(number: number, expected: string, actual: string): UploadError {
  return new UploadError(
    "source_changed",
    `Cannot resume: expected part ${number} of the source as it was sent, with ${expected}, got ${actual}`,
  );
}
