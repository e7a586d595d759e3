/** A network between page and proxy that is as slow and as unreliable as one wishes. */

import type { NetworkFault, NetworkState } from "./settings.ts";

/** A network: hands requests on, or fails where it is told to. */
export interface Network {
  /** What it is told to do. */
  readonly state: NetworkState;
  /** Tells it to do something else; what is left out stays as it is. */
  set(change: Partial<NetworkState>): void;
  /** Breaks the connections of requests that are on their way, of all or of those that `which` picks; returns how many. */
  cut(which?: (request: Request) => boolean): number;
  /**
   * Hands a request to a server. It rejects when the connection is to break: whoever holds the socket resets it then.
   */
  carry(request: Request, serve: (request: Request) => Promise<Response>): Promise<Response>;
  /** What was done to a request that was carried. */
  faultOf(request: Request): NetworkFault | undefined;
}

const NETWORK_FAULTS: readonly unknown[] = [
  "cut",
  "lose",
  "busy",
  "corrupt",
  "gone",
] satisfies NetworkFault[];

/** How many bytes of a chunk get through where nobody says how many it has. */
const SOME = 100_000;

/** A network that is fast and reliable until it is told otherwise. */
export function badNetwork(): Network {
  let state: NetworkState = { speed: null, next: null };
  const wait = line(() => state.speed);
  const carried = new Map<Request, AbortController>();
  const faults = new WeakMap<Request, NetworkFault>();

  const through = async (
    request: Request,
    serve: (request: Request) => Promise<Response>,
    broken: AbortSignal,
  ): Promise<Response> => {
    const length = chunkLength(request);
    let { body } = request;
    if (length === 0 || body === null) return await serve(request);
    const fault = state.next;
    state = { ...state, next: null };
    if (fault) faults.set(request, fault);
    if (fault === "busy") {
      return new Response(null, { status: 503, headers: { "retry-after": "2" } });
    }
    if (fault === "gone") return new Response(null, { status: 410 });
    if (state.speed !== null) body = body.pipeThrough(paced(wait));
    if (fault === "cut") body = body.pipeThrough(cutAfter(length ? length / 2 : SOME));
    if (fault === "corrupt") body = body.pipeThrough(corrupted());
    body = body.pipeThrough(new TransformStream(), { signal: broken });
    const response = await serve(new Request(request, { body, duplex: "half" } as RequestInit));
    if (fault !== "cut" && fault !== "lose") return response;
    await response.body?.cancel();
    throw new Error("The connection broke, as it was told to");
  };

  return {
    get state() {
      return state;
    },
    set(change) {
      state = { ...state, ...change };
    },
    cut(which = () => true) {
      const those = [...carried].filter(([request]) => which(request));
      for (const [request, connection] of those) {
        faults.set(request, "cut");
        connection.abort(new Error("The connection broke, as it was told to"));
      }
      return those.length;
    },
    async carry(request, serve) {
      const connection = new AbortController();
      carried.set(request, connection);
      const { promise, reject } = Promise.withResolvers<never>();
      connection.signal.addEventListener("abort", () => reject(connection.signal.reason));
      try {
        return await Promise.race([through(request, serve, connection.signal), promise]);
      } finally {
        carried.delete(request);
      }
    },
    faultOf: (request) => faults.get(request),
  };
}

/** The bytes of a chunk; 0 for any other request, `undefined` where nobody says. In a service worker no request has a length. */
function chunkLength({ method, headers }: Request): number | undefined {
  const command = headers.get("x-goog-upload-command");
  const carries = method === "PUT" || method === "PATCH" || /\bupload\b/.test(command ?? "");
  if (!carries) return 0;
  const length = headers.get("content-length");
  if (length !== null) return Number(length);
  const range = headers.get("content-range");
  const ends = range === null ? undefined : /^bytes (\d+)-(\d+)\//.exec(range);
  if (range !== null && !ends) return 0;
  return ends ? Number(ends[2]) - Number(ends[1]) + 1 : undefined;
}

/** Reads a change of the network from JSON; `undefined` if it is none. */
export function readChange(value: unknown): Partial<NetworkState> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { speed, next } = value as Record<string, unknown>;
  const valid = (speed === undefined || speed === null ||
    (typeof speed === "number" && speed >= 1000)) &&
    (next === undefined || next === null || NETWORK_FAULTS.includes(next));
  if (!valid) return undefined;
  return {
    ...(speed !== undefined && { speed: speed as number | null }),
    ...(next !== undefined && { next: next as NetworkFault | null }),
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
function cutAfter(max: number): TransformStream<Bytes, Bytes> {
  let left = Math.floor(max);
  return new TransformStream({
    transform(piece, controller) {
      controller.enqueue(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) controller.error(new Error("cut"));
    },
  });
}

/** Flips a bit of the first byte. */
function corrupted(): TransformStream<Bytes, Bytes> {
  let first = true;
  return new TransformStream({
    transform(piece, controller) {
      const copy = piece.slice();
      if (first && copy.length > 0) {
        copy[0] ^= 1;
        first = false;
      }
      controller.enqueue(copy);
    },
  });
}
