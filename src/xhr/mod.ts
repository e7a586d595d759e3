/**
 * A {@linkcode Transport} on XMLHttpRequest, for pages and their workers. A browser does not tell `fetch` how much of a request
 * has gone out; it tells an XMLHttpRequest.
 *
 * @module
 */

import { typeInWords, UploadError } from "../errors.ts";
import { defaultTransport, type Transport, type TransportInit } from "../net/transport.ts";
import { exchange, type ExchangeOptions } from "./exchange.ts";
import { backOnline, isOffline } from "./online.ts";
import { page } from "./platform.ts";

export type { Transport, TransportInit };

/** How an XMLHttpRequest is sent: options of {@linkcode xhrTransport}. */
export interface XhrTransportOptions {
  /**
   * Whether cookies go with requests to other origins. The server must then name this page's origin in
   * `Access-Control-Allow-Origin`; Google's servers take no cookies.
   *
   * @default {false}
   */
  withCredentials?: boolean | undefined;
  /**
   * Whether requests wait while the browser is sure that there is no network (`navigator.onLine` is false): one that begins
   * then, and one that fails then, goes on with the event `online`. The time is counted neither by `retry.stallTimeout` nor by
   * `retry.maxElapsed`, so that an upload outlives a day without a network. An abort ends the wait.
   *
   * @default {false}
   */
  pauseWhileOffline?: boolean | undefined;
  /**
   * How long a request may take at most, in milliseconds, however much it moves; 0 for no limit. `retry.stallTimeout` of the
   * upload, which ends a request that stands still, is what long requests need.
   *
   * @default {0}
   */
  timeout?: number | undefined;
  /**
   * The most bytes of a reply; a longer one ends the upload with `invalid_response`.
   *
   * @default {16777216}
   */
  maxReplyBytes?: number | undefined;
}

const NAMES = ["maxReplyBytes", "pauseWhileOffline", "timeout", "withCredentials"];

/**
 * Makes a transport that sends with XMLHttpRequest. With it, `sent` of `onProgress` follows the bytes that go out within a
 * request, and a request that stands still is given up after `retry.stallTimeout`, where `fetch` in a page shows neither. All
 * else is as with `fetch`: the same statuses (a 308 without `Location` is a reply), headers, errors and aborts.
 *
 * It takes what `upload()` sends in a browser: Blobs and their slices, bytes, strings; a stream or a form is refused with a
 * `TypeError`. An XMLHttpRequest follows every redirect, so a request that must not do that (transports that add credentials
 * make such ones) goes by `fetch`. It works in pages and in dedicated and shared workers; service workers and
 * servers have no XMLHttpRequest: there, a request ends with an `UploadError` whose code is `invalid_state`.
 *
 * @throws {TypeError} an option is of the wrong kind, or one that does not exist
 * @throws {RangeError} an option is out of its bounds
 *
 * @example Progress within a request, in a page that was given a session
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { xhrTransport } from "@resumable-media/upload/xhr";
 *
 * const transport = xhrTransport({ pauseWhileOffline: true });
 * const send = (file: File, session: string) =>
 *   upload(file, {
 *     session,
 *     transport,
 *     onProgress: ({ sent, total = 0 }) => console.log(`${Math.floor(100 * sent / total)} %`),
 *   });
 * console.log(typeof send); // function
 * ```
 */
export function xhrTransport(options: XhrTransportOptions = {}): Transport {
  const { pauseWhileOffline, ...how } = checked(options);
  return async (input, init) => {
    init.signal?.throwIfAborted();
    const { XMLHttpRequest } = page();
    if (!XMLHttpRequest) {
      throw new UploadError(
        "invalid_state",
        "Cannot send: expected a page or a worker of one, which have XMLHttpRequest, got none; use fetch here",
      );
    }
    const isFollowed = init.redirect === undefined || init.redirect === "follow";
    if (isFollowed) init.onSent?.(0);
    if (pauseWhileOffline && isOffline()) await untilOnline(init);
    try {
      return isFollowed
        ? await exchange(new XMLHttpRequest(), input, init, how)
        : await defaultTransport(input, withCookies(init, how));
    } catch (error) {
      const isNetwork = error instanceof TypeError;
      if (pauseWhileOffline && isNetwork && isOffline()) await untilOnline(init);
      throw error;
    }
  };
}

function withCookies(init: TransportInit, { withCredentials }: ExchangeOptions): TransportInit {
  return withCredentials ? { ...init, credentials: "include" } : init;
}

/** Waits for the network; the deadline of the request stands still meanwhile. */
async function untilOnline({ signal, waitUntil }: TransportInit): Promise<void> {
  const waiting = backOnline(signal);
  waitUntil?.(waiting);
  await waiting;
}

function checked(
  options: XhrTransportOptions,
): ExchangeOptions & { readonly pauseWhileOffline: boolean } {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `xhrTransport: expected options as an object, got ${typeInWords(options)}`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!NAMES.includes(name)) {
      throw new TypeError(
        `xhrTransport: "${name}" is not an option; there are ${NAMES.join(", ")}`,
      );
    }
    const expected = name === "timeout" || name === "maxReplyBytes" ? "number" : "boolean";
    const got = typeof value;
    if (got !== expected) throw new TypeError(`${name}: expected a ${expected}, got ${got}`);
  }
  const { withCredentials = false, pauseWhileOffline = false } = options;
  const { timeout = 0, maxReplyBytes = 16 * 1024 * 1024 } = options;
  checkCount("timeout", timeout, 0);
  checkCount("maxReplyBytes", maxReplyBytes, 1);
  return { withCredentials, pauseWhileOffline, timeout, maxReplyBytes };
}

function checkCount(name: string, value: number, min: number): void {
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new RangeError(`${name}: expected a whole number of at least ${min}, got ${value}`);
}
