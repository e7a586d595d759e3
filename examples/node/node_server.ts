/**
 * Serves a function of the form of `fetch` with `node:http`, and sends interim replies for it.
 *
 * @module
 */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";

/** Answers requests; it may send interim replies before. */
export type Handler = (
  request: Request,
  means: { readonly informational: (status: number, headers: Headers) => void },
) => Promise<Response>;

/** How long a client may go on sending after it was answered, so that it hears the answer, in milliseconds. */
const LINGER = 5_000;

/** A server that answers with this handler. It listens to nothing yet. */
export function nodeServer(handler: Handler): Server {
  const server = createServer((request, response) => {
    serve(handler, request, response).catch(() => request.socket.destroy());
  });
  // How long a body may take is up to the handler: a large one takes longer than the five minutes of Node's default.
  server.requestTimeout = 0;
  // Not to drop headers behind the thousandth in silence; how many bytes they may have is still limited.
  server.maxHeadersCount = 0;
  return server;
}

async function serve(
  handler: Handler,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = requestOf(incoming);
  const reply = request
    ? await handler(request, {
      informational: (status, headers) => inform(incoming, response, status, headers),
    })
    : new Response(null, { status: 400 });
  const body = new Uint8Array(await reply.arrayBuffer());
  const isWhole = incoming.complete;
  response.writeHead(reply.status, {
    ...Object.fromEntries(reply.headers),
    ...(body.length > 0 && { "content-length": String(body.length) }),
    ...(!isWhole && { connection: "close" }),
  });
  if (isWhole) {
    response.end(body);
    return;
  }
  // To close while bytes are on their way could lose the answer to a reset.
  response.flushHeaders();
  response.write(body);
  await drained(incoming);
  response.end();
}

/** Sends an interim reply on the connection. Node has functions for three kinds of them, and none for others. */
function inform(
  { httpVersion }: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Headers,
): void {
  // Without a socket an earlier request of the connection is being answered yet.
  if (httpVersion !== "1.1" || response.headersSent || !response.socket?.writable) return;
  const reason = status === 104 ? "Upload Resumption Supported" : STATUS_CODES[status] ?? "";
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  response.socket.write(`HTTP/1.1 ${status} ${reason}\r\n${lines.join("")}\r\n`, "latin1");
}

/** The request in the form of `fetch`; `undefined` for one that has none, such as one with a host that is no host. */
function requestOf(incoming: IncomingMessage): Request | undefined {
  const { method, url = "", headers: { host = "" }, rawHeaders } = incoming;
  const headers = new Headers();
  const hasBody = incoming.headers["transfer-encoding"] !== undefined ||
    Number(incoming.headers["content-length"] ?? 0) > 0;
  try {
    // Without a host, as in HTTP/1.0, the beginning of the path would be read as one.
    if (!url.startsWith("/") || host === "") return undefined;
    for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i], rawHeaders[i + 1]);
    return new Request(`http://${host}${url}`, {
      method,
      headers,
      body: hasBody ? bodyOf(incoming) : null,
      duplex: "half",
    } as RequestInit);
  } catch {
    return undefined;
  }
}

/** The body, one piece at a time: nothing is read from the socket before it is wanted. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      incoming.pause();
      incoming.on("data", (piece: Uint8Array) => {
        if (isOver) return;
        incoming.pause();
        controller.enqueue(new Uint8Array(piece)); // a copy: pieces share their memory
      });
      const end = (error?: Error) => {
        if (isOver) return;
        isOver = true;
        if (incoming.complete && !error) controller.close();
        else controller.error(error ?? new Error("The client went away"));
      };
      incoming.once("end", () => end());
      incoming.once("error", end);
      incoming.once("close", () => end());
    },
    pull() {
      incoming.resume();
    },
    cancel() {
      isOver = true;
    },
  }, { highWaterMark: 0 });
}

/** Waits until the client has sent everything, has gone, or has had its time. */
async function drained(incoming: IncomingMessage): Promise<void> {
  if (incoming.complete || incoming.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    incoming.once("end", end);
    incoming.once("close", end);
    incoming.resume();
  });
}
