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
  return {
    get state() {
      return state;
    },
    set(change) {
      state = { ...state, ...change };
    },
    async carry(request, serve) {
      const length = Number(request.headers.get("content-length") ?? 0);
      if (request.method !== "PUT" || length === 0) return await serve(request); // no chunk
      const mishap = state.next;
      state = { ...state, next: null };
      if (mishap === "busy") {
        return new Response(null, { status: 503, headers: { "retry-after": "2" } });
      }
      let body = request.body!;
      if (state.speed !== null) body = body.pipeThrough(paced(() => state.speed));
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

/** Lets bytes through at a speed, in bytes per second, that can change on the way. */
function paced(speed: () => number | null): TransformStream<Bytes, Bytes> {
  return new TransformStream({
    async transform(piece, controller) {
      const pace = speed();
      if (pace !== null) {
        await new Promise((done) => setTimeout(done, 1000 * piece.length / pace));
      }
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
