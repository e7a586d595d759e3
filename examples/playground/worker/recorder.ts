/** Writes down requests and replies as they pass. */

import type { Cause, Exchange, Leg, Reply } from "../exchange.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Open = { -readonly [K in keyof Exchange]: Exchange[K] };

/** How often the page hears of the bytes of one request, in milliseconds. */
const EVERY = 100;

/** The most characters that are kept of a text. */
const MOST = 4000;

/** A recorder of exchanges. */
export interface Recorder {
  /** All so far, in the order of their start. */
  readonly exchanges: readonly Exchange[];
  /** Hands a request on, and writes down what becomes of it; `causeOf` tells afterwards what was done to it. */
  record(
    leg: Leg,
    request: Request,
    serve: (request: Request) => Promise<Response>,
    causeOf?: (request: Request) => Cause | undefined,
  ): Promise<Response>;
  /** Forgets everything. */
  clear(): void;
}

/** A recorder that goes on after `before`, and calls `tell` with each exchange, and again when it has changed. */
export function createRecorder(
  before: readonly Exchange[],
  tell: (exchange: Exchange) => void,
): Recorder {
  let exchanges: Exchange[] = [...before];
  let next = (before.at(-1)?.id ?? -1) + 1;
  return {
    get exchanges() {
      return exchanges;
    },
    async record(leg, request, serve, causeOf) {
      const exchange = await opened(next++, leg, request);
      exchanges.push(exchange);
      tell(exchange);
      let told = performance.now();
      const counted = request.body === null ? request : withBody(
        request,
        request.body.pipeThrough(
          new TransformStream<Bytes, Bytes>({
            transform(piece, controller) {
              exchange.sent += piece.length;
              if (performance.now() - told > EVERY) {
                told = performance.now();
                tell(exchange);
              }
              controller.enqueue(piece);
            },
          }),
        ),
      );
      try {
        const response = await serve(counted);
        exchange.reply = await replyOf(response);
        return response;
      } catch (error) {
        exchange.broken = true;
        throw error;
      } finally {
        const cause = causeOf?.(counted);
        if (cause) exchange.cause = cause;
        exchange.ended = Date.now();
        tell(exchange);
      }
    },
    clear() {
      exchanges = [];
    },
  };
}

/** A request with another body. */
export function withBody(request: Request, body: ReadableStream<Bytes>): Request {
  return new Request(request, { body, duplex: "half" } as RequestInit);
}

async function opened(id: number, leg: Leg, request: Request): Promise<Open> {
  const { method, url, headers } = request;
  const isText = headers.get("content-type")?.startsWith("application/json");
  const text = isText ? await request.clone().text() : "";
  return {
    ...{ id, leg, method, url, sent: 0, body: text.slice(0, MOST) },
    started: Date.now(),
    headers: [...headers],
  };
}

async function replyOf(response: Response): Promise<Reply> {
  const isText = /^(application\/(json|xml)|text\/)/.test(
    response.headers.get("content-type") ?? "",
  );
  const body = isText ? (await response.clone().text()).slice(0, MOST) : "";
  return { status: response.status, headers: [...response.headers], body };
}
