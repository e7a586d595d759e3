/**
 * Google's resumable media uploads for every JavaScript runtime that speaks the Web platform: Deno, Bun, Node, Workers
 * and browsers.
 *
 * {@linkcode upload} is the one call most programs need; {@linkcode uploadStream} is the same as a stream to write into.
 * {@linkcode createUploadSession} opens an upload for a page without credentials, and {@linkcode cancelUpload} ends one.
 * {@linkcode SimpleUpload}, {@linkcode MultipartUpload} and {@linkcode ResumableUpload} are the pieces below, with the
 * names and meanings of Python's `google.resumable_media`.
 *
 * Credentials are the matter of the transport, which `@resumable-media/upload/auth` makes; what goes wrong is an
 * {@linkcode UploadError}, whose {@linkcode UploadErrorCode} says what helps.
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const object = await upload(new Blob(["hello"]), {
 *   bucket: "my-bucket",
 *   name: "hello.txt",
 *   transport: new GcsEmulator().fetch, // or one of your own that adds credentials
 * });
 * console.log(object.crc32c); // mnG7TA==
 * ```
 *
 * @module
 */

export {
  DataCorruption,
  InvalidResponse,
  UploadError,
  type UploadErrorCode,
  type UploadErrorOptions,
} from "./src/errors.ts";
export type { ByteContainer } from "./src/bytes/bytes.ts";
export type { ByteSource, UploadSource } from "./src/bytes/source.ts";
export type { Clock } from "./src/net/clock.ts";
export type { RetryEvent, RetryOptions } from "./src/net/retry.ts";
export type { Transport, TransportInit } from "./src/net/transport.ts";
export { PERMANENT_REDIRECT, UPLOAD_CHUNK_SIZE } from "./src/protocol/content_range/ranges.ts";
export type { Checksums } from "./src/protocol/hashes.ts";
export type { Refusal } from "./src/protocol/refusal.ts";
export type { ReplyHead } from "./src/protocol/reply.ts";
export type {
  ChecksumOption,
  Resource,
  ResourceFacts,
  UploadContext,
} from "./src/protocol/resource.ts";
export { anything } from "./src/protocol/resources/anything.ts";
export { type DriveFile, driveFile } from "./src/protocol/resources/drive_file.ts";
export { type GeminiFile, geminiFile } from "./src/protocol/resources/gemini_file.ts";
export {
  type ObjectMetadata,
  type StorageObject,
  storageObject,
} from "./src/protocol/resources/storage_object.ts";
export { json, text } from "./src/protocol/resources/text.ts";
export type {
  ChunkInput,
  Method,
  OpenedSession,
  RequestHead,
  SessionAnswer,
  SessionQuestion,
  StartInput,
  UploadProtocol,
} from "./src/protocol/upload_protocol.ts";
export { xGoogUpload } from "./src/protocol/x_goog_upload.ts";
export { type CancelOptions, cancelUpload } from "./src/upload/cancel_upload.ts";
export type { Checkpoint } from "./src/upload/checkpoint.ts";
export type { CheckpointStore, ResumeEvent } from "./src/upload/kept_checkpoints.ts";
export {
  createUploadSession,
  type HandedOverSession,
  type SessionSettings,
} from "./src/upload/hand_off.ts";
export { MultipartUpload } from "./src/upload/multipart_upload.ts";
export type { UploadData } from "./src/upload/send_in_one.ts";
export type {
  AttachOptions,
  CallOptions,
  InitiateOptions,
  OneShotOptions,
  ResumableUploadOptions,
  ResumeOptions,
  StartMethod,
  UploadProgress,
} from "./src/upload/upload_options.ts";
export { ResumableUpload } from "./src/upload/resumable_upload.ts";
export type {
  CheckpointTarget,
  SessionTarget,
  SessionUploadOptions,
  StreamOptions,
  StreamSettings,
  UploadOptions,
  UploadSettings,
  UploadTarget,
} from "./src/upload/settings.ts";
export { SimpleUpload } from "./src/upload/simple_upload.ts";
export type { BucketTarget, ObjectQuery, Target, UrlTarget } from "./src/upload/target.ts";
export { upload } from "./src/upload/upload.ts";
export { type UploadStream, uploadStream } from "./src/upload/upload_stream.ts";
export { uploadToSession } from "./src/upload/upload_to_session.ts";
