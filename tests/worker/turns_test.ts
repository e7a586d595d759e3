// A client that has lost its connection comes back on another one, while the old request hangs: in every runtime the new one wins.

import { assert, assertEquals } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, type Place, rule, startSession } from "./support/rules.ts";
import { OLDEST_DATE } from "../support/worker_process.ts";

endAfterAll();

/** More than a segment of 4 MiB, which is what some fronts collect of a body without a length before they send it on. */
const U = 262_144, SIZE = 20 * U + 5;

/** How a front brings bytes, and asks how many are stored. */
const FRONTS = {
  "Content-Range": {
    bytes: (from: number) => ["PUT", { "content-range": `bytes ${from}-${SIZE - 1}/${SIZE}` }],
    question: undefined,
  },
  "X-Goog-Upload": {
    bytes: (from: number) => [
      "POST",
      { "x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": `${from}` },
    ],
    question: undefined,
  },
  tus: {
    bytes: (from: number) => ["PATCH", {
      "tus-resumable": "1.0.0",
      "content-type": "application/offset+octet-stream",
      "upload-offset": `${from}`,
    }],
    question: { "tus-resumable": "1.0.0" },
  },
  "the IETF's": {
    bytes: (from: number) => ["PATCH", {
      "upload-draft-interop-version": "8",
      "upload-complete": "?1",
      "content-type": "application/partial-upload",
      "upload-offset": `${from}`,
    }],
    question: { "upload-draft-interop-version": "8" },
  },
} satisfies Record<string, {
  bytes: (from: number) => [method: string, headers: Record<string, string>];
  question: Record<string, string> | undefined;
}>;

for (const [front, { bytes, question }] of Object.entries(FRONTS)) {
  for (const framing of ["with a length", "in chunks"]) {
    const test: [name: string, test: (place: Place) => Promise<void>] = [
      `by ${front}, the request of a connection that hangs is ended, ${framing}`,
      async (place) => {
        const { upstream } = place;
        const file = pattern(SIZE);
        const session = await startSession(place, { "x-upload-content-length": `${SIZE}` });
        const old = await place.connect();
        const isChunked = framing === "in chunks";
        const [method, headers] = bytes(0);
        await old.head(method, session, {
          ...headers,
          ...(isChunked ? { "transfer-encoding": "chunked" } : { "content-length": `${SIZE}` }),
        });
        const first = file.subarray(0, 17 * U + 9);
        await (isChunked ? old.writeChunk(first) : old.write(first));
        const collects = isChunked && front !== "Content-Range";
        await upstream.until(() => {
          const { bytes = 0, end = undefined } = upstream.requests[1] ?? {};
          return collects ? end !== undefined : bytes >= 16 * U;
        });

        let from = 0;
        if (question) {
          const reply = await fetch(session, { method: "HEAD", headers: question });
          assert(reply.ok, `${reply.status}`);
          from = Number(reply.headers.get("upload-offset"));
        }
        const send = async (from: number) => {
          const [method, headers] = bytes(from);
          const reply = await fetch(session, { method, headers, body: file.slice(from) });
          await reply.body?.cancel();
          return reply;
        };
        let reply = await send(from);
        if (!reply.ok) { // what hung was stored in part
          const asked = await fetch(session, { method: "HEAD", headers: FRONTS.tus.question });
          reply = await send(Number(asked.headers.get("upload-offset")));
        }
        assert(reply.ok, `${reply.status}`);
        assertStored(place, file);
        assertEquals((await old.reply()).status, 503);
        if (!collects) assertEquals(upstream.requests[1].end, "broken");
      },
    ];
    rule(...test);
    // There a request hears of nothing that another one settles.
    if (!question || framing === "in chunks") {
      rule(...test, { only: ["workerd"], date: OLDEST_DATE });
    }
  }
}
