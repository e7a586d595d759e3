/** The one state of a resumable upload, and the one function that changes it. */

import { UploadError } from "../errors.ts";

/**
 * Where a resumable upload stands.
 *
 * | state | meaning | what can follow |
 * | --- | --- | --- |
 * | `new` | nothing was sent | `started`, `resumed` |
 * | `open` | the server has confirmed `persisted` bytes | any event but `started` and `resumed` |
 * | `interrupted` | what the server holds is not known: only its word leads on | the same |
 * | `done` | the server has shown the finished result, and it is the right one | nothing |
 * | `cancelled` | the session is no more | nothing |
 * | `closed` | the caller has given it up here; the session may live on | nothing |
 */
export type SessionState = NewSession | StartedSession;

/** Nothing was sent. */
export interface NewSession {
  readonly kind: "new";
}

/** A session exists, or existed. */
export interface StartedSession {
  readonly kind: "open" | "interrupted" | "done" | "cancelled" | "closed";
  readonly url: string;
  /** Confirmed bytes. */
  readonly persisted: number;
}

/** What can happen to a resumable upload. */
export type SessionEvent =
  /** The server has opened a session. */
  | { readonly kind: "started"; readonly url: string }
  /** A session is taken over from elsewhere; only the server knows what it holds. */
  | { readonly kind: "resumed"; readonly url: string; readonly persisted: number }
  /** The server says that the first `persisted` bytes are stored, and perhaps where to go on. */
  | { readonly kind: "stored"; readonly persisted: number; readonly url?: string | undefined }
  /** The server has shown the finished result, and it is the right one. */
  | { readonly kind: "finished"; readonly size: number }
  /** Something happened after which it is not known what is stored. */
  | { readonly kind: "interrupted" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "closed" };

/** The state of an upload that has not been started. */
export const NEW_SESSION: NewSession = { kind: "new" };

/** The state after `event`; throws when the event cannot happen in `state`. */
export function advance(state: SessionState, event: SessionEvent): StartedSession {
  if (state.kind === "new") {
    if (event.kind === "started") return { kind: "open", url: event.url, persisted: 0 };
    if (event.kind === "resumed") {
      return { kind: "interrupted", url: event.url, persisted: event.persisted };
    }
  } else if (state.kind === "open" || state.kind === "interrupted") {
    const { url, persisted } = state;
    if (event.kind === "stored") {
      return { kind: "open", url: event.url ?? url, persisted: event.persisted };
    }
    if (event.kind === "finished") return { kind: "done", url, persisted: event.size };
    if (event.kind !== "started" && event.kind !== "resumed") {
      return { kind: event.kind, url, persisted };
    }
  }
  throw new UploadError(
    "invalid_state",
    `Cannot go on: "${event.kind}" cannot happen to an upload that is ${state.kind}`,
  );
}
