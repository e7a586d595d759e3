/** The public keys of tickets, from a URL: fetched once for many tickets, and kept while their server is down. */

import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { readBody } from "../net/read_body.ts";
import { within } from "../net/clock.ts";

/** Where keys come from. */
export interface KeyServer {
  readonly url: string;
  readonly fetch: typeof fetch;
  /** The time in milliseconds. */
  readonly now: () => number;
}

/** How long keys are believed, and how long they are used after that while there are no newer ones, in milliseconds. */
const MAX_AGE = 600_000, STALE = 3_600_000;

/** How long fetching may take; how long a failure is believed; how long a key that is not there is not looked for again. */
const DEADLINE = 5000, FAILURE_PAUSE = 5000, COOLDOWN = 30_000;

/** How long a request waits for the fetch of another one: workers end a request's work together with the request. */
const PATIENCE = 2500;

/** The most bytes of keys. */
const MAX_BYTES = 1_048_576;

interface Keys {
  readonly find: JWTVerifyGetKey;
  readonly fetchedAt: number;
}

/** A function that finds the key of a ticket. */
export function remoteKeys(server: KeyServer): JWTVerifyGetKey {
  const keys = new RemoteKeys(server);
  return async (header, token) => {
    const known = await keys.get();
    try {
      return await known.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const newer = await keys.newerThan(known);
      if (!newer) throw error;
      return await newer.find(header, token);
    }
  };
}

class RemoteKeys {
  readonly #server: KeyServer;
  #keys: Keys | undefined;
  #failedAt = -Infinity;
  #fetching: { readonly startedAt: number; readonly promise: Promise<void> } | undefined;

  constructor(server: KeyServer) {
    this.#server = server;
  }

  /** Keys that can be used now. */
  async get(): Promise<Keys> {
    if (!this.#keys || this.#age() >= MAX_AGE) await this.#refresh();
    if (!this.#keys || this.#age() >= MAX_AGE + STALE) {
      throw new Error("The keys of the upload tickets cannot be fetched");
    }
    return this.#keys;
  }

  /** Other keys than these, if it is time to look for some and there are any. */
  async newerThan(known: Keys): Promise<Keys | undefined> {
    if (this.#keys === known && this.#age() >= COOLDOWN) await this.#refresh();
    return this.#keys === known ? undefined : this.#keys;
  }

  #age(): number {
    return this.#server.now() - (this.#keys?.fetchedAt ?? -Infinity);
  }

  /** Fetches the keys, or waits for whoever does. A failure is noted, and nothing is tried for a moment. */
  async #refresh(): Promise<void> {
    const { now } = this.#server;
    const running = this.#fetching;
    if (running && now() - running.startedAt < PATIENCE) {
      if (await within(PATIENCE, running.promise.then(() => true), () => false)) return;
    }
    if (now() - this.#failedAt < FAILURE_PAUSE) return;
    const promise = this.#fetch().then((keys) => {
      this.#keys = keys;
      this.#failedAt = -Infinity;
    }, () => {
      this.#failedAt = now();
    }).finally(() => {
      if (this.#fetching === own) this.#fetching = undefined;
    });
    const own = { startedAt: now(), promise };
    this.#fetching = own;
    await promise;
  }

  async #fetch(): Promise<Keys> {
    const { url, fetch: send, now } = this.#server;
    const response = await send(url, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(DEADLINE),
    });
    const bytes = await readBody(response, MAX_BYTES);
    if (response.status !== 200 || !bytes) throw new Error("expected a key set");
    const find = createLocalJWKSet(JSON.parse(new TextDecoder().decode(bytes)));
    return { find, fetchedAt: now() };
  }
}
