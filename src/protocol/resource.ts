/** What an API makes of the bytes: how a finished reply is read, what it tells of them, and where checksums travel. */

import { CHECKSUM_KINDS, type Checksums } from "./hashes.ts";
import type { ReplyHead } from "./reply.ts";
import type { Method } from "./upload_protocol.ts";

/**
 * Which checksum an upload compares; `auto` compares what the API's resource reports, and computes no more than it needs.
 */
export type ChecksumOption = "auto" | "crc32c" | "md5" | "sha256" | null;

/** What a finished resource says of the bytes that were sent; absent is what it does not say. */
export interface ResourceFacts extends Checksums {
  /** The number of bytes. */
  readonly size?: number | undefined;
}

/** What is known of an upload besides its bytes when its result is read. */
export interface UploadContext {
  /** Where it was started. */
  readonly startUrl: string;
  /** The method of the start. */
  readonly method: Method;
  /** The metadata that it was started with; none where it was started elsewhere, or before. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * What an API makes of the bytes: how a finished reply is read, what it tells of the bytes, and where checksums travel.
 *
 * `json`, `text`, `driveFile`, `geminiFile`, `storageObject` and `anything` are some; one of your own is an object with
 * `read` and, if the API reports size or checksums, `facts`.
 *
 * @example The job that BigQuery answers with
 * ```ts
 * import type { Resource } from "@resumable-media/upload";
 *
 * interface Job {
 *   id: string;
 * }
 * const job: Resource<Job> = {
 *   expected: "a job",
 *   read: ({ text }) => (text.startsWith("{") ? JSON.parse(text) : undefined),
 * };
 * console.log(job.read({ status: 200, headers: new Headers(), text: '{"id":"a"}' })?.id); // a
 * ```
 */
export interface Resource<T> {
  /** What is expected of a finished reply, for messages: "the object as JSON". */
  readonly expected: string;
  /** Reads the reply of a finished upload; `undefined` where it shows no result: then the server is asked again. */
  read(reply: ReplyHead): T | undefined;
  /**
   * What the result says of the bytes that were sent; `undefined` where it speaks of others, into which the API has converted
   * them. Without it nothing is compared.
   */
  facts?(value: T, context: UploadContext): ResourceFacts | undefined;
  /** What `checksum: "auto"` computes; the default is CRC32C. */
  readonly auto?: "crc32c" | "md5" | "sha256" | undefined;
  /** Adds what the upload itself has proven to a result that leaves it out. */
  complete?(value: T, context: UploadContext & { readonly size: number }): T;
  /** The metadata with checksums in it, where the API takes them there. */
  withChecksums?(
    metadata: Readonly<Record<string, unknown>>,
    sums: Checksums,
  ): Readonly<Record<string, unknown>>;
  /** Whether the API compares an `x-goog-hash` with what it stores. The default is that it does not. */
  readonly takesHash?: boolean | undefined;
  /** Where a result can be read again, as a URL to GET; `undefined` where there is no such place. */
  lookup?(context: UploadContext): string | undefined;
  /**
   * Which checksums the result can report; another one that is required is refused at the call. The default is all where
   * there are `facts`, else none.
   */
  readonly reports?: readonly (keyof Checksums)[] | undefined;
  /** Throws a `TypeError` where the start cannot lead to a result that this resource can read. */
  check?(startUrl: string): void;
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
  for (const kind of CHECKSUM_KINDS) {
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
