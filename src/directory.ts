/**
 * The files of a folder in a page: of a `FileSystemDirectoryHandle`, as `showDirectoryPicker()` and the origin's own file system give
 * one, and of what is dropped on a page. For Node, Deno and Bun there is `directory()` of `@resumable-media/upload/file`.
 *
 * @example A folder that the user picks
 * ```ts ignore
 * import { upload } from "@resumable-media/upload";
 * import { directoryEntries } from "@resumable-media/upload/directory";
 *
 * const folder = await showDirectoryPicker();
 * for await (const { name, source } of directoryEntries(folder)) {
 *   await upload(await source(), { bucket: "my-bucket", name, transport });
 * }
 * ```
 *
 * @module
 */

/** A file of a folder: an item of many to upload. */
export interface DirectoryEntry {
  /** The name, with `/` between its parts. */
  readonly name: string;
  /** The file, looked at anew; rejects with what keeps it from being read. */
  source(): Promise<File>;
  /** The media type, where the platform says one. */
  readonly contentType: string | undefined;
  /** Bytes; `undefined` for a file that cannot be read. */
  readonly size: number | undefined;
  /** When it was changed last, in milliseconds since 1970; `undefined` for a file that cannot be read. */
  readonly lastModified: number | undefined;
}

/** As much of a `FileSystemFileHandle` as is needed. */
export interface FileHandleLike {
  /** `file`. */
  readonly kind: "file";
  /** The last part of the name. */
  readonly name: string;
  /** The file as it is now. */
  getFile(): Promise<File>;
}

/** As much of a `FileSystemDirectoryHandle` as is needed. */
export interface DirectoryHandleLike {
  /** `directory`. */
  readonly kind: "directory";
  /** The last part of the name. */
  readonly name: string;
  /** What is in it. */
  values(): AsyncIterable<FileHandleLike | DirectoryHandleLike>;
}

/** As much of a `FileSystemEntry` as is needed: what `webkitGetAsEntry()` returns. */
export interface EntryLike {
  /** Whether it is a file. */
  readonly isFile: boolean;
  /** The last part of the name. */
  readonly name: string;
}

/** As much of a `DataTransferItem` as is needed. */
export interface DataTransferItemLike {
  /** `file`, or `string` for what is none. */
  readonly kind: string;
  /** A file or a folder; `null` for what is neither. */
  webkitGetAsEntry(): EntryLike | null;
}

/** What the files can be of. */
export type DirectoryLike =
  | DirectoryHandleLike
  | DataTransferItemLike
  | Iterable<DataTransferItemLike>
  | ArrayLike<DataTransferItemLike>;

/**
 * The files of a folder and of all folders in it, one after the other: they are not collected, however many there are.
 *
 * Names in a `FileSystemDirectoryHandle` begin below it. Those of a `DataTransferItem`, or of all `items` of a `DataTransfer`, begin with
 * what was dropped, a file or a folder: several can be dropped at once. Items are taken in the call, because they are good only as long
 * as the event is handled.
 *
 * A file that cannot be read is an entry as well, whose `source()` rejects with the reason. The platform decides the order, and which
 * files it shows.
 *
 * @throws {TypeError} the argument is neither a folder nor what was dropped; at the call
 *
 * @example What is dropped on a page
 * ```ts ignore
 * import { upload } from "@resumable-media/upload";
 * import { directoryEntries } from "@resumable-media/upload/directory";
 *
 * addEventListener("drop", async (event) => {
 *   event.preventDefault();
 *   for await (const { name, source } of directoryEntries(event.dataTransfer.items)) {
 *     await upload(await source(), { bucket: "my-bucket", name, transport });
 *   }
 * });
 * ```
 */
export function directoryEntries(from: DirectoryLike): AsyncIterableIterator<DirectoryEntry> {
  if (isObject(from)) {
    if (isFolder(from)) return inHandle(from, "");
    if ("webkitGetAsEntry" in from) return dropped([from]);
    if (Symbol.iterator in from || "length" in from) {
      return dropped(Array.from(from as ArrayLike<DataTransferItemLike>));
    }
  }
  throw notAFolder(from);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isFolder(from: object): from is DirectoryHandleLike {
  return "kind" in from && from.kind === "directory" && "values" in from;
}

function notAFolder(value: unknown): TypeError {
  const got = Object.prototype.toString.call(value).slice(8, -1);
  return new TypeError(
    `Cannot list the files: expected a FileSystemDirectoryHandle, a DataTransferItem or a list of these, got ${got}`,
  );
}

async function* inHandle(
  folder: DirectoryHandleLike,
  prefix: string,
): AsyncGenerator<DirectoryEntry, undefined> {
  for await (const found of folder.values()) {
    const name = prefix + found.name;
    if (found.kind === "directory") yield* inHandle(found, `${name}/`);
    else yield await entryOf(name, () => found.getFile());
  }
}

async function entryOf(name: string, source: () => Promise<File>): Promise<DirectoryEntry> {
  const file = await source().catch(() => undefined);
  const { type, size, lastModified } = file ?? {};
  return { name, source, contentType: type || undefined, size, lastModified };
}

/** The entries of what was dropped; they have to be asked for while the event is handled. */
function dropped(
  items: readonly DataTransferItemLike[],
): AsyncGenerator<DirectoryEntry, undefined> {
  const wrong = items.find((item) => !isObject(item) || !("webkitGetAsEntry" in item));
  if (wrong !== undefined) throw notAFolder(wrong);
  const entries = items.filter(({ kind }) => kind === "file").map((item) =>
    item.webkitGetAsEntry()
  );
  return inEntries(entries.filter((entry) => entry !== null), "");
}

/** What the platform's own types have; the files and folders that it hands out are these. */
type FileEntry = EntryLike & {
  file(done: (file: File) => void, failed: (error: unknown) => void): void;
};
type FolderEntry = EntryLike & { createReader(): FolderReader };
interface FolderReader {
  readEntries(done: (entries: EntryLike[]) => void, failed: (error: unknown) => void): void;
}

async function* inEntries(
  entries: readonly EntryLike[],
  prefix: string,
): AsyncGenerator<DirectoryEntry, undefined> {
  for (const entry of entries) {
    const name = prefix + entry.name;
    if (entry.isFile) {
      const source = () =>
        new Promise<File>((resolve, reject) => (entry as FileEntry).file(resolve, reject));
      yield await entryOf(name, source);
      continue;
    }
    const reader = (entry as FolderEntry).createReader();
    for (;;) { // a reader hands out some at a time, and none at the end
      const some = await new Promise<EntryLike[]>((resolve, reject) =>
        reader.readEntries(resolve, reject)
      );
      if (some.length === 0) break;
      yield* inEntries(some, `${name}/`);
    }
  }
}
