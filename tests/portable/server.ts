import { GcsEmulator } from "../../src/emulator/mod.ts";

const OWN_PATHS = ["/echo", "/308", "/hang", "/inject"];

/** The loopback server that a runtime talks to. */
export interface Origin {
  /** Where it listens, without a slash at the end. */
  origin: string;
  /** Stops it and ends its connections. */
  close(): Promise<void>;
}

/**
 * Starts the server on a free port of 127.0.0.1.
 *
 * - `/echo` answers with the body it got, and with what it saw in `x-received-length` and
 *   `x-received-content-range`;
 * - `/308` answers as a session that has stored the range it was sent: 308 without `Location`;
 * - `/hang` never answers, as long as the server lives;
 * - `/inject` takes faults, as JSON, that the requests to come will meet;
 * - everything else is an emulated Google Cloud Storage, in which every bucket exists.
 */
export function startOrigin(): Origin {
  const stop = new AbortController();
  const gcs = new GcsEmulator({ cors: { origins: ["*"] } });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen() {} },
    async (request) => {
      const { url, method, headers, body } = request;
      const { pathname } = new URL(url);
      if (!OWN_PATHS.includes(pathname)) {
        return await gcs.fetch(url, { method, headers, body, duplex: "half" } as RequestInit);
      }
      if (method === "OPTIONS") return withCors(new Response(null, { status: 204 }));
      if (pathname === "/inject") gcs.inject(...await request.json());
      return withCors(await answer(request, pathname, stop.signal));
    },
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    async close() {
      stop.abort();
      await server.finished;
    },
  };
}

async function answer(request: Request, path: string, stopped: AbortSignal): Promise<Response> {
  const range = request.headers.get("content-range");
  switch (path) {
    case "/echo": {
      const body = await request.bytes();
      const headers = {
        "x-received-length": String(body.length),
        "x-received-content-range": range ?? "",
      };
      return new Response(body, { headers });
    }
    case "/308": {
      await request.body?.cancel();
      const stored = range?.match(/\d+-\d+/)?.[0];
      const headers = stored ? { range: `bytes=${stored}` } : undefined;
      return new Response(null, { status: 308, headers });
    }
    case "/hang":
      return await new Promise((resolve) => {
        stopped.addEventListener("abort", () => resolve(new Response(null, { status: 503 })));
      });
    default:
      return new Response(null, { status: 204 });
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
