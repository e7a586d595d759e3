// X-Goog-Upload in front of the worker as it is deployed, with Cloud Storage and Gemini behind it, over sockets.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { geminiFile, upload, xGoogUpload } from "../../mod.ts";
import { difference, pattern } from "../e2e/support.ts";
import { command, said } from "../proxy/x_goog_support.ts";
import { endAfterAll, type Place, rule, ticketFor } from "./support/rules.ts";
import type { ServerProcess } from "../support/server_process.ts";

endAfterAll();

const Q = 262_144, G = 8 * 1024 * 1024;
const KEY = "the-key-of-the-gemini-api";

/** A worker with both backends, and a ticket for each. */
interface Both {
  readonly worker: ServerProcess;
  readonly gemini: string;
  readonly geminiTicket: string;
  readonly storage: string;
}

async function both(place: Place, more: Record<string, string> = {}): Promise<Both> {
  const { upstream, settings } = place;
  const worker = await place.start({
    GEMINI_API_KEY: KEY,
    GEMINI_ENDPOINT: upstream.origin,
    ...more,
  });
  return {
    worker,
    gemini: `${worker.origin}/upload/v1beta/files`,
    geminiTicket: await ticketFor(settings, { backend: "gemini", prefix: "" }),
    storage: `${worker.origin}/upload/storage/v1/b/bucket/o`,
  };
}

const overSocket = { proxy: { fetch: (request: Request) => fetch(request) } };

/** The URL of a new session. */
async function session(url: string, ticket: string): Promise<string> {
  const headers = { authorization: `Bearer ${ticket}`, "x-goog-upload-protocol": "resumable" };
  const reply = await command(overSocket, url, "start", { headers });
  assertEquals(await said(reply), "200 active at 0");
  return reply.headers.get("x-goog-upload-url")!;
}

rule(
  "a file goes to Gemini byte for byte; the key goes with the start only, and bytes with their length",
  async (place) => {
    const { gemini, geminiTicket, worker } = await both(place);
    const bytes = pattern(G + 1000);
    const { file } = await upload(new Blob([bytes], { type: "application/pdf" }), {
      url: gemini,
      protocol: xGoogUpload,
      resource: geminiFile,
      metadata: { file: { displayName: "paper" } },
      chunkSize: G,
      headers: { "x-goog-api-key": geminiTicket }, // as Google's client sends it
    });
    const [stored] = place.upstream.gcs.uploads;
    assertEquals([stored.id, file.displayName], [file.name, "paper"]);
    assertEquals(difference(stored.bytes!, bytes), -1);
    const { requests } = place.upstream;
    assertEquals(
      requests.map(({ headers }) => [
        headers.get("x-goog-api-key"),
        headers.get("x-goog-upload-command"),
        headers.get("transfer-encoding"),
      ]),
      [
        [KEY, "start", null],
        [null, "upload", null],
        [null, "query", null],
        [null, "upload, finalize", null],
      ],
    );
    assertEquals(requests.slice(1).map(({ headers }) => headers.get("content-length")), [
      String(G),
      "0",
      "1000",
    ]);
    assert(!worker.log.includes(KEY) && !worker.log.includes(geminiTicket));
  },
);

rule("an object goes to Cloud Storage, in the same words", async (place) => {
  const bytes = pattern(3 * Q + 5);
  await upload(new Blob([bytes]), {
    url: `${place.worker.origin}/upload/storage/v1/b/bucket/o?name=object`,
    protocol: xGoogUpload,
    chunkSize: Q,
    headers: { authorization: `Bearer ${place.ticket}` },
  });
  assertEquals(difference(place.upstream.gcs.get("bucket", "object")!.bytes!, bytes), -1);
});

rule(
  "a body without a length is stored as far as 8 MiB go, and no success is said of the rest",
  async (place) => {
    const { gemini, geminiTicket } = await both(place);
    const bytes = pattern(G + 500);
    const url = await session(gemini, geminiTicket);
    const chunked = { offset: 0, body: bytes, isChunked: true };
    assertMatch(
      await said(await command(overSocket, url, "upload", chunked)),
      /^400 active at 8388608: Expected a multiple/,
    );
    const rest = { offset: G, body: bytes.subarray(G), isChunked: true };
    assertEquals(
      await said(await command(overSocket, url, "upload, finalize", rest)),
      `200 final at ${G + 500}`,
    );
    assertEquals(difference(place.upstream.gcs.uploads[0].bytes!, bytes), -1);
  },
);

for (const framing of ["a length", "chunks"] as const) {
  rule(
    `a client that goes away in its last bytes, with ${framing}, makes no file of a part of them, and can go on`,
    async (place) => {
      const { gemini, geminiTicket, worker } = await both(place);
      const bytes = pattern(3 * Q);
      const url = await session(gemini, geminiTicket);
      const client = await place.connect(worker.origin);
      await client.head("POST", url, {
        "x-goog-upload-command": "upload, finalize",
        "x-goog-upload-offset": "0",
        ...(framing === "chunks"
          ? { "transfer-encoding": "chunked" }
          : { "content-length": String(bytes.length) }),
      });
      const half = bytes.subarray(0, 2 * Q);
      await (framing === "chunks" ? client.writeChunk(half) : client.write(half));
      if (framing !== "chunks") {
        await place.upstream.until(() => place.upstream.requests.some(({ bytes }) => bytes >= Q));
      }
      client.leave();
      let told = "";
      for (let attempt = 0; attempt < 50 && !told.startsWith("200 final"); attempt++) {
        const query = await command(overSocket, url, "query");
        const at = Number(query.headers.get("x-goog-upload-size-received"));
        assertEquals(await said(query), `200 active at ${at}`);
        assert(at <= 2 * Q, `stored: ${at}`);
        const rest = { offset: at, body: bytes.subarray(at) };
        told = await said(await command(overSocket, url, "upload, finalize", rest));
      }
      assertEquals(told, `200 final at ${bytes.length}`);
      const { uploads } = place.upstream.gcs;
      assertEquals(uploads.map(({ bytes: stored }) => difference(stored!, bytes)), [-1]);
    },
  );
}

rule("Gemini can be the only backend", async (place) => {
  const { gemini, geminiTicket, storage } = await both(place, {
    GCS_ENDPOINT: "",
    GCS_BUCKET: "",
  });
  const url = await session(gemini, geminiTicket);
  const last = { offset: 0, body: pattern(5) };
  assertEquals(
    await said(await command(overSocket, url, "upload, finalize", last)),
    "200 final at 5",
  );
  const reply = await fetch(`${storage}?uploadType=media&name=a`, { method: "POST", body: "x" });
  await reply.body?.cancel();
  assertEquals(reply.status, 404);
}, { only: ["workerd", "deno"] });
