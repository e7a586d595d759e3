/**
 * One file over many connections: XML multipart uploads, and composed objects where a precondition is needed.
 *
 * {@linkcode uploadParallel} is the one call; {@linkcode cancelParallelUpload} removes what it was asked to keep.
 * {@linkcode XmlMultipartContainer} and {@linkcode XmlMultipartPart} are the pieces below, with the names and meanings of
 * Python's `google.resumable_media`.
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

export { type CancelParallelOptions, cancelParallelUpload } from "./cancel.ts";
export type { ParallelCheckpoint, StoredPart } from "./checkpoint.ts";
export { PartsLeftBehind } from "./left_behind.ts";
export type { ParallelOptions, ParallelSettings, Via } from "./options.ts";
export { uploadParallel } from "./upload_parallel.ts";
export {
  type PartFacts,
  XmlMultipartContainer,
  type XmlMultipartContainerOptions,
} from "./xml_multipart_container.ts";
export { XmlMultipartPart, type XmlMultipartPartOptions } from "./xml_multipart_part.ts";
