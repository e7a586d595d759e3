/** What users and programs are told of a run. */

import type { FileInFlight, UploadManyProgress } from "../parallel/many_options.ts";
import type { StorageObject } from "../protocol/resources/storage_object.ts";

/** A file, and where it goes. */
export interface Subject {
  /** The file as it was named or found. */
  readonly source: string;
  readonly destination: string;
}

/** What became of a file. */
export type Outcome =
  | {
    readonly status: "uploaded";
    readonly size: number;
    readonly object: Partial<StorageObject> | unknown;
  }
  | { readonly status: "skipped"; readonly reason: "exists" | "manifest" }
  | {
    readonly status: "failed";
    readonly error: unknown;
    /** Whether it is of Google's own storage: then the message says which permission helps. */
    readonly isOfBucket?: boolean;
  }
  | { readonly status: "planned"; readonly size: number | undefined };

/** How far a run has come. */
export type RunProgress = Pick<UploadManyProgress, "files" | "bytes"> & {
  readonly inFlight: readonly Pick<FileInFlight, "name" | "sent" | "persisted" | "total">[];
};

/** What the whole is, as far as it is known by now. */
export interface Totals {
  readonly files: number;
  readonly bytes: number;
  /** Whether all of it was counted. */
  readonly isWhole: boolean;
}

/** Who is told. */
export interface Report {
  /** Something worth knowing about a file: it goes on, or starts anew. */
  note(subject: Subject, text: string): void;
  /** How far the run has come. */
  progress(progress: RunProgress, totals: Totals): void;
  /** What became of a file. */
  ended(subject: Subject, outcome: Outcome): void;
  /** An error that ends the run. */
  failed(error: unknown): void;
  /** Nothing more will come. */
  close(summary: Summary | undefined): void;
}

/** What became of all files. */
export interface Summary {
  readonly uploaded: number;
  readonly skipped: number;
  readonly failed: number;
  readonly bytes: number;
  /** What a run that only shows would have uploaded. */
  readonly planned?: { readonly files: number; readonly bytes: number };
  /** Whether a signal has stopped it. */
  readonly isInterrupted: boolean;
  /** Whether the same command goes on where this one has stopped. */
  readonly isResumable: boolean;
}
