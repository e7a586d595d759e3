// The map in docs/architecture.md is complete and true, and each file of tests and benchmarks says what it is.

import { assertEquals, assertGreater } from "@std/assert";
import { repositoryFiles } from "../tools/files.ts";

const ROOT = new URL("../", import.meta.url);

const files = await repositoryFiles();

/** All files below a folder, sorted. */
const filesOf = (folder: string): string[] => files.filter((path) => path.startsWith(folder));

/**
 * The files that a map names. A line is names, two spaces, and what they are. Names that are indented are in the folder of the
 * last line that is not; a folder among names is where the names after it are.
 */
function filesOnMap(map: string): string[] {
  const files: string[] = [];
  let room = "";
  for (const line of map.split("\n")) {
    const isIndented = line.startsWith("  ");
    let folder = isIndented ? room : "";
    for (const name of line.trim().split("  ")[0]!.split(" ")) {
      if (name.endsWith("/")) folder += name;
      else if (name.endsWith(".ts")) files.push(folder + name);
    }
    if (!isIndented) room = folder;
  }
  return files.sort();
}

/** What the first comment of a source says, without its marks. */
function opening(source: string): string {
  const text = source.replace(/^#!.*\n/, "").replace(/^<\?xml.*\?>\s*/, "")
    .replace(/^(?:\/\/go:build .*|\/\/ deno-lint-ignore-file.*)\n\s*/, "");
  const lines = /^(?:(?:\/\/|#).*\n)+/.exec(text)?.[0].replaceAll(/^(?:\/\/|#)/gm, "");
  const block = /^(?:\/\*+([^]*?)\*\/|"""([^]*?)"""|<!--([^]*?)-->)/.exec(text);
  const comment = lines ?? block?.[1] ?? block?.[2] ?? block?.[3] ?? "";
  return comment.replaceAll(/\s+\*?\s*/g, " ").trim();
}

/** Some words, and an end. */
const isSentence = (text: string): boolean => /^\S+(?: \S+){2,}/.test(text) && /[.:!]/.test(text);

Deno.test("a map names files below the folders of their lines", () => {
  const map =
    "a.ts  one\nsrc/b/  a room\n  c.ts d.ts  two\n  e/ f.ts  deeper\nsrc/g.ts  h.ts is not named";
  assertEquals(filesOnMap(map), ["a.ts", "src/b/c.ts", "src/b/d.ts", "src/b/e/f.ts", "src/g.ts"]);
});

Deno.test("docs/architecture.md names every source of the library once, and none that is not there", async () => {
  const page = await Deno.readTextFile(new URL("docs/architecture.md", ROOT));
  const map = /^## Rooms\n+```\n([^]*?)```$/m.exec(page)?.[1] ?? "";
  assertEquals(filesOnMap(map), ["mod.ts", ...filesOf("src/")]);
});

/** The rows of a table: the paths that the cell of sources names, and those that the cell of tests names. */
function rowsOf(section: string): { readonly sources: string[]; readonly tests: string[] }[] {
  const named = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path!);
  return [...section.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].slice(1).map(([, sources, tests]) => ({
    sources: named(sources!),
    tests: named(tests!),
  }));
}

/** The sources whose tests nobody finds: no test has their name, and no row has their folder or themselves. */
function unfound(
  sources: readonly string[],
  tests: readonly string[],
  rows: ReturnType<typeof rowsOf>,
): string[] {
  const isNamed = new Set(rows.filter((row) => row.tests.length > 0).flatMap((row) => row.sources));
  return sources.filter((path) => {
    const [folder, stem] = [path.slice(0, path.lastIndexOf("/") + 1), path.match(/(\w+)\.ts$/)![1]];
    const hasOwn = tests.some((test) => test.endsWith(`/${stem}_test.ts`));
    return !hasOwn && !isNamed.has(path) && !isNamed.has(folder);
  });
}

const WHICH_TESTS = /^## Which test holds what\n([^]*?)^## /m;

Deno.test("a source of the library that a document names is there", async () => {
  for (const path of filesOf("docs/").filter((path) => path.endsWith(".md"))) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    const named = [...text.matchAll(/`(src\/[\w./]+)`/g)].map(([, source]) => source!);
    const isThere = (source: string) => files.some((file) => file.startsWith(source));
    assertEquals(named.filter((source) => !isThere(source)), [], path);
  }
});

Deno.test("no two sources of the library have one name, but for mod.ts", () => {
  const names = filesOf("src/").map((path) => path.slice(path.lastIndexOf("/") + 1));
  const twice = names.filter((name, i) => names.indexOf(name) !== i && name !== "mod.ts");
  assertEquals(twice, []);
});

Deno.test("docs/README.md, or the index of their folder, leads to every document", async () => {
  const links = async (index: string): Promise<readonly string[]> => {
    const text = await Deno.readTextFile(new URL(index, ROOT));
    const urls = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, url]) => url!);
    return urls.filter((url) => !url.startsWith("http")).map((url) =>
      new URL(url, new URL(index, ROOT)).href
    );
  };
  const indexes = ["docs/README.md", "docs/reference/README.md"];
  const led = new Set((await Promise.all(indexes.map(links))).flat());
  const documents = filesOf("docs/").filter((path) =>
    path.endsWith(".md") && path !== "docs/README.md"
  );
  assertGreater(documents.length, 40);
  assertEquals(documents.filter((path) => !led.has(new URL(path, ROOT).href)), []);
});

Deno.test("docs/guides/install.md names the versions that the tests run", async () => {
  const runtimes = new URL("tests/support/runtimes/deno.json", ROOT);
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(runtimes),
  );
  const page = await Deno.readTextFile(new URL("docs/guides/install.md", ROOT));
  const wrangler = await Deno.readTextFile(new URL("examples/cloudflare/wrangler.jsonc", ROOT));
  const date = /"compatibility_date": "([\d-]+)"/.exec(wrangler)?.[1];
  const versions = ["bun", "miniflare", "@sparticuz/chromium"].map((name) =>
    imports[name]?.split("@").at(-1)
  );
  assertEquals([...versions, date].filter((version) => !page.includes(`${version}`)), []);
});

Deno.test("docs/development.md says of every folder of tests what it holds, and names none that is not there", async () => {
  const page = await Deno.readTextFile(new URL("docs/development.md", ROOT));
  const named = rowsOf(WHICH_TESTS.exec(page)?.[1] ?? "").flatMap(({ tests }) => tests);
  const tests = filesOf("tests/").map((path) => path.slice("tests/".length));
  const missing = named.filter((path) =>
    !tests.some((test) => path.endsWith("/") ? test.startsWith(path) : test === path)
  );
  assertEquals(missing, []);

  const folders = tests.filter((path) => path.includes("/")).map((path) => path.split("/")[0]!);
  const unsaid = folders.filter((folder) => !named.some((path) => path.startsWith(`${folder}/`)));
  assertEquals([...new Set(unsaid)], []);
});

Deno.test("each source has a test of its name, or its folder has a row in docs/development.md, and no row is of nothing", async () => {
  const page = await Deno.readTextFile(new URL("docs/development.md", ROOT));
  const rows = rowsOf(WHICH_TESTS.exec(page)?.[1] ?? "");
  const [sources, tests] = [filesOf("src/"), filesOf("tests/")];
  assertEquals(unfound(sources, tests, rows), []);
  const ofNothing = rows.flatMap((row) => row.sources).filter((path) =>
    path.startsWith("src/") && !sources.some((source) => source.startsWith(path))
  );
  assertEquals(ofNothing, []);
});

Deno.test("a source without a test is found: in a folder without a row, or in one whose row names no test", () => {
  const rows = rowsOf(
    "| source | tests |\n| --- | --- |\n| `src/a/` | `a/` |\n| `src/b/` | later |\n",
  );
  const sources = ["src/a/x.ts", "src/a/deeper/x.ts", "src/b/x.ts", "src/c.ts", "src/d/y.ts"];
  assertEquals(unfound(sources, ["tests/z/y_test.ts"], rows), [
    "src/a/deeper/x.ts",
    "src/b/x.ts",
    "src/c.ts",
  ]);
});

const sentences: [what: string, source: string, isSentence: boolean][] = [
  ["a comment of one line", "// What this holds.\n\nlet x;\n", true],
  ["a comment of several lines", "// What this file\n// holds.\nlet x;\n", true],
  ["a module comment", "/**\n * What this holds.\n *\n * @module\n */\n", true],
  ["a comment of Python's", '"""What this holds.\n"""\n', true],
  ["a comment after a build tag", "//go:build unix\n\n// What this holds.\n\npackage main\n", true],
  ["an import", 'import { a } from "b"; // What this holds.\n', false],
  ["a directive alone", "// deno-lint-ignore-file no-explicit-any\nlet x;\n", false],
  ["a build tag alone", "//go:build unix\n\npackage main\n", false],
  ["one word", "// Helpers.\nlet x;\n", false],
];
for (const [what, source, expected] of sentences) {
  Deno.test(`${what} is ${expected ? "" : "not "}a sentence that a file opens with`, () => {
    assertEquals(isSentence(opening(source)), expected);
  });
}

for (const folder of ["tests/", "bench/"]) {
  Deno.test(`every source in ${folder} opens with a sentence`, async () => {
    const sources = filesOf(folder).filter((path) =>
      /\.(?:[cm]?[jt]sx?|py|go|java|xml)$/.test(path)
    );
    assertGreater(sources.length, 0);
    const silent: string[] = [];
    for (const path of sources) {
      const source = await Deno.readTextFile(new URL(path, ROOT));
      if (!isSentence(opening(source))) silent.push(path);
    }
    assertEquals(silent, []);
  });
}
