/**
 * One resumable session.
 *
 * @module
 */

import type { Content } from "./content.ts";
import type { EmulatedObject } from "./object.ts";
import type { UploadSpec } from "./spec.ts";

/** Where a session stands. */
export type SessionState =
  | { readonly phase: "open" }
  | { readonly phase: "finished"; readonly object: EmulatedObject }
  | { readonly phase: "cancelled" }
  /** After a non-final request with too few bytes, which every later reply quotes. */
  | { readonly phase: "poisoned"; readonly length: number }
  /** Expired, or finished in vain: a checksum, a size or a precondition did not hold. */
  | { readonly phase: "ended"; readonly status: 404 | 410 };

/** A session of the emulator, for a test to look at. */
export interface EmulatedSession {
  /** Counts from 0 in the order of their start; as in the log of requests. */
  readonly index: number;
  /** The bucket of the object to be. */
  readonly bucket: string;
  /** The name of the object to be. */
  readonly name: string;
  /**
   * `poisoned`: by a chunk that was too small. `ended`: expired, or finished in vain.
   */
  readonly phase: "open" | "finished" | "cancelled" | "poisoned" | "ended";
  /** How many bytes are stored; the object's size if it is finished. */
  readonly persisted: number;
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** One resumable session: its content, its state, and the queue of its requests. */
export class Session {
  readonly id: string;
  readonly index: number;
  readonly spec: UploadSpec;
  readonly started: number;
  /** The `Origin` that started it, the only one a browser may continue it from. */
  readonly browserOrigin: string | null;
  readonly content: Content;
  state: SessionState = { phase: "open" };
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #contended: Deferred = deferred();

  constructor(
    start: Pick<Session, "id" | "index" | "spec" | "started" | "browserOrigin" | "content">,
  ) {
    this.id = start.id;
    this.index = start.index;
    this.spec = start.spec;
    this.started = start.started;
    this.browserOrigin = start.browserOrigin;
    this.content = start.content;
  }

  /** How many bytes are stored. */
  get persisted(): number {
    return this.state.phase === "finished" ? this.state.object.size : this.content.wholeSize;
  }

  /** Ends the session in vain; what it stored is gone. */
  end(state: SessionState): void {
    // The bytes of a finished session are its object's, also after the session has ended.
    if (this.state.phase === "open" || this.state.phase === "poisoned") this.content.clear();
    this.state = state;
  }

  /** Settles when another request waits for the one that is being served. */
  get contended(): Promise<void> {
    return this.#contended.promise;
  }

  /** Runs one request at a time, in the order of their arrival. */
  async exclusive<T>(run: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = deferred();
    this.#last = promise;
    this.#waiting++;
    this.#contended.resolve();
    await before;
    this.#waiting--;
    this.#contended = deferred();
    if (this.#waiting > 0) this.#contended.resolve();
    try {
      return await run();
    } finally {
      resolve();
    }
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => resolve = done);
  return { promise, resolve };
}
