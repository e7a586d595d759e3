/**
 * Many files at once.
 *
 * {@linkcode uploadMany} uploads the files of any iterable to a bucket, a few at a time and in constant memory, with one result for
 * each, and goes on where an earlier run has ended.
 *
 * @example
 * ```ts
 * import { uploadMany } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const files = [{ name: "a.txt", source: "a" }, { name: "b.txt", source: "b" }];
 * const summary = await uploadMany(files, {
 *   bucket: "my-bucket",
 *   transport: new GcsEmulator().fetch, // or one of your own that adds credentials
 *   skipExisting: true,
 * });
 * console.log(summary); // { uploaded: 2, skipped: 0, failed: 0, bytes: 2 }
 * ```
 *
 * @module
 */

export type { UploadManyItem } from "./item.ts";
export type { UploadManyManifest } from "./manifest.ts";
export type {
  FailedFile,
  SkippedFile,
  UploadedFile,
  UploadManyOptions,
  UploadManyProgress,
  UploadManyResult,
  UploadManySummary,
} from "./many_options.ts";
export { uploadMany, type UploadManyRun } from "./upload_many.ts";
