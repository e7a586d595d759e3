/** A network between page and proxy that is as slow and as unreliable as one wishes. */

import type { Mishap, NetworkState } from "./settings.ts";

/** A network: hands requests on, or fails where it is told to. */
export interface Network {
  /** What it is told to do. */
  readonly state: NetworkState;
  /** Tells it to do something else; what is left out stays as it is. */
  set(change: Partial<NetworkState>): void;
  /**
   * Hands a request to a server. It rejects when the connection is to break: whoever holds the socket resets it then.
   */
  carry(request: Request, serve: (request: Request) => Promise<Response>): Promise<Response>;
}

const MISHAPS: readonly unknown[] = ["cut", "lose", "busy"] satisfies Mishap[];

/** A network that is fast and reliable until it is told otherwise. */
export function badNetwork(): Network {
  let state: NetworkState = { speed: null, next: null };
  const wait = line(() => state.speed);
  return {
    get state() {
      return state;
    },
    set(change) {
      state = { ...state, ...change };
    },
    async carry(request, serve) {
      const length = Number(request.headers.get("content-length") ?? 0);
      const isChunk = request.method === "PUT" || request.method === "PATCH";
      if (!isChunk || length === 0) return await serve(request);
      const mishap = state.next;
      state = { ...state, next: null };
      if (mishap === "busy") {
        return new Response(null, { status: 503, headers: { "retry-after": "2" } });
      }
      let body = request.body!;
      if (state.speed !== null) body = body.pipeThrough(paced(wait));
      if (mishap === "cut") body = body.pipeThrough(cutAfter(length / 2));
      const response = await serve(
        new Request(request, { body, duplex: "half" } as RequestInit),
      );
      if (mishap === null) return response;
      await response.body?.cancel();
      throw new Error("The connection broke, as it was told to");
    },
  };
}

/** Reads a change of the network from JSON; `undefined` if it is none. */
export function readChange(value: unknown): Partial<NetworkState> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { speed, next } = value as Record<string, unknown>;
  const valid = (speed === undefined || speed === null ||
    (typeof speed === "number" && speed >= 1000)) &&
    (next === undefined || next === null || MISHAPS.includes(next));
  if (!valid) return undefined;
  return {
    ...(speed !== undefined && { speed: speed as number | null }),
    ...(next !== undefined && { next: next as Mishap | null }),
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Waits until so many bytes have passed. */
type Wait = (length: number) => Promise<void>;

/** A line that all uploads share, with a speed in bytes per second that can change: who comes later waits for the others. */
function line(speed: () => number | null): Wait {
  let free = 0;
  return async (length) => {
    const pace = speed();
    if (pace === null) return;
    const now = performance.now();
    free = Math.max(now, free) + 1000 * length / pace;
    await new Promise((done) => setTimeout(done, free - now));
  };
}

/** Lets bytes through when it is their turn on the line. */
function paced(wait: Wait): TransformStream<Bytes, Bytes> {
  return new TransformStream({
    async transform(piece, controller) {
      await wait(piece.length);
      controller.enqueue(piece);
    },
  });
}

/** Lets some bytes through, and then fails. */
function cutAfter(most: number): TransformStream<Bytes, Bytes> {
  let left = Math.floor(most);
  return new TransformStream({
    transform(piece, controller) {
      controller.enqueue(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) controller.error(new Error("cut"));
    },
  });
}
