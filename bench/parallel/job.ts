/** What the programs that upload over several connections are told. */

import type { PeerJob } from "../upload/job.ts";

/** One upload. */
export interface ParallelJob extends PeerJob {
  /** How many parts are on their way at the same time. */
  readonly concurrency: number;
  /** How ours reads the file. */
  readonly source: "file" | "stream";
}
