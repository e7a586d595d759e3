// The emulator on a socket: a reply does not wait for a body that nobody reads.

import { serveEmulator } from "../../../src/emulator/serve.ts";
import { assertEquals } from "../../portable/assert.ts";
import { settled } from "../../portable/cases/sources_support.ts";
import type { NodeCase } from "../suite.ts";

export const servedEmulator: NodeCase[] = [2, 1_000_000].map((size) => ({
  name: `a reply that was made without reading the ${size} bytes of its request comes to an end`,
  async run() {
    const refuse = () => Promise.resolve(new Response("no", { status: 403 }));
    const server = await serveEmulator({ fetch: refuse }, { keepAlive: true });
    try {
      const init = { method: "POST", body: new Uint8Array(size) };
      const reply = await settled(fetch(server.origin, init), "the head");
      assertEquals([reply.status, await settled(reply.text(), "the body")], [403, "no"]);
    } finally {
      await server.close();
    }
  },
}));
