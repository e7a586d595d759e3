/**
 * Serves the emulator with `node:http`, in Node, Deno or Bun. An injected fault that breaks the connection
 * breaks it here, other than in `Deno.serve` and `Bun.serve`.
 *
 * ```sh
 * PORT=8085 deno run --allow-net=127.0.0.1 --allow-env=PORT examples/emulator/node.ts
 * ```
 *
 * @module
 */

import process from "node:process";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";

const { origin } = await serveEmulator(new GcsEmulator(), {
  port: Number(process.env.PORT ?? 8085),
});
console.log(`Google Cloud Storage, emulated: ${origin}`);
