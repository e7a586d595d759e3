/** The simple upload: the bytes and nothing else, in one request. */

import type { Transport } from "../net/transport.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { checkContentType } from "./check_arguments.ts";
import { asMedia } from "./framing.ts";
import type { UploadData } from "./send_in_one.ts";
import { OneShot } from "./one_shot.ts";
import type { CallOptions, OneShotOptions } from "./upload_options.ts";

/**
 * Uploads bytes in one request, without metadata; the name of the object is in the URL.
 *
 * It is retried only when repeating it is safe: with `ifGenerationMatch` on the URL, or where `repeatable` says so. Good for
 * small data; what is lost halfway starts again from the first byte. The object is compared when it is stored already: a wrong one is an error, and
 * is not deleted.
 *
 * The counterpart of `google.resumable_media.requests.SimpleUpload`. Protocol:
 * {@link https://cloud.google.com/storage/docs/uploading-objects#rest-upload-objects}
 *
 * @example
 * ```ts
 * import { SimpleUpload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // or one of your own that adds credentials
 * const url = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=media&name=greeting.txt";
 * const upload = new SimpleUpload(url);
 * const response = await upload.transmit(transport, "hello", "text/plain");
 * console.log((await response.json()).size, upload.finished); // 5 true
 * ```
 */
export class SimpleUpload<T = StorageObject> {
  readonly #shot: OneShot<T>;

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl the JSON API's `…/o?uploadType=media&name=…`
   */
  constructor(uploadUrl: string | URL, options: OneShotOptions<T> = {}) {
    this.#shot = new OneShot(uploadUrl, "media", options);
  }

  /** Where the bytes are sent. */
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
   * Sends the bytes. It can be called once.
   *
   * @param data a Blob is never read whole; a string is sent as UTF-8
   * @param contentType the media type of the object
   */
  transmit(
    transport: Transport,
    data: UploadData,
    contentType: string,
    options: CallOptions = {},
  ): Promise<Response> {
    return this.#shot.transmit(transport, data, options, () => {
      checkContentType(contentType);
      return asMedia(contentType);
    });
  }
}
