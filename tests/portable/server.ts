import { type ServedEmulator, serveEmulator } from "../../examples/emulator/node.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";

const OWN_PATHS = ["/echo", "/308", "/hang", "/inject", "/requests"];

/**
 * Starts the server that a runtime talks to, on a free port of 127.0.0.1.
 *
 * - `/echo` answers with the body it got, and with what it saw in `x-received-length` and
 *   `x-received-content-range`;
 * - `/308` answers as a session that has stored the range it was sent: 308 without `Location`;
 * - `/hang` never answers, as long as the client waits;
 * - `/inject` takes faults, as JSON, that the requests to come will meet; a broken connection is a real one;
 * - `/requests` answers with the emulator's log, as JSON: the requests as they came off the wire;
 * - everything else is an emulated Google Cloud Storage, in which every bucket exists.
 */
export async function startOrigin(): Promise<ServedEmulator> {
  const stop = new AbortController();
  const gcs = new GcsEmulator({
    cors: { origins: ["*"] },
    sleep: (milliseconds) => delay(milliseconds, stop.signal),
  });
  const { origin, close } = await serveEmulator({
    async fetch(input, init) {
      const { pathname } = new URL(String(input));
      if (!OWN_PATHS.includes(pathname)) return await gcs.fetch(input, init);
      return withCors(await answer(gcs, pathname, new Request(input, init)));
    },
  }, { keepAlive: true });
  return {
    origin,
    close() {
      stop.abort();
      return close();
    },
  };
}

/** Waits, but not beyond the end of the server. */
function delay(milliseconds: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    stopped.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(stopped.reason);
    });
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
      const headers = stored ? { range: `bytes=${stored}` } : undefined;
      return new Response(null, { status: 308, headers });
    }
    case "/hang":
      return await new Promise((_resolve, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason));
      });
    case "/inject":
      gcs.inject(...JSON.parse(new TextDecoder().decode(body)));
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
