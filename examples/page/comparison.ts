/** What each client needs for a file, counted where both arrive: in front of the proxy. */

import type { Client, Comparison, Run } from "./settings.ts";

/** Counts the requests of uploads. */
export interface Counter {
  /** The last file that each client has stored. */
  readonly comparison: Comparison;
  /** Hands a request on to the proxy, and notes what became of it. */
  count(request: Request, serve: (request: Request) => Promise<Response>): Promise<Response>;
}

/** An upload that is not finished. */
interface Running {
  readonly client: Client;
  readonly size: number;
  readonly start: number;
  requests: number;
  sent: number;
}

/** A counter of uploads, which it knows by the address of their session. */
export function createCounter(now: () => number = () => performance.now()): Counter {
  const running = new Map<string, Running>();
  const comparison: Comparison = {};
  return {
    comparison,
    async count(request, serve) {
      const { headers } = request;
      const start = now();
      const known = running.get(request.url);
      if (!known) {
        const response = await serve(request);
        const url = request.method === "POST" ? response.headers.get("location") : null;
        const size = headers.get("upload-length") ?? headers.get("x-upload-content-length");
        if (url !== null && size !== null) {
          const client = headers.has("tus-resumable") ? "uppy" : "own";
          running.set(url, { client, size: Number(size), start, requests: 1, sent: 0 });
        }
        return response;
      }
      known.requests++;
      const response = await serve(request.body ? counted(request, known) : request);
      if (isFinished(response, request, known)) {
        const { client, size, start, requests, sent } = known;
        const run: Run = { size, milliseconds: now() - start, requests, sent };
        comparison[client] = run;
        running.delete(request.url);
      } else if (request.method === "DELETE") running.delete(request.url);
      return response;
    },
  };
}

/** The same request; its bytes are counted as they pass. */
function counted(request: Request, running: Running): Request {
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      running.sent += piece.length;
      controller.enqueue(piece);
    },
  });
  const body = request.body!.pipeThrough(counting);
  return new Request(request, { body, duplex: "half" } as RequestInit);
}

/** Whether the file is stored now: a 200 to a `PUT` by Google's protocol, the full offset by tus. */
function isFinished({ status, headers }: Response, request: Request, { size }: Running): boolean {
  if (request.method === "PUT") return status === 200;
  return status < 300 && headers.get("upload-offset") === String(size);
}
