// The least that can stand between a client and Google: what the proxy is measured against.

export default {
  fetch(request, bindings) {
    const upstream = globalThis.Deno?.env.get("UPSTREAM") ?? globalThis.process?.env?.UPSTREAM ??
      bindings.UPSTREAM;
    const { pathname, search } = new URL(request.url);
    const { method, headers, body } = request;
    return fetch(upstream + pathname + search, {
      method,
      headers,
      body,
      duplex: "half",
      redirect: "manual",
    });
  },
  hostname: "127.0.0.1", // these two are for Bun
  port: 0,
};
