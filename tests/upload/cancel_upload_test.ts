// `cancelUpload()` ends a session with one request, and a session that is gone is as good as cancelled.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  cancelUpload,
  type Checkpoint,
  ResumableUpload,
  type Transport,
  upload,
  UPLOAD_CHUNK_SIZE as U,
  UploadError,
} from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { patterned } from "../support/bytes.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { scripted, SESSION_URL } from "../support/scripted.ts";

const URL = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable";
const DATA = patterned(2 * U + 5);

/** A session with one chunk, whose process ended. */
async function left(): Promise<{ gcs: GcsEmulator; checkpoint: Checkpoint }> {
  const gcs = new GcsEmulator();
  const upload = new ResumableUpload(URL, U);
  await upload.initiate(gcs.fetch, new Blob([DATA]), { name: "a" }, "a/b");
  await upload.transmitNextChunk(gcs.fetch);
  return { gcs, checkpoint: JSON.parse(JSON.stringify(upload.checkpoint())) };
}

for (
  const [what, of] of [
    ["a checkpoint", (checkpoint: Checkpoint) => checkpoint],
    ["a session URL", ({ sessionUrl }: Checkpoint) => sessionUrl],
  ] as const
) {
  Deno.test(`${what}: the session is cancelled with one request, without its source`, async () => {
    const { gcs, checkpoint } = await left();
    await cancelUpload(of(checkpoint), { transport: gcs.fetch });
    assertEquals(gcs.sessions.map(({ phase }) => phase), ["cancelled"]);
    assertEquals(gcs.requests.slice(2).map(({ method, kind }) => [method, kind]), [
      ["DELETE", "cancel"],
    ]);
    const again = upload(new Blob([DATA]), { checkpoint, transport: gcs.fetch });
    assertEquals((await assertRejects(() => again, UploadError)).code, "session_cancelled");
  });

  Deno.test(`${what}: a session that is gone, or cancelled already, is as good as cancelled`, async () => {
    const { gcs, checkpoint } = await left();
    const options = { transport: gcs.fetch };
    await cancelUpload(of(checkpoint), options);
    await cancelUpload(of(checkpoint), options);
    for (const status of [200, 204, 404, 410, 499]) {
      const answer = new Response(null, { status });
      await cancelUpload(of(checkpoint), { transport: () => Promise.resolve(answer) });
    }
  });

  Deno.test(`${what}: failures that may pass are retried, others are not`, async () => {
    const { gcs, checkpoint } = await left();
    gcs.inject({ on: "cancel", status: 503 }, { on: "cancel", drop: "before" });
    const clock = fakeClock();
    await cancelUpload(of(checkpoint), { transport: gcs.fetch, retry: { clock } });
    assertEquals(clock.sleeps, [1000, 2000]);
    for (const retry of [null, false, { maxAttempts: 1 }] as const) {
      const { transport, seen } = scripted(new Response(null, { status: 503 }));
      const running = cancelUpload(of(checkpoint), { transport, retry });
      assertEquals((await assertRejects(() => running, UploadError)).code, "unavailable");
      assertEquals(seen.length, 1);
    }
    const { transport, seen } = scripted(new Response(null, { status: 403 }));
    const running = cancelUpload(of(checkpoint), { transport, retry: { clock } });
    assertEquals((await assertRejects(() => running, UploadError)).status, 403);
    assertEquals(seen.length, 1);
  });

  Deno.test(`${what}: headers are sent, credentials among them are not`, async () => {
    const { checkpoint } = await left();
    const { transport, seen } = scripted(new Response(null, { status: 499 }));
    const headers = { authorization: "Bearer T", cookie: "a=1", "x-custom": "1" };
    await cancelUpload(of(checkpoint), { transport, headers });
    assertEquals(seen[0].headers.get("x-custom"), "1");
    assertEquals([seen[0].headers.has("authorization"), seen[0].headers.has("cookie")], [
      false,
      false,
    ]);
  });

  Deno.test(`${what}: an abort is heard, before the request and during it`, async () => {
    const { checkpoint } = await left();
    const reason = new Error("enough");
    const { transport, seen } = scripted();
    const signal = AbortSignal.abort(reason);
    const before = cancelUpload(of(checkpoint), { transport, signal });
    assertStrictEquals(await assertRejects(() => before), reason);
    assertEquals(seen.length, 0);
    const abort = new AbortController();
    const deaf: Transport = () => {
      queueMicrotask(() => abort.abort(reason));
      return new Promise(() => {});
    };
    const during = cancelUpload(of(checkpoint), { transport: deaf, signal: abort.signal });
    assertStrictEquals(await assertRejects(() => during), reason);
  });
}

Deno.test("a finished object is not touched", async () => {
  const gcs = new GcsEmulator();
  let checkpoint: Checkpoint | undefined;
  await upload(DATA, {
    bucket: "my-bucket",
    name: "a",
    transport: gcs.fetch,
    onCheckpoint: (now) => void (checkpoint = now),
  });
  await cancelUpload(checkpoint!, { transport: gcs.fetch }).catch(() => {});
  assertEquals(gcs.get("my-bucket", "a")?.bytes, DATA);
});

Deno.test("what is no session is refused before any request, and not shown", async () => {
  const { checkpoint } = await left();
  const wrong: [value: unknown, type: typeof TypeError | typeof UploadError][] = [
    [undefined, Error as typeof TypeError],
    [null, Error as typeof TypeError],
    [5, Error as typeof TypeError],
    ["", TypeError],
    ["upload_id=SECRET", TypeError],
    ["ftp://a.example/?upload_id=SECRET", TypeError],
    ["https://user:SECRET@a.example/?upload_id=1", TypeError],
    // A DELETE of these would be one of something else.
    ["https://storage.googleapis.com/storage/v1/b/my-bucket/o/SECRET", TypeError],
    [URL, TypeError],
    [{ ...checkpoint, version: 2 }, UploadError],
    [{ ...checkpoint, sessionUrl: "SECRET" }, UploadError],
    [{}, UploadError],
  ];
  for (const [value, type] of wrong) {
    const { transport, seen } = scripted();
    const error = await assertRejects(
      async () => await cancelUpload(value as string, { transport }),
      type,
    );
    assertEquals(seen.length, 0, String(error));
    assert(!Deno.inspect(error).includes("SECRET"), Deno.inspect(error));
  }
});

Deno.test("wrong options are refused before any request", async () => {
  for (
    const options of [
      { mistaken: 1 },
      { retry: { mistaken: 1 } },
      { transport: "fetch" },
      { headers: { "content-length": "0" } },
    ]
  ) {
    const { transport, seen } = scripted();
    const all = { transport, ...options } as Record<string, unknown>;
    await assertRejects(async () => await cancelUpload(SESSION_URL, all), TypeError);
    assertEquals(seen.length, 0);
  }
});
