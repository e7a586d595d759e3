/**
 * A wire between clients and a server, which counts what passes and can break.
 *
 * @module
 */

/** A wire. */
export interface Wire extends AsyncDisposable {
  /** Where clients connect to. */
  readonly origin: string;
  /** The requests whose head has passed, by now. */
  readonly requests: number;
  /** Bytes that have passed from clients to the server. */
  readonly sent: number;
  /** Bytes that have passed from the server to clients. */
  readonly received: number;
}

/** Where a wire lets no more pass: after so many bytes of the body of the first request that is meant. */
export interface Limit {
  readonly bytes: number;
  /** Whether a request is meant, by its first line. */
  isMeant(firstLine: string): boolean;
  /** Called when the request is there, before the server gets any of it. */
  onRequest(): void;
}

const HEAD_END = "\r\n\r\n";

/**
 * Connects to a server. What lies behind the limit is never read from the client, so it does not count as sent; the
 * server has to break the connection then, and the wire breaks it towards the client.
 */
export function openWire(target: string, limit?: Limit): Wire {
  const { hostname, port } = new URL(target);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let pending = limit;
  let [requests, sent, received] = [0, 0, 0];

  const close = (...ends: Deno.Conn[]) => {
    for (const end of ends) {
      if (open.delete(end)) end.close();
    }
  };

  /** Where the connection breaks within the request whose head this is, counted from the start of its body. */
  const breakIn = (head: string): number => {
    requests++;
    if (!pending?.isMeant(head.slice(0, head.indexOf("\r\n")))) return Infinity;
    const { bytes, onRequest } = pending;
    pending = undefined;
    onRequest();
    return bytes;
  };

  const pumpRequests = async (client: Deno.Conn, server: Deno.Conn) => {
    const latin1 = new TextDecoder("latin1");
    let head = "";
    let [passed, requestEnd, allowed] = [0, 0, Infinity];
    for await (const piece of pieces(client)) {
      if (passed >= requestEnd) { // a client sends nothing more before it has its reply
        head += latin1.decode(piece);
        const headEnd = head.indexOf(HEAD_END);
        if (headEnd >= 0) {
          const ofBody = head.length - headEnd - HEAD_END.length;
          const bodyStart = passed + piece.length - ofBody;
          requestEnd = bodyStart + bodyLength(head);
          allowed = bodyStart + breakIn(head);
          head = "";
        }
      }
      const part = piece.subarray(0, allowed - passed);
      await writeAll(server, part);
      sent += part.length;
      passed += part.length;
      if (passed >= allowed) return;
    }
    await server.closeWrite();
  };

  const pumpReply = async (server: Deno.Conn, client: Deno.Conn) => {
    for await (const piece of pieces(server)) {
      received += piece.length;
      await writeAll(client, piece);
    }
  };

  const serve = async (client: Deno.Conn) => {
    const server = await Deno.connect({ hostname, port: Number(port) });
    open.add(client).add(server);
    const request = pumpRequests(client, server).catch(() => {}); // one of the ends is gone
    await pumpReply(server, client).catch(() => {});
    close(server, client);
    await request;
  };

  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) served.push(serve(client));
  })();

  return {
    origin: `http://127.0.0.1:${listener.addr.port}`,
    get requests() {
      return requests;
    },
    get sent() {
      return sent;
    },
    get received() {
      return received;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      close(...open);
      await accepting;
      await Promise.all(served);
    },
  };
}

/** How many bytes follow a head: without a length, all that come. */
function bodyLength(head: string): number {
  if (/^transfer-encoding:/im.test(head)) return Infinity;
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

/** What comes, to its end; a piece is valid until the next one is asked for. */
async function* pieces(from: Deno.Conn): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(262_144);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    yield buffer.subarray(0, count);
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
