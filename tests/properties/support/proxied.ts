// What stands between clients and an emulated Google in the properties of the proxy: instances of it, as servers run them.

import type { Transport } from "../../../mod.ts";

/** Hands requests to the proxy as a server does; `announced` is whether bodies come with a `Content-Length`. */
export function asServer(
  proxy: { fetch(request: Request): Promise<Response> },
  announced: boolean,
): Transport {
  return (url, init) => {
    const headers = new Headers(init.headers);
    if (!announced) headers.delete("content-length");
    else if (init.body instanceof Uint8Array) headers.set("content-length", `${init.body.length}`);
    return proxy.fetch(new Request(url, { ...init, headers }));
  };
}

/** A request whose body is a stream can be read once only: it is read here, so that it can be sent twice. */
export function whole(to: Transport): Transport {
  return async (url, init) => {
    if (!(init.body instanceof ReadableStream)) return await to(url, init);
    // A body that broke off does not end: the request is ended by its signal.
    const ended = new Promise<undefined>((resolve) =>
      init.signal?.addEventListener("abort", () => resolve(undefined))
    );
    const read = new Response(init.body).arrayBuffer().catch(() => undefined);
    const body = await Promise.race([read, ended]);
    if (!body) throw new TypeError("fetch failed: the body of the request failed");
    const headers = new Headers(init.headers);
    headers.delete("content-length");
    return await to(url, { ...init, headers, body: new Uint8Array(body) });
  };
}
