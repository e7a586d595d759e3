// A folder as a walk over its files.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { directory, type DirectoryEntry, type DirectoryOptions } from "../../../src/file/mod.ts";
import { assert, assertEquals } from "../../portable/assert.ts";
import { failureOf, store } from "../../portable/cases/sources_support.ts";
import { assertBytes, BUCKET } from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";
import { descriptors, folder, openings } from "../support.ts";
import { until } from "../../support/until.ts";

/** A new folder with files; what ends with a slash is an empty folder. */
function tree(names: readonly string[]): string {
  const root = folder();
  for (const name of names) {
    mkdirSync(join(root, name, name.endsWith("/") ? "" : ".."), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(join(root, name), `of ${name}`);
  }
  return root;
}

async function entriesOf(
  root: string | URL,
  options?: DirectoryOptions,
): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const entry of directory(root, options)) entries.push(entry);
  return entries;
}

async function namesOf(root: string | URL, options?: DirectoryOptions): Promise<string[]> {
  return (await entriesOf(root, options)).map(({ name }) => name).sort();
}

/** Names of every kind: hidden, deep, with spaces, in composed and in decomposed Unicode. */
const NAMES = [
  ".hidden",
  ".folder/b.txt",
  "a b.txt",
  "a/b/c/d/e.json",
  "a/b.txt",
  "caf\u00e9",
  "cafe\u0301",
  "empty/",
  "😀/%20#?.txt",
];
const FILES = NAMES.filter((name) => !name.endsWith("/")).sort();

/** Folders as walks. */
export const directories: NodeCase[] = [
  {
    name:
      "the files of a folder and of all below it come with their names, hidden ones and Unicode as they are",
    async run() {
      const root = tree(NAMES);
      for (const from of [root, `${root}/`, pathToFileURL(root)]) {
        assertEquals(await namesOf(from), FILES);
      }
      const link = join(folder(), "link");
      symlinkSync(root, link);
      assertEquals(await namesOf(link), FILES);
      assertEquals(await namesOf(tree(["a/", "b/c/"])), []);
    },
  },
  {
    name:
      "an entry says name, path, media type, size and last modification, and its source is the file",
    async run() {
      const root = tree(["sub/page.html"]);
      const path = join(root, "sub", "page.html");
      utimesSync(path, 981_173_106, 981_173_106);
      const [{ source, ...facts }] = await entriesOf(root, { prefix: "site/" });
      assertEquals(facts, {
        name: "site/sub/page.html",
        path,
        contentType: "text/html",
        size: 16,
        lastModified: 981_173_106_000,
      });
      const gcs = new GcsEmulator({ md5: false });
      await store(gcs, await source());
      assertBytes(gcs.get(BUCKET, "object")?.bytes, new Uint8Array(readFileSync(path)), "the file");
      assertEquals(gcs.get(BUCKET, "object")?.contentType, "text/html");
      writeFileSync(path, "another one, of another size");
      assertEquals((await source()).size, 28, "a file that has changed is looked at anew");
    },
  },
  {
    name: "sorted, names come in the order of the whole names, folders and files mixed",
    async run() {
      const names = ["a.txt", "a/b", "a-b/c", "a0", "B", "a/c/d", "a/c.d", "é", "z"];
      const sorted = (await entriesOf(tree(names), { sort: true })).map(({ name }) => name);
      assertEquals(sorted, [...names].sort());
    },
  },
  {
    name: "links to files are followed and links to folders are not, unless it is said otherwise",
    async run() {
      const root = tree(["a/file", "b/"]);
      const elsewhere = tree(["other"]);
      symlinkSync(join(root, "a", "file"), join(root, "b", "to-file"));
      symlinkSync(elsewhere, join(root, "b", "to-folder"));
      assertEquals(await namesOf(root), ["a/file", "b/to-file"]);
      assertEquals(await namesOf(root, { symlinks: "files" }), ["a/file", "b/to-file"]);
      assertEquals(await namesOf(root, { symlinks: "none" }), ["a/file"]);
      assertEquals(await namesOf(root, { symlinks: "all" }), [
        "a/file",
        "b/to-file",
        "b/to-folder/other",
      ]);
      const [{ size }] = await entriesOf(root, { filter: (name) => name !== "a/" });
      assertEquals(size, 9, "the size of a link is that of its file");
    },
  },
  {
    name: "links that lead back to a folder above them are not followed for ever",
    async run() {
      const root = tree(["a/b/file"]);
      symlinkSync("..", join(root, "a", "up"));
      symlinkSync(root, join(root, "a", "b", "root"));
      symlinkSync(".", join(root, "self"));
      for (const sort of [false, true]) {
        assertEquals(await namesOf(root, { symlinks: "all", sort }), ["a/b/file"]);
      }
      // Two ways to one folder are no loop.
      symlinkSync("a", join(root, "other"));
      assertEquals(await namesOf(root, { symlinks: "all" }), ["a/b/file", "other/b/file"]);
    },
  },
  {
    name:
      "what cannot be read is an entry whose source rejects with code and path, and the rest follows",
    async run() {
      const root = tree(["a", "b", "z"]);
      symlinkSync("nothing", join(root, "c"));
      symlinkSync("loop", join(root, "loop"));
      const found = await entriesOf(root, { sort: true });
      assertEquals(found.map(({ name, size }) => [name, size]), [
        ["a", 4],
        ["b", 4],
        ["c", undefined],
        ["loop", undefined],
        ["z", 4],
      ]);
      rmSync(join(root, "a"));
      for (const [index, code] of [[0, "ENOENT"], [2, "ENOENT"], [3, "ELOOP"]] as const) {
        const error = await failureOf(() => found[index].source());
        assertEquals((error as { code?: string } | undefined)?.code, code, `${error}`);
        assert(String(error).includes(found[index].path), `${error}`);
      }
    },
  },
  {
    name: "a folder that may not be read is an entry whose source rejects, and the rest follows",
    runtimes: ["node"], // the others cannot become somebody else
    async run() {
      const root = tree(["closed/file", "open/file"]);
      chmodSync(root, 0o755);
      chmodSync(join(root, "closed"), 0o000);
      const isRoot = process.geteuid!() === 0;
      if (isRoot) process.seteuid!(65_534);
      try {
        const found = await entriesOf(root, { sort: true });
        assertEquals(found.map(({ name, size }) => [name, size]), [["closed/", undefined], [
          "open/file",
          12,
        ]]);
        const error = await failureOf(() => found[0].source());
        assertEquals((error as { code?: string } | undefined)?.code, "EACCES", `${error}`);
      } finally {
        if (isRoot) process.seteuid!(0);
        chmodSync(join(root, "closed"), 0o755);
      }
    },
  },
  {
    name:
      "a folder whose name is no UTF-8 is an entry whose source rejects, never left out with its files",
    async run() {
      const root = tree(["file"]);
      execFileSync(
        "sh",
        ["-c", "mkdir \"$(printf 'bad\\377')\"; : > \"$(printf 'bad\\377')\"/in"],
        {
          cwd: root,
        },
      );
      const found = await entriesOf(root, { sort: true });
      assertEquals(found.map(({ name, size }) => [name, size]), [["bad\ufffd/", undefined], [
        "file",
        7,
      ]]);
      const error = await failureOf(() => found[0].source());
      assertEquals((error as { code?: string } | undefined)?.code, "ENOENT", `${error}`);
    },
  },
  {
    name: "pipes are left out: nobody waits for them",
    async run() {
      const root = tree(["file"]);
      execFileSync("mkfifo", [join(root, "pipe")]);
      symlinkSync("pipe", join(root, "to-pipe"));
      symlinkSync("/dev/zero", join(root, "to-device"));
      assertEquals(await namesOf(root), ["file"]);
    },
  },
  {
    name: "a filter sees names below the folder, and what it refuses of folders is not entered",
    async run() {
      const root = tree(["a/b.txt", "a/c.md", "node_modules/x/y.txt", "z.txt"]);
      const seen: string[] = [];
      const filter = (name: string) => {
        seen.push(name);
        return name !== "node_modules/" && !name.endsWith(".md");
      };
      assertEquals(await namesOf(root, { prefix: "p/", filter }), ["p/a/b.txt", "p/z.txt"]);
      assertEquals(seen.sort(), ["a/", "a/b.txt", "a/c.md", "node_modules/", "z.txt"]);
    },
  },
  {
    name:
      "a walk holds an open folder for each depth and no file, and closes all of them when it is given up",
    async run() {
      const root = tree(["a/b/c/1", "a/b/c/2", "a/b/c/3"]);
      for (const sort of [false, true]) {
        for (const how of ["break", "return", "throw"]) {
          const walk = directory(root, { sort });
          await failureOf(async () => {
            if (how === "return") {
              await walk.next();
              await walk.return!();
              return;
            }
            for await (const entry of walk) {
              assertEquals(openings(entry.path), 0);
              if (how === "break") break;
              throw new Error("enough");
            }
          });
          for (const path of ["", "a", "a/b", "a/b/c"].map((name) => join(root, name))) {
            await until(() => openings(path) === 0, () => `${path} is open after ${how}`);
          }
        }
      }
    },
  },
  {
    name: "a walk to its end leaves no descriptor",
    async run() {
      const root = tree(Array.from({ length: 100 }, (_, i) => `${i % 10}/${i}`));
      await namesOf(root);
      const before = descriptors();
      for (let i = 0; i < 5; i++) assertEquals((await namesOf(root)).length, 100);
      await until(() => descriptors() <= before, () => `${before}, then ${descriptors()}`);
    },
  },
  {
    name: "no folder, and a file, end the walk with code and path",
    async run() {
      const root = tree(["file"]);
      for (const [path, code] of [[join(root, "no"), "ENOENT"], [join(root, "file"), "ENOTDIR"]]) {
        const error = await failureOf(() => entriesOf(path));
        assertEquals((error as { code?: string } | undefined)?.code, code, `${error}`);
        assert(String(error).includes(path), `${error}`);
      }
    },
  },
  {
    name: "arguments of the wrong kind are TypeErrors at the call that name them",
    async run() {
      const wrong: [name: string, path: unknown, options?: unknown][] = [
        ["path", 5],
        ["path", new URL("https://a.example/")],
        ["prefix", ".", { prefix: 5 }],
        ["symlinks", ".", { symlinks: true }],
        ["filter", ".", { filter: /a/ }],
        ["sort", ".", { sort: "yes" }],
        ["recursive", ".", { recursive: true }],
        ["options", ".", null],
      ];
      for (const [name, path, options] of wrong) {
        const error = await failureOf(() => {
          directory(path as string, options as DirectoryOptions);
        });
        assert(error instanceof TypeError && error.message.includes(name), `${name}: ${error}`);
      }
    },
  },
  {
    name: "files that come and go while they are listed do not end the walk",
    async run() {
      const root = tree(Array.from({ length: 50 }, (_, i) => `${i % 5}/${i}`));
      let count = 0;
      for await (const { name } of directory(root)) {
        if (++count % 5 === 0) {
          rmSync(join(root, name.split("/")[0]), { recursive: true, force: true });
        }
      }
      assert(count > 0, "nothing was listed");
      assert(readdirSync(root).length < 5, "nothing was removed");
    },
  },
];
