// Checkpoints in files: for their owner only, whole at any moment, under names that say nothing, and not for ever.

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { pathToFileURL } from "node:url";
import { fileCheckpoints } from "../../src/file/file_checkpoints.ts";
import { checkpoint } from "../support/stored_checkpoint.ts";

const WEEK = 7 * 24 * 3600 * 1000;
const KEY = "/srv/somebody/secret plans.pdf";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "checkpoints-" });
  try {
    await use(`${folder}/state`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

Deno.test("what one store keeps another one of the same folder finds, and forgets", async () => {
  await inFolder(async (folder) => {
    const one = fileCheckpoints(folder);
    const other = fileCheckpoints(pathToFileURL(folder));
    assertEquals(await one.get(KEY), undefined);
    await one.delete(KEY);
    await one.set(KEY, checkpoint(1));
    await one.set(KEY, checkpoint(2));
    await other.set("b", checkpoint(3));
    assertEquals([await other.get(KEY), await one.get("b")], [checkpoint(2), checkpoint(3)]);
    await other.delete(KEY);
    assertEquals(await one.get(KEY), undefined);
    assertEquals((await names(folder)).length, 1);
  });
});

Deno.test("files and folder are for their owner only, and no name says anything of the key", async () => {
  await inFolder(async (folder) => {
    const umask = Deno.umask(0);
    try {
      await fileCheckpoints(folder).set(KEY, checkpoint(1));
    } finally {
      Deno.umask(umask);
    }
    const [name] = await names(folder);
    assertMatch(name, /^[0-9a-f]{64}\.json$/);
    const modes = [folder, `${folder}/${name}`].map(async (path) => (await Deno.stat(path)).mode!);
    assertEquals((await Promise.all(modes)).map((mode) => mode & 0o777), [0o700, 0o600]);
    assert(!(await Deno.readTextFile(`${folder}/${name}`)).includes("somebody"));
  });
});

Deno.test("a file that others may read, or that a link leads to, is replaced by one for its owner only", async () => {
  await inFolder(async (folder) => {
    const store = fileCheckpoints(folder);
    await store.set(KEY, checkpoint(1));
    const [name] = await names(folder);
    const path = `${folder}/${name}`;
    await Deno.chmod(path, 0o666);
    await store.set(KEY, checkpoint(2));
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    await Deno.rename(path, `${folder}/elsewhere`);
    await Deno.symlink(`${folder}/elsewhere`, path);
    await store.set(KEY, checkpoint(3));
    assertEquals((await Deno.lstat(path)).isSymlink, false);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/elsewhere`)), checkpoint(2));
  });
});

Deno.test("a write that fails leaves what was kept before, and no draft", async () => {
  await inFolder(async (folder) => {
    const store = fileCheckpoints(folder);
    await store.set(KEY, checkpoint(1));
    const [name] = await names(folder);
    const fails = { ...checkpoint(2), persisted: 2n } as never; // no JSON
    await assertRejects(async () => void await store.set(KEY, fails), TypeError);
    assertEquals([await store.get(KEY), await names(folder)], [checkpoint(1), [name]]);
    await Deno.remove(`${folder}/${name}`);
    await Deno.mkdir(`${folder}/${name}/in`, { recursive: true }); // in the place of the file
    await assertRejects(async () => void await store.set(KEY, checkpoint(3)));
    assertEquals(await names(folder), [name]);
  });
});

Deno.test("a key of any length and any characters names one file", async () => {
  await inFolder(async (folder) => {
    const store = fileCheckpoints(folder);
    const keys = ["a/b", "a\\b", "../../etc/passwd", "ä\u0000", "k".repeat(100_000), "A", "a"];
    for (const [i, key] of keys.entries()) await store.set(key, checkpoint(i));
    const found = await Promise.all(keys.map((key) => store.get(key)));
    assertEquals(found.map((kept) => kept?.persisted), [0, 1, 2, 3, 4, 5, 6]);
    assertEquals((await names(folder)).length, keys.length);
  });
});

Deno.test("a file is whole whenever it is read, while many write it, and no drafts are left", async () => {
  await inFolder(async (folder) => {
    const stores = [1, 2, 3].map(() => fileCheckpoints(folder));
    await stores[0].set(KEY, checkpoint(0));
    let writing = true;
    const write = async () => {
      for (let n = 0; n < 15; n++) {
        await Promise.all(stores.map((store) => store.set(KEY, checkpoint(n))));
      }
      writing = false;
    };
    const read = async () => {
      let reads = 0;
      for (; writing; reads++) assertEquals((await stores[0].get(KEY))?.version, 1);
      return reads;
    };
    const [, reads] = await Promise.all([write(), read()]);
    assert(reads > 0);
    assertEquals((await names(folder)).length, 1);
  });
});

Deno.test("what was written a week ago is not handed out; the next program drops it, and drafts, and nothing else", async () => {
  await inFolder(async (folder) => {
    const store = fileCheckpoints(folder);
    await store.set("old", checkpoint(1));
    await store.set("young", checkpoint(2));
    const old = new Date(Date.now() - WEEK - 1000);
    const draft = `${"0".repeat(64)}.json.${crypto.randomUUID()}.tmp`;
    for (const name of [draft, "notes.json"]) await Deno.writeTextFile(`${folder}/${name}`, "{");
    for (const name of await names(folder)) await Deno.utime(`${folder}/${name}`, old, old);
    await store.set("young", checkpoint(3));
    assertEquals(await store.get("old"), undefined);
    assertEquals((await names(folder)).length, 4, "this program has been tidy already");
    await fileCheckpoints(folder).set("another", checkpoint(4));
    assertEquals((await names(folder)).length, 3, "two checkpoints and the notes");
    assertEquals((await store.get("young"))?.persisted, 3);
    assert((await names(folder)).includes("notes.json"));
  });
});

Deno.test("what is no JSON is no error: an upload replaces what is no checkpoint", async () => {
  await inFolder(async (folder) => {
    const store = fileCheckpoints(folder);
    await store.set(KEY, checkpoint(1));
    await Deno.writeTextFile(`${folder}/${(await names(folder))[0]}`, "{torn");
    assertEquals(await store.get(KEY) as unknown, "{torn");
  });
});

Deno.test("a folder that cannot be made is an error of the store", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(folder, "a file");
    await assertRejects(async () =>
      await fileCheckpoints(`${folder}/below`).set(KEY, checkpoint(1))
    );
  });
});

for (const folder of ["", undefined, 7, new URL("https://a.example/b")]) {
  Deno.test(`a folder that is none is a TypeError at the call: ${folder}`, () => {
    assertThrows(() => fileCheckpoints(folder as string), TypeError, "folder: expected a path");
  });
}

Deno.test("keys that differ are never one, also where they are no text", async () => {
  await inFolder(async (folder) => {
    const store = fileCheckpoints(folder);
    const keys = ["", '"', "a", "a\n", "a/../b", "\0", "\ud800", "\ud801", "\ufffd", "\u{1f600}"];
    for (const [i, key] of keys.entries()) await store.set(key, checkpoint(i));
    for (const [i, key] of keys.entries()) assertEquals(await store.get(key), checkpoint(i));
  });
});
