/** What the command line has of the world, so that a test can hand in another one. */

import runtime from "node:process";
import type { Transport } from "../net/transport.ts";

/** Where text goes. */
export interface Output {
  /** Whether somebody is looking: a terminal. */
  readonly isTTY: boolean;
  /** The width of the terminal now; 80 where nobody knows. */
  readonly columns: number;
  /** Its height. */
  readonly rows: number;
  /** Writes. Nobody who reads any more (`EPIPE`) is no failure: the rest is dropped. */
  write(text: string): void;
}

/** The signals that ask the program to stop. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Input, output, variables and signals of a run of {@linkcode main}. */
export interface Io {
  /** What comes in; it is asked for once. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** Lets go of what comes in, when nobody wants the rest: who waits for it would keep the program from ending. */
  readonly closeStdin?: (() => void) | undefined;
  /** Results. */
  readonly stdout: Output;
  /** Progress, and what goes wrong. */
  readonly stderr: Output;
  /** The variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths begin at. */
  readonly cwd: string;
  /** Calls back for each signal; returns the function that stops listening. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => () => void;
  /** Ends the program at once. */
  readonly exit: (code: number) => void;
  /** Sends requests, before credentials are added. */
  readonly fetch: Transport;
}

const SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Those of the process, in Node, Deno and Bun. */
export function processIo(): Io {
  let isRead = false;
  return {
    stdin() {
      isRead = true;
      return runtime.stdin as AsyncIterable<Uint8Array>;
    },
    closeStdin: () => isRead && closeStandardInput(),
    stdout: outputOf(runtime.stdout),
    stderr: outputOf(runtime.stderr),
    env: runtime.env,
    cwd: runtime.cwd(),
    onSignal(listener) {
      const listeners = SIGNALS.filter(isSignal).map((signal) => {
        const heard = () => listener(signal);
        runtime.on(signal, heard);
        return () => void runtime.removeListener(signal, heard);
      });
      return () => listeners.forEach((stop) => stop());
    },
    exit: (code) => runtime.exit(code),
    fetch: (input, init) => globalThis.fetch(input, init),
  };
}

/** Ends the reading of standard input, also one that waits in the system. */
function closeStandardInput(): void {
  runtime.stdin.on("error", () => {}); // of a reading that was stopped
  runtime.stdin.destroy();
  const { Deno: deno } = globalThis as { Deno?: { readonly stdin: { close(): void } } };
  try {
    deno?.stdin.close(); // there a stream that is destroyed goes on waiting
  } catch { /* it has ended */ }
}

/** Windows has no SIGHUP and no SIGTERM that could be heard everywhere. */
function isSignal(signal: StopSignal): boolean {
  return runtime.platform !== "win32" || signal === "SIGINT";
}

/** As much of a stream of Node's as is needed. */
interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

function outputOf(stream: Stream): Output {
  let isGone = false;
  let isHeard = false;
  return {
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
    write(text) {
      if (isGone) return;
      if (!isHeard) stream.on("error", () => isGone = true);
      isHeard = true;
      try {
        stream.write(text);
      } catch {
        isGone = true;
      }
    },
  };
}
