// An upload arrives once and whole although requests fail, and without retries the caller has the loop in hand.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  DataCorruption,
  InvalidResponse,
  ResumableUpload,
  type RetryOptions,
  type Transport,
  UPLOAD_CHUNK_SIZE,
  UploadError,
  type UploadProgress,
} from "../../mod.ts";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { asyncPieces, defaultStream, patterned, pieces } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { type Answer, finished, scripted, started, stored } from "../support/scripted.ts";

const U = UPLOAD_CHUNK_SIZE;
const URL = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable";
const SIZE = 5 * U + 7, CHUNK = 2 * U;
const DATA = patterned(SIZE);
const unavailable = (headers = {}) => new Response("", { status: 503, headers });
const GAP = () =>
  new Response(
    "Invalid request.  According to the Content-Range header, the upload offset is 4 byte(s), …",
    {
      status: 503,
      headers: { "content-type": "text/plain; charset=utf-8" },
    },
  );

/** A started upload against scripted answers. */
async function begin(retry: RetryOptions | null, size: number, ...answers: Answer[]) {
  const script = scripted(started(), ...answers);
  const upload = new ResumableUpload(URL, U, { retry });
  await upload.initiate(script.transport, patterned(size), { name: "a" }, "text/plain");
  const ranges = () => script.seen.slice(1).map(({ headers }) => headers.get("content-range"));
  return {
    upload,
    ranges,
    send: () => upload.transmitNextChunk(script.transport),
    recover: () => upload.recover(script.transport),
  };
}

const sources = {
  "a Blob": () => new Blob([DATA]),
  "a stream": () => defaultStream(pieces(DATA, 100_000)),
  "an iterable": () => asyncPieces(pieces(DATA, 300_000, 1)),
};

const faults: [rule: string, ...Fault[]][] = [
  ["the connection breaks before the first chunk", { on: "chunk", drop: "before" }],
  ["the connection breaks in the first chunk, after one quantum", { on: "chunk", cut: U + 5 }],
  ["the connection breaks in the first chunk, before one quantum", { on: "chunk", cut: 5 }],
  ["the reply to the first chunk is lost", { on: "chunk", drop: "after" }],
  ["the reply to the second chunk is lost", { on: "chunk", skip: 1, drop: "after" }],
  ["the last chunk never arrives", { on: "final", drop: "before" }],
  ["the last chunk breaks off", { on: "final", cut: U + 1 }],
  ["the reply to the last chunk is lost", { on: "final", drop: "after" }],
  ["the server is out of order, and a status query too", { on: "chunk", status: 503 }, {
    on: "status",
    status: 500,
    times: 2,
  }],
  ["the server keeps a part and answers 503", { on: "chunk", status: 503, afterBytes: U }],
  ["the reply to the last chunk is lost, and then the one to the status query", {
    on: "final",
    drop: "after",
  }, { on: "status", drop: "after" }],
  ["408", { on: "chunk", status: 408 }],
  ["429 with Retry-After", {
    on: ["chunk", "final"],
    skip: 1,
    status: 429,
    headers: { "retry-after": "7" },
  }],
  ["the start fails twice", { on: "initiate", status: 503 }, { on: "initiate", drop: "after" }],
  ["every third request breaks", { on: ["chunk", "final", "status"], skip: 2, drop: "after" }, {
    on: ["chunk", "final", "status"],
    skip: 4,
    drop: "before",
  }],
];

for (const [rule, ...injected] of faults) {
  for (const [kind, source] of Object.entries(sources)) {
    Deno.test(`${kind} arrives once, byte for byte, although ${rule}`, async () => {
      const emulator = new GcsEmulator();
      emulator.inject(...injected);
      const reports: UploadProgress[] = [];
      const clock = fakeClock();
      const upload = new ResumableUpload(URL, CHUNK, {
        retry: { clock },
        onProgress: (progress) => void reports.push(progress),
      });
      await upload.initiate(emulator.fetch, source(), { name: "a" }, "text/plain");
      while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
      assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
      assertEquals(emulator.get("my-bucket", "a")?.resource.metageneration, "1");
      assert(clock.sleeps.length > 0, "the fault did not happen");
      reports.reduce((before, now) => {
        assert(now.sent >= before.sent && now.persisted >= before.persisted, "progress went down");
        assert(now.persisted <= now.sent && now.sent <= SIZE, "more than there is");
        return now;
      });
      assertEquals(reports.at(-1), { sent: SIZE, persisted: SIZE, total: SIZE, resumedFrom: 0 });
      // After a failure of a chunk, the next request asks.
      const kinds = emulator.requests.filter(({ kind }) => kind !== "initiate");
      kinds.forEach((request, i) => {
        if (request.fault && request.kind !== "status") assertEquals(kinds[i + 1].kind, "status");
      });
    });
  }
}

Deno.test("retry null gives the manual loop: a failed chunk throws, invalid is true, recover makes it valid", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ on: "chunk", cut: U + 5 }, { on: "final", drop: "after" });
  const upload = new ResumableUpload(URL, CHUNK, { retry: null });
  await upload.initiate(
    emulator.fetch,
    defaultStream(pieces(DATA, 99_999)),
    { name: "a" },
    "text/plain",
  );

  const lost = await assertRejects(() => upload.transmitNextChunk(emulator.fetch), UploadError);
  assertEquals([lost.code, upload.invalid, upload.bytesUploaded], ["transport_failed", true, 0]);
  const refused = await assertRejects(
    () => upload.transmitNextChunk(emulator.fetch),
    UploadError,
    "call recover()",
  );
  assertEquals(refused.code, "invalid_state");
  assertEquals((await upload.recover(emulator.fetch)).status, 308);
  assertEquals([upload.invalid, upload.bytesUploaded], [false, U]);
  await upload.transmitNextChunk(emulator.fetch);
  await upload.transmitNextChunk(emulator.fetch);
  await assertRejects(() => upload.transmitNextChunk(emulator.fetch), UploadError);
  assertEquals((await upload.recover(emulator.fetch)).status, 200);
  assertEquals([upload.finished, upload.invalid, upload.bytesUploaded], [true, false, SIZE]);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("recover works on an upload that is valid, too", async () => {
  const { upload, recover, send } = await begin(
    null,
    U + 5,
    stored(0),
    stored(U),
    stored(U),
    finished(),
  );
  await recover();
  await send();
  await recover();
  await send();
  assertEquals(upload.finished, true);
});

const manual: [rule: string, answer: Answer, code: string, type: string][] = [
  [
    "a 308 with a malformed Range",
    stored(0, { range: "bytes 0-5" }),
    "invalid_response",
    "InvalidResponse",
  ],
  ["a 308 with more than was sent", stored(U + 1), "invalid_response", "InvalidResponse"],
  ["404", new Response("", { status: 404 }), "session_gone", "InvalidResponse"],
  ["410", new Response("", { status: 410 }), "session_gone", "InvalidResponse"],
  ["499", new Response("", { status: 499 }), "session_cancelled", "InvalidResponse"],
  ["412", new Response("", { status: 412 }), "precondition_failed", "InvalidResponse"],
  ["an empty 304", new Response(null, { status: 304 }), "precondition_failed", "InvalidResponse"],
  ["400", new Response("", { status: 400 }), "rejected", "InvalidResponse"],
  ["503", unavailable(), "unavailable", "InvalidResponse"],
  ["a gap", GAP(), "invalid_response", "InvalidResponse"],
  ["a transport failure", new TypeError("reset"), "transport_failed", "UploadError"],
  [
    "a finished object before all was sent",
    finished({ size: String(U) }),
    "data_corruption",
    "DataCorruption",
  ],
  ["a page", new Response("<html>log in"), "invalid_response", "InvalidResponse"],
  [
    "another running hash",
    stored(U, { "x-goog-running-hash": "crc32c=AAAAAA==" }),
    "data_corruption",
    "DataCorruption",
  ],
];
for (const [rule, answer, code, type] of manual) {
  Deno.test(`${rule} on a chunk has code ${code}, and leaves the upload invalid`, async () => {
    const { upload, send } = await begin(null, U + 5, answer);
    const error = await assertRejects(send, UploadError);
    assertEquals([error.name, error.code, upload.invalid, upload.finished], [
      type,
      code,
      true,
      false,
    ]);
    if (error instanceof InvalidResponse || error instanceof DataCorruption) {
      assertEquals(error.response.status, (answer as Response).status);
      await error.response.text(); // it can still be read
    }
  });
}

Deno.test("a session that is gone is not started again silently", async () => {
  const { upload, send, ranges } = await begin(
    { clock: fakeClock() },
    U + 5,
    unavailable(),
    new Response("", { status: 410 }),
  );
  assertEquals((await assertRejects(send, InvalidResponse)).code, "session_gone");
  assertEquals(ranges().length, 2);
  assertEquals(upload.invalid, true);
});

Deno.test("a 308 without Range on the first chunk means nothing is stored: the same bytes are sent again", async () => {
  const { upload, send, ranges } = await begin(
    { clock: fakeClock() },
    U + 5,
    stored(0),
    stored(0),
    stored(U),
    finished(),
  );
  await send();
  await send();
  const first = `bytes 0-${U - 1}/${U + 5}`;
  assertEquals(ranges(), [first, "bytes */*", first, `bytes ${U}-${U + 4}/${U + 5}`]);
  assertEquals(upload.finished, true);
});

Deno.test("a chunk of which nothing is stored leaves a manual loop invalid, as every failure does", async () => {
  const { upload, send, recover } = await begin(null, U + 5, stored(0), stored(0), stored(U));
  assertEquals((await assertRejects(send, InvalidResponse, "none were")).code, "invalid_response");
  assertEquals(upload.invalid, true);
  await recover();
  await send();
  assertEquals(upload.bytesUploaded, U);
});

Deno.test("a 308 without Range on a later chunk is settled by a status query", async () => {
  const { send, ranges } = await begin(
    { clock: fakeClock() },
    2 * U + 5,
    stored(U),
    stored(0),
    stored(2 * U),
    finished(),
  );
  for (let i = 0; i < 3; i++) await send();
  assertEquals(ranges()[2], "bytes */*");
});

Deno.test("a short Range means that a full chunk follows from there: what is read again is not held", async () => {
  const script = scripted(started(), stored(U), stored(2 * U), stored(4 * U), finished());
  const upload = new ResumableUpload(URL, 2 * U);
  await upload.initiate(script.transport, patterned(4 * U + 5), {}, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(script.transport);
  const sent = script.seen.slice(1);
  assertEquals(sent.map(({ headers }) => headers.get("content-range")!.split("/")[0]), [
    `bytes 0-${2 * U - 1}`,
    `bytes ${U}-${3 * U - 1}`,
    `bytes ${2 * U}-${4 * U - 1}`,
    `bytes ${4 * U}-${4 * U + 4}`,
  ]);
  assertEquals(sent[1].body, patterned(4 * U + 5).subarray(U, 3 * U));
});

Deno.test("a short Range of a stream's chunk is followed by the rest of that chunk, which is all that is held", async () => {
  const script = scripted(started(), stored(U), stored(2 * U), stored(4 * U), finished());
  const upload = new ResumableUpload(URL, 2 * U);
  const data = patterned(4 * U + 5);
  await upload.initiate(script.transport, defaultStream(pieces(data, 99_999)), {}, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(script.transport);
  const sent = script.seen.slice(1);
  assertEquals(sent.map(({ headers }) => headers.get("content-range")!.split("/")[0]), [
    `bytes 0-${2 * U - 1}`,
    `bytes ${U}-${2 * U - 1}`,
    `bytes ${2 * U}-${4 * U - 1}`,
    `bytes ${4 * U}-${4 * U + 4}`,
  ]);
  assertEquals(sent[1].body, data.subarray(U, 2 * U));
});

Deno.test("everything stored, and not finished: the upload is finished with bytes */N and the hash", async () => {
  const script = scripted(started(), stored(U + 5), finished());
  const upload = new ResumableUpload(URL, 2 * U);
  await upload.initiate(script.transport, patterned(U + 5), {}, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(script.transport);
  const last = script.seen.at(-1)!;
  assertEquals([last.headers.get("content-range"), last.body.length], [`bytes */${U + 5}`, 0]);
  assertEquals(last.headers.get("x-goog-hash"), script.seen[1].headers.get("x-goog-hash"));
});

Deno.test("a server that never finishes what it has stored is given up", async () => {
  const clock = fakeClock();
  const { upload, send } = await begin(
    { clock, maxAttempts: 3 },
    5,
    ...Array.from({ length: 6 }, () => stored(5)),
  );
  await send();
  await assertRejects(send, InvalidResponse, "none were");
  assertEquals([clock.sleeps.length, upload.finished], [2, false]);
});

Deno.test("a gap is asked about, not repeated", async () => {
  const { upload, send, ranges } = await begin(
    { clock: fakeClock() },
    U + 5,
    stored(U),
    GAP(),
    stored(U),
    finished(),
  );
  while (!upload.finished) await send();
  assertEquals(ranges()[2], "bytes */*");
});

Deno.test("a gap that stays is given up, not looped on", async () => {
  const clock = fakeClock();
  const answers = Array.from({ length: 20 }, (_, i) => i % 2 ? () => stored(0) : GAP);
  const { send } = await begin({ clock, maxAttempts: 4 }, U + 5, ...answers);
  assertEquals((await assertRejects(send, UploadError)).code, "invalid_response");
  assertEquals(clock.sleeps.length, 3);
});

Deno.test("a server that goes back behind what it confirmed is not trusted", async () => {
  const { upload, send } = await begin(
    { clock: fakeClock() },
    3 * U,
    stored(U),
    unavailable(),
    stored(0),
  );
  await send();
  assertEquals(
    (await assertRejects(send, InvalidResponse, `${U} bytes stored before, got 0`)).code,
    "invalid_response",
  );
  assertEquals(upload.bytesUploaded, U);
});

Deno.test("progress renews the attempts: a bad network is no reason to stop as long as it gets somewhere", async () => {
  const clock = fakeClock(), emulator = new GcsEmulator();
  emulator.inject({ on: ["chunk", "final"], times: Infinity, drop: "after" });
  const upload = new ResumableUpload(URL, U, { retry: { clock, maxAttempts: 2 } });
  await upload.initiate(emulator.fetch, DATA, { name: "a" }, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
  assertEquals(clock.sleeps, Array(6).fill(1000));
  assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("without progress the upload stops, says why, and can be recovered later", async () => {
  const clock = fakeClock(), emulator = new GcsEmulator();
  emulator.inject({ on: ["chunk", "status"], times: 8, drop: "before" });
  const upload = new ResumableUpload(URL, U, { retry: { clock, maxAttempts: 8 } });
  await upload.initiate(emulator.fetch, DATA, { name: "a" }, "text/plain");
  assertEquals(
    (await assertRejects(() => upload.transmitNextChunk(emulator.fetch), UploadError)).code,
    "transport_failed",
  );
  assertEquals([clock.sleeps.length, upload.invalid], [7, true]);
  await upload.recover(emulator.fetch);
  while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("an attempt that hangs is given up at its deadline, and the upload goes on", async () => {
  const clock = fakeClock(), emulator = new GcsEmulator();
  let calls = 0;
  const transport: Transport = (input, init) => {
    if (++calls !== 2) return emulator.fetch(input, init);
    queueMicrotask(() => clock.pass(61_000 + 1000 * 2 * U / 16_384));
    return new Promise(() => {});
  };
  const upload = new ResumableUpload(URL, CHUNK, { retry: { clock } });
  await upload.initiate(transport, DATA, { name: "a" }, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(transport);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
});

const own = new Error("enough");
const phases: [phase: string, on: number, source: () => Blob | ReadableStream<Uint8Array>][] = [
  ["the start", 1, () => new Blob([DATA])],
  ["the first chunk", 2, () => new Blob([DATA])],
  ["a status query", 4, () => new Blob([DATA])],
  ["a wait for the source", Infinity, () => new ReadableStream()],
];
for (const [phase, on, source] of phases) {
  Deno.test(`an abort during ${phase} is honoured at once, with the signal's own reason`, async () => {
    const emulator = new GcsEmulator();
    const abort = new AbortController();
    let calls = 0;
    const transport: Transport = (input, init) => {
      calls++;
      if (calls === 3 && on === 4) return Promise.resolve(unavailable());
      if (calls !== on) return emulator.fetch(input, init);
      queueMicrotask(() => abort.abort(own));
      return new Promise(() => {}); // a transport that does not care
    };
    const upload = new ResumableUpload(URL, U, { retry: { clock: fakeClock() } });
    const { signal } = abort;
    const running = (async () => {
      await upload.initiate(transport, source(), { name: "a" }, "text/plain", { signal });
      if (on === Infinity) queueMicrotask(() => abort.abort(own));
      while (!upload.finished) await upload.transmitNextChunk(transport, { signal });
    })();
    assertStrictEquals(await assertRejects(() => running), own);
    if (on === Infinity) return await upload.close(own);
    if (on > 1) { // the session goes on where it is
      while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
    } else {
      await upload.initiate(emulator.fetch, DATA, { name: "a" }, "text/plain");
      while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
    }
    assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
  });
}

Deno.test("an error thrown by onProgress surfaces, and the upload can go on", async () => {
  const emulator = new GcsEmulator();
  let calls = 0;
  const onProgress = () => {
    if (++calls === 2) throw own;
  };
  const upload = new ResumableUpload(URL, U, { onProgress });
  await upload.initiate(emulator.fetch, DATA, { name: "a" }, "text/plain");
  assertStrictEquals(await assertRejects(() => upload.transmitNextChunk(emulator.fetch)), own);
  while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("what was stored in part is followed by no more requests than the rest needs", async () => {
  const emulator = new GcsEmulator();
  emulator.inject({ on: "chunk", cut: U });
  const upload = new ResumableUpload(URL, CHUNK, { retry: { clock: fakeClock() } });
  const data = patterned(CHUNK + 1);
  await upload.initiate(emulator.fetch, data, { name: "a" }, "text/plain");
  while (!upload.finished) await upload.transmitNextChunk(emulator.fetch);
  assertEquals(emulator.requests.map(({ kind, contentRange }) => contentRange ?? kind), [
    "initiate",
    `bytes 0-${CHUNK - 1}/${CHUNK + 1}`,
    "bytes */*",
    `bytes ${U}-${CHUNK}/${CHUNK + 1}`,
  ]);
  assertEquals(emulator.get("my-bucket", "a")?.bytes, data);
});
