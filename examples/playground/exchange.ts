/** What the worker tells the page: both sides read this file. */

import type { NetworkFault } from "../page/settings.ts";

/** Who sends a request, and to whom. */
export type Leg =
  | "page to proxy"
  | "page to Google"
  | "page to backend"
  | "proxy to Google";

/** Why an exchange went as it did: something that was asked for, or the page that wanted no more of it (a pause). */
export type Cause = NetworkFault | "stopped";

/** A reply. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Its text, or the beginning of it. */
  readonly body: string;
}

/** A request, and what became of it. */
export interface Exchange {
  /** Counts from 0 within a playground. */
  readonly id: number;
  readonly leg: Leg;
  /** In milliseconds since 1970. */
  readonly started: number;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The text of the request's body, where it has one. */
  readonly body: string;
  /** Bytes of the body that have passed. */
  readonly sent: number;
  /** When it was over; absent while it is not. */
  readonly ended?: number;
  readonly reply?: Reply;
  /** The connection broke: there is no reply. */
  readonly broken?: true;
  /** What was done to it on purpose. */
  readonly cause?: Cause;
}

/** How a playground is, for a page that has just been loaded. */
export interface PlaygroundState {
  /** Which start of the worker this is. */
  readonly boot: string;
  /** Whether what is stored outlives the worker. */
  readonly lasting: boolean;
  readonly exchanges: readonly Exchange[];
}

/** A message of the worker, on the channel of the playground. */
export interface Message {
  readonly boot: string;
  readonly lasting: boolean;
  readonly exchange: Exchange;
}

/** The bucket that everything goes to. */
export const BUCKET = "playground";
