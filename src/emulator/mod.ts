/**
 * An in-process Google Cloud Storage endpoint for tests, with the shape of `fetch`.
 *
 * It does what Google does where that matters to an upload: 256 KiB granularity, sessions that die after a
 * chunk that is too small, offset gaps, dropped overlaps, checksums, preconditions. It breaks connections,
 * loses replies and ends sessions where a test asks for it. It speaks Google's second wire protocol,
 * `X-Goog-Upload`, and is a small Drive, Gemini, YouTube, Photos and Firebase as well.
 *
 * @example
 * ```ts
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const gcs = new GcsEmulator();
 * const response = await gcs.fetch(
 *   "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a.txt",
 *   { method: "POST", body: "hello", headers: { "content-type": "text/plain" } },
 * );
 * console.log(response.status, gcs.get("my-bucket", "a.txt")?.contentType); // 200 text/plain
 * ```
 *
 * @module
 */

export { GcsEmulator } from "./emulator.ts";
export type { CorsOptions, GcsEmulatorOptions } from "./emulator_options.ts";
export type { EmulatedObject, ObjectResource } from "./storage/object.ts";
export type { EmulatedUpload } from "./apis/files.ts";
export type { ApiName, Protocol } from "./api_endpoint.ts";
export type { EmulatedSession } from "./storage/stored_session.ts";
export type { EmulatedMultipartUpload, EmulatedPart } from "./storage/xml_multipart_upload.ts";
export type { FaultName, RequestKind, RequestRecord } from "./record.ts";
export type { Fault, FaultActions, FaultScope, OneAction, StatusReply } from "./faults/faults.ts";
export type { RandomFaults } from "./faults/fault_plan.ts";
