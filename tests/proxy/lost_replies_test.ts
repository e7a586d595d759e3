// Where only Google's reply to the last bytes was lost, the proxy finds out: one rule for the fronts whose clients cannot.

import { assertEquals } from "@std/assert";
import type { Transport } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { type Ask, ask, type Setup, setup, start, UPLOAD } from "./support.ts";

const BYTES = "all of the bytes";

/** A request with all bytes of an upload, by each of these fronts. */
const FRONTS: Readonly<Record<string, (here: Setup) => Promise<readonly [url: string, ask: Ask]>>> =
  {
    "the IETF's": () => {
      const headers = { "upload-draft-interop-version": "8", "upload-complete": "?1" };
      const body = new TextEncoder().encode(BYTES);
      return Promise.resolve([
        UPLOAD,
        { headers: { ...headers, "content-length": `${body.length}` }, body, grant: { name: "a" } },
      ]);
    },
    "X-Goog-Upload": async (here) => {
      const headers = { "x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0" };
      const body = new TextEncoder().encode(BYTES);
      return [
        await start(here),
        { headers: { ...headers, "content-length": `${body.length}` }, body },
      ];
    },
  };

/** What became of the last bytes, what Google says when it is asked, and whether the client hears of success. */
const LOSSES: readonly {
  readonly rule: string;
  readonly reply: () => Response;
  readonly size?: string;
  readonly expected: "success" | "no success";
}[] = [
  {
    rule: "a connection that breaks",
    reply: () => {
      throw new TypeError("connection reset");
    },
    expected: "success",
  },
  { rule: "a 503", reply: () => new Response(null, { status: 503 }), expected: "success" },
  { rule: "a 429", reply: () => new Response(null, { status: 429 }), expected: "success" },
  {
    rule: "a refusal",
    reply: () => new Response(null, { status: 403 }),
    expected: "no success",
  },
  {
    rule: "a 503, where the object is not what this request has made of it",
    reply: () => new Response(null, { status: 503 }),
    size: "17",
    expected: "no success",
  },
];

for (const [front, request] of Object.entries(FRONTS)) {
  for (const { rule, reply, size, expected } of LOSSES) {
    Deno.test(`by ${front}, after ${rule} in the place of the last reply there is ${expected}`, async () => {
      const gcs = new GcsEmulator();
      const fetch: Transport = async (url, init) => {
        const isQuestion = /^bytes \*\/\*/.test(
          new Headers(init.headers).get("content-range") ?? "",
        );
        const said = await gcs.fetch(url, init);
        if (said.status !== 200) return said;
        if (!isQuestion) return reply();
        return Response.json({ ...await said.json(), ...(size !== undefined && { size }) });
      };
      const here = setup({ transport: gcs.fetch, fetch });
      const [url, asked] = await request(here);
      const response = await ask(here, url, asked);
      await response.body?.cancel();
      assertEquals(response.ok ? "success" : "no success", expected, `${response.status}`);
      assertEquals(gcs.get("my-bucket", "a")?.size, BYTES.length, "the object is there");
    });
  }
}
