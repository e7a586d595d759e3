// The files of a folder in a page: of the browser's own file system in Chromium, and elsewhere of what has the same shape.

import {
  type DataTransferItemLike,
  directoryEntries,
  type DirectoryEntry,
  type DirectoryHandleLike,
  type DirectoryLike,
  type EntryLike,
  type FileHandleLike,
} from "../../../src/directory.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf, store } from "./sources_support.ts";
import { assertStored } from "./upload_support.ts";

const NAMES = [
  ".hidden",
  "a/b/c/deep.json",
  "a/b.txt",
  "cafe\u0301",
  "caf\u00e9",
  "empty/",
  "😀/%20#.txt",
];
const FILES = NAMES.filter((name) => !name.endsWith("/")).sort();

/** As much of the browser's own file system as is needed to fill it. */
interface Folder extends DirectoryHandleLike {
  getDirectoryHandle(name: string, options: { create: true }): Promise<Folder>;
  getFileHandle(name: string, options: { create: true }): Promise<
    FileHandleLike & {
      createWritable(): Promise<{ write(text: string): Promise<void>; close(): Promise<void> }>;
    }
  >;
}

/** A folder with these files, each of which holds its name: the browser's where there is one. */
async function folderOf(names: readonly string[]): Promise<DirectoryHandleLike> {
  const storage =
    (globalThis.navigator as { storage?: { getDirectory?(): Promise<Folder> } } | undefined)
      ?.storage;
  if (!storage?.getDirectory) return fakeFolder("root", names, "");
  const top = await storage.getDirectory();
  const root = await top.getDirectoryHandle(`${names.length}-${Math.random()}`, { create: true });
  for (const name of names) {
    const parts = name.split("/");
    const last = parts.pop()!;
    let folder = root;
    for (const part of parts) folder = await folder.getDirectoryHandle(part, { create: true });
    if (last === "") continue;
    const file = await folder.getFileHandle(last, { create: true });
    const writable = await file.createWritable();
    await writable.write(name);
    await writable.close();
  }
  return root;
}

/** The names below a folder: the first part of each, and what is below it. */
function partsOf(names: readonly string[]): Map<string, string[]> {
  const parts = new Map<string, string[]>();
  for (const name of names) {
    const [first, ...rest] = name.split("/");
    const below = parts.get(first) ?? [];
    if (rest.length > 0) below.push(rest.join("/"));
    parts.set(first, below);
  }
  return parts;
}

function fakeFolder(name: string, names: readonly string[], path: string): DirectoryHandleLike {
  return {
    kind: "directory",
    name,
    async *values() {
      for (const [part, below] of partsOf(names)) {
        await Promise.resolve();
        const full = path + part;
        yield below.length > 0
          ? fakeFolder(part, below.filter((name) => name !== ""), `${full}/`)
          : { kind: "file", name: part, getFile: () => Promise.resolve(fileOf(full, part)) };
      }
    },
  };
}

function fileOf(content: string, name: string): File {
  const type = name.endsWith(".txt") ? "text/plain" : "";
  return new File([content], name, { type, lastModified: 981_173_106_000 });
}

/** How many entries a browser hands out at once. */
const BATCH = 100;

/** What is dropped on a page: a file, or a folder with files. */
function dropped(name: string, names?: readonly string[], path = name): EntryLike {
  if (!names) {
    const file = (done: (file: File) => void) => setTimeout(() => done(fileOf(path, name)), 0);
    return { isFile: true, name, file } as EntryLike;
  }
  const createReader = () => {
    const all = [...partsOf(names)].map(([part, below]) =>
      dropped(
        part,
        below.length > 0 ? below.filter((name) => name !== "") : undefined,
        `${path}/${part}`,
      )
    );
    return {
      readEntries: (done: (entries: EntryLike[]) => void) =>
        setTimeout(() => done(all.splice(0, BATCH)), 0),
    };
  };
  return { isFile: false, name, createReader } as EntryLike;
}

/** A list of what was dropped, which is good as long as the event is handled only. */
function transfer(entries: readonly (EntryLike | null)[]): DataTransferItemLike[] {
  let isOver = false;
  Promise.resolve().then(() => isOver = true);
  const items = entries.map((entry) => ({
    kind: entry === null ? "string" : "file",
    webkitGetAsEntry: () => isOver ? null : entry,
  }));
  return items;
}

async function all(from: DirectoryLike): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const entry of directoryEntries(from)) entries.push(entry);
  return entries;
}

const namesOf = (entries: DirectoryEntry[]) => entries.map(({ name }) => name).sort();

/** Folders in pages. */
export const directoryEntryCases: PortableCase[] = [
  {
    name:
      "the files of a folder in a page come with their names below it, and what is known of them",
    async run({ runtime }) {
      const folder = await folderOf(NAMES);
      if (runtime === "chromium") {
        assertEquals(Object.prototype.toString.call(folder), "[object FileSystemDirectoryHandle]");
      }
      const entries = await all(folder);
      assertEquals(namesOf(entries), FILES);
      const { source, size, lastModified, contentType } = entries.find(({ name }) =>
        name === "a/b.txt"
      )!;
      const file = await source();
      assertEquals([size, lastModified, contentType], [7, file.lastModified, file.type]);
      assert(file.type.startsWith("text/plain"), file.type); // Bun adds a charset
      const gcs = new GcsEmulator();
      await store(gcs, file);
      assertStored(gcs, new TextEncoder().encode("a/b.txt"));
    },
  },
  {
    name: "a walk in a page can be given up",
    async run() {
      let count = 0;
      for await (const { name } of directoryEntries(await folderOf(["a", "b", "c/d"]))) {
        assert(["a", "b", "c/d"].includes(name), name);
        if (++count === 2) break;
      }
      assertEquals(count, 2);
    },
  },
  {
    name: "what is dropped on a page is taken in the call, with the names of what was dropped",
    async run() {
      const items = transfer([
        dropped("one.txt"),
        null,
        dropped("photos", NAMES),
        dropped("empty", []),
      ]);
      const walk = directoryEntries(items);
      const entries: DirectoryEntry[] = [];
      for await (const entry of walk) entries.push(entry);
      assertEquals(namesOf(entries), ["one.txt", ...FILES.map((name) => `photos/${name}`)].sort());
      for (const { name, source } of entries) assertEquals(await (await source()).text(), name);
      assertEquals(namesOf(await all(transfer([dropped("photos", ["a"])])[0])), ["photos/a"]);
    },
  },
  {
    name: "a dropped folder with more files than a browser hands out at once is listed whole",
    async run() {
      const names = Array.from({ length: 2 * BATCH + 50 }, (_, i) => `${i}`);
      const entries = await all(transfer([dropped("many", names)]));
      assertEquals(entries.length, names.length);
    },
  },
  {
    name:
      "a file of a page that cannot be read is an entry whose source rejects, and the rest follows",
    async run() {
      const gone = new Error("it is gone");
      const folder: DirectoryHandleLike = {
        kind: "directory",
        name: "root",
        async *values() {
          await Promise.resolve();
          yield { kind: "file", name: "gone", getFile: () => Promise.reject(gone) };
          yield {
            kind: "file",
            name: "there",
            getFile: () => Promise.resolve(fileOf("a", "there")),
          };
        },
      };
      const [first, second] = await all(folder);
      assertEquals([first.name, first.size, second.name, second.size], [
        "gone",
        undefined,
        "there",
        1,
      ]);
      assertEquals(await failureOf(() => first.source()), gone);
    },
  },
  {
    name: "what is no folder is a TypeError at the call",
    async run() {
      const file = await fakeFolder("root", ["a"], "").values()[Symbol.asyncIterator]().next();
      for (const value of [undefined, null, "folder", 5, {}, [5], [{}], file.value, new Blob([])]) {
        const error = await failureOf(() => {
          directoryEntries(value as unknown as DirectoryLike);
        });
        assert(error instanceof TypeError, `${value} was answered with ${error}`);
      }
    },
  },
];
