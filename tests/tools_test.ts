// The tools that check documents and releases find what they should, and nothing else.

import { assertEquals } from "@std/assert";
import { sectionsWithoutProof, unproven } from "../tools/claims.ts";
import { headingsOf, linksOf } from "../tools/links.ts";
import { failures } from "../tools/pool.ts";
import { obstacles } from "../tools/release.ts";
import { wordsOf } from "../tools/words.ts";

Deno.test("links to files are found in prose, in definitions and in HTML", () => {
  const markdown = '[a](./a.md) ![b](b.png "title")\n\n[c]: docs/c.md\n<img src="d.svg">';
  assertEquals(linksOf(markdown), ["./a.md", "b.png", "docs/c.md", "d.svg"]);
});

Deno.test("links to sites, links to headings and code are not links to files", () => {
  const markdown =
    "[a](https://a.example/b) [b](#c) [m](mailto:a@b.example) `[d](e)`\n\n```ts\n[f](g)\n```\n";
  assertEquals(linksOf(markdown), []);
});

Deno.test("headings are places as GitHub names them, code is none, and the second of a name is numbered", () => {
  const markdown = "# The `a.b()` of [C](c.md)\n\n```sh\n# no\n```\n## Is it up?\n## Is it up?\n";
  assertEquals([...headingsOf(markdown)], ["the-ab-of-c", "is-it-up", "is-it-up-1"]);
});

const folder = (name: string) => `see /${name}/x`;

Deno.test("folders of a machine and hosts of registries are forbidden words", () => {
  for (const line of [folder("root"), folder("work"), folder("home/me"), folder("Users/me")]) {
    assertEquals(wordsOf(line).length, 1, line);
  }
  assertEquals(wordsOf(`"https://registry.${"npmjs"}.org/a"`).length, 1);
  assertEquals(wordsOf(`https://npm.${"verdaccio"}.example/a`).length, 1);
});

Deno.test("paths in URLs and words that look alike are not forbidden", () => {
  for (
    const line of ["https://a.example/work/b", "./work/a", "docs/root/a", "the root / the work"]
  ) {
    assertEquals(wordsOf(line), [], line);
  }
});

Deno.test("a release needs a tag that is the version, and a section in the changelog", () => {
  const changelog = "# Changelog\n\n## 1.2.3 (2030-01-01)\n\n## [1.2.2]\n";
  assertEquals(obstacles("1.2.3", changelog, "v1.2.3"), []);
  assertEquals(obstacles("1.2.2", changelog), []);
  assertEquals(obstacles("1.2.3", changelog, "v1.2.4").length, 1);
  assertEquals(obstacles("1.2", changelog, "v1.2").length, 1);
});

Deno.test("what is said again of a suite that failed are the errors of its tests, or its last lines, and not too many", () => {
  const output = "a ... ok\nb ... FAILED\n\n ERRORS \n\nb => ./b_test.ts:1:6\nerror: Error: no\n";
  assertEquals(failures(output), "b => ./b_test.ts:1:6\nerror: Error: no");
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  assertEquals(failures(lines.join("\n")).split("\n"), lines.slice(40));
  assertEquals(failures(`ERRORS\n${lines.join("\n")}`).split("\n"), lines.slice(0, 60));
});

const proven: readonly string[] = [
  "A chunk is kept. [test](../tests/a_test.ts)",
  "A chunk is kept ([chunks](https://cloud.google.com/storage/docs/resumable-uploads)).",
  "A chunk is kept (_observed_).",
  "It is twice as fast (_measured_).",
  "What each reply means:",
  "What each reply means [test](../tests/a_test.ts).\n\n| reply | meaning |\n| --- | --- |\n| 308 | go on |",
  "These hold ([test](../tests/a_test.ts)):\n\n- one\n- two",
  "<!-- no claim -->\n\n| who | wants |\n| --- | --- |\n| all | all |",
  "<!-- no claim -->\n\nThis page is about that.",
  "# A heading\n\n```sh\ncode\n\nmore code\n```",
  "<!-- bench: upload -->\n\nFast.\n\n<!-- end -->",
];
for (const text of proven) {
  Deno.test(`the check of claims asks for no proof of ${JSON.stringify(text.slice(0, 60))}`, () => {
    assertEquals(unproven(text), []);
  });
}

const claims: readonly [text: string, lines: readonly number[]][] = [
  ["A chunk is kept.", [1]],
  ["A chunk is kept ([chunks](chunks.md)).", [1]],
  ["A chunk is kept ([a blog](https://blog.example/chunks)).", [1]],
  ["These hold:\n\n- one ([test](../tests/a_test.ts))\n- two,\n  and more\n- three", [4, 6]],
  ["| reply | meaning |\n| --- | --- |\n| 308 | go on |\n| 200 | done (_observed_) |", [3]],
  ["<!-- no claim -->\n\nThis is about that.\n\nA chunk is kept.", [5]],
  ["Proven [test](../tests/a_test.ts).\n\nNot proven.\n\n- not proven", [3, 5]],
];
for (const [text, lines] of claims) {
  Deno.test(`the check of claims finds what has no proof in ${JSON.stringify(text.slice(0, 60))}`, () => {
    assertEquals(unproven(text).map(({ line }) => line), lines);
  });
}

/** A page that does not fit a screen. */
const long = (...sections: string[]) =>
  ["# Title\n\nThis is about that.", ...sections, "\n".repeat(80)].join("\n\n");

Deno.test("a section without any proof is found, with its line, and one that has a single proof is not", () => {
  const page = long(
    "## Held\n\nA chunk is kept.\n\nTwo are kept. [test](../tests/a_test.ts)",
    "## Not held\n\nA chunk is kept.\n\n```sh\n## no heading\n```",
    "### Only code\n\n```ts\nawait upload();\n```",
    "### Advice\n\n<!-- no claim -->\n\nTake a short name.",
  );
  assertEquals(sectionsWithoutProof(page), [{ line: 11, heading: "## Not held" }]);
});

Deno.test("a page that fits a screen is one section", () => {
  const page = "# Title\n\nA chunk is kept.\n\n## More\n\nTwo are.";
  assertEquals(sectionsWithoutProof(page), [{ line: 1, heading: "# Title" }]);
  assertEquals(sectionsWithoutProof(`${page} [test](../../tests/a_test.ts)`), []);
});
