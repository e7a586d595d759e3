/** The multipart upload: metadata and bytes in one request. */

import type { Transport } from "../net/transport.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/metadata.ts";
import { type MultipartFrame, multipartFrame } from "../protocol/multipart.ts";
import { checkContentType, checkMetadata } from "./checks.ts";
import { type Compose, OneShot, type Payload, type UploadData } from "./one_shot.ts";
import type { CallOptions, OneShotOptions } from "./options.ts";

/**
 * Uploads bytes with metadata in one request. The checksum travels with the metadata, so that the server refuses to store
 * bytes that were damaged on the way.
 *
 * It is retried only when repeating it is safe: with `ifGenerationMatch` on the URL, or `x-goog-if-generation-match`
 * among the headers. Good for small data; what is lost halfway starts again from the first byte.
 *
 * The counterpart of `google.resumable_media.requests.MultipartUpload`. Protocol:
 * {@link https://cloud.google.com/storage/docs/uploading-objects#rest-upload-objects}
 *
 * @example
 * ```ts
 * import { MultipartUpload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // or one of your own that adds credentials
 * const url = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=multipart";
 * const upload = new MultipartUpload(url);
 * const metadata = { name: "greeting.txt", metadata: { language: "en" } };
 * const response = await upload.transmit(transport, "hello", metadata, "text/plain");
 * console.log((await response.json()).metadata, upload.finished); // { language: "en" } true
 * ```
 */
export class MultipartUpload {
  readonly #shot: OneShot;

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl the JSON API's `…/o?uploadType=multipart`
   */
  constructor(uploadUrl: string | URL, options: OneShotOptions = {}) {
    this.#shot = new OneShot(uploadUrl, options);
  }

  /** Where metadata and bytes are sent. */
  get uploadUrl(): string {
    return this.#shot.upload.url;
  }

  /** Whether the object is stored, and is the right one. */
  get finished(): boolean {
    return this.#shot.object !== undefined;
  }

  /** The stored object; `undefined` before. */
  get object(): StorageObject | undefined {
    return this.#shot.object;
  }

  /**
   * Sends metadata and bytes. It can be called once.
   *
   * @param data a Blob is never read whole; a string is sent as UTF-8
   * @param metadata the object resource to create, with its `name` unless the URL has it; a computed checksum is added to
   * what is sent, and replaces one that is given
   * @param contentType the media type of the object
   */
  async transmit(
    transport: Transport,
    data: UploadData,
    metadata: ObjectMetadata,
    contentType: string,
    options: CallOptions = {},
  ): Promise<Response> {
    const compose = asMultipart(metadata, contentType);
    return (await this.#shot.transmit(transport, data, options, compose)).response;
  }
}

/** The data with its metadata, to which the checksums are added. */
export function asMultipart(metadata: ObjectMetadata, contentType: string): Compose {
  checkMetadata(metadata);
  checkContentType(contentType);
  return (payload, headers) => {
    const { crc32c, md5 } = payload.checksums;
    const resource = { ...metadata, ...(crc32c && { crc32c }), ...(md5 && { md5Hash: md5 }) };
    const frame = multipartFrame(resource, contentType, crypto.randomUUID());
    headers.set("content-type", frame.contentType);
    return framed(frame, payload);
  };
}

/** Frame and data in one body, whose length is known; a Blob stays where it is. */
function framed(
  { head, tail }: MultipartFrame,
  { body, size }: Payload,
): Uint8Array<ArrayBuffer> | Blob {
  if (body instanceof Blob) return new Blob([head, body, tail]);
  const bytes = new Uint8Array(head.length + size + tail.length);
  bytes.set(head);
  bytes.set(body, head.length);
  bytes.set(tail, head.length + size);
  return bytes;
}
