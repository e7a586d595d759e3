/** The one call most users make. */

import { type ByteSource, prepareSource, type UploadSource } from "../bytes/source.ts";
import { isRepeatable, type ObjectMetadata, type StorageObject } from "../protocol/metadata.ts";
import { type UploadType, uploadTypeOf, withParameter } from "../protocol/upload_url.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { checkTotalBytes } from "./checks.ts";
import { asMultipart } from "./multipart.ts";
import { checkData, OneShot, type UploadData } from "./one_shot.ts";
import { ResumableUpload } from "./resumable.ts";
import { asMedia } from "./simple.ts";
import {
  chunkSizeOf,
  defaultTransport,
  drive,
  resumableFor,
  startOf,
  type UploadTarget,
} from "./target.ts";

/** Options of {@linkcode upload}. */
export interface UploadOptions extends UploadTarget {
  /** Takes up the upload that this checkpoint speaks of; where to, chunk size, checksum and media type are in it. */
  checkpoint?: Checkpoint;
  /**
   * Whether what a checkpoint says is stored is read again from the source and compared; see {@linkcode ResumeOptions}.
   *
   * @default {true}
   */
  verifyPrefix?: boolean;
}

/**
 * Uploads a source and returns the object, finished and compared with what was read.
 *
 * It takes a resumable session, which survives failures at any moment and stores the object once; and a single request
 * where that is as good: up to one chunk of a Blob, bytes or a string, when `ifGenerationMatch` makes it safe to repeat or
 * `retry: null` forbids to repeat it. Failures that may pass are retried; see
 * {@linkcode RetryOptions}. When it throws, a stream is cancelled with the error and a {@linkcode ByteSource} is closed; a
 * session stays open, and a checkpoint from `onCheckpoint` goes on with it.
 *
 * @throws {UploadError} the upload cannot be finished; see its `code`
 * @throws {TypeError} an argument is of the wrong kind
 * @throws {RangeError} an argument is out of its bounds
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const object = await upload(new Blob(["hello"]), {
 *   bucket: "my-bucket",
 *   name: "greetings/hello world.txt",
 *   contentType: "text/plain",
 *   transport: new GcsEmulator().fetch, // or one of your own that adds credentials
 * });
 * console.log(object.name, object.size); // greetings/hello world.txt 5
 * ```
 *
 * @example Progress, and a checkpoint to go on from after a crash
 * ```ts
 * import { type Checkpoint, upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * let saved: Checkpoint | undefined;
 * await upload(new Uint8Array(20_000_000), {
 *   bucket: "my-bucket",
 *   name: "zeros",
 *   transport: new GcsEmulator().fetch,
 *   onProgress: ({ sent, persisted, total }) => console.log(`${sent} sent, ${persisted} of ${total} stored`),
 *   onCheckpoint: (checkpoint) => void (saved = checkpoint), // store it; later: upload(source, { checkpoint: saved, … })
 * });
 * console.log(saved?.persisted); // 16777216
 * ```
 */
export async function upload(source: UploadSource, options: UploadOptions): Promise<StorageObject> {
  const prepared = prepareSource(source);
  let resumable: ResumableUpload | undefined;
  try {
    const transport = options.transport ?? defaultTransport;
    if (options.checkpoint) {
      resumable = ResumableUpload.resume(options.checkpoint, source, options);
      return await drive(resumable, transport, options);
    }
    const { size } = prepared;
    checkTotalBytes(options.totalBytes, size);
    const contentType = options.contentType ?? contentTypeOf(source, options.metadata);
    const start = startOf(options);
    const fits = size !== undefined && size <= chunkSizeOf(options) && !isByteSource(source);
    const given = uploadTypeOf(start);
    const type = given ?? (fits ? pickType(start, options) : "resumable");
    if (type !== "resumable") {
      const url = given ? start : withParameter(start, "uploadType", type);
      return await uploadOnce(type, url, source as UploadData, contentType, options);
    }
    resumable = resumableFor(start, options);
    await resumable.initiate(transport, source, options.metadata ?? {}, contentType, options);
    return await drive(resumable, transport, options);
  } catch (error) {
    // The source learns of it, whether it is being read already or not.
    if (resumable?.resumableUrl !== undefined) await resumable.close(error);
    else await prepared.open().close(error);
    throw error;
  }
}

/** For data that fits: one request where that is safe to repeat, or is not to be repeated anyway, else a session. */
function pickType(url: string, options: UploadTarget): UploadType {
  if (options.retry !== null && !isRepeatable(url, new Headers(options.headers))) {
    return "resumable";
  }
  const bare = options.checksum === null && Object.keys(options.metadata ?? {}).length === 0;
  return bare ? "media" : "multipart";
}

function isByteSource(source: UploadSource): source is ByteSource {
  return typeof source === "object" && "read" in source;
}

function contentTypeOf(source: UploadSource, metadata: ObjectMetadata | undefined): string {
  if (typeof metadata?.contentType === "string") return metadata.contentType;
  if (source instanceof Blob && source.type !== "") return source.type;
  return typeof source === "string" ? "text/plain;charset=UTF-8" : "application/octet-stream";
}

async function uploadOnce(
  type: "media" | "multipart",
  url: string,
  data: UploadData,
  contentType: string,
  options: UploadTarget,
): Promise<StorageObject> {
  const { transport = defaultTransport, metadata = {}, onProgress } = options;
  const { size: total } = checkData(data).source;
  onProgress?.({ sent: total!, persisted: 0, total });
  const compose = type === "media" ? asMedia(contentType) : asMultipart(metadata, contentType);
  const shot = new OneShot(url, options);
  await shot.transmit(transport, data, options, compose);
  onProgress?.({ sent: total!, persisted: total!, total });
  return shot.object!;
}
