/** The simple upload: the bytes and nothing else, in one request. */

import type { Transport } from "../net/transport.ts";
import type { StorageObject } from "../protocol/metadata.ts";
import { checkContentType } from "./checks.ts";
import { type Compose, OneShot, type UploadData } from "./one_shot.ts";
import type { CallOptions, OneShotOptions } from "./options.ts";

/**
 * Uploads bytes in one request, without metadata; the name of the object is in the URL.
 *
 * It is retried only when repeating it is safe: with `ifGenerationMatch` on the URL, or `x-goog-if-generation-match`
 * among the headers. Good for small data; what is lost halfway starts again from the first byte.
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
export class SimpleUpload {
  readonly #shot: OneShot;

  /**
   * Prepares an upload; nothing is sent yet.
   *
   * @param uploadUrl the JSON API's `…/o?uploadType=media&name=…`
   */
  constructor(uploadUrl: string | URL, options: OneShotOptions = {}) {
    this.#shot = new OneShot(uploadUrl, options);
  }

  /** Where the bytes are sent. */
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
   * Sends the bytes. It can be called once.
   *
   * @param data a Blob is never read whole; a string is sent as UTF-8
   * @param contentType the media type of the object
   */
  async transmit(
    transport: Transport,
    data: UploadData,
    contentType: string,
    options: CallOptions = {},
  ): Promise<Response> {
    return (await this.#shot.transmit(transport, data, options, asMedia(contentType))).response;
  }
}

/** The data as it is. */
export function asMedia(contentType: string): Compose {
  checkContentType(contentType);
  return ({ body }, headers) => {
    headers.set("content-type", contentType);
    return body;
  };
}
