/** URLs of sessions that are taken up or cancelled. */

import type { UploadProtocol } from "../protocol/upload_protocol.ts";
import { isSessionUrl, parameterOf, uploadTypeOf } from "../protocol/upload_url.ts";
import { checkUrl } from "./check_arguments.ts";

/** The URL of a session of this protocol. */
export function checkSessionUrl(session: string | URL, protocol: UploadProtocol): string {
  const url = checkUrl(session, "session");
  if (!isSessionUrl(url) && uploadTypeOf(url) !== undefined) {
    throw new TypeError(
      "session: expected the URL of a session (with upload_id), got one where uploads are started, which is a `url`",
    );
  }
  const named = parameterOf(url, "upload_protocol") !== undefined
    ? "x-goog-upload"
    : uploadTypeOf(url) !== undefined
    ? "content-range"
    : protocol.name;
  if (named !== protocol.name) {
    throw new TypeError(`session: expected one of the protocol ${protocol.name}, got ${named}`);
  }
  return url;
}
