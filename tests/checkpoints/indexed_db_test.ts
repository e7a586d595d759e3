// Checkpoints in IndexedDB, where the browser loses the connection and does not tell: an IndexedDB of the test's own.

import { assertEquals, assertRejects } from "@std/assert";
import { indexedDbCheckpoints } from "../../src/checkpoints/mod.ts";
import { checkpoint } from "../support/stored_checkpoint.ts";

/** What is asked of the database, answered in a later turn. */
function answered(result: unknown): { result: unknown; onsuccess?: () => void } {
  const request: { result: unknown; onsuccess?: () => void } = { result };
  queueMicrotask(() => queueMicrotask(() => request.onsuccess?.()));
  return request;
}

/** A database whose connections can be lost. */
function fakeDatabase() {
  const rows = new Map<string, unknown>();
  const state = { opened: 0, closed: 0, open: 0, error: "" };
  const connect = () => {
    const mine = ++state.opened;
    state.open = mine;
    return {
      createObjectStore: () => {},
      close: () => void state.closed++,
      transaction() {
        if (state.open !== mine) throw new DOMException("The connection is lost", state.error);
        const transaction: { oncomplete?: () => void; objectStore(): unknown } = {
          objectStore: () => ({
            get: (key: string) => answered(rows.get(key)),
            put: (value: unknown, key: string) => void rows.set(key, structuredClone(value)),
            delete: (key: string) => void rows.delete(key),
            openCursor: () => answered(null),
          }),
        };
        setTimeout(() => transaction.oncomplete?.(), 0);
        return transaction;
      },
    };
  };
  return {
    state,
    rows,
    indexedDB: { open: () => answered(connect()) },
    lose: (error: string) => Object.assign(state, { open: 0, error }),
  };
}

/** Runs something where there is that database. */
async function within(
  use: (fake: ReturnType<typeof fakeDatabase>) => Promise<void>,
): Promise<void> {
  const fake = fakeDatabase();
  Object.defineProperty(globalThis, "indexedDB", { value: fake.indexedDB, configurable: true });
  try {
    await use(fake);
  } finally {
    delete (globalThis as { indexedDB?: unknown }).indexedDB;
  }
}

for (const error of ["InvalidStateError", "UnknownError"]) {
  Deno.test(`a connection that is lost without a word is opened anew, and the call made again: ${error}`, async () => {
    await within(async ({ state, rows, lose }) => {
      const store = indexedDbCheckpoints();
      await store.set("k", checkpoint(1));
      for (
        const [n, call] of [
          async () => assertEquals(await store.get("k"), checkpoint(1)),
          async () => void await store.set("k", checkpoint(2)),
          async () => void await store.delete("k"),
        ].entries()
      ) {
        lose(error);
        await call();
        assertEquals([state.opened, state.closed], [n + 2, n + 1]);
      }
      assertEquals(rows.size, 0);
      await Promise.all([store.set("a", checkpoint(1)), store.set("b", checkpoint(2))]);
      assertEquals([rows.size, state.opened], [2, 4], "one connection is for all");
    });
  });
}

Deno.test("what is wrong otherwise is told at once, and the connection stays", async () => {
  await within(async ({ state, lose }) => {
    const store = indexedDbCheckpoints();
    await store.set("k", checkpoint(1));
    lose("QuotaExceededError");
    await assertRejects(async () => void await store.set("k", checkpoint(2)), DOMException);
    assertEquals([state.opened, state.closed], [1, 0]);
  });
});

Deno.test("a connection that cannot be had a second time is an error of the store, and no loop", async () => {
  await within(async ({ state, lose }) => {
    const store = indexedDbCheckpoints();
    await store.set("k", checkpoint(1));
    lose("InvalidStateError");
    const { indexedDB } = globalThis as unknown as { indexedDB: { open: () => unknown } };
    const { open } = indexedDB;
    indexedDB.open = () => {
      const request = open();
      lose("InvalidStateError");
      return request;
    };
    await assertRejects(async () => void await store.get("k"), DOMException);
    assertEquals(state.opened, 2);
  });
});
