/** Results of APIs of which nothing is known: JSON, text, or nothing. Nothing is compared, no checksum is sent. */

import { isSuccess } from "../reply.ts";
import type { Resource } from "../resource.ts";

/**
 * Whatever the server answers: JSON where it is JSON, else the text, and `null` for a 204. The default for every URL that
 * is not Cloud Storage's. It proves that the server has called the upload finished, and no more.
 */
export const anything: Resource<unknown> = {
  expected: "a result, as JSON or text",
  read({ status, text }) {
    if (status === 204) return null;
    if (!isSuccess(status) || text.trim() === "") return undefined;
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  },
};
