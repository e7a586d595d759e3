/**
 * What takes files: a path as a source, a folder as a walk over its files, and Google's credentials where Google's libraries look for
 * them. For Node, Deno and Bun; pages have Blobs, and `@resumable-media/upload/directory`.
 *
 * | to | use |
 * | --- | --- |
 * | upload a file | {@linkcode fileSource} |
 * | upload the files of a folder | {@linkcode directory} |
 * | keep checkpoints in a folder | {@linkcode fileCheckpoints} |
 * | have the credentials that gcloud and Google's libraries have | {@linkcode applicationDefaultTransport} |
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { fileSource } from "@resumable-media/upload/file";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // or await applicationDefaultTransport()
 * const object = await upload(await fileSource("README.md"), { bucket: "my-bucket", name: "README.md", transport });
 * console.log(object.contentType); // text/markdown
 * ```
 *
 * @module
 */

export type { ByteSource } from "../bytes/source.ts";
export { UploadError, type UploadErrorCode } from "../errors.ts";
export type { Clock } from "../net/clock.ts";
export type { RetryEvent, RetryOptions } from "../net/retry.ts";
export type { Transport, TransportInit } from "../net/transport.ts";
export type { AuthOptions, TokenOptions } from "../auth/auth_options.ts";
export {
  type ApplicationDefaultOptions,
  applicationDefaultTransport,
} from "./application_default.ts";
export { directory, type DirectoryEntry, type DirectoryOptions } from "./walk_directory.ts";
export { fileCheckpoints } from "./file_checkpoints.ts";
export { type FileSource, fileSource, type FileSourceOptions } from "./file_source.ts";
export { mediaTypeOf } from "./media_type_of_name.ts";
export type { PipedFileSource } from "./piped_file.ts";
export type { RegularFileSource } from "./regular_file.ts";
