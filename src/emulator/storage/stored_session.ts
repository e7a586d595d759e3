/**
 * One resumable session.
 *
 * @module
 */

import type { Content } from "./content.ts";
import type { ApiName, Destination, Endpoint, Finished, Protocol } from "../api_endpoint.ts";

/** Where a session stands. */
export type SessionState =
  | { readonly phase: "open" }
  | { readonly phase: "finished"; readonly finished: Finished }
  | { readonly phase: "cancelled" }
  /** After a non-final request with too few bytes, which every later reply quotes. */
  | { readonly phase: "poisoned"; readonly length: number }
  /** Refused for good, which every later reply repeats. */
  | { readonly phase: "refused"; reply(): Response }
  /** Expired, or finished in vain: a checksum, a size or a precondition did not hold. */
  | { readonly phase: "ended"; readonly status: 404 | 410 };

/** A session of the emulator, for a test to look at. */
export interface EmulatedSession {
  /** Counts from 0 in the order of their start; as in the log of requests. */
  readonly index: number;
  /** The API that it was started at. */
  readonly api: ApiName;
  /** The wire protocol that it was started with. */
  readonly protocol: Protocol;
  /** The bucket of the object to be; `""` where the API has none. */
  readonly bucket: string;
  /** The name of the object or file to be. */
  readonly name: string;
  /**
   * `poisoned`: by a chunk that was too small. `ended`: expired, or finished in vain. `refused`: likewise, and every later
   * reply says why.
   */
  readonly phase: "open" | "finished" | "cancelled" | "poisoned" | "ended" | "refused";
  /** How many bytes are stored; the object's size if it is finished. */
  readonly persisted: number;
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** What a session starts with. */
export type SessionStart = Pick<
  Session,
  "protocol" | "destination" | "endpoint" | "browserOrigin" | "granularity"
>;

/** One resumable session: its content, its state, and the queue of its requests. */
export class Session {
  /** The secret in its URL. */
  id: string;
  readonly index: number;
  readonly protocol: Protocol;
  readonly destination: Destination;
  readonly endpoint: Endpoint;
  /** What chunks are a multiple of in `X-Goog-Upload`, in bytes; `null` if of nothing. */
  readonly granularity: number | null;
  readonly started: number;
  /** The `Origin` that started it, the only one a browser may continue it from. */
  readonly browserOrigin: string | null;
  readonly content: Content;
  state: SessionState = { phase: "open" };
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #contended: Deferred = deferred();

  constructor(start: SessionStart & Pick<Session, "id" | "index" | "started" | "content">) {
    this.id = start.id;
    this.index = start.index;
    this.protocol = start.protocol;
    this.destination = start.destination;
    this.endpoint = start.endpoint;
    this.granularity = start.granularity;
    this.started = start.started;
    this.browserOrigin = start.browserOrigin;
    this.content = start.content;
  }

  /** How many bytes are stored. */
  get persisted(): number {
    return this.state.phase === "finished" ? this.state.finished.size : this.content.wholeSize;
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
