/** A path as a source: what is there decides how it is read. */

import { stat } from "node:fs/promises";
import { isMediaType } from "../protocol/media_type.ts";
import { mediaTypeOf } from "./media_type_of_name.ts";
import { checkNames } from "../auth/auth_options.ts";
import { pathOf } from "./path.ts";
import { PipedFile, type PipedFileSource, standardInput } from "./piped_file.ts";
import { openFile, RegularFile, type RegularFileSource } from "./regular_file.ts";

/** Options of {@linkcode fileSource}. */
export interface FileSourceOptions {
  /** The media type. The default is what the name says; see {@linkcode mediaTypeOf}. */
  type?: string | undefined;
}

/** A file as a source, for `upload()` and everything else that takes one: its `kind` says how it is read. */
export type FileSource = RegularFileSource | PipedFileSource;

/**
 * A file as a source, in Node, Deno and Bun. It is read where it is asked, never whole; symbolic links are followed.
 *
 * | what is at the path | how it is read |
 * | --- | --- |
 * | a file | anywhere, and again after a failure; in requests that are streamed |
 * | a named pipe, `/dev/stdin`, `<(process substitution)`, a device | once, in order; its size is not known |
 * | a folder, a socket | not at all: a `TypeError` |
 *
 * The call looks whether the file can be read, and leaves nothing open. The first reading opens it, and the end of the upload closes it, whatever the end is;
 * a source that is dropped is closed when it is collected. It may be uploaded again.
 *
 * A file must stay as it is until the upload has ended. Size, last modification and inode are looked at after each reading, and
 * another one of them is `source_changed`: of a file that grows, shrinks, or is written to, no object is made. A file that is
 * replaced by another one under its name is read to its end as it was. A checkpoint has the three as well, so that a file which
 * was changed between two runs is found out before a byte is read.
 *
 * Rejects with the system's own error, which has a `code` and the path: `ENOENT` for no file, `EACCES` for one that may not be read.
 *
 * @throws {TypeError} the path is that of a folder or a socket, or is no path
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { fileSource } from "@resumable-media/upload/file";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 *
 * const object = await upload(await fileSource("deno.json"), {
 *   bucket: "my-bucket",
 *   name: "deno.json",
 *   transport: new GcsEmulator().fetch, // or one of ./auth
 * });
 * console.log(object.contentType); // application/json
 * ```
 */
export async function fileSource(
  path: string | URL,
  options: FileSourceOptions = {},
): Promise<FileSource> {
  checkNames(options, ["type"]);
  const at = pathOf(path);
  const type = options.type === undefined ? mediaTypeOf(at) : checkType(options.type);
  const stats = await stat(at, { bigint: true });
  if (stats.isDirectory()) throw notAFile(at, "a folder, which directory() takes");
  if (stats.isSocket()) {
    if (STANDARD_INPUT.includes(at)) return standardInput(type, at);
    throw notAFile(at, "a socket");
  }
  if (!stats.isFile()) return new PipedFile(at, type, stats.isFIFO());
  const handle = await openFile(at); // whether it may be read
  await handle.close();
  return new RegularFile(at, type, stats);
}

/** What standard input is called where it has a name. */
const STANDARD_INPUT = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

function checkType(type: string): string {
  if (isMediaType(type)) return type;
  throw new TypeError(
    `type: expected a media type such as "image/png", got ${JSON.stringify(type)}`,
  );
}

function notAFile(path: string, what: string): TypeError {
  return new TypeError(`path: expected a file or a pipe, got ${JSON.stringify(path)}, ${what}`);
}
