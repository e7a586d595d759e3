/** The media type that a file's name speaks of. */

import mime from "mime";
import { extname } from "node:path";

/**
 * The media type of a file, by the end of its name; `undefined` for one that says nothing. Nothing is read.
 *
 * No charset is added to it: a name does not tell how a text is encoded, and a wrong charset is worse than none. Where you know it,
 * say `{ type: "text/plain;charset=utf-8" }`. A name with two ends, `page.html.gz`, is what the last one says: `application/gzip`.
 *
 * The table is that of [mime](https://www.npmjs.com/package/mime), made from the registry of IANA and the types of Apache and nginx.
 *
 * @example
 * ```ts
 * import { mediaTypeOf } from "@resumable-media/upload/file";
 *
 * console.log(mediaTypeOf("holiday/IMG_1.JPG")); // image/jpeg
 * console.log(mediaTypeOf("README")); // undefined
 * ```
 */
export function mediaTypeOf(name: string): string | undefined {
  const end = extname(name);
  return end.length > 1 ? mime.getType(end) ?? undefined : undefined;
}
