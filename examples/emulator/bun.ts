/**
 * Serves the emulator in Bun.
 *
 * ```sh
 * bun examples/emulator/bun.ts
 * ```
 *
 * An injected fault that breaks the connection becomes a 500 here, as `Bun.serve` cannot reset a
 * connection; `node.ts` in this folder can, and runs in Bun too.
 *
 * @module
 */

import process from "node:process";
import { GcsEmulator } from "@resumable-media/upload/emulator";

interface BunServer {
  readonly url: URL;
}

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    maxRequestBodySize: number;
    fetch(request: Request): Promise<Response>;
  }): BunServer;
};

const emulator = new GcsEmulator();

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 8085),
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  fetch: (request) => emulator.fetch(request),
});

console.log(`Google Cloud Storage, emulated: ${server.url.origin}`);
