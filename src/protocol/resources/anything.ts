/** Results of APIs of which nothing is known: JSON, text, or nothing. Nothing is compared, no checksum is sent. */

import { isSuccess } from "../reply.ts";
import type { Resource } from "../resource.ts";

/**
 * Whatever the server answers: JSON where it is JSON, else the text, and `null` where the upload has no result. The default for every URL that
 * is not Cloud Storage's. It proves that the server has called the upload finished, and no more.
 */
export const anything: Resource<unknown> = {
  expected: "a result, as JSON or text",
  read({ status, headers, text }) {
    if (status === 204) return null;
    if (!isSuccess(status)) return undefined;
    if (text.trim() === "") return endsWithNothing(headers) ? null : undefined;
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  },
};

/**
 * Whether an empty reply of `X-Goog-Upload` ends an upload that has no result. With a size it is the reply to a query that
 * does not repeat the result.
 */
function endsWithNothing(headers: Headers): boolean {
  return headers.get("x-goog-upload-status")?.trim().toLowerCase() === "final" &&
    !headers.has("x-goog-upload-size-received");
}
