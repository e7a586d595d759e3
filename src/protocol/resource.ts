/** What an API makes of the bytes: how a finished reply is read, what it tells of them, and where checksums travel. */

import type { Checksums } from "./hashes.ts";
import type { ReplyHead } from "./reply.ts";

/** Which checksum an upload compares; `auto` compares CRC32C whenever the server reports one. */
export type ChecksumOption = "auto" | "crc32c" | "md5" | null;

/** What a finished resource says of the bytes that were sent; absent is what it does not say. */
export interface ResourceFacts {
  /** The number of bytes. */
  readonly size?: number | undefined;
  /** CRC32C, base64. */
  readonly crc32c?: string | undefined;
  /** MD5, base64. */
  readonly md5?: string | undefined;
}

/** What an API makes of the bytes. */
export interface Resource<T> {
  /** Reads the reply of a finished upload; `undefined` where it shows no result: then the server is asked again. */
  read(reply: ReplyHead): T | undefined;
  /** What the result says of the bytes; without it nothing is compared. */
  facts?(value: T): ResourceFacts;
  /** Adds what the upload itself has proven to a result that leaves it out. */
  complete?(value: T, proven: { readonly size: number; readonly startUrl: string }): T;
  /** The metadata with checksums in it, where the API takes them there. */
  withChecksums?(
    metadata: Readonly<Record<string, unknown>>,
    sums: Checksums,
  ): Readonly<Record<string, unknown>>;
  /** Whether the API compares an `x-goog-hash` with what it stores. */
  readonly takesHash: boolean;
  /** Where a result can be read again, as a URL to GET; `undefined` where there is no such place. */
  lookup?(startUrl: string, metadata: Readonly<Record<string, unknown>>): string | undefined;
  /** What is expected of a finished reply, for messages. */
  readonly expected: string;
}

/** How a finished resource differs from what was sent. */
export type ResourceProblem =
  /** Another size or checksum. */
  | { readonly kind: "differs"; readonly message: string }
  /** What was required to be reported is not. */
  | { readonly kind: "unreported"; readonly message: string };

/** What was sent. */
export interface SentBytes {
  readonly size: number;
  readonly checksums: Checksums;
}

/** Compares what a finished resource says with what was sent; `undefined` when they agree. */
export function compareFacts(
  facts: ResourceFacts,
  sent: SentBytes,
  required: ChecksumOption,
): ResourceProblem | undefined {
  if (facts.size !== undefined && facts.size !== sent.size) {
    return {
      kind: "differs",
      message: `expected an object of ${sent.size} bytes, got one of ${facts.size}`,
    };
  }
  for (const kind of ["crc32c", "md5"] as const) {
    const expected = sent.checksums[kind], actual = facts[kind];
    if (expected !== undefined && actual !== undefined && expected !== actual) {
      return {
        kind: "differs",
        message: `expected ${kind} ${expected} (the bytes read), got ${actual} (the object)`,
      };
    }
    if (required === kind && actual === undefined) {
      return { kind: "unreported", message: `expected the object to report its ${kind}, got none` };
    }
  }
  return undefined;
}
