// In Deno, with its own look at what a test leaves behind: no timer, no operation, no resource.

import { assertEquals, assertRejects } from "@std/assert";
import type { Fault } from "../../src/emulator/mod.ts";
import { upload } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { injectAt, long, MIB, Recorder, send, sendTo } from "../portable/cases/stretch_support.ts";
import { assertStored } from "../portable/cases/upload_support.ts";
import { startOrigin } from "../portable/server.ts";

const SIZE = 9 * MIB + 7;
const sanitized = { sanitizeOps: true, sanitizeResources: true, sanitizeExit: true };

/** What goes wrong, within a process. */
const FAULTS: Readonly<Record<string, Fault[]>> = {
  "nothing goes wrong": [],
  "the connection breaks": [{ on: "chunk", cut: 3 * MIB }],
  "an early 503 comes": [{ on: "chunk", status: 503, afterBytes: 3 * MIB }],
  "no reply comes": [{ on: "chunk", hang: "after" }],
  "the server stops reading": [{ on: "chunk", stall: 2 * MIB, delay: Infinity }],
};

for (const [what, faults] of Object.entries(FAULTS)) {
  Deno.test({
    name: `a long request leaves nothing behind in Deno when ${what}`,
    ...sanitized,
    async fn() {
      const gcs = new GcsEmulator({ md5: false });
      if (faults.length > 0) gcs.inject(...faults);
      const recorder = new Recorder();
      const retry = { initialDelay: 1, stallTimeout: 200 };
      await send(gcs, recorder.source(long(SIZE)), { retry });
      assertStored(gcs, long(SIZE));
      assertEquals(recorder.closed, 1);
    },
  });

  Deno.test({
    name: `a long request over a connection leaves nothing behind in Deno when ${what}`,
    ...sanitized,
    async fn() {
      const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      const { origin, close } = await startOrigin();
      try {
        await injectAt(origin, ...faults);
        const recorder = new Recorder();
        await sendTo(origin, "object", recorder.source(long(SIZE)), {
          retry: { initialDelay: 1, stallTimeout: 300 },
          transport: (input, init) => fetch(input, { ...init, client } as RequestInit),
        });
        assertEquals(recorder.closed, 1);
      } finally {
        client.close();
        await close();
      }
    },
  });
}

Deno.test({
  name: "an abort in the middle of a long request leaves nothing behind in Deno",
  ...sanitized,
  async fn() {
    const gcs = new GcsEmulator();
    const abort = new AbortController();
    const recorder = new Recorder();
    const source = recorder.source(long(SIZE), {
      before: (offset) => offset > 4 * MIB ? abort.abort() : undefined,
    });
    const target = { bucket: "bucket", name: "object", transport: gcs.fetch };
    await assertRejects(() => upload(source, { ...target, signal: abort.signal }), DOMException);
    assertEquals(recorder.closed, 1);
  },
});
