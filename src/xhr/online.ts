/** Waiting for the network, where the browser is sure that there is none. */

import { page } from "./platform.ts";

/** Whether the browser is sure that there is no network; the opposite says nothing. */
export function isOffline(): boolean {
  return page().navigator?.onLine === false;
}

/** Resolves when there may be a network again; rejects with the signal's reason when that aborts first. */
export function backOnline(signal: AbortSignal | null | undefined): Promise<void> {
  const target = page();
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = () => {
      target.removeEventListener?.("online", onOnline);
      signal?.removeEventListener("abort", onAbort);
    };
    const onOnline = () => {
      end();
      resolve();
    };
    const onAbort = () => {
      end();
      reject(signal?.reason);
    };
    target.addEventListener?.("online", onOnline);
    signal?.addEventListener("abort", onAbort);
  });
}
