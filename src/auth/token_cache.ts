/** One token for many requests: kept, renewed before its end, fetched by one request for all. */

import { abortable, type Clock, within } from "../net/clock.ts";

/** Where a transport gets its tokens from. */
export interface TokenSource {
  /** A token that is good now. Rejects with the signal's reason as soon as it aborts. */
  get(signal: AbortSignal | undefined): Promise<string>;
  /** Takes note that the server has refused this token. */
  reject(token: string): void;
}

/** A token, and its end in milliseconds since 1970. */
export interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

/** A token is renewed this many milliseconds before its end, or in the second half of a shorter life. */
const EARLY = 5 * 60_000;

/** Nothing new is begun in the last milliseconds of a token, or in the last tenth of a shorter life. */
const LAST_MOMENT = 30_000;

/** After a renewal has failed the old token is used for so long before the next try, in milliseconds. */
const PAUSE = 30_000;

/**
 * How long a request waits for the renewal of another one, in milliseconds. Workers end a request's work together with
 * the request, so a renewal may never settle; whoever has waited so long begins one of its own.
 */
const RENEWAL_TIMEOUT = 5_000;

/** A token, and when it is time for another. */
interface KeptToken extends Token {
  readonly renewAt: number;
  readonly usableUntil: number;
}

/** A renewal that somebody is waiting for. */
interface Renewal {
  readonly startedAt: number;
  readonly promise: Promise<string>;
}

/** Keeps the tokens that `obtain` makes. */
export class TokenCache implements TokenSource {
  readonly #obtain: () => Promise<Token>;
  readonly #clock: Clock;
  #token: KeptToken | undefined;
  #renewal: Renewal | undefined;
  #pausedUntil = -Infinity;

  /** A cache that is empty. `obtain` is called for no request in particular, so no signal stops it. */
  constructor(obtain: () => Promise<Token>, clock: Clock) {
    this.#obtain = obtain;
    this.#clock = clock;
  }

  /** The token that is kept, or a new one. */
  async get(signal: AbortSignal | undefined): Promise<string> {
    signal?.throwIfAborted();
    const token = this.#token;
    const now = this.#clock.now();
    if (token && now < token.usableUntil) {
      if (now >= token.renewAt && now >= this.#pausedUntil && !this.#running()) this.#renew();
      return token.value;
    }
    const running = this.#running();
    if (!running) return await abortable(this.#renew().promise, signal);
    const value = await this.#join(running, signal);
    if (value !== undefined) return value;
    if (this.#renewal === running) this.#renewal = undefined;
    return await this.get(signal);
  }

  /** Forgets the token, if it is the one that is kept. */
  reject(token: string): void {
    if (this.#token?.value === token) this.#token = undefined;
  }

  /** The renewal under way, unless it takes so long that it must be lost. */
  #running(): Renewal | undefined {
    const renewal = this.#renewal;
    return renewal && this.#clock.now() - renewal.startedAt < RENEWAL_TIMEOUT ? renewal : undefined;
  }

  /** Begins a renewal for whoever asks from now on. Its failure is for those who wait, if anybody does. */
  #renew(): Renewal {
    const startedAt = this.#clock.now();
    const promise = this.#obtain().then((token) => {
      this.#keep(token);
      return token.value;
    }).catch((error: unknown) => {
      this.#pausedUntil = this.#clock.now() + PAUSE;
      throw error;
    }).finally(() => {
      if (this.#renewal === renewal) this.#renewal = undefined;
    });
    promise.catch(() => {});
    const renewal = { startedAt, promise };
    this.#renewal = renewal;
    return renewal;
  }

  #keep(token: Token): void {
    if (this.#token && this.#token.expiresAt > token.expiresAt) return;
    const life = Math.max(0, token.expiresAt - this.#clock.now());
    this.#token = {
      ...token,
      renewAt: token.expiresAt - Math.min(EARLY, life / 2),
      usableUntil: token.expiresAt - Math.min(LAST_MOMENT, life / 10),
    };
  }

  /** The token of a renewal that another request has begun; `undefined` when it takes too long. */
  async #join(renewal: Renewal, signal: AbortSignal | undefined): Promise<string | undefined> {
    const left = renewal.startedAt + RENEWAL_TIMEOUT - this.#clock.now();
    const renewed = abortable<string | undefined>(renewal.promise, signal);
    return await within(left, renewed, () => undefined, this.#clock);
  }
}
