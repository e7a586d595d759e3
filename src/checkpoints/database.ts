/** What is used of IndexedDB, as promises; structural types, so that the library compiles where there is none. */

/** A request. */
interface Asked<T> {
  readonly result: T;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}

/** A place in a store. */
interface Cursor {
  readonly value: unknown;
  delete(): unknown;
  continue(): void;
}

/** A store of a database. */
interface ObjectStore {
  get(key: string): Asked<unknown>;
  put(value: unknown, key: string): unknown;
  delete(key: string): unknown;
  openCursor(): Asked<Cursor | null>;
}

/** What is done as a whole. */
interface Transaction {
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): ObjectStore;
}

/** An open database. */
export interface Database {
  onversionchange: (() => void) | null;
  onclose: (() => void) | null;
  createObjectStore(name: string): unknown;
  transaction(name: string, mode?: "readonly" | "readwrite"): Transaction;
  close(): void;
}

interface Opening extends Asked<Database> {
  onupgradeneeded: (() => void) | null;
}

/** Opens a database with one store. `onClosed` is called when it is of no more use. */
export async function openDatabase(
  name: string,
  store: string,
  onClosed: () => void,
): Promise<Database> {
  const { indexedDB } = globalThis as {
    indexedDB?: { open(name: string, version: number): Opening };
  };
  if (!indexedDB) throw new Error("Cannot keep checkpoints: there is no IndexedDB here");
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => void opening.result.createObjectStore(store);
  const database = await settled(opening);
  database.onclose = onClosed;
  database.onversionchange = () => { // somebody deletes it, or a newer version of the page changes it
    database.close();
    onClosed();
  };
  return database;
}

/** The result of a request. */
export function settled<T>(request: Asked<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Changes a store; resolves when that is kept. */
export function transacted(
  database: Database,
  name: string,
  change: (store: ObjectStore) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, "readwrite");
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    change(transaction.objectStore(name));
  });
}
