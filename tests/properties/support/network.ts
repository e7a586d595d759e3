// A network that breaks, delays and repeats requests between any two ends.

import fc from "fast-check";
import { type Transport, UploadError } from "../../../mod.ts";
import { LARGEST, QUANTUM } from "./sources.ts";

/** What happens to the `at`-th request, counted from 0. */
export interface NetworkFault {
  readonly at: number;
  readonly kind:
    /** It never arrives. */
    | "lost"
    /** It arrives, its reply does not. */
    | "reply lost"
    /** The connection breaks after `bytes` of the body. */
    | "cut"
    /** Something in between answers with `status`. */
    | "refused"
    /** The connection breaks, and the request arrives all the same: `later` requests afterwards. */
    | "late"
    /** It arrives twice, the second time `later` requests afterwards. */
    | "twice";
  readonly bytes: number;
  readonly status: number;
  readonly later: number;
}

export const RETRYABLE = [408, 429, 500, 502, 503, 504] as const;

/** The bytes after which something happens: anywhere, most of them around the ends of quanta. */
export const places: fc.Arbitrary<number> = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -1, max: 1 }))
    .map(([quanta, more]) => Math.max(0, quanta * QUANTUM + more)),
  fc.integer({ min: 0, max: LARGEST }),
);

export const networkFaults: fc.Arbitrary<NetworkFault[]> = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 10 }),
    kind: fc.constantFrom("lost", "reply lost", "cut", "refused", "late", "twice"),
    bytes: places,
    status: fc.constantFrom(...RETRYABLE),
    later: fc.integer({ min: 0, max: 3 }),
  }),
  { maxLength: 4 },
);

/** A network, and what went over it. */
export interface Network {
  readonly transport: Transport;
  /** Requests that were handed to the network. */
  readonly requests: () => number;
  /** Bytes of their bodies. */
  readonly bytes: () => number;
  /** Mishaps that happened. */
  readonly hits: () => number;
  /** Delivers what is still under way. */
  settle(): Promise<void>;
}

/** More requests than any upload here can need: whoever sends them does not end. */
const TOO_MANY = 400;

/** A request on its way, with memory of its own: it may arrive when the sender has gone on. */
interface Letter {
  readonly url: string;
  readonly init: RequestInit;
  readonly due: number;
}

/** Sends to `to`, but for what goes wrong. */
export function network(to: Transport, wrong: readonly NetworkFault[]): Network {
  let [count, bytes, hits] = [0, 0, 0];
  let letters: Letter[] = [];
  const pending = new Set<Promise<unknown>>();
  const send = (url: string, init: RequestInit): Promise<Response> => {
    const reply = to(url, init);
    const settled = reply.catch(() => {}).finally(() => pending.delete(settled));
    pending.add(settled);
    return reply;
  };
  const deliver = async (now: number) => {
    const due = letters.filter((letter) => letter.due <= now);
    letters = letters.filter((letter) => letter.due > now);
    for (const { url, init } of due) {
      await send(url, init).then((reply) => reply.body?.cancel(), () => {});
    }
  };
  const transport: Transport = async (url, init) => {
    const index = count++;
    // An error of this type is not retried; `settle` makes it known.
    if (count > TOO_MANY) throw new UploadError("invalid_state", "The upload does not end");
    const body = init.body instanceof Uint8Array ? init.body : undefined;
    bytes += body?.length ?? 0;
    await deliver(index);
    const fault = wrong.find(({ at }) => at === index);
    if (!fault) return await send(url, init);
    hits++;
    const broken = () => new TypeError(`fetch failed: ${fault.kind}`);
    const copy = () => ({ ...init, body: body?.slice() ?? init.body ?? null, signal: null });
    switch (fault.kind) {
      case "lost":
        throw broken();
      case "reply lost":
        await (await send(url, init)).body?.cancel();
        throw broken();
      case "refused":
        return new Response("", { status: fault.status });
      case "late":
        letters.push({ url, init: copy(), due: index + 1 + fault.later });
        throw broken();
      case "twice":
        letters.push({ url, init: copy(), due: index + 1 + fault.later });
        return await send(url, init);
      case "cut": {
        if (!body?.length) throw broken();
        await send(url, cut(init, body, fault.bytes))
          .then((reply) => reply.body?.cancel(), () => {});
        throw broken();
      }
    }
  };
  return {
    transport,
    requests: () => count,
    bytes: () => bytes,
    hits: () => hits,
    async settle() {
      if (count > TOO_MANY) throw new Error(`The upload does not end: ${count} requests`);
      await deliver(Infinity);
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** The same request with a body that announces its length and fails on the way. */
function cut(init: RequestInit, body: Uint8Array, at: number): RequestInit {
  const headers = new Headers(init.headers);
  headers.set("content-length", String(body.length));
  let sent = 0;
  const end = Math.min(at, body.length - 1);
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= end) return controller.error(new TypeError("the connection broke"));
      const piece = body.slice(sent, Math.min(end, sent + 100_000));
      sent += piece.length;
      controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
  return { ...init, headers, body: stream, duplex: "half" } as RequestInit;
}
