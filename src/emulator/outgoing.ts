/**
 * What `fetch` promises of a request once it is on its way.
 *
 * @module
 */

import type { Incoming } from "./incoming.ts";

/** What `fetch` does with a response once it is there. */
export function finished({ method, refusesRedirects }: Incoming, response: Response): Response {
  if (refusesRedirects && [301, 302, 303, 307, 308].includes(response.status)) {
    throw new TypeError(`fetch failed: a redirect (${response.status}) is not wanted`);
  }
  if (method !== "HEAD" || !response.body) return response;
  return new Response(null, { status: response.status, headers: response.headers });
}

/** Settles as `work` does, or rejects at once when the signal is aborted, which ends a body that nobody reads. */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  release: () => void,
): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => {
      release();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
