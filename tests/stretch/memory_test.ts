// Long requests hold pieces in memory, never the whole.

import { assert } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { NAMES, program } from "./run.ts";

const MIB = 1_048_576;
const SIZE = 320 * MIB;

/**
 * How much more memory than for one byte an upload may take, in bytes: a few pieces, the buffers of the system, and what a
 * runtime lets lie before it collects. It is far below the size, and below what one stretch of 64 MiB held twice would take.
 */
const BOUND = 128 * MIB;

Deno.test("320 MiB of { size, read } are never in memory, in a session or in one request", async (t) => {
  await using memory = await program("memory");
  const server = await serveEmulator(new GcsEmulator({ store: "discard", md5: false }));
  try {
    for (const runtime of NAMES) {
      const peakOf = async (way: string, size: number) =>
        (await memory.run<{ peak: number }>(runtime, server.origin, way, String(size))).peak;
      const baseline = await peakOf("session", 1);
      for (const way of ["session", "media", "multipart"]) {
        await t.step(`${runtime}, ${way}`, async () => {
          const beyond = await peakOf(way, SIZE) - baseline;
          const shown = `${Math.round(beyond / MIB)} MiB beyond ${Math.round(baseline / MIB)} MiB`;
          assert(beyond < BOUND, shown);
        });
      }
    }
  } finally {
    await server.close();
  }
});
