// The server that the portable cases talk to: the emulator, with a few paths beside it.

import { type ServedEmulator, serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator, type GcsEmulatorOptions } from "../../src/emulator/mod.ts";

const OWN_PATHS = ["/echo", "/308", "/hang", "/inject", "/requests", "/servers"];

/** How another server is: the options of its emulator that are JSON, and how fast it reads. */
export interface ServerOptions extends Pick<GcsEmulatorOptions, "ignoreNo308"> {
  /**
   * How many bytes of a body it takes in a second. What is in the buffers of the system comes on top of it.
   *
   * @default no limit
   */
  readonly bytesPerSecond?: number;
}

/**
 * Starts the server that a runtime talks to, on a free port of 127.0.0.1.
 *
 * - `/echo` answers with the body it got, and with what it saw in `x-received-length` and
 *   `x-received-content-range`;
 * - `/308` answers as a session that has stored the range it was sent: 308 without `Location`;
 * - `/hang` never answers, as long as the client waits;
 * - `/inject` takes faults, as JSON, that the requests to come will meet; `"Infinity"` is the number, and a broken connection is
 *   a real one;
 * - `/requests` answers with the emulator's log, as JSON: the requests as they came off the wire;
 * - `/servers` takes {@linkcode ServerOptions}, as JSON, and answers with the origin of another server like this one, which
 *   ends with it;
 * - everything else is an emulated Google Cloud Storage, in which every bucket exists.
 */
export async function startOrigin(options: ServerOptions = {}): Promise<ServedEmulator> {
  const { bytesPerSecond = Infinity, ...emulated } = options;
  const stop = new AbortController();
  const sleep = (milliseconds: number) => delay(milliseconds, stop.signal);
  const gcs = new GcsEmulator({ ...emulated, cors: { origins: ["*"] }, sleep });
  const others: ServedEmulator[] = [];
  const { origin, close } = await serveEmulator({
    async fetch(input, init) {
      const { pathname } = new URL(String(input));
      if (!OWN_PATHS.includes(pathname)) {
        return await gcs.fetch(input, paced(init, bytesPerSecond, sleep));
      }
      const request = new Request(input, init);
      const isStart = pathname === "/servers" && request.method === "POST";
      return withCors(isStart ? await another(request) : await answer(gcs, pathname, request));
    },
  }, { keepAlive: true });
  const another = async (request: Request) => {
    const other = await startOrigin(await request.json());
    others.push(other);
    return new Response(other.origin);
  };
  return {
    origin,
    async close() {
      stop.abort();
      await Promise.all(others.map((other) => other.close()));
      await close();
    },
  };
}

/** The same request, of which no more than that is read in a second. */
function paced(
  init: RequestInit | undefined,
  bytesPerSecond: number,
  sleep: (milliseconds: number) => Promise<void>,
): RequestInit | undefined {
  if (bytesPerSecond === Infinity || !(init?.body instanceof ReadableStream)) return init;
  const reader = (init.body as ReadableStream<Uint8Array>).getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = await reader.read();
      if (piece.done) return controller.close();
      controller.enqueue(piece.value);
      await sleep(1000 * piece.value.length / bytesPerSecond);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { ...init, body };
}

/** Waits, but not beyond the end of the server. */
function delay(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(stopped.reason);
    };
    const timer = setTimeout(() => {
      stopped.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    stopped.addEventListener("abort", onAbort, { once: true });
  });
}

async function answer(gcs: GcsEmulator, path: string, request: Request): Promise<Response> {
  const body = await request.bytes();
  if (request.method === "OPTIONS") return new Response(null, { status: 204 });
  const range = request.headers.get("content-range");
  switch (path) {
    case "/echo": {
      const headers = {
        "x-received-length": String(body.length),
        "x-received-content-range": range ?? "",
      };
      return new Response(body, { headers });
    }
    case "/308": {
      const stored = range?.match(/\d+-\d+/)?.[0];
      const headers = new Headers(stored ? { range: `bytes=${stored}` } : {});
      return new Response(null, { status: 308, headers });
    }
    case "/hang":
      return await new Promise((_resolve, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason));
      });
    case "/inject":
      gcs.inject(...JSON.parse(new TextDecoder().decode(body), (_, value) => {
        return value === "Infinity" ? Infinity : value;
      }));
      return new Response(null, { status: 204 });
    default:
      return Response.json(gcs.requests);
  }
}

/** Lets pages of every origin send any request and read any answer. */
function withCors(response: Response): Response {
  response.headers.set("access-control-allow-origin", "*");
  response.headers.set("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
  response.headers.set("access-control-allow-headers", "*, authorization");
  const names = [...response.headers.keys()].filter((name) => !name.startsWith("access-control-"));
  response.headers.set("access-control-expose-headers", names.join(", "));
  return response;
}
