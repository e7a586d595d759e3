// Which names objects get: of files, folders, globs and standard input.

import { assertEquals } from "@std/assert";
import { world } from "./support.ts";

const files = {
  "a.txt": "a",
  "b c.txt": "b",
  "photos/1.jpg": "1",
  "photos/trip/2.jpg": "2",
  "photos/trip/note.md": "n",
  "photos/.hidden/3.jpg": "3",
};

/** Arguments, and the names that come of them in the bucket `bucket`. */
const rules: Record<string, [args: string[], names: string[]]> = {
  "a file gets the name of the destination": [["a.txt", "gs://bucket/b.txt"], ["b.txt"]],
  "a file keeps its name in a bucket": [["a.txt", "gs://bucket"], ["a.txt"]],
  "a slash at the end makes a prefix of the destination": [["a.txt", "gs://bucket/p/"], [
    "p/a.txt",
  ]],
  "several files make a prefix of it": [["a.txt", "b c.txt", "gs://bucket/p"], [
    "p/a.txt",
    "p/b c.txt",
  ]],
  "a folder alone gives what is in it the destination": [
    ["-r", "photos/trip", "gs://bucket/p"],
    ["p/2.jpg", "p/note.md"],
  ],
  "a folder keeps its own name below a slash": [
    ["-r", "photos/trip/", "gs://bucket/p/"],
    ["p/trip/2.jpg", "p/trip/note.md"],
  ],
  "a folder keeps its own name in a bucket": [
    ["-r", "photos/trip", "gs://bucket"],
    ["trip/2.jpg", "trip/note.md"],
  ],
  "several sources keep the names of folders": [
    ["-r", "photos/trip", "a.txt", "gs://bucket/p"],
    ["p/a.txt", "p/trip/2.jpg", "p/trip/note.md"],
  ],
  "a folder that is called . has no name": [
    ["-r", "photos/trip/.", "gs://bucket/p/"],
    ["p/2.jpg", "p/note.md"],
  ],
  "a glob matches within one folder": [["photos/*.jpg", "gs://bucket/p"], ["p/1.jpg"]],
  "two stars match any folders, and the names of files count": [
    ["photos/**/*.jpg", "gs://bucket/p"],
    ["p/1.jpg", "p/2.jpg"],
  ],
  "with -r a glob takes folders too": [
    ["-r", "photos/*", "gs://bucket/p"],
    ["p/1.jpg", "p/trip/2.jpg", "p/trip/note.md"],
  ],
  "braces and classes are patterns": [["{a,b c}.t[wx]t", "gs://bucket"], ["a.txt", "b c.txt"]],
};

for (const [rule, [args, names]] of Object.entries(rules)) {
  Deno.test(rule, async () => {
    await using cli = await world();
    await cli.write(files);
    const { code, err } = await cli.run(["cp", ...args]);
    assertEquals(cli.names(), names.map((name) => `bucket/${name}`), err);
    assertEquals(code, 0);
  });
}

Deno.test("a file whose name looks like a pattern is taken for the file", async () => {
  await using cli = await world();
  await cli.write({ "[1].txt": "x", "1.txt": "y" });
  assertEquals((await cli.run(["cp", "[1].txt", "gs://bucket/"])).code, 0);
  assertEquals(cli.names(), ["bucket/[1].txt"]);
});

Deno.test("names come from standard input, one a line or by NULs, and may have anything in them", async () => {
  await using cli = await world();
  await cli.write({ "a b": "1", "ü€😀": "2", "c": "3" });
  const lines = await cli.run(["cp", "-I", "gs://bucket/l"], { stdin: "a b\r\nü€😀\n" });
  const nuls = await cli.run(["cp", "-I", "-0", "gs://bucket/n"], { stdin: "a b\0c" });
  assertEquals([lines.code, nuls.code], [0, 0]);
  assertEquals(cli.names(), ["l/a b", "l/ü€😀", "n/a b", "n/c"].map((name) => `bucket/${name}`));
});

Deno.test("what cannot be shown as it is in a name is escaped, on a line of its own", async () => {
  await using cli = await world();
  await cli.write({ "d/evil\x1b[2J\nname": "1" });
  const { out } = await cli.run(["cp", "-r", "--dry-run", "d", "gs://bucket/"]);
  assertEquals(out.split("\n").length, 2);
  assertEquals(out.includes("\x1b"), false);
  assertEquals(out.includes("evil\\x1b[2J\\nname"), true);
});

Deno.test("standard input becomes the object of that name", async () => {
  await using cli = await world();
  const { code } = await cli.run(["cp", "-", "gs://bucket/in.txt"], { stdin: "hello" });
  assertEquals([code, cli.gcs.get("bucket", "in.txt")?.size], [0, 5]);
});
