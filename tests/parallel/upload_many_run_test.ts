// How a run of uploadMany goes: how far ahead it pulls, who hears what and when, and how it ends.

import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { type Transport, UploadError } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import {
  uploadMany,
  type UploadManyItem,
  type UploadManyOptions,
  type UploadManyProgress,
} from "../../src/parallel/mod.ts";
import { Budget } from "../../src/parallel/budget.ts";
import { SeenNames } from "../../src/parallel/seen_names.ts";
import { asyncPieces, patterned, pieces } from "../support/bytes.ts";
import { commandOf, output } from "../support/runtime_program.ts";
import { BUCKET, CountedFile, errorOf, inShort, settle, start } from "./many_support.ts";

const named = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `file ${i}`, source: `${i}` }));

/** Items that are counted as they are pulled; `returned` tells whether somebody said that no more are wanted. */
function counted(count: number) {
  const state = { pulled: 0, returned: false };
  const items = (function* () {
    try {
      for (; state.pulled < count; state.pulled++) {
        yield { name: `file ${state.pulled}`, source: `${state.pulled}` };
      }
    } finally {
      state.returned = true;
    }
  })();
  return { state, items };
}

for (const isAsync of [false, true]) {
  const kind = isAsync ? "an asynchronous" : "a synchronous";
  Deno.test(`${kind} iterable is never further ahead than there are slots`, async () => {
    let pulled = 0, ended = 0, most = 0;
    const pull = (name: string) => {
      most = Math.max(most, ++pulled - ended);
      return { name, source: name };
    };
    const sync = function* () {
      for (let i = 0; i < 500; i++) yield pull(`${i}`);
    };
    const items = isAsync
      ? async function* () {
        yield* sync();
      }
      : sync;
    const { run } = start(items(), { concurrency: 7, onResult: () => void ended++ });
    assertEquals((await run).uploaded, 500);
    assertEquals([pulled, most], [500, 7]);
  });
}

Deno.test("an iterator is asked for one item at a time", async () => {
  let asked = 0, most = 0, left = 30;
  const files: AsyncIterable<UploadManyItem> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        most = Math.max(most, ++asked);
        await settle();
        asked--;
        const name = `${left}`;
        return left-- > 0
          ? { done: false, value: { name, source: name } }
          : { done: true, value: undefined };
      },
    }),
  };
  assertEquals((await start(files, { concurrency: 8 }).run).uploaded, 30);
  assertEquals(most, 1);
});

Deno.test("200,000 files take no more memory than 20,000", async () => {
  const program = new URL("many_memory.ts", import.meta.url).href;
  const [command, ...args] = commandOf("deno");
  const flags = [
    "--v8-flags=--expose-gc",
    "--no-check",
    `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
  ];
  const text = await output(command, [
    ...args.filter((arg) => arg !== "--no-config"),
    ...flags,
    program,
  ]);
  const [few, many] = JSON.parse(text) as [number, number];
  assert(many - few < 2_000_000, `${few} bytes after the first, ${many} after all`);
});

Deno.test("each file has one result, in the order in which they end, and one call is made at a time", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: (request) => request.url.includes("file%200"), delay: 20, status: 403 });
  let calls = 0, most = 0;
  const { run, results } = start(named(20), {
    retry: false,
    concurrency: 4,
    async onResult() {
      most = Math.max(most, ++calls);
      await settle();
      calls--;
    },
  }, gcs);
  assertEquals(await run, { uploaded: 19, skipped: 0, failed: 1, bytes: 29 });
  assertEquals(most, 1);
  assertEquals(new Set(results.map(({ name }) => name)).size, 20);
  assert(results.findIndex(({ name }) => name === "file 0") > 0, "the slow one is not the first");
});

Deno.test("a result has its item, and the object", async () => {
  const item = { name: "a", source: "abc", path: "/of/the/caller" };
  const { run, results } = start([item]);
  await run;
  assertStrictEquals(results[0].item, item);
  assert(results[0].status === "uploaded");
  assertEquals([results[0].object.size, results[0].object.bucket], ["3", BUCKET]);
});

Deno.test("a slow onResult holds the run back", async () => {
  const { state, items } = counted(100);
  let go = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  const { run } = start(items, { concurrency: 3, onResult: () => gate });
  await settle();
  assert(state.pulled <= 3, `${state.pulled} were pulled`);
  go();
  assertEquals((await run).uploaded, 100);
});

Deno.test("a failure ends its own file only", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: (request) => request.url.includes("file%203"), status: 403, times: Infinity });
  const { run, results } = start(named(9), {}, gcs);
  assertEquals(await run, { uploaded: 8, skipped: 0, failed: 1, bytes: 8 });
  const error = errorOf(results, "file 3");
  assert(error instanceof UploadError && error.code === "rejected");
});

Deno.test("stopOnError ends the run with the first failure; those in flight are stopped, and the rest is not begun", async () => {
  const gcs = new GcsEmulator();
  gcs.inject({ on: (request) => request.url.includes("file%203"), status: 403, times: Infinity });
  gcs.inject({
    on: (request) => request.url.includes("file%204"),
    hang: "before",
    times: Infinity,
  });
  const { state, items } = counted(1000);
  const { run, results } = start(items, { concurrency: 2, stopOnError: true }, gcs);
  const error = await assertRejects(() => run, UploadError);
  assertEquals(error.code, "rejected");
  assertStrictEquals(errorOf(results, "file 3"), error);
  assert(state.pulled < 10, `${state.pulled} were pulled`);
  assert(state.returned, "the generator was not told");
  const stopped = errorOf(results, "file 4");
  assert(stopped === undefined || stopped.name === "AbortError", String(stopped));
  const { uploaded, failed } = run.summary;
  assertEquals(results.length, uploaded + failed);
  assert(uploaded <= 3, `${uploaded} were uploaded`);
});

Deno.test("an abort stops everything with its reason, and the summary says what was done", async () => {
  const gcs = new GcsEmulator(), stop = new AbortController(), reason = new Error("enough");
  const { state, items } = counted(1000);
  const { run, results } = start(items, {
    concurrency: 4,
    signal: stop.signal,
    onResult() {
      if (results.length === 10) {
        gcs.inject({ hang: "before", times: Infinity });
        setTimeout(() => stop.abort(reason), 5);
      }
    },
  }, gcs);
  assertStrictEquals(await assertRejects(() => run), reason);
  const { uploaded, failed } = run.summary;
  assertEquals(uploaded, gcs.objects.length);
  assertEquals(uploaded + failed, state.pulled + 1, "each that was begun has ended");
  assertEquals(results.length, uploaded + failed);
  assert(failed > 0);
  for (const result of results) {
    if (result.status === "failed") assertStrictEquals(result.error, reason);
  }
  await settle();
  assert(state.returned, "the generator was not told");
});

Deno.test("an abort before the call begins nothing", async () => {
  const { state, items } = counted(5);
  await assertRejects(() => start(items, { signal: AbortSignal.abort() }).run, DOMException);
  assertEquals(state.pulled, 0);
});

Deno.test("an abort does not wait for an iterable or a source that hangs; what comes too late is closed", async () => {
  const stop = new AbortController(), late = new CountedFile(patterned(5));
  let deliver = (_: CountedFile) => {}, yieldItem = () => {};
  const opening = new Promise<CountedFile>((resolve) => deliver = resolve);
  const gate = new Promise<void>((resolve) => yieldItem = resolve);
  const eager = new CountedFile(patterned(5));
  const { run, results } = start<UploadManyItem>(
    (async function* () {
      yield { name: "a", source: () => opening };
      await gate;
      yield { name: "b", source: eager };
    })(),
    { signal: stop.signal },
  );
  await settle();
  stop.abort();
  await assertRejects(() => run, DOMException);
  assertEquals(inShort(results), ["a failed"]);
  deliver(late);
  yieldItem();
  await settle();
  assertEquals([late.closed, eager.closed], [1, 1]);
});

Deno.test("an iterable that cannot even begin ends the run, and leaves the manifest unlocked", async () => {
  const broken = new Error("no such folder"), write = new WritableStream<string>();
  const files: Iterable<UploadManyItem> = {
    [Symbol.iterator]: () => {
      throw broken;
    },
  };
  assertStrictEquals(await assertRejects(() => start(files, { manifest: { write } }).run), broken);
  assertEquals(write.locked, false);
});

Deno.test("what the iterable throws ends the run, after what was begun has ended", async () => {
  const broken = new Error("cannot read the folder");
  const { run, results } = start((function* () {
    yield* named(5);
    throw broken;
  })());
  assertStrictEquals(await assertRejects(() => run), broken);
  assertEquals(results.length, 5);
});

Deno.test("what onResult, onProgress or the manifest throws ends the run, and they are not called again", async () => {
  const broken = new Error("disk full");
  for (const name of ["onResult", "onProgress", "write"]) {
    let calls = 0;
    const fail = () => {
      calls++;
      throw broken;
    };
    const options = name === "write" ? { manifest: { write: fail } } : { [name]: fail };
    const { state, items } = counted(100);
    const files = uploadMany(items, {
      bucket: BUCKET,
      transport: new GcsEmulator().fetch,
      concurrency: 2,
      ...options,
    });
    assertStrictEquals(await assertRejects(() => files), broken, name);
    assertEquals(calls, 1, name);
    assert(state.pulled < 10, `${name}: ${state.pulled} were pulled`);
  }
});

Deno.test("uploads that would hold more memory than allowed wait for each other", async () => {
  const QUANTUM = 262_144, gcs = new GcsEmulator();
  let busy = 0, most = 0;
  const transport: Transport = async (input, init) => {
    most = Math.max(most, ++busy);
    try {
      await settle();
      return await gcs.fetch(input, init);
    } finally {
      busy--;
    }
  };
  const files = Array.from({ length: 12 }, (_, i) => ({
    name: `${i}`,
    source: () => asyncPieces(pieces(patterned(3 * QUANTUM), 100_000)),
  }));
  const { run } = start(files, { transport, chunkSize: QUANTUM, memoryLimit: 4 * QUANTUM + 1 });
  assertEquals((await run).uploaded, 12);
  assertEquals(most, 2);
});

Deno.test("a file larger than the limit of memory is uploaded alone", async () => {
  const { run } = start([{ name: "a", source: () => new CountedFile(patterned(100_000)) }], {
    memoryLimit: 1,
  });
  assertEquals((await run).uploaded, 1);
});

Deno.test("progress counts files and bytes, and ends with all of them", async () => {
  const seen: UploadManyProgress[] = [];
  const gcs = new GcsEmulator();
  gcs.inject({ on: (request) => request.url.includes("file%203"), status: 403, times: Infinity });
  const { run } = start(named(12), { onProgress: (progress) => void seen.push(progress) }, gcs);
  await run;
  assert(seen.length > 1);
  assertEquals(seen.at(-1), {
    files: { uploaded: 11, skipped: 0, failed: 1, active: 0 },
    bytes: { sent: 13, persisted: 13, resumedFrom: 0 },
    inFlight: [],
  });
  assert(seen.every(({ files, inFlight }) => files.active === inFlight.length));
  assert(seen.every(({ bytes }) => bytes.persisted <= bytes.sent));
});

function lockedStream(): WritableStream<string> {
  const stream = new WritableStream<string>();
  stream.getWriter();
  return stream;
}

/** Mistakes, and what is said of each. */
const mistakes: Record<string, [options: object, message: RegExp]> = {
  "an option that does not exist": [{ concurency: 3 }, /"concurency" is not an option/],
  "an option of a single upload": [{ checkpoint: {} }, /"checkpoint" is not an option/],
  "no slot": [{ concurrency: 0 }, /concurrency: expected a whole number of at least 1, got 0/],
  "half a slot": [{ concurrency: 1.5 }, /concurrency/],
  "slots without end": [{ concurrency: Infinity }, /concurrency/],
  "no memory": [{ memoryLimit: 0 }, /memoryLimit/],
  "memory that is no number": [{ memoryLimit: NaN }, /memoryLimit/],
  "a switch that is none": [{ skipExisting: "yes" }, /skipExisting: expected true or false/],
  "another switch that is none": [{ stopOnError: 1 }, /stopOnError/],
  "a bucket that cannot be": [{ bucket: "A" }, /bucket/],
  "no bucket": [{ bucket: undefined }, /bucket: expected the name of a bucket, got undefined/],
  "two preconditions": [{ skipExisting: true, ifGenerationMatch: 1 }, /ifGenerationMatch/],
  "a name for all": [{ metadata: { name: "a" } }, /metadata.name/],
  "a transport that is none": [{ transport: {} }, /transport/],
  "a size of chunks that cannot be": [{ chunkSize: 1 }, /chunkSize/],
  "a checksum that does not exist": [{ checksum: "sha1" }, /checksum/],
  "a media type that is none": [{ contentType: "text" }, /contentType/],
  "a header of the request's own": [{ headers: { "content-length": "1" } }, /headers/],
  "a retry option that does not exist": [{ retry: { retries: 1 } }, /retry.retries/],
  "a parameter that does not exist": [{ query: { a: "b" } }, /"a" is not an option/],
  "a signal that is none": [{ signal: {} }, /signal/],
  "an onResult that is no function": [{ onResult: [] }, /onResult/],
  "a manifest that is none": [{ manifest: "text" }, /manifest: expected/],
  "a manifest with another field": [{ manifest: { path: "a" } }, /manifest.path/],
  "a manifest of numbers": [{ manifest: { previous: 1 } }, /manifest.previous/],
  "a manifest that somebody else writes": [
    { manifest: { write: lockedStream() } },
    /manifest.write: .* got a locked one/,
  ],
  "a manifest that cannot be written": [{ manifest: { write: "a" } }, /manifest.write/],
};

for (const [what, [options, message]] of Object.entries(mistakes)) {
  Deno.test(`wrong arguments: ${what}; nothing is pulled and nothing sent`, async () => {
    const { state, items } = counted(3), gcs = new GcsEmulator();
    const run = uploadMany(items, {
      bucket: BUCKET,
      transport: gcs.fetch,
      ...options,
    } as UploadManyOptions);
    const error = await assertRejects(() => run);
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    assertMatch(error.message, message);
    assertEquals([state.pulled, gcs.requests.length], [0, 0]);
  });
}

Deno.test("wrong arguments: what is no iterable, a string among them", async () => {
  for (const files of [undefined, null, "ab", 1, {}, () => []]) {
    const run = uploadMany(files as unknown as UploadManyItem[], { bucket: BUCKET });
    await assertRejects(() => run, TypeError, "files: expected an iterable");
  }
});

Deno.test("a budget serves in order, is never exceeded, and forgets those who stop waiting", async () => {
  const budget = new Budget(10), order: string[] = [];
  const give = await budget.take(8);
  const stop = new AbortController();
  const take = (name: string, amount: number, signal?: AbortSignal) =>
    budget.take(amount, signal).then((back) => {
      order.push(name);
      return back;
    });
  const large = take("large", 9, stop.signal);
  const small = take("small", 2);
  await settle();
  assertEquals(order, [], "who came later must not pass");
  stop.abort();
  await assertRejects(() => large, DOMException);
  const giveSmall = await small;
  const over = take("over", 100);
  give();
  give();
  await settle();
  assertEquals(order, ["small"]);
  giveSmall();
  await over;
  assertEquals(order, ["small", "over"]);
});

Deno.test("names are known again, and no two that differ are taken for the same", () => {
  const seen = new SeenNames();
  for (let i = 0; i < 300_000; i++) assert(seen.add(`folder/${i % 7}/file ${i}.txt`), `${i}`);
  for (let i = 0; i < 300_000; i += 997) assert(!seen.add(`folder/${i % 7}/file ${i}.txt`), `${i}`);
});

Deno.test("at least the last names of a table are known, however many there were", () => {
  const seen = new SeenNames(1000);
  for (let i = 0; i < 10_500; i++) assert(seen.add(`${i}`));
  for (let i = 9_500; i < 10_500; i++) assert(!seen.add(`${i}`), `${i}`);
  assert(seen.add("0"), "the first one is forgotten");
});
