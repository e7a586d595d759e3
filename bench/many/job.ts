/** What the programs of this folder are told, and what they print. */

import type { Measured } from "../upload/job.ts";

/** A folder of files, to be uploaded each once. */
export interface ManyJob {
  readonly origin: string;
  readonly folder: string;
  /** How many at once. @default {what the client does by itself} */
  readonly concurrency?: number | undefined;
}

/** A job of others' programs. */
export interface PeerManyJob extends ManyJob {
  /** How the client is set up, where it has a choice. */
  readonly how?: string | undefined;
}

/** What came of it. */
export interface ManyMeasured extends Omit<Measured, "crc32c"> {
  /** How many were uploaded. */
  readonly uploaded: number;
}
