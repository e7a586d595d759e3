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
  /** When the requests with bytes began that have not ended, in milliseconds. */
  running: number[];
}

/** How many sessions are remembered. Of any other one the backend is asked, so nothing depends on it but time. */
const MAX_SESSIONS = 1000;

/** So many requests with bytes may be under way at once for a session. */
const MAX_RUNNING = 8;

/** After so many milliseconds one counts no more: workerd ends the work of a request whose client has left without a word. */
const LEASE = 60_000;

/** The sessions of an instance, the ones used last. */
export class ProgressTable {
  readonly #sessions = new RecentlyUsed<Progress>(MAX_SESSIONS);

  /** A session that has just been started: nothing is stored. */
  begin(session: string): void {
    this.#sessions.set(session, { persisted: 0, finished: false, told: false, running: [] });
  }

  /** What is known of a session. */
  of(session: string): Progress {
    const known = this.#sessions.get(session);
    if (known) return known;
    const progress = { persisted: undefined, finished: false, told: false, running: [] };
    this.#sessions.set(session, progress);
    return progress;
  }
}

/** Takes note that a request with bytes is under way. Returns what ends it, or `undefined` when too many are. */
export function enter(progress: Progress, now: number): (() => void) | undefined {
  progress.running = progress.running.filter((began) => now - began < LEASE);
  if (progress.running.length >= MAX_RUNNING) return undefined;
  progress.running.push(now);
  return () => {
    const at = progress.running.indexOf(now);
    if (at >= 0) progress.running.splice(at, 1);
  };
}
