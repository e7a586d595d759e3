/// <reference lib="dom" />
/** The requests of the page to its own server, besides those of the library. */

import type { Transport } from "@resumable-media/upload";
import { xhrTransport } from "@resumable-media/upload/xhr";
import type {
  Comparison,
  NetworkState,
  PageSettings,
  TicketReply,
  TicketWish,
} from "./settings.ts";
import { TicketError } from "./error_messages.ts";

/** Fetches what the page has to know. */
export async function fetchSettings(): Promise<PageSettings> {
  const response = await fetch("/settings");
  if (!response.ok) throw new Error(`The settings cannot be fetched: ${response.status}`);
  return await response.json();
}

/** Asks for permission to upload a file. */
export async function fetchTicket(wish: TicketWish, signal?: AbortSignal): Promise<TicketReply> {
  const response = await post("/ticket", wish, signal).catch((error) => {
    signal?.throwIfAborted();
    throw new TicketError(undefined, { cause: error });
  });
  if (!response.ok) throw new TicketError(response.status);
  return await response.json();
}

/** Makes the network better or worse; without a change, tells how it is. */
export async function network(change?: Partial<NetworkState>): Promise<NetworkState> {
  const response = change ? await post("/network", change) : await fetch("/network");
  if (!response.ok) throw new Error(`The network cannot be changed: ${response.status}`);
  return await response.json();
}

/** Fetches what each client needed for its last file. */
export async function fetchComparison(): Promise<Comparison> {
  const response = await fetch("/comparison");
  if (!response.ok) throw new Error(`The comparison cannot be fetched: ${response.status}`);
  return await response.json();
}

function post(path: string, value: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
    signal: signal ?? null,
  });
}

/** XMLHttpRequest tells how much of a chunk is on its way, which `fetch` does not. Without a network nothing is tried. */
const send = xhrTransport({ pauseWhileOffline: true });

/**
 * The transport of an upload, with the ticket on the request that starts it, which is the only one that needs it. It also
 * says whether requests get through, since the library repeats those that do not without a word.
 */
export function uploadTransport(
  ticket: string | undefined,
  onSteady: (steady: boolean) => void,
): Transport {
  return async (url, init) => {
    const headers = new Headers(init.headers);
    if (ticket !== undefined && init.method === "POST") {
      headers.set("authorization", `Bearer ${ticket}`);
    }
    try {
      const response = await send(url, {
        ...init,
        headers,
        waitUntil(wait) {
          onSteady(false);
          init.waitUntil?.(wait);
        },
      });
      onSteady(response.status < 500 && response.status !== 429 && response.status !== 408);
      return response;
    } catch (error) {
      if (!init.signal?.aborted) onSteady(false);
      throw error;
    }
  };
}
