/**
 * Requests with bytes of one upload take turns. The client of an upload is whoever has come last: a phone that has lost its
 * connection comes back on another one, while its old request hangs here and would keep it from going on. Two clients that are
 * both alive must not keep each other from ever sending anything: a request is left alone at first.
 */

import { settlesAcrossRequests } from "./compatibility_date.ts";
import { HttpError } from "./http_error.ts";
import { RecentlyUsed } from "./recently_used.ts";

/** A request with bytes that is under way. */
export interface Turn {
  /**
   * Does work that hears when a later request of the upload has come: the promise resolves then. It is a promise and no signal
   * because workerd lets a request stop nothing but its own work: what waits for a promise goes on in the request that waits.
   * Each work has one of its own, since a promise keeps all that has ever waited for it: of one for the whole request, every
   * segment of a long body.
   */
  during<T>(work: (ended: Promise<void>) => Promise<T>): Promise<T>;
  /** Throws if a later request of the upload has come. */
  check(): void;
  /** The upload has got on with this request: those that came before it are ended, however short a time ago. */
  endEarlier(): void;
  /** The request is answered. */
  leave(): void;
}

/** A turn as the session knows it. */
interface RunningTurn {
  /** In milliseconds since 1970. */
  readonly began: number;
  end(): void;
}

/** How often a request looks whether it is ended, where it hears of nothing, in milliseconds. */
const LOOK_EVERY = 250;

/** How long a request with bytes is left alone, in milliseconds. */
const UNDISTURBED = 1000;

/** So many requests of an upload may be on their way out at once: each of them is told to end, and does so soon. */
const MAX_LEAVING = 8;

/** After so many milliseconds one counts no more: workerd ends the work of a request whose client has left without a word. */
const LEASE = 60_000;

/** The requests with bytes of one upload that this instance is working on. */
export class Turns {
  #running: RunningTurn[] = [];

  /**
   * Begins a turn, and ends all before it, each when it has been left alone for long enough.
   *
   * @param now tells the milliseconds since 1970
   * @throws {HttpError} too many of those before it have not left yet: a 429
   */
  begin(now: () => number): Turn {
    const began = now();
    this.#running = this.#running.filter((one) => began - one.began < LEASE);
    if (this.#running.length >= MAX_LEAVING) {
      this.#endDue(began);
      throw new HttpError(429, "rateLimitExceeded", "Too many requests of this upload at once", {
        "retry-after": "1",
      });
    }
    let isEnded = false;
    const waiting = new Set<() => void>();
    const end = () => {
      isEnded = true;
      for (const resolve of waiting) resolve();
    };
    const running: RunningTurn = { began, end };
    const stop = this.#running.length > 0 ? this.endOthers(now, running) : undefined;
    this.#running.push(running);
    return {
      async during<T>(work: (ended: Promise<void>) => Promise<T>): Promise<T> {
        let resolve = () => {};
        let looking: ReturnType<typeof setInterval> | undefined;
        const ended = new Promise<void>((done) => resolve = done);
        if (isEnded) resolve();
        else if (settlesAcrossRequests()) waiting.add(resolve);
        else looking = setInterval(() => isEnded && resolve(), LOOK_EVERY);
        try {
          return await work(ended);
        } finally {
          waiting.delete(resolve);
          clearInterval(looking);
        }
      },
      check() {
        if (isEnded) throw new EndedTurn();
      },
      endEarlier: () => this.#endDue(Infinity, running),
      leave: () => {
        stop?.();
        this.#running = this.#running.filter((one) => one !== running);
      },
    };
  }

  /**
   * Ends requests with bytes, those that come meanwhile too, each when it has been left alone for long enough: who asks where
   * to go on may have to wait for them. Those that came after `own` are left alone: they end it.
   *
   * @returns stops ending them
   */
  endOthers(now: () => number, own?: RunningTurn): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const endDue = () => {
      this.#endDue(now(), own);
      timer = setTimeout(endDue, UNDISTURBED);
    };
    endDue();
    return () => clearTimeout(timer);
  }

  /** Ends all requests with bytes at once: the upload is given up. */
  end(): void {
    this.#endDue(Infinity);
  }

  #endDue(now: number, own?: RunningTurn): void {
    for (const one of this.#running) {
      if (one === own) return;
      if (now - one.began >= UNDISTURBED) one.end();
    }
  }
}

/**
 * How many uploads are remembered whose requests with bytes a later one can end. They are more than the sessions of which
 * anything else is known, since of those the backend can be asked, and a request may hang for as long as many others come.
 */
const MAX_UPLOADS = 10_000;

/** The turns of the uploads of an instance; see {@linkcode Turns}. */
export class TurnTable {
  readonly #uploads = new RecentlyUsed<Turns>(MAX_UPLOADS);

  /** Begins a turn of an upload, and ends all before it. */
  begin(upload: string, now: () => number): Turn {
    return this.#of(upload).begin(now);
  }

  /** Ends requests with bytes of an upload, until what it returns is called. */
  endOthers(upload: string, now: () => number): () => void {
    return this.#of(upload).endOthers(now);
  }

  /** Ends all requests with bytes of an upload at once. */
  end(upload: string): void {
    this.#uploads.get(upload)?.end();
  }

  #of(upload: string): Turns {
    const turns = this.#uploads.get(upload) ?? new Turns();
    this.#uploads.set(upload, turns);
    return turns;
  }
}

/** What is to be done, or the end of its turn where that comes before. */
export async function inTurn<T>(turn: Turn, work: Promise<T>): Promise<T> {
  return await turn.during(async (ended) => {
    const over = ended.then((): T => {
      throw new EndedTurn();
    });
    return await Promise.race([work, over]);
  });
}

/** The turn has ended. Clients that are still there ask how much is stored, and go on from there. */
export class EndedTurn extends HttpError {
  /** An error that says why. */
  constructor() {
    const message = "A later request of this upload has come, which ends this one";
    super(503, "backendError", message, { "retry-after": "1" });
  }
}
