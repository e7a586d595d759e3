/** What callers hand in: a path, and options. */

import { fileURLToPath } from "node:url";

/** A path, from a path or a `file:` URL. A text is a path as it is, so that a file may have any name. */
export function pathOf(path: string | URL, name = "path"): string {
  if (typeof path === "string" && path !== "") return path;
  const isUrl = typeof path === "object" && path !== null && "href" in path;
  if (isUrl && path.protocol === "file:") return fileURLToPath(path.href);
  const got = isUrl ? `one that begins with ${path.protocol}` : path === "" ? '""' : typeof path;
  throw new TypeError(`${name}: expected a path, or a URL that begins with file:, got ${got}`);
}

/** The code of an error of the system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
