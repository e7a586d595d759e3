/** What callers can set, and what they are told. */

import type { RetryOptions } from "../net/retry.ts";
import type { ChecksumOption } from "../protocol/metadata.ts";

/** How far an upload has come, in bytes. */
export interface UploadProgress {
  /** The end of the last byte handed to the transport; it never goes down. */
  readonly sent: number;
  /** What the server has confirmed; it never goes down and never exceeds `total`. */
  readonly persisted: number;
  /** The size of the whole; `undefined` while it is not known. */
  readonly total: number | undefined;
}

/** Options of {@linkcode SimpleUpload} and {@linkcode MultipartUpload}. */
export interface OneShotOptions {
  /** Headers of every request of the upload, such as those of customer-supplied encryption keys. */
  headers?: HeadersInit;
  /** How failures that may pass are retried; `null` never retries. */
  retry?: RetryOptions | null;
  /**
   * Which checksum is compared: `auto` compares CRC32C wherever the server reports one, `crc32c` and `md5` require it,
   * `null` computes none.
   *
   * @default {"auto"}
   */
  checksum?: ChecksumOption;
}

/** Options of {@linkcode ResumableUpload}. */
export interface ResumableUploadOptions extends OneShotOptions {
  /** Called when bytes are handed to the transport and when the server confirms some. */
  onProgress?: (progress: UploadProgress) => void;
}

/** Options of {@linkcode ResumableUpload.initiate}. */
export interface InitiateOptions {
  /** The size of the source in bytes. A source that turns out shorter or longer is an error, never an object. */
  totalBytes?: number;
  /**
   * Whether the source will get no more bytes. With `false` its size is not declared, even where it could be known.
   *
   * @default {true}
   */
  streamFinal?: boolean;
  /** Stops at once, with the signal's own reason. */
  signal?: AbortSignal;
}

/** Options of one call. */
export interface CallOptions {
  /** Stops at once, with the signal's own reason. */
  signal?: AbortSignal;
}

/** Options of {@linkcode ResumableUpload.resume}. */
export interface ResumeOptions extends Omit<ResumableUploadOptions, "checksum"> {
  /**
   * Whether the bytes stored already are read again from the source, and compared with what was sent and with what is
   * stored. `false` trusts a source that can be read anywhere (its size, its `lastModified` and the bytes since the
   * checkpoint are compared all the same) and saves reading it; other sources are read in any case.
   *
   * @default {true}
   */
  verifyPrefix?: boolean;
}
