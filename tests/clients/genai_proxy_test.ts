// Google's client for Gemini through the worker as it is deployed: the ticket is its API key, the proxy its base URL, and
// nothing else of it is changed.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Fault } from "../../src/emulator/mod.ts";
import type { UploadGrant } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { endAfterAll, type Place, rule, ticketFor } from "../worker/support/rules.ts";
import { runGenai } from "./genai_install.ts";
import { has } from "../support/programs.ts";
import { sample } from "./link.ts";

endAfterAll();

const CHUNK = 8 * 1024 * 1024;
const KEY = "the-key-of-the-gemini-api";
const ignore = !has("node");
if (ignore) console.log("tests/clients: @google/genai is left out: there is no `node`");

/** Uploads through a worker; says what the client does. */
async function genai(place: Place, size: number, grant: UploadGrant): Promise<string> {
  const { upstream, settings } = place;
  const gemini = { GEMINI_API_KEY: KEY, GEMINI_ENDPOINT: upstream.origin };
  const { origin, ...worker } = await place.start(gemini);
  const key = await ticketFor(settings, grant);
  const said = await runGenai({ origin, size, key });
  assert(!worker.log?.includes(KEY), "the key is in the log");
  return said;
}

const grant: UploadGrant = { backend: "gemini", prefix: "", contentTypes: ["application/pdf"] };

const uploads: readonly [what: string, runtime: "workerd" | "deno", size: number, fault?: Fault][] =
  [
    ["three chunks", "workerd", 2 * CHUNK + 1],
    ["whole chunks", "deno", 2 * CHUNK],
    ["Gemini's reply to a chunk is lost", "deno", CHUNK + 1, { on: "chunk", drop: "after" }],
    ["Gemini's last reply is lost", "workerd", CHUNK + 1, { on: "final", drop: "after" }],
  ];

for (const [what, runtime, size, fault] of uploads) {
  rule(
    `@google/genai: ${what}: the file is at Gemini, once and whole, and the client says so`,
    async (place) => {
      const { gcs } = place.upstream;
      if (fault) gcs.inject(fault);
      const said = await genai(place, size, grant);
      assertEquals(said, `ok: ${size} bytes`);
      const [{ bytes, resource }] = gcs.uploads;
      assertEquals([gcs.uploads.length, difference(bytes!, sample(size))], [1, -1]);
      assertEquals((resource as Record<string, unknown>).displayName, "paper");
      const keys = place.upstream.requests.map(({ headers }) => headers.get("x-goog-api-key"));
      assertEquals([keys[0], ...new Set(keys.slice(1))], [KEY, null]);
    },
    { only: [runtime], ignore },
  );
}

rule("@google/genai is told why its upload is refused", async (place) => {
  const said = await genai(place, 1000, { ...grant, maxBytes: 999 });
  assertMatch(said, /At most 999 bytes are allowed/);
  assertEquals(place.upstream.requests.length, 0);
}, { only: ["workerd"], ignore });
