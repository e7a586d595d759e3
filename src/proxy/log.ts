/** The log: one line for each request, without a secret in it. */

import { type Backend, namedBackend } from "./backend.ts";

/** One line of the proxy's log. Nothing in it is a secret, and strings are JSON when it is written. */
export interface UploadLogEntry {
  /** When, RFC 3339. */
  readonly time: string;
  /**
   * `start`, `chunk`, `status`, `finish`, `cancel`, `media`, `multipart`, `preflight`, `health` or `refused`. A request with
   * which the object was there is a `finish`, `media` or `multipart` with the fields `generation` and `size`.
   */
  readonly event: string;
  /** The HTTP method. */
  readonly method: string;
  /** The status of the reply. */
  readonly status: number;
  /** Milliseconds from the request to the reply. */
  readonly ms: number;
  /** A name for the upload session, the same for all requests of an upload; it tells nothing of it. */
  readonly session?: string | undefined;
  /** Who the ticket is for. */
  readonly subject?: string | undefined;
  /** The name of the backend, where it is another one than Cloud Storage. */
  readonly backend?: string | undefined;
  /** Where the object goes. */
  readonly bucket?: string | undefined;
  /** The `Content-Range` of the request. */
  readonly range?: string | undefined;
  /**
   * Bytes of the request's body that were passed on; of a request that was refused, those that it said. Missing where a body
   * with a length broke off: nobody has counted it.
   */
  readonly bytes?: number | undefined;
  /** The name of the finished object, where the operator wants it in the log. */
  readonly name?: string | undefined;
  /** The generation of the finished object, as Google said it. */
  readonly generation?: string | undefined;
  /** The size of the finished object in bytes, as Google said it. */
  readonly size?: number | undefined;
  /** The CRC32C of the finished object in base64, as Google said it. */
  readonly crc32c?: string | undefined;
  /** Google's status. */
  readonly upstreamStatus?: number | undefined;
  /** Milliseconds until the end of Google's reply. */
  readonly upstreamMs?: number | undefined;
  /** The origin of the page that has sent the request, where it is not among those that are allowed. */
  readonly refusedOrigin?: string | undefined;
  /** Why the request was refused, or why the bytes that a creation brought were not stored. */
  readonly error?: string | undefined;
}

/** Notes where a request goes. */
export function noteBackend(trace: Trace, backend: Backend, bucket: string): void {
  const name = namedBackend(backend);
  if (name !== undefined) trace.backend = name;
  if (bucket !== "") trace.bucket = bucket;
}

/** What a request did, as far as it has come. */
export interface Trace {
  event: string;
  session?: string | undefined;
  backend?: string | undefined;
  bucket?: string | undefined;
  subject?: string | undefined;
  range?: string | undefined;
  bytes?: number | undefined;
  name?: string | undefined;
  generation?: string | undefined;
  size?: number | undefined;
  crc32c?: string | undefined;
  upstreamStatus?: number | undefined;
  upstreamMs?: number | undefined;
  refusedOrigin?: string | undefined;
  error?: string | undefined;
  /** Whether an object is there with it that has not been counted: for the numbers, and no field of the log. */
  completes?: boolean | undefined;
}
