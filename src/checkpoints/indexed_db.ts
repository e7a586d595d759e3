/** Checkpoints in the browser's own database. */

import type { Checkpoint } from "../upload/checkpoint.ts";
import type { CheckpointStore } from "../upload/kept_checkpoints.ts";
import { SESSION_LIFETIME } from "../upload/session_lifetime.ts";
import { type Database, openDatabase, settled, transacted } from "./database.ts";
import { checkNames } from "./store_options.ts";

/** How checkpoints are kept in IndexedDB: options of {@linkcode indexedDbCheckpoints}. */
export interface IndexedDbOptions {
  /**
   * The name of the database.
   *
   * @default {"resumable-media-upload"}
   */
  name?: string | undefined;
}

/** What is kept of an upload. */
interface Kept {
  readonly checkpoint: Checkpoint;
  /** When it was written, in milliseconds since 1970. */
  readonly written: number;
}

const STORE = "checkpoints";

/**
 * Keeps checkpoints in IndexedDB, for pages and workers of one origin, whose tabs and visits share them. Other origins cannot
 * read it; a script that runs in this one can. Those that are older than a week are dropped when the database is opened.
 *
 * The database is opened by the first call. Where a browser has none to offer (some private windows), each call fails, which
 * ends no upload: see `onCheckpointError` of `upload()`.
 *
 * @throws {TypeError} an option is wrong
 *
 * @example
 * ```ts
 * import { indexedDbCheckpoints } from "@resumable-media/upload/checkpoints";
 *
 * const checkpoints = indexedDbCheckpoints({ name: "my-app-uploads" });
 * console.log(typeof checkpoints.get); // function
 * ```
 */
export function indexedDbCheckpoints(options: IndexedDbOptions = {}): CheckpointStore {
  checkNames(options, ["name"], "indexedDbCheckpoints");
  const { name = "resumable-media-upload" } = options;
  if (typeof name !== "string" || name === "") throw new TypeError("name: expected a text");
  let opening: Promise<Database> | undefined;
  const open = async (): Promise<Database> => {
    const mine = opening ??= openSwept(name, () => {
      if (opening === mine) opening = undefined;
    });
    try {
      return await mine;
    } catch (error) {
      if (opening === mine) opening = undefined; // the next call tries again
      throw error;
    }
  };
  /** Does something with the database; once more with a new connection where the browser has lost the one that was open. */
  const using = async <T>(use: (database: Database) => Promise<T>): Promise<T> => {
    const database = await open();
    const used = opening;
    try {
      return await use(database);
    } catch (error) {
      if (!LOST.includes((error as Partial<Error> | null)?.name ?? "")) throw error;
      database.close();
      if (opening === used) opening = undefined;
      return await use(await open());
    }
  };
  return {
    get: (key) =>
      using(async (database) => {
        const store = database.transaction(STORE).objectStore(STORE);
        const kept = await settled(store.get(key)) as Kept | undefined;
        return kept && isOld(kept) ? undefined : kept?.checkpoint;
      }),
    set(key, checkpoint) {
      const kept: Kept = { checkpoint, written: Date.now() };
      return using((database) => transacted(database, STORE, (store) => store.put(kept, key)));
    },
    delete: (key) => using((database) => transacted(database, STORE, (store) => store.delete(key))),
  };
}

/** The names of errors of a connection that is no more, of which not every browser tells by an event. */
const LOST = ["InvalidStateError", "UnknownError"];

function isOld({ written }: Kept): boolean {
  return written < Date.now() - SESSION_LIFETIME;
}

async function openSwept(name: string, onClosed: () => void): Promise<Database> {
  const database = await openDatabase(name, STORE, onClosed);
  await transacted(database, STORE, (store) => {
    const request = store.openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return;
      if (isOld(cursor.value as Kept)) cursor.delete();
      cursor.continue();
    };
  });
  return database;
}
