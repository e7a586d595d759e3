/// <reference lib="dom" />
/** What outlives the worker, which a browser stops when it likes: IndexedDB. */

import { openDatabase, settled, transacted } from "../../page/database.ts";
import type { NetworkState } from "../../page/settings.ts";
import type { Exchange } from "../exchange.ts";

/** The secrets of a proxy, each of them 32 bytes in base64url. */
export interface Secrets {
  readonly session: string;
  readonly ticket: string;
}

/** A playground: each tab has one. */
export interface PlaygroundRecord {
  readonly id: string;
  /** When it was used last, in milliseconds since 1970. */
  readonly used: number;
  /** What seals sessions, and what signs tickets: they are good as long as the playground is. */
  readonly secrets: Secrets;
  readonly network: NetworkState;
}

/** A request that changed something at Google. */
export interface JournalEntry {
  readonly playground: string;
  /** Their order. */
  readonly at: number;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** As much of the body as arrived. */
  readonly body: Blob;
  /** Whether that was all. */
  readonly whole: boolean;
  /** The `upload_id` that it was given, if it started a session. */
  readonly session: string | undefined;
}

/** What is kept of all playgrounds. */
export interface Journal {
  /** The playground of that name, if it was there before. */
  get(id: string): Promise<PlaygroundRecord | undefined>;
  put(record: PlaygroundRecord): Promise<void>;
  entries(id: string): Promise<JournalEntry[]>;
  append(entry: JournalEntry): Promise<void>;
  exchanges(id: string): Promise<Exchange[]>;
  putExchange(id: string, exchange: Exchange): Promise<void>;
  /** Forgets what happened in a playground. */
  empty(id: string): Promise<void>;
  /** Forgets playgrounds that were not used since; returns their names. */
  sweep(before: number): Promise<string[]>;
}

const STORES = ["playgrounds", "entries", "exchanges"] as const;

/** Opens the journal of all playgrounds of a scope. It rejects where the browser keeps nothing. */
export async function openJournal(scope: string): Promise<Journal> {
  const database = await openDatabase(`playground ${scope}`, (database) => {
    database.createObjectStore("playgrounds", { keyPath: "id" });
    database.createObjectStore("entries", { keyPath: ["playground", "at"] });
    database.createObjectStore("exchanges"); // under [playground, id]
  });
  const store = (name: (typeof STORES)[number]) => database.transaction(name).objectStore(name);
  const empty = (id: string) =>
    transacted(database, ["entries", "exchanges"], (store) => {
      store("entries").delete(allOf(id));
      store("exchanges").delete(allOf(id));
    });
  return {
    get: (id) => settled(store("playgrounds").get(id)),
    put: (record) => transacted(database, ["playgrounds"], (to) => to("playgrounds").put(record)),
    entries: (id) => settled(store("entries").getAll(allOf(id))),
    append: (entry) => transacted(database, ["entries"], (to) => to("entries").put(entry)),
    exchanges: (id) => settled(store("exchanges").getAll(allOf(id))),
    putExchange: (id, exchange) =>
      transacted(
        database,
        ["exchanges"],
        (to) => to("exchanges").put(exchange, [id, exchange.id]),
      ),
    empty,
    async sweep(before) {
      const all: PlaygroundRecord[] = await settled(store("playgrounds").getAll());
      const old = all.filter(({ used }) => used < before).map(({ id }) => id);
      for (const id of old) {
        await empty(id);
        await transacted(database, ["playgrounds"], (to) => to("playgrounds").delete(id));
      }
      return old;
    },
  };
}

/** The keys that begin with the name of a playground. */
function allOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id], [id, []]);
}
