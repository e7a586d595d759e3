// Which files uploadMany takes, in which way each goes, and that each is let go of.

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { UploadSource } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import type { UploadManyItem } from "../../src/parallel/mod.ts";
import { asyncPieces, defaultStream, patterned, pieces } from "../support/bytes.ts";
import { BUCKET, CountedFile, errorOf, inShort, kinds, settle, start } from "./many_support.ts";

const MIB = 1024 * 1024;
const data = patterned(300_000);

const sources: Record<string, () => UploadSource> = {
  "bytes": () => data,
  "a Blob": () => new Blob([data]),
  "{ size, read }": () => new CountedFile(data),
  "{ read } without a size": () => ({
    read: (offset, length) => Promise.resolve(data.subarray(offset, offset + length)),
  }),
  "a stream": () => defaultStream(pieces(data, 70_000)),
  "an asynchronous iterable": () => asyncPieces(pieces(data, 70_000)),
};

for (const [kind, make] of Object.entries(sources)) {
  const given: Record<string, () => UploadManyItem["source"]> = {
    "as it is": make,
    "from a function": () => make,
    "from a function with a promise": () => () => Promise.resolve(make()),
  };
  for (const [how, source] of Object.entries(given)) {
    for (const skipExisting of [false, true]) {
      const when = skipExisting ? "if there is none" : "whatever is there";
      Deno.test(`${kind}, given ${how}, is stored ${when}`, async () => {
        const { gcs, results, run } = start([{ name: "a", source: source() }], { skipExisting });
        assertEquals(await run, { uploaded: 1, skipped: 0, failed: 0, bytes: data.length });
        assertEquals(gcs.get(BUCKET, "a")?.bytes, data);
        assertEquals(inShort(results), ["a uploaded"]);
      });
    }
  }
}

const items = ["a", "b", "c"].map((name) => ({ name, source: name }));

const iterables: Record<string, () => Iterable<UploadManyItem> | AsyncIterable<UploadManyItem>> = {
  "an array": () => items,
  "a set": () => new Set(items),
  "a generator": function* () {
    yield* items;
  },
  "an asynchronous generator": async function* () {
    for (const item of items) yield await Promise.resolve(item);
  },
  "a stream of items": () =>
    new ReadableStream({
      start(controller) {
        for (const item of items) controller.enqueue(item);
        controller.close();
      },
    }),
  "nothing": () => [],
};

for (const [what, make] of Object.entries(iterables)) {
  Deno.test(`files come from ${what}`, async () => {
    const expected = what === "nothing" ? 0 : 3;
    const { gcs, run } = start(make());
    assertEquals((await run).uploaded, expected);
    assertEquals(gcs.objects.map(({ name }) => name), ["a", "b", "c"].slice(0, expected));
  });
}

Deno.test("a small file takes one request where repeating it is safe, and a session where it is not", async () => {
  for (
    const safe of [
      { skipExisting: true },
      { repeatable: true },
      { ifGenerationMatch: 0 },
      { retry: false } as const,
    ]
  ) {
    const { gcs, run } = start([{ name: "a", source: () => new CountedFile(data) }], safe);
    await run;
    assertEquals(kinds(gcs), ["multipart"], Object.keys(safe)[0]);
  }
  const { gcs, run } = start([{ name: "a", source: () => new CountedFile(data) }]);
  await run;
  assertEquals(kinds(gcs), ["initiate", "final"]);
});

Deno.test("a large file takes a session, with the same precondition", async () => {
  const large = patterned(9 * MIB);
  const { gcs, run } = start([{ name: "a", source: () => new CountedFile(large) }], {
    ifGenerationMatch: 0,
  });
  await run;
  assertEquals(kinds(gcs)[0], "initiate");
  assertMatch(gcs.requests[0].url, /ifGenerationMatch=0/);
  assertEquals(gcs.get(BUCKET, "a")?.bytes, large);
});

Deno.test("what an item says goes before what the options say, field by field", async () => {
  const files = [
    { name: "a", source: "a", contentType: "text/html" },
    {
      name: "b",
      source: "b",
      metadata: { contentType: "image/png", metadata: { own: "1", both: "own" } },
    },
    { name: "c", source: "c" },
  ];
  const { gcs, run } = start(files, {
    metadata: { cacheControl: "no-store", contentType: "a/b", metadata: { all: "2", both: "all" } },
  });
  assertEquals((await run).uploaded, 3);
  const stored = (name: string) => {
    const { contentType, metadata, cacheControl } = gcs.get(BUCKET, name)!.resource;
    return { contentType, metadata, cacheControl };
  };
  const cacheControl = "no-store", metadata = { all: "2", both: "all" };
  assertEquals(stored("a"), { contentType: "text/html", metadata, cacheControl });
  assertEquals(stored("b"), {
    contentType: "image/png",
    metadata: { all: "2", both: "own", own: "1" },
    cacheControl,
  });
  assertEquals(stored("c"), { contentType: "a/b", metadata, cacheControl });
});

Deno.test("a precondition of an item goes before that of the options", async () => {
  const { results, run } = start([{ name: "a", source: "a", ifGenerationMatch: 5 }], {
    ifGenerationMatch: 0,
  });
  assertEquals((await run).failed, 1);
  assertMatch(errorOf(results, "a")!.message, /not in the state/);
});

Deno.test("a stream must keep the size of its item", async () => {
  const { gcs, results, run } = start([
    { name: "a", source: () => defaultStream(pieces(data, 1000)), size: data.length + 1 },
  ]);
  await run;
  assertMatch(errorOf(results, "a")!.message, new RegExp(`${data.length + 1} bytes`));
  assertEquals(gcs.objects, []);
});

Deno.test("a file that changed since it was listed is uploaded as it is", async () => {
  const { run } = start([{ name: "a", source: () => new CountedFile(data), size: 5 }]);
  assertEquals((await run).bytes, data.length);
});

Deno.test("a file that does not know its size, or says 0, is stored whole, whatever its item says", async () => {
  const read = (offset: number, length: number) =>
    Promise.resolve(data.subarray(offset, offset + length));
  for (const file of [{ size: 0, read }, { read }]) {
    for (const size of [0, 5, undefined]) {
      for (const skipExisting of [false, true]) {
        const { gcs, run } = start([{ name: "a", source: () => file, size }], { skipExisting });
        assertEquals((await run).uploaded, 1);
        assertEquals(gcs.get(BUCKET, "a")?.bytes, data);
      }
    }
  }
});

Deno.test("an empty file is stored, whatever kind of source it is", async () => {
  const empty: (() => UploadSource)[] = [
    () => "",
    () => new Uint8Array(),
    () => new Blob(),
    () => new CountedFile(new Uint8Array()),
    () => defaultStream([]),
  ];
  for (const skipExisting of [false, true]) {
    const files = empty.map((source, i) => ({ name: `${i}`, source, size: 0 }));
    const { gcs, run } = start(files, { skipExisting });
    assertEquals((await run).uploaded, empty.length);
    assertEquals(gcs.objects.map(({ size }) => size), [0, 0, 0, 0, 0]);
  }
});

Deno.test("a file is opened when its turn has come, and no more are open than slots", async () => {
  let open = 0, most = 0;
  const files = Array.from({ length: 40 }, (_, i) => ({
    name: `file ${i}`,
    source() {
      most = Math.max(most, ++open);
      return new CountedFile(data.subarray(0, i));
    },
    close: () => void open--,
  }));
  await start(files, { concurrency: 3 }).run;
  assertEquals([open, most], [0, 3]);
});

/** Files that end in every way: what to run them with, and how often each is to be closed. */
const endings: Record<string, (trial: Closing) => Promise<unknown>> = {
  "it was uploaded": ({ run }) => run({}),
  "it exists": async ({ run, gcs }) => {
    await start([{ name: "a", source: "other" }], {}, gcs).run;
    await run({ skipExisting: true });
  },
  "the manifest knows it": ({ run }) =>
    run({ manifest: { previous: `{"bucket":"${BUCKET}","name":"a","status":"uploaded"}\n` } }),
  "it was refused": ({ run, gcs }) => {
    gcs.inject({ status: 403, times: Infinity });
    return run({});
  },
  "its options are wrong": ({ run, item }) => {
    item.contentType = "nonsense";
    return run({});
  },
  "its name is wrong": ({ run, item }) => {
    item.name = "..";
    return run({});
  },
  "the run was aborted": async ({ run, gcs }) => {
    gcs.inject({ hang: "before", times: Infinity });
    const stop = new AbortController();
    const ended = run({ signal: stop.signal }).catch(() => {});
    await settle();
    stop.abort();
    await ended;
  },
};

interface Closing {
  readonly gcs: GcsEmulator;
  readonly item: { name: string; contentType?: string };
  run(options: Parameters<typeof start>[1]): Promise<unknown>;
}

for (const [how, act] of Object.entries(endings)) {
  Deno.test(`when ${how}, the source and what the item gave are closed once`, async () => {
    for (const isLazy of [true, false]) {
      const gcs = new GcsEmulator();
      const file = new CountedFile(data);
      let closed = 0, disposed = 0;
      const second = Object.assign(new Blob(["b"]), {
        [Symbol.asyncDispose]: () => Promise.resolve(void disposed++),
      });
      const item = {
        name: "a",
        source: isLazy ? () => file : file,
        close: () => void closed++,
      };
      const other = {
        name: "b",
        source: isLazy ? () => second : second,
        [Symbol.asyncDispose]: () => Promise.resolve(void closed++),
      };
      await act({ gcs, item, run: (options) => start([item, other], options, gcs).run });
      await settle();
      assertEquals([file.closed, closed, disposed], [1, 2, 1], `lazy: ${isLazy}`);
    }
  });
}

Deno.test("what closing throws changes nothing", async () => {
  const fail = () => {
    throw new Error("cannot close");
  };
  const { run } = start([
    { name: "a", source: "a", close: fail },
    { name: "b", source: "b", close: () => Promise.reject(new Error("cannot close")) },
  ]);
  assertEquals((await run).uploaded, 2);
});

Deno.test("a function that cannot open its source fails its file", async () => {
  const { results, run } = start([
    { name: "a", source: () => Promise.reject(new Error("no such file")) },
    {
      name: "b",
      source: (): UploadSource => {
        throw new Error("no such file");
      },
    },
    { name: "c", source: "c" },
  ]);
  assertEquals(await run, { uploaded: 1, skipped: 0, failed: 2, bytes: 1 });
  for (const name of ["a", "b"]) assertEquals(errorOf(results, name)?.message, "no such file");
});

Deno.test("a second file of a name fails, and the first one is stored", async () => {
  const { gcs, results, run } = start([
    { name: "a", source: "first" },
    { name: "b", source: "b" },
    { name: "a", source: "second" },
  ], { concurrency: 1 });
  assertEquals(await run, { uploaded: 2, skipped: 0, failed: 1, bytes: 6 });
  assertMatch(errorOf(results, "a")!.message, /each name once in a run, got "a" again/);
  assertEquals(new TextDecoder().decode(gcs.get(BUCKET, "a")?.bytes), "first");
});

Deno.test("an element that is no item ends the run", async () => {
  for (const wrong of [null, "a", 1, {}, { source: "a" }, { source: "a", name: 1 }]) {
    const { run } = start([{ name: "a", source: "a" }, wrong as UploadManyItem]);
    await assertRejects(() => run, TypeError, "files: expected items { source, name }");
    assertEquals(run.summary.uploaded + run.summary.failed, 1);
  }
});

Deno.test("what is no source fails its file", async () => {
  const { results, run } = start([
    { name: "a", source: 5 as unknown as string },
    { name: "b" } as UploadManyItem,
    { name: "c", source: () => null as unknown as string },
  ]);
  assertEquals((await run).failed, 3);
  for (const name of ["a", "b", "c"]) {
    assertMatch(errorOf(results, name)!.message, /expected a Blob, bytes, a string/);
  }
});
