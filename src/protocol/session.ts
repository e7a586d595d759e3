/** The one state of a resumable upload, and the one function that changes it. */

import { UploadError } from "../errors.ts";

/**
 * Where a resumable upload stands.
 *
 * `persisted` counts the bytes that the server has confirmed. From `unsure` only the server's word leads on: a status
 * query that tells what is stored, or a finished object.
 */
export type SessionState = NewSession | OpenedSession;

/** Nothing has been sent. */
export interface NewSession {
  readonly kind: "new";
}

/** A session exists, or existed. */
export interface OpenedSession {
  readonly kind: "open" | "unsure" | "done" | "cancelled";
  readonly url: string;
  /** Confirmed bytes. */
  readonly persisted: number;
}

/** What can happen to a resumable upload. */
export type SessionEvent =
  /** The server has opened a session. */
  | { readonly kind: "initiated"; readonly url: string }
  /** A session is taken over from a checkpoint; only the server knows what it holds. */
  | { readonly kind: "resumed"; readonly url: string; readonly persisted: number }
  /** The server says that the first `persisted` bytes are stored. */
  | { readonly kind: "stored"; readonly persisted: number }
  /** The server has shown the finished object, and it is the right one. */
  | { readonly kind: "finished"; readonly size: number }
  /** Something happened that leaves us not knowing what is stored. */
  | { readonly kind: "lost" }
  | { readonly kind: "cancelled" };

/** The state of an upload that has not been started. */
export const NEW_SESSION: NewSession = { kind: "new" };

/** The state after `event`; throws when the event cannot happen in `state`. */
export function advance(state: SessionState, event: SessionEvent): OpenedSession {
  if (state.kind === "new") {
    if (event.kind === "initiated") return { kind: "open", url: event.url, persisted: 0 };
    if (event.kind === "resumed") {
      return { kind: "unsure", url: event.url, persisted: event.persisted };
    }
  } else if (state.kind === "open" || state.kind === "unsure") {
    const { url, persisted } = state;
    if (event.kind === "stored") return { kind: "open", url, persisted: event.persisted };
    if (event.kind === "finished") return { kind: "done", url, persisted: event.size };
    if (event.kind === "lost") return { kind: "unsure", url, persisted };
    if (event.kind === "cancelled") return { kind: "cancelled", url, persisted };
  }
  throw new UploadError(
    "invalid_state",
    `Cannot go on: "${event.kind}" cannot happen to an upload that is ${state.kind}`,
  );
}
