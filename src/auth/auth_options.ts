/** What callers can set, and the checks of it that several transports share. */

import { typeInWords } from "../errors.ts";
import type { Clock } from "../net/clock.ts";
import type { RetryOptions } from "../net/retry.ts";
import type { Transport } from "../net/transport.ts";

/** What every transport of this entry point has in common. */
export interface AuthOptions {
  /** Sends the requests, those for tokens too. The default is the platform's `fetch`. */
  fetch?: Transport | undefined;
  /**
   * The only origins that are sent the token. `https://*.example.com` stands for every host below `example.com`, at
   * the port of https. A list replaces the default one, so name everything: an emulator is
   * `["http://127.0.0.1:8085"]`.
   *
   * @default {["https://*.googleapis.com"]}
   */
  origins?: readonly string[] | undefined;
}

/** Options of transports that get tokens by themselves, and keep them. */
export interface TokenOptions extends AuthOptions {
  /**
   * What the token is good for, as [OAuth scopes](https://developers.google.com/identity/protocols/oauth2/scopes): the
   * least that the requests need.
   *
   * | uploads to | scope, behind `https://www.googleapis.com/auth/` |
   * | --- | --- |
   * | Cloud Storage | `devstorage.read_write`; `devstorage.full_control` where an upload sets access (`predefinedAcl`, `acl`) |
   * | Drive | `drive.file` for files of this application; `drive` for any |
   * | YouTube | `youtube.upload` for videos and thumbnails; `youtube.force-ssl` for captions |
   * | Gmail | `gmail.insert`, `gmail.compose` or `gmail.send` |
   * | BigQuery | `bigquery` |
   * | Photos | `photoslibrary.appendonly` |
   * | Android Publisher | `androidpublisher` |
   * | several services of Google Cloud | `cloud-platform`, limited by the account's roles alone |
   *
   * The default is `https://www.googleapis.com/auth/devstorage.read_write`; for the metadata server it is what the machine
   * was given, and for a user what the user has granted.
   */
  scopes?: readonly string[] | undefined;
  /**
   * How failures of the server that gives out tokens are retried: 408, 429, 5xx, no reply. `false` and `null` never
   * retry. The defaults are shorter than those of uploads, and end within 50 seconds: 5 attempts of up to 10 seconds each
   * (`attemptTimeout`), none begun 30 seconds after the first failure (`maxElapsed`), with waits of 500 ms (`initialDelay`)
   * to 8 seconds (`maxDelay`). A self-signed token needs no server, hence no retries.
   */
  retry?: Omit<RetryOptions, "clock" | "minThroughput" | "stallTimeout"> | false | null | undefined;
  /**
   * The project that requests are charged to, instead of the one that the credentials name: they carry it as
   * `x-goog-user-project`, unless they name another.
   */
  quotaProject?: string | undefined;
  /** Time and chance; tests hand in their own. The default is the platform's. */
  clock?: Clock | undefined;
}

/** What sends requests: what the caller handed in, or the platform's `fetch`. */
export function checkFetch(fetch: Transport | undefined): Transport {
  if (fetch === undefined) return (input, init) => globalThis.fetch(input, init);
  if (typeof fetch !== "function") {
    throw new TypeError(`fetch: expected a function, got ${typeInWords(fetch)}`);
  }
  return fetch;
}

/** Refuses options that do not exist, which are misspelt ones. */
export function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`options: expected an object, got ${typeInWords(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${unknown} is not an option; expected ${names.join(", ")}`);
}

/** Enough to store and to read objects: the default where no other rule is. */
export const READ_WRITE: readonly string[] = [
  "https://www.googleapis.com/auth/devstorage.read_write",
];

/** Scopes that can stand in a list with spaces or commas between them. */
export function checkScopes(scopes: readonly string[]): readonly string[] {
  const valid = Array.isArray(scopes) && scopes.length > 0 &&
    scopes.every((scope) => typeof scope === "string" && /^[^\s,"\\]+$/.test(scope));
  if (!valid) {
    throw new TypeError(
      `scopes: expected an array of scopes such as "https://www.googleapis.com/auth/devstorage.read_write"`,
    );
  }
  return [...scopes];
}

/** Whether a text can be the token of an `Authorization` header: visible ASCII, no spaces. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}
