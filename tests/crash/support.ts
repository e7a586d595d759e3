// What the crash tests share: chance that can be repeated, programs that are killed, and a file to upload.

import { type ServedEmulator, serveEmulator } from "../../src/emulator/serve.ts";
import { seeded } from "../../src/emulator/faults/fault_plan.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";

/** The root of the repository. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** How many kills there are in all; `CRASHES` says otherwise. */
export const CRASHES: number = Math.max(1, Number(Deno.env.get("CRASHES") ?? 10));

/** The bytes of a request; what the example program sends. */
export const CHUNK: number = 1024 * 1024;

/** Numbers from 0 to 1; the seed is `PROPERTY_SEED` or a new one, and is printed. */
export function chance(about: string): () => number {
  const seed = Number(Deno.env.get("PROPERTY_SEED") ?? Math.floor(Math.random() * 1e9));
  console.log(`${about}: PROPERTY_SEED=${seed}`);
  return seeded(seed);
}

/** Bytes of chance. */
export function randomBytes(length: number, random: () => number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = Math.floor(random() * 4_294_967_295) | 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** A Google on a socket, slow enough to be killed in the middle of something. */
export interface SlowGoogle extends ServedEmulator, AsyncDisposable {
  readonly gcs: GcsEmulator;
  /** The bytes of all bodies that have arrived so far. */
  received(): number;
}

/** Starts it; it takes a millisecond for each piece of a body, which is 64 KiB or less. */
export async function slowGoogle(): Promise<SlowGoogle> {
  const gcs = new GcsEmulator({ md5: false });
  const served = await serveEmulator({
    fetch: (input, init) => gcs.fetch(input, { ...init, body: slowed(init?.body) }),
  });
  return {
    ...served,
    gcs,
    received: () => gcs.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
    [Symbol.asyncDispose]: () => served.close(),
  };
}

function slowed(body: BodyInit | null | undefined): BodyInit | null {
  if (!(body instanceof ReadableStream)) return body ?? null;
  return body.pipeThrough(
    new TransformStream({
      async transform(piece, controller) {
        await wait(1);
        controller.enqueue(piece);
      },
    }),
  );
}

/** A program that runs. */
export interface Program extends AsyncDisposable {
  /** How it ended, and what it wrote. */
  readonly ended: Promise<{ code: number; signal: string | null; output: string }>;
  /** Whether it has ended. */
  over(): boolean;
  /** Ends it as a power cut does; false if it has ended already. */
  kill(): boolean;
}

/** Starts Deno with these arguments; it is killed when disposed of, and after a minute. */
export function start(args: string[], env: Record<string, string> = {}): Program {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let over = false;
  const kill = () => {
    if (over) return false;
    try {
      child.kill("SIGKILL");
      return true;
    } catch {
      return false; // it has just ended
    }
  };
  const limit = setTimeout(kill, 300_000);
  const ended = child.output().then(({ code, signal, stdout, stderr }) => {
    over = true;
    clearTimeout(limit);
    const decoder = new TextDecoder();
    return { code, signal, output: decoder.decode(stdout) + decoder.decode(stderr) };
  });
  return {
    ended,
    over: () => over,
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
    },
  };
}

/** Waits for milliseconds. */
export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
