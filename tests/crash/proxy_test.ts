// The proxy is killed while an upload goes through it; another instance takes its place.

import { assertEquals } from "@std/assert";
import { upload } from "../../mod.ts";
import { signUploadTicket } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { chance, CHUNK, CRASHES, randomBytes, slowGoogle, start, wait } from "./support.ts";
import type { Program, SlowGoogle } from "./support.ts";
import { until } from "../support/until.ts";

const TICKET_SECRET = "a ticket secret of more than thirty-two bytes";
const KILLS = CRASHES - Math.ceil(CRASHES * 0.6);
const SIZE = 8 * CHUNK + 777;

/** A port that is free now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function startProxy(port: number, google: SlowGoogle): Program {
  const address = ["--host=127.0.0.1", `--port=${port}`];
  return start(["serve", "--quiet", "--allow-all", "--no-check", ...address, "src/worker.ts"], {
    GCS_BUCKET: "my-bucket",
    GCS_ENDPOINT: google.origin,
    GOOGLE_AUTH: "none",
    SESSION_SECRET: "nzwatX4iCNTGYQ-bg-pdF_BLLOiReja9UMTijx1jqXs",
    TICKET_SECRET,
  });
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("upload() goes on by itself when the proxy is killed and another instance starts", async () => {
  const random = chance("killing the proxy");
  await using google = await slowGoogle();
  const port = freePort();
  const grant = { subject: "tester", prefix: "" };
  const ticket = await signUploadTicket(TICKET_SECRET, grant, { expiresIn: 600 });
  let proxy = startProxy(port, google);
  let [kills, within, uploads] = [0, 0, 0];
  try {
    await until(() => listens(port), "the proxy listens");
    while (kills < KILLS) {
      const bytes = randomBytes(SIZE, random);
      const name = `object-${uploads++}`;
      let finished = false;
      const stored = upload(bytes, {
        bucket: "my-bucket",
        name,
        endpoint: `http://127.0.0.1:${port}`,
        headers: { authorization: `Bearer ${ticket}` },
        chunkSize: CHUNK,
        retry: { initialDelay: 50, maxDelay: 500, maxAttempts: 40 },
      }).finally(() => finished = true);
      stored.catch(() => {}); // awaited below
      for (let at = 0; kills < KILLS && !finished;) {
        const from = google.received();
        at += Math.floor((0.1 + 0.4 * random()) * SIZE);
        const enough = Math.min(at, SIZE - 1);
        await until(() => finished || google.received() - from >= enough, "bytes arrive");
        if (random() < 0.5) await betweenChunks(google, () => finished);
        if (finished) break;
        const { status, bodyBytes } = google.gcs.requests.at(-1)!;
        if (status === null && bodyBytes > 0) within++;
        kills++;
        await proxy[Symbol.asyncDispose]();
        await wait(random() * 100); // meanwhile nobody is there
        proxy = startProxy(port, google);
        await until(() => listens(port), "the next proxy listens");
      }
      assertEquals((await stored).size, String(SIZE));
      assertEquals(difference(google.gcs.get("my-bucket", name)!.bytes!, bytes), -1);
    }
    assertEquals(google.gcs.sessions.length, uploads, "no upload began anew");
    console.log(`${kills} proxies killed, ${within} of them within a request; ${uploads} uploads`);
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
});

/** Waits until Google is not at work on anything, if that comes soon. */
async function betweenChunks(google: SlowGoogle, finished: () => boolean): Promise<void> {
  const late = Date.now() + 200;
  await until(
    () => finished() || Date.now() > late || google.gcs.requests.at(-1)?.status !== null,
    "a reply",
  );
}
