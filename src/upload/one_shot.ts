/** An upload in one request that can be made once: what `SimpleUpload` and `MultipartUpload` are around. */

import type { Transport } from "../net/transport.ts";
import {
  type CheckedUpload,
  checkOptions,
  checkStartUrl,
  checkTransport,
  checkUpload,
  invalidState,
} from "./check_arguments.ts";
import { claimedChecksums } from "./claimed_checksums.ts";
import type { Framing } from "./framing.ts";
import { sendInOne, takeData, type UploadData } from "./send_in_one.ts";
import { type CallOptions, type OneShotOptions, OPTION_NAMES } from "./upload_options.ts";

/** Where to, whether it was used, and what came of it. */
export class OneShot<T> {
  readonly upload: CheckedUpload<T>;
  #used = false;
  #result: { readonly value: T } | undefined;

  constructor(uploadUrl: string | URL, type: "media" | "multipart", options: OneShotOptions<T>) {
    checkOptions(options, OPTION_NAMES.oneShot, "options");
    this.upload = checkUpload(
      checkStartUrl(uploadUrl, "uploadUrl", type, options.method),
      options,
    );
  }

  /** The result; `undefined` before. */
  get result(): { readonly value: T } | undefined {
    return this.#result;
  }

  /** Sends the data, once, in the frame that `makeFraming` makes; that checks its arguments before anything is used up. */
  async transmit(
    transport: Transport,
    data: UploadData,
    options: CallOptions,
    makeFraming: () => Framing,
  ): Promise<Response> {
    if (this.#used) throw invalidState("Cannot transmit: an upload can only be used once");
    checkOptions(options, OPTION_NAMES.call, "options");
    checkTransport(transport);
    const framing = makeFraming();
    claimedChecksums(this.upload, framing.metadata);
    const source = takeData(data);
    this.#used = true;
    const { upload } = this;
    const { signal } = options;
    const result = await sendInOne({ upload, transport, source, framing, signal });
    this.#result = result;
    return result.reply.response;
  }
}
