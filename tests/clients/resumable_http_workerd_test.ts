// The IETF's resumable uploads in front of the worker as it is deployed: a client written from the drafts, and what the
// servers themselves must hold.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { difference } from "../e2e/support.ts";
import { append, offsetOf, Q, sample, send, told } from "../proxy/resumable_http_support.ts";
import { type DraftOptions, uploadByDraft } from "../support/draft_client.ts";
import { endAfterAll, type Place, rule, ticketFor } from "../worker/support/rules.ts";

endAfterAll();

const settings = { MAX_CHUNK_BYTES: String(8 * 1024 * 1024) };
const endpointOf = ({ worker }: Place) => `${worker.origin}/upload/storage/v1/b/bucket/o`;

/** A proxy that `fetch` reaches. */
const overSocket = { proxy: { fetch: (request: Request) => fetch(request) } };

async function authorizationOf(place: Place): Promise<string> {
  return `Bearer ${await ticketFor(place.settings, { name: "object" })}`;
}

function assertStored({ upstream, runtime }: Place, bytes: Uint8Array): void {
  const [object, ...others] = upstream.gcs.objects;
  assertEquals([object?.name, others.length], ["object", 0]);
  assertEquals(difference(object.bytes!, bytes), -1);
  if (runtime !== "workerd") return;
  // Google gets lengths, never chunks.
  for (const { headers } of upstream.requests) {
    assertEquals(headers.has("transfer-encoding"), false);
  }
}

const uploads: readonly [what: string, size: number, options: Partial<DraftOptions>][] = [
  ["all bytes in one request", 3_000_000, { first: "all" }],
  ["no bytes at all", 0, { first: "all" }],
  ["an empty creation, and as much as the limit allows", 20_000_000, {}],
  ["chunks that are no multiple of a quantum", 1_000_000, { sizes: [400_000] }],
  ["a client that counts its bytes itself", 1_000_000, { sizes: [400_000], countsItself: true }],
  ["an end of its own, and no length before it", 2 * Q, {
    sizes: [Q],
    saysLength: false,
    endsApart: true,
  }],
  ["the first bytes with the creation", 700_000, { first: "a part", sizes: [300_000] }],
  ["version 6, chunks that are no multiple of a quantum", 1_000_000, {
    version: 6,
    sizes: [400_000],
  }],
  ["version 3, all bytes in one request", 700_000, { version: 3, first: "all" }],
];

for (const [what, size, options] of uploads) {
  rule(`a client of the draft: ${what}`, async (place) => {
    const said = await uploadByDraft(fetch as typeof fetch, sample(size), {
      endpoint: endpointOf(place),
      headers: { authorization: await authorizationOf(place) },
      ...options,
    });
    assertEquals([said.status, said.isComplete], [options.version ? 201 : 200, true]);
    assertEquals(JSON.parse(said.text).size, String(size));
    assertStored(place, sample(size));
  }, { settings, only: what.startsWith("all") ? ["workerd", "deno", "bun"] : ["workerd"] });
}

/** The URL of a new upload. */
async function created(place: Place, size: number): Promise<string> {
  const headers = {
    authorization: await authorizationOf(place),
    "upload-length": String(size),
  };
  const reply = await send(overSocket, "POST", endpointOf(place), false, { headers });
  assertMatch(reply.headers.get("upload-limit")!, /min-append-size=262144/);
  assertEquals(await told(reply), "201 at 0");
  return reply.headers.get("location")!;
}

rule(
  "a body without a Content-Length goes on in whole segments, and its end finishes the upload",
  async (place) => {
    const bytes = sample(20 * Q + 5);
    const url = await created(place, bytes.length);
    assertEquals(
      await told(await append(overSocket, url, 0, true, new Blob([bytes]).stream())),
      `200 at ${bytes.length} complete`,
    );
    assertStored(place, bytes);
  },
  { settings },
);

for (const framing of ["a length", "chunks"] as const) {
  rule(
    `a client that goes away in the middle, with ${framing}, makes no object, and goes on from what is stored`,
    async (place) => {
      const bytes = sample(3 * Q);
      const url = await created(place, bytes.length);
      const client = await place.connect();
      const part = bytes.subarray(0, 2 * Q + 100);
      await client.head("PATCH", url, {
        "upload-draft-interop-version": "8",
        "upload-complete": "?1",
        "content-type": "application/partial-upload",
        "upload-offset": "0",
        ...(framing === "chunks"
          ? { "transfer-encoding": "chunked" }
          : { "content-length": String(bytes.length) }),
      });
      await (framing === "chunks" ? client.writeChunk(part) : client.write(part));
      if (framing !== "chunks") {
        await place.upstream.until(() => place.upstream.requests.some(({ bytes }) => bytes >= Q));
      }
      client.leave();
      let said = "";
      for (let attempt = 0; attempt < 50 && !said.startsWith("200"); attempt++) {
        const at = Number((await offsetOf(overSocket, url)).split(" ")[2]);
        assert(at <= 2 * Q && at % Q === 0, `stored: ${at}`);
        said = await told(await append(overSocket, url, at, true, bytes.subarray(at)));
      }
      assertEquals(said, `200 at ${bytes.length} complete`);
      assertStored(place, bytes);
    },
    { settings },
  );
}
