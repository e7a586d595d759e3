// A piece of network between client and server, that breaks where it is told to.

/** A wire. */
export interface Wire extends AsyncDisposable {
  /** Where clients connect to. */
  readonly origin: string;
  /** How many connections there were so far. */
  readonly connections: number;
  /** How many times it broke so far. */
  readonly breaks: number;
  /** Breaks after so many more bytes from clients; then again after as many as the next number says, and so on. */
  breakAfter(...bytes: number[]): void;
  /** Lets the next bytes from a client through, and breaks instead of handing on the reply. */
  loseReply(): void;
}

/** Connects to a server; what it is asked for names its own origin, so that all requests go over the wire. */
export function wire(target: string): Wire {
  const { hostname, port } = new URL(target);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let breakpoints: number[] = [];
  let losing = false;
  let connections = 0;
  let breaks = 0;

  const close = (...ends: Deno.Conn[]) => {
    for (const end of ends) {
      if (open.delete(end)) end.close();
    }
  };
  /** Hands on what comes; `check` says how much of it may pass before the connection breaks, if it does. */
  const pump = async (from: Deno.Conn, to: Deno.Conn, check: (length: number) => number | null) => {
    const buffer = new Uint8Array(65_536);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        const passes = check(count);
        const piece = buffer.subarray(0, passes ?? count);
        for (let at = 0; at < piece.length;) at += await to.write(piece.subarray(at));
        if (passes === null) continue;
        breaks++;
        break;
      }
    } catch {
      // one of the ends is gone
    }
    close(from, to);
  };
  const sent = (length: number) => {
    if (breakpoints.length === 0) return null;
    if (breakpoints[0] > length) {
      breakpoints[0] -= length;
      return null;
    }
    return breakpoints.shift()!;
  };
  const answered = () => {
    if (!losing) return null;
    losing = false;
    return 0;
  };
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    try {
      const server = await Deno.connect({ hostname, port: Number(port) });
      open.add(server);
      await Promise.all([pump(client, server, sent), pump(server, client, answered)]);
    } catch {
      close(client); // nobody listens there
    }
  };
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) {
      connections++;
      served.push(serve(client));
    }
  })();

  return {
    origin: `http://127.0.0.1:${listener.addr.port}`,
    get connections() {
      return connections;
    },
    get breaks() {
      return breaks;
    },
    breakAfter: (...bytes) => void (breakpoints = bytes),
    loseReply: () => void (losing = true),
    async [Symbol.asyncDispose]() {
      listener.close();
      close(...open);
      await accepting;
      await Promise.all(served);
    },
  };
}
