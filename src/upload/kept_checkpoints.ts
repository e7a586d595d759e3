/** Checkpoints that are kept for the caller, under a key of his. */

import { UploadError } from "../errors.ts";
import { abortable, systemClock, within } from "../net/clock.ts";
import type { Checkpoint } from "./checkpoint.ts";

/**
 * Where checkpoints are kept: `checkpoints` of {@linkcode upload}. A `Map` is one that lasts as long as the program;
 * `@resumable-media/upload/checkpoints` has lasting ones.
 *
 * A checkpoint is plain JSON, and a secret: with its session URL anyone can go on with the upload for a week. Calls for one
 * key come one after the other. One that takes longer than ten seconds is not waited for, and neither is any after it until the
 * store answers in time again: an upload loses ten seconds to a store that hangs, and not ten for each chunk. When a call ends
 * after a later one, the later one is made again, so that what is kept is what was said last.
 *
 * @example A store in a database
 * ```ts
 * import type { Checkpoint, CheckpointStore } from "@resumable-media/upload";
 *
 * const rows = new Map<string, string>();
 * const store: CheckpointStore = {
 *   get: async (key) => JSON.parse(await rows.get(key) ?? "null"),
 *   set: async (key, checkpoint: Checkpoint) => void await rows.set(key, JSON.stringify(checkpoint)),
 *   delete: async (key) => void await rows.delete(key),
 * };
 * console.log(await store.get("a")); // null
 * ```
 */
export interface CheckpointStore<C = Checkpoint> {
  /** What was set last; `undefined` or `null` where there is nothing. */
  get(key: string): C | null | undefined | PromiseLike<C | null | undefined>;
  /** Keeps a checkpoint in place of the one before. It is awaited. */
  set(key: string, checkpoint: C): unknown;
  /** Forgets what is kept; nothing to forget is no error. It is awaited. */
  delete(key: string): unknown;
}

/**
 * What became of a checkpoint that was found under the key: `onResume` of {@linkcode upload}.
 *
 * With `resumed: true` the upload goes on behind `persisted` bytes. Else it starts anew, and `reason` is the error that says why
 * the checkpoint is of no use: an {@linkcode UploadError} such as `source_changed` or `session_gone`, or a `TypeError` where this
 * call is another one than that which made it.
 */
export type ResumeEvent =
  | { readonly resumed: true; readonly persisted: number }
  | { readonly resumed: false; readonly reason: unknown };

/** What the caller says of keeping checkpoints. */
export interface KeepingOptions<C = Checkpoint> {
  /** One that the caller has instead; not together with `checkpoints`. */
  readonly checkpoint?: C | undefined;
  /** Where they are kept. */
  readonly checkpoints?: CheckpointStore<C> | undefined;
  /** Under which this one is kept. */
  readonly key?: string | undefined;
  /** Called when the store fails. */
  readonly onCheckpointError?: ((error: unknown) => void) | undefined;
  /** Called when one was found. */
  readonly onResume?: ((event: ResumeEvent) => void) | undefined;
}

/**
 * How long a store may take for one call, and to say what it has once it has been late, in milliseconds: an upload must not hang
 * where a store does.
 */
const STORE_TIMEOUT = 10_000, LATE_TIMEOUT = 1000;

/** What was written last under a key, as long as a call for it has not ended. */
interface Writes {
  last: () => unknown;
  underWay: number;
}

/** An upload that has a key. */
interface Running {
  readonly signal: AbortSignal | undefined;
  /** Whether it has ended, but for what its store still has to do. */
  isOver: boolean;
  readonly ended: Promise<void>;
}

/** What this program does with a store. */
interface StoreUse {
  /** Writes that have not ended, by their keys. */
  readonly writing: Map<string, Writes>;
  /** The uploads by their keys. */
  readonly running: Map<string, Running>;
  /** Who has been told that it has not answered in time; `undefined` once it does. */
  told?: WeakSet<object> | undefined;
  /** When the last call was made, in milliseconds. */
  began: number;
}

const uses = new WeakMap<object, StoreUse>();

/** Whether checkpoints are to be kept; throws where the options about that do not fit together. */
export function keepsCheckpoints(options: KeepingOptions): boolean {
  const { checkpoint, checkpoints: store, key } = options;
  if (store === undefined) {
    const name = (["key", "onCheckpointError", "onResume"] as const).find((name) =>
      options[name] !== undefined
    );
    if (name) throw new TypeError(`${name}: expected none without \`checkpoints\``);
    return false;
  }
  const methods = ["get", "set", "delete"] as const;
  if (typeof store !== "object" || methods.some((name) => typeof store?.[name] !== "function")) {
    throw new TypeError("checkpoints: expected an object with get(), set() and delete()");
  }
  if (typeof key !== "string" || key === "") {
    throw new TypeError(
      `key: expected a text that names the upload, got ${key === "" ? "an empty one" : typeof key}`,
    );
  }
  if (checkpoint !== undefined) {
    throw new TypeError("checkpoint: expected none together with `checkpoints`");
  }
  return true;
}

/** The checkpoint of one upload in its store: what fails there is reported, and ends nothing. */
export class KeptCheckpoint<C = Checkpoint> {
  readonly #store: CheckpointStore<C>;
  readonly #use: StoreUse;
  readonly #key: string;
  readonly #onError: (error: unknown) => void;
  #last: Promise<unknown> = Promise.resolve(); // what an abort does not wait for, and the next upload does

  /** `options` have been checked by {@linkcode keepsCheckpoints}. */
  constructor({ checkpoints, key, onCheckpointError }: KeepingOptions<C>) {
    this.#store = checkpoints!;
    this.#use = uses.get(this.#store) ?? { writing: new Map(), running: new Map(), began: 0 };
    uses.set(this.#store, this.#use);
    this.#key = key!;
    this.#onError = onCheckpointError ?? (() => {});
  }

  /** What the store has, whatever it is; `undefined` where it has nothing or fails. */
  async get(): Promise<unknown> {
    return await this.#call(() => this.#store.get(this.#key), LATE_TIMEOUT) ?? undefined;
  }

  /** Keeps a checkpoint. */
  async set(checkpoint: C): Promise<void> {
    const action = () => this.#store.set(this.#key, checkpoint);
    const { writing, told, began } = this.#use;
    const writes = writing.get(this.#key);
    // A store that hangs is tried again from time to time; what was put off is made when it answers.
    if (told && writes && systemClock.now() - began < STORE_TIMEOUT) writes.last = action;
    else await this.#call(() => this.#write(action));
  }

  /** Forgets it. */
  async delete(): Promise<void> {
    await this.#call(() => this.#write(() => this.#store.delete(this.#key)));
  }

  /**
   * Runs an upload while no other one of this program has its key. One that was stopped is waited for, with what its store
   * still has to do.
   */
  async exclusively<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    const all = this.#use.running;
    for (let other = all.get(this.#key); other; other = all.get(this.#key)) {
      if (!other.isOver && !other.signal?.aborted) {
        throw new UploadError(
          "invalid_state",
          "Cannot upload: expected no other upload with this key to be running, got one",
        );
      }
      await abortable(other.ended, signal);
    }
    let end = () => {};
    const mine: Running = { signal, isOver: false, ended: new Promise((resolve) => end = resolve) };
    all.set(this.#key, mine);
    try {
      return await run();
    } finally {
      mine.isOver = true;
      this.#last.then(() => {
        all.delete(this.#key);
        end();
      });
    }
  }

  /** Makes a call that changes what is kept. One that ends after a later one may have undone it: the later one is made again. */
  async #write(action: () => unknown): Promise<void> {
    const all = this.#use.writing;
    const writes = all.get(this.#key) ?? { last: action, underWay: 0 };
    all.set(this.#key, writes);
    writes.last = action;
    writes.underWay++;
    try {
      await action();
    } finally {
      const { last } = writes;
      if (last !== action) void this.#write(last).catch(() => {}); // nobody listens any more
      if (--writes.underWay === 0) all.delete(this.#key);
    }
  }

  /** Makes a call, and waits for it so long where the store was late before. Of a store that is late a caller hears once. */
  async #call<R>(action: () => R, whileLate = 0): Promise<Awaited<R> | undefined> {
    const use = this.#use;
    const began = use.began = systemClock.now();
    const call = async () => {
      try {
        return await action();
      } finally {
        if (systemClock.now() - began < STORE_TIMEOUT) use.told = undefined;
      }
    };
    let told: WeakSet<object> | undefined;
    const timeout = use.told ? whileLate : STORE_TIMEOUT;
    const result = within(timeout, call(), () => {
      told = use.told ??= new WeakSet();
      throw new Error(`The store of checkpoints did not answer within ${STORE_TIMEOUT} ms`);
    });
    this.#last = result.catch(() => {});
    return await result.catch((error: unknown) => {
      if (!told?.has(this.#onError)) this.#onError(error);
      told?.add(this.#onError);
      return undefined;
    });
  }
}
