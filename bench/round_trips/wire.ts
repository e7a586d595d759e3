/**
 * A wire between clients and a server, which counts what passes and can break.
 *
 * @module
 */

import { pieces, type Relay, relay, writeAll } from "../../tests/support/relay.ts";

/** A wire. */
export interface Wire extends Relay {
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

/** Bytes that are handed on at once. */
const PIECE = 262_144;

const HEAD_END = "\r\n\r\n";

/**
 * Connects to a server. What lies behind the limit is never read from the client, so it does not count as sent; the
 * server has to break the connection then, and the wire breaks it towards the client.
 */
export function openWire(target: string, limit?: Limit): Wire {
  let pending = limit;
  let [requests, sent, received] = [0, 0, 0];

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
    for await (const piece of pieces(client, PIECE)) {
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
      if (passed >= allowed) break;
    }
    // Of a body in chunks less has arrived than has passed: the server has to see that no more comes.
    await server.closeWrite();
  };

  const pumpReply = async (server: Deno.Conn, client: Deno.Conn) => {
    for await (const piece of pieces(server, PIECE)) {
      received += piece.length;
      await writeAll(client, piece);
    }
  };

  const { origin, [Symbol.asyncDispose]: dispose } = relay(
    target,
    async (client, server, close) => {
      const request = pumpRequests(client, server).catch(() => {}); // one of the ends is gone
      await pumpReply(server, client).catch(() => {});
      close(server, client);
      await request;
    },
  );

  return {
    origin,
    get requests() {
      return requests;
    },
    get sent() {
      return sent;
    },
    get received() {
      return received;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** How many bytes follow a head: without a length, all that come. */
function bodyLength(head: string): number {
  if (/^transfer-encoding:/im.test(head)) return Infinity;
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}
