// Checkpoints in the browser's database: what outlives a page, what is dropped, and what an upload makes of it.

import type { CheckpointStore } from "../../../mod.ts";
import { indexedDbCheckpoints } from "../../../src/checkpoints/mod.ts";
import { checkpoint } from "../../support/stored_checkpoint.ts";
import { assert, assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf } from "./sources_support.ts";
import { assertStoredAt, injectAt, long, MIB, requestsAt, sendTo } from "./stretch_support.ts";

const WEEK = 7 * 24 * 3600 * 1000;

/** What is used of the browser's databases. */
const databases = (): { deleteDatabase(name: string): Record<string, unknown> } =>
  (globalThis as unknown as { indexedDB: ReturnType<typeof databases> }).indexedDB;

/** Deletes a database; resolves when it is gone. */
function deleted(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = databases().deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(new Error("the database cannot be deleted"));
  });
}

/** Runs while the clock is so many milliseconds ahead. */
async function later<T>(milliseconds: number, run: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => now() + milliseconds;
  try {
    return await run();
  } finally {
    Date.now = now;
  }
}

const inPages: PortableCase[] = [
  {
    name: "indexedDB: what one store keeps another one of the same name finds, and forgets",
    async run() {
      const [one, other] = [0, 1].map(() => indexedDbCheckpoints({ name: "two" }));
      assertEquals(await one.get("a"), undefined, "what was never kept");
      await one.set("a", checkpoint(1));
      await one.set("a", checkpoint(2));
      await one.set("b", checkpoint(3));
      assertEquals([await other.get("a"), await other.get("b")], [checkpoint(2), checkpoint(3)]);
      await other.delete("a");
      await other.delete("never there");
      assertEquals([await one.get("a"), await one.get("b")], [undefined, checkpoint(3)]);
      assertEquals(await indexedDbCheckpoints().get("b"), undefined, "in a store of another name");
      await deleted("two");
    },
  },
  {
    name: "indexedDB: what was written a week ago is not handed out, and is dropped",
    async run() {
      const store = indexedDbCheckpoints({ name: "old" });
      await store.set("a", checkpoint(1));
      await later(WEEK / 2, () => Promise.resolve(store.set("b", checkpoint(2))));
      const find = async (store: CheckpointStore) => [await store.get("a"), await store.get("b")];
      const found = await later(WEEK + 1000, () => find(store));
      assertEquals(found, [undefined, checkpoint(2)], "a week later");
      await later(WEEK + 1000, () => find(indexedDbCheckpoints({ name: "old" })));
      assertEquals(await find(store), [undefined, checkpoint(2)], "the first one is not there");
      await deleted("old");
    },
  },
  {
    name: "indexedDB: a database that is deleted meanwhile does not hang, and is made anew",
    async run() {
      const store = indexedDbCheckpoints({ name: "deleted" });
      await store.set("a", checkpoint(1));
      await deleted("deleted");
      assertEquals(await store.get("a"), undefined);
      await store.set("a", checkpoint(2));
      assertEquals(await store.get("a"), checkpoint(2));
      await deleted("deleted");
    },
  },
  {
    name: "indexedDB: an upload that was stopped goes on by its key, on another visit of the page",
    async run({ origin }) {
      const name = "kept-in-the-browser";
      const source = new File([long(3 * MIB)], "a.bin", { lastModified: 1 });
      const send = (retry: object | false) =>
        sendTo(origin, name, source, {
          chunkSize: MIB,
          key: "a",
          checkpoints: indexedDbCheckpoints({ name: "upload" }),
          retry,
        });
      await injectAt(origin, { on: "chunk", skip: 1, status: 503 });
      assert(await failureOf(() => send(false)) !== undefined, "the upload went on");
      const before = (await requestsAt(origin, name)).length;
      await send({ initialDelay: 1 });
      await assertStoredAt(origin, name, long(3 * MIB));
      const kinds = (await requestsAt(origin, name)).slice(before).map(({ kind }) => kind);
      assertEquals(kinds, ["status", "chunk", "final"]);
      assertEquals(await indexedDbCheckpoints({ name: "upload" }).get("a"), undefined);
      await deleted("upload");
    },
  },
  {
    name: "indexedDB: without one an upload goes on all the same, and says so",
    async run({ origin }) {
      const own = Object.getOwnPropertyDescriptor(globalThis, "indexedDB")!;
      Object.defineProperty(globalThis, "indexedDB", { value: undefined, configurable: true });
      const errors: string[] = [];
      try {
        await sendTo(origin, "not-kept", "hello", {
          key: "a",
          checkpoints: indexedDbCheckpoints(),
          onCheckpointError: (error: Error) => errors.push(error.message),
        });
      } finally {
        Object.defineProperty(globalThis, "indexedDB", own);
      }
      assertEquals(new Set(errors).size, 1, `${errors}`);
      assert(/there is no IndexedDB here/.test(errors[0]), errors[0]);
    },
  },
];

/** Every rule about checkpoints in a browser. */
export const checkpointStores: PortableCase[] = inPages.map((rule): PortableCase => ({
  needs: "indexedDB",
  ...rule,
}));
