// Google, emulated behind a real socket, and what of the worker's requests can be seen there.

import { serveEmulator } from "../../../src/emulator/serve.ts";
import { GcsEmulator, type GcsEmulatorOptions } from "../../../src/emulator/mod.ts";

/** A request as it came off the wire. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  /** All of its headers. */
  readonly headers: Headers;
  /** How many bytes of its body have come so far. */
  readonly bytes: number;
  /** What became of it; `undefined` until then. */
  readonly end: number | "broken" | undefined;
}

/** An emulator on a socket. */
export interface Upstream extends AsyncDisposable {
  readonly origin: string;
  readonly gcs: GcsEmulator;
  /** The requests in the order of their coming. */
  readonly requests: readonly SeenRequest[];
  /** What nobody but the worker and Google may know: session URLs, tokens. */
  readonly secrets: ReadonlySet<string>;
  /** What is waited for before the next piece of a body is read. */
  pace: () => Promise<void>;
  /**
   * Resolves as soon as the condition holds; it is looked at whenever something happens here. Rejects when the emulator
   * ends before.
   */
  until(condition: () => boolean): Promise<void>;
}

/** Starts an emulator. */
export async function startUpstream(options?: GcsEmulatorOptions): Promise<Upstream> {
  const gcs = new GcsEmulator(options);
  const requests: { -readonly [Key in keyof SeenRequest]: SeenRequest[Key] }[] = [];
  const secrets = new Set<string>();
  const waiting = new Map<() => void, (error: Error) => void>();
  const happened = () => waiting.forEach((_reject, look) => look());
  const { origin, close } = await serveEmulator({
    async fetch(input, init) {
      const headers = new Headers(init!.headers);
      const url = new URL(String(input));
      const seen: typeof requests[number] = {
        method: init!.method!,
        url,
        headers,
        bytes: 0,
        end: undefined,
      };
      requests.push(seen);
      const token = headers.get("authorization")?.replace(/^Bearer /, "");
      if (token) secrets.add(token);
      happened();
      const counter = new TransformStream<Uint8Array, Uint8Array>({
        async transform(piece, controller) {
          seen.bytes += piece.length;
          happened();
          await upstream.pace();
          controller.enqueue(piece);
        },
      });
      const body = (init!.body as ReadableStream<Uint8Array> | undefined)?.pipeThrough(counter);
      try {
        const reply = await gcs.fetch(input, { ...init, ...(body && { body }) });
        const location = reply.headers.get("location");
        const id = location && new URL(location).searchParams.get("upload_id");
        if (id) secrets.add(id);
        seen.end = reply.status;
        return reply;
      } catch (error) {
        seen.end = "broken";
        throw error;
      } finally {
        happened();
      }
    },
  }, { keepAlive: true });
  const upstream: Upstream = {
    origin,
    gcs,
    requests,
    secrets,
    pace: () => Promise.resolve(),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.set(look, reject);
        look();
      }),
    async [Symbol.asyncDispose]() {
      waiting.forEach((reject) => reject(new Error("What was waited for did not happen")));
      await close();
    },
  };
  return upstream;
}
