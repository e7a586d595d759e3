/** What callers are told of how far an upload has come. */

import type { Clock } from "../net/clock.ts";
import type { UploadProgress } from "./upload_options.ts";

/** The least time between two calls that only say that bytes were taken, in milliseconds. */
const MIN_INTERVAL = 100;

/** Calls `onProgress`: not too often, never with less than before, and never after the end with an error. */
export class Progress {
  /** The end of the last byte handed to the transport. */
  sent = 0;
  readonly #onProgress: ((progress: UploadProgress) => void) | undefined;
  readonly #clock: Clock;
  #last = -Infinity;

  constructor(onProgress: ((progress: UploadProgress) => void) | undefined, clock: Clock) {
    this.#onProgress = onProgress;
    this.#clock = clock;
  }

  /** A request of `total` bytes begins, of which `sent` are handed over at once. */
  begin(sent: number, total: number | undefined): void {
    this.sent = sent;
    this.#call(0, total);
  }

  /** The transport was handed the bytes before `sent`, all at once. */
  handed(sent: number, persisted: number, total: number | undefined): void {
    this.sent = Math.max(this.sent, sent);
    this.#call(persisted, total);
  }

  /** The transport has taken the bytes before `sent`, piece by piece. */
  took(sent: number, persisted: number, total: number | undefined): void {
    if (sent <= this.sent) return;
    this.sent = sent;
    if (!this.#onProgress || this.#clock.now() - this.#last < MIN_INTERVAL) return;
    this.#call(persisted, total);
  }

  /** The server has confirmed the bytes before `persisted`. */
  confirmed(persisted: number, total: number | undefined): void {
    this.sent = Math.max(this.sent, persisted);
    this.#call(persisted, total);
  }

  /** The upload is finished: what is thrown now can change nothing of that. */
  finished(size: number): void {
    try {
      this.confirmed(size, size);
    } catch { /* the result counts */ }
  }

  #call(persisted: number, total: number | undefined): void {
    if (!this.#onProgress) return;
    this.#last = this.#clock.now();
    this.#onProgress({ sent: this.sent, persisted, total });
  }
}
