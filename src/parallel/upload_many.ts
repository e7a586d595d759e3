/** Many files, a few at a time. */

import type { UploadManyItem } from "./item.ts";
import { checkFiles, checkManyOptions } from "./many_checks.ts";
import type { UploadManyOptions, UploadManySummary } from "./many_options.ts";
import { Run } from "./many_run.ts";

/** A run of {@linkcode uploadMany}: the promise of its summary, and the summary until now. */
export interface UploadManyRun extends Promise<UploadManySummary> {
  /** What was done until now; when the promise was rejected, what was done in all. */
  readonly summary: UploadManySummary;
}

/**
 * Uploads many files to a bucket, a few at a time, each as {@linkcode upload} does it: retried where that is safe, compared with
 * what was read, stored once.
 *
 * - **Any number of files.** The iterable is asked for the next file when one of `concurrency` slots is free, so a walk of a
 *   million files needs no more memory than one of a hundred. Give each source as a function, which is called when the turn of
 *   its file has come.
 * - **One result for each**, by `onResult`, as the files end. A failure ends its own file only, unless `stopOnError` is set.
 * - **Small files in one request**, up to 8 MiB of bytes, a Blob, a string or a file, where repeating it is safe: with
 *   `skipExisting` or `ifGenerationMatch`, or where you say so by `repeatable`: what is sent again is the same content, which only
 *   a bucket that keeps old versions shows, or a notification. All others take a session: two round trips instead of one.
 * - **Names are unique in a run.** A second file of a name fails. The last half million names at least are known, in 16 MiB at
 *   most.
 * - **Another run goes on**, see {@linkcode UploadManyManifest}.
 *
 * The promise is fulfilled when every file has ended, also where some have failed: look at `failed`. It rejects where the run
 * itself ends early, after everything that was begun has ended: with the signal's reason, with the first failure
 * (`stopOnError`), or with what the iterable, `onResult`, `onProgress` or the manifest has thrown. Then `summary` of the promise
 * says what was done, and `onResult` has had a result for each file that was begun.
 *
 * @param files items with a source and a name, in an array, a generator, an asynchronous generator
 * @throws {TypeError} an argument is of the wrong kind, or one that does not exist
 * @throws {RangeError} an argument is out of its bounds
 *
 * @example
 * ```ts
 * import { uploadMany } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * async function* pages() {
 *   for (const name of ["index.html", "about.html"]) {
 *     yield { name, contentType: "text/html", source: () => Promise.resolve(`<h1>${name}</h1>`) };
 *   }
 * }
 *
 * const { uploaded, failed } = await uploadMany(pages(), {
 *   bucket: "my-bucket",
 *   transport: new GcsEmulator().fetch, // or one of your own that adds credentials
 *   repeatable: true,
 *   metadata: { cacheControl: "public, max-age=3600" },
 *   onResult(result) {
 *     if (result.status === "failed") console.error(result.name, result.error);
 *   },
 * });
 * console.log(uploaded, failed); // 2 0
 * ```
 *
 * @example Stopping, and what was done until then
 * ```ts
 * import { uploadMany } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const stop = new AbortController();
 * const run = uploadMany([{ name: "a", source: "a" }, { name: "b", source: "b" }], {
 *   bucket: "my-bucket",
 *   transport: new GcsEmulator().fetch,
 *   concurrency: 1,
 *   signal: stop.signal,
 *   onResult: () => stop.abort(),
 * });
 * await run.catch(() => console.log(run.summary.uploaded)); // 1
 * ```
 */
export function uploadMany<I extends UploadManyItem>(
  files: Iterable<I> | AsyncIterable<I>,
  options: UploadManyOptions<I>,
): UploadManyRun {
  let run: Run<I> | undefined;
  const finished = (async () => {
    checkFiles(files);
    checkManyOptions(options);
    options.signal?.throwIfAborted();
    run = new Run(files, options);
    return await run.finish();
  })();
  const summary = () => run?.summary ?? { uploaded: 0, skipped: 0, failed: 0, bytes: 0 };
  return Object.defineProperty(finished, "summary", { get: summary }) as UploadManyRun;
}
