// Iterables and items that do what nobody expects: a run tells of it, stops what it has begun, and hangs on nothing.

import { assertEquals, assertRejects } from "@std/assert";
import { uploadMany, type UploadManyItem, type UploadManyOptions } from "../../src/parallel/mod.ts";
import { emulator } from "./support.ts";

type Files = AsyncIterable<UploadManyItem>;

/** An iterable of that iterator, whatever it is. */
function of(iterator: unknown): Files {
  return { [Symbol.asyncIterator]: () => iterator } as Files;
}

function options(more: Partial<UploadManyOptions> = {}): UploadManyOptions {
  return { bucket: "my-bucket", transport: emulator().fetch, ...more };
}

/** An iterator of some files, and then of something else. */
function after(count: number, then: () => unknown): { next(): Promise<unknown> } {
  let at = 0;
  return {
    next: async () =>
      await Promise.resolve(
        at < count ? { done: false, value: { name: `${at++}`, source: "x" } } : then(),
      ),
  };
}

const own = new Error("own");
const fail = () => {
  throw own;
};

Deno.test("what an iterator gives that is no result, and one without next(), is a TypeError, after what was begun has ended", async () => {
  for (const wrong of [undefined, null, 5, "text"]) {
    const run = uploadMany(of(after(3, () => wrong)), options());
    const error = await assertRejects(() => run, TypeError);
    assertEquals(error.message.startsWith("files: expected next() to give"), true, error.message);
    assertEquals(run.summary.uploaded + run.summary.failed, 3);
  }
  await assertRejects(() => uploadMany(of({}), options()), TypeError);
});

Deno.test("an iterator that throws has ended: its return() is not called; with another end it is, and nobody waits for it", async () => {
  for (
    const [then, isReturned] of [
      [fail, false],
      [() => ({ done: true }), false],
      [() => ({ done: false, value: null }), true],
      [() => ({ done: false, value: Promise.reject(own) }), true],
    ] as const
  ) {
    for (const end of [fail, () => Promise.reject(own), () => new Promise(() => {}), () => 5]) {
      let returned = 0;
      const iterator = { ...after(2, then), return: () => (returned++, end()) };
      await uploadMany(of(iterator), options()).catch(() => {});
      assertEquals(returned, isReturned ? 1 : 0);
    }
  }
});

Deno.test("an iterable whose asynchronous kind is absent by being null or undefined is an ordinary one", async () => {
  for (const absent of [null, undefined]) {
    const files = {
      [Symbol.asyncIterator]: absent,
      *[Symbol.iterator]() {
        yield { name: "a", source: "a" };
      },
    };
    const { uploaded } = await uploadMany(files as Iterable<UploadManyItem>, options());
    assertEquals(uploaded, 1);
  }
});

for (const name of ["source", "close", "size", "lastModified", "metadata", "contentType", "key"]) {
  Deno.test(`an item whose ${name} throws when it is looked at leaves nothing of the run going on`, async () => {
    const gcs = emulator();
    let isOver = false, late = 0;
    const transport = async (url: string, init: RequestInit) => {
      if (isOver) late++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      return await gcs.fetch(url, init);
    };
    const wrong = Object.defineProperty({ name: "wrong", source: "x" }, name, { get: fail });
    const good = (i: number) => ({ name: `${i}`, source: new Blob(["x".repeat(i)]) });
    const files = [good(1), good(2), wrong, good(3), good(4)];
    const statuses: string[] = [];
    const run = uploadMany(files, {
      ...options({ transport }),
      concurrency: 3,
      onResult: ({ name, status }) => void statuses.push(`${name} ${status}`),
    });
    const error = await run.then(() => undefined, (error) => error);
    isOver = true;
    await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(late, 0, "requests after the end");
    if (error !== undefined) assertEquals(error, own);
    else assertEquals(statuses.length, 5, "one result for each");
    assertEquals(run.summary.uploaded, gcs.objects.length);
  });
}
