/// <reference lib="dom" />
/** IndexedDB with promises. */

/** Opens a database; `create` makes its stores when it is new. */
export function openDatabase(
  name: string,
  create: (database: IDBDatabase) => void,
): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => create(request.result);
  return settled(request);
}

/** Changes some of the stores, and settles when that is written. The other stores stay free. */
export function transacted<N extends string>(
  database: IDBDatabase,
  names: readonly N[],
  change: (store: (name: N) => IDBObjectStore) => void,
): Promise<void> {
  const transaction = database.transaction(names, "readwrite");
  change((name) => transaction.objectStore(name));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** What comes of a request. */
export function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
