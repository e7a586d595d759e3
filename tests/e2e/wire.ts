// A piece of network between client and server, that breaks where it is told to.

import { pieces, type Relay, relay, writeAll } from "../support/relay.ts";

/** A wire. */
export interface Wire extends Relay {
  /** How many connections to the server there were so far. */
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
  let breakpoints: number[] = [];
  let losing = false;
  let connections = 0;
  let breaks = 0;

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
  const { origin, [Symbol.asyncDispose]: dispose } = relay(target, (client, server, close) => {
    connections++;
    /** Hands on what comes; `check` says how much of it may pass before the connection breaks, if it does. */
    const pump = async (
      from: Deno.Conn,
      to: Deno.Conn,
      check: (length: number) => number | null,
    ) => {
      try {
        for await (const piece of pieces(from)) {
          const passes = check(piece.length);
          await writeAll(to, piece.subarray(0, passes ?? piece.length));
          if (passes === null) continue;
          breaks++;
          break;
        }
      } catch {
        // one of the ends is gone
      }
      close(from, to);
    };
    return Promise.all([pump(client, server, sent), pump(server, client, answered)]);
  });

  return {
    origin,
    get connections() {
      return connections;
    },
    get breaks() {
      return breaks;
    },
    breakAfter: (...bytes) => void (breakpoints = bytes),
    loseReply: () => void (losing = true),
    [Symbol.asyncDispose]: dispose,
  };
}
