/** What the bytes of one upload add up to, each byte hashed once. */

import { crc32c, decodeCrc32c, encodeCrc32c } from "./crc32c.ts";
import { createMd5, type Md5 } from "./md5.ts";

/** The running checksums of an upload. */
export class RunningChecksum {
  #crc: number;
  #length: number;
  #md5: Md5 | undefined;
  #marks: { offset: number; crc: number }[];

  /** Starts at the beginning; or, for CRC32C alone, at `offset`, before which the bytes add up to `crc`. */
  constructor(options: { md5?: Md5; offset?: number; crc?: number } = {}) {
    this.#md5 = options.md5;
    this.#length = options.offset ?? 0;
    this.#crc = options.crc ?? 0;
    this.#marks = [{ offset: this.#length, crc: this.#crc }];
  }

  /** How many bytes are hashed, from the start of the upload. */
  get length(): number {
    return this.#length;
  }

  /** Adds the bytes that follow. */
  update(bytes: Uint8Array): void {
    this.#md5?.update(bytes);
    this.#crc = crc32c(bytes, this.#crc);
    this.#length += bytes.length;
    this.#marks.push({ offset: this.#length, crc: this.#crc });
  }

  /**
   * CRC32C of the first `offset` bytes, base64. It is remembered where an `update` ended; anywhere else it is made from
   * `before`, the bytes that end at `offset`, if they reach back to such a place, and remembered from then on.
   */
  crc32cAt(offset: number, before?: Uint8Array): string | undefined {
    const index = this.#marks.findLastIndex((mark) => mark.offset <= offset);
    if (index < 0) return undefined;
    const mark = this.#marks[index];
    if (mark.offset === offset) return encodeCrc32c(mark.crc);
    if (!before || offset - mark.offset > before.length) return undefined;
    const crc = crc32c(before.subarray(before.length - (offset - mark.offset)), mark.crc);
    this.#marks.splice(index + 1, 0, { offset, crc });
    return encodeCrc32c(crc);
  }

  /** Forgets what lies before `offset`; it will not be asked for again. */
  forget(offset: number): void {
    this.#marks = this.#marks.filter((mark) => mark.offset >= offset);
  }

  /** CRC32C of all bytes so far, base64. */
  crc32c(): string {
    return encodeCrc32c(this.#crc);
  }

  /** MD5 of all bytes so far, base64; `undefined` when it was not asked for. */
  md5(): string | undefined {
    return this.#md5 && btoa(String.fromCharCode(...this.#md5.digest()));
  }
}

/** Starts the checksums that `option` asks for; CRC32C is always among them. `null` asks for none. */
export async function startChecksum(
  option: "auto" | "crc32c" | "md5" | null,
): Promise<RunningChecksum | undefined> {
  if (option === null) return undefined;
  return new RunningChecksum({ md5: option === "md5" ? await createMd5() : undefined });
}

/** Goes on at `offset`, where the CRC32C (base64) is known; `undefined` when it is not one. */
export function continueChecksum(offset: number, crc: string): RunningChecksum | undefined {
  const value = decodeCrc32c(crc);
  return value === undefined ? undefined : new RunningChecksum({ offset, crc: value });
}
