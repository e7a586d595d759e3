// A server that takes bytes slowly, over a connection: the request takes longer than the stall timeout, and moves.

import { assertEquals } from "@std/assert";
import { startOrigin } from "../portable/server.ts";
import { NAMES, program } from "./run.ts";

const MIB = 1_048_576;

Deno.test("a slow server is waited for as long as bytes are taken, beyond the stall timeout", async (t) => {
  await using slow = await program("slow");
  await Promise.all(NAMES.map((runtime) =>
    t.step({
      name: runtime,
      sanitizeOps: false,
      sanitizeResources: false,
      sanitizeExit: false,
      async fn() {
        const { origin, close } = await startOrigin({ bytesPerSecond: 4 * MIB });
        try {
          // 24 MiB take six seconds. What is in the buffers of the system at the end takes one or two.
          const { kinds, size } = await slow.run<{ kinds: string[]; size: number }>(
            runtime,
            origin,
            "4000",
          );
          const first = `bytes 0-${size - 2}/${size}`;
          assertEquals(kinds, ["start", first, `bytes ${size - 1}-${size - 1}/${size}`]);
        } finally {
          await close();
        }
      },
    })
  ));
});
