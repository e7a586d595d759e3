/** Patterns of names, which the program and not the shell looks up: the walk begins below the part without a pattern. */

import { Minimatch } from "minimatch";
import { basename, resolve, sep } from "node:path";
import { directory, type DirectoryEntry } from "../file/walk_directory.ts";

/** A pattern, and the folder that everything it matches is in. */
export interface Glob {
  readonly root: string;
  readonly pattern: Minimatch;
}

/** A file that a pattern matches. */
export interface Matched {
  readonly entry: DirectoryEntry;
  /** The name below the destination: its own, or that of the folder which matched and what is below. */
  readonly name: string;
}

/** Whether a text has characters of a pattern. */
export function hasGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** Reads a pattern: `*`, `?`, `[…]`, `{a,b}` within a name, `**` for any folders. A `*` does not match a dot at the start of a name. */
export function globOf(text: string, cwd: string): Glob {
  const parts = (sep === "\\" ? text.replaceAll("\\", "/") : text).split("/");
  const first = parts.findIndex(hasGlob);
  const fixed = parts.slice(0, first).join("/");
  const root = first > 0 && fixed === "" ? sep : resolve(cwd, fixed);
  return {
    root,
    pattern: new Minimatch(parts.slice(first).join("/"), { nocomment: true, nonegate: true }),
  };
}

/** The files that a pattern matches; with `recursive` also those in folders that it matches. Only folders that can lead to one are entered. */
export async function* globFiles(
  { root, pattern }: Glob,
  recursive: boolean,
): AsyncGenerator<Matched, undefined> {
  const folderOf = (name: string) => recursive ? matchedFolder(name, pattern) : undefined;
  const filter = (name: string) => {
    const bare = name.endsWith("/") ? name.slice(0, -1) : name;
    if (folderOf(bare) !== undefined) return true;
    return pattern.match(bare, name.endsWith("/")); // a folder matches where it may lead to a match
  };
  for await (const entry of directory(root, { filter })) {
    const folder = folderOf(entry.name);
    const start = folder === undefined ? undefined : folder.length - basename(folder).length;
    yield { entry, name: start === undefined ? basename(entry.name) : entry.name.slice(start) };
  }
}

/** The outermost folder in a name that the pattern matches. */
function matchedFolder(name: string, pattern: Minimatch): string | undefined {
  const parts = name.split("/");
  for (let depth = 1; depth < parts.length; depth++) {
    const folder = parts.slice(0, depth).join("/");
    if (pattern.match(folder)) return folder;
  }
  return undefined;
}
