// tus in front of the worker as it is deployed, in workerd: the client's own package, and what the server itself must hold.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { difference } from "../e2e/support.ts";
import { endAfterAll, type Place, rule, ticketFor } from "../worker/support/rules.ts";
import { patch, told, tus } from "../proxy/tus_support.ts";
import { startBrowser } from "../page/remote.ts";
import { sample } from "./link.ts";
import { ignore, runTus, type TusJob, VERSIONS, versions } from "./tus_client.ts";
import { runInPage, withTusPage } from "./tus_page.ts";

endAfterAll();

const Q = 262_144;
const only = ["workerd"] as const;
const settings = { MAX_CHUNK_BYTES: String(8 * 1024 * 1024) };

const at = ({ worker, ticket }: Place) => ({ proxy: worker.origin, bucket: "bucket", ticket });
const endpointOf = ({ worker }: Place) => `${worker.origin}/upload/storage/v1/b/bucket/o`;

const jobs: readonly [rule: string, job: TusJob][] = [
  ["a buffer in one request", { size: 3_000_000 }],
  ["chunks of a quantum", { size: 700_000, options: { chunkSize: Q } }],
  ["chunks that are no multiple of a quantum", {
    size: 1_000_000,
    options: { chunkSize: 400_000 },
  }],
  ["bytes that come with the creation", {
    size: 700_000,
    options: { uploadDataDuringCreation: true, chunkSize: 300_000 },
  }],
  ["no bytes at all", { size: 0 }],
  ["a stream of unknown size", {
    size: 1_000_000,
    source: "stream",
    options: { uploadLengthDeferred: true, chunkSize: 300_000 },
  }],
  ["aborted, and resumed by its URL", {
    size: 4 * Q + 5,
    options: { chunkSize: Q },
    abortAfter: 2 * Q,
    then: "resume",
  }],
];

for (const version of versions) {
  for (const [what, job] of jobs) {
    rule(`${VERSIONS[version]}: ${what}`, async (place) => {
      const said = await runTus(version, at(place), job);
      assertMatch(said, /^(?:aborted, )?success$/);
      const [object, ...others] = place.upstream.gcs.objects;
      assertEquals([object.name, object.contentType, others.length], [
        "a photo.png",
        "image/png",
        0,
      ]);
      assertEquals(difference(object.bytes!, sample(job.size)), -1);
      // Google gets lengths, never chunks.
      for (const { headers } of place.upstream.requests) {
        assertEquals(headers.has("transfer-encoding"), false);
      }
    }, { only, settings, ignore });
  }

  rule(
    `${VERSIONS[version]} in Chromium: a file goes on after the page was loaded again`,
    (place) =>
      withTusPage(version, async (origin) => {
        const worker = await place.start({ ALLOWED_ORIGINS: origin });
        await using browser = await startBrowser();
        await using visitor = await browser.visitor();
        const page = await visitor.open(origin);
        const link = { proxy: worker.origin, bucket: "bucket", ticket: place.ticket };
        const size = 4 * Q + 5;
        assertEquals(await runInPage(page, link, { size, abortAt: 2 * Q }), "aborted");
        await page.call("reload");
        assertEquals(await runInPage(page, link, { size, again: true }), "success");
        const object = place.upstream.gcs.get("bucket", "a photo.png");
        assertEquals(difference(object!.bytes!, sample(size)), -1);
        const starts = place.upstream.gcs.requests.filter(({ kind }) => kind === "initiate");
        assertEquals(starts.length, 1);
      }),
    { only, settings, ignore },
  );

  rule(`${VERSIONS[version]} is told why a small chunkSize is refused`, async (place) => {
    const job = { size: 700_000, options: { chunkSize: 100_000 } };
    const said = await runTus(version, at(place), job);
    assertMatch(said, /400.*set the client's chunkSize to a multiple of 262144/);
  }, { only, settings, ignore });
}

/** A proxy that `fetch` reaches. */
const overSocket = { proxy: { fetch: (request: Request) => fetch(request) } };

/** Creates an upload and gives its URL. */
async function created(place: Place, size: number): Promise<string> {
  const ticket = await ticketFor(place.settings, { name: "object" });
  const headers = { authorization: `Bearer ${ticket}`, "upload-length": String(size) };
  const reply = await tus(overSocket, "POST", endpointOf(place), { headers });
  assertEquals(await told(reply), "201 at 0");
  return reply.headers.get("location")!;
}

rule(
  "a body without a Content-Length goes on in whole segments, and its end finishes the upload",
  async (place) => {
    const bytes = sample(20 * Q + 5);
    const url = await created(place, bytes.length);
    assertEquals(
      await told(await patch(overSocket, url, 0, new Blob([bytes]).stream())),
      `204 at ${bytes.length}`,
    );
    assertEquals(difference(place.upstream.gcs.get("bucket", "object")!.bytes!, bytes), -1);
    const puts = place.upstream.requests.slice(1);
    assertEquals(
      puts.map(({ headers }) => headers.get("content-range")),
      [`bytes 0-${16 * Q - 1}/*`, `bytes ${16 * Q}-${bytes.length - 1}/${bytes.length}`],
    );
  },
  { settings },
);

for (const framing of ["a length", "a length whose end is not passed on", "chunks"] as const) {
  rule(
    `a client that goes away in the middle, with ${framing}, makes no object, and goes on from what is stored`,
    async (place) => {
      const bytes = sample(3 * Q);
      const url = await created(place, bytes.length);
      const client = await place.connect();
      const half = bytes.subarray(0, 2 * Q + 100);
      await client.head("PATCH", url, {
        "tus-resumable": "1.0.0",
        "content-type": "application/offset+octet-stream",
        "upload-offset": "0",
        ...(framing === "chunks"
          ? { "transfer-encoding": "chunked" }
          : { "content-length": String(framing === "a length" ? bytes.length : 2 * Q + 200) }),
      });
      await (framing === "chunks" ? client.writeChunk(half) : client.write(half));
      if (framing !== "chunks") {
        await place.upstream.until(() => place.upstream.requests.some(({ bytes }) => bytes >= Q));
      }
      client.leave();
      let offset = "";
      for (let attempt = 0; attempt < 50 && !offset.startsWith("204"); attempt++) {
        const status = await tus(overSocket, "HEAD", url);
        const at = Number(status.headers.get("upload-offset"));
        assert(at <= 2 * Q && at % Q === 0, `stored: ${at}`);
        offset = await told(await patch(overSocket, url, at, bytes.subarray(at)));
      }
      assertEquals(offset, `204 at ${bytes.length}`);
      assertEquals(difference(place.upstream.gcs.get("bucket", "object")!.bytes!, bytes), -1);
    },
    { settings },
  );
}
