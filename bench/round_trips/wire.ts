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
    let head = "", bodyLeft: BodyReader | undefined;
    let [passed, allowed] = [0, Infinity];
    for await (const piece of pieces(client, PIECE)) {
      for (let at = 0; at < piece.length;) {
        if (bodyLeft) {
          at += bodyLeft.take(piece.subarray(at));
          if (bodyLeft.isOver) bodyLeft = undefined;
          continue;
        }
        const before = head.length;
        head += latin1.decode(piece.subarray(at));
        const headEnd = head.indexOf(HEAD_END);
        if (headEnd < 0) break;
        at += headEnd + HEAD_END.length - before;
        allowed = passed + at + breakIn(head);
        bodyLeft = bodyOf(head.slice(0, headEnd));
        if (bodyLeft.isOver) bodyLeft = undefined;
        head = "";
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

/** Finds where the body of a request ends. */
interface BodyReader {
  /** How many of these bytes belong to the body. */
  take(bytes: Uint8Array): number;
  readonly isOver: boolean;
}

/** The body that follows a head. */
function bodyOf(head: string): BodyReader {
  return /^transfer-encoding: *chunked/im.test(head)
    ? new ChunkedBody()
    : new SizedBody(Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0));
}

/** A body of known length. */
class SizedBody implements BodyReader {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  take({ length }: Uint8Array): number {
    const taken = Math.min(length, this.#left);
    this.#left -= taken;
    return taken;
  }
}

/** A body in chunks, without trailers, which no client here sends. */
class ChunkedBody implements BodyReader {
  isOver = false;
  #line = "";
  #left = 0; // bytes of the chunk with the end of its line
  #isLast = false;

  take(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && !this.isOver) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at);
        this.#left -= taken;
        at += taken;
        this.isOver = this.#isLast && this.#left === 0;
        continue;
      }
      this.#line += String.fromCharCode(bytes[at++]);
      if (!this.#line.endsWith("\r\n")) continue;
      const size = parseInt(this.#line, 16);
      this.#isLast = size === 0;
      this.#left = size + 2;
      this.#line = "";
    }
    return at;
  }
}
