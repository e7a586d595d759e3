// Files that need not be uploaded: because they exist, or because the manifest of an earlier run says so.

import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import type { Transport, UploadSource } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import type { UploadManyItem } from "../../src/parallel/mod.ts";
import { defaultStream, patterned, pieces } from "../support/bytes.ts";
import { BUCKET, CountedFile, errorOf, inShort, kinds, start } from "./many_support.ts";

const MIB = 1024 * 1024;
const SKIP = { skipExisting: true };

/** An emulator in which some objects are. */
async function filled(...names: string[]): Promise<GcsEmulator> {
  const { gcs, run } = start(names.map((name) => ({ name, source: "old" })));
  await run;
  return gcs;
}

Deno.test("skipExisting: what exists stays as it is, and is skipped; the rest is uploaded", async () => {
  const gcs = await filled("a", "c");
  const files = ["a", "b", "c", "d"].map((name) => ({ name, source: "new!" }));
  const { run, results } = start(files, SKIP, gcs);
  assertEquals(await run, { uploaded: 2, skipped: 2, failed: 0, bytes: 8 });
  assertEquals(inShort(results), [
    "a skipped exists",
    "b uploaded",
    "c skipped exists",
    "d uploaded",
  ]);
  assertEquals(gcs.get(BUCKET, "a")?.size, 3);
});

const large: Record<string, (file: CountedFile) => UploadSource> = {
  "a file": (file) => file,
  "a stream": () => defaultStream(pieces(patterned(2 * MIB), 100_000)),
};

for (const [kind, make] of Object.entries(large)) {
  Deno.test(`skipExisting: ${kind} above 1 MiB that exists is not read, nor are bytes of it sent`, async () => {
    const gcs = await filled("a"), file = new CountedFile(patterned(2 * MIB));
    const before = gcs.requests.length;
    const { run, results } = start([{ name: "a", source: () => make(file) }], SKIP, gcs);
    await run;
    assertEquals(inShort(results), ["a skipped exists"]);
    assertEquals(kinds(gcs).slice(before), ["get"]);
    assertEquals(file.reads, 0);
  });
}

Deno.test("skipExisting: what is not there, or may not be looked at, is decided by the precondition", async () => {
  for (const status of [404, 403, 401, 400]) {
    const gcs = await filled("a");
    gcs.inject({ on: "get", status, times: Infinity });
    const files = ["a", "b"].map((name) => ({
      name,
      source: () => new CountedFile(patterned(2 * MIB)),
    }));
    const { run, results } = start(files, SKIP, gcs);
    await run;
    assertEquals(inShort(results), ["a skipped exists", "b uploaded"], `${status}`);
    assertEquals(gcs.get(BUCKET, "a")?.size, 3);
  }
});

Deno.test("skipExisting: a look that cannot be answered fails the file, and sends nothing", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: "get", status: 503, times: Infinity });
  const files = [{ name: "a", source: () => new CountedFile(patterned(2 * MIB)) }];
  const { run, results } = start(files, { ...SKIP, retry: false }, gcs);
  await run;
  assertMatch(errorOf(results, "a")!.message, /look at the result/);
  assertEquals(kinds(gcs), ["get"]);
});

Deno.test("skipExisting: an upload whose reply was lost is an upload, not a skip", async () => {
  for (const size of [10, 2 * MIB, 9 * MIB]) {
    const gcs = new GcsEmulator();
    gcs.inject({ on: ["multipart", "final"], drop: "after" });
    const files = [{ name: "a", source: () => new CountedFile(patterned(size)) }];
    const { run, results } = start(files, SKIP, gcs);
    await run;
    assertEquals(inShort(results), ["a uploaded"], `${size}`);
    assertEquals(gcs.get(BUCKET, "a")?.bytes, patterned(size));
  }
});

Deno.test("skipExisting: an item with a precondition of its own fails", async () => {
  const { run, results } = start([{ name: "a", source: "a", ifGenerationMatch: 3 }], SKIP);
  await run;
  assertMatch(errorOf(results, "a")!.message, /ifGenerationMatch: expected none/);
});

Deno.test("a failed precondition without skipExisting is a failure", async () => {
  const { run } = start(
    [{ name: "a", source: "new" }],
    { ifGenerationMatch: 0 },
    await filled("a"),
  );
  assertEquals(await run, { uploaded: 0, skipped: 0, failed: 1, bytes: 0 });
});

/** Runs over files with a manifest, one after the other, and keeps its text. */
class Log {
  text = "";

  async run<I extends UploadManyItem>(
    files: readonly I[],
    options: Parameters<typeof start<I>>[1] = {},
    gcs = new GcsEmulator(),
  ): Promise<string[]> {
    const write = (line: string) => void (this.text += line);
    const { run, results } = start(files, {
      manifest: { previous: this.text, write },
      ...options,
    }, gcs);
    await run;
    return inShort(results);
  }

  get lines(): Record<string, unknown>[] {
    return this.text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }
}

const two = [{ name: "a", source: "a" }, { name: "b", source: "bb" }];

Deno.test("manifest: a second run skips what the first one has uploaded, and sends nothing", async () => {
  const log = new Log(), gcs = new GcsEmulator();
  assertEquals(await log.run(two), ["a uploaded", "b uploaded"]);
  const text = log.text;
  assertEquals(await log.run(two, {}, gcs), ["a skipped manifest", "b skipped manifest"]);
  assertEquals([gcs.requests.length, log.text], [0, text]);
});

Deno.test("manifest: what failed is tried again, and its last line counts", async () => {
  const log = new Log(), gcs = new GcsEmulator();
  gcs.inject({ on: (request) => request.url.includes("name=b"), status: 403, times: Infinity });
  assertEquals(await log.run(two, {}, gcs), ["a uploaded", "b failed"]);
  assertEquals(await log.run(two), ["a skipped manifest", "b uploaded"]);
  assertEquals(await log.run(two), ["a skipped manifest", "b skipped manifest"]);
});

Deno.test("manifest: a line says what was stored", async () => {
  const log = new Log(), gcs = new GcsEmulator();
  await log.run([{ name: "a", source: "abc", lastModified: 5.5 }], {}, gcs);
  const { generation, crc32c } = gcs.get(BUCKET, "a")!.resource;
  const bucket = BUCKET;
  assertEquals(log.lines, [
    { bucket, name: "a", status: "uploaded", size: 3, lastModified: 5.5, generation, crc32c },
  ]);
});

const text = (size: number, lastModified?: number) => ({
  name: "a",
  source: () => "x".repeat(size),
  ...(lastModified !== undefined && { lastModified }),
});
const listed = (size: number, lastModified: number) => ({ ...text(size), size, lastModified });
const dom = (size: number, lastModified: number) => ({
  name: "a",
  source: () => new File(["x".repeat(size)], "a", { lastModified }),
});

/** A file in a first and in a second run, and whether it is taken to be the same. */
const changes: Record<string, [first: UploadManyItem, second: UploadManyItem, same: boolean]> = {
  "nothing changed": [listed(3, 7), listed(3, 7), true],
  "its listed size changed": [listed(3, 7), listed(4, 7), false],
  "its listed time changed": [listed(3, 7), listed(3, 8), false],
  "the size of its source changed": [text(3), text(4), false],
  "the time of a source is known, and changed": [dom(3, 7), dom(3, 8), false],
  "the time of a source is known, and is the same": [dom(3, 7), dom(3, 7), true],
  "the time is known in the first run only": [text(3, 7), text(3), true],
  "the time is known in the second run only": [text(3), text(3, 7), true],
};

for (const [what, [first, second, same]] of Object.entries(changes)) {
  Deno.test(`manifest: a file is ${same ? "skipped" : "uploaded again"} where ${what}`, async () => {
    const log = new Log();
    await log.run([first]);
    assertEquals(await log.run([second]), [same ? "a skipped manifest" : "a uploaded"]);
    assertEquals(await log.run([second]), ["a skipped manifest"]);
  });
}

Deno.test("manifest: a file that says size and time is not opened to be skipped", async () => {
  const log = new Log();
  await log.run([listed(3, 7)]);
  const source = () => {
    throw new Error("was opened");
  };
  assertEquals(await log.run([{ ...listed(3, 7), source }]), ["a skipped manifest"]);
});

Deno.test("manifest: what was skipped because it exists is skipped again with skipExisting only", async () => {
  const log = new Log(), gcs = await filled("a");
  const files = [{ name: "a", source: "a" }];
  assertEquals(await log.run(files, SKIP, gcs), ["a skipped exists"]);
  assertEquals(await log.run(files, SKIP, gcs), ["a skipped manifest"]);
  assertEquals(await log.run(files, {}, gcs), ["a uploaded"]);
});

Deno.test("manifest: it may be cut anywhere, and what was torn is uploaded again", async () => {
  const whole = new Log();
  const files = ["a", "b", "ü"].map((name) => ({ name, source: name }));
  await whole.run(files, { concurrency: 1 });
  for (let cut = 0; cut < whole.text.length; cut++) {
    const log = new Log();
    log.text = whole.text.slice(0, cut);
    const rest = whole.text.slice(0, cut).split("\n").length - 1; // lines that have their ends
    const results = await log.run(files);
    const skipped = results.filter((result) => result.includes("manifest")).length;
    assert(skipped === rest || skipped === rest + 1, `${skipped} at ${cut}`);
    assertEquals(
      await log.run(files),
      files.map(({ name }) => `${name} skipped manifest`),
      `${cut}`,
    );
  }
});

Deno.test("manifest: a run that was killed at once, after one that was killed at once, leaves one to go on from", async () => {
  for (const torn of ["{", '{"buck', '{"bucket":"my-bucket","name":"a","stat']) {
    const log = new Log();
    log.text = `${torn}\n`;
    assertEquals(await log.run(two), ["a uploaded", "b uploaded"]);
    assertEquals(await log.run(two), ["a skipped manifest", "b skipped manifest"]);
  }
});

Deno.test("manifest: previous lines come as a string, an array or a stream of pieces", async () => {
  const log = new Log();
  await log.run(two);
  const cut = log.text.match(/[^]{1,7}/g)!;
  const ways: Record<string, () => Iterable<string> | AsyncIterable<string>> = {
    "an array": () => cut,
    "a generator": function* () {
      yield* cut;
    },
    "a stream": () => new Blob([log.text]).stream().pipeThrough(new TextDecoderStream()),
  };
  for (const [way, previous] of Object.entries(ways)) {
    const { run } = start(two, { manifest: { previous: previous() } });
    assertEquals((await run).skipped, 2, way);
  }
});

Deno.test("manifest: lines of another bucket count for nothing", async () => {
  const log = new Log();
  await log.run(two);
  assertEquals(await log.run(two, { bucket: "another-bucket" }), ["a uploaded", "b uploaded"]);
});

Deno.test("manifest: a text that is none is refused, before anything is sent", async () => {
  for (const previous of ["path,to,file\n", "{}\n", '[{"name":"a"}]\nb\n']) {
    const { run, gcs } = start(two, { manifest: { previous } });
    await assertRejects(() => run, TypeError, "manifest.previous: expected lines");
    assertEquals(gcs.requests, []);
  }
});

Deno.test("manifest: what reading it throws ends the run", async () => {
  const broken = new Error("cannot read");
  const previous = (async function* (): AsyncGenerator<string> {
    yield await Promise.resolve("");
    throw broken;
  })();
  const { run, gcs } = start(two, { manifest: { previous } });
  assertStrictEquals(await assertRejects(() => run), broken);
  assertEquals(gcs.requests, []);
});

Deno.test("manifest: a WritableStream gets whole lines, and stays open and unlocked", async () => {
  const lines: string[] = [];
  let closed = false;
  const write = new WritableStream<string>({
    write: (line) => void lines.push(line),
    close: () => void (closed = true),
  });
  const { run } = start(two, { manifest: { write } });
  await run;
  assertEquals(lines.map((line) => JSON.parse(line).name).sort(), ["a", "b"]);
  assert(lines.every((line) => line.endsWith("\n")));
  assertEquals([write.locked, closed], [false, false]);
});

Deno.test("manifest: a stream that fails ends the run", async () => {
  const broken = new Error("disk full");
  const write = new WritableStream<string>({
    write: () => {
      throw broken;
    },
  });
  const { run } = start(two, { manifest: { write }, concurrency: 1 });
  assertStrictEquals(await assertRejects(() => run), broken);
});

Deno.test("manifest: a line is written before onResult hears of the file", async () => {
  let text = "";
  const { run } = start(two, {
    manifest: { write: (line) => void (text += line) },
    onResult: ({ name }) => assert(text.includes(`"name":"${name}"`), name),
  });
  assertEquals((await run).uploaded, 2);
});

Deno.test("manifest: the failure of a second item of a name does not undo the first", async () => {
  const log = new Log();
  await log.run([...two, { name: "a", source: "again" }], { concurrency: 1 });
  assertEquals(await log.run(two), ["a skipped manifest", "b skipped manifest"]);
});

Deno.test("manifest: no token, key, session URL and no message of an error is in it", async () => {
  const gcs = new GcsEmulator(), log = new Log();
  const transport: Transport = (input, init) => {
    if (init.method === "PUT") throw new TypeError(`failed: ${input} SECRET`);
    return gcs.fetch(input, init);
  };
  const files = [{ name: "a", source: "a" }, {
    name: "b",
    source: () => Promise.reject(new Error("SECRET")),
  }];
  await log.run(files, {
    transport,
    retry: false,
    chunkSize: 262_144,
    repeatable: false,
    ifGenerationMatch: undefined,
    headers: { authorization: "Bearer SECRET" },
    checksum: null,
  });
  const large = [{ name: "c", source: () => new CountedFile(patterned(9 * MIB)) }];
  await log.run(large, { transport, retry: false });
  assert(gcs.sessions.length > 0);
  assertEquals(log.lines.find(({ name }) => name === "c")?.code, "transport_failed");
  assertEquals(/SECRET|upload_id|https?:/.test(log.text), false, log.text);
});
