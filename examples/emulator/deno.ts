/**
 * Serves the emulator in Deno.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-env=PORT examples/emulator/deno.ts
 * ```
 *
 * An injected fault that breaks the connection becomes a 500 here, as `Deno.serve` cannot reset a
 * connection; `node.ts` in this folder can, and runs in Deno too.
 *
 * @module
 */

import { GcsEmulator } from "@resumable-media/upload/emulator";

const emulator = new GcsEmulator();

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT") ?? 8085),
  onListen: ({ hostname, port }) =>
    console.log(`Google Cloud Storage, emulated: http://${hostname}:${port}`),
}, (request) => emulator.fetch(request, { signal: null })); // Deno aborts it after each reply
