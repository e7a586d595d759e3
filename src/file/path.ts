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

/** Refuses options that do not exist, which are misspelt ones. */
export function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const got = options === null ? "null" : Array.isArray(options) ? "an array" : typeof options;
    throw new TypeError(`options: expected an object, got ${got}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${unknown} is not an option; expected ${names.join(", ")}`);
}

/** The code of an error of the system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
