/** What callers can set, and what they are told. */

import type { RetryOptions } from "../net/retry.ts";
import type { ChecksumOption, Resource } from "../protocol/resource.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import type { UploadProtocol } from "../protocol/upload_protocol.ts";

/** How far an upload has come, in bytes. */
export interface UploadProgress {
  /**
   * The end of the last byte handed to the transport; it never goes down within a session. In long requests it follows the pieces that the
   * transport takes, some megabytes ahead of the wire: what is in the buffers of the runtime and of the system.
   */
  readonly sent: number;
  /** What the server has confirmed; it never goes down within a session, and never exceeds `total`. */
  readonly persisted: number;
  /** The size of the whole; `undefined` while it is not known. */
  readonly total: number | undefined;
  /**
   * Where this run began: what the server held when it was first asked, in bytes; 0 for an upload that is new. It is the server's
   * word, which may be less or more than the checkpoint says, and stays the same within a session, also after a failure. So
   * `sent - resumedFrom` is what this run has sent: a rate is that, divided by the time of the run.
   */
  readonly resumedFrom: number;
}

/** The methods with which uploads are started. */
export type StartMethod = "POST" | "PUT" | "PATCH";

/** Options of {@linkcode SimpleUpload} and {@linkcode MultipartUpload}. */
export interface OneShotOptions<T = StorageObject> {
  /**
   * The method of the first request: `PATCH` replaces a file of Drive, `PUT` captions of YouTube or the object of a signed
   * URL.
   *
   * @default {"POST"}
   */
  method?: StartMethod | undefined;
  /** Headers of the first request only, such as `Slug` or `X-Goog-Upload-File-Name`. */
  startHeaders?: HeadersInit | undefined;
  /**
   * Whether one request may be sent twice without harm, so that it is retried: where the API stores what is sent again as the
   * same. A generation precondition says so by itself.
   *
   * @default {false}
   */
  repeatable?: boolean | undefined;
  /**
   * Headers of every request of the upload, such as those of customer-supplied encryption keys. `authorization`, `cookie`,
   * `proxy-authorization` and `x-goog-api-key` go with the first request only: a session needs none, and a token that
   * expires must not end a long upload. `x-goog-hash` is what the whole object must have; it goes with the request that finishes it.
   */
  headers?: HeadersInit | undefined;
  /**
   * How failures that may pass are retried; `false` and `null` never retry. (A long request of which all bytes were taken,
   * and whose reply cannot be read, is followed by a question all the same: the reply may be the 308 that Node cannot read.)
   */
  retry?: RetryOptions | false | null | undefined;
  /**
   * Which checksum is compared: `auto` compares what the server reports (CRC32C at Cloud Storage, MD5 at Drive, SHA-256 at
   * Gemini), `crc32c`, `md5` and `sha256` require it, `null` computes none.
   *
   * @default {"auto"}
   */
  checksum?: ChecksumOption | undefined;
  /**
   * What the API makes of the bytes. The default is Cloud Storage's object for its URLs and for signed URLs; for any other
   * URL it is whatever the server answers, and nothing is compared.
   */
  resource?: Resource<T> | undefined;
}

/** Options of {@linkcode ResumableUpload}. */
export interface ResumableUploadOptions<T = StorageObject> extends OneShotOptions<T> {
  /**
   * The wire protocol. The default is that of `Content-Range` and 308, which Cloud Storage speaks.
   */
  protocol?: UploadProtocol | undefined;
  /**
   * Called when the transport has taken bytes (at most ten times a second) and when the server confirms some. What it throws
   * ends the upload, but for the last call, when the upload is finished already.
   */
  onProgress?: ((progress: UploadProgress) => void) | undefined;
}

/** Options of {@linkcode ResumableUpload.initiate}. */
export interface InitiateOptions {
  /** The size of the source in bytes. A source that turns out shorter or longer is an error, never an object. */
  totalBytes?: number | undefined;
  /**
   * Whether the source will get no more bytes. With `false` its size is not declared, even where it could be known.
   *
   * @default {true}
   */
  streamFinal?: boolean | undefined;
  /** Stops at once, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** Stops at once, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

/** Options of {@linkcode ResumableUpload.resume}. */
export interface ResumeOptions<T = StorageObject>
  extends Omit<ResumableUploadOptions<T>, "checksum"> {
  /**
   * Whether the bytes stored already are read again from the source, and compared with what was sent and with what is
   * stored. `false` trusts a source that can be read anywhere (its size, its `lastModified` and the bytes since the
   * checkpoint are compared all the same) and saves reading it; other sources are read in any case.
   *
   * @default {true}
   */
  verifyPrefix?: boolean | undefined;
}

/** Options of {@linkcode ResumableUpload.attach}. */
export interface AttachOptions<T = StorageObject>
  extends Omit<ResumableUploadOptions<T>, "method" | "startHeaders"> {
  /** The most bytes in each request; see `chunkSize` of {@linkcode upload}. */
  chunkSize?: number | undefined;
  /** The media type of the bytes; Google goes by that of the start. */
  contentType?: string | undefined;
  /** The size of the source in bytes, where it does not know it itself. */
  totalBytes?: number | undefined;
  /**
   * Whether nobody can have sent anything to the session yet; then it is not asked first.
   *
   * @default {false}
   */
  isNew?: boolean | undefined;
  /**
   * Requests that are not the last one carry a multiple of this many bytes: what {@linkcode createUploadSession} returns.
   *
   * @default {262144}
   */
  granularity?: number | undefined;
}

const ONE_SHOT = [
  "checksum",
  "headers",
  "method",
  "repeatable",
  "resource",
  "retry",
  "startHeaders",
];

/** The names of the options of each function and class; anything else is a mistake. */
export const OPTION_NAMES: Readonly<
  Record<"oneShot" | "resumable" | "initiate" | "call" | "resume" | "attach", readonly string[]>
> = {
  oneShot: ONE_SHOT,
  resumable: [...ONE_SHOT, "protocol", "onProgress"],
  initiate: ["totalBytes", "streamFinal", "signal"],
  call: ["signal"],
  resume: [...ONE_SHOT, "protocol", "onProgress", "verifyPrefix"],
  attach: [
    ...ONE_SHOT.filter((name) => name !== "method" && name !== "startHeaders"),
    "chunkSize",
    "contentType",
    "granularity",
    "isNew",
    "onProgress",
    "protocol",
    "totalBytes",
  ],
};
