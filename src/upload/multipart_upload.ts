/** The multipart upload: metadata and bytes in one request. */

import type { Transport } from "../net/transport.ts";
import type { ObjectMetadata, StorageObject } from "../protocol/resources/storage_object.ts";
import { checkContentType, checkMetadata } from "./check_arguments.ts";
import { asMultipart } from "./framing.ts";
import type { UploadData } from "./send_in_one.ts";
import { OneShot } from "./one_shot.ts";
import type { CallOptions, OneShotOptions } from "./upload_options.ts";

/**
 * Uploads bytes with metadata in one request. Up to 8 MiB the checksum travels with the metadata, so that the server refuses
 * to store bytes that were damaged on the way; more is read once, while it is sent, and the stored object is compared.
 *
 * It is retried only when repeating it is safe: with `ifGenerationMatch` on the URL, or where `repeatable` says so. Good for
 * small data; what is lost halfway starts again from the first byte.
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
export class MultipartUpload<T = StorageObject> {
  readonly #shot: OneShot<T>;

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl the JSON API's `…/o?uploadType=multipart`
   */
  constructor(uploadUrl: string | URL, options: OneShotOptions<T> = {}) {
    this.#shot = new OneShot(uploadUrl, "multipart", options);
  }

  /** Where metadata and bytes are sent. */
  get uploadUrl(): string {
    return this.#shot.upload.url;
  }

  /** Whether the object is stored, and is the right one. */
  get finished(): boolean {
    return this.#shot.result !== undefined;
  }

  /** The stored object; `undefined` before. */
  get object(): T | undefined {
    return this.#shot.result?.value;
  }

  /**
   * Sends metadata and bytes. It can be called once.
   *
   * @param data a Blob is never read whole; a string is sent as UTF-8
   * @param metadata the object resource to create, with its `name` unless the URL has it; a checksum that is computed is
   * added to what is sent, and compared with one that is given
   * @param contentType the media type of the object
   */
  transmit(
    transport: Transport,
    data: UploadData,
    metadata: ObjectMetadata,
    contentType: string,
    options: CallOptions = {},
  ): Promise<Response> {
    return this.#shot.transmit(transport, data, options, () => {
      checkMetadata(metadata);
      checkContentType(contentType);
      return asMultipart(metadata, contentType, this.#shot.upload.resource);
    });
  }
}
