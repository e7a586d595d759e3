/** What this instance knows of sessions, so that bytes which are stored already, or never will be, go no further. */

import { RecentlyUsed } from "./recently_used.ts";

/** What is known of a session. */
export interface Progress {
  /** How many bytes are stored, as far as the backend has said; `undefined` before it was asked. */
  persisted: number | undefined;
  /** Checksums of those bytes, as the backend said them. */
  crc32c?: string | undefined;
  md5?: string | undefined;
  /** Whether the object is finished, and whether the operator's code has heard of it. */
  finished: boolean;
  told: boolean;
  /** How many requests with bytes are under way to the backend. */
  sending: number;
  /** Whether it has been seen here without an object. */
  isOpen: boolean;
}

/** How many sessions are remembered. Of any other one the backend is asked, so nothing depends on it but time. */
const MAX_SESSIONS = 1000;

/** The sessions of an instance, the ones used last. */
export class ProgressTable {
  readonly #sessions = new RecentlyUsed<Progress>(MAX_SESSIONS);

  /** A session that has just been started: nothing is stored. */
  begin(session: string): void {
    this.#sessions.set(session, { ...unknown(), persisted: 0, isOpen: true });
  }

  /** What is known of a session. */
  of(session: string): Progress {
    const known = this.#sessions.get(session);
    if (known) return known;
    const progress = unknown();
    this.#sessions.set(session, progress);
    return progress;
  }
}

function unknown(): Progress {
  return { persisted: undefined, finished: false, told: false, sending: 0, isOpen: false };
}
