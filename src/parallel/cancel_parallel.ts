/** Giving up a parallel upload that nobody wants to go on with, from its checkpoint. */

import { type RetryOptions, retryPolicy } from "../net/retry.ts";
import { defaultTransport, type Transport } from "../net/transport.ts";
import { xmlObjectUrl } from "../protocol/object_url.ts";
import { checkOptions, checkTransport } from "../upload/check_arguments.ts";
import { checkHeaders } from "../upload/headers.ts";
import { checkParallelCheckpoint, type ParallelCheckpoint } from "./parallel_checkpoint.ts";
import { TemporaryObjects } from "./temporary_objects.ts";
import { abortUpload } from "./multipart_requests.ts";

/** Options of {@linkcode cancelParallelUpload}. */
export interface CancelParallelOptions {
  /** Sends the requests, and adds credentials to them. The default is `fetch`, which adds none. */
  transport?: Transport | undefined;
  /** Headers of the requests. */
  headers?: HeadersInit | undefined;
  /** How failures that may pass are retried; `false` and `null` never retry. */
  retry?: RetryOptions | false | null | undefined;
  /** Stops at once, with the signal's own reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Removes what is stored of a parallel upload that was not finished: its parts, or its temporary objects. One that is gone
 * already is no error, and an object that was finished stays as it is. The source is not needed.
 *
 * With `via: "compose"` it lists the temporary objects, which takes the permission `storage.objects.list`.
 *
 * @param checkpoint the last one, or that of {@linkcode PartsLeftBehind}
 *
 * @example
 * ```ts
 * import { cancelParallelUpload, type ParallelCheckpoint, uploadParallel } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch;
 * let saved: ParallelCheckpoint | undefined;
 * const onCheckpoint = (checkpoint: ParallelCheckpoint) => {
 *   saved = checkpoint;
 *   throw new Error("The user has changed their mind");
 * };
 * const options = { bucket: "my-bucket", name: "zeros", partSize: 5_242_880, transport, onCheckpoint };
 * await uploadParallel(new Uint8Array(6_000_000), options).catch(() => {});
 * await cancelParallelUpload(saved!, { transport });
 * ```
 */
export async function cancelParallelUpload(
  checkpoint: ParallelCheckpoint,
  options: CancelParallelOptions = {},
): Promise<void> {
  checkOptions(options, ["headers", "retry", "signal", "transport"], "cancelParallelUpload");
  const { via, uploadId, endpoint, bucket, name } = checkParallelCheckpoint(checkpoint);
  const { transport = defaultTransport, signal } = options;
  checkTransport(transport);
  const { startHeaders: headers } = checkHeaders(options.headers);
  const sending = { transport, headers, policy: retryPolicy(options.retry), signal };
  if (via === "multipart") {
    const objectUrl = xmlObjectUrl({ endpoint, bucket, name });
    await abortUpload({ objectUrl, uploadId }, sending);
    return;
  }
  const temporary = new TemporaryObjects({ endpoint, bucket }, uploadId);
  await temporary.list(sending);
  await temporary.deleteAll(sending);
}
