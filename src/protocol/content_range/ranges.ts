/** Byte positions on the wire: `Content-Range` as it is sent, `Range` as it is answered. */

/**
 * 262 144 bytes (256 KiB): every request of a resumable upload but the last carries a multiple of it.
 *
 * Google keeps whole multiples only, and a smaller request that is not the last one kills the session
 * ({@link https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload}).
 *
 * @example
 * ```ts
 * import { UPLOAD_CHUNK_SIZE } from "@resumable-media/upload";
 *
 * const chunkSize = 32 * UPLOAD_CHUNK_SIZE; // 8 MiB
 * console.log(chunkSize);
 * ```
 */
export const UPLOAD_CHUNK_SIZE = 262144;

/**
 * 308, the status with which Google says that a session is not finished yet; it is no redirect, it has no `Location`.
 *
 * @example
 * ```ts
 * import { PERMANENT_REDIRECT } from "@resumable-media/upload";
 *
 * console.log(PERMANENT_REDIRECT); // 308
 * ```
 */
export const PERMANENT_REDIRECT = 308;

/**
 * The `Content-Range` of the bytes from `start` up to, not including, `end`.
 *
 * Without bytes it is the form that asks (`total` unknown) or finishes (`total` equal to what is stored).
 */
export function contentRange(start: number, end: number, total: number | undefined): string {
  const size = total ?? "*";
  return end > start ? `bytes ${start}-${end - 1}/${size}` : `bytes */${size}`;
}

/**
 * How many bytes a `Range` of a 308 says are stored: 0 without the header, `undefined` when it is not of the form
 * `bytes=0-{last}`. A template of Google's for its APIs has shown it without `bytes=`.
 */
export function storedBytes(range: string | null): number | undefined {
  if (range === null) return 0;
  const match = /^(?:bytes=)?0-(\d{1,16})$/i.exec(range.trim());
  if (!match) return undefined;
  const stored = Number(match[1]) + 1;
  return Number.isSafeInteger(stored) ? stored : undefined;
}
