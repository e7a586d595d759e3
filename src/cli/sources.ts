/** What is to be uploaded: files, folders, globs, standard input; one file after the other, in constant memory. */

import { stat } from "node:fs/promises";
import { basename, isAbsolute, relative, resolve } from "node:path";
import type { UploadSource } from "../bytes/source.ts";
import { directory, type DirectoryEntry } from "../file/walk_directory.ts";
import { fileSource } from "../file/file_source.ts";
import { mediaTypeOf } from "../file/media_type_of_name.ts";
import { globFiles, globOf, hasGlob } from "./glob.ts";
import { UsageError } from "./usage_error.ts";

/** A file to upload, and what its name ends with. */
export interface Found {
  /** Where it is; `undefined` for standard input. */
  readonly path: string | undefined;
  /** As messages name it. */
  readonly shown: string;
  /** The name below the destination, if that is taken for a folder. */
  readonly name: string;
  /** Whether it was found in a folder that was named: then the destination is a folder in any case. */
  readonly isInFolder: boolean;
  readonly source: () => UploadSource | Promise<UploadSource>;
  readonly contentType: string | undefined;
  readonly size: number | undefined;
  readonly lastModified: number | undefined;
}

/** How arguments are understood. */
export interface SourceRules {
  /** The folder that relative paths begin at. */
  readonly cwd: string;
  /** Whether folders are entered. */
  readonly recursive: boolean;
  /** Whether the names of files in a folder begin with that of the folder. */
  readonly keepsFolderName: boolean;
  readonly stdin: () => AsyncIterable<Uint8Array>;
}

/** Standard input, as an argument. */
export const STDIN = "-";

/** The files that arguments name. What cannot be read is found as well: it fails when its turn has come. */
export async function* filesOf(
  args: Iterable<string> | AsyncIterable<string>,
  rules: SourceRules,
): AsyncGenerator<Found, undefined> {
  for await (const arg of args) {
    if (arg === STDIN) {
      yield fileOf(undefined, "standard input", STDIN, rules.stdin);
      continue;
    }
    const path = resolve(rules.cwd, arg);
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isDirectory()) {
      yield* orFailure(arg, inFolder(arg, path, rules));
    } else if (stats === undefined && hasGlob(arg)) {
      yield* orFailure(arg, inGlob(arg, rules));
    } else {
      const size = stats?.isFile() ? stats.size : undefined;
      yield { ...fileOf(path, arg, basename(path), () => fileSource(path)), size };
    }
  }
}

/** Whether an argument may be several files. */
export async function isSeveral(arg: string, cwd: string): Promise<boolean> {
  if (!hasGlob(arg)) return false;
  return await stat(resolve(cwd, arg)).then(() => false, () => true);
}

function fileOf(
  path: string | undefined,
  shown: string,
  name: string,
  source: Found["source"],
): Found {
  return {
    path,
    shown,
    name,
    isInFolder: false,
    source,
    contentType: mediaTypeOf(name),
    size: undefined,
    lastModified: undefined,
  };
}

/** What is found; a walk that fails is one failure among the files. */
async function* orFailure(
  arg: string,
  found: AsyncIterable<Found>,
): AsyncGenerator<Found, undefined> {
  try {
    yield* found;
  } catch (error) {
    yield fileOf(undefined, arg, arg, () => Promise.reject(error));
  }
}

async function* inFolder(
  arg: string,
  path: string,
  rules: SourceRules,
): AsyncGenerator<Found, undefined> {
  if (!rules.recursive) {
    const refused = () => Promise.reject(new UsageError("is a folder: -r uploads the files in it"));
    yield fileOf(path, arg, basename(path), refused);
    return;
  }
  const own = /(?:^|[/\\])\.{1,2}[/\\]*$/.test(arg) ? "" : basename(path);
  const prefix = rules.keepsFolderName && own !== "" ? `${own}/` : "";
  for await (const entry of directory(path, { prefix })) {
    yield entryOf(entry, arg, rules);
  }
}

/** A file that was found. It is named as its argument was: from the folder that is worked in, or from the root. */
function entryOf(
  { name, path, source, contentType, size, lastModified }: DirectoryEntry,
  arg: string,
  { cwd }: SourceRules,
): Found {
  return {
    path,
    shown: isAbsolute(arg) ? path : relative(cwd, path),
    name,
    isInFolder: true,
    source,
    contentType,
    size,
    lastModified,
  };
}

async function* inGlob(arg: string, rules: SourceRules): AsyncGenerator<Found, undefined> {
  const glob = globOf(arg, rules.cwd);
  let isEmpty = true;
  for await (const { entry, name } of globFiles(glob, rules.recursive)) {
    isEmpty = false;
    yield { ...entryOf(entry, arg, rules), name };
  }
  if (isEmpty) {
    const none = () => Promise.reject(new UsageError("no file matches"));
    yield fileOf(undefined, arg, arg, none);
  }
}

/** Names out of standard input: one a line, or each with a NUL behind it. */
export async function* namesIn(
  input: AsyncIterable<Uint8Array>,
  end: "\n" | "\0",
): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of input) {
    const names = (rest + decoder.decode(piece, { stream: true })).split(end);
    rest = names.pop()!;
    for (const name of names) if (name !== "") yield withoutReturn(name, end);
  }
  rest += decoder.decode();
  if (rest !== "") yield withoutReturn(rest, end);
}

/** Lines of Windows end with two characters. */
function withoutReturn(name: string, end: "\n" | "\0"): string {
  return end === "\n" && name.endsWith("\r") ? name.slice(0, -1) : name;
}
