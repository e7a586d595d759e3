/** Which wire protocol the caller wants. */

import { typeInWords } from "../errors.ts";
import { contentRangeProtocol } from "./content_range/mod.ts";
import type { UploadProtocol } from "./upload_protocol.ts";

/** The protocol that the caller has chosen; the default is the one of `Content-Range` and 308. */
export function chosenProtocol(protocol: UploadProtocol | undefined): UploadProtocol {
  if (protocol === undefined) return contentRangeProtocol;
  if (typeof protocol?.start === "function" && typeof protocol.answer === "function") {
    return protocol;
  }
  throw new TypeError(
    `protocol: expected a value such as xGoogUpload, got ${typeInWords(protocol)}`,
  );
}
