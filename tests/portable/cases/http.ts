// What the library relies on in the `fetch` of each runtime.

import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";

/** What the library relies on in every runtime's own fetch. */
export const http: PortableCase[] = [
  {
    name: "a body of bytes arrives unchanged, with its length",
    async run({ origin }) {
      const body = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
      const response = await fetch(`${origin}/echo`, { method: "PUT", body });
      assertEquals(response.headers.get("x-received-length"), "300000");
      const echo = new Uint8Array(await response.arrayBuffer());
      assert(
        echo.length === body.length && echo.every((byte, i) => byte === body[i]),
        "other bytes came back",
      );
    },
  },
  {
    name: "a Content-Range header reaches the server",
    async run({ origin }) {
      const headers = { "content-range": "bytes */*" };
      const response = await fetch(`${origin}/echo`, { method: "PUT", headers });
      assertEquals(response.headers.get("x-received-content-range"), "bytes */*");
      await response.body?.cancel();
    },
  },
  {
    name: "a 308 without Location is an answer, with a readable Range",
    async run({ origin }) {
      const response = await fetch(`${origin}/308`, {
        method: "PUT",
        headers: { "content-range": "bytes 0-4/*" },
        body: "12345",
      });
      assertEquals([response.status, response.ok, response.redirected], [308, false, false]);
      assertEquals(response.headers.get("range"), "bytes=0-4");
      assertEquals(await response.text(), "");
    },
  },
  {
    name: "aborting a request rejects it with the reason of the signal",
    async run({ origin }) {
      const abort = new AbortController();
      const pending = fetch(`${origin}/hang`, { signal: abort.signal });
      setTimeout(() => abort.abort(new RangeError("enough")), 20);
      assertEquals((await assertRejects(pending, RangeError)).message, "enough");
    },
  },
];
