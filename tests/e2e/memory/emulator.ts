/**
 * Serves an emulator that keeps nothing, in a process of its own. Prints its origin; when its input ends, the peak of its
 * memory (RSS, in bytes).
 *
 * @module
 */

import process from "node:process";
import { serveEmulator } from "../../../src/emulator/serve.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";

const server = await serveEmulator(new GcsEmulator({ store: "discard", md5: false }));
console.log(server.origin);
await Deno.stdin.readable.pipeTo(new WritableStream());
await server.close();
console.log(process.resourceUsage().maxRSS * 1024);
