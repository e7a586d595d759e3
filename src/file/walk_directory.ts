/** A folder, file by file, as sources with names. */

import type { BigIntStats, Dir, Dirent } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { typeInWords } from "../errors.ts";
import { type FileSource, fileSource } from "./file_source.ts";
import { closeFolder, contentsOf, openFolder } from "./folder.ts";
import { mediaTypeOf } from "./media_type_of_name.ts";
import { checkNames } from "../auth/auth_options.ts";
import { codeOf, pathOf } from "./path.ts";

/** Options of {@linkcode directory}. */
export interface DirectoryOptions {
  /** What every name begins with, such as `photos/`. The default is nothing. */
  prefix?: string | undefined;
  /**
   * What becomes of symbolic links. `files`: those to files are taken for the files, those to folders are left out. `all`: those to
   * folders are entered, too, but for one that leads back to a folder which it is in. `none`: all are left out.
   *
   * @default {"files"}
   */
  symlinks?: "files" | "all" | "none" | undefined;
  /**
   * Whether a file is taken, or a folder entered, by its name below the folder: `a/b.txt`, `a/`. The default is all of them, hidden
   * ones too.
   */
  filter?: ((name: string) => boolean) | undefined;
  /**
   * Whether names come in their order, as `<` has it. That holds the names of one folder of each depth; without it they come as the
   * system has them, which may differ between two runs, and nothing is held.
   *
   * @default {false}
   */
  sort?: boolean | undefined;
}

/** A file of a folder: an item of many to upload. */
export interface DirectoryEntry {
  /** The name below the folder, with `/` between its parts on every system, after the prefix. */
  readonly name: string;
  /** Where the file is. */
  readonly path: string;
  /** Makes the source; rejects with what keeps the file from being read. */
  source(): Promise<FileSource>;
  /** The media type, where the name says one. */
  readonly contentType: string | undefined;
  /** Bytes; `undefined` for what cannot be read. */
  readonly size: number | undefined;
  /** When it was changed last, in milliseconds since 1970; `undefined` for what cannot be read. */
  readonly lastModified: number | undefined;
}

/** What the walk goes by. */
interface Rules extends Required<Pick<DirectoryOptions, "prefix" | "symlinks" | "sort">> {
  readonly prefix: string;
  readonly symlinks: "files" | "all" | "none";
  readonly sort: boolean;
  readonly filter: (name: string) => boolean;
}

/** Something in a folder. */
interface Found {
  /** Below the root; that of a folder ends with a slash. */
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
  /** What is known of a file; `undefined` where it cannot be looked at. */
  readonly stats: BigIntStats | undefined;
}

/**
 * The files of a folder and of all folders in it, in Node, Deno and Bun, one after the other: nothing is held but one open folder for
 * each depth, however many files there are. (Bun itself reads the names of a folder at once.)
 *
 * Names are as the system has them, with no change to their Unicode; pipes, sockets and devices are left out. What cannot be read, such
 * as a link to nothing or a folder without permission, is an entry as well, whose `source()` rejects with the reason: it is one failure
 * among the uploads, and not the end of them. So is a name that is no UTF-8, which has U+FFFD in it. A file may change or go before its turn comes; `source()` looks anew.
 *
 * Ends with the system's own error, which has a `code` and the path, when the folder itself cannot be read.
 *
 * @throws {TypeError} an argument is of the wrong kind, or an option that does not exist; at the call
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { directory } from "@resumable-media/upload/file";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const transport = new GcsEmulator().fetch; // or one of ./auth
 * for await (const { name, source } of directory("examples/emulator", { prefix: "site/", sort: true })) {
 *   const object = await upload(await source(), { bucket: "my-bucket", name, transport });
 *   console.log(object.name); // site/bun.ts, then site/deno.ts, then site/node.ts
 * }
 * ```
 */
export function directory(
  path: string | URL,
  options: DirectoryOptions = {},
): AsyncIterableIterator<DirectoryEntry> {
  checkNames(options, ["prefix", "symlinks", "filter", "sort"]);
  const { prefix = "", symlinks = "files", filter = () => true, sort = false } = options;
  if (typeof prefix !== "string") throw wrong("prefix", "a string", prefix);
  if (!["files", "all", "none"].includes(symlinks)) {
    throw wrong("symlinks", '"files", "all" or "none"', symlinks);
  }
  if (typeof filter !== "function") throw wrong("filter", "a function", filter);
  if (typeof sort !== "boolean") throw wrong("sort", "true or false", sort);
  return entries(pathOf(path), { prefix, symlinks, filter, sort });
}

function wrong(name: string, expected: string, value: unknown): TypeError {
  const got = typeof value === "string" ? JSON.stringify(value) : typeInWords(value);
  return new TypeError(`${name}: expected ${expected}, got ${got}`);
}

async function* entries(root: string, rules: Rules): AsyncGenerator<DirectoryEntry, undefined> {
  const within = rules.symlinks === "all" ? [await identityOf(root)] : [];
  const folder = { dir: await openFolder(root), path: root, name: "" };
  for await (const { name, path, isFolder, stats } of walk(folder, within, rules)) {
    const type = mediaTypeOf(name);
    yield {
      name: rules.prefix + name,
      path,
      source: () => isFolder ? unreadable(path) : fileSource(path, { type }),
      contentType: type,
      size: stats && Number(stats.size),
      lastModified: stats && Number(stats.mtimeMs),
    };
  }
}

/** Rejects with why a folder cannot be read; where it can be by now, with its not being a file. */
async function unreadable(path: string): Promise<FileSource> {
  await closeFolder(await openFolder(path));
  return await fileSource(path);
}

/** A folder that is open. */
interface Folder {
  readonly dir: Dir;
  readonly path: string;
  /** Below the root, with a slash at its end; nothing for the root itself. */
  readonly name: string;
}

/** The files below a folder, and the folders that cannot be read. `within` are this one and those that it is in. */
async function* walk(
  folder: Folder,
  within: readonly string[],
  rules: Rules,
): AsyncGenerator<Found, undefined> {
  const found = foundIn(folder, rules); // closes the folder
  const follows = rules.symlinks === "all";
  for await (const one of rules.sort ? await sorted(found) : found) {
    if (!one.isFolder) {
      yield one;
      continue;
    }
    const { path, name } = one;
    let dir: Dir;
    let entered = within;
    try {
      if (follows) {
        const identity = await identityOf(path);
        if (within.includes(identity)) continue;
        entered = [...within, identity];
      }
      dir = await openFolder(path);
    } catch (error) {
      // It is gone, with all its files; or its name is no text, so that the system does not find what it has listed.
      const isGone = codeOf(error) === "ENOENT" && !name.includes("\ufffd");
      if (!isGone) yield one;
      continue;
    }
    yield* walk({ dir, path, name }, entered, rules);
  }
}

async function sorted(found: AsyncIterable<Found>): Promise<Found[]> {
  const all: Found[] = [];
  for await (const one of found) all.push(one);
  return all.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** What is in a folder, and wanted. */
async function* foundIn(
  folder: Folder,
  { symlinks, filter }: Rules,
): AsyncGenerator<Found, undefined> {
  for await (const entry of contentsOf(folder.dir)) {
    const path = join(folder.path, entry.name);
    const isKnown = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
    if (!isKnown && isSpecial(entry)) continue;
    const isLink = entry.isSymbolicLink();
    if (isLink && symlinks === "none") continue;
    const stats = entry.isDirectory() ? undefined : await statOf(path);
    const isFolder = entry.isDirectory() || stats?.isDirectory() === true;
    if (isFolder && isLink && symlinks !== "all") continue;
    if (stats && !isFolder && !stats.isFile()) continue;
    const name = `${folder.name}${entry.name}${isFolder ? "/" : ""}`;
    if (filter(name)) yield { name, path, isFolder, stats: isFolder ? undefined : stats };
  }
}

/** What is neither a file nor a folder; some file systems do not say what it is. */
function isSpecial(entry: Dirent): boolean {
  return entry.isFIFO() || entry.isSocket() || entry.isCharacterDevice() || entry.isBlockDevice();
}

/** What is known of a file; nothing where it cannot be looked at, such as of a link to nothing. */
async function statOf(path: string): Promise<BigIntStats | undefined> {
  return await stat(path, { bigint: true }).catch(() => undefined);
}

async function identityOf(folder: string): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true });
  return `${dev}:${ino}`;
}
