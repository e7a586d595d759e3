// What a client takes of the proxy's memory while it is slow.

import { assert, assertEquals } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { startWorkerd } from "../support/worker_process.ts";
import { bundleWorker } from "../support/example_project.ts";
import { endAfterAll, type Place, rule, startSession, theProject } from "./support/rules.ts";

endAfterAll();

const U = 262_144;

/** How many clients wait at once. */
const CLIENTS = 200;

/**
 * The most bytes of memory that a client may take which waits in the middle of a chunk: most of it is the runtime's own, for two
 * connections, and the heap of JavaScript that grows before it is cleared.
 */
const MOST = { workerd: 200 * 1024, deno: 512 * 1024, bun: 512 * 1024 };

/** Lets clients begin a chunk; each is known to wait when its first byte has reached Google. */
async function waiting(place: Place, count: number, body: Record<string, string>): Promise<void> {
  const { upstream } = place;
  const sessions: string[] = [];
  for (let i = 0; i < count; i++) sessions.push(await startSession(place));
  const begun = () => upstream.requests.filter(({ bytes }) => bytes > 0).length;
  const before = begun();
  await Promise.all(sessions.map(async (session) => {
    const client = await place.connect();
    await client.head("PUT", session, { "content-range": `bytes 0-${U - 1}/*`, ...body });
    if ("transfer-encoding" in body) await client.writeChunk(pattern(1));
    else await client.write(pattern(1));
  }));
  await upstream.until(() => begun() === before + count);
}

for (
  const [kind, body] of Object.entries({
    "with a length": { "content-length": `${U}` },
    "in chunks": { "transfer-encoding": "chunked" },
  })
) {
  rule(
    `${CLIENTS} clients that wait take a bounded amount of memory each: bodies ${kind}`,
    async (place) => {
      const { worker, runtime } = place;
      await waiting(place, 20, body);
      const before = await worker.peakMemory();
      await waiting(place, CLIENTS, body);
      const each = (await worker.peakMemory() - before) / CLIENTS;
      assert(each < MOST[runtime], `each takes ${Math.ceil(each / 1024)} KiB`);
    },
    { ignore: Deno.build.os !== "linux" },
  );
}

/** A worker in front of the proxy, in the same one, that forwards requests as if their length were another. */
const FORGING = `import worker from "./index.ts";
export default {
  fetch(request, env, context) {
    const { method, url, body } = request;
    const headers = new Headers(request.headers);
    headers.delete("transfer-encoding");
    headers.set("content-length", headers.get("x-said"));
    return worker.fetch(new Request(url, { method, headers, body }), env, context);
  },
};`;

rule(
  "a body is held to the length that its head says, though the runtime knows another or none",
  async (place) => {
    const { folder } = await theProject();
    const script = `${folder}/cloudflare/src/forging.js`, bundle = `${folder}/forging.js`;
    await Deno.writeTextFile(script, FORGING);
    await bundleWorker(folder, script, bundle);
    const settings = Object.fromEntries(Object.entries(place.settings));
    await using forging = await startWorkerd(bundle, settings);
    const session = (await startSession(place)).replace(place.worker.origin, forging.origin);
    for (const [said, sent] of [[10, 3000], [3000, 10]]) {
      const known = { "content-length": `${sent}` }, unknown = { "transfer-encoding": "chunked" };
      for (const head of [known, unknown]) {
        const client = await place.connect(forging.origin);
        await client.head("PUT", session, { ...head, "x-said": `${said}` });
        if (head === known) await client.write(pattern(sent));
        else {
          await client.writeChunk(pattern(sent));
          await client.writeChunk(new Uint8Array());
        }
        const { status } = await client.reply();
        assert(status >= 500, `${status} for ${sent} bytes instead of ${said}`);
        assertEquals(place.upstream.gcs.get("bucket", "object"), undefined);
      }
    }
  },
  { only: ["workerd"] },
);
