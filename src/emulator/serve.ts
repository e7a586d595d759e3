/**
 * Serves the emulator on a socket, with `node:http`, in Node, Deno and Bun.
 *
 * @example
 * ```ts
 * import { upload } from "@resumable-media/upload";
 * import { GcsEmulator } from "@resumable-media/upload/emulator";
 * import { serveEmulator } from "@resumable-media/upload/emulator/serve";
 *
 * const server = await serveEmulator(new GcsEmulator());
 * const endpoint = server.origin; // such as http://127.0.0.1:8085
 * const object = await upload("hello", { endpoint, bucket: "my-bucket", name: "hello.txt" });
 * console.log(object.size); // 5
 * await server.close();
 * ```
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { GcsEmulator } from "./emulator.ts";

/** Where to listen. */
export interface ServeOptions {
  /**
   * The port; 0 takes any that is free.
   *
   * @default 0
   */
  readonly port?: number | undefined;
  /**
   * The address to listen on.
   *
   * @default "127.0.0.1"
   */
  readonly hostname?: string | undefined;
  /**
   * Whether a connection may serve several requests. Beware: when a used connection is reset, `fetch` in
   * Deno and Bun repeats the request by itself, and a test sees no fault.
   *
   * @default false
   */
  readonly keepAlive?: boolean | undefined;
}

/** A served emulator. */
export interface ServedEmulator {
  /** Such as `http://127.0.0.1:8085`. */
  readonly origin: string;
  /** Breaks all connections and stops listening. */
  close(): Promise<void>;
}

const NAMES = ["port", "hostname", "keepAlive"];

function checkArguments(emulator: unknown, options: unknown): void {
  if (typeof (emulator as Partial<GcsEmulator> | null)?.fetch !== "function") {
    throw new TypeError("serveEmulator: expected an emulator, got something without fetch");
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`serveEmulator: expected options as an object, got ${options}`);
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(
      `serveEmulator: "${unknown}" is not an option; there are ${NAMES.join(", ")}`,
    );
  }
  const { port = 0 } = options as ServeOptions;
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new RangeError(`port: expected a whole number from 0 to 65535, got ${port}`);
}

/**
 * Serves an emulator on a socket. Where its `fetch` rejects, by an injected fault for instance, the
 * connection is reset.
 *
 * @throws {TypeError} an argument is of the wrong kind, or an option that does not exist
 * @throws {RangeError} the port is none
 */
export async function serveEmulator(
  emulator: Pick<GcsEmulator, "fetch">,
  options: ServeOptions = {},
): Promise<ServedEmulator> {
  checkArguments(emulator, options);
  const { port = 0, hostname = "127.0.0.1", keepAlive = false } = options;
  const server = createServer((request, response) => {
    response.shouldKeepAlive = keepAlive;
    // A reset tells the client at once; what failed is known to the emulator, and in its log.
    answer(emulator, request, response).catch(() => reset(request));
  });
  server.requestTimeout = 0;
  // Else a request could go out on a connection that is being closed because nobody has used it for five seconds.
  server.keepAliveTimeout = 0;
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, hostname, listening);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return {
    origin: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${address.port}`,
    close: () =>
      new Promise((closed, failed) => {
        server.close((error) => error ? failed(error) : closed());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  emulator: Pick<GcsEmulator, "fetch">,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const hasBody = request.headers["transfer-encoding"] !== undefined ||
    Number(request.headers["content-length"] ?? 0) > 0;
  const gone = new AbortController();
  // A request with a body fails as its body does; one without fails when nobody waits for the reply.
  if (!hasBody) response.once("close", () => gone.abort(new Error("The client went away")));
  // A client that takes this server for a proxy names the whole URL.
  const { url = "/" } = request;
  const whole = url.startsWith("http://") ? url : `http://${request.headers.host}${url}`;
  const reply = await emulator.fetch(whole, {
    method: request.method,
    headers: headersOf(request),
    body: hasBody ? bodyOf(request) : undefined,
    signal: gone.signal,
    duplex: "half",
  } as RequestInit);
  const bytes = new Uint8Array(await reply.arrayBuffer());
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  response.flushHeaders();
  if (bytes.length > 0) response.write(bytes);
  // If we ended with bytes still on their way, the client could lose the reply to a reset.
  await drained(request);
  response.end();
}

/** Waits until the client has sent everything, or has gone. */
function drained(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    request.once("end", resolve);
    request.once("close", resolve);
    request.removeAllListeners("data"); // a body that nobody has read would stop at its next piece
    request.resume();
  });
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    headers.append(request.rawHeaders[i], request.rawHeaders[i + 1]);
  }
  return headers;
}

/** The body, one piece at a time: nothing is read from the socket before it is wanted. */
function bodyOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  let over = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      request.pause();
      request.on("data", (piece: Uint8Array) => {
        if (over) return;
        request.pause();
        controller.enqueue(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
      });
      const end = (error?: Error) => {
        if (over) return;
        over = true;
        if (request.complete && !error) controller.close();
        else controller.error(error ?? new Error("The client went away"));
      };
      request.once("end", () => end());
      request.once("error", end);
      request.once("close", () => end());
    },
    pull() {
      request.resume();
    },
    cancel() {
      over = true;
    },
  }, { highWaterMark: 0 });
}

function reset({ socket }: IncomingMessage): void {
  if (socket.destroyed) return;
  if (typeof socket.resetAndDestroy === "function") socket.resetAndDestroy();
  else socket.destroy();
}
