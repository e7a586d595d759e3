/// <reference lib="dom" />
/** What the page and Uppy's dashboard know of each other. Apart, because only the dashboard's own configuration knows Uppy. */

import type { TicketReply } from "../settings.ts";

/** What the dashboard needs of the page. */
export interface DashboardOptions {
  readonly target: HTMLElement;
  /** Asks for permission to upload a file of this name. */
  readonly fetchTicket: (name: string) => Promise<TicketReply>;
  /** The bytes of each request for a file of so many. */
  readonly chunkSizeFor: (size: number) => number;
  /** The wait before the second attempt, in milliseconds. */
  readonly retryDelay: number;
  /** Says aloud what happened. */
  readonly say: (message: string) => void;
  /** Called when a file is stored. */
  readonly onStored: () => void;
}

/** Hands files to the dashboard. */
export type AddFiles = (files: Iterable<File>) => void;

/** Puts the dashboard on the page. */
export type MountUppy = (options: DashboardOptions) => AddFiles;
