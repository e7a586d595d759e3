// A stretch of network between clients and a server, that whoever made it can look into and break.

/** What hands on the bytes of one connection. */
export type HandOn = (
  client: Deno.Conn,
  server: Deno.Conn,
  close: (...ends: Deno.Conn[]) => void,
) => Promise<unknown>;

/** A relay. */
export interface Relay extends AsyncDisposable {
  /** Where clients connect to. */
  readonly origin: string;
}

/** Connects each client to the server, and lets `handOn` do the rest; both are closed when it is done. */
export function relay(target: string, handOn: HandOn): Relay {
  const { hostname, port } = new URL(target);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const close = (...ends: Deno.Conn[]) => {
    for (const end of ends) {
      if (open.delete(end)) end.close();
    }
  };
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    let server: Deno.Conn | undefined;
    try {
      server = await Deno.connect({ hostname, port: Number(port) });
      open.add(server);
      await handOn(client, server, close);
    } catch {
      // nobody listens there
    } finally {
      close(client, ...(server ? [server] : []));
    }
  };
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) served.push(serve(client));
  })();
  return {
    origin: `http://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      close(...open);
      await accepting;
      await Promise.all(served);
    },
  };
}

/** What comes, to its end; a piece is valid until the next one is asked for. */
export async function* pieces(
  from: Deno.Conn,
  size = 65_536,
): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(size);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    yield buffer.subarray(0, count);
  }
}

/** Writes all of it. */
export async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
