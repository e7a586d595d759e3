/** What a page knows of how its files are sent. Pages differ in that, and in nothing else that an upload does. */

import type { StorageObject } from "@resumable-media/upload";
import type { StoredUpload } from "./store.ts";
import type { Problem } from "./error_messages.ts";

/** What a sender is given for a file, and whom it tells how it goes. */
export interface Sending {
  readonly file: File;
  readonly record: StoredUpload;
  /** Whether the file is the very one that the bytes sent so far were read from. */
  readonly sameFile: boolean;
  readonly signal: AbortSignal;
  /** Keeps something for the next visit. */
  remember(change: Partial<StoredUpload>): Promise<void>;
  /** What it is doing before the first byte goes out. */
  begin(phase: "starting" | "checking"): void;
  /** How far it is, in bytes; `resumedFrom` were stored before, where that is known. */
  onProgress(progress: {
    readonly sent: number;
    readonly persisted: number;
    readonly resumedFrom?: number | undefined;
  }): void;
  /** Whether requests get through. */
  onSteady(steady: boolean): void;
}

/** What became of the wish to cancel. */
export type Cancelled =
  | "cancelled"
  /** The server could not be told; its session ends by itself. */
  | "only here"
  /** The object was finished just before. */
  | "too late";

/** Sends files. */
export interface Sender {
  /** Sends a file, or what is missing of it. */
  send(sending: Sending): Promise<StorageObject>;
  /** Makes the server forget what it holds. */
  cancel(record: StoredUpload): Promise<Exclude<Cancelled, "too late">>;
  /** Whether the checksum of what is stored is compared with that of the file; by default it is. */
  compares?(record: StoredUpload): boolean;
  /** Words for what went wrong. */
  problemOf(error: unknown, record: StoredUpload): Problem;
}
