// Large files among many: in parts, out of the connections that all files share, and going on in the way in which they were begun.

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Checkpoint, ResumeEvent } from "../../mod.ts";
import type { EmulatedObject } from "../../src/emulator/mod.ts";
import {
  inParts,
  type ParallelCheckpoint,
  type UploadManyProgress,
} from "../../src/parallel/mod.ts";
import { patterned } from "../support/bytes.ts";
import { CountedFile, inShort, kinds, settle, start } from "./many_support.ts";
import { emulator, PART } from "./support.ts";

const MIB = 1024 * 1024;
const bytes = patterned(2 * PART + 12_345);
const large = inParts({ above: MIB, partSize: PART });
const item = (name: string, more: object = {}) => ({
  name,
  source: () => new CountedFile(bytes),
  ...more,
});

type Kept = Checkpoint | ParallelCheckpoint;

function isSame(object: EmulatedObject | undefined): boolean {
  return object?.bytes?.length === bytes.length &&
    object.bytes.every((byte, i) => byte === bytes[i]);
}

Deno.test("a file above the size goes in parts, and others as ever", async () => {
  const gcs = emulator();
  const small = { name: "small", source: () => new CountedFile(patterned(1000)) };
  const { run } = start([item("large"), small], { large, repeatable: true }, gcs);
  assertEquals((await run).uploaded, 2);
  assert(isSame(gcs.get("my-bucket", "large")));
  const counts = kinds(gcs);
  assertEquals(counts.filter((kind) => kind === "part").length, 3, counts.join());
  assertEquals(counts.filter((kind) => kind === "multipart").length, 1, counts.join());
});

Deno.test("with a precondition the parts are composed, and what exists is skipped", async () => {
  const gcs = emulator();
  const options = { large, skipExisting: true };
  const first = start([item("large")], options, gcs);
  assertEquals((await first.run).uploaded, 1);
  assert(isSame(gcs.get("my-bucket", "large")));
  assertEquals(gcs.objects.length, 1, "temporary objects are removed");
  const second = start([item("large")], options, gcs);
  await second.run;
  assertEquals(inShort(second.results), ["large skipped exists"]);
});

Deno.test("all requests together never take more connections than there are", async () => {
  const gcs = emulator();
  let busy = 0, most = 0;
  const transport: typeof gcs.fetch = async (input, init) => {
    most = Math.max(most, ++busy);
    try {
      await settle();
      return await gcs.fetch(input, init);
    } finally {
      busy--;
    }
  };
  const files = Array.from(
    { length: 9 },
    (_, i) =>
      i % 3 === 0 ? item(`${i}`) : { name: `${i}`, source: () => new CountedFile(patterned(1000)) },
  );
  const options = { transport, concurrency: 3, repeatable: true };
  const { run } = start(files, {
    ...options,
    large: inParts({ above: MIB, connections: 3, partSize: PART }),
  }, gcs);
  assertEquals((await run).uploaded, 9);
  assertEquals(most, 3);
});

Deno.test("large files that want more connections than there are do not wait for each other", async () => {
  const gcs = emulator();
  const files = Array.from({ length: 4 }, (_, i) => item(`${i}`));
  const wide = inParts({ above: MIB, connections: 16, partSize: PART });
  const { run } = start(files, { large: wide, concurrency: 2 }, gcs);
  assertEquals((await run).uploaded, 4);
});

/** Stops a run in which the first two parts are stored. */
async function interrupted(gcs: ReturnType<typeof emulator>, checkpoints: Map<string, Kept>) {
  const stop = new AbortController();
  gcs.inject({ on: (request) => request.url.includes("partNumber=3"), hang: "before" });
  const { run } = start([item("large", { key: "mine" })], {
    large,
    checkpoints,
    signal: stop.signal,
  }, gcs);
  const stored = () => {
    const kept = checkpoints.get("mine");
    return kept && "parts" in kept ? kept.parts.length : 0;
  };
  while (stored() < 2) await settle();
  stop.abort();
  await assertRejects(() => run, DOMException);
}

Deno.test("an interrupted file goes on behind the parts that are stored, also where it would not be large now", async () => {
  for (const above of [MIB, Infinity]) {
    const gcs = emulator(), checkpoints = new Map<string, Kept>();
    await interrupted(gcs, checkpoints);
    assertEquals([...checkpoints.keys()], ["mine"]);
    const before = gcs.requests.length;
    const events: [ResumeEvent, string][] = [];
    const again = start([item("large", { key: "mine" })], {
      large: inParts({ above, partSize: PART }),
      checkpoints,
      onResume: (event, { name }) => void events.push([event, name]),
    }, gcs);
    assertEquals((await again.run).uploaded, 1);
    assertEquals(events, [[{ resumed: true, persisted: 2 * PART }, "large"]]);
    const after = kinds(gcs).slice(before);
    assertEquals(after.filter((kind) => kind === "part").length, 1, after.join());
    assert(isSame(gcs.get("my-bucket", "large")));
    assertEquals(checkpoints.size, 0);
  }
});

Deno.test("a file that has changed starts anew, says so, and leaves nothing behind", async () => {
  const gcs = emulator(), checkpoints = new Map<string, Kept>();
  await interrupted(gcs, checkpoints);
  const other = bytes.slice(0, -1);
  const events: ResumeEvent[] = [];
  const again = start([{ name: "large", key: "mine", source: () => new CountedFile(other) }], {
    large,
    checkpoints,
    onResume: (event) => void events.push(event),
  }, gcs);
  assertEquals((await again.run).uploaded, 1);
  assertEquals(events.map(({ resumed }) => resumed), [false]);
  assertEquals(gcs.get("my-bucket", "large")?.size, other.length);
  while (kinds(gcs).filter((kind) => kind === "abort").length === 0) await settle();
  assertEquals(checkpoints.size, 0);
});

Deno.test("a call that cannot work does not cost the parts that an earlier one has stored", async () => {
  const gcs = emulator(), checkpoints = new Map<string, Kept>();
  await interrupted(gcs, checkpoints);
  const wrong = item("large", { key: "mine", metadata: { eventBasedHold: true } }); // no header carries that
  const refused = start([wrong], { large, checkpoints }, gcs);
  assertEquals((await refused.run).failed, 1);
  await settle();
  const events: ResumeEvent[] = [];
  const again = start([item("large", { key: "mine" })], {
    large,
    checkpoints,
    onResume: (event) => void events.push(event),
  }, gcs);
  assertEquals((await again.run).uploaded, 1);
  assertEquals(events, [{ resumed: true, persisted: 2 * PART }]);
});

Deno.test("an abort does not wait for parts that cannot be removed, and what finds them is kept", async () => {
  const gcs = emulator(), checkpoints = new Map<string, Kept>();
  const stop = new AbortController();
  gcs.inject({ on: "part", corrupt: true, times: Infinity });
  gcs.inject({ on: "abort", hang: "before" });
  const options = { large, checkpoints, signal: stop.signal };
  const { run } = start([item("large", { key: "mine" })], options, gcs);
  while (!kinds(gcs).includes("abort")) await settle();
  stop.abort();
  await assertRejects(() => run, DOMException);
  assertEquals([...checkpoints.keys()], ["mine"]);
});

Deno.test("a source is closed once, in parts or not", async () => {
  const files = [new CountedFile(bytes), new CountedFile(patterned(10))];
  const items = files.map((file, i) => ({ name: `${i}`, source: () => file }));
  const { run } = start(items, { large }, emulator());
  assertEquals((await run).uploaded, 2);
  assertEquals(files.map(({ closed }) => closed), [1, 1]);
});

Deno.test("each file in flight is told of with its bytes and its size", async () => {
  const seen: UploadManyProgress[] = [];
  const { run } = start([item("large", { size: bytes.length }), item("other")], {
    large,
    retry: {},
    onProgress: (progress) => void seen.push(progress),
  }, emulator());
  await run;
  const all = seen.flatMap(({ inFlight }) => inFlight);
  assert(all.some(({ name, total }) => name === "large" && total === bytes.length));
  assert(all.every(({ persisted, sent, total = Infinity }) => persisted <= sent && sent <= total));
  assertEquals(seen.at(-1)?.inFlight, []);
});

const mistakes: Record<string, [make: () => unknown, message: RegExp]> = {
  "an option that does not exist": [() => inParts({ partsize: 1 } as object), /"partsize"/],
  "a size that is none": [() => inParts({ above: NaN }), /above: expected a number of bytes/],
  "no connection": [() => inParts({ connections: 0 }), /connections: expected a whole number/],
};

for (const [what, [make, message]] of Object.entries(mistakes)) {
  Deno.test(`inParts() refuses ${what}`, () => {
    let said = "";
    try {
      make();
    } catch (error) {
      said = String(error);
    }
    assert(message.test(said), said);
  });
}

const refused: Record<string, [options: object, message: RegExp]> = {
  "headers of a start": [
    { startHeaders: { a: "b" } },
    /startHeaders: expected none together with `large`/,
  ],
  "a checksum that parts do not have": [{ checksum: "md5" }, /checksum: expected "auto"/],
  "something else than inParts() returns": [
    { large: 3 },
    /large: expected what inParts\(\) returns/,
  ],
};

for (const [what, [options, message]] of Object.entries(refused)) {
  Deno.test(`a run with large files refuses ${what}`, async () => {
    const { run } = start([], { large, ...options }, emulator());
    const error = await assertRejects(() => run, TypeError);
    assert(message.test(error.message), error.message);
  });
}
