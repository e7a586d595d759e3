// The IETF's resumable uploads before Gemini Files, whose multiples are of 8 MiB.

import { assertEquals, assertMatch } from "@std/assert";
import { difference } from "../e2e/support.ts";
import { bearer } from "./support.ts";
import { send } from "./resumable_http_support.ts";
import { G, GEMINI, geminiSetup, sample } from "./x_goog_support.ts";

const PARTIAL = { "content-type": "application/partial-upload" };

async function creation(context: ReturnType<typeof geminiSetup>): Promise<Response> {
  const authorization = await bearer({ backend: "gemini", name: "paper" });
  return await send(context, "POST", GEMINI, false, { headers: { authorization } });
}

Deno.test("a creation says what a request to Gemini has at least, and appends make the file", async () => {
  const context = geminiSetup();
  const bytes = sample(G + 5);
  const created = await creation(context);
  assertEquals(created.status, 201);
  assertMatch(created.headers.get("upload-limit")!, /min-append-size=8388608/);
  const url = created.headers.get("location")!;
  const append = (offset: number, isComplete: boolean, body: Uint8Array<ArrayBuffer>) =>
    send(context, "PATCH", url, isComplete, {
      headers: { ...PARTIAL, "upload-offset": String(offset) },
      body,
    });
  assertEquals((await append(0, false, bytes.subarray(0, 262_144))).status, 400);
  const first = await append(0, false, bytes.subarray(0, G + 3));
  assertEquals(first.headers.get("upload-offset"), String(G));
  const last = await append(G, true, bytes.subarray(G));
  assertEquals([last.status, last.headers.get("upload-complete")], [200, "?1"]);
  assertEquals((await last.json()).file.sizeBytes, String(G + 5));
  assertEquals(difference(context.gcs.uploads[0].bytes!, bytes), -1);
});
