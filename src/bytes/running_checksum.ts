/** What the bytes of one upload add up to: each byte hashed once, and once more where it is read again. */

import { UploadError } from "../errors.ts";
import type { Bytes } from "./bytes.ts";
import { crc32c, decodeCrc32c, encodeCrc32c } from "./crc32c.ts";
import { createMd5 } from "./md5.ts";
import type { RunningHash } from "./running_hash.ts";
import { createSha256 } from "./sha256.ts";

/** The CRC32C of the bytes before `offset`. */
interface Mark {
  readonly offset: number;
  readonly crc: number;
}

/** A hash besides CRC32C. */
interface Digest {
  readonly kind: "md5" | "sha256";
  readonly hash: RunningHash;
}

/** From this many marks on every second one is dropped: what lies between two is read again where it is needed. */
const MAX_MARKS = 512;

/**
 * The running checksums of an upload.
 *
 * Invariants: `#marks` are ascending and none lies beyond the end of what was hashed; the first one is where `forget` was
 * last called, or the start. `#expected` are the marks that a rewind took back, ascending, all beyond that end: bytes that
 * are read again must lead to the same CRC32C there. A digest (MD5, SHA-256) cannot be rewound; it is that of the first
 * reading, which the marks prove to be that of the second.
 */
export class RunningChecksum {
  readonly #digest: Digest | undefined;
  #digested: number;
  #marks: Mark[];
  #expected: Mark[] = [];

  /** Starts at the beginning; or, for CRC32C alone, at `offset`, before which the bytes add up to `crc`. */
  constructor(options: { digest?: Digest | undefined; offset?: number; crc?: number } = {}) {
    const { digest, offset = 0, crc = 0 } = options;
    this.#digest = digest;
    this.#digested = offset;
    this.#marks = [{ offset, crc }];
  }

  /** How many bytes are hashed, from the start of the upload. */
  get length(): number {
    return this.#end.offset;
  }

  get #end(): Mark {
    return this.#marks[this.#marks.length - 1];
  }

  /**
   * Adds the bytes that follow.
   *
   * @throws {UploadError} `source_changed`: they were read before, and were others then
   */
  update(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    let { offset, crc } = this.#end;
    const end = offset + bytes.length;
    const start = offset;
    while (offset < end) {
      const [expected] = this.#expected;
      const next = expected ? Math.min(end, expected.offset) : end;
      crc = crc32c(bytes.subarray(offset - start, next - start), crc);
      offset = next;
      if (expected?.offset !== offset) continue;
      if (expected.crc !== crc) throw sourceChanged(start, offset); // and again, until the bytes are what they were
      this.#expected.shift();
    }
    if (end > this.#digested) {
      this.#digest?.hash.update(bytes.subarray(Math.max(0, this.#digested - start)));
      this.#digested = end;
    }
    this.#marks.push({ offset, crc });
    if (this.#marks.length > MAX_MARKS) {
      this.#marks = this.#marks.filter((_, i) => i % 2 === 0 || i === this.#marks.length - 1);
    }
  }

  /**
   * CRC32C of the first `offset` bytes, base64. It is remembered where an `update` ended; anywhere else it is made from
   * `before`, the bytes that end at `offset`, if they reach back to such a place, and remembered from then on.
   */
  crc32cAt(offset: number, before?: Uint8Array): string | undefined {
    const index = this.#marks.findLastIndex((mark) => mark.offset <= offset);
    if (index < 0 || offset > this.length) return undefined;
    const mark = this.#marks[index];
    const missing = offset - mark.offset;
    if (missing === 0) return encodeCrc32c(mark.crc);
    if (!before || missing > before.length) return undefined;
    const crc = crc32c(before.subarray(before.length - missing), mark.crc);
    this.#marks.splice(index + 1, 0, { offset, crc });
    return encodeCrc32c(crc);
  }

  /**
   * Goes back to `offset`, since what follows it is going to be read and sent again; `read` reads what lies between the
   * last mark before and `offset`.
   */
  async rewind(
    offset: number,
    read: (offset: number, length: number) => Promise<Bytes>,
  ): Promise<void> {
    const mark = this.#marks.findLast((mark) => mark.offset <= offset);
    if (!mark) {
      throw new RangeError(`Cannot rewind to byte ${offset}: what was before is forgotten`);
    }
    let { offset: at, crc } = mark;
    while (at < offset) {
      const piece = await read(at, Math.min(offset - at, REWIND_STEP));
      crc = crc32c(piece, crc);
      at += piece.length;
    }
    const index = this.#marks.indexOf(mark);
    this.#expected = [...this.#marks.slice(index + 1), ...this.#expected];
    this.#marks = [...this.#marks.slice(0, index + 1)];
    if (mark.offset !== offset) this.#marks.push({ offset, crc });
    if (this.#expected[0]?.offset === offset) this.#expected.shift();
  }

  /** Forgets what lies before `offset`; it will not be asked for again. */
  forget(offset: number): void {
    const keep = this.#marks.findLastIndex((mark) => mark.offset <= offset);
    if (keep > 0) this.#marks = this.#marks.slice(keep);
  }

  /** The checksums of all bytes so far, base64: CRC32C, and the digest that was asked for. */
  sums(): { crc32c: string; md5?: string; sha256?: string } {
    const crc32c = encodeCrc32c(this.#end.crc);
    if (!this.#digest) return { crc32c };
    const { kind, hash } = this.#digest;
    return { crc32c, [kind]: btoa(String.fromCharCode(...hash.digest())) };
  }
}

/** How much is read at once to get to a place between two marks, in bytes. */
const REWIND_STEP = 4 * 1024 * 1024;

function sourceChanged(start: number, end: number): UploadError {
  return new UploadError(
    "source_changed",
    `Cannot go on: expected bytes ${start} to ${end - 1} of the source as they were read before, ` +
      "got others; the source changed during the upload",
  );
}

/** Starts the checksums that `kind` asks for; CRC32C is always among them. `null` asks for none. */
export async function startChecksum(
  kind: "crc32c" | "md5" | "sha256" | null,
): Promise<RunningChecksum | undefined> {
  if (kind === null) return undefined;
  if (kind === "crc32c") return new RunningChecksum();
  const hash = kind === "md5" ? await createMd5() : await createSha256();
  return new RunningChecksum({ digest: { kind, hash } });
}

/** Goes on at `offset`, where the CRC32C (base64) is known; `undefined` when it is not one. */
export function continueChecksum(offset: number, crc: string): RunningChecksum | undefined {
  const value = decodeCrc32c(crc);
  return value === undefined ? undefined : new RunningChecksum({ offset, crc: value });
}
