// What is left of a long request that succeeded, failed or was stopped: nothing.

import { assert, assertEquals } from "@std/assert";
import { startOrigin } from "../portable/server.ts";
import { NAMES, program } from "./run.ts";

/** What the program reports. */
interface Left {
  readonly opened: number;
  readonly closed: number;
  readonly files: number;
  readonly before: number;
  readonly after: number;
}

/** Connections that a runtime may keep for the next request, and that it drops later. */
const KEPT = 8;

Deno.test("long requests leave no file, no socket and no timer behind, however they end", async (t) => {
  await using uploads = await program("uploads");
  for (const runtime of NAMES) {
    await t.step(runtime, async () => {
      const { origin, close } = await startOrigin();
      try {
        const left = await uploads.run<Left>(runtime, origin);
        assertEquals(left.closed, left.opened, "sources that were closed");
        assertEquals(left.files, 0, "descriptors of the file");
        const more = left.after - left.before;
        assert(more <= KEPT, `${more} sockets more than before ${left.opened} uploads`);
      } finally {
        await close();
      }
    });
  }
});
