/** How long an attempt may stand still. */

import { UploadError } from "../errors.ts";
import type { RequestHead } from "../protocol/upload_protocol.ts";
import type { Clock } from "./clock.ts";

/** How an attempt is bounded in time. */
export interface AttemptBounds {
  /** Milliseconds until an attempt is given up whose body cannot be watched. */
  readonly deadline: number;
  /** Milliseconds until an attempt is given up whose body is watched, if nothing of it was taken and no reply came. */
  readonly stallTimeout: number;
  /** What failed, for the message of an error: "Cannot …". */
  readonly action?: string | undefined;
}

/** The deadline of an attempt: from its start, or from the last piece that was taken. */
export class Watch {
  /** The error with which an attempt was given up. */
  late: UploadError | undefined;
  readonly #clock: Clock;
  readonly #bounds: AttemptBounds;
  readonly #expire: (late: UploadError) => void;
  #milliseconds = 0;
  #since: number;
  #stop: (() => void) | undefined;
  #request: Pick<RequestHead, "method" | "url"> | undefined;
  #isWatched = false; // whether it is seen when the body moves
  #waits = 0;
  /** Whether the attempt has ended: what is told now is of no interest. */
  isOver = false;

  constructor(clock: Clock, bounds: AttemptBounds, expire: (late: UploadError) => void) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#expire = expire;
    this.#since = clock.now();
  }

  /** Milliseconds since the deadline was set last, as far as they were planned: a machine may have slept. */
  get spent(): number {
    return Math.min(Math.max(0, this.#clock.now() - this.#since), this.#milliseconds);
  }

  start(request: Pick<RequestHead, "method" | "url">, isWatched: boolean): void {
    const { deadline, stallTimeout } = this.#bounds;
    this.#request = request;
    this.#isWatched = isWatched;
    this.#milliseconds = isWatched ? stallTimeout : deadline;
    this.restart();
  }

  /** The transport tells that the body has moved. */
  moved(): void {
    this.#isWatched = true;
    this.#milliseconds = this.#bounds.stallTimeout;
    this.restart();
  }

  /** The transport waits for something: until then no time passes. */
  wait(until: Promise<unknown>): void {
    if (this.isOver) return;
    this.#waits++;
    this.pause();
    const over = () => {
      this.#waits--;
      if (!this.isOver) this.restart();
    };
    until.then(over, over);
  }

  restart(): void {
    this.pause();
    this.#since = this.#clock.now();
    if (this.#waits > 0) return;
    this.#stop = this.#clock.setTimer(() => {
      this.late = new UploadError("deadline_exceeded", this.#message());
      this.#expire(this.late);
    }, this.#milliseconds);
  }

  #message(): string {
    const { method = "", url = "" } = this.#request ?? {};
    const { deadline, stallTimeout, action = method } = this.#bounds;
    const { host } = new URL(url);
    const expected = this.#isWatched
      ? `expected bytes to be taken or a reply from ${host} within ${stallTimeout} ms, got neither`
      : `expected a reply from ${host} within ${deadline} ms, got none`;
    return `Cannot ${action}: ${expected}`;
  }

  pause(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  end(): void {
    this.isOver = true;
    this.pause();
  }
}
