/**
 * One file over many connections, and many files at once.
 *
 * {@linkcode uploadParallel} uploads one file in parts: by XML multipart upload, or by composed objects where a precondition is
 * needed; {@linkcode cancelParallelUpload} removes what it was asked to keep. {@linkcode XmlMultipartContainer} and
 * {@linkcode XmlMultipartPart} are the pieces below, with the names and meanings of Python's `google.resumable_media`.
 * {@linkcode uploadMany} uploads the files of any iterable, a few at a time and in constant memory, with one result for each,
 * and goes on where an earlier run has ended.
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
 * @example
 * ```ts
 * import { uploadParallel } from "@resumable-media/upload/parallel";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const object = await uploadParallel(new Blob([new Uint8Array(12_000_000)]), {
 *   bucket: "my-bucket",
 *   name: "zeros",
 *   partSize: 6_000_000,
 *   transport: new GcsEmulator().fetch, // or one of your own that adds credentials
 * });
 * console.log(object.size); // 12000000
 * ```
 *
 * @module
 */

export { type CancelParallelOptions, cancelParallelUpload } from "./cancel_parallel.ts";
export type { ParallelCheckpoint, StoredPart } from "./parallel_checkpoint.ts";
export { inParts, type InPartsOptions, type LargeFiles } from "./in_parts.ts";
export type { UploadManyItem } from "./item.ts";
export type { KeepingOptions, ResumeEvent } from "../upload/kept_checkpoints.ts";
export { PartsLeftBehind } from "./left_behind.ts";
export type { UploadManyManifest } from "./manifest.ts";
export type {
  FailedFile,
  FileInFlight,
  SkippedFile,
  UploadedFile,
  UploadManyOptions,
  UploadManyProgress,
  UploadManyResult,
  UploadManySummary,
} from "./many_options.ts";
export type { ParallelOptions, ParallelSettings, Via } from "./parallel_options.ts";
export { uploadMany, type UploadManyRun } from "./upload_many.ts";
export { uploadParallel } from "./upload_parallel.ts";
export {
  type PartFacts,
  XmlMultipartContainer,
  type XmlMultipartContainerOptions,
} from "./xml_multipart_container.ts";
export { XmlMultipartPart, type XmlMultipartPartOptions } from "./xml_multipart_part.ts";
