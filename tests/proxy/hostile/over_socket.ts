// Requests that no client library would send, over a socket.

import type { UploadProxy as WholeProxy } from "../../../src/worker.ts";

/** What answers requests. */
type UploadProxy = Pick<WholeProxy, "fetch">;

/** Serves the proxy, sends the bytes as they are, and gives the reply. The text must ask for `Connection: close`. */
export async function overSocket(proxy: UploadProxy, text: string): Promise<Response> {
  return await withServer(proxy, async (port) => {
    using socket = await Deno.connect({ port, hostname: "127.0.0.1" });
    await socket.write(new TextEncoder().encode(text));
    return replyOf(await new Response(socket.readable).text());
  });
}

/** Sends the beginning of a request and goes away once the proxy reads; gives the reply that nobody gets. */
export async function goAway(proxy: UploadProxy, text: string): Promise<Response> {
  const reading = Promise.withResolvers<void>();
  const over = Promise.withResolvers<Response>();
  const slow: UploadProxy = {
    async fetch(request) {
      reading.resolve();
      const response = await proxy.fetch(request);
      over.resolve(response.clone());
      return response;
    },
  };
  return await withServer(slow, async (port) => {
    using socket = await Deno.connect({ port, hostname: "127.0.0.1" });
    await socket.write(new TextEncoder().encode(text));
    await reading.promise;
    socket.close();
    return await over.promise;
  });
}

async function withServer<T>(proxy: UploadProxy, use: (port: number) => Promise<T>): Promise<T> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, proxy.fetch);
  try {
    return await use(server.addr.port);
  } finally {
    await server.shutdown();
  }
}

function replyOf(text: string): Response {
  const [head, body] = text.split("\r\n\r\n", 2);
  const [first, ...lines] = head.split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1)];
  }).filter(([name]) => !["connection", "date"].includes(name.toLowerCase()));
  return new Response(body, { status: Number(first.split(" ")[1]), headers });
}
