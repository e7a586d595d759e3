/// <reference lib="dom" />
/**
 * Where uploads outlive the tab: IndexedDB. Checkpoints are in the library's own store, what belongs to the page beside it.
 *
 * A checkpoint is a secret: whoever has it can go on with that upload. Keeping it here is acceptable, because
 *
 * - the database belongs to this origin: other sites cannot read it, and unlike a cookie it is never sent anywhere;
 * - a script that runs in this origin could ask for tickets anyway, so the checkpoint gives it nothing new (and the page's
 *   Content-Security-Policy lets no foreign script run);
 * - its session URL is the proxy's sealed one, not Google's: it is good for this one object, within its limits, until it
 *   expires, and it can read nothing;
 * - it is deleted as soon as the upload is finished or cancelled, and after a week, when it is worthless, in any case.
 *
 * What remains is a computer whose other users share this browser profile. Where that matters, do not keep it.
 */

import type { Checkpoint } from "@resumable-media/upload";
import { indexedDbCheckpoints } from "@resumable-media/upload/checkpoints";

/** An upload that is not finished. */
export interface StoredUpload {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly lastModified: number;
  /** When it was added, in milliseconds since 1970. */
  readonly created: number;
  /** Whether the user paused it; if not, it goes on by itself. */
  readonly paused: boolean;
  /** Where it goes; absent until it has started. */
  readonly target?: { readonly bucket: string; readonly name: string };
  /** Where it stands; absent until it has started. A secret. */
  readonly checkpoint?: Checkpoint;
}

/** The uploads that are not finished, and their files. */
export interface UploadStore {
  /** Whether anything outlives the tab. */
  readonly lasting: boolean;
  /** All uploads, the oldest first. */
  list(): Promise<StoredUpload[]>;
  get(id: string): Promise<StoredUpload | undefined>;
  put(upload: StoredUpload): Promise<void>;
  /** Keeps a file; whether there was room for it. */
  putFile(id: string, file: File): Promise<boolean>;
  /** The file, if it was kept and can still be read. */
  file(id: string): Promise<File | undefined>;
  /** Forgets an upload and its file. */
  delete(id: string): Promise<void>;
}

type Name = "uploads" | "files";

const WEEK = 7 * 24 * 3600 * 1000;

/**
 * Opens the database; where the browser has none to offer, a store that keeps nothing. Over plain http it has no locks
 * either: two tabs could send the same upload, so nothing is kept there.
 */
export async function openStore(): Promise<UploadStore> {
  if (!hasLocks()) return NOTHING;
  const request = indexedDB.open("uploads", 1);
  request.onupgradeneeded = () => {
    // Files are apart, so that a new checkpoint does not write the file again.
    request.result.createObjectStore("uploads", { keyPath: "id" });
    request.result.createObjectStore("files");
  };
  try {
    return storeIn(await settled(request));
  } catch {
    return NOTHING;
  }
}

/** Whether this page can keep others from what it works on. Browsers offer that to https and to this machine only. */
export function hasLocks(): boolean {
  return (navigator as { locks?: unknown }).locks !== undefined;
}

function storeIn(database: IDBDatabase): UploadStore {
  const checkpoints = indexedDbCheckpoints();
  /** An upload with its checkpoint. */
  const whole = async (upload: StoredUpload): Promise<StoredUpload> => {
    const checkpoint = await checkpoints.get(upload.id);
    return checkpoint ? { ...upload, checkpoint } : upload;
  };
  /** Changes some of the stores; the others stay free, so that a checkpoint never waits for a large file. */
  const write = (names: Name[], change: (store: (name: Name) => IDBObjectStore) => void) => {
    const transaction = database.transaction(names, "readwrite");
    change((name) => transaction.objectStore(name));
    return new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  };
  const read = <T>(name: Name, ask: (store: IDBObjectStore) => IDBRequest<T>) =>
    settled(ask(database.transaction(name).objectStore(name)));
  const remove = async (id: string) => {
    await checkpoints.delete(id);
    await write(["uploads", "files"], (store) => {
      store("uploads").delete(id);
      store("files").delete(id);
    });
  };
  return {
    lasting: true,
    async list() {
      const all = await read<StoredUpload[]>("uploads", (store) => store.getAll());
      const old = all.filter(({ created }) => created < Date.now() - WEEK);
      for (const { id } of old) await remove(id);
      const young = all.filter((upload) => !old.includes(upload));
      return (await Promise.all(young.map(whole))).sort((a, b) => a.created - b.created);
    },
    async get(id) {
      const upload = await read<StoredUpload | undefined>("uploads", (store) => store.get(id));
      return upload && await whole(upload);
    },
    async put({ checkpoint, ...upload }) {
      if (checkpoint) await checkpoints.set(upload.id, checkpoint);
      else await checkpoints.delete(upload.id);
      await write(["uploads"], (store) => store("uploads").put(upload));
    },
    async putFile(id, file) {
      try {
        await write(["files"], (store) => store("files").put(file, id));
        return true;
      } catch {
        return false; // no room, or a file that cannot be read: it will be asked for again
      }
    },
    async file(id) {
      const file = await read<File | undefined>("files", (store) => store.get(id));
      return file && await isReadable(file) ? file : undefined;
    },
    delete: remove,
  };
}

/** A file on disk may be gone or changed since; then reading it fails, from the first byte on. */
async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    await file.slice(-1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

const NOTHING: UploadStore = {
  lasting: false,
  list: () => Promise.resolve([]),
  get: () => Promise.resolve(undefined),
  put: () => Promise.resolve(),
  putFile: () => Promise.resolve(false),
  file: () => Promise.resolve(undefined),
  delete: () => Promise.resolve(),
};

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
