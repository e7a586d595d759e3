/** Where an upload goes, and how it is driven there. */

import type { Transport } from "../net/transport.ts";
import { UPLOAD_CHUNK_SIZE } from "../protocol/content_range.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/metadata.ts";
import {
  DEFAULT_ENDPOINT,
  uploadTypeOf,
  uploadUrl,
  withParameter,
} from "../protocol/upload_url.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { checkChunkSize, checkUrl } from "./checks.ts";
import type { ResumableUploadOptions } from "./options.ts";
import { ResumableUpload } from "./resumable.ts";

/** 8 MiB: the default size of a chunk. */
const DEFAULT_CHUNK_SIZE = 32 * UPLOAD_CHUNK_SIZE;

/** Where to, and how: options of {@linkcode upload} and {@linkcode uploadStream}. */
export interface UploadTarget extends ResumableUploadOptions {
  /** The bucket; with `name`, instead of `url`. */
  bucket?: string;
  /** The name of the object: any legal one, not encoded. */
  name?: string;
  /**
   * The origin of the API: an emulator's, a proxy's, a private endpoint's.
   *
   * @default {"https://storage.googleapis.com"}
   */
  endpoint?: string | URL;
  /** The start URL, instead of `bucket` and `name`: an API URL or a signed URL. Its `uploadType`, if any, is obeyed. */
  url?: string | URL;
  /** Sends the requests, and adds credentials to them. The default is `fetch`, which adds none. */
  transport?: Transport;
  /** The media type. The default is the Blob's own, `text/plain;charset=UTF-8` for a string, else `application/octet-stream`. */
  contentType?: string;
  /** Fields of the object resource: `metadata`, `cacheControl`, `storageClass` and so on. */
  metadata?: ObjectMetadata;
  /**
   * Bytes in each request of a resumable upload, a multiple of {@linkcode UPLOAD_CHUNK_SIZE}; at most two chunks are held
   * in memory.
   *
   * @default {8388608}
   */
  chunkSize?: number;
  /** The size of a stream in bytes, when it is known; a stream that does not keep it is an error, never an object. */
  totalBytes?: number;
  /**
   * Store only if this is the object's live generation; `0` means that there must be none. It also makes one request safe
   * to repeat, so that up to one chunk takes one request instead of two.
   */
  ifGenerationMatch?: number | string;
  /** Called with a new checkpoint whenever the server has confirmed more; awaited before the upload goes on. */
  onCheckpoint?: (checkpoint: Checkpoint) => void | Promise<void>;
  /** Stops at once, with the signal's own reason. The session stays open, for a checkpoint to take it up. */
  signal?: AbortSignal;
}

/** `fetch` as it is when it is called, so that replacing it works. */
export const defaultTransport: Transport = (input, init) => fetch(input, init);

/** The start URL that the options mean. */
export function startOf(options: UploadTarget): string {
  const { url, bucket, name, endpoint, ifGenerationMatch, metadata } = options;
  const [hasUrl, hasBucket, hasName] = [url, bucket, name].map((value) => value !== undefined);
  if (hasBucket !== hasName || hasUrl === hasBucket) {
    throw new TypeError("Cannot upload: expected either `url`, or `bucket` and `name`");
  }
  if (name !== undefined && metadata?.name !== undefined && metadata.name !== name) {
    throw new TypeError("metadata.name: expected none, or the same as `name`");
  }
  const start = url !== undefined
    ? checkUrl(url, "url")
    : uploadUrl(checkUrl(endpoint ?? DEFAULT_ENDPOINT, "endpoint"), bucket!, name!);
  return ifGenerationMatch === undefined
    ? start
    : withParameter(start, "ifGenerationMatch", String(ifGenerationMatch));
}

/** The size of a chunk that the options mean, in bytes. */
export function chunkSizeOf({ chunkSize = DEFAULT_CHUNK_SIZE }: UploadTarget): number {
  return checkChunkSize(chunkSize);
}

/** The resumable upload that the options mean; nothing is sent yet. */
export function resumableFor(start: string, options: UploadTarget): ResumableUpload {
  const url = uploadTypeOf(start) ? start : withParameter(start, "uploadType", "resumable");
  return new ResumableUpload(url, chunkSizeOf(options), options);
}

/** Sends chunks until the object is finished. */
export async function drive(
  resumable: ResumableUpload,
  transport: Transport,
  options: UploadTarget,
): Promise<StorageObject> {
  if (resumable.invalid) await resumable.recover(transport, options);
  while (!resumable.finished) {
    await options.onCheckpoint?.(resumable.checkpoint());
    await resumable.transmitNextChunk(transport, options);
  }
  return resumable.object!;
}
