/** What was done so far, as numbers, and who is told of it. */

import type { Clock } from "../net/clock.ts";
import type { UploadProgress } from "../upload/upload_options.ts";
import type { UploadManyItem } from "./item.ts";
import type {
  FileInFlight,
  UploadManyProgress,
  UploadManyResult,
  UploadManySummary,
} from "./many_options.ts";

/** The least time between two calls while the run goes on, in milliseconds. */
const MIN_INTERVAL = 100;

/** Adds up the files of a run. What a caller throws who is told of it goes to `onThrown`, and he is told nothing more. */
export class Tally<I extends UploadManyItem> {
  #onProgress: ((progress: UploadManyProgress<I>) => void) | undefined;
  readonly #clock: Pick<Clock, "now">;
  readonly #onThrown: (error: unknown) => void;
  readonly #counts = { uploaded: 0, skipped: 0, failed: 0 };
  readonly #active = new Map<symbol, FileInFlight<I>>();
  #bytes = 0;
  #last = -Infinity;

  constructor(
    onProgress: ((progress: UploadManyProgress<I>) => void) | undefined,
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
  begin(item: I): symbol {
    const file = Symbol();
    const { name, size: total } = item;
    this.#active.set(file, { name, item, sent: 0, persisted: 0, total });
    this.#tell();
    return file;
  }

  /** A file has come so far. */
  moved(file: symbol, { sent, persisted, total }: UploadProgress): void {
    const before = this.#active.get(file)!;
    this.#active.set(file, { ...before, sent, persisted, total: total ?? before.total });
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
    if (!this.#onProgress || this.#clock.now() - this.#last < MIN_INTERVAL) return;
    this.#last = this.#clock.now();
    const bytes = { sent: this.#bytes, persisted: this.#bytes };
    const inFlight = [...this.#active.values()];
    for (const { sent, persisted } of inFlight) {
      bytes.sent += sent;
      bytes.persisted += persisted;
    }
    try {
      this.#onProgress({ files: { ...this.#counts, active: inFlight.length }, bytes, inFlight });
    } catch (error) {
      this.#onProgress = undefined;
      this.#onThrown(error);
    }
  }
}
