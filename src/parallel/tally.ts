/** What was done so far, as numbers, and who is told of it. */

import type { Clock } from "../net/clock.ts";
import type { UploadProgress } from "../upload/options.ts";
import type { UploadManyProgress, UploadManyResult, UploadManySummary } from "./many_options.ts";

/** The least time between two calls while the run goes on, in milliseconds. */
const LEAST_INTERVAL = 100;

/** How far a file has come. */
type FileProgress = Pick<UploadProgress, "sent" | "persisted">;

const NOTHING: FileProgress = { sent: 0, persisted: 0 };

/** Adds up the files of a run. What a caller throws who is told of it goes to `onThrown`, and he is told nothing more. */
export class Tally {
  #onProgress: ((progress: UploadManyProgress) => void) | undefined;
  readonly #clock: Pick<Clock, "now">;
  readonly #onThrown: (error: unknown) => void;
  readonly #counts = { uploaded: 0, skipped: 0, failed: 0 };
  readonly #active = new Map<symbol, FileProgress>();
  #bytes = 0;
  #last = -Infinity;

  constructor(
    onProgress: ((progress: UploadManyProgress) => void) | undefined,
    clock: Pick<Clock, "now">,
    onThrown: (error: unknown) => void,
  ) {
    this.#onProgress = onProgress;
    this.#clock = clock;
    this.#onThrown = onThrown;
  }

  get summary(): UploadManySummary {
    return { ...this.#counts, bytes: this.#bytes };
  }

  /** A file is begun; what stands for it. */
  begin(): symbol {
    const file = Symbol();
    this.#active.set(file, NOTHING);
    this.#tell();
    return file;
  }

  /** A file has come so far. */
  moved(file: symbol, { sent, persisted }: FileProgress): void {
    this.#active.set(file, { sent, persisted });
    this.#tell();
  }

  /** A file has ended. */
  end(file: symbol, result: UploadManyResult): void {
    this.#active.delete(file);
    this.#counts[result.status]++;
    if (result.status === "uploaded") this.#bytes += Number(result.object.size);
    this.#tell();
  }

  /** Nothing more will come. */
  ended(): void {
    this.#last = -Infinity;
    this.#tell();
  }

  #tell(): void {
    if (!this.#onProgress || this.#clock.now() - this.#last < LEAST_INTERVAL) return;
    this.#last = this.#clock.now();
    const bytes = { sent: this.#bytes, persisted: this.#bytes };
    for (const { sent, persisted } of this.#active.values()) {
      bytes.sent += sent;
      bytes.persisted += persisted;
    }
    try {
      this.#onProgress({ files: { ...this.#counts, active: this.#active.size }, bytes });
    } catch (error) {
      this.#onProgress = undefined;
      this.#onThrown(error);
    }
  }
}
