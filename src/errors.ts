/**
 * Every error that the library makes itself: one base class with a stable `code`.
 *
 * Wrong arguments throw the platform's `TypeError` and `RangeError`; an abort throws the signal's own reason; a
 * source that throws keeps its own error. Everything else is an {@linkcode UploadError}.
 *
 * @module
 */

/**
 * What went wrong, as a stable word that programs can compare.
 *
 * | code | meaning | what helps |
 * | --- | --- | --- |
 * | `invalid_state` | a method was called at a moment when it cannot work | the message says what to call first |
 * | `invalid_response` | the reply is not one that the protocol allows here | look at `response` |
 * | `rejected` | the server refused the request for good (a 4xx), or has ended the upload | look at `reason` and `response` |
 * | `precondition_failed` | 412, or 304: the object is not in the state that was asked for | decide anew |
 * | `session_gone` | 404 or 410: the session has expired or never existed | start a new upload |
 * | `session_cancelled` | 499: the session was cancelled | start a new upload |
 * | `unavailable` | 408, 429, 5xx or a rate limit, and retrying is off, not safe or used up | try later, `recover()` |
 * | `transport_failed` | the transport rejected: no reply, see `cause` | try later, `recover()` |
 * | `deadline_exceeded` | a request stood still for too long, or took longer than its deadline | try later, `recover()` |
 * | `data_corruption` | the server's bytes are not the bytes that were read | start a new upload |
 * | `source_size_mismatch` | the source is shorter or longer than declared | declare the true size |
 * | `source_changed` | the source is not the one that the checkpoint or a checksum of yours speaks of, or changed on the way | start a new upload |
 * | `invalid_checkpoint` | the value is not a checkpoint that this version can read | start a new upload |
 * | `parts_left_behind` | a parallel upload failed (see `cause`), and what it had stored could not be removed | `cancelParallelUpload()` with the error's `checkpoint` |
 */
export type UploadErrorCode =
  | "invalid_state"
  | "invalid_response"
  | "rejected"
  | "precondition_failed"
  | "session_gone"
  | "session_cancelled"
  | "unavailable"
  | "transport_failed"
  | "deadline_exceeded"
  | "data_corruption"
  | "source_size_mismatch"
  | "source_changed"
  | "invalid_checkpoint"
  | "parts_left_behind";

/** The codes of failures that may pass. */
const RETRYABLE: readonly UploadErrorCode[] = [
  "unavailable",
  "transport_failed",
  "deadline_exceeded",
];

/** The codes of other failures that leave the session as it is. */
const RESUMABLE: readonly UploadErrorCode[] = [
  "invalid_state",
  "invalid_response",
  "source_changed",
];

/** What an {@linkcode UploadError} can be given besides its code and its message. */
export interface UploadErrorOptions {
  /** The error below this one. */
  cause?: unknown;
  /** The status of the reply that caused the failure. */
  status?: number | undefined;
  /** The server's own word for what went wrong. */
  reason?: string | undefined;
}

/**
 * The base of all errors of this library.
 *
 * @example Telling failures apart by their code
 * ```ts
 * import { UploadError } from "@resumable-media/upload";
 *
 * function advice(error: unknown): string {
 *   if (!(error instanceof UploadError)) return "a mistake in the program, an abort, or the source's own error";
 *   return error.code === "session_gone" ? "start a new upload" : `failed: ${error.code}`;
 * }
 * console.log(advice(new UploadError("session_gone", "Cannot send a chunk: the session has expired")));
 * ```
 */
export class UploadError extends Error {
  /** The name of the class, for logs. */
  override readonly name: string = "UploadError";
  /** What went wrong, as a stable word. */
  readonly code: UploadErrorCode;
  /** The status of the reply that caused the failure; `undefined` where there was none. */
  declare readonly status?: number | undefined;
  /**
   * The server's own word for what went wrong: the `reason` of Google's JSON errors, the `Code` of its XML errors;
   * `undefined` where it gave none.
   */
  declare readonly reason?: string | undefined;

  /**
   * Makes an error.
   *
   * @param code what went wrong, as a stable word
   * @param message action, expected, actual; never a token or a session URL
   * @param options `cause`: the error below this one; `status` and `reason` of the reply
   */
  constructor(code: UploadErrorCode, message: string, options: UploadErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.status !== undefined) this.status = options.status;
    if (options.reason !== undefined) this.reason = options.reason;
  }

  /** Whether the same may succeed later: no reply, one that came too late, or a server that could not serve. */
  get retryable(): boolean {
    return RETRYABLE.includes(this.code);
  }

  /**
   * Whether a checkpoint of this upload is worth keeping: the session may go on once what failed has been mended, credentials
   * (401, 403) and the wrong source (`source_changed`) included. `false` means that only a new upload helps.
   */
  get canResume(): boolean {
    if (this.code === "rejected") return this.status === 401 || this.status === 403;
    return RETRYABLE.includes(this.code) || RESUMABLE.includes(this.code);
  }
}

/**
 * The server answered, and the answer is not the one the upload needs. `response` can still be read.
 *
 * The counterpart of `google.resumable_media.InvalidResponse`.
 */
export class InvalidResponse extends UploadError {
  /** The name of the class, for logs. */
  override readonly name: string = "InvalidResponse";
  readonly #response: Response;

  /**
   * Makes an error.
   *
   * @param response the response that caused the failure
   * @param message action, expected, actual
   * @param code a more exact code than `invalid_response`
   */
  constructor(
    response: Response,
    message: string,
    code: UploadErrorCode = "invalid_response",
    options: UploadErrorOptions = {},
  ) {
    super(code, message, { status: response.status, ...options });
    this.#response = response;
  }

  /**
   * The response that caused the failure; its body can still be read. It is no property of the error's own, so that an
   * error that is printed whole shows neither the session URL nor its headers.
   */
  get response(): Response {
    return this.#response;
  }
}

/**
 * The bytes at the server are not the bytes that were read from the source: another size, or another checksum.
 *
 * The counterpart of `google.resumable_media.DataCorruption`. An object that was finished nevertheless is not deleted.
 */
export class DataCorruption extends UploadError {
  /** The name of the class, for logs. */
  override readonly name: string = "DataCorruption";
  readonly #response: Response;

  /**
   * Makes an error.
   *
   * @param response the response that showed the difference
   * @param message expected and actual size or checksum
   */
  constructor(response: Response, message: string, options: UploadErrorOptions = {}) {
    super("data_corruption", message, { status: response.status, ...options });
    this.#response = response;
  }

  /** The response that showed the difference; its body can still be read. It is not shown where an error is printed. */
  get response(): Response {
    return this.#response;
  }
}

/** What was given in the place of something else, for a message: a number as it is, of all else the type, since it may be a secret. */
export function typeInWords(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  if (Array.isArray(value)) return "an array";
  return Object(value).then ? "Promise; await it first" : value === null ? "null" : typeof value;
}
