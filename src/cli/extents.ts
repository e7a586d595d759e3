/** How much there is to do: counted beside the run, where somebody looks at it. */

import type { CpRun } from "./cp_command.ts";
import type { RunProgress, Totals } from "./report.ts";

/** Walks over the files once more, ahead of the uploads; nothing of them is kept but two numbers. */
export class TotalsCounter {
  #files = 0;
  #bytes = 0;
  #isWhole = false;
  #isStopped = false;

  constructor(run: CpRun, isSeen: boolean) {
    const isReadable = run.options.namesEnd === undefined && !run.options.sources.includes("-");
    if (isSeen && isReadable) void this.#count(run).catch(() => {});
  }

  /** The whole, as far as it is known; never less than what is done. */
  including({ files, inFlight, bytes }: RunProgress): Totals {
    const seen = files.uploaded + files.skipped + files.failed + inFlight.length;
    return {
      files: Math.max(this.#files, seen),
      bytes: Math.max(this.#bytes, bytes.sent),
      isWhole: this.#isWhole,
    };
  }

  /** Counts no more. */
  stop(): void {
    this.#isStopped = true;
  }

  async #count(run: CpRun): Promise<void> {
    for await (const { found } of run.files()) {
      if (this.#isStopped) return;
      this.#files++;
      this.#bytes += found.size ?? 0;
    }
    this.#isWhole = true;
  }
}
